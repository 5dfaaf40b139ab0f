# mypy: disable-error-code="no-untyped-def, untyped-decorator"
"""Kernels for abuse: look-up of listed words, the sentences that hold one, their hashed features and linear score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import boolean, float64, int8, int64, njit, types, uint32, uint64, void

from modelwright.measure.byte_masks import KERNEL
from modelwright.measure.sentence_words import (
    BYTES,
    FIRST_BIT,
    HASHES,
    ROOM,
    SCREEN_BITS,
    SENTENCE_WORDS,
    SPACED,
    WORD_BYTES,
    cut,
    finish,
    hash_words,
    read_words,
    screened,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_BITS = 18
PHRASE_WORDS = 4
LONGEST_WORD = 40
"""Characters n-grams are taken from words of at most so many bytes."""
GROUP, LEARNT, STARTS_PHRASE = 1 << 29, 1 << 30, 1 << 31
"""Marks in the masks of listed words, above one bit a language: a term for a group of people, a learnt word, the first
word or the first two words of a phrase."""
FIELDS = 3
_FEATURES = SENTENCE_WORDS * (2 + 3 * (LONGEST_WORD + 1))
"""Features of a sentence at most."""

_INTS = types.Array(int64, 1, "C", readonly=True)
_MASKS = types.Array(uint32, 1, "C", readonly=True)
_WEIGHTS = types.Array(int8, 1, "C", readonly=True)

_QUOTE = ord('"')
_PRIME = np.uint64(0x100000001B3)
_MIX, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_SCREEN_SHIFT, _FIRST = np.uint64(64 - SCREEN_BITS), np.uint64(FIRST_BIT)
_BUCKET_SHIFT = np.uint64(64 - BUCKET_BITS)
_EDGE, _PAIR = np.uint64(0x3C), np.uint64(0xD6E8FEB86659FD93)


@njit(uint32(uint64, HASHES, HASHES, _MASKS), **KERNEL)
def _mask(value, screen, listed, masks):  # pragma: no cover - compiled
    """The mask of a listed hash, 0 when it is not listed. The screen answers most words from one cache line."""
    if screened(value, screen):
        slot = value >> _SCREEN_SHIFT
        for place in range(int64(screen[slot] >> _FIRST), len(listed)):
            if listed[place] >= value:
                return masks[place] if listed[place] == value else uint32(0)
    return uint32(0)


@njit(int64(BYTES, int64[::1], int64[::1], uint64[::1], int64, uint64[::1]), **KERNEL)
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
        int64, int64[::1], int64[::1], uint64[::1], int64, uint32, HASHES, HASHES, _MASKS, int64[::1], int64
    ),
    **KERNEL,
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


@njit(int64(int64[::1], uint64[::1], int64, int64, int64, uint32, HASHES, HASHES, _MASKS), **KERNEL)
def _noted(edges, hashes, word, first, last, wanted, screen, listed, masks):  # pragma: no cover - compiled
    """What a word says of its sentence of the words `first` to `last`: 1 if it has a mark of `wanted` or begins a
    phrase with the word after it, plus 2 if letters stand apart."""
    mask, noted = _mask(hashes[word], screen, listed, masks), 0
    if mask & wanted:
        noted = 1
    elif mask & uint32(STARTS_PHRASE) and word + 1 < last:
        pair = finish((hashes[word] * _PAIR) ^ hashes[word + 1])
        noted = int64(_mask(pair, screen, listed, masks) & (wanted | uint32(STARTS_PHRASE)) != 0)
    apart, letter = 0, word
    while letter >= first and apart < SPACED and edges[2 * letter + 1] - edges[2 * letter] == 1:
        apart, letter = apart + 1, letter - 1
    return noted + 2 * (apart == SPACED)


@njit(inline="always")
def _score(data, starts, ends, hashes, words, weights, scale, bias, buckets):  # pragma: no cover - compiled
    """How abusive a sentence is, 0 to 1."""
    features = _features(data, starts, ends, hashes, words, buckets)
    total = 0
    for item in range(features):
        total += weights[buckets[item]]
    return 1 / (1 + np.exp(-(total * scale / np.sqrt(features) + bias)))


@njit(
    void(
        int64, BYTES, int64, int64, uint32, boolean, HASHES, HASHES, _MASKS, _WEIGHTS, float64, float64,
        int64[::1], uint64[::1], int64, int64, int64, int64[::1], int64[::1], uint64[::1],
        int64[::1], float64[::1], int64[::1], int64[::1],
    ),
    error_model="numpy", **KERNEL,
)  # fmt: skip
def _read(
    text, data, begin, end, language, modelled, screen, listed, masks, weights, scale, bias,
    edges, hashes, first, last, noted, starts, ends, buckets, kept, scores, hits, totals,
):  # fmt: skip  # pragma: no cover - compiled
    """Enter what the sentence of the words `first` to `last` holds, see `scan_texts`."""
    words, own, used = last - first, hashes[first:last], totals[0]
    for word in range(words):
        starts[word], ends[word] = edges[2 * (first + word)], edges[2 * (first + word) + 1]
    count, ask, named = _listed(text, starts, ends, own, words, language, screen, listed, masks, hits, totals[1])
    totals[1] += count
    if not modelled or not (ask or named or noted & 2):
        return
    totals[0] += 1
    if used < len(scores):
        scores[used] = _score(data, starts, ends, own, words, weights, scale, bias, buckets) if ask else 0.0
        start, stop = starts[0], ends[words - 1]
        start -= start > begin and data[start - 1] == _QUOTE
        stop += stop < end and data[stop] == _QUOTE
        kept[FIELDS * used], kept[FIELDS * used + 1], kept[FIELDS * used + 2] = text, start, stop


_SCAN = void(
    BYTES, BYTES, _INTS, _MASKS, _MASKS, HASHES, HASHES, _MASKS, _WEIGHTS, float64, float64,
    int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1],
    int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], uint64[::1], uint64[::1], uint64[::1],
)  # fmt: skip


@njit(_SCAN, **KERNEL)
def scan_texts(
    data, tail, offsets, languages, modelled, screen, listed, masks, weights, scale, bias,
    sentences, words_of, counts, kept, scores, hits, totals,
    edges, bounds, places, starts, ends, hashes, buckets, state,
):  # fmt: skip  # pragma: no cover - compiled
    """For each text: its sentences, words and listed words; the sentences worth a look, and the listed words.

    tail       `byte_masks.tail_of` the data
    languages  bit of each text's word list (0: none); `modelled` 1 where the model may be asked
    kept       (row, first byte, end) of each sentence that holds a listed, learnt or group word, with the
               score of the abuse model in `scores` (0 where it was not asked); offsets in `data`
    hits       (row, first byte, end) of each listed word or phrase
    totals     how many sentences and hits there are; those beyond the room given are counted and not written
    edges ...  `room_to_scan`
    """
    totals[0], totals[1] = 0, 0
    for text in range(len(offsets) - 1):
        place, end, edge, found = offsets[text], offsets[text + 1], 0, totals[1]
        wanted = languages[text] | uint32(GROUP | LEARNT)
        for bit in range(len(state)):
            state[bit] = 0
        while place <= end:
            place, edge, count = cut(data, tail, place, end, edges, edge, bounds, state)
            first, words, candidate = bounds[count - 1] if count else 0, edge // 2, 0
            bounds[count] = words if place > end else words - (words - first) % SENTENCE_WORDS
            candidates = hash_words(data, edges, words, screen, hashes, places)
            first = 0
            for bound in range(count + 1):
                while first < bounds[bound]:
                    last, noted = min(first + SENTENCE_WORDS, bounds[bound]), 0
                    while candidate < candidates and places[candidate] < last:
                        noted |= _noted(edges, hashes, places[candidate], first, last, wanted, screen, listed, masks)
                        candidate += 1
                    if noted:
                        _read(
                            text, data, offsets[text], end, languages[text], modelled[text] != 0, screen, listed, masks,
                            weights, scale, bias, edges, hashes, first, last, noted, starts, ends, buckets,
                            kept, scores, hits, totals,
                        )  # fmt: skip
                    sentences[text] += 1
                    words_of[text] += last - first
                    first = last
            edge -= 2 * first
            for k in range(edge):
                edges[k] = edges[2 * first + k]
        counts[text] = totals[1] - found


def room_to_scan() -> tuple[NDArray[Any], ...]:
    """What `scan_texts` works in."""
    numbers = (np.empty(size, np.int64) for size in (2 * ROOM, ROOM, ROOM, SENTENCE_WORDS, SENTENCE_WORDS))
    return (*numbers, *(np.empty(size, np.uint64) for size in (ROOM, _FEATURES, 4)))


@njit(cache=True, nogil=True)
def training_features(data, offsets, row_ends, out):  # pragma: no cover - compiled
    """Buckets of each text read as one sentence (its first SENTENCE_WORDS words), one after another in `out`."""
    starts, ends = np.empty(SENTENCE_WORDS, np.int64), np.empty(SENTENCE_WORDS, np.int64)
    hashes = np.empty(SENTENCE_WORDS, np.uint64)
    buckets = np.empty(_FEATURES, np.uint64)
    total = 0
    for text in range(len(offsets) - 1):
        words = read_words(data, offsets[text], offsets[text + 1], starts, ends, hashes)
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
        words = read_words(data, offsets[text], offsets[text + 1], starts, ends, hashes)
        value = hashes[0] if words else uint64(0)
        out[text, 0] = value
        for word in range(1, words):
            value = finish((value * _PAIR) ^ hashes[word])
        out[text, 1] = value
        out[text, 2] = words
    return len(offsets) - 1
