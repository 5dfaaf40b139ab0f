"""What the shipped detectors reach on the labelled data stays reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.prepare.quality import copyright as copyright_quality
from modelwright.prepare.quality import licence as licence_quality
from modelwright.prepare.quality.base import Figure, Labelled
from modelwright.prepare.quality.licence import changed, folded, ids

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.mark.parametrize(("quality", "floors"), [(licence_quality, 7), (copyright_quality, 2)])
def test_every_floor_is_met(quality, floors):
    if not SHARED.exists():
        pytest.skip("no shared data")
    figures = [item for item in quality.evaluate(Labelled(SHARED)) if isinstance(item, Figure) and item.met is not None]
    assert len(figures) == floors
    assert [item for item in figures if not item.met] == []


def test_nothing_is_measured_in_an_empty_folder(tmp_path):
    assert list(licence_quality.evaluate(Labelled(tmp_path))) == []
    assert list(copyright_quality.evaluate(Labelled(tmp_path))) == []


def test_a_changed_text_is_the_same_each_time_and_edits_are_few():
    text = "\n".join(f"word{number} and some more" for number in range(500))
    assert changed(text, 3, 0.03) == changed(text, 3, 0.03)
    plain, edited = changed(text, 3, 0.0), changed(text, 3, 0.03)
    assert abs(len(plain.split()) - len(edited.split())) < 0.2 * len(plain.split())
    assert changed("Copyright (c) 1999 Someone Else\n\nwords", 1, 0.0).find("Someone") == -1


def test_ids_are_compared_without_only_and_or_later():
    assert folded(ids("(GPL-2.0-only WITH Classpath-exception-2.0) OR MIT")) == {
        "GPL-2.0", "Classpath-exception-2.0", "MIT",
    }  # fmt: skip
