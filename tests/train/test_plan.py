"""What a run will need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.context import Machine
from modelwright.core.errors import UsageError
from modelwright.core.identity import identity
from modelwright.train import plan
from modelwright.train.settings import TrainSettings
from tests.train.made import artifact

MACHINE = Machine(2, 8 << 30, 8 << 30)


def settings(**values: Any) -> TrainSettings:
    return TrainSettings(**{"family": {"qwen3": {"size": "3M", "context": 256}}, "batch": 16, **values})


def test_a_budget_of_steps_or_tokens_is_exact() -> None:
    assert plan.steps_for(settings(budget="300 steps"), MACHINE, 4096, 0.5, 9.0) == 300
    assert plan.steps_for(settings(budget="1M tokens"), MACHINE, 4096, 0.5, 9.0) == 245


def test_time_money_and_energy_become_steps_by_the_measured_speed() -> None:
    assert plan.steps_for(settings(budget="3 min"), MACHINE, 4096, 0.5, 16.0) == 320
    assert plan.steps_for(settings(budget="$2", price_per_hour=40), MACHINE, 4096, 0.5, 16.0) == 320
    assert plan.steps_for(settings(budget="0.001 kWh", watts=20), MACHINE, 4096, 0.5, 16.0) == 320
    with pytest.raises(UsageError, match="one step takes 30"):
        plan.steps_for(settings(budget="20 s"), MACHINE, 4096, 30.0, 0.0)


def test_the_estimate_says_what_it_knows_and_on_what_basis(tokens: Path) -> None:
    found = plan.estimate(settings(budget="3 min"), {"tokens": artifact(tokens)}, MACHINE)
    assert found.seconds == 180
    assert found.money is None
    assert found.energy_kwh == pytest.approx(20 * 180 / 3.6e6)
    assert "just measured" in found.basis
    assert "20 W assumed" in found.basis
    assert found.details["parameters"] == settings().family.parameters(found.details["vocabulary"])  # type: ignore[union-attr]
    assert found.memory_bytes is not None
    assert 0.7e9 < found.memory_bytes < 8e9
    steps = plan.estimate(settings(budget="10 steps", price_per_hour=3.6), {"tokens": artifact(tokens)}, MACHINE)
    assert steps.seconds is not None
    assert steps.money == pytest.approx(steps.seconds * 0.001)


def test_without_tokens_the_estimate_names_its_assumption() -> None:
    assert "16384 assumed" in plan.estimate(settings(), {}, MACHINE).basis


def test_an_estimate_loads_no_torch() -> None:
    code = (
        "import sys; from modelwright.core.context import Machine; from modelwright.train.run import estimate;"
        "from modelwright.train.settings import TrainSettings;"
        "estimate(TrainSettings(), {}, Machine(1, 1 << 33, 1 << 33));"
        "print([name for name in ('torch', 'transformers', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_a_pass_holds_is_bounded_by_memory_and_by_rule() -> None:
    assert plan.windows_per_pass(32, 256, "cpu", 8 << 30, 20_000) == 32
    assert plan.windows_per_pass(32, 1024, "cpu", 8 << 30, 20_000) == 8
    assert plan.windows_per_pass(32, 1024, "cpu", 100 << 20, 20_000) == 2
    assert plan.windows_per_pass(32, 1024, "cpu", 1, 20_000) == 1


def test_flops_agree_with_what_torch_counts() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    from modelwright.models.qwen3 import Qwen3

    family = Qwen3(size=3_000_000, context=64)
    config = family.config(4096, 0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.ones(2, 64, dtype=torch.long), use_cache=False).logits.sum().backward()
    ours = plan.flops_per_token(family.parameters(4096), config.num_hidden_layers, config.hidden_size, 64)
    assert counter.get_total_flops() / 128 == pytest.approx(ours, rel=0.1)


def test_means_and_checkpoints_are_no_part_of_identity() -> None:
    same = settings(checkpoint_every="5 steps", price_per_hour=1.5, watts=90.0, base=None)
    assert identity(same) == identity(settings())
    assert identity(settings(seed=1)) != identity(settings())
