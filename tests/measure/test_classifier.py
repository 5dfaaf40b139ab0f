"""The hashed linear model: what counts as a word, files that are always the same, probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure import classifier, classifier_kernel
from modelwright.measure.classifier_kernel import PAIRS, PIECES, STEMS, sparse_features
from modelwright.measure.spans import read_only, texts_of

BITS = 10


def features(text: str, flags: int = 0, read_bytes: int = 4096) -> dict[int, float]:
    _, buckets, values = sparse_features(texts_of(pa.array([text], pa.large_string())), 16, read_bytes, flags)
    return dict(zip(buckets.tolist(), values.tolist(), strict=True))


def model(flags: int = 7, read_bytes: int = 64) -> classifier.Model:
    weights = np.random.default_rng(0).integers(-127, 128, (1 << BITS, 3)).astype(np.int8)
    scale, bias = np.full(3, 0.01, np.float32), np.array([0, 0.5, -0.5], np.float32)
    marks = np.array([classifier.text_mark("known")], np.uint64)
    return classifier.Model(("a", "b", "c"), read_only(weights), scale, bias, read_bytes, flags, marks, {"name": "x"})


def test_case_and_punctuation_do_not_count_and_numbers_are_one_word() -> None:
    assert features("The cat, 17 dogs!") == features("the CAT 998 dogs")
    assert features("cat") != features("dog")


def test_a_text_has_the_features_that_the_flags_choose() -> None:
    assert len(features("lighthouse keeper")) == 2
    assert len(features("lighthouse keeper", PAIRS)) == 3
    assert len(features("lighthouse keeper", STEMS)) == 4
    assert features("lighthouse", STEMS).keys() & features("lighthouses", STEMS).keys()
    assert features("lighthouse", PIECES).keys() & features("blighthouses", PIECES).keys()


def test_a_long_text_is_read_at_its_beginning_and_at_its_end_in_whole_words() -> None:
    text = "alpha " * 50 + "omega " * 500 + "delta " * 50
    assert set(features(text, read_bytes=80)) == set(features("alpha omega delta"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.text(max_size=200)), max_size=6), st.integers(0, 7), st.integers(4, 100))
def test_scores_are_those_of_the_features_that_training_sees(
    texts: list[str | None], flags: int, read_bytes: int
) -> None:
    known, column = model(), texts_of(pa.array(texts, pa.large_string()))
    found = classifier_kernel.scores(column, known.weights, known.scale, known.bias, read_bytes, flags)
    ends, buckets, values = sparse_features(column, BITS, read_bytes, flags)
    for row, end in enumerate(ends.tolist()):
        part = slice(int(ends[row - 1]) if row else 0, end)
        expected = values[part] @ (known.weights[buckets[part]] * known.scale) + known.bias
        np.testing.assert_allclose(found[row], expected, atol=1e-4)


def test_probabilities_sum_to_one_and_a_null_has_none() -> None:
    found = classifier.probabilities(texts_of(pa.array(["a b", None, ""], pa.large_string())), model())
    assert found[[0, 2]].sum(axis=1) == pytest.approx([1, 1])
    assert np.isnan(found[1]).all()


def test_a_file_gives_the_model_back_and_always_has_the_same_bytes(tmp_path: Path) -> None:
    written = classifier.content(model())
    assert all(classifier.content(model()) == written for _ in range(5))
    (tmp_path / "x.safetensors").write_bytes(written)
    read = classifier.load(tmp_path / "x.safetensors")
    assert read.labels == ("a", "b", "c")
    assert (read.weights == model().weights).all()
    assert classifier.learnt_from(read, ["known", "new"]).tolist() == [True, False]
    assert classifier.content(read) == written
