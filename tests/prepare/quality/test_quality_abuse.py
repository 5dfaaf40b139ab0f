"""The shipped detectors of abuse and hate keep the floors that they meet, on rows that they did not learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.prepare.quality import abuse, hate
from modelwright.prepare.quality.base import Figure, Labelled

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    value, low, high = hate.area(np.array([0.9, 0.5, 0.5]), np.array([0.1, 0.5]))
    assert value == pytest.approx((2 + 1.5 + 1.5) / 6)
    assert low < value < high
    assert hate.area(np.array([1.0, 0.9]), np.array([0.0, 0.1]))[0] == 1


def test_a_folder_without_labelled_files_gives_nothing(tmp_path):
    assert list(abuse.evaluate(Labelled(tmp_path))) == []
    assert list(hate.evaluate(Labelled(tmp_path))) == []


@pytest.mark.slow
@pytest.mark.parametrize("evaluate", [abuse.evaluate, hate.evaluate], ids=["abuse", "hate"])
def test_every_floor_is_met(evaluate):
    if not (SHARED / "hate_tweets.jsonl.gz").exists():
        pytest.skip("needs the shared data")
    figures = [one for one in evaluate(Labelled(SHARED)) if isinstance(one, Figure)]
    assert any(one.met is not None for one in figures)
    assert [one for one in figures if one.met is False] == []
