"""Multiple choice from a local file, and no score on items that were found in the data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.core.context import Artifact
from modelwright.core.errors import InputError, Refused
from modelwright.core.fingerprint import digest_file
from modelwright.formats.scores import read_scores
from modelwright.validate.run import run
from modelwright.validate.settings import ValidateSettings

from .conftest import context

ROWS = [
    {"question": f"What is {i} and {i}?", "choices": [str(2 * i), str(3 * i + 1), "none of these"], "label": 0}
    for i in range(12)
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def inputs(project: Path, model: Path, rows: list[int]) -> dict[str, Artifact]:
    entry = {"digest": digest_file(project / "sums.jsonl"), "items": len(ROWS), "found": len(rows), "rows": rows}
    facts = {"contamination": {"sums.jsonl": entry}}
    return {
        "subject": Artifact("model", 1, "0" * 64, "0" * 64, model, {"parameters": 30_000}),
        "pile": Artifact("pile", 1, "0" * 64, "0" * 64, project / "nowhere", facts),
    }


def settings(**more: object) -> ValidateSettings:
    return ValidateSettings.model_validate({"benchmarks": [{"choice": {"path": "sums.jsonl"}}], **more})


def scored(
    project: Path, model: Path, rows: list[int], monkeypatch: pytest.MonkeyPatch, **more: object
) -> tuple[list[str], dict[str, object]]:
    monkeypatch.setattr("modelwright.engines.pile_reader.open_pile", lambda *_: None)
    made = context(project, "scores")
    output = run(settings(**more), inputs(project, model, rows), made)
    return read_scores(made.out).table["item"].to_pylist(), dict(output.facts)


def test_the_share_of_right_answers_has_an_interval(
    project: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, facts = scored(project, model, [], monkeypatch)
    assert len(items) == 12
    metric = facts["metrics"]["choice.accuracy"]  # type: ignore[index]
    assert 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1
    assert facts["contamination"] == {"sums.jsonl": {"found": 0, "left_out": 0}}


def test_items_that_were_found_are_refused_left_out_or_scored_as_told(
    project: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match=r"2 of 12 items of sums.jsonl were found"):
        scored(project, model, [0, 3], monkeypatch)
    items, facts = scored(project, model, [0, 3], monkeypatch, contaminated="skip")
    assert len(items) == 10
    assert not {"sums#0", "sums#3"} & set(items)
    assert facts["contamination"] == {"sums.jsonl": {"found": 2, "left_out": 2}}
    items, _ = scored(project, model, [0, 3], monkeypatch, contaminated="allow")
    assert len(items) == 12


def test_a_file_without_choices_is_an_error(project: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "sums.jsonl").write_text('{"text": "no question"}\n')
    with pytest.raises(InputError, match="no row of"):
        scored(project, model, [], monkeypatch)
