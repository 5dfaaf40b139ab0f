"""A model and examples become an adapter: better on the examples, the same bits again, also after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors import safe_open

from modelwright.core.context import Artifact, Context, Machine
from modelwright.core.errors import InputError, Stopped, UnknownName, UsageError
from modelwright.formats import pairs as pairs_format
from modelwright.formats.pairs import Pair
from modelwright.formats.tokens import TokensWriter
from modelwright.formats.weights import model_digest
from modelwright.tune.methods.lora import Lora, default_learning_rate
from modelwright.tune.run import estimate, run
from modelwright.tune.settings import TuneSettings
from tune.tiny import CONTEXT, make_model

MACHINE = Machine(cores=1, memory_bytes=2**32, disk_free_bytes=2**40)
LORA = {"lora": {"rank": 4, "batch_tokens": 4 * CONTEXT, "learning_rate": 1e-2}}


def artifact(kind: str, path: Path) -> Artifact:
    return Artifact(kind, 1, "d" * 64, "f" * 64, path)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model; tokens of the sources `ours` (one sentence, over and over) and `web`; pairs."""
    folder = tmp_path_factory.mktemp("project")
    model = make_model(folder / "model")
    (folder / "tokens").mkdir()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    with TokensWriter(folder / "tokens", len(tokenizer), 0) as writer:
        for source, text in (
            ("ours", "our own words, again and again. "),
            ("web", "something else entirely: 1234567890. "),
        ):
            documents = [text * 10 for _ in range(12)]
            encoded = [tokenizer.encode(document) for document in documents]
            columns = {
                "document": [sha256(f"{source}{number}".encode()).hexdigest() for number in range(12)],
                "source": [source] * 12,
                "origin": [str(number) for number in range(12)],
                "split": ["train"] * 12,
                "digest": [f"{source}{number}" for number in range(12)],
            }
            lengths = np.array([len(ids) for ids in encoded])
            writer.append(pa.RecordBatch.from_pydict(columns), np.concatenate(encoded), lengths)
    (folder / "tokens" / "tokenizer.json").write_bytes((model / "tokenizer.json").read_bytes())
    (folder / "pairs").mkdir()
    found = [Pair(f"{number} plus one is ", f"{number + 1}") for number in range(60)]
    pairs_format.write(folder / "pairs", pairs_format.to_table(found, 0.1))
    return folder


def inputs(project: Path, *kinds: str) -> dict[str, Artifact]:
    return {kind: artifact(kind, project / kind) for kind in ("model", *kinds)}


