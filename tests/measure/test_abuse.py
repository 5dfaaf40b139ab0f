"""Abuse: figures on the rows that training did not see, languages, spans, and what a book may hold."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.abuse import ONE_IN, measure, model, reached, screen_of
from modelwright.measure.sentence_words import FIRST_BIT, SCREEN_BITS, screen_bits
from modelwright.prepare.quality.base import Labelled

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CALM = "The river runs past the old mill and the garden."


@functools.cache
def listed_word(language: str) -> str:
    """A listed word of letters alone that no other language lists."""
    path = SHARED / "profanity_words.jsonl"
    if not path.exists():
        pytest.skip("needs the shared data")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    elsewhere = {row["word"] for row in rows if row["lang"] != language}
    return next(
        row["word"]
        for row in rows
        if row["lang"] == language and row["word"].isalpha() and row["word"] not in elsewhere and len(row["word"]) > 3
    )


@functools.cache
def rude() -> str:
    """The shortest sentence of an offensive tweet with a clear score."""
    if not (SHARED / "hate_tweets.jsonl.gz").exists():
        pytest.skip("needs the shared data")
    tweets = [row["text"] for row in Labelled(SHARED).rows("hate_tweets") if row["label"] == "offensive"]
    plain = sorted((tweet for tweet in tweets if tweet.replace(" ", "").isalpha() and tweet.isascii()), key=len)
    scores = score(*plain).score
    return plain[int(np.flatnonzero(scores > 0.9)[0])] + "."


def score(*texts: str, language: str | None = "en", confidence: float | None = 1.0):
    rows = len(texts)
    return measure(pa.array(texts, pa.large_string()), [language] * rows, [confidence] * rows)


def test_public_speeches_and_books_are_not_flagged():
    if not (SHARED / "prose_books.jsonl.gz").exists():
        pytest.skip("needs the shared data")
    texts = [row["text"] for name in ("prose_speeches", "prose_books") for row in Labelled(SHARED).rows(name)]
    assert (score(*texts).score >= model().threshold).sum() == 0


def test_a_rude_sentence_counts_in_a_note_and_not_in_a_book():
    found = score(rude(), CALM, CALM + " " + rude(), " ".join([rude(), *[CALM] * ONE_IN]))
    assert found.score[0] > model().threshold
    assert found.score[1] == 0
    assert found.score[2] == found.score[0]
    assert found.score[3] == 0
    assert found.sentences.tolist() == [1, 1, 2, ONE_IN + 1]


def test_spans_are_bytes_of_the_input():
    word = listed_word("en")
    text = f"Où est-ce? A {word.upper()}, “{word}” he said."
    found = score("Nothing.", text)
    parts = [text.encode()[start:end].decode().lower() for row, start, end in found.hits.tolist()]
    assert parts == [word, word]
    assert found.hits[:, 0].tolist() == [1, 1]
    assert found.profanities.tolist() == [0, 2]
    (sentence,) = [text.encode()[start:end] for start, end in zip(found.read.start, found.read.end, strict=True)]
    assert sentence.decode().startswith("A ")


def test_capitals_change_nothing():
    assert score(rude().upper()).score[0] == score(rude().lower()).score[0]
    word = listed_word("ru")
    assert score(word.upper(), language="ru").profanities.tolist() == [1]


def test_a_word_counts_in_its_own_language_alone():
    word = listed_word("sv")
    assert score(word, language="sv").profanities[0] == 1
    assert score(word, language="en").profanities[0] == 0
    assert score(word, language="sv", confidence=0.2).profanities[0] == 0


def test_a_language_without_model_or_list_is_not_measured():
    unknown = score(CALM, language="ka")
    assert not unknown.modelled[0]
    assert not unknown.listed[0]
    german = score(CALM, language="de")
    assert not german.modelled[0]
    assert german.listed[0]
    assert score(CALM, language=None, confidence=None).modelled[0]


def test_the_screen_lets_every_listed_hash_through_and_says_where_it_stands():
    known = model()
    slots = known.listed >> np.uint64(64 - SCREEN_BITS)
    bits = screen_bits.py_func(known.listed)
    assert (known.screen[slots] & bits == bits).all()
    firsts = (known.screen[slots] >> np.uint64(FIRST_BIT)).astype(np.int64)
    assert (slots[firsts] == slots).all()
    assert (firsts <= np.arange(len(slots))).all()
    assert len(slots) < 1 << (64 - FIRST_BIT)
    assert screen_of(known.listed[:0]).sum() == 0
    assert (np.diff(known.listed.astype(object)) > 0).all()


def test_more_findings_than_were_expected_are_all_given():
    word = listed_word("en")
    assert len(score(" ".join([word] * 5000)).hits) == 5000


@given(st.lists(st.lists(st.floats(0.01, 1), max_size=50), min_size=1, max_size=5), st.integers(0, 60))
def test_a_text_has_the_score_that_one_in_twenty_of_its_sentences_reaches(values, more):
    row = np.repeat(np.arange(len(values)), [len(part) for part in values])
    sentences = np.array([len(part) + more for part in values])
    found = reached(row, np.array([value for part in values for value in part]), sentences)
    for part, count, one in zip(values, sentences.tolist(), found.tolist(), strict=True):
        padded = sorted(part, reverse=True) + [0.0] * (count - len(part))
        assert one == (padded[max(-(-count // ONE_IN), 1) - 1] if padded else 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(max_size=200)
        | st.sampled_from(
            [CALM, "a" * 500, "x " * 200, "...\n\n\n", "w o m e n", "“", "‘a’", "h4te wom3n", '"', '"a"']
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_has_scores_that_depend_on_it_alone(texts):
    together = score(*texts)
    for row, text in enumerate(texts):
        alone = score(text)
        assert alone.score[0] == together.score[row]
        assert alone.hate[0] == together.hate[row]
        assert alone.profanities[0] == together.profanities[row]
        assert 0 <= alone.score[0] <= 1
        assert 0 <= alone.hate[0] <= 1
    assert (together.read.start < together.read.end).all()
    sizes = np.array([len(text.encode()) for text in texts])
    assert (together.read.end <= sizes[together.read.row]).all()
