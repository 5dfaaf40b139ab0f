"""The measurement of personal data and secrets: its floors hold on the shared data, and it counts what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.prepare.quality import credentials, personal_data
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.mark.parametrize("evaluation", [personal_data, credentials], ids=["personal data", "secrets"])
def test_every_floor_is_met_on_the_shared_data(evaluation: object) -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the shared data")
    figures = [item for item in evaluation.evaluate(Labelled(SHARED)) if isinstance(item, Figure)]  # type: ignore[attr-defined]
    assert [figure for figure in figures if figure.met is False] == []
    assert sum(figure.met is True for figure in figures) >= 2


def test_what_is_missed_and_what_is_false_are_both_counted(tmp_path: Path) -> None:
    mail = [{"label": "EMAIL_ADDRESS", "start": 5, "end": 18}]
    rows = [
        {"text": "mail a@veldkamp.de", "spans": mail},
        {"text": "mail b at veldkamp", "spans": mail},
        {"text": "call +44 20 8123 4597", "spans": []},
    ]
    (tmp_path / "pii_spans.jsonl").write_text("\n".join(map(json.dumps, rows)))
    items = list(personal_data.evaluate(Labelled(tmp_path)))
    figures = {(item.measured_on, item.metric): item.value for item in items if isinstance(item, Figure)}
    assert figures["email in labelled sentences", "recall"] == 0.5
    assert figures["eight kinds in labelled sentences", "precision"] == 0.5
    assert figures["eight kinds in labelled sentences", "f1"] == 0.5
    assert sum(isinstance(item, Mistake) for item in items) == 2


def test_planted_values_stand_where_they_are_said_to_stand() -> None:
    rows = list(credentials.planted(["one\ntwo é\nthree"], seed=1))
    assert len(rows) == len(credentials.FORMATS) * credentials.VALUES_A_FORMAT
    assert len({name for name, *_ in rows}) >= 12
    for _, text, start, end in rows:
        assert "\n" not in text.encode()[start - 1 : start].decode()
        assert text.encode()[start:end].decode().isascii()
