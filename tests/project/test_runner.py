"""Interrupted, refused, full, twice at once: nothing is lost, nothing is silent, the next run finishes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import Busy, EmptyResult, InputError, Refused
from modelwright.core.storage import lock

Copy = Callable[[Path], Path]


def in_process(code: str, folder: Path, **popen: object) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, with `project` loaded."""
    head = f"import os, signal, modelwright\nproject = modelwright.load({str(folder)!r})\n"
    script = head + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.fixture
def changed(prepared: Path, copied: Copy) -> Path:
    """A prepared project in which the pile must be made again."""
    folder = copied(prepared)
    path = folder / "modelwright.yaml"
    path.write_text(path.read_text().replace("max_line_length: 2000", "max_line_length: 90"))
    return folder


def uninterrupted(folder: Path) -> modelwright.Project:
    """The same project beside it, run without interruption."""
    project = modelwright.load(shutil.copytree(folder, folder.with_name("uninterrupted")))
    project.run()
    return project


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("modelwright.project.runner", "_publish"),  # after the outcome, before the rename
        ("modelwright.govern.records.Records", "append"),  # between rename and record
        ("modelwright.prepare.publish", "publish"),  # before the tables
    ],
)
def test_a_kill_around_publishing_is_finished_by_the_next_run(changed: Path, module: str, function: str) -> None:
    expected = uninterrupted(changed)
    code = f"""
    import importlib
    parts = {module!r}.split('.')
    try:
        owner = importlib.import_module({module!r})
    except ModuleNotFoundError:
        owner = getattr(importlib.import_module('.'.join(parts[:-1])), parts[-1])
    setattr(owner, {function!r}, lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
    if {function!r} == 'publish':
        import modelwright.prepare.run as stage
        stage.publish = owner.publish
    project.run()
    """
    killed = in_process(code, changed)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    project = modelwright.load(changed)
    assert project["pile@1"].digest
    steps = project.run()
    assert [step["artifact"] for step in steps] == ["pile@2", "tokens@2"]
    assert [step["digest"] for step in steps] == [expected["pile"].digest, expected["tokens"].digest]
    assert project.verify()["ok"]
    assert list((project.home / "work").glob("*")) == []


def test_a_second_run_at_once_is_told_and_does_nothing(
    prepared: Path, copied: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwright.core.storage.WAIT_SECONDS", 0.1)
    project = modelwright.load(copied(prepared))
    with lock(project.home / "lock"), pytest.raises(Busy, match=f"pid {os.getpid()}"):
        project.run()


def test_an_empty_pile_is_an_error_with_its_reasons_and_takes_no_version(changed: Path) -> None:
    project = modelwright.load(changed, ["prepare.rules.gopher={when: any, min_words: 1000000}"])
    with pytest.raises(EmptyResult, match="gopher"):
        project.run()
    assert [item["ref"] for item in project.list("pile")] == ["pile@1"]
    assert [entry.predicate["error"] for entry in project.records.of_kind("failed")] == ["EmptyResult"]


def test_a_failing_gate_refuses_with_exit_code_3_and_makes_no_release(made: Path, copied: Copy) -> None:
    folder = copied(made)
    path = folder / "modelwright.yaml"
    path.write_text(path.read_text().replace("at_most: 20}", "at_most: 0.1}"))
    project = modelwright.load(folder)
    with pytest.raises(Refused, match="bits_per_byte") as refused:
        project.run()
    assert refused.value.exit_code == 3
    assert len(project.list("release")) == 1
    assert project.records.gates("scores@1")[-1]["verdict"]["verdict"] == "fail"


def test_a_release_waits_for_its_approvals_and_then_goes_on(made: Path, copied: Copy) -> None:
    folder = copied(made)
    path = folder / "modelwright.yaml"
    path.write_text(path.read_text() + "  - {on: release, name: board, approve: 1}\n")
    project = modelwright.load(folder)
    with pytest.raises(Refused, match="waits for 1 approvals at gate board") as waits:
        project.run()
    assert "modelwright approve adapter@1 --gate board" in waits.value.hint
    project.approve("adapter@1", "board", reason="read the card")
    steps = project.run()
    assert [step["artifact"] for step in steps if step["action"] == "made"] == ["release@2"]  # of the same content
    assert project["release"].facts["approved_by"] != ["self-approved: no gate asks for approvals"]


def test_a_limit_stops_before_the_step_that_would_exceed_it(changed: Path) -> None:
    with pytest.raises(Refused, match=r"limits\.time"):
        modelwright.load(changed, ["limits.time=0.001 s"]).run()


def test_a_full_disk_is_a_clear_error_and_the_next_run_finishes(changed: Path) -> None:
    code = """
    import resource
    from modelwright.core.errors import ModelwrightError
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
    try:
        project.run(rebuild='prepare')
    except ModelwrightError as error:
        print(type(error).__name__, error.message, '|', error.hint)
    """
    printed = in_process(code, changed)
    assert printed.stdout.startswith("StorageError"), printed.stdout + printed.stderr
    project = modelwright.load(changed)
    assert [step["artifact"] for step in project.run()] == ["pile@2", "tokens@2"]
    assert project.verify()["ok"]


def test_a_missing_source_names_the_path_and_the_cure(changed: Path) -> None:
    (changed / "corpus" / "ours").rename(changed / "corpus" / "theirs")
    with pytest.raises(InputError, match="ours") as missing:
        modelwright.load(changed).run()
    assert "corpus" in missing.value.hint


def test_stopping_keeps_what_was_done_and_the_next_run_resumes_to_the_same_digest(changed: Path) -> None:
    expected = uninterrupted(changed)
    project = modelwright.load(changed)
    from modelwright.core.errors import Stopped

    seen: list[str] = []
    with pytest.raises(Stopped):
        project.run(report=lambda event: seen.append(event["event"]), stop_requested=lambda: "progress" in seen)
    begun = [step["action"] for step in project.plan() if step["action"] != "unchanged"]
    assert begun[0] == "resume"
    assert project.run()[0]["digest"] == expected["pile"].digest
