"""Words and sentences read in masks of 64 bytes are those that reading byte by byte gives."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.byte_masks import BLOCK, tail_of
from modelwright.measure.sentence_words import (
    BASIS,
    ROOM,
    SENTENCE_WORDS,
    SPACED,
    WORD,
    WORD_BYTES,
    append_byte,
    cut,
    finish,
    hash_words,
    read_words,
)

SPACE = b"\t\n\x0b\x0c\r "
NOTHING_LISTED = np.zeros(1 << 12, np.uint64)
NOTHING_LISTED.flags.writeable = False
TEXTS = st.lists(
    st.text(max_size=30)
    | st.text(alphabet="aZ_'9é中“. !?\n\t,", max_size=200)
    | st.sampled_from(
        ["word " * 70, "x" * 100, "\n \n", "a b c d. ", "...\n\n\n", "“" * 40, "e" * 63 + "\n", " " * 64]
    ),
    max_size=8,
).map("".join)


def array(content: bytes) -> np.ndarray:
    data = np.frombuffer(content, np.uint8).copy()
    data.flags.writeable = False
    return data


def hash_of(word: bytes) -> int:
    value = np.uint64(BASIS)
    with np.errstate(over="ignore"):
        for byte in word:
            value = append_byte.py_func(value, WORD_BYTES[byte])
        return int(finish.py_func(value))


def expected(content: bytes) -> list[list[tuple[int, int]]]:
    """First bytes and ends of the words of each sentence, by the definition."""
    sentences: list[list[tuple[int, int]]] = [[]]
    place, breaks = 0, 0
    while place < len(content):
        if len(sentences[-1]) == SENTENCE_WORDS:
            sentences.append([])
        byte, start = content[place], place
        if WORD_BYTES[byte] >= WORD:
            while place < len(content) and WORD_BYTES[content[place]] >= WORD:
                place += 1
            sentences[-1].append((start, place))
            breaks = 0
            continue
        place += 3 if byte == 0xE2 else 1
        if byte in b".!?" and (place >= len(content) or content[place] in SPACE):
            breaks = 2
        elif byte == 10:
            breaks += 1
        elif byte not in SPACE:
            breaks = 0
        if breaks >= 2 and sentences[-1]:
            sentences.append([])
            breaks = 0
    return [sentence for sentence in sentences if sentence]


def found(content: bytes, before: bytes, after: bytes) -> tuple[list[list[tuple[int, int]]], list[int]]:
    """Sentences as `cut` gives them, of a text that stands between two others, and the hashes of all words."""
    data = array(before + content + after)
    edges, bounds, places = (np.zeros(3 * ROOM, np.int64) for _ in range(3))
    hashes, state = np.zeros(3 * ROOM, np.uint64), np.zeros(4, np.uint64)
    place, end = len(before), len(before) + len(content)
    words: list[tuple[int, int]] = []
    ends, values = [0], []
    edge = 0
    while place <= end:
        place, edge, count = cut(data, tail_of(data), place, end, edges, edge, bounds, state)
        ends += [len(words) + int(bound) for bound in bounds[:count]]
        whole = edge // 2
        candidates = places[: hash_words(data, edges, whole, NOTHING_LISTED, hashes, places)]
        sizes = edges[1 : 2 * whole : 2] - edges[: 2 * whole : 2]
        apart = [k for k in range(SPACED - 1, whole) if (sizes[k - SPACED + 1 : k + 1] == 1).all()]
        assert set(apart) <= set(candidates.tolist())
        words += [tuple(pair) for pair in (edges[: 2 * whole].reshape(-1, 2) - len(before)).tolist()]
        values += hashes[:whole].tolist()
        edges[: edge - 2 * whole] = edges[2 * whole : edge].copy()
        edge -= 2 * whole
    assert edge == 0
    sentences = []
    for first, last in zip(ends, [*ends[1:], len(words)], strict=True):
        sentences += [words[k : min(k + SENTENCE_WORDS, last)] for k in range(first, last, SENTENCE_WORDS)]
    return sentences, values


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.sampled_from(["", "x", "Another text.\n"]), st.sampled_from(["", "x", "\n\n more"]))
def test_words_and_sentences_are_those_of_the_definition(text: str, before: str, after: str) -> None:
    content = text.encode()
    sentences, values = found(content, before.encode(), after.encode())
    assert sentences == expected(content)
    assert values == [hash_of(content[start:end]) for sentence in sentences for start, end in sentence]


@pytest.mark.parametrize("size", range(BLOCK - 2, BLOCK + 3))
def test_a_word_that_ends_with_a_block_or_its_text_is_whole(size: int) -> None:
    for content in (b"a" * size, b"a" * size + b" b", b"." * size + b" b", b"a" * (size - 1) + b".\nb"):
        assert found(content, b"", b"")[0] == expected(content)


def test_a_long_text_is_read_in_parts_without_a_seam() -> None:
    content = ("One word, two words! " * 300 + "\n\n" + "w" * 9000 + " I. ").encode()
    sentences, values = found(content, b"", b"")
    assert [*chain(*sentences)] == [*chain(*expected(content))]
    assert values[-2] == hash_of(b"w" * 9000)


@given(TEXTS)
@settings(deadline=None, max_examples=100)
def test_the_words_of_one_sentence_are_read_alike(text: str) -> None:
    content = text.encode()
    starts, ends, hashes = (np.zeros(SENTENCE_WORDS, kind) for kind in (np.int64, np.int64, np.uint64))
    count = read_words(array(content), 0, len(content), starts, ends, hashes)
    words = [*chain(*expected(content))][:SENTENCE_WORDS]
    assert list(zip(starts[:count].tolist(), ends[:count].tolist(), strict=True)) == words
    assert hashes[:count].tolist() == [hash_of(content[start:end]) for start, end in words]
