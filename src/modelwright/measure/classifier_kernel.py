"""Hashed features of words, and the scores of a linear model over them.

A word is a run of letters, digits, `_` and non-ASCII bytes, ASCII in lower case, of 24 bytes at most; a run that begins
with a digit is "a number". Features are words, pairs of neighbours, the first five bytes of longer words, and
four-byte pieces of words with their bounds, as FLAGS choose; they are hashed into 2^bits buckets. Values are square
roots of counts, scaled to length one. A text of more than `read_bytes` is read in four windows spread over it.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float32, float64, int8, int32, int64, njit, types, uint8, uint64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

PAIRS, STEMS, PIECES = 1, 2, 4
"""FLAGS: which features there are besides the words."""
WINDOWS = 4
_LONGEST = 24  # bytes of a word: what has no spaces is cut

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)
_WEIGHTS = types.Array(int8, 2, "C", readonly=True)


def _lowered() -> NDArray[np.uint8]:
    """What a byte of a word counts as; 0 ends a word."""
    table = np.zeros(256, np.uint8)
    for byte in range(256):
        if byte >= 128 or chr(byte).isalnum() or byte == ord("_"):
            table[byte] = ord(chr(byte).lower()) if byte < 128 else byte
    return table


_LOWERED = _lowered()
_ZERO, _NINE = ord("0"), ord("9")
_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NUMBER = np.uint64(0x51ED270B7F2B1A57)
_STEM = np.uint64(0x2545F4914F6CDD1D)
_PIECE = np.uint64(0x6C8E9CF570932BD5)
_FOUR_BYTES = np.uint64(0xFFFFFFFF)
_EIGHT = np.uint64(8)
_HALF = np.uint64(29)
_BOUND = np.uint64(32)


@njit(int32(int32[::1], int32[::1], int32, uint64, uint64), cache=True, nogil=True)
def _count(counts: Any, touched: Any, used: int, value: int, shift: int) -> int:  # pragma: no cover - compiled
    mixed = (value ^ (value >> _HALF)) * _MIX
    bucket = int32(mixed >> shift)
    if counts[bucket] == 0:
        touched[used] = bucket
        used += 1
    counts[bucket] += 1
    return used


@njit(int32(_BYTES, int64, int64, int64, uint64, int32[::1], int32[::1], int32), cache=True, nogil=True)
def _features(
    data: Any, start: int, end: int, flags: int, shift: int, counts: Any, touched: Any, used: int
) -> int:  # pragma: no cover - compiled
    """Count the features of data[start:end] into `counts`; returns how many buckets of `touched` are used."""
    place, before = start, uint64(0)
    while place < end:
        letter = _LOWERED[data[place]]
        if letter == 0:
            place += 1
            continue
        first, word, stem, piece = place, _BASIS, uint64(0), _BOUND
        number = _ZERO <= letter <= _NINE
        stop = min(end, place + _LONGEST)
        while place < stop:
            letter = _LOWERED[data[place]]
            if letter == 0:
                break
            word = (word ^ uint64(letter)) * _PRIME
            place += 1
            if place - first == 5:
                stem = word
            if flags & PIECES:
                piece = ((piece << _EIGHT) | uint64(letter)) & _FOUR_BYTES
                if place - first >= 3 and not number:
                    used = _count(counts, touched, used, (piece ^ _PIECE) * _PRIME, shift)
        if flags & PIECES and place - first >= 2 and not number:
            piece = ((piece << _EIGHT) | _BOUND) & _FOUR_BYTES
            used = _count(counts, touched, used, (piece ^ _PIECE) * _PRIME, shift)
        if number:
            word = _NUMBER
        used = _count(counts, touched, used, word, shift)
        if flags & PAIRS and before != 0:
            used = _count(counts, touched, used, (before * _PRIME) ^ word, shift)
        if flags & STEMS and place - first > 5 and not number:
            used = _count(counts, touched, used, stem ^ _STEM, shift)
        before = word
    return used


@njit(int32(_BYTES, int64, int64, int64, int64, uint64, int32[::1], int32[::1]), cache=True, nogil=True)
def _read(
    data: Any, start: int, end: int, read_bytes: int, flags: int, shift: int, counts: Any, touched: Any
) -> int:  # pragma: no cover - compiled
    """The features of a text, or of four windows of a long one, each from the start of a word."""
    if end - start <= read_bytes:
        return _features(data, start, end, flags, shift, counts, touched, int32(0))
    used, size = int32(0), read_bytes // WINDOWS
    for window in range(WINDOWS):
        place = start + (end - start - size) * window // (WINDOWS - 1)
        last = place + size
        if place > start:
            while place < last and _LOWERED[data[place - 1]] != 0:
                place += 1
        bound = min(end, last + _LONGEST)
        while last < bound and _LOWERED[data[last]] != 0:
            last += 1
        used = _features(data, place, last, flags, shift, counts, touched, used)
    return used


@njit(
    void(_BYTES, _OFFSETS, _WEIGHTS, float32[::1], float32[::1], int64, int64, uint64, float32[:, ::1]),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _scores(
    data: Any, offsets: Any, weights: Any, scale: Any, bias: Any, read_bytes: int, flags: int, shift: int, out: Any
) -> None:  # pragma: no cover - compiled
    counts = np.zeros(len(weights), np.int32)
    touched = np.empty(len(weights), np.int32)
    for text in range(len(offsets) - 1):
        used = _read(data, offsets[text], offsets[text + 1], read_bytes, flags, shift, counts, touched)
        row = out[text]
        square = 0.0
        for item in range(used):
            bucket = touched[item]
            value = np.float32(np.sqrt(np.float32(counts[bucket])))
            square += counts[bucket]
            counts[bucket] = 0
            for column in range(len(row)):
                row[column] += value * np.float32(weights[bucket, column])
        norm = np.float32(1.0 / np.sqrt(square)) if used else np.float32(0.0)
        for column in range(len(row)):
            row[column] = row[column] * norm * scale[column] + bias[column]


@njit(
    int64(_BYTES, _OFFSETS, int64, int64, uint64, int64, int64[::1], int32[::1], float64[::1]),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _sparse(
    data: Any, offsets: Any, read_bytes: int, flags: int, shift: int, buckets: int, row_ends: Any, found: Any,
    values: Any,
) -> int:  # fmt: skip # pragma: no cover - compiled
    counts = np.zeros(buckets, np.int32)
    touched = np.empty(buckets, np.int32)
    total = 0
    for text in range(len(offsets) - 1):
        used = _read(data, offsets[text], offsets[text + 1], read_bytes, flags, shift, counts, touched)
        square = 0.0
        for item in range(used):
            square += counts[touched[item]]
        for item in range(used):
            found[total] = touched[item]
            values[total] = np.sqrt(counts[touched[item]] / square)
            counts[touched[item]] = 0
            total += 1
        row_ends[text] = total
    return total


def _shift(bits: int) -> np.uint64:
    return np.uint64(64 - bits)


def scores(
    texts: Texts, weights: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], read_bytes: int,
    flags: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Scores (texts, classes) of `weights` (2^bits buckets, classes) int8, times `scale`, plus `bias`."""
    out = np.zeros((len(texts), weights.shape[1]), np.float32)
    shift = _shift(len(weights).bit_length() - 1)
    _scores(texts.data, texts.offsets, weights, scale, bias, read_bytes, flags, shift, out)
    return out


def sparse_features(
    texts: Texts, bits: int, read_bytes: int, flags: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The same features for training: row ends, buckets and values, as in a sparse matrix by rows."""
    read = np.minimum(np.diff(texts.offsets), read_bytes + WINDOWS * _LONGEST)  # a window ends with a whole word
    room = int(np.minimum(read * 4, 1 << bits).sum()) + 1
    row_ends, buckets, values = np.zeros(len(texts), np.int64), np.zeros(room, np.int32), np.zeros(room)
    used = _sparse(
        texts.data, texts.offsets, read_bytes, flags, _shift(bits), 1 << bits, row_ends, buckets, values
    )  # fmt: skip
    return row_ends, buckets[:used].copy(), values[:used].copy()
