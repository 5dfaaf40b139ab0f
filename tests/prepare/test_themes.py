"""Themes are found without labels, named by their words, and the same each time."""

from __future__ import annotations

import random

import pytest

from modelwright.core.errors import InputError
from modelwright.prepare.themes import find

WORDS = {
    "sea": "wave harbour sail anchor tide gull captain rope storm deck",
    "farm": "cow barn plough seed harvest fence hay tractor orchard goat",
    "law": "judge court appeal verdict jury witness lawyer trial statute clause",
}


def texts() -> list[str]:
    choose = random.Random(1)
    sizes = {"sea": 60, "farm": 30, "law": 15}
    return [" ".join(choose.choices(WORDS[topic].split(), k=20)) for topic, size in sizes.items() for _ in range(size)]


def test_each_theme_is_named_by_words_of_its_own_and_has_its_share() -> None:
    found = find(texts(), 3)
    for name, topic in zip(found.names, ("sea", "farm", "law"), strict=True):
        assert set(name.split()) <= set(WORDS[topic].split())
    assert found.shares == pytest.approx((60 / 105, 30 / 105, 15 / 105))
    assert found.of == (0,) * 60 + (1,) * 30 + (2,) * 15


def test_the_same_texts_have_the_same_themes() -> None:
    assert find(texts(), 3) == find(texts(), 3)


def test_a_text_without_known_words_has_no_theme() -> None:
    assert find([*texts(), "", "12 34"], 3).of[-2:] == (-1, -1)


@pytest.mark.parametrize(
    ("given", "what"), [(["wave"] * 3, "3 texts"), ([f"a{i} {i}" for i in range(20)], "in common")]
)
def test_too_little_is_refused(given: list[str], what: str) -> None:
    with pytest.raises(InputError, match=what):
        find(given)
