"""Every command and code block of README and docs runs, in the order in which a reader meets it.

A block with a file name behind its language is written to that file; `bash` and `python` blocks are run in the page's
folder; `text` and `json` are what something prints. A YAML block without a file name must be a valid part of a project.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import modelwright

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PAGE_SECONDS = 400
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the quickstart, run through all five stages once."""
    folder = tmp_path_factory.mktemp("docs") / "quickstart"
    modelwright.new(folder, "quickstart")
    modelwright.load(folder).run()
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_the_page_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    folder = tmp_path / "reader"
    if "<!-- project: quickstart -->" in text:
        shutil.copytree(request.getfixturevalue("quickstart"), folder)
    else:
        folder.mkdir()
    script = tmp_path / "page.sh"
    lines = ["set -euo pipefail"]
    for index, (language, name, body) in enumerate(BLOCK.findall(text)):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(body, encoding="utf-8")
        elif language == "bash":
            lines.append(body)
        elif language == "python":
            (tmp_path / f"block_{index}.py").write_text(body, encoding="utf-8")
            lines.append(f"{sys.executable} {tmp_path}/block_{index}.py")
        elif language == "yaml":
            check_yaml(body, tmp_path / f"project_{index}")
    script.write_text("\n".join(lines), encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    log = tmp_path / "printed"
    with log.open("wb") as printed:  # a file: a server that a page starts must not hold a pipe open
        run = subprocess.Popen(
            ["bash", str(script)],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = run.wait(timeout=PAGE_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    assert code == 0, log.read_text(errors="replace")[-5000:]


def check_yaml(body: str, folder: Path) -> None:
    """A part of a project file is completed with a name and a source, and loaded."""
    folder.mkdir()
    (folder / "corpus").mkdir()
    head = "" if body.startswith("name:") else "name: part\n"
    source = "{files: {path: corpus, name: ours}}"
    prepare = "" if "\nprepare:" in "\n" + body else f"prepare: {{sources: [{source}]}}\n"
    if not prepare and "sources:" not in body:
        body = re.sub("^prepare:.*$", f"\\g<0>\n  sources: [{source}]", body, count=1, flags=re.MULTILINE)
    train = "train: {family: qwen3}\n" if "\ntune:" in "\n" + body and "\ntrain:" not in "\n" + body else ""
    (folder / "modelwright.yaml").write_text(head + prepare + train + body, encoding="utf-8")
    modelwright.load(folder)


def test_every_link_between_the_pages_leads_somewhere() -> None:
    missing = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert missing == []


def test_the_reference_is_what_the_schema_says() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr


def test_every_command_is_in_the_reference() -> None:
    from modelwright import cli

    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    names = [command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback]
    for group in cli.app.registered_groups:
        names += [f"{group.name} {command.name}" for command in group.typer_instance.registered_commands]
    assert [name for name in names if f"`modelwright {name}" not in text] == []
