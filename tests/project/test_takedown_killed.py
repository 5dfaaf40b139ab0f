"""`kill -9` at any moment of a takedown: nothing is lost, and the next command finishes it to the same end."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import every_file
import pytest

import modelwright
from modelwright.govern import takedowns
from modelwright.project import runner

BOOK = "open:json/decoder.py"
# The child counts what it does to the disk once the takedown writes, and kills itself at the KILL_AT-th such act.
CHILD = """
import os, signal, sys
import modelwright
project = modelwright.load(sys.argv[1])
kill_at, acts = int(sys.argv[2]), [0]
WRITES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate")
def hook(event, arguments):
    if event in WRITES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
        acts[0] += 1
        if acts[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
project.takedown("document", sys.argv[3], execute=True)
print(acts[0], flush=True)
os._exit(0)
"""


def child(folder: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(folder), str(kill_at), BOOK]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=300)


def end_state(folder: Path) -> dict[str, Any]:
    """What a takedown must come to, apart from times."""
    project = modelwright.load(folder)
    (done,) = takedowns.done(project.records).values()
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    stable = {name for name in files if "/warehouse/" not in name and "/cache/" not in name and "-wal" not in name}
    return {
        "pile": project["pile"].digest,
        "tokens": project["tokens"].digest,
        "removed": sorted(done.get("removed")),
        "versions": done.get("versions"),
        "files": {name for name in stable if not name.endswith("-shm")},
        "begun": len(takedowns.begun(project.records)),
    }


@pytest.fixture(scope="module")
def needles(prepared: Path) -> list[str]:
    return every_file.lines_alone(prepared / "corpus", "decoder")


@pytest.fixture(scope="module")
def ready(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], int]:
    """A project at home in its folder, the end state of a takedown that was not killed, and how many acts it took."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("ready") / "tiny")
    modelwright.load(folder).run()
    whole = shutil.copytree(folder, folder.parent / "whole")
    finished = child(whole, 0)
    assert finished.returncode == 0, finished.stderr
    return folder, end_state(whole), int(finished.stdout)


def check(
    ready: tuple[Path, dict[str, Any], int], needles: list[str], at: int, folder: Path, finish: Callable[[Path], Any]
) -> None:
    """Kill at the given act, finish, and compare."""
    start, expected, _ = ready
    shutil.copytree(start, folder)
    killed = child(folder, at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finish(folder)
    project = modelwright.load(folder)
    result = project.verify()
    assert result["ok"], (at, result["problems"])
    assert end_state(folder) == expected, at
    assert every_file.searched(folder, needles) == [], at


def again(folder: Path) -> None:
    done = modelwright.load(folder).takedown("document", BOOK, execute=True)
    assert done["executed"]
    assert (folder / done["certificate"]).is_file()


def run(folder: Path) -> None:
    """A run finishes what was begun; what was killed before it was put on record is asked for again."""
    runner.run(modelwright.load(folder).project)
    again(folder)


@pytest.mark.parametrize("share", [0.35, 0.85])
def test_a_killed_takedown_is_finished_by_the_next_command(
    ready: tuple[Path, dict[str, Any], int], needles: list[str], tmp_path: Path, share: float
) -> None:
    finish = again if share < 0.5 else run
    check(ready, needles, max(1, int(share * ready[2])), tmp_path / "killed", finish)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(18))
def test_random_moments(ready: tuple[Path, dict[str, Any], int], needles: list[str], tmp_path: Path, seed: int) -> None:
    at = random.Random(seed).randint(1, ready[2])
    check(ready, needles, at, tmp_path / "killed", run if seed % 2 else again)
