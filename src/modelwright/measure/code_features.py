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
from numba import float32, int8, int32, int64, njit, types, uint8, uint16, uint64, void

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
_NOTHING, _ONE = np.uint64(0), np.uint64(1)


@njit(int64(_BYTES, int64, int64, uint64[::1], uint64[::1]), cache=True, nogil=True)
def _tokens(data: Any, start: Any, end: Any, tokens: Any, begins: Any) -> Any:  # pragma: no cover - compiled
    """Hashes of the tokens of data[start:end], and 1 in `begins` where one is the first of its line; returns how many.

    Whether a token ends is arithmetic, no branch: nobody can predict where identifiers end.
    """
    count, inside, number, word, line_start = _NOTHING, _NOTHING, _NOTHING, _BASIS, _ONE
    for place in range(start, end):
        byte = uint64(data[uint64(place)])
        kind = _CLASSES[byte]
        named, mark = uint64((kind == _LETTER) | (kind == _DIGIT)), uint64(kind == _MARK)
        ends = inside & (named ^ _ONE)
        tokens[count], begins[count] = (_NUMBER if number != _NOTHING else word), line_start
        count += ends
        line_start = (line_start & (ends ^ _ONE)) | uint64(kind == _BREAK)
        single = (_BASIS ^ byte) * _PRIME
        fresh = inside == _NOTHING
        # where a mark ends a word, the two stand side by side
        if_mark = mark != _NOTHING
        tokens[count] = single if if_mark else tokens[count]
        begins[count] = line_start if if_mark else begins[count]
        count += mark
        line_start &= mark ^ _ONE
        number = (uint64(kind == _DIGIT) if fresh else number) & named
        word = ((_BASIS if fresh else word) ^ byte) * _PRIME
        inside = named
    if inside != _NOTHING:
        tokens[count], begins[count] = (_NUMBER if number != _NOTHING else word), line_start
        count += _ONE
    return int64(count)


@njit(inline="always")
def _count(counts, touched, used, value):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    bucket = ((value ^ (value >> _HALF)) * _MIX) >> _SHIFT
    touched[used] = int32(bucket)
    used += uint64(counts[bucket] == 0)
    counts[bucket] += uint16(1)
    return used


@njit(int64(_BYTES, int64, int64, uint16[::1], int32[::1], uint64[::1], uint64[::1]), cache=True, nogil=True)
def _features(
    data: Any, start: int, end: int, counts: Any, touched: Any, tokens: Any, begins: Any
) -> int:  # pragma: no cover - compiled
    """Count the features of data[start:end] into `counts`; returns how many buckets of `touched` are used."""
    used, before, last, second = _NOTHING, _NOTHING, _NOTHING, _NOTHING
    for place in range(_tokens(data, start, end, tokens, begins)):
        token, first = tokens[uint64(place)], begins[uint64(place)]
        pair = (last * _PRIME) ^ token
        used = _count(counts, touched, used, token)
        used = _count(counts, touched, used, pair)
        used = _count(counts, touched, used, (((before * _PRIME) ^ last) * _PRIME) ^ token)
        if first | second:
            used = _count(counts, touched, used, (token if first else pair) ^ _LINE_START)
        second = first
        before, last = last, token
    return int64(used)


@njit(
    void(float32[::1], int32[::1], float32[::1], int64, types.Array(int8, 2, "C", readonly=True)),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _add(row: Any, places: Any, values: Any, used: int, weights: Any) -> None:  # pragma: no cover - compiled
    """Add the lines of `weights` times `values` to a row, four at a time, in their order."""
    item = 0
    while item + 4 <= used:
        a, b, c, d = values[item], values[item + 1], values[item + 2], values[item + 3]
        line_a, line_b = weights[places[item]], weights[places[item + 1]]
        line_c, line_d = weights[places[item + 2]], weights[places[item + 3]]
        for column in range(len(row)):
            two = (row[column] + a * np.float32(line_a[column])) + b * np.float32(line_b[column])
            row[column] = (two + c * np.float32(line_c[column])) + d * np.float32(line_d[column])
        item += 4
    while item < used:
        line = weights[places[item]]
        for column in range(len(row)):
            row[column] += values[item] * np.float32(line[column])
        item += 1


@njit(
    void(
        _BYTES, _OFFSETS, types.Array(int32, 1, "C", readonly=True), types.Array(int8, 2, "C", readonly=True),
        float32[::1], float32[::1], float32[:, ::1], uint16[::1], int32[::1], uint64[::1], uint64[::1], float32[::1],
    ),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _scores(
    data: Any, offsets: Any, place_of: Any, weights: Any, scale: Any, bias: Any, out: Any,
    counts: Any, touched: Any, tokens: Any, begins: Any, values: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    for text in range(len(offsets) - 1):
        end = min(offsets[text + 1], offsets[text] + READ_BYTES)
        used, kept, square = _features(data, offsets[text], end, counts, touched, tokens, begins), 0, 0.0
        for item in range(used):
            bucket = touched[item]
            count, place = counts[bucket], place_of[bucket]
            counts[bucket] = 0
            if place >= 0:
                touched[kept], values[kept] = place, np.sqrt(np.float32(count))
                square += count
                kept += 1
        row = out[text]
        for column in range(len(row)):
            row[column] = 0.0
        _add(row, touched, values, kept, weights)
        norm = np.float32(1.0 / np.sqrt(square)) if square > 0 else np.float32(0.0)
        for column in range(len(row)):
            row[column] = row[column] * norm * scale[column] + bias[column]


@njit(cache=True, nogil=True, error_model="numpy")
def _sparse(
    data: Any, offsets: Any, row_ends: Any, buckets: Any, found: Any, counts: Any, touched: Any, tokens: Any,
    begins: Any,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    total = 0
    for text in range(len(offsets) - 1):
        end = min(offsets[text + 1], offsets[text] + READ_BYTES)
        used = _features(data, offsets[text], end, counts, touched, tokens, begins)
        for item in range(used):
            buckets[total] = touched[item]
            found[total] = counts[touched[item]]
            counts[touched[item]] = 0
            total += 1
        row_ends[text] = total
    return total


def _scratch() -> tuple[NDArray[Any], ...]:
    """Counts of the buckets, all 0, and room for the buckets and the tokens of one text."""
    return (
        np.zeros(1 << BUCKET_BITS, np.uint16),
        np.empty(4 * READ_BYTES + 4, np.int32),
        np.empty(READ_BYTES + 2, np.uint64),
        np.empty(READ_BYTES + 2, np.uint64),
    )


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
    _scores(
        texts.data,
        texts.offsets,
        place_of,
        weights,
        scale,
        bias,
        out,
        *_scratch(),
        np.empty(4 * READ_BYTES + 4, np.float32),
    )
    return out


def sparse_features(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The same features for training: row ends, buckets and counts, as in a sparse matrix by rows."""
    room = int(np.minimum(np.diff(texts.offsets), READ_BYTES).sum()) * 4 + 1
    row_ends, buckets = np.zeros(len(texts), np.int64), np.zeros(room, np.int32)
    counts = np.zeros(room)
    used = _sparse(texts.data, texts.offsets, row_ends, buckets, counts, *_scratch())
    return row_ends, buckets[:used], counts[:used]
