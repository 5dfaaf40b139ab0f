# mypy: disable-error-code="no-untyped-def, untyped-decorator"
"""Kernels for abuse: words and sentences of a text, look-up of listed words, hashed features and their linear score.

A word is a run of ASCII letters, digits, `_`, `'` and any non-ASCII bytes; a sentence ends at `.`, `!`, `?` before
white space, at a blank line, or after SENTENCE_WORDS words. The hash of a word shifts and mixes byte by byte, so that
words of up to 12 ASCII letters never collide, and ends with two multiplications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import boolean, float64, int8, int64, njit, types, uint8, uint32, uint64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_BITS = 18
SENTENCE_WORDS = 64
PHRASE_WORDS = 4
LONGEST_WORD = 40
"""Characters n-grams are taken from words of at most so many bytes."""
SCREEN_BITS = 18
GROUP, LEARNT, STARTS_PHRASE = 1 << 29, 1 << 30, 1 << 31
"""Marks in the masks of listed words, above one bit a language: a term for a group of people, a learnt word, the first
word or the first two words of a phrase."""
SPACED = 3
"""So many one-letter words in a row may be a word with spaces between its letters."""
FIELDS = 3

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_INTS = types.Array(int64, 1, "C", readonly=True)
_HASHES = types.Array(uint64, 1, "C", readonly=True)
_MASKS = types.Array(uint32, 1, "C", readonly=True)
_WEIGHTS = types.Array(int8, 1, "C", readonly=True)

_SPACE, _BREAK, _STOP, _PUNCTUATION, WORD = 1, 2, 3, 4, 39
"""Marks of bytes. PUNCTUATION is the first of the three bytes of U+2000 to U+2FFF: quotation marks, dashes, symbols."""
_QUOTE = ord('"')
_PRIME, _BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)
_MIX, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_SCREEN_SHIFT = np.uint64(64 - SCREEN_BITS)
_BUCKET_SHIFT = np.uint64(64 - BUCKET_BITS)
_EDGE, _PAIR = np.uint64(0x3C), np.uint64(0xD6E8FEB86659FD93)
_UP, _DOWN, _ONE_BYTE = np.uint64(5), np.uint64(59), np.uint64(256)
_SIX, _63, _1, _NOTHING = np.uint64(6), np.uint64(63), np.uint64(1), np.uint64(0)


def _word_bytes() -> NDArray[np.uint8]:
    """What each byte is inside a word, ASCII in lower case; below WORD the mark of a byte that ends the word."""
    table = np.zeros(256, np.uint8)
    for first, last in (("0", "9"), ("a", "z"), ("_", "_"), ("'", "'")):
        table[ord(first) : ord(last) + 1] = np.arange(ord(first), ord(last) + 1)
    table[ord("A") : ord("Z") + 1] = np.arange(ord("a"), ord("z") + 1)
    table[128:] = np.arange(128, 256)
    table[[9, 11, 12, 13, 32]] = _SPACE
    table[10] = _BREAK
    table[[ord(mark) for mark in ".!?"]] = _STOP
    table[0xE2] = _PUNCTUATION
    return table


WORD_BYTES = _word_bytes()


@njit(inline="always")
def finish(value):  # pragma: no cover - compiled
    """Mix a hash so that its upper bits depend on all of it."""
    value = value * _MIX
    return (value ^ (value >> _HALF)) * _MIX


@njit(inline="always")
def append_byte(value, byte):  # pragma: no cover - compiled
    """The hash of a word with one more byte, before `finish`; it begins at BASIS."""
    return ((value << _UP) | (value >> _DOWN)) ^ uint64(byte)


BASIS = np.uint64(0)


@njit(uint32(uint64, _HASHES, _HASHES, _MASKS), cache=True, nogil=True)
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


@njit(int64(_BYTES, int64, int64, boolean, int64[::1], int64[::1], uint64[::1]), cache=True, nogil=True)
def read_sentence(data, place, end, whole, starts, ends, hashes):  # pragma: no cover - compiled
    """Read one sentence from `place`: how many words it has. `whole` ignores stops. `_next_sentence` is its twin."""
    words, breaks = 0, 0
    while place < end:
        byte = WORD_BYTES[data[place]]
        if byte >= WORD:
            start, value = place, BASIS
            while byte >= WORD:
                value = append_byte(value, byte)
                place += 1
                if place >= end:
                    break
                byte = WORD_BYTES[data[place]]
            starts[words], ends[words], hashes[words] = start, place, finish(value)
            breaks = 0
            words += 1
            if words == SENTENCE_WORDS:
                break
            continue
        place += 3 if byte == _PUNCTUATION else 1
        if byte == _SPACE or whole or words == 0:
            continue
        if byte == _STOP:
            if place >= end or WORD_BYTES[data[place]] == _SPACE or WORD_BYTES[data[place]] == _BREAK:
                break
        elif byte == _BREAK:
            breaks += 1
            if breaks == 2:
                break
        else:
            breaks = 0
    return words


@njit(inline="always")
def _next_sentence(data, place, end, wanted, screen, listed, masks):  # pragma: no cover - compiled
    """Run over one sentence from `place`: (number of words, where the next one begins, 1 if it holds a word with a
    mark of `wanted` or the first two words of a phrase, plus 2 if letters stand apart). The same sentences as
    `read_sentence` gives, without a store for each word; unsigned places spare a test for negative ones.
    """
    words, breaks, single, noted, opened = 0, 0, 0, 0, _NOTHING
    while place < end:
        byte = WORD_BYTES[data[uint64(place)]]
        if byte >= WORD:
            value = BASIS
            while byte >= WORD:
                value = append_byte(value, byte)
                place += 1
                if place >= end:
                    break
                byte = WORD_BYTES[data[uint64(place)]]
            single = single + 1 if value < _ONE_BYTE else 0
            if single == SPACED:
                noted |= 2
            value = finish(value)
            slot = value >> _SCREEN_SHIFT
            if opened != 0:
                pair = finish((opened * _PAIR) ^ value)
                opened = _NOTHING
                if _mask(pair, screen, listed, masks) & (wanted | uint32(STARTS_PHRASE)):
                    noted |= 1
            if (screen[slot >> _SIX] >> (slot & _63)) & _1:
                mask = _mask(value, screen, listed, masks)
                if mask & wanted:
                    noted |= 1
                if mask & uint32(STARTS_PHRASE):
                    opened = value
            breaks = 0
            words += 1
            if words == SENTENCE_WORDS:
                break
            continue
        place += 3 if byte == _PUNCTUATION else 1
        if byte == _SPACE or words == 0:
            continue
        if byte == _STOP:
            if place >= end or WORD_BYTES[data[uint64(place)]] == _SPACE or WORD_BYTES[data[uint64(place)]] == _BREAK:
                break
        elif byte == _BREAK:
            breaks += 1
            if breaks == 2:
                break
        else:
            breaks = 0
    return words, place, noted


@njit(int64(_BYTES, int64[::1], int64[::1], uint64[::1], int64, uint64[::1]), cache=True, nogil=True)
def _features(data, starts, ends, hashes, words, out):  # pragma: no cover - compiled
    """Buckets of words, pairs of words, and 3 to 5 bytes inside words with their edges; returns how many."""
    used = 0
    for word in range(words):
        out[used] = hashes[word] >> _BUCKET_SHIFT
        used += 1
        if word > 0:
            out[used] = finish((hashes[word - 1] * _PAIR) ^ hashes[word]) >> _BUCKET_SHIFT
            used += 1
        length = ends[word] - starts[word]
        if length > LONGEST_WORD:
            continue
        for first in range(-1, length):
            value = uint64(0x811C9DC5)
            for place in range(first, min(first + 5, length + 1)):
                inside = place >= 0 and place < length
                byte = uint64(WORD_BYTES[data[starts[word] + place]]) if inside else _EDGE
                value = (value ^ byte) * _PRIME
                if place - first >= 2:
                    out[used] = ((value ^ (value >> _HALF)) * _MIX) >> _BUCKET_SHIFT
                    used += 1
    return used


@njit(
    types.Tuple((int64, boolean, boolean))(
        int64, int64[::1], int64[::1], uint64[::1], int64, uint32, _HASHES, _HASHES, _MASKS, int64[::1], int64
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _listed(row, starts, ends, hashes, words, language, screen, listed, masks, hits, used):  # pragma: no cover
    """Write the listed words and phrases of the language to `hits` from place `used`, as far as there is room.

    Returns (how many there are, whether the abuse model should read the sentence, whether it may be about a group).
    """
    count, ask, named, word = 0, False, False, 0
    while word < words:
        value = hashes[word]
        mask = _mask(value, screen, listed, masks)
        length = 0
        if mask != 0:
            ask |= mask & uint32(LEARNT) != 0
            named |= mask & uint32(GROUP) != 0
            length = 1 if mask & language else 0
            if mask & uint32(STARTS_PHRASE):
                for following in range(1, min(PHRASE_WORDS, words - word)):
                    value = finish((value * _PAIR) ^ hashes[word + following])
                    if _mask(value, screen, listed, masks) & language:
                        length = following + 1
        if length:
            place = (used + count) * FIELDS
            if place < len(hits):
                hits[place], hits[place + 1], hits[place + 2] = row, starts[word], ends[word + length - 1]
            count += 1
        word += max(length, 1)
    return count, ask or count > 0, named


_SCORE = void(
    _BYTES, _INTS, _MASKS, _MASKS, _HASHES, _HASHES, _MASKS, _WEIGHTS, float64, float64,
    int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1],
)  # fmt: skip


@njit(_SCORE, cache=True, nogil=True, error_model="numpy")
def scan_texts(
    data, offsets, languages, modelled, screen, listed, masks, weights, scale, bias,
    sentences, words_of, counts, kept, scores, hits, totals,
):  # fmt: skip  # pragma: no cover - compiled
    """For each text: its sentences, words and listed words; the sentences worth a look, and the listed words.

    languages  bit of each text's word list (0: none); `modelled` 1 where the model may be asked
    kept       (row, first byte, end) of each sentence that holds a listed, learnt or group word, with the
               score of the abuse model in `scores` (0 where it was not asked); offsets in `data`
    hits       (row, first byte, end) of each listed word or phrase
    totals     how many sentences and hits there are; those beyond the room given are counted and not written
    """
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    buckets = np.empty(SENTENCE_WORDS * (2 + 3 * (LONGEST_WORD + 1)), np.uint64)
    used, found = 0, 0
    for text in range(len(offsets) - 1):
        place, end = offsets[text], offsets[text + 1]
        before, wanted = found, languages[text] | uint32(GROUP | LEARNT)
        while place < end:
            first = place
            words, place, noted = _next_sentence(data, first, end, wanted, screen, listed, masks)
            sentences[text] += words > 0
            words_of[text] += words
            if noted == 0:
                continue
            words = read_sentence(data, first, place, False, starts, ends, hashes)
            count, ask, named = _listed(
                text, starts, ends, hashes, words, languages[text], screen, listed, masks, hits, found
            )
            found += count
            if modelled[text] == 0 or not (ask or named or noted & 2):
                continue
            if used < len(scores):
                score = 0.0
                if ask:
                    features = _features(data, starts, ends, hashes, words, buckets)
                    total = 0
                    for item in range(features):
                        total += weights[buckets[item]]
                    score = 1 / (1 + np.exp(-(total * scale / np.sqrt(features) + bias)))
                first = used * FIELDS
                begin, last = starts[0], ends[words - 1]
                begin -= begin > offsets[text] and data[begin - 1] == _QUOTE
                last += last < end and data[last] == _QUOTE
                kept[first], kept[first + 1], kept[first + 2] = text, begin, last
                scores[used] = score
            used += 1
        counts[text] = found - before
    totals[0], totals[1] = used, found


@njit(cache=True, nogil=True)
def training_features(data, offsets, row_ends, out):  # pragma: no cover - compiled
    """Buckets of each text read as one sentence (its first SENTENCE_WORDS words), one after another in `out`."""
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    buckets = np.empty(SENTENCE_WORDS * (2 + 3 * (LONGEST_WORD + 1)), np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        words = read_sentence(data, offsets[text], offsets[text + 1], True, starts, ends, hashes)
        used = _features(data, starts, ends, hashes, words, buckets)
        for item in range(used):
            out[total + item] = buckets[item]
        total += used
        row_ends[text] = total
    return total


@njit(cache=True, nogil=True)
def word_hashes(data, offsets, out):  # pragma: no cover - compiled
    """For each text (a listed word or phrase): hash of its first word, hash of the whole, number of words, in a row
    of `out`.
    """
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    for text in range(len(offsets) - 1):
        words = read_sentence(data, offsets[text], offsets[text + 1], True, starts, ends, hashes)
        value = hashes[0] if words else uint64(0)
        out[text, 0] = value
        for word in range(1, words):
            value = finish((value * _PAIR) ^ hashes[word])
        out[text, 1] = value
        out[text, 2] = words
    return len(offsets) - 1
