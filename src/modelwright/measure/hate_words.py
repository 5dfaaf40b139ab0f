# mypy: disable-error-code="no-untyped-def, untyped-decorator"
"""Kernel for group-directed hate: what a sentence says, as pooled word vectors, whatever group it names.

A term for a group is a placeholder, so that a model cannot learn whom it is about, only what is said. Unknown words are
read again with their spelling undone: digits for letters, repeated letters, letters set apart, two words run together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float32, int8, int32, int64, njit, types, uint8, uint16, uint32, uint64, void

from modelwright.measure.byte_masks import KERNEL
from modelwright.measure.sentence_words import BASIS, SENTENCE_WORDS, WORD_BYTES, append_byte, finish, read_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERSON, NEGATION, SLURS = 255, 254, 100
"""Marks of words: `people` and its like, which a term for a group swallows; `not` and its like; a slur for group n has
the mark SLURS + n, a term for it the mark n, any other word 0."""
COUNTS = 6
"""Features beside mean and maximum of the vectors: negations, groups, quotation marks, begins with a group, words,
slurs."""
_LONGEST = 24
_PREFIX_BITS = 16
_PREFIX_SHIFT, _1 = np.uint64(64 - _PREFIX_BITS), np.uint64(1)

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_INTS = types.Array(int64, 1, "C", readonly=True)
_INDEX = types.Array(uint32, 1, "C", readonly=True)
_HASHES = types.Array(uint64, 1, "C", readonly=True)
_PLACES = types.Array(uint16, 1, "C", readonly=True)
_VECTORS = types.Array(int8, 1, "C", readonly=True)
_QUOTE, _I = ord('"'), ord("i")


def _letters() -> NDArray[np.uint8]:
    """The letter that a digit stands for."""
    table = WORD_BYTES.copy()
    for digit, letter in zip("0134578", "oieastb", strict=True):
        table[ord(digit)] = ord(letter)
    return table


_LETTERS = _letters()


def prefixes(vocabulary: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Where the hashes with each prefix begin in the sorted vocabulary, (2 ** _PREFIX_BITS + 1,)."""
    wanted = np.arange(1 << _PREFIX_BITS, dtype=np.uint64) << _PREFIX_SHIFT
    return np.append(np.searchsorted(vocabulary, wanted), len(vocabulary)).astype(np.uint32)


@njit(int64(uint64, _HASHES, _INDEX), **KERNEL)
def _look_up(value, vocabulary, index):  # pragma: no cover - compiled
    """The place of a hash in the sorted vocabulary, -1 when it is not there."""
    prefix = value >> _PREFIX_SHIFT
    for place in range(index[prefix], index[prefix + _1]):
        if vocabulary[place] == value:
            return place
    return -1


@njit(types.UniTuple(int64, 2)(_BYTES, int64, int64, _HASHES, _INDEX), **KERNEL)
def _respelt(data, start, end, vocabulary, index):  # pragma: no cover - compiled
    """Places of the one or two words that an unknown word may be: (first, second), -1 where there is none."""
    if end - start > _LONGEST:
        return -1, -1
    plain, short, before, run = BASIS, BASIS, uint8(0), 0
    for place in range(start, end):
        byte = _LETTERS[data[place]]
        plain = append_byte(plain, byte)
        run = run + 1 if byte == before else 1
        if run == 1:
            short = append_byte(short, byte)
        before = byte
    found = _look_up(finish(plain), vocabulary, index)
    if found < 0:
        found = _look_up(finish(short), vocabulary, index)
    if found >= 0:
        return found, -1
    left = BASIS
    for cut in range(start + 1, end - 1):
        left = append_byte(left, WORD_BYTES[data[cut - 1]])
        if cut - start < 2 and data[start] | 0x20 != _I:
            continue
        first = _look_up(finish(left), vocabulary, index)
        if first < 0:
            continue
        right = BASIS
        for place in range(cut, end):
            right = append_byte(right, WORD_BYTES[data[place]])
        second = _look_up(finish(right), vocabulary, index)
        if second >= 0:
            return first, second
    return -1, -1


@njit(types.UniTuple(int64, 2)(_BYTES, int64[::1], int64, int64, int64[::1], _HASHES, _INDEX), **KERNEL)
def _joined(data, starts, words, word, ends, vocabulary, index):  # pragma: no cover - compiled
    """A word whose letters are set apart, from `word` on: (its place, how many one-letter words it takes)."""
    last = word
    while last < words and ends[last] - starts[last] == 1:
        last += 1
    for stop in range(last, max(word + 2, last - 2), -1):
        value = BASIS
        for letter in range(word, stop):
            value = append_byte(value, _LETTERS[data[starts[letter]]])
        found = _look_up(finish(value), vocabulary, index)
        if found >= 0:
            return found, stop - word
    return -1, 0


