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
_STEP_5 = np.uint64(pow(int(_STEP), WORDS, 1 << 64))
_BIN_SHIFT, _32, _33, _SEVEN, _57 = np.uint64(57), np.uint64(32), np.uint64(33), np.uint64(7), np.uint64(57)
_NOTHING, _ONE = np.uint64(0), np.uint64(1)

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


@njit(types.int64(HASHES_OUT, types.int64, HASHES_OUT, _COUNTS_OUT), cache=True, nogil=True)
def _sort_distinct(values, count, spare, starts):
    """Sort `values[:count]` in place and drop repeats; returns how many stay. Hashes are uniform: a bucket each, and
    as many more that stay empty."""
    if count < 2:
        return count
    bits = 2
    while (1 << bits) < 2 * count:
        bits += 1
    shift = np.uint64(64 - bits)
    for i in range((1 << bits) + 1):
        starts[i] = 0
    for i in range(count):
        starts[np.int64(values[i] >> shift) + 1] += 1
    for i in range(1 << bits):
        starts[i + 1] += starts[i]
    for i in range(count):
        bucket = np.int64(values[i] >> shift)
        spare[starts[bucket]] = values[i]
        starts[bucket] += 1
    for i in range(1, count):
        value, j = spare[i], i
        while j > 0 and spare[j - 1] > value:
            spare[j] = spare[j - 1]
            j -= 1
        spare[j] = value
    kept, before = 1, spare[0]
    values[0] = before
    for i in range(1, count):
        values[kept] = spare[i]
        kept += int64(spare[i] != before)
        before = spare[i]
    return kept


@njit(types.void(HASHES_OUT, HASHES_OUT, _KEYS_OUT, types.int64), cache=True, nogil=True)
def _bands(minima, dense, keys, text):
    """Fill empty bins by optimal densification, then hash each band of five rows into `keys[text]`."""
    for i in range(BINS):
        value, attempt = minima[i], 0
        while value == NONE:
            attempt += 1
            value = minima[np.int64(_mix(uint64(i * 0x10001 + attempt) * _STEP) >> _BIN_SHIFT)]
        dense[i] = value
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


@njit(
    types.Tuple((types.int64, types.boolean))(
        BYTES, types.int64, types.int64, HASHES, PAGES, DISTANCES, HASHES_OUT, HASHES_OUT, HASHES_OUT,
        _COUNTS_OUT, HASHES_OUT,
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _shingles(data, position, end, letters, pages, distances, words, values, spare, starts, minima):
    """Lowest distinct shingle hashes of data[position:end] into `values`; returns (how many, were there more)."""
    word, inside, rolling, limit = _NOTHING, _NOTHING, _NOTHING, NONE
    missing, count, more = WORDS - 1, 0, False  # words that the first shingle still lacks
    for i in range(BINS):
        minima[i] = NONE
    for i in range(WORDS):
        words[i] = _NOTHING
    while position < end:
        position, word, inside, last = _words(
            data, position, min(position + CHUNK, end), end, word, inside, letters, pages, distances, words
        )
        if position >= end and inside != _NOTHING:
            words[last], last = word, last + 1
        if count + last > CAPACITY:
            count = _sort_distinct(values, count, spare, starts)
            if count > BOTTOM:
                count, more, limit = BOTTOM, True, values[BOTTOM - 1]
        for k in range(WORDS, last):
            value = (words[k] ^ (words[k] >> _32)) * _MIX_A
            rolling = rolling * _STEP + value - words[k - WORDS] * _STEP_5
            words[k] = value
            if missing > 0:
                missing -= 1
                continue
            shingle = _mix(rolling)
            part = shingle >> _BIN_SHIFT
            minima[part] = min(minima[part], shingle)
            values[count] = shingle
            count += int64(shingle < limit)
        for k in range(WORDS):
            words[k] = words[last - WORDS + k]
    count = _sort_distinct(values, count, spare, starts)
    return min(count, BOTTOM), more or count > BOTTOM


@njit(
    [(BYTES, INTS, HASHES, PAGES, DISTANCES, _KEYS_OUT, HASHES_OUT, INTS_OUT, _FLAGS_OUT, HASHES_OUT,
      _COUNTS_OUT)],
    cache=True, nogil=True,
)  # fmt: skip
def sign_texts(data, offsets, letters, pages, distances, keys, shingles, lengths, truncated, scratch, starts):
    minima, dense, words = scratch[:BINS], scratch[BINS : 2 * BINS], scratch[2 * BINS : 2 * BINS + CHUNK]
    values, spare = scratch[2 * BINS + CHUNK :][:CAPACITY], scratch[2 * BINS + CHUNK + CAPACITY :]
    total = 0
    for i in range(len(offsets) - 1):
        count, more = _shingles(
            data, offsets[i], offsets[i + 1], letters, pages, distances, words, values, spare, starts, minima
        )
        lengths[i], truncated[i] = count, more
        for k in range(count):
            shingles[total + k] = values[k]
        total += count
        if count:
            _bands(minima, dense, keys, i)
        else:
            for band in range(BANDS):
                keys[i, band] = 0
    return total