def make_context(folder: Path, project: Path, **more: Any) -> Context:
    for name in ("out", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Context(folder / "out", folder / "work", folder, project, 1, MACHINE, **more)


def tune(**changes: Any) -> TuneSettings:
    return TuneSettings(**{"method": LORA, "examples": "ours", "budget": "12 steps"} | changes)


@pytest.fixture(scope="module")
def uninterrupted(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    context = make_context(tmp_path_factory.mktemp("uninterrupted"), project)
    return run(tune(), inputs(project, "tokens"), context), context.out


def test_the_adapter_knows_the_examples_better_than_its_base(uninterrupted: tuple[Any, Path]) -> None:
    output, out = uninterrupted
    facts = output.facts
    assert facts["loss_after"]["examples"] < facts["loss_before"]["examples"] - 0.05
    assert facts["steps"] == 12
    assert facts["replay_share"] == 0.5
    assert facts["examples"]["count"] > 0
    assert output.digest == model_digest(out)
    with safe_open(out / "adapter_model.safetensors", "np") as file:
        assert sum(file.get_tensor(name).size for name in file.keys()) == facts["trainable_parameters"]  # noqa: SIM118


def test_the_folder_says_nothing_of_where_it_was_made(uninterrupted: tuple[Any, Path], project: Path) -> None:
    _, out = uninterrupted
    assert {path.name for path in out.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    text = (out / "adapter_config.json").read_text()
    assert str(project) not in text
    assert json.loads(text)["base_model_name_or_path"] is None


def test_loss_is_written_for_every_step_once(uninterrupted: tuple[Any, Path]) -> None:
    lines = (uninterrupted[1].parent / "work" / "metrics.jsonl").read_text().splitlines()
    assert [row["step"] for row in map(json.loads, lines) if row["name"] == "loss"] == list(range(1, 13))


def test_a_run_that_was_asked_to_stop_resumes_to_the_same_adapter(
    uninterrupted: tuple[Any, Path], project: Path, tmp_path: Path
) -> None:
    seen: dict[str, Any] = {}
    context = make_context(
        tmp_path,
        project,
        on_progress=seen.update,
        stop_requested=lambda: seen.get("what") == "tuning" and seen["done"] >= 5,
    )
    with pytest.raises(Stopped, match="step 5 of 12"):
        run(tune(), inputs(project, "tokens"), context)
    steps: list[int] = []
    context = make_context(tmp_path, project, on_progress=lambda event: steps.append(event["done"]))
    output = run(tune(), inputs(project, "tokens"), context)
    assert output.digest == uninterrupted[0].digest
    assert 6 in steps
    assert 5 not in steps
    losses = [json.loads(line) for line in (context.work / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in losses if row["name"] == "loss"] == list(range(1, 13))


def test_after_kill_9_in_mid_run_the_adapter_is_the_same(
    uninterrupted: tuple[Any, Path], project: Path, tmp_path: Path
) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
        from tune.test_tune_run import inputs, make_context, tune
        from modelwright.tune.run import run
        project = Path({str(project)!r})
        def slowly(event):
            if event["what"] == "tuning":
                print(int(event["done"]), flush=True)
                time.sleep(0.1)
        run(tune(), inputs(project, "tokens"), make_context(Path({str(tmp_path)!r}), project, on_progress=slowly))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "7":
                break
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list((tmp_path / "work" / "checkpoints").glob("checkpoint-6/complete"))
    output = run(tune(), inputs(project, "tokens"), make_context(tmp_path, project))
    assert output.digest == uninterrupted[0].digest


def test_a_torn_checkpoint_is_not_resumed_from(uninterrupted: tuple[Any, Path], project: Path, tmp_path: Path) -> None:
    torn = tmp_path / "work" / "checkpoints" / "checkpoint-9"
    torn.mkdir(parents=True)
    (torn / "adapter_model.safetensors").write_bytes(b"half")
    output = run(tune(), inputs(project, "tokens"), make_context(tmp_path, project))
    assert output.digest == uninterrupted[0].digest


def test_another_seed_makes_another_adapter(uninterrupted: tuple[Any, Path], project: Path, tmp_path: Path) -> None:
    output = run(tune(seed=1), inputs(project, "tokens"), make_context(tmp_path, project))
    assert output.digest != uninterrupted[0].digest


def test_time_becomes_steps_before_the_first_and_they_are_kept(project: Path, tmp_path: Path) -> None:
    method = {"lora": LORA["lora"] | {"passes": 1000}}
    began = time.monotonic()
    output = run(tune(method=method, budget="2 s"), inputs(project, "tokens"), make_context(tmp_path, project))
    plan = json.loads((tmp_path / "work" / "plan.json").read_text())
    assert output.facts["steps"] == plan["steps"]
    assert abs(plan["steps"] - 2 / plan["step_seconds"]) <= 1 + plan["steps"] * 0.01  # rounded to 0.1 ms
    assert output.facts["planned"]["limited_by"] == "budget"
    assert time.monotonic() - began < 60
    (tmp_path / "again" / "work").mkdir(parents=True)
    (tmp_path / "again" / "work" / "plan.json").write_text(json.dumps(plan))
    again = run(tune(method=method, budget="2 s"), inputs(project, "tokens"), make_context(tmp_path / "again", project))
    assert again.digest == output.digest


def test_pairs_are_learned_and_measured_on_held_out_ones(project: Path, tmp_path: Path) -> None:
    output = run(
        tune(examples="pairs.jsonl", budget="30 steps"),
        inputs(project, "pairs", "tokens"),
        make_context(tmp_path, project),
    )
    facts = output.facts
    assert facts["examples"]["kind"] == "pairs"
    assert facts["examples"]["held_out"] > 0
    assert facts["examples"]["measured_on"] == "held out pairs"
    assert facts["replay_share"] == 0.5
    assert facts["loss_after"]["examples"] < facts["loss_before"]["examples"] - 0.1


def test_a_base_folder_is_tuned_without_any_pile_and_the_risk_is_said(project: Path, tmp_path: Path) -> None:
    found = {"pairs": artifact("pairs", project / "pairs")}
    output = run(tune(base="model", examples="pairs.jsonl", budget="2 steps"), found, make_context(tmp_path, project))
    assert output.facts["replay_share"] == 0
    assert any("forget" in line for line in output.facts["warnings"])


def test_what_cannot_work_is_said_before_anything_runs(project: Path, tmp_path: Path) -> None:
    context = make_context(tmp_path, project)
    with pytest.raises(UsageError, match="no price"):
        run(tune(budget="$2"), inputs(project, "tokens"), context)
    with pytest.raises(UnknownName) as unknown:
        run(tune(examples="our"), inputs(project, "tokens"), context)
    assert "ours" in unknown.value.hint
    with pytest.raises(InputError, match="need tokens"):
        run(tune(), inputs(project), context)
    with pytest.raises(InputError, match="no model"):
        run(tune(), {}, context)
    with pytest.raises(UnknownName, match="layer 'q'"):
        run(tune(method={"lora": {"targets": ["q"]}}), inputs(project, "tokens"), context)
    assert Lora().targets == ()


def test_pairs_longer_than_the_context_are_an_error_with_the_numbers(project: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    pairs_format.write(tmp_path / "pairs", pairs_format.to_table([Pair("x" * 200, "y")], 0.0))
    found = inputs(project) | {"pairs": artifact("pairs", tmp_path / "pairs")}
    with pytest.raises(InputError, match=f"context of {CONTEXT} tokens: the shortest needs 203"):
        run(tune(examples="pairs.jsonl"), found, make_context(tmp_path, project))


def test_tokens_of_another_tokenizer_are_refused(project: Path, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    changed = (model / "tokenizer.json").read_text().replace('"dropout": null', '"dropout": 0.0')
    assert changed != (model / "tokenizer.json").read_text()
    (model / "tokenizer.json").write_text(changed)
    found = inputs(project, "tokens") | {"model": artifact("model", model)}
    with pytest.raises(InputError, match="another tokenizer"):
        run(tune(), found, make_context(tmp_path / "run", project))


def test_the_learning_rate_falls_with_the_width() -> None:
    rates = [default_learning_rate(width) for width in (32, 128, 512, 2048)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == rates[1] == 5e-3
    assert 2e-4 < rates[-1] < 4e-4


def test_the_estimate_needs_no_model_and_says_its_basis() -> None:
    timed = estimate(tune(budget="1 min"), {}, MACHINE)
    assert timed.seconds is not None
    assert 60 <= timed.seconds <= 120
    assert "probe" in timed.basis
    assert estimate(tune(), {}, MACHINE).seconds is None


def test_a_full_disk_is_said_without_a_traceback(project: Path, tmp_path: Path) -> None:
    code = f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
        from tune.test_tune_run import inputs, make_context, tune
        from modelwright.core.errors import StorageError
        from modelwright.tune.run import run
        project = Path({str(project)!r})
        context = make_context(Path({str(tmp_path)!r}), project)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        try:
            run(tune(), inputs(project, "tokens"), context)
        except StorageError as error:
            print(error.message, "|", error.hint)
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert "free some disk" in done.stdout
