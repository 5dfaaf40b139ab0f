"""Kernels for near-duplicates: MinHash bands, shingle hashes, exact Jaccard, connected components.

A text is the set of its 5-word shingles; a word is what `re.findall(r"\\w+", text.lower())` finds, with two
differences: final sigma equals sigma, and the tables are frozen at Unicode 14 (`word_characters`).
A text of fewer than five words has no shingle, so it is near to nothing.

Signature: one-permutation MinHash (Li, Owen and Zhang 2012) of 128 bins with optimal densification (Shrivastava 2017),
cut into 25 bands of 5 rows. What verifies a pair are the lowest 4,096 distinct 64-bit hashes of each text: the Jaccard
is exact when both have fewer, else the bottom-k estimate over the range that both cover.

Importing this module imports Numba; the kernels are compiled once per environment and then read from the cache.
A change of any result here must raise `SIGNATURE`.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types, uint64

from modelwright.measure.word_characters import NO_WORD, table

if TYPE_CHECKING:
    import pyarrow as pa

SIGNATURE = 1
"""Version of what the kernels compute; stored signatures of another version are not used."""
WORDS, BINS, BANDS, ROWS, BOTTOM = 5, 128, 25, 5, 4096
_CAPACITY = 4 * BOTTOM
_PIECE_BYTES = 1 << 20
_BEYOND_ASCII = 255

_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a
_MIX_A, _MIX_B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)  # fmix64 of MurmurHash3
_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: the base of the rolling polynomial
_STEP_5 = np.uint64(pow(int(_STEP), WORDS, 1 << 64))
_BIN_SHIFT, _SIX, _33 = np.uint64(57), np.uint64(6), np.uint64(33)

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_INTS = types.Array(types.int64, 1, "C", readonly=True)
_HASHES = types.Array(types.uint64, 1, "C", readonly=True)
_PAGES = types.Array(types.uint16, 1, "C", readonly=True)
_DISTANCES = types.Array(types.int32, 1, "C", readonly=True)
_KEYS = types.Array(types.int64, 2, "C", readonly=True)
_FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
_HASHES_OUT, _INTS_OUT = types.Array(types.uint64, 1, "C"), types.Array(types.int64, 1, "C")
_COUNTS_OUT, _FLOATS_OUT = types.Array(types.int32, 1, "C"), types.Array(types.float64, 1, "C")
_KEYS_OUT, _FLAGS_OUT = types.Array(types.int64, 2, "C"), types.Array(types.boolean, 1, "C")


@njit(inline="always")
def _mix(value):
    value = (value ^ (value >> _33)) * _MIX_A
    value = (value ^ (value >> _33)) * _MIX_B
    return value ^ (value >> _33)


@njit(nogil=True)
def _decode(data, position, end, pages, distances):
    """Lower-case letter of the code point at `position` (0 when it is no word character), and where the next begins."""
    lead = np.int64(data[position])
    length = 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF5 else 1
    if length == 1 or position + length > end:
        return np.int64(0), position + 1
    code = lead & (0xFF >> (length + 1))
    for i in range(1, length):
        byte = np.int64(data[position + i])
        if byte & 0xC0 != 0x80:
            return np.int64(0), position + 1
        code = (code << 6) | (byte & 0x3F)
    code = min(code, np.int64(0x10FFFF))
    if code == 0x130:  # its lower-case form is i and a combining dot: a letter that ends the word
        return np.int64(-105), position + length
    distance = distances[np.int64(pages[code >> 8]) * 256 + (code & 255)]
    return np.int64(0) if distance == NO_WORD else code + distance, position + length


@njit(nogil=True)
def _sort_distinct(values, count, spare, starts):
    """Sort `values[:count]` in place and drop repeats; returns how many stay. Hashes are uniform: one bucket each."""
    if count < 2:
        return count
    bits = 1
    while (1 << bits) < count:
        bits += 1
    shift = np.uint64(64 - bits)
    starts[: (1 << bits) + 1] = 0
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
    values[0] = spare[0]
    kept = 1
    for i in range(1, count):
        if spare[i] != spare[i - 1]:
            values[kept] = spare[i]
            kept += 1
    return kept


@njit(nogil=True)
def _bands(minima, dense, keys):
    """Fill empty bins by optimal densification, then hash each band of five rows into `keys`."""
    for i in range(BINS):
        value, attempt = minima[i], 0
        while value == _NONE:
            attempt += 1
            value = minima[np.int64(_mix(uint64(i * 0x10001 + attempt) * _STEP) >> _BIN_SHIFT)]
        dense[i] = value
    for band in range(BANDS):
        key = uint64(band)
        for row in range(ROWS):
            key = _mix((key ^ dense[band * ROWS + row]) * _STEP)
        keys[band] = np.int64(key)


@njit(nogil=True)
def _shingles(data, position, end, letters, pages, distances, ring, values, spare, starts, minima):
    """Lowest distinct shingle hashes of data[position:end] into `values`; returns (how many, were there more)."""
    word, rolling, limit = _OFFSET, uint64(0), _NONE
    words, count, more, inside = 0, 0, False, False
    minima[:] = _NONE
    ring[:] = 0
    while position <= end:
        letter = np.int64(letters[data[position]]) if position < end else np.int64(0)
        if letter == _BEYOND_ASCII:
            letter, position = _decode(data, position, end, pages, distances)
        else:
            position += 1
        if letter != 0:
            word, inside = (word ^ uint64(abs(letter))) * _PRIME, True
        if letter > 0:
            while position < end:
                letter = np.int64(letters[data[position]])
                if letter == 0 or letter == _BEYOND_ASCII:
                    break
                word = (word ^ uint64(letter)) * _PRIME
                position += 1
        elif inside:
            word = _mix(word)
            rolling = rolling * _STEP + word - ring[words % WORDS] * _STEP_5
            ring[words % WORDS] = word
            words += 1
            word, inside = _OFFSET, False
            if words >= WORDS:
                shingle = _mix(rolling)
                part = np.int64(shingle >> _BIN_SHIFT)
                if shingle < minima[part]:
                    minima[part] = shingle
                if shingle < limit:
                    values[count] = shingle
                    count += 1
                    if count == _CAPACITY:
                        count = _sort_distinct(values, count, spare, starts)
                        if count > BOTTOM:
                            count, more, limit = BOTTOM, True, values[BOTTOM - 1]
    count = _sort_distinct(values, count, spare, starts)
    return min(count, BOTTOM), more or count > BOTTOM


@njit(
    [(_BYTES, _INTS, _BYTES, _PAGES, _DISTANCES, _KEYS_OUT, _HASHES_OUT, _INTS_OUT, _FLAGS_OUT)], cache=True, nogil=True
)
def _sign(data, offsets, letters, pages, distances, keys, shingles, lengths, truncated):
    ring, minima, dense = np.empty(WORDS, np.uint64), np.empty(BINS, np.uint64), np.empty(BINS, np.uint64)
    values, spare = np.empty(_CAPACITY, np.uint64), np.empty(_CAPACITY, np.uint64)
    starts = np.empty(2 * _CAPACITY + 2, np.int32)
    total = 0
    for i in range(len(offsets) - 1):
        count, more = _shingles(
            data, offsets[i], offsets[i + 1], letters, pages, distances, ring, values, spare, starts, minima
        )
        lengths[i], truncated[i] = count, more
        shingles[total : total + count] = values[:count]
        total += count
        if count:
            _bands(minima, dense, keys[i])
        else:
            keys[i] = 0
    return total


@njit(nogil=True)
def _jaccard(shingles, starts, lengths, truncated, a, b, at_least):
    """Jaccard of two texts, or -1 as soon as it is sure to be below `at_least`."""
    i, stop_a = starts[a], starts[a] + lengths[a]
    j, stop_b = starts[b], starts[b] + lengths[b]
    if i == stop_a or j == stop_b:
        return -1.0
    limit = _NONE
    if truncated[a]:
        limit = shingles[stop_a - 1]
    if truncated[b]:
        limit = min(limit, shingles[stop_b - 1])
    exact = not (truncated[a] or truncated[b])
    allowed = (lengths[a] + lengths[b]) * (1.0 - at_least) / (1.0 + at_least) + 1e-6 if exact else np.inf
    both, alone = 0, 0
    while i < stop_a and j < stop_b:
        left, right = shingles[i], shingles[j]
        if min(left, right) > limit:
            break
        both += left == right
        alone += left != right
        if alone > allowed:
            return -1.0
        i += left <= right
        j += right <= left
    while i < stop_a and shingles[i] <= limit:
        i, alone = i + 1, alone + 1
    while j < stop_b and shingles[j] <= limit:
        j, alone = j + 1, alone + 1
    value = both / (both + alone)
    return value if value >= at_least else -1.0


@njit(nogil=True)
def _root(parent, node):
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(nogil=True)
def _shared(keys, a, b, band):
    """True when an earlier band offered this pair already."""
    for i in range(band):  # noqa: SIM110 - Numba compiles no generator
        if keys[a, i] == keys[b, i]:
            return True
    return False


@njit(
    [(_INTS, _INTS, _INTS, types.int64, _KEYS, _HASHES, _INTS, _INTS, _FLAGS, types.float64, _INTS_OUT)],
    cache=True,
    nogil=True,
)
def _connect(order, firsts, lasts, band, keys, shingles, starts, lengths, truncated, threshold, parent):
    """Join within the buckets order[firsts[k]:lasts[k]] of one band all texts that a chain of true pairs joins."""
    compared = 0
    queue, left = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    for k in range(len(firsts)):
        count = lasts[k] - firsts[k]
        left[:count] = order[firsts[k] : lasts[k]]
        while count > 1:
            count -= 1
            queue[0], head, tail = left[count], 0, 1
            while head < tail and count > 0:
                pivot, kept = queue[head], 0
                head += 1
                for i in range(count):
                    other = left[i]
                    first, second = _root(parent, pivot), _root(parent, other)
                    near = first == second
                    if not near and not _shared(keys, pivot, other, band):
                        compared += 1
                        near = _jaccard(shingles, starts, lengths, truncated, pivot, other, threshold) >= 0.0
                        if near:
                            parent[max(first, second)] = min(first, second)
                    if near:
                        queue[tail] = other
                        tail += 1
                    else:
                        left[kept] = other
                        kept += 1
                count = kept
    return compared


@njit([(_INTS, _INTS, _HASHES, _INTS, _INTS, _FLAGS, _FLOATS_OUT)], cache=True, nogil=True)
def _similarities(left, right, shingles, starts, lengths, truncated, result):
    for i in range(len(left)):
        result[i] = max(0.0, _jaccard(shingles, starts, lengths, truncated, left[i], right[i], 0.0))


@njit([(_INTS, _INTS, _INTS_OUT)], cache=True, nogil=True)
def _unite(left, right, parent):
    for i in range(len(left)):
        a, b = _root(parent, left[i]), _root(parent, right[i])
        parent[max(a, b)] = min(a, b)
    for i in range(len(parent)):
        parent[i] = _root(parent, i)


@dataclass(frozen=True)
class Signatures:
    """What is known of n texts: `keys` (n, 25) int64, one per band; and the distinct hashes of their shingles in
    rising order, those of text i at shingles[starts[i] : starts[i] + lengths[i]] (uint64; at most 4,096 a text, the
    lowest when `truncated`). A text without shingles has length 0 and takes no part."""

    keys: np.ndarray[Any, np.dtype[np.int64]]
    shingles: np.ndarray[Any, np.dtype[np.uint64]]
    starts: np.ndarray[Any, np.dtype[np.int64]]
    lengths: np.ndarray[Any, np.dtype[np.int64]]
    truncated: np.ndarray[Any, np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.lengths)


def _letters() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Lower-case letter of each ASCII byte, 0 where it is no word character."""
    letters = [ord(chr(c).lower()) if chr(c).isalnum() or c == ord("_") else 0 for c in range(128)]
    return np.array([*letters, *[_BEYOND_ASCII] * 128], np.uint8)


