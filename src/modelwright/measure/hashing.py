"""Near-duplicates: MinHash bands, shingle hashes, exact Jaccard, connected components.

A text is the set of its 5-word shingles; a word is what `re.findall(r"\\w+", text.lower())` finds, with two
differences: final sigma equals sigma, and the tables are frozen at Unicode 14 (`word_characters`). Letters are rotated
seven bits into a word's hash: words of up to nine ASCII letters never collide.
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
from numba import njit, types

from modelwright.measure.hashing_kernel import (
    BANDS,
    BEYOND_ASCII,
    BOTTOM,
    CAPACITY,
    HASHES,
    INTS,
    INTS_OUT,
    NONE,
    SCRATCH,
    sign_texts,
)
from modelwright.measure.spans import read_only
from modelwright.measure.word_characters import table

if TYPE_CHECKING:
    import pyarrow as pa

SIGNATURE = 2
"""Version of what the kernels compute; stored signatures of another version are not used."""
_KEYS = types.Array(types.int64, 2, "C", readonly=True)
_FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
_PLACES_OUT = types.Array(types.int32, 1, "C")
_FLOATS_OUT = types.Array(types.float64, 1, "C")


@njit(nogil=True)
def _jaccard(shingles, starts, lengths, truncated, a, b, at_least):
    """Jaccard of two texts, or -1 as soon as it is sure to be below `at_least`."""
    i, stop_a = starts[a], starts[a] + lengths[a]
    j, stop_b = starts[b], starts[b] + lengths[b]
    if i == stop_a or j == stop_b:
        return -1.0
    limit = NONE
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


@njit(nogil=True)
def _group(keys, band, present, last, slots, before):
    """Chain the texts `present[i]` with equal keys: `before[i]` is the one before of its kind or -1, and
    `last[slots[i]]` the last of them. `last`, a power of two of slots, comes all -1; a slot that is taken sends a key
    to the next."""
    mask = len(last) - 1
    for i in range(len(present)):
        key = keys[present[i], band]
        slot = key & mask
        while last[slot] >= 0 and keys[present[last[slot]], band] != key:
            slot = (slot + 1) & mask
        slots[i], before[i], last[slot] = slot, last[slot], i


@njit(
    [(INTS, types.int64, _PLACES_OUT, _KEYS, HASHES, INTS, INTS, _FLAGS, types.float64, INTS_OUT)],
    cache=True,
    nogil=True,
)
def _connect(present, band, last, keys, shingles, starts, lengths, truncated, threshold, parent):
    """Join within the buckets of one band all texts that a chain of true pairs joins; returns how many pairs were
    compared. `last` is left as it came."""
    compared = 0
    slots, before = np.empty(len(present), np.int64), np.empty(len(present), np.int64)
    queue, left = np.empty(len(present), np.int64), np.empty(len(present), np.int64)
    _group(keys, band, present, last, slots, before)
    for i in range(len(present)):
        if last[slots[i]] != i:
            continue
        count, member, last[slots[i]] = 0, i, -1
        while member >= 0:
            left[count], member = present[member], before[member]
            count += 1
        while count > 1:
            count -= 1
            queue[0], head, tail = left[count], 0, 1
            while head < tail and count > 0:
                pivot, kept = queue[head], 0
                head += 1
                for k in range(count):
                    other = left[k]
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


@njit([(INTS, INTS, HASHES, INTS, INTS, _FLAGS, _FLOATS_OUT)], cache=True, nogil=True)
def _similarities(left, right, shingles, starts, lengths, truncated, result):
    for i in range(len(left)):
        result[i] = max(0.0, _jaccard(shingles, starts, lengths, truncated, left[i], right[i], 0.0))


@njit([(INTS, INTS, INTS_OUT)], cache=True, nogil=True)
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


def _letters() -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Lower-case letter of each ASCII byte, 0 where it is no word character."""
    letters = [ord(chr(c).lower()) if chr(c).isalnum() or c == ord("_") else 0 for c in range(128)]
    return read_only(np.array([*letters, *[BEYOND_ASCII] * 128], np.uint64))


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
    scratch = np.empty(SCRATCH, np.uint64)
    starts = np.empty(4 * CAPACITY + 2, np.int32)
    # what is not written to takes no memory
    shingles = np.empty(int(np.minimum(np.diff(offsets) // 2 + 1, BOTTOM).sum()) + CAPACITY + 1, np.uint64)
    used = sign_texts(
        data, read_only(offsets), _letters(), pages, distances, keys, shingles, lengths, truncated, scratch, starts
    )
    return Signatures(keys, shingles[:used], np.cumsum(lengths) - lengths, lengths, truncated)


def components(signatures: Signatures, threshold: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Number of the component of each text (n,): the lowest index in it. Two texts are joined when they share a band
    and their Jaccard reaches `threshold`; the result is the closure of these pairs, whatever the order of the texts.

    A pair that is joined already is not compared again, so m copies of one text cost m comparisons, not m squared.
    """
    parent = np.arange(len(signatures), dtype=np.int64)
    present = np.flatnonzero(signatures.lengths).astype(np.int64)
    last = np.full(1 << (2 * len(present)).bit_length(), -1, np.int32)
    for band in range(BANDS):
        _connect(
            present, band, last, signatures.keys, signatures.shingles, signatures.starts, signatures.lengths,
            signatures.truncated, threshold, parent,
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
