"""Shingles, signatures and components against definitions written in plain Python."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure import hashing, word_characters

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not here")

GOLDEN_SHINGLE = 2289220019430019137
GOLDEN_KEYS = [8868657716491127585, -6378338032131129064]


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower().replace("ς", "σ"))
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(a: str, b: str) -> float:
    both = shingles(a) & shingles(b)
    return len(both) / len(shingles(a) | shingles(b)) if both else 0.0


def sign(texts: list[str | None]) -> hashing.Signatures:
    return hashing.sign(pa.array(texts, pa.large_string()))


words = st.sampled_from(
    ["a", "bee", "SEA", "Δέλτα", "ΣΟΦΌΣ", "İstanbul", "x_1", "東京", "٣", "ß", "é", "\U0001d7d9", "𐐀"]
)
gaps = st.sampled_from([" ", "\n", "-", ", ", "…", "́ ", "\x00", "\u200b"])
texts = st.lists(st.tuples(words, gaps), max_size=40).map(lambda parts: "".join(w + g for w, g in parts))


@settings(max_examples=200, deadline=None)
@given(texts, texts)
def test_jaccard_is_that_of_the_five_word_shingles_that_python_finds(a: str, b: str) -> None:
    signed = sign([a, b])
    assert signed.lengths.tolist() == [len(shingles(a)), len(shingles(b))]
    assert hashing.similarities(signed, [0], [1])[0] == pytest.approx(jaccard(a, b), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_as_many_shingles_as_python_finds(text: str) -> None:
    assert sign([text]).lengths[0] == len(shingles(text))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), texts), max_size=6), st.integers(0, 3))
def test_the_signature_of_a_text_depends_neither_on_the_batch_nor_on_the_offset(
    many: list[str | None], cut: int
) -> None:
    whole = hashing.sign(pa.array(many, pa.large_string()).slice(cut))
    for i, text in enumerate(many[cut:]):
        alone = sign([text])
        start, length = whole.starts[i], whole.lengths[i]
        assert (whole.keys[i] == alone.keys[0]).all()
        assert (whole.shingles[start : start + length] == alone.shingles).all()


def test_fewer_than_five_words_make_no_shingle_and_no_duplicate() -> None:
    signed = sign(["", None, "C++", "C#", "one two three four", "one two three four"])
    assert not signed.lengths.any()
    assert hashing.components(signed, 0.5).tolist() == list(range(6))


def test_hashes_are_distinct_and_sorted_and_a_long_text_keeps_its_lowest() -> None:
    long = " ".join(f"w{i % 9000}" for i in range(30_000))
    signed = sign([long, "a b c d e " * 50_000])
    assert signed.lengths.tolist() == [4096, 5]
    assert signed.truncated.tolist() == [True, False]
    first = signed.shingles[:4096]
    assert (np.diff(first.astype(object)) > 0).all()
    assert first[-1] < 2**64 * (4096 / 9000) * 1.1


def test_the_estimate_for_long_texts_is_near_the_true_jaccard() -> None:
    generator = np.random.default_rng(1)
    left = [f"w{i}" for i in generator.integers(0, 50_000, 40_000)]
    for changes in (40, 400, 2000):
        right = list(left)
        for place in generator.integers(0, len(right), changes):
            right[place] = "changed"
        a, b = " ".join(left), " ".join(right)
        assert hashing.similarities(sign([a, b]), [0], [1])[0] == pytest.approx(jaccard(a, b), abs=0.03)


def test_the_frozen_table_is_that_of_unicode_14() -> None:
    if unicodedata.unidata_version != "14.0.0":
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}")
    for frozen, built in zip(word_characters.table(), word_characters.build(), strict=True):
        assert (frozen == built).all()


def test_the_golden_signature_is_unchanged() -> None:
    signed = sign(["The quick brown fox jumps over the lazy dog, and Straße Σίσυφος 東京 follow it."])
    assert signed.lengths[0] == 11
    assert int(signed.shingles[0]) == GOLDEN_SHINGLE, "raise hashing.SIGNATURE and Minhash.version"
    assert signed.keys[0, [0, 24]].tolist() == GOLDEN_KEYS, "raise hashing.SIGNATURE and Minhash.version"


def test_broken_utf_8_and_lengths_at_the_edge_are_read_within_bounds() -> None:
    pieces = [
        b"",
        b"\xff",
        b"\xe2\x82",
        b"\xf0\x9f",
        b"a b c d \xc3",
        b"a b c d e\xed\xa0\x80f",
        b"a b c d \xf4\xbf\xbf\xbf",
    ]
    data, offsets = b"".join(pieces), np.cumsum([0, *map(len, pieces)])
    array = pa.LargeStringArray.from_buffers(len(pieces), pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(data))
    assert hashing.sign(array).lengths.tolist() == [0, 0, 0, 0, 0, 2, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_components_are_those_of_a_naive_search(edges: list[tuple[int, int]]) -> None:
    expected = list(range(31))
    for _ in range(31):
        for a, b in edges:
            expected[a] = expected[b] = min(expected[a], expected[b])
    found = hashing.unite(31, [a for a, _ in edges], [b for _, b in edges])
    assert found.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=9), min_size=2, max_size=25), st.randoms())
def test_components_do_not_depend_on_the_order_of_texts(many: list[list[int]], random: Any) -> None:
    texts = [" ".join(map(str, numbers)) for numbers in many]
    order = list(range(len(texts)))
    random.shuffle(order)
    straight = hashing.components(sign(texts), 0.5)
    shuffled = hashing.components(sign([texts[i] for i in order]), 0.5)
    same = {frozenset(order[j] for j in np.flatnonzero(shuffled == label)) for label in shuffled}
    assert same == {frozenset(np.flatnonzero(straight == label)) for label in straight}


@needs_data
def test_versions_of_files_are_found_and_nothing_else_is() -> None:
    versions, pairs = rows("neardup_versions"), rows("neardup_pairs")
    place = {row["id"]: i for i, row in enumerate(versions)}
    signed = sign([row["text"] for row in versions])
    left, right = ([place[pair[side]] for pair in pairs] for side in ("id_a", "id_b"))
    gold = np.array([pair["jaccard5"] for pair in pairs])
    measured = hashing.similarities(signed, left, right)
    assert np.abs(measured - gold).max() < 0.01
    offered = (signed.keys[left] == signed.keys[right]).any(axis=1)
    for threshold in (0.7, 0.8):
        found, true = offered & (measured >= threshold), gold >= threshold
        assert (found & true).sum() / found.sum() >= 0.97
        assert (found & true).sum() / true.sum() >= 0.985
        labels = hashing.components(signed, threshold)
        assert (labels[left] == labels[right])[true].mean() >= 0.985
        families = {label: {versions[i]["family"] for i in np.flatnonzero(labels == label)} for label in labels}
        assert all(len(members) == 1 for members in families.values())


@needs_data
def test_words_of_sixty_languages_are_those_of_python() -> None:
    texts = [row["text"] for row in rows("langid_text")]
    assert sign(texts).lengths.tolist() == [len(shingles(text)) for text in texts]
