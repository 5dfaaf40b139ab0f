"""Abuse: figures on the tweets that training did not see, languages, and what a book may hold."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.abuse import measure, model, screen_of
from modelwright.measure.abuse_words import ONE_IN, SCREEN_BITS

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
RUDE = "You are a stupid bitch."
CALM = "The river runs past the old mill and the garden."


def score(*texts: str, language: str | None = "en", confidence: float | None = 1.0):
    rows = len(texts)
    return measure(pa.array(texts, pa.large_string()), [language] * rows, [confidence] * rows)


def load(name: str) -> list[dict]:
    path = SHARED / name
    if not path.exists():
        pytest.skip("needs the shared data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_precision_and_recall_on_tweets_that_were_held_aside():
    rows = [row for row in load("hate_tweets.jsonl.gz") if hashlib.sha256(row["text"].encode()).digest()[0] & 1 == 0]
    wrong = np.array([row["label"] != "neither" for row in rows])
    flagged = score(*[row["text"] for row in rows]).score >= model().threshold
    assert (flagged & wrong).sum() / flagged.sum() > 0.95
    assert (flagged & wrong).sum() / wrong.sum() > 0.85


def test_public_speeches_and_books_are_not_flagged():
    texts = [row["text"] for row in load("prose_speeches.jsonl.gz")] + [
        row["text"] for row in load("prose_books.jsonl.gz")
    ]
    assert (score(*texts).score >= model().threshold).sum() == 0


def test_a_rude_sentence_counts_in_a_note_and_not_in_a_book():
    found = score(RUDE, CALM, CALM + " " + RUDE, " ".join([RUDE, *[CALM] * ONE_IN]))
    assert found.score[0] > model().threshold
    assert found.score[1] == 0
    assert found.score[2] == found.score[0]
    assert found.score[3] == 0
    assert found.sentence_share.tolist() == [1.0, 0.0, 0.5, 1 / (ONE_IN + 1)]
    assert found.words.tolist() == [1, 0, 1, 1]


def test_capitals_change_nothing():
    assert score(RUDE.upper()).score[0] == score(RUDE.lower()).score[0]
    assert score("СУКА", language="ru").words.tolist() == score("сука", language="ru").words.tolist()


def test_a_word_counts_in_its_own_language_alone():
    assert score("slut", language="en").words[0] == 1
    assert score("slut", language="sv").words[0] == 0  # "end" in Swedish
    assert score("slut", language="sv", confidence=0.2).words[0] == 1


def test_a_language_without_model_or_list_is_not_measured():
    unknown = score(RUDE, language="ka")
    assert not unknown.modelled[0]
    assert not unknown.listed[0]
    german = score(RUDE, language="de")
    assert not german.modelled[0]
    assert german.listed[0]
    assert score(RUDE, language=None, confidence=None).modelled[0]


def test_the_screen_lets_every_listed_hash_through():
    known = model()
    slots = known.listed >> np.uint64(64 - SCREEN_BITS)
    assert ((known.screen[slots >> np.uint64(6)] >> (slots & np.uint64(63))) & np.uint64(1)).all()
    assert screen_of(known.listed[:0]).sum() == 0
    assert (np.diff(known.listed.astype(object)) > 0).all()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.text(max_size=200) | st.sampled_from([RUDE, CALM, "a" * 500, "x " * 200, "...\n\n\n"]),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_has_a_score_that_depends_on_it_alone(texts):
    together = score(*texts)
    for row, text in enumerate(texts):
        alone = score(text)
        assert alone.score[0] == together.score[row]
        assert alone.words[0] == together.words[row]
        assert 0 <= alone.score[0] <= 1
        assert 0 <= alone.sentence_share[0] <= 1
