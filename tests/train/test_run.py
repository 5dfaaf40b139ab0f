"""Training as a whole: what comes out, and that interruption changes nothing."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import EmptyResult, InputError, Stopped, StorageError, UnknownName, UsageError
from modelwright.formats.tokens import Tokens
from modelwright.train.settings import TrainSettings
from tests.train.made import make_context, make_tokens, train

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys, time, json
from pathlib import Path
from modelwright.train import loop
from tests.train.made import train
real, pause = loop.one_step, float(sys.argv[3])
def slow(trainer, step, steps):
    time.sleep(pause)
    return real(trainer, step, steps)
loop.one_step = slow
output = train(Path(sys.argv[1]), Path(sys.argv[2]), **json.loads(sys.argv[4]))
print(output.digest)
"""


def begin(tokens: Path, home: Path, pause: float, **settings: Any) -> subprocess.Popen[str]:
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", SCRIPT, str(tokens), str(home), str(pause), json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)


def test_the_result_is_a_folder_that_transformers_loads_with_no_code_of_ours(tokens: Path, tmp_path: Path) -> None:
    output = train(tokens, tmp_path)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    wanted = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert names == {*wanted, "loss.png"}
    code = (
        "import sys; from transformers import AutoModelForCausalLM, AutoTokenizer; folder = sys.argv[1];"
        "model = AutoModelForCausalLM.from_pretrained(folder); tokenizer = AutoTokenizer.from_pretrained(folder);"
        "ids = tokenizer('the red cat', return_tensors='pt').input_ids;"
        "print(len(model.generate(ids, max_new_tokens=3, do_sample=False)[0]) - len(ids[0]));"
        "assert not any(name.startswith('modelwright') for name in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "3"
    assert (tmp_path / "out" / "loss.png").read_bytes().startswith(b"\x89PNG")
    facts = output.facts
    assert facts["steps"] == 12
    assert facts["tokens"] == sum(facts["tokens_by_source"].values()) <= 12 * 8 * 32
    assert set(facts["tokens_by_source"]) == {"alpha", "beta"}
    assert facts["final_loss"] < facts["first_loss"]
    assert facts["planned"]["tokens_per_second"] > 0
    json.dumps(dict(facts))


def test_training_learns(tokens: Path, tmp_path: Path) -> None:
    facts = train(tokens, tmp_path, budget="120 steps").facts
    rows = [json.loads(line) for line in (tmp_path / "work" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["value"] for row in rows if row["name"] == "loss"]
    assert losses[0] == pytest.approx(5.7, abs=0.3)  # ln 320: nothing is known yet
    assert sum(losses[-10:]) / 10 < 3.2  # words drawn at random from 20 cost 3.0 nats each
    assert [row["step"] for row in rows if row["name"] == "loss"] == list(range(1, facts["steps"] + 1))


def test_a_run_that_was_killed_mid_training_ends_on_the_digest_of_the_uninterrupted_one(
    tokens: Path, tmp_path: Path
) -> None:
    settings = {"budget": "40 steps", "checkpoint_every": "7 steps"}
    whole = train(tokens, tmp_path / "whole", **settings)
    for attempt, after in enumerate((9, 22)):
        process = begin(tokens, tmp_path / "killed", 0.1, **settings)
        metrics = tmp_path / "killed" / "work" / "metrics.jsonl"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (metrics.exists() and f'"step": {after}' in metrics.read_text()):
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not list((tmp_path / "killed" / "out").glob("*.safetensors")), attempt
    resumed = begin(tokens, tmp_path / "killed", 0.0, **settings)
    printed = resumed.communicate(timeout=120)[0]
    assert resumed.returncode == 0
    assert printed.strip() == whole.digest
    rows = [json.loads(line) for line in (tmp_path / "killed" / "work" / "metrics.jsonl").read_text().splitlines()]
    losses = [row for row in rows if row["name"] == "loss"]
    other = [json.loads(line) for line in (tmp_path / "whole" / "work" / "metrics.jsonl").read_text().splitlines()]
    assert losses == [row for row in other if row["name"] == "loss"]


def test_stopping_on_request_saves_and_the_next_run_ends_on_the_same_digest(tokens: Path, tmp_path: Path) -> None:
    whole = train(tokens, tmp_path / "whole")
    calls = iter(range(100))
    with pytest.raises(Stopped):
        train(tokens, tmp_path / "stopped", stop=lambda: next(calls) >= 5)
    assert train(tokens, tmp_path / "stopped").digest == whole.digest


def test_a_full_disk_is_said_plainly_and_what_was_done_is_kept(tokens: Path, tmp_path: Path) -> None:
    settings = {"checkpoint_every": "4 steps"}
    whole = train(tokens, tmp_path / "whole", **settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(StorageError, match="disk is full"):
            train(tokens, tmp_path / "full", **settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert train(tokens, tmp_path / "full", **settings).digest == whole.digest


def test_checkpoints_by_time_or_by_step_do_not_change_the_result(tokens: Path, tmp_path: Path) -> None:
    digests = {train(tokens, tmp_path / str(i), checkpoint_every=every).digest
               for i, every in enumerate(("1 steps", "0.001 s", "1 h"))}  # fmt: skip
    assert len(digests) == 1


def test_another_seed_gives_another_model_and_passes_add_up_to_the_same(
    tokens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(tokens, tmp_path / "a")
    assert train(tokens, tmp_path / "b", seed=1).digest != first.digest
    monkeypatch.setitem(__import__("modelwright.train.plan", fromlist=["plan"]).TOKENS_PER_PASS, "cpu", 3 * 32)
    in_parts = train(tokens, tmp_path / "c")
    assert in_parts.facts["final_loss"] == pytest.approx(first.facts["final_loss"], abs=1e-4)


def test_a_time_budget_becomes_steps_before_the_first_step_and_stays(tokens: Path, tmp_path: Path) -> None:
    calls = iter(range(100))
    with pytest.raises(Stopped):
        train(tokens, tmp_path, budget="6 s", stop=lambda: next(calls) >= 2)
    planned = json.loads((tmp_path / "work" / "run.json").read_text())
    assert planned["steps"] > 2
    facts = train(tokens, tmp_path, budget="6 s").facts
    assert facts["steps"] == planned["steps"]
    assert facts["threads"] == planned["threads"] == 1


def test_sources_can_be_chosen(tokens: Path, tmp_path: Path) -> None:
    facts = train(tokens, tmp_path, sources=["beta"], budget="2 steps").facts
    assert list(facts["tokens_by_source"]) == ["beta"]
    low, high = Tokens.open(tokens).source_ranges()["beta"]
    assert facts["tokens_available"] == high - low
    with pytest.raises(UnknownName):
        train(tokens, tmp_path / "other", sources=["gamma"])


def test_a_base_is_continued_and_a_foreign_one_refused(tokens: Path, tmp_path: Path) -> None:
    first = train(tokens, tmp_path / "first")
    base = str(tmp_path / "first" / "out")
    more = train(tokens, tmp_path / "second", family=None, base=base, budget="5 steps")
    assert more.digest != first.digest
    assert more.facts["first_loss"] < first.facts["first_loss"] - 1
    assert (more.facts["base_digest"], "base_digest" in first.facts) == (first.digest, False)
    foreign = make_tokens(tmp_path / "foreign", {"gamma": 30})
    with pytest.raises(InputError, match="tokenizer"):
        train(foreign, tmp_path / "third", family=None, base=base)


def test_no_tokens_are_an_error(tmp_path: Path, tokens: Path) -> None:
    import numpy as np

    from modelwright.formats.tokens import TokensWriter

    empty = tmp_path / "empty"
    empty.mkdir()
    with TokensWriter(empty, 300, 0):
        assert np is not None
    with pytest.raises(EmptyResult):
        train(empty, tmp_path / "home")


def test_contradictory_settings_are_refused(tokens: Path, tmp_path: Path) -> None:
    from modelwright.core.spec import validated

    for wrong in ({"family": "qwen3", "base": "x"}, {"budget": "$2"}, {"checkpoint_every": "$2"}, {"budget": "soon"}):
        with pytest.raises(UsageError):
            validated(TrainSettings, wrong, "train")
    assert TrainSettings().family is not None
    with pytest.raises(UsageError, match="too short"):
        train(tokens, tmp_path, budget="0.001 s")


def on_two_ranks(tokens: Path, home: Path) -> list[list[str]]:
    """Digest, loss and number of ranks as each of two gloo ranks found them."""
    make_context(home)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = subprocess.Popen(
        [*command, str(ROOT / "tests" / "train" / "ranks.py"), str(tokens), str(home)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        printed, errors = process.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, errors[-3000:]
    return [line.split()[1:] for line in printed.splitlines() if line.startswith("result ")]


@pytest.mark.slow
def test_two_ranks_give_the_same_digest_twice_and_nearly_the_loss_of_one(tokens: Path, tmp_path: Path) -> None:
    first, second = on_two_ranks(tokens, tmp_path / "a"), on_two_ranks(tokens, tmp_path / "b")
    assert len(first) == len(second) == 2
    assert len({digest for digest, _, _ in first + second}) == 1
    assert {ranks for _, _, ranks in first} == {"2"}
    alone = train(tokens, tmp_path / "alone")
    assert float(first[0][1]) == pytest.approx(alone.facts["final_loss"], abs=1e-5)
