"""The floors that are met for programming languages and Ansible stay met."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.prepare.quality import programming_language
from modelwright.prepare.quality.base import Figure, Labelled

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def test_every_floor_is_met_on_the_shared_data():
    if not SHARED.exists():
        pytest.skip("needs the shared data")
    found = [item for item in programming_language.evaluate(Labelled(SHARED)) if isinstance(item, Figure)]
    assert len(found) >= 4
    assert [figure.measured_on for figure in found if figure.met is not True] == []


def test_a_folder_without_its_files_gives_nothing(tmp_path):
    assert list(programming_language.evaluate(Labelled(tmp_path))) == []