@njit(int64(_BYTES, int64[::1], int64[::1], uint64[::1], int64, _HASHES, _INDEX, int64[::1]), **KERNEL)
def _tokens(data, starts, ends, hashes, words, vocabulary, index, out):  # pragma: no cover - compiled
    """Places in the vocabulary of the words of a sentence, unknown ones left out; returns how many."""
    used, word = 0, 0
    while word < words:
        if ends[word] - starts[word] == 1:
            found, taken = _joined(data, starts, words, word, ends, vocabulary, index)
            if taken:
                out[used] = found
                used += 1
                word += taken
                continue
        found = _look_up(hashes[word], vocabulary, index)
        second = -1
        if found < 0:
            found, second = _respelt(data, starts[word], ends[word], vocabulary, index)
        if found >= 0:
            out[used] = found
            used += 1
        if second >= 0:
            out[used] = second
            used += 1
        word += 1
    return used


_FEATURES = void(
    _BYTES, _INTS, _HASHES, _INDEX, _PLACES, types.Array(uint8, 1, "C", readonly=True), _VECTORS,
    int64, float32[::1], int64[::1], int64[::1], int64[::1], uint64[::1], int64[::1], int32[::1], int32[::1],
)  # fmt: skip


@njit(_FEATURES, error_model="numpy", **KERNEL)
def hate_features(
    data, spans, vocabulary, index, places, marks, vectors, dimensions, out, groups, starts, ends, hashes, tokens, sums,
    tops,
):  # fmt: skip  # pragma: no cover - compiled
    """Features of sentences: mean and maximum of the `vectors` (rows of `dimensions`) of their words, and COUNTS more.

    spans       first byte and end of each sentence in `data`
    vocabulary  sorted hashes, with the row of `vectors` in `places` and the mark of each; `index`: see `prefixes`
    out         a row of 2 * dimensions + COUNTS for each sentence; `groups` the group it names, 0 for none
    starts ...  `room_for_words`
    """
    width = 2 * dimensions + COUNTS
    for sentence in range(len(groups)):
        first, end = spans[2 * sentence], spans[2 * sentence + 1]
        words = read_words(data, first, end, starts, ends, hashes)
        used = _tokens(data, starts, ends, hashes, words, vocabulary, index, tokens)
        row = out[sentence * width : (sentence + 1) * width]
        sums[:] = 0
        tops[:] = -128
        counted, negations, named, slurs, group, begins, was_group = 0, 0, 0, 0, 0, 0, False
        for token in range(used):
            mark = int64(marks[tokens[token]])
            if mark == PERSON and was_group:
                continue
            was_group = mark > 0 and mark < SLURS
            counted += 1
            if was_group:
                named += 1
                begins += token == 0
                group = mark if group == 0 else group
                continue
            if mark == NEGATION:
                negations += 1
            elif mark > SLURS and mark != PERSON:
                slurs += 1
                group = mark - SLURS if group == 0 else group
            vector = int64(places[tokens[token]]) * dimensions
            part = vectors[vector : vector + dimensions]
            for dimension in range(dimensions):
                value = int32(part[dimension])
                sums[dimension] += value
                tops[dimension] = value if value > tops[dimension] else tops[dimension]
        for dimension in range(dimensions):
            row[dimension] = sums[dimension] / max(counted, 1)
            row[dimensions + dimension] = tops[dimension]
        quotes = 0
        for place in range(first, end):
            quotes += data[uint64(place)] == _QUOTE
        row[2 * dimensions] = negations
        row[2 * dimensions + 1] = named
        row[2 * dimensions + 2] = min(quotes, 4)
        row[2 * dimensions + 3] = begins
        row[2 * dimensions + 4] = counted
        row[2 * dimensions + 5] = slurs
        groups[sentence] = group


def room_for_words(dimensions: int) -> tuple[NDArray[Any], ...]:
    """What `hate_features` works in."""
    sizes = ((SENTENCE_WORDS, np.int64),) * 2, (SENTENCE_WORDS, np.uint64), (2 * SENTENCE_WORDS, np.int64)
    return tuple(np.empty(size, kind) for size, kind in (*sizes[0], *sizes[1:], *((dimensions, np.int32),) * 2))
