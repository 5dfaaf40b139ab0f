"""The floors of near-duplicates and decontamination hold on the shared data."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.prepare.quality import contamination, near_duplicates
from modelwright.prepare.quality.base import Figure, Labelled

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize("detector", [near_duplicates, contamination])
def test_every_floor_is_met(detector: object) -> None:
    figures = [row for row in detector.evaluate(Labelled(DATA)) if isinstance(row, Figure)]  # type: ignore[attr-defined]
    assert len(figures) == 4
    assert [figure for figure in figures if not figure.met] == []


def test_without_labelled_files_there_are_no_figures(tmp_path: Path) -> None:
    for detector in (near_duplicates, contamination):
        assert not list(detector.evaluate(Labelled(tmp_path)))
