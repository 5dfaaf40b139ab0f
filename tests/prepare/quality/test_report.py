"""The harness that measures detectors: on a detector made for the purpose and labelled files made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelwright.core.errors import InputError, UnknownName
from modelwright.prepare.quality import report
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

SECRET = "jane.doe at example dot org"


def vowels(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """A detector of texts that begin with a vowel; wrong about y."""
    rows = labelled.rows("made_vowels")
    right = 0
    for row in rows:
        found = row["text"][0] in "aeiou"
        right += found == row["vowel"]
        if found != row["vowel"]:
            yield Mistake("vowels", row["text"], str(row["vowel"]), str(found), weight=len(row["text"]))
    yield Figure("vowels", "made words", "accuracy", right / len(rows), 0.1, 0.9, len(rows), 2, at_least=0.99)
    if labelled.has("made_more"):
        yield Figure("vowels", "more words", "accuracy", 1.0, None, None, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"text": "apple", "vowel": True}, {"text": "tree", "vowel": False}]
    rows += [{"text": f"y{'x' * n} {SECRET}", "vowel": True} for n in range(8)]
    folder = tmp_path / "labelled"
    folder.mkdir()
    (folder / "made_vowels.OFFENSIVE.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def measured(folder: Path, name: str = "vowels") -> report.Result:
    (result,) = report.measure(folder, (name,), {"vowels": vowels, "other": lambda labelled: iter(labelled.rows("no"))})
    return result


def test_a_detector_yields_figures_and_its_five_worst_mistakes_first(folder: Path) -> None:
    result = measured(folder)
    assert [figure.value for figure in result.figures] == [0.2]
    assert result.mistaken == 8
    assert [mistake.text[:8] for mistake in result.mistakes] == [
        "yxxxxxxx",
        "yxxxxxx ",
        "yxxxxx j",
        "yxxxx ja",
        "yxxx jan",
    ]
    assert [figure.measured_on for figure in result.missed] == ["made words"]
    assert result.missing == ("made_more",)
    assert list(result.files) == ["made_vowels.OFFENSIVE.jsonl"]


def test_a_detector_whose_file_is_missing_is_listed_with_the_file_and_measures_nothing(folder: Path) -> None:
    result = measured(folder, "other")
    assert (result.figures, result.missing) == ((), ("no",))


def test_shipped_figures_hold_no_text_and_keep_those_of_other_detectors(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps({"language": {"figures": []}}))
    report.write([measured(folder), measured(folder, "other")], path)
    kept = json.loads(path.read_text())
    assert sorted(kept) == ["language", "vowels"]
    assert kept["vowels"]["figures"][0]["value"] == 0.2
    assert set(kept["vowels"]["files"]) == {"made_vowels.OFFENSIVE.jsonl"}
    assert SECRET not in path.read_text()
    assert list(report.shipped(["vowels", "counts"], path)) == ["vowels"]


def test_mistakes_of_the_user_are_told_with_their_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder with labelled files"):
        list(report.measure(tmp_path / "nowhere", (), {"vowels": vowels}))
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(UnknownName) as error:
        list(report.measure(tmp_path, ("vowel",), {"vowels": vowels}))
    assert "vowels" in error.value.hint


def test_an_excerpt_is_one_short_line_without_characters_that_command_a_terminal() -> None:
    shown = report.excerpt("a\x1b[31mred\u202etxt\nnext " + "long " * 100)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\n" not in shown
    assert len(shown) < 230


def test_the_command_prints_a_table_a_page_and_json_and_is_strict_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    from modelwright.commands import benchmark

    monkeypatch.setattr(report, "evaluations", lambda: {"vowels": vowels})

    def run(*more: str) -> str:
        benchmark.app(["prepare", str(folder), *more], standalone_mode=False)
        return capsys.readouterr().out

    table = run()
    assert "0.200 [0.100, 0.900]" in table
    assert "the worst of 8 mistakes" in table
    assert "measured in part, no made_more" in table
    page = run("--as", "html")
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "http" not in page.replace("http-equiv", "").split("</style>")[-1]
    assert json.loads(run("--json"))["missed"] == 1
    try:
        code = benchmark.app(["prepare", str(folder), "--strict"], standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    assert code == 1


def test_every_evaluation_that_ships_is_found_by_its_file() -> None:
    files = {path.stem for path in Path(report.__file__).parent.glob("*.py")} - {"__init__", "base", "report"}
    assert set(report.evaluations()) == files
