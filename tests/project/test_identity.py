"""What re-runs and what does not, and why: identity is settings, sources, code and parents - never places."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright
from modelwright.core.storage import folder_digests

Copy = Callable[[Path], Path]


def actions(folder: Path, *overrides: str) -> list[tuple[str, str]]:
    steps = modelwright.load(folder, overrides).run()
    return [(step["artifact"], step["action"]) for step in steps]


def reasons(folder: Path, *overrides: str) -> dict[str, Any]:
    return {row["stage"] + " " + row["artifact"]: row["reason"] for row in modelwright.load(folder, overrides).plan()}


def test_a_copied_project_re_runs_nothing_and_appends_to_itself_alone(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    before = folder_digests(prepared)
    assert {action for _, action in actions(folder)} == {"unchanged"}
    (folder / "corpus" / "open" / "more.py").write_text(
        (folder / "corpus/open/json/tool.py").read_text() + "\nMORE = 1\n"
    )
    assert actions(folder) == [("pile@2", "made"), ("tokens@2", "made")]
    assert folder_digests(prepared) == before


def test_a_moved_project_still_reads_every_version(prepared: Path, copied: Copy, tmp_path: Path) -> None:
    folder = copied(prepared)
    moved = tmp_path / "mövéd to here"
    folder.rename(moved)
    assert {action for _, action in actions(moved)} == {"unchanged"}
    project = modelwright.load(moved)
    assert project["pile@1"].to_arrow().num_rows == project["pile@1"].facts["decisions"]["kept"] + project[
        "pile@1"
    ].facts["decisions"].get("changed", 0)
    assert project.verify()["ok"]


def test_the_run_section_is_never_part_of_identity(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    assert {action for _, action in actions(folder, "run.workers=1", "run.port=9999")} == {"unchanged"}


def test_a_changed_threshold_re_runs_what_depends_on_it_and_says_so(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    change = "prepare.rules.gopher.min_words=80"
    assert "prepare.rules.gopher.min_words: 50 -> 80" in reasons(folder, change)["prepare pile"]
    assert actions(folder, change)[0] == ("pile@2", "made")


def test_a_then_b_then_a_again_ends_on_a(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    actions(folder, "prepare.rules.gopher.min_words=80")
    assert actions(folder) == [("pile@1", "unchanged"), ("tokens@1", "unchanged")]
    assert modelwright.load(folder)["pile"].ref == "pile@1"


def test_the_same_content_made_again_stops_the_re_run_there(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    # No document is this long: another setting, the same pile.
    steps = actions(folder, "prepare.rules.code.max_line_length=2001")
    assert steps == [("pile@2", "made"), ("tokens@1", "unchanged")]
    project = modelwright.load(folder)
    assert project["pile@2"].digest == project["pile@1"].digest
    assert project.show("pile@2")["equal_to"] == "pile@1"


def test_a_touched_file_changes_nothing(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    for path in (folder / "corpus").rglob("*.py"):
        path.touch()
    assert {action for _, action in actions(folder)} == {"unchanged"}


RULE = """
from helper import LONGEST
from modelwright.prepare.rule import Predicate, Rule


class Longish(Rule):
    \"\"\"Drops what is longer than the helper says.\"\"\"

    def predicates(self) -> tuple[Predicate, ...]:
        return (Predicate("longish", "characters", "characters", ">", LONGEST, {}),)
"""


@pytest.fixture
def with_plugin(prepared: Path, copied: Copy) -> Path:
    folder = copied(prepared)
    (folder / "plugins" / "rules").mkdir(parents=True)
    (folder / "plugins" / "rules" / "longish.py").write_text(RULE)
    (folder / "plugins" / "helper.py").write_text("LONGEST = 60_000\n")
    path = folder / "modelwright.yaml"
    path.write_text(path.read_text().replace("rules: [gopher,", "rules: [longish, gopher,"))
    modelwright.load(folder).run()
    return folder


def test_a_plugins_helper_edited_re_runs_and_a_comment_does_not(with_plugin: Path) -> None:
    assert {action for _, action in actions(with_plugin)} == {"unchanged"}
    rule = with_plugin / "plugins" / "rules" / "longish.py"
    rule.write_text("# only words\n" + rule.read_text())
    assert {action for _, action in actions(with_plugin)} == {"unchanged"}
    (with_plugin / "plugins" / "helper.py").write_text("LONGEST = 30_000\n")
    steps = actions(with_plugin)
    assert steps[0] == ("pile@3", "made")
    decided = modelwright.load(with_plugin)["pile"].to_arrow("decisions").to_pylist()
    assert {row["rule"] for row in decided if row["decision"] == "dropped"} >= {"longish"}


def test_a_pinned_tokenizer_is_kept_when_new_data_comes(prepared: Path, copied: Copy) -> None:
    folder = copied(prepared)
    shutil.copyfile(folder / "corpus/open/json/tool.py", folder / "corpus/open/tool_2.py")
    (folder / "corpus/open/tool_2.py").write_text("'''New words: zyzzyva quokka.'''\n" * 40)
    pinned = "prepare.tokenizer={from: tokens@1}"
    modelwright.load(folder, [pinned]).run()
    tokenizers = [(folder / ".modelwright" / "tokens" / str(n) / "tokenizer.json").read_bytes() for n in (1, 2)]
    assert tokenizers[0] == tokenizers[1]


def test_rebuild_makes_the_next_version_with_the_same_digest(prepared: Path, copied: Copy) -> None:
    project = modelwright.load(copied(prepared))
    steps = project.run(rebuild="prepare")
    assert [step["artifact"] for step in steps] == ["pile@2", "tokens@2"]
    assert project["pile@1"].digest == project["pile@2"].digest
    assert project["tokens@1"].digest == project["tokens@2"].digest
