"""Kernel of `hashing`: words of a text, hashes of its shingles, MinHash bands."""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numpy as np
from numba import int64, njit, types, uint64

from modelwright.measure.code_points import BYTES, DISTANCES, PAGES, decode

WORDS, BINS, BANDS, ROWS, BOTTOM = 5, 128, 25, 5, 4096
NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
CAPACITY, CHUNK = 4 * BOTTOM, 8192
BEYOND_ASCII = np.uint64(255)
_MIX_A, _MIX_B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)  # fmix64 of MurmurHash3
_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: the base of the rolling polynomial
_BIN_SHIFT, _32, _33, _SEVEN, _57 = np.uint64(57), np.uint64(32), np.uint64(33), np.uint64(7), np.uint64(57)
_NOTHING, _ONE, _SPREAD = np.uint64(0), np.uint64(1), np.uint64(0x10001)
SCRATCH = 3 * BINS + CHUNK + 2 * CAPACITY + 1
"""Hashes of room that the kernel works in."""

INTS = types.Array(types.int64, 1, "C", readonly=True)
HASHES = types.Array(types.uint64, 1, "C", readonly=True)
HASHES_OUT, INTS_OUT = types.Array(types.uint64, 1, "C"), types.Array(types.int64, 1, "C")
_COUNTS_OUT, _KEYS_OUT = types.Array(types.int32, 1, "C"), types.Array(types.int64, 2, "C")
_FLAGS_OUT = types.Array(types.boolean, 1, "C")


@njit(inline="always")
def _mix(value):
    value = (value ^ (value >> _33)) * _MIX_A
    value = (value ^ (value >> _33)) * _MIX_B
    return value ^ (value >> _33)


@njit(
    types.int64(HASHES_OUT, types.int64, HASHES_OUT, _COUNTS_OUT, HASHES_OUT, types.int64, HASHES_OUT),
    cache=True, nogil=True,
)  # fmt: skip
def _sort_distinct(values, count, spare, starts, out, first, minima):
    """Sort `values[:count]` into `out[first:]` without repeats, and note the lowest of each bin; returns how many stay.
    Hashes are uniform: a bucket each, and as many more that stay empty."""
    bits = 2
    while (1 << bits) < 2 * count:
        bits += 1
    shift = np.uint64(64 - bits)
    starts[: 1 << bits] = 0
    for i in range(count):
        starts[values[i] >> shift] += 1
    place = np.int32(1)
    for i in range(1 << bits):
        here = starts[i]
        starts[i] = place
        place += here
    spare[0] = _NOTHING  # stops what sinks below
    for i in range(count):
        place = starts[values[i] >> shift]
        starts[values[i] >> shift] = place + 1
        spare[place] = values[i]
    for i in range(2, count + 1):
        value, j = spare[i], i
        while spare[j - 1] > value:
            spare[j] = spare[j - 1]
            j -= 1
        spare[j] = value
    kept, before = first, NONE
    for i in range(1, count + 1):
        value = spare[i]
        out[kept] = value
        kept += int64(value != before)
        minima[value >> _BIN_SHIFT] = min(minima[value >> _BIN_SHIFT], value)
        before = value
    return kept - first


@njit(types.void(HASHES_OUT, HASHES_OUT, _KEYS_OUT, types.int64), cache=True, nogil=True)
def _bands(minima, dense, keys, text):
    """Fill empty bins by optimal densification, then hash each band of five rows into `keys[text]`.

    `dense` has room for as many bins that are still empty: they are tried together, as nobody can predict how often
    one must be."""
    bins, empty, left, attempt = dense[BINS:], 0, 0, _NOTHING
    for i in range(BINS):
        dense[i], bins[empty] = minima[i], i
        empty += int64(minima[i] == NONE)
    while empty > 0:
        left, attempt = 0, attempt + _ONE
        for k in range(empty):
            i = bins[k]
            value = minima[_mix((i * _SPREAD + attempt) * _STEP) >> _BIN_SHIFT]
            dense[i], bins[left] = value, i
            left += int64(value == NONE)
        empty = left
    for band in range(BANDS):
        key = uint64(band)
        for row in range(ROWS):
            key = (key ^ (dense[band * ROWS + row] >> _33)) * _STEP + dense[band * ROWS + row]
        keys[text, band] = np.int64(_mix(key))


