"""The family qwen3."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import plugins
from modelwright.core.errors import ModelwrightError, UsageError
from modelwright.models.qwen3 import Qwen3


def real_parameters(family: Qwen3, vocabulary: int) -> int:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(family.config(vocabulary, 0))
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("vocabulary", [320, 8192, 16_384, 65_536])
@pytest.mark.parametrize("size", ["300k", "1M", "3M", "30M", "100M", "2B"])
def test_the_number_of_parameters_is_that_of_the_real_model(size: str, vocabulary: int) -> None:
    family = Qwen3(size=size)  # type: ignore[arg-type]
    assert family.parameters(vocabulary) == real_parameters(family, vocabulary)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 96, "layers": 2},
        {"heads": 4, "size": "2M"},
        {"width": 64, "heads": 4, "key_value_heads": 1, "intermediate": 96, "layers": 3},
    ],
)
def test_explicit_options_hold(options: dict[str, Any]) -> None:
    family = Qwen3(**options)
    shape = family.shape(1000)
    assert {name: shape[name] for name in options if name != "size"} == {
        k: v for k, v in options.items() if k != "size"
    }
    assert family.parameters(1000) == real_parameters(family, 1000)


@settings(max_examples=60, deadline=None)
@given(st.integers(400_000, 10**10), st.sampled_from([512, 4096, 8192]))
def test_one_dial_is_met_closely_on_a_grid_that_every_engine_takes(size: int, vocabulary: int) -> None:
    family = Qwen3(size=size)
    shape = family.shape(vocabulary)
    if size > 40 * vocabulary * 8:
        assert abs(family.parameters(vocabulary) / size - 1) < 0.2
    assert shape["width"] % 32 == shape["intermediate"] % 32 == 0
    assert shape["heads"] * shape["head_width"] == shape["width"]
    assert shape["heads"] % shape["key_value_heads"] == 0


def test_the_config_is_a_plain_transformers_one() -> None:
    config = Qwen3(size="3M", context=256).config(8192, 5)  # type: ignore[arg-type]
    assert config.model_type == "qwen3"
    assert config.tie_word_embeddings
    assert (config.vocab_size, config.max_position_embeddings, config.eos_token_id) == (8192, 256, 5)


def test_contradictions_are_said_plainly() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        Qwen3(width=64, heads=5).shape(1000)
    with pytest.raises(ModelwrightError) as error:
        plugins.parse("models", {"qwen3": {"sise": "3M"}})
    assert "size" in error.value.hint


def test_only_families_are_plugins_of_this_folder_and_listing_them_loads_nothing_heavy() -> None:
    code = (
        "import sys; from modelwright.core.plugins import catalogue, parse; print(sorted(catalogue('models')));"
        "parse('models', {'qwen3': {'size': '3M'}}).parameters(8192);"
        "print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['qwen3']", "[]"]
