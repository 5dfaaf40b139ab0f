"""Every section of a rule file, and the built-in rules that edit, in a real pile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright.core import plugins
from modelwright.core.errors import UsageError
from modelwright.engines.pile_reader import open_pile
from modelwright.prepare.decisions import signals_for
from modelwright.prepare.measure import all_signals
from modelwright.prepare.settings import PileSettings
from tests.prepare.piles import decisions, run, write

OURS = """
help: Our corpus.
flag:
  long: words > 30
  named: words > 10 and path matches "[.]txt$"
keep:
  best: {share: 50 %, by: words}
weight:
  longest: {if: words > 60, weight: 2.5}
edit:
  c4_lines: {style: remove, kinds: [few_words]}
"""
SOURCES = [{"files": {"path": "texts"}}]


@contextlib.contextmanager
def in_project(folder: Path) -> Iterator[None]:
    plugins.use_project(folder)
    try:
        yield
    finally:
        plugins.use_project(None)


def prose(number: int) -> str:
    body = " ".join(f"The boat number {place} of fleet {number} came home with the tide." for place in range(number))
    return f"Chapter {number}\n{body}\n"


def prepared(project: Path, *rules: Any) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Decisions and texts of a pile with these rules, by origin."""
    with in_project(project):
        _, made = run(project, {"sources": SOURCES, "rules": list(rules)})
    reader = open_pile(project / ".modelwright", made.out)
    texts = {
        origin: text
        for batch in reader.texts(reader.documents())
        for origin, text in zip(batch["origin"].to_pylist(), batch["text"].to_pylist(), strict=True)
    }
    return {row["origin"]: row for row in decisions(project, made).to_pylist()}, texts


def planned(project: Path, *rules: Any) -> list[str]:
    with in_project(project):
        settings = PileSettings.model_validate({"sources": SOURCES, "rules": list(rules)})
        return signals_for(settings, all_signals())


def test_flag_keep_weight_and_edit_of_one_rule_file(tmp_path):
    write(tmp_path / "texts", {f"{number}.txt": prose(number) for number in range(1, 7)})
    write(tmp_path, {"ours.yaml": OURS})
    rows, texts = prepared(tmp_path, "ours.yaml")
    stay = {name: row for name, row in rows.items() if row["decision"] == "changed"}
    assert set(stay) == {"4.txt", "5.txt", "6.txt"}
    assert {(row["rule"], row["signal"]) for name, row in rows.items() if name not in stay} == {("ours", "best")}
    assert {row["rule"] for row in stay.values()} == {"ours"}
    assert {row["flags"] for row in stay.values()} == {"ours.long, ours.named"}
    assert {name: row["weight"] for name, row in stay.items()} == {"4.txt": 1.0, "5.txt": 2.5, "6.txt": 2.5}
    assert all("Chapter" not in text and text.startswith("The boat") for text in texts.values())


def test_c4_changes_documents_by_removing_lines(tmp_path):
    body = "The harbour was quiet in the morning. " * 3 + "Nobody came until noon. The boats lay still."
    write(tmp_path / "texts", {"menu.txt": f"Home\n{body}[12]\nno end here at all\n", "plain.txt": body})
    rows, texts = prepared(tmp_path, {"c4": {"when": "any"}})
    assert (rows["menu.txt"]["decision"], rows["menu.txt"]["rule"]) == ("changed", "c4")
    assert texts["menu.txt"] == f"{body}\n"
    assert (rows["plain.txt"]["decision"], texts["plain.txt"]) == ("kept", body)


def test_a_rule_without_predicates_has_the_signal_measured_whose_findings_it_masks(tmp_path):
    word = "".join(chr(ord(letter) - 1) for letter in "gvdl")
    rude = f"You are a {word}ing idiot and I hope you rot, you stupid piece of {word}."
    write(tmp_path / "texts", {"rude.txt": rude, "calm.txt": prose(3)})
    assert "abuse" in planned(tmp_path, {"hate": {"action": "mask"}})
    rows, texts = prepared(tmp_path, {"hate": {"action": "mask"}})
    assert (rows["rude.txt"]["decision"], rows["rude.txt"]["rule"]) == ("changed", "hate")
    assert word not in texts["rude.txt"]
    assert len(texts["rude.txt"]) == len(rude)
    assert rows["calm.txt"]["decision"] == "kept"


@pytest.mark.parametrize(
    ("rule", "measured"),
    [("gopher", False), ("fineweb", False), ("c4", True), ({"fineweb": {"text": "c4"}}, True), ("code", False)],
    ids=str,
)
def test_the_lines_of_c4_are_measured_only_for_rules_that_read_them(tmp_path, rule, measured):
    write(tmp_path / "texts", {"a.txt": "a"})
    assert ("c4_lines" in planned(tmp_path, rule)) == measured


@pytest.mark.parametrize(
    "section", ["drop: {a: copyright_holders == 'x'}", "flag: {a: copyright_holders == 'x' or words < 3}",
                "when: {copyright_holders: [x]}\ndrop: {a: words < 3}"]
)  # fmt: skip
def test_a_rule_that_reads_names_of_persons_is_refused_before_anything_runs(tmp_path, section):
    write(tmp_path / "texts", {"a.txt": "a"})
    write(tmp_path, {"ours.yaml": f"help: Names.\n{section}\n"})
    with pytest.raises(UsageError, match="names of persons"):
        planned(tmp_path, "ours.yaml")