def sign(texts: pa.LargeStringArray) -> Signatures:
    """Signatures of an Arrow array of texts (string or large_string; a null counts as empty). Pure; a row's signature
    does not depend on the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    count = len(texts)
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + count + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    keys, lengths, truncated = np.zeros((count, BANDS), np.int64), np.zeros(count, np.int64), np.zeros(count, np.bool_)
    pages, distances = table()
    letters, parts, scratch, first = _letters(), [np.zeros(0, np.uint64)], np.zeros(0, np.uint64), 0
    while first < count:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _PIECE_BYTES, "right")) - 1)
        sizes = np.diff(offsets[first : last + 1])
        room = int(np.minimum(sizes // 2 + 1, BOTTOM).sum())
        scratch = scratch if len(scratch) >= room else np.empty(room, np.uint64)
        rows = slice(first, last)
        piece = np.ascontiguousarray(offsets[first : last + 1])
        used = _sign(data, piece, letters, pages, distances, keys[rows], scratch, lengths[rows], truncated[rows])
        parts.append(scratch[:used].copy())
        first = last
    return Signatures(keys, np.concatenate(parts), np.cumsum(lengths) - lengths, lengths, truncated)


def components(signatures: Signatures, threshold: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Number of the component of each text (n,): the lowest index in it. Two texts are joined when they share a band
    and their Jaccard reaches `threshold`; the result is the closure of these pairs, whatever the order of the texts.

    A pair that is joined already is not compared again, so m copies of one text cost m comparisons, not m squared.
    """
    parent = np.arange(len(signatures), dtype=np.int64)
    present = np.flatnonzero(signatures.lengths).astype(np.int64)
    for band in range(BANDS):
        keys = signatures.keys[present, band]
        order = np.argsort(keys)  # equal keys in any order: what joins them does not depend on it
        keys = keys[order]
        edges = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1, [len(keys)]])
        several = np.diff(edges) > 1
        _connect(
            present[order], edges[:-1][several], edges[1:][several], band, signatures.keys, signatures.shingles,
            signatures.starts, signatures.lengths, signatures.truncated, threshold, parent,
        )  # fmt: skip
    return unite(len(parent), np.arange(len(parent)), parent)


def similarities(signatures: Signatures, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Jaccard of the texts left[i] and right[i] (m,), 0 where one has no shingles."""
    result = np.zeros(len(left), np.float64)
    left, right = np.ascontiguousarray(left, np.int64), np.ascontiguousarray(right, np.int64)
    _similarities(left, right, signatures.shingles, signatures.starts, signatures.lengths, signatures.truncated, result)
    return result


def unite(count: int, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Components (count,) of the graph with the edges (left[i], right[i]): each node gets the lowest one it reaches."""
    parent = np.arange(count, dtype=np.int64)
    _unite(np.ascontiguousarray(left, np.int64), np.ascontiguousarray(right, np.int64), parent)
    return parent
