"""Hashed token features of source code, and the scores of a linear model over them.

Tokens are runs of identifier bytes (letters, digits, `_`, any non-ASCII byte; a run that begins with a digit counts as
"a number") and single punctuation bytes. Features are uni-, bi- and trigrams of tokens, the first token of a line and
its first two, hashed into buckets; values are square roots of counts, scaled to length one. A model keeps the buckets
that it has seen often enough; the others count for nothing.
"""

# mypy: disable-error-code="untyped-decorator, no-any-return"
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import float32, float64, int8, int32, int64, njit, types, uint8, uint64, void

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

READ_BYTES = 4096
"""So many bytes of a text are read."""
BUCKET_BITS = 16

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)
_SPACE, _BREAK, _DIGIT, _LETTER, _MARK = 0, 1, 2, 3, 4


def _byte_classes() -> NDArray[np.uint8]:
    classes = np.full(256, _MARK, np.uint8)
    classes[[9, 11, 12, 13, 32]] = _SPACE
    classes[10] = _BREAK
    classes[ord("0") : ord("9") + 1] = _DIGIT
    classes[ord("A") : ord("Z") + 1] = _LETTER
    classes[ord("a") : ord("z") + 1] = _LETTER
    classes[ord("_")] = _LETTER
    classes[128:] = _LETTER
    return classes


_CLASSES = _byte_classes()
_PRIME = np.uint64(0x100000001B3)  # FNV-1a, 64 bits
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NUMBER = np.uint64(0x51ED270B7F2B1A57)
_LINE_START = np.uint64(0x2545F4914F6CDD1D)
_SHIFT = np.uint64(64 - BUCKET_BITS)
_HALF = np.uint64(29)


@njit(int32(int32[::1], int32[::1], int32, uint64), cache=True, nogil=True)
def _count(counts: Any, touched: Any, used: int, value: int) -> int:  # pragma: no cover - compiled
    mixed = (value ^ (value >> _HALF)) * _MIX
    bucket = int32(mixed >> _SHIFT)
    if counts[bucket] == 0:
        touched[used] = bucket
        used += 1
    counts[bucket] += 1
    return used


@njit(int32(_BYTES, int64, int64, int32[::1], int32[::1]), cache=True, nogil=True)
def _features(data: Any, start: int, end: int, counts: Any, touched: Any) -> int:  # pragma: no cover - compiled
    """Count the features of data[start:end] into `counts`; returns how many buckets of `touched` are used."""
    used, place = int32(0), start
    before, last = uint64(0), uint64(0)
    line_start, second = True, False
    while place < end:
        kind = _CLASSES[data[place]]
        if kind <= _BREAK:
            line_start |= kind == _BREAK
            place += 1
            continue
        token = _BASIS
        if kind == _MARK:
            token = (token ^ uint64(data[place])) * _PRIME
            place += 1
        else:
            while place < end and (_CLASSES[data[place]] == _LETTER or _CLASSES[data[place]] == _DIGIT):
                token = (token ^ uint64(data[place])) * _PRIME
                place += 1
            if kind == _DIGIT:
                token = _NUMBER
        used = _count(counts, touched, used, token)
        used = _count(counts, touched, used, (last * _PRIME) ^ token)
        used = _count(counts, touched, used, (((before * _PRIME) ^ last) * _PRIME) ^ token)
        if line_start:
            used = _count(counts, touched, used, token ^ _LINE_START)
            line_start, second = False, True
        elif second:
            used = _count(counts, touched, used, ((last * _PRIME) ^ token) ^ _LINE_START)
            second = False
        before, last = last, token
    return used


@njit(
    void(
        _BYTES, _OFFSETS, types.Array(int32, 1, "C", readonly=True), types.Array(int8, 2, "C", readonly=True),
        float32[::1], float32[::1], float32[:, ::1],
    ),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _scores(
    data: Any, offsets: Any, place_of: Any, weights: Any, scale: Any, bias: Any, out: Any
) -> None:  # pragma: no cover - compiled
    counts = np.zeros(1 << BUCKET_BITS, np.int32)
    touched = np.empty(1 << BUCKET_BITS, np.int32)
    for text in range(len(offsets) - 1):
        end = min(offsets[text + 1], offsets[text] + READ_BYTES)
        used = _features(data, offsets[text], end, counts, touched)
        row = out[text]
        row[:] = 0.0
        square = 0.0
        for item in range(used):
            bucket = touched[item]
            count, place = counts[bucket], place_of[bucket]
            counts[bucket] = 0
            if place < 0:
                continue
            value = np.float32(np.sqrt(np.float32(count)))
            square += count
            line = weights[place]
            for column in range(len(line)):
                row[column] += value * np.float32(line[column])
        norm = np.float32(1.0 / np.sqrt(square)) if square > 0 else np.float32(0.0)
        for column in range(len(row)):
            row[column] = row[column] * norm * scale[column] + bias[column]


@njit(int64(_BYTES, _OFFSETS, int64[::1], int32[::1], float64[::1]), cache=True, nogil=True, error_model="numpy")
def _sparse(data: Any, offsets: Any, row_ends: Any, buckets: Any, found: Any) -> int:  # pragma: no cover - compiled
    counts = np.zeros(1 << BUCKET_BITS, np.int32)
    touched = np.empty(1 << BUCKET_BITS, np.int32)
    total = 0
    for text in range(len(offsets) - 1):
        end = min(offsets[text + 1], offsets[text] + READ_BYTES)
        used = _features(data, offsets[text], end, counts, touched)
        for item in range(used):
            buckets[total] = touched[item]
            found[total] = counts[touched[item]]
            counts[touched[item]] = 0
            total += 1
        row_ends[text] = total
    return total


def scores(
    texts: Texts,
    place_of: NDArray[np.int32],
    weights: NDArray[np.int8],
    scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scores (texts, classes) of the model `weights` (kept buckets, classes) int8, times `scale`, plus `bias`.

    `place_of` (buckets,) gives the row of a bucket in `weights`, -1 for a bucket that was not kept.
    """
    out = np.zeros((len(texts), weights.shape[1]), np.float32)
    _scores(texts.data, texts.offsets, place_of, weights, scale, bias, out)
    return out


def sparse_features(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The same features for training: row ends, buckets and counts, as in a sparse matrix by rows."""
    room = int(np.minimum(np.diff(texts.offsets), READ_BYTES).sum()) * 4 + 1
    row_ends, buckets = np.zeros(len(texts), np.int64), np.zeros(room, np.int32)
    counts = np.zeros(room)
    used = _sparse(texts.data, texts.offsets, row_ends, buckets, counts)
    return row_ends, buckets[:used], counts[:used]
