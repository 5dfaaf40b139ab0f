"""What a plan says of a pile that was prepared before: what is new, and what would be measured again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny_project

import modelwright

FIRST_OF_ALL = "size of the sources"


def pile_of(folder: Path, overrides: list[str] | None = None) -> dict[str, Any]:
    row: dict[str, Any] = modelwright.load(folder, overrides or []).plan()[0]
    return row


def test_a_first_plan_speaks_of_all_that_the_sources_hold(tmp_path: Path) -> None:
    tiny_project.write_corpus(tmp_path)
    (tmp_path / "modelwright.yaml").write_text(tiny_project.PREPARE)
    row = pile_of(tmp_path)
    assert row["basis"].startswith(FIRST_OF_ALL)
    assert "new_files" not in row["details"]


def test_a_new_file_is_all_that_is_left_to_read(prepared: Path, copied: Callable[[Path], Path]) -> None:
    folder = copied(prepared)
    text = (tiny_project.LIBRARY / "textwrap.py").read_bytes()
    (folder / "corpus" / "open" / "textwrap.py").write_bytes(text)
    row = pile_of(folder)
    assert (row["details"]["new_files"], row["details"]["new_bytes"]) == (1, len(text))
    assert row["details"]["texts_to_measure"] == {}
    assert (
        row["basis"]
        == f"1 new or changed file, {len(text) / 1e6:.1f} MB; known texts to measure: none; the rest is known"
    )


def test_a_rule_on_a_signal_never_asked_for_names_the_texts(prepared: Path, copied: Callable[[Path], Path]) -> None:
    folder = copied(prepared)
    rules = "prepare.rules=[gopher,hate]"
    row = pile_of(folder, [rules])
    texts = row["details"]["texts_to_measure"]
    assert set(texts) == {"abuse"}
    modelwright.load(folder, [rules]).run()
    other = pile_of(folder, ["prepare.rules=[hate]"])  # decided anew, and nothing is measured
    assert other["action"] == "run"
    assert other["details"]["texts_to_measure"] == {}
    assert 0 < texts["abuse"] <= modelwright.load(folder)["pile@2"].facts["sources"]["open"]["documents"] * 2


def test_a_sample_of_what_is_known_measures_nothing(prepared: Path, copied: Callable[[Path], Path]) -> None:
    row = pile_of(copied(prepared), ["prepare.sample=0.5"])
    assert row["action"] == "run"
    assert row["details"]["texts_to_measure"] == {}
