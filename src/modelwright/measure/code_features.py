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
from llvmlite import ir  # type: ignore[import-untyped]
from numba import float32, int8, int32, int64, njit, types, uint8, uint16, uint64, void
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

READ_BYTES = 4096
"""So many bytes of a text are read."""
BUCKET_BITS = 16

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)


_NAMED, _DIGIT = np.uint64(1), np.uint64(4)
_MARK_PLACE, _BREAK_PLACE = np.uint64(1), np.uint64(3)
_PRIME = np.uint64(0x100000001B3)  # FNV-1a, 64 bits
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NUMBER = np.uint64(0x51ED270B7F2B1A57)
_LINE_START = np.uint64(0x2545F4914F6CDD1D)
_SHIFT = np.uint64(64 - BUCKET_BITS)
_HALF = np.uint64(29)
_NOTHING, _ONE = np.uint64(0), np.uint64(1)


def _byte_flags() -> NDArray[np.uint8]:
    """What a byte is: bit 0 part of an identifier, bit 1 a mark, bit 2 a digit, bit 3 the end of a line."""
    flags = np.full(256, 1 << int(_MARK_PLACE), np.uint8)
    flags[[9, 11, 12, 13, 32]] = 0
    flags[10] = 1 << int(_BREAK_PLACE)
    flags[ord("0") : ord("9") + 1] = _NAMED | _DIGIT
    for first, last in (("A", "Z"), ("a", "z"), ("_", "_")):
        flags[ord(first) : ord(last) + 1] = _NAMED
    flags[128:] = _NAMED
    return flags


_FLAGS = _byte_flags()
_SINGLE = (_BASIS ^ np.arange(256, dtype=np.uint64)) * _PRIME
_ROOTS = np.sqrt(np.arange(4 * READ_BYTES + 4, dtype=np.float32))


@njit(inline="always")
def _tokens(data: Any, start: Any, end: Any, tokens: Any, lines: Any) -> Any:  # pragma: no cover - compiled
    """Hashes of the tokens of data[start:end], and the number of the line that each stands on; returns how many.

    Whether a token ends is arithmetic, no branch: nobody can predict where identifiers end. What is written at `count`
    and not counted is written over.
    """
    count, inside, number, word, line = _NOTHING, _NOTHING, _NOTHING, _BASIS, _ONE
    for place in range(uint64(start), uint64(end)):
        byte = data[place]
        flags = uint64(_FLAGS[byte])
        named = flags & _NAMED
        tokens[count], lines[count] = (_NUMBER if number != _NOTHING else word), line
        count += inside & (named ^ _ONE)
        # where a mark ends a word, the two stand side by side
        tokens[count], lines[count] = _SINGLE[byte], line
        count += (flags >> _MARK_PLACE) & _ONE
        line += flags >> _BREAK_PLACE
        if inside == _NOTHING:
            number = flags & _DIGIT
        word = ((word if inside != _NOTHING else _BASIS) ^ uint64(byte)) * _PRIME
        inside = named
    if inside != _NOTHING:
        tokens[count], lines[count] = (_NUMBER if number != _NOTHING else word), line
        count += _ONE
    return int64(count)