@njit(
    types.Tuple((types.int64, types.uint64, types.uint64, types.int64))(
        BYTES, types.int64, types.int64, types.int64, types.uint64, types.uint64, HASHES, PAGES, DISTANCES,
        HASHES_OUT,
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _words(data, position, stop, end, word, inside, letters, pages, distances, words):
    """Enter the hash of each word that ends in data[position:stop] into `words`, from place WORDS on. `word` is the
    hash of a word under way when `inside` is 1. Whether a word ends is arithmetic, no branch: English text would
    mispredict one a word.

    Returns (position reached, hash of the word under way, inside, places used)."""
    count = uint64(WORDS)
    while position < stop:
        letter = letters[data[uint64(position)]]
        dotted = False
        if letter == BEYOND_ASCII:
            code, position = decode(data, position, end, pages, distances)
            dotted, letter = code < 0, uint64(abs(code))
            if code > 127:
                word, inside = (word ^ letter) * _STEP, _ONE
                continue
        else:
            position += 1
        words[count] = word
        now = uint64(letter != _NOTHING)
        count += inside & (now ^ _ONE)
        word = (((word << _SEVEN) | (word >> _57)) ^ letter) & (_NOTHING - now)
        inside = now
        if dotted:
            words[count], word, inside = word, _NOTHING, _NOTHING
            count += _ONE
    return position, word, inside, np.int64(count)


@njit(inline="always")
def _roll(words, values):
    """Hashes of the shingles that end at `words[WORDS - 1:]` into `values`; returns how many.

    A plain loop without a branch: the compiler makes it a few hashes at a time."""
    made = len(words) - (WORDS - 1)
    for k in range(made):
        value = words[k] * _STEP + words[k + 1]
        value = ((value * _STEP + words[k + 2]) * _STEP + words[k + 3]) * _STEP + words[k + 4]
        values[k] = _mix(value)
    return max(made, 0)


@njit(
    types.Tuple((types.int64, types.boolean))(
        BYTES, types.int64, types.int64, HASHES, PAGES, DISTANCES, HASHES_OUT, HASHES_OUT, HASHES_OUT,
        _COUNTS_OUT, HASHES_OUT, HASHES_OUT, types.int64,
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _shingles(data, position, end, letters, pages, distances, words, values, spare, starts, minima, out, start):
    """Lowest distinct shingle hashes of data[position:end] into `out[start:]`; returns (how many, were there more)."""
    word, inside, limit = _NOTHING, _NOTHING, NONE
    missing, count, more = WORDS - 1, 0, False  # words that the first shingle still lacks
    minima[:] = NONE
    words[:WORDS] = _NOTHING
    while position < end:
        position, word, inside, last = _words(
            data, position, min(position + CHUNK, end), end, word, inside, letters, pages, distances, words
        )
        if position >= end and inside != _NOTHING:
            words[last], last = word, last + 1
        if count + last > CAPACITY:
            count = _sort_distinct(values, count, spare, starts, values, 0, minima)
            if count > BOTTOM:
                count, more, limit = BOTTOM, True, values[BOTTOM - 1]
        for k in range(WORDS, last):
            words[k] = (words[k] ^ (words[k] >> _32)) * _MIX_A
        made = _roll(words[min(missing + 1, last) : last], values[count:])
        missing -= min(missing, last - WORDS)
        if limit == NONE:
            count += made
        else:
            for k in range(count, count + made):
                shingle = values[k]
                minima[shingle >> _BIN_SHIFT] = min(minima[shingle >> _BIN_SHIFT], shingle)
                values[count] = shingle
                count += int64(shingle < limit)
        for k in range(WORDS):
            words[k] = words[last - WORDS + k]
    count = _sort_distinct(values, count, spare, starts, out, start, minima)
    return min(count, BOTTOM), more or count > BOTTOM


@njit(
    types.int64(
        BYTES, INTS, HASHES, PAGES, DISTANCES, _KEYS_OUT, HASHES_OUT, INTS_OUT, _FLAGS_OUT, HASHES_OUT, _COUNTS_OUT
    ),
    cache=True, nogil=True,
)  # fmt: skip
def sign_texts(data, offsets, letters, pages, distances, keys, shingles, lengths, truncated, scratch, starts):
    """Fill `keys`, `shingles`, `lengths` and `truncated`; returns how many hashes of `shingles` are kept.

    `shingles` has room for the most that texts of such lengths can keep, and for CAPACITY more."""
    minima, dense, words = scratch[:BINS], scratch[BINS : 3 * BINS], scratch[3 * BINS :][:CHUNK]
    values, spare = scratch[3 * BINS + CHUNK :][:CAPACITY], scratch[3 * BINS + CHUNK + CAPACITY :]
    total = 0
    for i in range(len(offsets) - 1):
        lengths[i], truncated[i] = _shingles(
            data, offsets[i], offsets[i + 1], letters, pages, distances, words, values, spare, starts, minima,
            shingles, total,
        )  # fmt: skip
        total += lengths[i]
        if lengths[i]:
            _bands(minima, dense, keys, i)
        else:
            for band in range(BANDS):
                keys[i, band] = 0
    return total
