"""`kill -9` at random moments of prepare and of prune: nothing that was recorded is lost, and the next run finishes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import modelwright

Copy = Callable[[Path], Path]
FAST = [pytest.param(3, 11, id="3 moments"), pytest.param(20, 7, id="20 moments", marks=pytest.mark.slow)]
PREPARE = "project.run(to='prepare', rebuild='prepare')"
PRUNE = "project.prune(1)"
PROGRAM = """
import os, sys
import modelwright, modelwright.prepare.run, modelwright.prepare.tokens, modelwright.engines.shrink
import daft, pyarrow.dataset, pyiceberg.catalog.sql, pyiceberg.io.pyarrow, modelwright.engines.gigatoken
from modelwright.govern.ledger import Ledger
project = modelwright.load({folder!r})
print("begins", flush=True)
{work}
print("ended", flush=True)
os._exit(0)
"""


def seconds_until_ended(work: str, folder: Path, kill_after: float | None) -> float:
    """Do the work in a process of its own, killed after so many seconds of it; how long it took."""
    program = PROGRAM.format(folder=str(folder), work=work)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        begun = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(process.pid, signal.SIGKILL)
        said = process.stdout.read()
    assert kill_after is not None or said == "ended\n"
    return time.monotonic() - begun


def check(folder: Path) -> modelwright.Project:
    """Everything on record is there and as it was."""
    project = modelwright.load(folder)
    verified = project.verify()
    assert verified["problems"] == []
    return project


@pytest.mark.parametrize(("moments", "seed"), FAST)
def test_prepare_killed_at_random_moments_loses_nothing_and_the_next_run_ends_on_the_same_digest(
    prepared: Path, copied: Copy, moments: int, seed: int
) -> None:
    folder = copied(prepared)
    expected = modelwright.load(folder)
    digests = {kind: expected[kind].digest for kind in ("pile", "tokens")}
    whole = seconds_until_ended(PREPARE, folder, None)
    chance = random.Random(seed)
    for _ in range(moments):
        seconds_until_ended(PREPARE, folder, chance.uniform(0, whole))
        check(folder)
    seconds_until_ended(PREPARE, folder, None)
    project = check(folder)
    for item in project.list("pile") + project.list("tokens"):
        assert item["digest"] == digests[item["kind"]], item["ref"]
    for item in project.list("pile"):
        assert project.reader(item["ref"]).problems() == []
    assert list((project.home / "work").glob("*")) == []
    assert not (project.home / "pile.unfinished").exists()


@pytest.mark.parametrize(("moments", "seed"), FAST)
def test_prune_killed_at_random_moments_loses_nothing_that_stays_and_the_next_one_finishes(
    prepared: Path, copied: Copy, moments: int, seed: int
) -> None:
    folder = copied(prepared)
    for share in ("20 %", "35 %"):
        modelwright.load(folder, [f"prepare.holdout={share}"]).run(to="prepare")
    original = folder.with_name("original")
    shutil.copytree(folder, original)
    modelwright.load(original).run()
    whole = seconds_until_ended(PRUNE, original, None)
    left = sorted(path.name for path in (original / ".modelwright" / "pile").iterdir())
    chance = random.Random(seed)
    for _ in range(moments):
        shutil.rmtree(original)
        shutil.copytree(folder, original)
        modelwright.load(original).reader("pile@1")  # brings the copy home
        seconds_until_ended(PRUNE, original, chance.uniform(0, whole))
        check(original)
        seconds_until_ended(PRUNE, original, None)
        project = check(original)
        assert sorted(path.name for path in (project.home / "pile").iterdir()) == left
        for name in left:
            assert project.reader(f"pile@{name}").problems() == []
        assert list((project.home / "work").glob("*")) == []