@intrinsic
def _fetch(_context: Any, weights: Any, place: Any) -> Any:  # pragma: no cover - compiled
    """Ask the processor for a row of `weights` ahead of its use: the rows of a text lie anywhere in 4 MB."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, values[0])
        row = cgutils.get_item_pointer(context, builder, signature.args[0], array, [values[1], values[1].type(0)])
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [row.type, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [row.type], kind)
        builder.call(prefetch, [row, number(0), number(3), number(1)])  # to read, into every cache, data
        return context.get_dummy_value()

    return types.void(weights, place), generate


@njit(inline="always")
def _count(counts, touched, used, value):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    bucket = ((value ^ (value >> _HALF)) * _MIX) >> _SHIFT
    before = counts[bucket]
    touched[used], counts[bucket] = int32(bucket), before + uint16(1)
    return used + uint64(before == 0)


@njit(int64(_BYTES, int64, int64, uint16[::1], int32[::1], uint64[::1], uint64[::1]), cache=True, nogil=True)
def _features(
    data: Any, start: int, end: int, counts: Any, touched: Any, tokens: Any, lines: Any
) -> int:  # pragma: no cover - compiled
    """Count the features of data[start:end] into `counts`; returns how many buckets of `touched` are used."""
    used, before, last, line, second = _NOTHING, _NOTHING, _NOTHING, _NOTHING, False
    for place in range(uint64(_tokens(data, start, end, tokens, lines))):
        token, first = tokens[place], lines[place] != line
        pair = (last * _PRIME) ^ token
        used = _count(counts, touched, used, token)
        used = _count(counts, touched, used, pair)
        used = _count(counts, touched, used, (((before * _PRIME) ^ last) * _PRIME) ^ token)
        if first | second:
            used = _count(counts, touched, used, (token if first else pair) ^ _LINE_START)
        line, second = lines[place], first
        before, last = last, token
    return int64(used)


@njit(inline="always")
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
        _BYTES, _OFFSETS, _OFFSETS, types.Array(int32, 1, "C", readonly=True),
        types.Array(int8, 2, "C", readonly=True),
        float32[::1], float32[::1], float32[:, ::1], uint16[::1], int32[::1], uint64[::1], uint64[::1], float32[::1],
    ),
    cache=True, nogil=True, error_model="numpy",
)  # fmt: skip
def _scores(
    data: Any, starts: Any, ends: Any, place_of: Any, weights: Any, scale: Any, bias: Any, out: Any,
    counts: Any, touched: Any, tokens: Any, lines: Any, values: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    for text in range(len(starts)):
        used = _features(data, starts[text], ends[text], counts, touched, tokens, lines)
        kept, square = _NOTHING, _NOTHING
        for item in range(uint64(used)):
            bucket = uint64(touched[item])
            count, place = uint64(counts[bucket]), place_of[bucket]
            _fetch(weights, int64(place))
            counts[bucket] = 0
            known = uint64(place >= 0)
            touched[kept], values[kept] = place, _ROOTS[count]
            square += count * known
            kept += known
        row = out[text]
        for column in range(len(row)):
            row[column] = 0.0
        _add(row, touched, values, int64(kept), weights)
        norm = np.float32(1.0 / np.sqrt(float(square))) if square > _NOTHING else np.float32(0.0)
        for column in range(len(row)):
            row[column] = row[column] * norm * scale[column] + bias[column]


@njit(cache=True, nogil=True, error_model="numpy")
def _sparse(
    data: Any, starts: Any, ends: Any, row_ends: Any, buckets: Any, found: Any, counts: Any, touched: Any,
    tokens: Any, lines: Any,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    total = 0
    for text in range(len(starts)):
        used = _features(data, starts[text], ends[text], counts, touched, tokens, lines)
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


def _spans(texts: Texts, rows: Sequence[int] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where what is read of the texts `rows` (None: of all) begins and ends."""
    from modelwright.measure.spans import read_only

    chosen = np.arange(len(texts)) if rows is None else np.asarray(rows, np.int64)
    starts = texts.offsets[chosen]
    return read_only(starts), read_only(np.minimum(texts.offsets[chosen + 1], starts + READ_BYTES))


def scores(
    texts: Texts,
    place_of: NDArray[np.int32],
    weights: NDArray[np.int8],
    scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    rows: Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Scores (texts, classes) of the model `weights` (kept buckets, classes) int8, times `scale`, plus `bias`.

    `place_of` (buckets,) gives the row of a bucket in `weights`, -1 for a bucket that was not kept. `rows` are the
    texts wanted, in their order; None: all.
    """
    starts, ends = _spans(texts, rows)
    out = np.empty((len(starts), weights.shape[1]), np.float32)
    values = np.empty(4 * READ_BYTES + 4, np.float32)
    _scores(texts.data, starts, ends, place_of, weights, scale, bias, out, *_scratch(), values)
    return out


def sparse_features(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The same features for training: row ends, buckets and counts, as in a sparse matrix by rows."""
    starts, ends = _spans(texts, None)
    room = int((ends - starts).sum()) * 4 + 1
    row_ends, buckets = np.zeros(len(texts), np.int64), np.zeros(room, np.int32)
    counts = np.zeros(room)
    used = _sparse(texts.data, starts, ends, row_ends, buckets, counts, *_scratch())
    return row_ends, buckets[:used], counts[:used]
