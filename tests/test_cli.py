"""The command line as a contract: objects on stdout, words on stderr, exit codes, no traceback for a user's mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Copy = Callable[[Path], Path]
PROGRAM = [sys.executable, "-c", "from modelwright.cli import main; main()"]


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def asked(*arguments: str, folder: Path, code: int = 0) -> Any:
    result = command(*arguments, "--json", folder=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return json.loads(result.stdout)


def test_every_command_prints_the_object_of_the_contract(made: Path, copied: Copy) -> None:
    folder = copied(made)
    run = asked("run", folder=folder)
    assert set(run) == {"steps", "exit_code", "error"}
    keys = {"stage", "artifact", "of", "digest", "action", "reason", "seconds"}
    assert all(set(step) == keys for step in run["steps"])
    plan = asked("plan", "--set", "prepare.rules.gopher.min_words=80", folder=folder)
    assert {"kept", "changed", "dropped", "duplicate", "bytes", "tokens", "moved"} <= set(plan["what_if"])
    wanted = {"stage", "artifact", "action", "reason", "seconds", "memory_bytes", "disk_bytes", "money", "energy_kwh"}
    assert all(wanted | {"basis"} <= set(step) for step in plan["steps"])
    item = asked("list", "pile", folder=folder)["items"][0]
    assert {"kind", "name", "version", "digest", "tags", "made_at"} <= set(item)
    plugin = asked("list", "rules", folder=folder)["items"][0]
    assert {"kind", "name", "help", "options"} <= set(plugin)
    shown = asked("show", "pile@1", folder=folder)
    assert {"ref", "kind", "digest", "fingerprint", "facts", "metrics", "parents", "children"} <= set(shown)
    assert set(shown["facts"]["decisions"]) == {"kept", "changed", "dropped", "duplicate", "quarantined"}
    trace = asked("trace", "release", folder=folder)
    assert {"nodes", "edges"} <= set(trace)
    verify = asked("verify", "release", folder=folder)
    assert verify["ok"]
    assert set(verify["checked"]) == {"events", "signatures", "digests"}
    sql = asked("pile", "sql", "select count(*) as n from documents", folder=folder)
    assert sql["columns"] == ["n"]
    answer = asked("ask", "import json", "--max-tokens", "3", folder=folder)
    assert set(answer) == {"id", "text", "model", "digest", "tokens", "seconds"}
    assert (answer["model"], answer["tokens"]) == ("release@1", 3)


def test_why_names_rule_signal_value_and_threshold(made: Path, copied: Copy) -> None:
    folder = copied(made)
    (document,) = asked("why", "short.txt", folder=folder)["documents"]
    (version,) = document["versions"]
    assert (document["source"], version["pile"], version["decision"]) == ("open", "pile@1", "dropped")
    reason = version["reasons"][0]
    assert (reason["rule"], reason["signal"], reason["threshold"]) == ("gopher", "words", 50)
    assert reason["value"] < 50


def test_pile_commands_log_tag_diff_sample_and_export(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    assert asked("pile", "tag", "baseline", folder=folder)["ref"] == "pile@1"
    asked("prepare", "--set", "prepare.rules.code.max_line_length=90", folder=folder)
    diff = asked("pile", "diff", "baseline", "pile@2", folder=folder)
    assert {"in", "out", "changed", "by_reason", "samples"} <= set(diff)
    assert diff["out"]["documents"] > 0
    log = asked("pile", "log", folder=folder)["versions"]
    assert [row["tags"] for row in log] == [["baseline"], []]
    assert len(asked("pile", "sample", "--count", "2", folder=folder)["documents"]) == 2
    asked("pile", "export", "out", "--as", "jsonl", "--at", "baseline", folder=folder)
    lines = (folder / "out" / "documents.jsonl").read_text().splitlines()
    assert all(json.loads(line)["text"] is not None for line in lines)


@pytest.mark.parametrize(
    ("arguments", "kind", "code", "hint"),
    [
        (["show", "pile@9"], "UnknownName", 2, ""),
        (["show", "pille"], "UnknownName", 2, "pile"),
        (["run", "--set", "prepare.ruls=[]"], "UnknownName", 2, "rules"),
        (["run", "--set", "prepare.rules=[gofer]"], "UnknownName", 2, "gopher"),
        (["run", "--set", "prepare.rules.gopher.min_wrds=3"], "UnknownName", 2, "min_words"),
        (["run", "--set", "prepare.holdout=400 %"], "UsageError", 2, ""),
        (["run", "--to", "cook"], "UsageError", 2, "prepare"),
        (["run", "nowhere"], "InputError", 1, "modelwright new"),
        (["plan", "--set", "run.device=cuda"], "UsageError", 2, "cpu"),
        (["pile", "sql", "drop table documents"], "UsageError", 2, ""),
        (["pile", "sql", "select * from read_csv('/etc/passwd')"], "UsageError", 2, ""),
        (["list", "pilez"], "UnknownName", 2, "pile"),
        (["why", "no such document"], "UnknownName", 2, ""),
        (["approve", "pile", "--gate", "nothing"], "UnknownName", 2, ""),
        (["new", "."], "StorageError", 1, "another folder"),
    ],
)
def test_a_mistake_is_an_error_with_its_kind_its_cure_and_its_exit_code(
    prepared: Path, copied: Copy, arguments: list[str], kind: str, code: int, hint: str
) -> None:
    error = asked(*arguments, folder=copied(prepared), code=code)["error"]
    assert error["kind"] == kind
    assert error["message"]
    assert hint in error["hint"]


def test_help_shows_an_example_for_every_command(tmp_path: Path) -> None:
    for name in ("new", "plan", "run", "prepare", "show", "card", "why", "verify", "ask", "serve", "prune", "doctor"):
        result = command(name, "--help", folder=tmp_path)
        assert result.returncode == 0
        assert "Example: modelwright" in result.stdout


def test_plugins_of_a_project_are_not_run_before_someone_said_yes(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    (folder / "plugins" / "signals").mkdir(parents=True)
    path = folder / "plugins" / "signals" / "proof.py"
    path.write_text("from pathlib import Path\nPath('was_run').touch()\nclass Proof(object):\n    pass\n")
    (folder / "modelwright.yaml").write_text(
        (folder / "modelwright.yaml").read_text().replace("dedup:", "signals: [proof]\n  dedup:")
    )
    refused = asked("plan", folder=folder, code=2)["error"]
    assert "--trust-plugins" in refused["hint"]
    assert not (folder / "was_run").exists()


def test_an_occupied_port_is_told_before_the_model_is_loaded(made: Path, copied: Copy) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = command("serve", "release@1", "--port", port, folder=copied(made))
    assert result.returncode == 1
    assert f"port {port}" in result.stderr


@pytest.mark.parametrize(
    ("override", "said", "cure"),
    [
        ("a", "not of the form", "--set prepare.rules"),
        ("prepare..sample=1", "not of the form", "--set prepare.rules"),
        ("prepare.rules=[[1", "no YAML", "quote"),
        ("prepare.sources.zz.path=x", "unknown entry 'zz' in prepare.sources", "open, ours"),
        ("prepare.rules.gopher=", "takes no such key", "as a whole"),
        ("prepare.rules=null", "an empty entry names no rule", "write"),
        ("prepare.sources=[]", "must name at least one", "found"),
        ("prepare=3", "must be a mapping", "found 3"),
        ("gates=null", "must be a list", "found None"),
        ("train.sources=[zz]", "unknown source 'zz' in train.sources", "open, ours"),
        ("limits.time=1 steps", "is no time", "found '1 steps'"),
        ("limits.money=3 min", "is no amount of money", "found '3 min'"),
        ("run.workers=many", "a number of threads", "found 'many'"),
        ("run.workers=0", "a number of threads", "found 0"),
        ("run.port=99999", "run.port", "found 99999"),
        ("run.device=tpu", "run.device", "found 'tpu'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(
    prepared: Path, copied: Copy, override: str, said: str, cure: str
) -> None:
    path = copied(prepared) / "modelwright.yaml"
    path.write_text(path.read_text() + "\ntrain: {family: {qwen3: {size: 60k}}, budget: 1 steps}\n")
    error = asked("plan", "--set", override, folder=path.parent, code=2)["error"]
    assert said in error["message"]
    assert cure in error["hint"]


def test_a_place_that_cannot_hold_artifacts_is_an_error_with_its_cure(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    (folder / "file").touch()
    for name in ("plan", "run"):
        error = asked(name, "--set", "run.out=file", folder=folder, code=1)["error"]
        assert (error["kind"], "run: {out: ...}" in error["hint"]) == ("StorageError", True)


def test_passwords_and_secrets_are_not_repeated(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    for override, code in (("run.ledger=postgresql://me:hush@127.0.0.1:1/x", 1), ("run.api_key=hush", 2)):
        result = command("plan", "--set", override, "--json", folder=folder)
        assert (result.returncode, "hush" in result.stdout + result.stderr) == (code, False)
        assert json.loads(result.stdout)["error"]["hint"]


def test_an_anchor_in_itself_an_unknown_stage_and_a_negative_number(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    for words in (["run", "--rebuild", "trian"], ["plan", "--rebuild", "trian"], ["prune", "--keep", "-1"]):
        assert asked(*words, folder=folder, code=2)["error"]["hint"]
    assert "pile sql" in asked("why", "nosuch", folder=folder, code=2)["error"]["hint"]
    (folder / "modelwright.yaml").write_text("name: &a [*a]\n")
    assert "contains itself" in asked("plan", folder=folder, code=2)["error"]["message"]


def test_set_replaces_the_options_of_an_entry_of_a_list(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    steps = asked("plan", "--set", "prepare.rules.code={max_line_length: 90}", folder=folder)["steps"]
    assert steps[0]["reason"] == "prepare.rules.code.max_line_length: 2000 -> 90"


def test_a_missing_base_model_is_not_called_a_source(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    error = asked("plan", "--set", "base=nowhere", "--set", "tune={examples: ours}", folder=folder, code=1)["error"]
    assert "source" not in error["message"]
    assert "`base`" in error["hint"]
