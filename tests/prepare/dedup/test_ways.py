"""Other ways of finding duplicates: equal words, equal meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.engines.embeddings import installed
from modelwright.prepare.dedup.base import Corpus
from modelwright.prepare.dedup.normalised import Normalised
from modelwright.prepare.dedup.semantic import Semantic


def corpus(texts: list[str], cache: Path) -> tuple[Corpus, dict[str, int]]:
    by_digest = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
    digests = sorted(by_digest)

    def read(wanted: pa.Array) -> Iterator[pa.RecordBatch]:
        names = wanted.to_pylist()
        found = pa.array([by_digest[name] for name in names], pa.large_string())
        yield from pa.table({"digest": names, "text": found}).to_batches(max_chunksize=2)

    return Corpus(pa.array(digests, pa.string()), read, cache), {by_digest[d]: i for i, d in enumerate(digests)}


def test_texts_with_equal_words_are_one(tmp_path: Path) -> None:
    texts = ["The cat sat.", "the  CAT — sat", "ｔｈｅ cat\nsat!", "the sat cat", "...", "!!!", "x"]
    made, place = corpus(texts, tmp_path)
    labels = Normalised().components(made)
    same = {labels[place[text]] for text in texts[:3]}
    assert same == {min(place[text] for text in texts[:3])}
    assert len({labels[place[text]] for text in texts[3:]} | same) == 5
    pair = [place[texts[0]], place[texts[0]]], [place[texts[1]], place[texts[3]]]
    assert Normalised().similarities(made, *pair).tolist() == [1.0, 0.0]
    assert Normalised().components(corpus([], tmp_path)[0]).tolist() == []


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(alphabet="aB .é\n", max_size=6), max_size=8))
def test_what_was_known_before_changes_nothing(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("cache")
    Normalised().components(corpus(texts[::2], folder)[0])
    warm = Normalised().components(corpus(texts, folder)[0]).tolist()
    assert warm == Normalised().components(corpus(texts, tmp_path_factory.mktemp("cold"))[0]).tolist()


@pytest.mark.slow
@pytest.mark.skipif(installed() is None, reason="needs the extra `embeddings`")
def test_texts_that_say_the_same_are_near(tmp_path: Path) -> None:
    texts = [
        "A man is playing a guitar on stage.",
        "A man plays the guitar on a stage.",
        "Interest rates rose by a point.",
    ]
    made, place = corpus(texts, tmp_path)
    labels = Semantic(threshold=0.9).components(made)
    assert labels[place[texts[0]]] == labels[place[texts[1]]] != labels[place[texts[2]]]
    assert Semantic().similarities(made, [place[texts[0]]], [place[texts[1]]])[0] > 0.9
