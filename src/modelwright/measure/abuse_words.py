# mypy: disable-error-code="no-untyped-def, untyped-decorator"
"""Kernels for abuse: words and sentences of a text, look-up of listed words, hashed features and their linear score.

A word is a run of ASCII letters, digits, `_`, `'` and any non-ASCII bytes; a sentence ends at `.`, `!`, `?` before
white space, at a
blank line, or after SENTENCE_WORDS words. Hashes are 64-bit FNV-1a with a multiplying finish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import float64, int8, int64, njit, types, uint8, uint32, uint64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_BITS = 18
SENTENCE_WORDS = 64
PHRASE_WORDS = 4
LONGEST_WORD = 40
"""Characters n-grams are taken from words of at most so many bytes."""
ONE_IN = 20
"""The score of a text is what at least one sentence in so many reaches."""
SCREEN_BITS = 16
LEARNT, STARTS_PHRASE = 1 << 30, 1 << 31
"""Marks in the masks of listed words, above one bit a language."""

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_INTS = types.Array(int64, 1, "C", readonly=True)
_HASHES = types.Array(uint64, 1, "C", readonly=True)
_MASKS = types.Array(uint32, 1, "C", readonly=True)
_WEIGHTS = types.Array(int8, 1, "C", readonly=True)

_OTHER, _WORD, _STOP, _SPACE, _BREAK = 0, 1, 2, 3, 4
_PRIME, _BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)
_MIX, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_SCREEN_SHIFT = np.uint64(64 - SCREEN_BITS)
_BUCKET_SHIFT = np.uint64(64 - BUCKET_BITS)
_EDGE, _PAIR = np.uint64(0x3C), np.uint64(0xD6E8FEB86659FD93)
_SIX, _63, _1 = np.uint64(6), np.uint64(63), np.uint64(1)


def _byte_classes() -> NDArray[np.uint8]:
    classes = np.zeros(256, np.uint8)
    for first, last in (("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_"), ("'", "'")):
        classes[ord(first) : ord(last) + 1] = _WORD
    classes[128:] = _WORD
    classes[[ord(mark) for mark in ".!?"]] = _STOP
    classes[[9, 11, 12, 13, 32]] = _SPACE
    classes[10] = _BREAK
    return classes


_CLASSES = _byte_classes()


@njit(inline="always")
def _lower(byte):  # pragma: no cover - compiled
    return uint64(byte + 32) if byte >= 65 and byte <= 90 else uint64(byte)


@njit(inline="always")
def _finish(value):  # pragma: no cover - compiled
    return (value ^ (value >> _HALF)) * _MIX


@njit(cache=True, nogil=True)
def _sentence(data, place, end, whole, starts, ends, hashes):  # pragma: no cover - compiled
    """Read one sentence from `place`: (number of words, where the next one begins). `whole` ignores stops."""
    words, breaks = 0, 0
    while place < end:
        kind = _CLASSES[data[place]]
        if kind == _WORD:
            breaks = 0
            starts[words] = place
            value = _BASIS
            while place < end and _CLASSES[data[place]] == _WORD:
                value = (value ^ _lower(data[place])) * _PRIME
                place += 1
            ends[words] = place
            hashes[words] = _finish(value)
            words += 1
            if words == SENTENCE_WORDS:
                break
            continue
        place += 1
        if whole or words == 0:
            continue
        if kind == _STOP and (place == end or _CLASSES[data[place]] >= _SPACE):
            break
        if kind == _BREAK:
            breaks += 1
            if breaks == 2:
                break
        elif kind != _SPACE:
            breaks = 0
    return words, place


@njit(cache=True, nogil=True)
def _features(data, starts, ends, hashes, words, out):  # pragma: no cover - compiled
    """Buckets of words, pairs of words, and 3 to 5 bytes inside words with their edges; returns how many."""
    used = 0
    for word in range(words):
        out[used] = _finish(hashes[word]) >> _BUCKET_SHIFT
        used += 1
        if word > 0:
            out[used] = _finish((hashes[word - 1] * _PAIR) ^ hashes[word]) >> _BUCKET_SHIFT
            used += 1
        length = ends[word] - starts[word]
        if length > LONGEST_WORD:
            continue
        for first in range(-1, length):
            value = uint64(0x811C9DC5)
            for place in range(first, min(first + 5, length + 1)):
                byte = _EDGE if place < 0 or place == length else _lower(data[starts[word] + place])
                value = (value ^ byte) * _PRIME
                if place - first >= 2:
                    out[used] = _finish(value) >> _BUCKET_SHIFT
                    used += 1
    return used


@njit(inline="always")
def _mask(value, screen, listed, masks):  # pragma: no cover - compiled
    """The mask of a listed hash, 0 when it is not listed. The screen answers most words from one cache line."""
    slot = value >> _SCREEN_SHIFT
    if (screen[slot >> _SIX] >> (slot & _63)) & _1 == 0:
        return uint32(0)
    first, last = 0, len(listed)
    while first < last:
        middle = (first + last) // 2
        if listed[middle] < value:
            first = middle + 1
        else:
            last = middle
    return masks[first] if first < len(listed) and listed[first] == value else uint32(0)


@njit(cache=True, nogil=True)
def _listed(hashes, words, language, screen, listed, masks):  # pragma: no cover - compiled
    """(number of listed words and phrases of the language, whether the model should read the sentence)."""
    count, ask, word = 0, False, 0
    while word < words:
        value = hashes[word]
        mask = _mask(value, screen, listed, masks)
        length = 0
        if mask != 0:
            ask |= mask & uint32(LEARNT) != 0
            length = 1 if mask & language else 0
            if mask & uint32(STARTS_PHRASE):
                for following in range(1, min(PHRASE_WORDS, words - word)):
                    value = _finish((value * _PAIR) ^ hashes[word + following])
                    if _mask(value, screen, listed, masks) & language:
                        length = following + 1
        count += length > 0
        word += max(length, 1)
    return count, ask or count > 0


@njit(cache=True, nogil=True)
def _ranked(values, used, rank):  # pragma: no cover - compiled
    """The `rank`-th largest of the first `used` values in [0, 1]; by halving, since a sort is slow to compile."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        count = 0
        for item in range(used):
            count += values[item] >= middle
        if count >= rank:
            low = middle
        else:
            high = middle
    best = 1.0
    for item in range(used):
        if values[item] >= low:
            best = min(best, values[item])
    return best


