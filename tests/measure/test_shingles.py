"""Which texts hold what was taken down: whole, edited, or as a part; and which do not."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.measure.shingles import holding, quoting, shingles, wanted

WORDS = [f"word{number}" for number in range(400)]


def some_text(seed: int, count: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def one(text: str, others: list[str]) -> bool:
    return bool(holding(pa.array([text], pa.large_string()), wanted(others))[0])


@given(st.lists(st.text(alphabet="ab c\u00e9\u4e2d.\n", max_size=60), max_size=6), st.integers(1, 5))
def test_shingles_of_a_text_do_not_depend_on_its_neighbours(texts: list[str], width: int) -> None:
    hashes, firsts = shingles(pa.array(texts, pa.large_string()), width)
    for number, text in enumerate(texts):
        alone, _ = shingles(pa.array([text], pa.large_string()), width)
        assert np.array_equal(hashes[firsts[number] : firsts[number + 1]], alone)


def test_a_text_is_found_whatever_its_case_spacing_and_surroundings() -> None:
    book = some_text(1, 60)
    assert one(some_text(2, 5000) + "\n" + book.upper().replace(" ", ",  ") + some_text(3, 5000), [book])
    assert not one(some_text(2, 5000), [book])


def test_a_lightly_edited_copy_and_an_excerpt_are_found_and_a_common_phrase_is_not() -> None:
    words = some_text(4, 500).split()
    edited = [word if number % 15 else "other" for number, word in enumerate(words)]
    assert one(" ".join(edited), [" ".join(words)])
    assert one(" ".join(words[100:160]), [" ".join(words)])
    assert not one(some_text(5, 300) + " ".join(words[100:115]), [" ".join(words)])


@pytest.mark.parametrize("phrase", ["xylophone", "one two three", "one two three four five six"])
def test_a_short_text_must_be_there_as_a_whole(phrase: str) -> None:
    assert one(f"he said {phrase} and left", [phrase])
    assert not one("he said one two and three four and left", [phrase])
    assert not one("", [phrase])


def test_a_large_text_is_looked_for_by_a_sample() -> None:
    books = [some_text(seed, 3000) for seed in range(10, 14)]
    lists = wanted(books, most=2000)
    assert sum(len(some.hashes) for some in lists) < 2400
    texts = pa.array([*books, some_text(99, 3000), " ".join(books[0].split()[:1500])], pa.large_string())
    assert holding(texts, lists).tolist() == [True, True, True, True, False, True]


def test_a_passage_of_ten_words_is_a_quotation() -> None:
    words = some_text(6, 400).split()
    lists = wanted([" ".join(words)])
    page = pa.array([
        f"As it says: {' '.join(words[50:62])}.", f"As it says: {' '.join(words[50:57])}.", some_text(7, 100),
    ], pa.large_string())  # fmt: skip
    assert quoting(page, lists).tolist() == [True, False, False]


def test_nothing_wanted_is_found_nowhere() -> None:
    assert wanted([]) == []
    assert wanted(["", " ... "]) == []
    assert not holding(pa.array(["a b c d e f"], pa.large_string()), []).any()