_SCORE = void(
    _BYTES, _INTS, _MASKS, _MASKS, _HASHES, _HASHES, _MASKS, _WEIGHTS, float64, float64, float64,
    float64[::1], float64[::1], int64[::1],
)  # fmt: skip


@njit(_SCORE, cache=True, nogil=True, error_model="numpy")
def score_texts(
    data, offsets, languages, modelled, screen, listed, masks, weights, scale, bias, threshold, scores, shares, counts
):  # pragma: no cover - compiled
    """For each text: score, share of sentences at `threshold` or above, count of listed words.

    `languages` is the bit of each text's word list (0: none), `modelled` 1 where the model may be asked.
    """
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    buckets = np.empty(SENTENCE_WORDS * (2 + 3 * (LONGEST_WORD + 1)), np.uint64)
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    hits = np.empty(longest // 2 + 1, np.float64)  # a sentence has a word and a mark
    for text in range(len(offsets) - 1):
        place, end = offsets[text], offsets[text + 1]
        sentences, used, over, count = 0, 0, 0, 0
        while place < end:
            words, place = _sentence(data, place, end, False, starts, ends, hashes)
            if words == 0:
                continue
            sentences += 1
            found, ask = _listed(hashes, words, languages[text], screen, listed, masks)
            count += found
            if ask and modelled[text]:
                features = _features(data, starts, ends, hashes, words, buckets)
                total = 0
                for item in range(features):
                    total += weights[buckets[item]]
                hits[used] = 1 / (1 + np.exp(-(total * scale / np.sqrt(features) + bias)))
                over += hits[used] >= threshold
                used += 1
        counts[text] = count
        shares[text] = over / sentences if sentences else 0.0
        rank = (sentences + ONE_IN - 1) // ONE_IN
        scores[text] = _ranked(hits, used, rank) if rank and used >= rank else 0.0


@njit(int64(_BYTES, _INTS, int64[::1], int64[::1]), cache=True, nogil=True)
def training_features(data, offsets, row_ends, out):  # pragma: no cover - compiled
    """Buckets of each text read as one sentence (its first SENTENCE_WORDS words), one after another in `out`."""
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    buckets = np.empty(SENTENCE_WORDS * (2 + 3 * (LONGEST_WORD + 1)), np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        words, _ = _sentence(data, offsets[text], offsets[text + 1], True, starts, ends, hashes)
        used = _features(data, starts, ends, hashes, words, buckets)
        for item in range(used):
            out[total + item] = buckets[item]
        total += used
        row_ends[text] = total
    return total


@njit(int64(_BYTES, _INTS, uint64[:, ::1]), cache=True, nogil=True)
def word_hashes(data, offsets, out):  # pragma: no cover - compiled
    """For each text (a listed word or phrase): hash of its first word, hash of the whole, number of words, in a row
    of `out`.
    """
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    for text in range(len(offsets) - 1):
        words, _ = _sentence(data, offsets[text], offsets[text + 1], True, starts, ends, hashes)
        value = hashes[0] if words else uint64(0)
        out[text, 0] = value
        for word in range(1, words):
            value = _finish((value * _PAIR) ^ hashes[word])
        out[text, 1] = value
        out[text, 2] = words
    return len(offsets) - 1
