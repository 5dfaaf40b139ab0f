"""Kernel of decontamination: which benchmark items stand in which texts, and where.

An item is a sequence of words (`word_hashes`). Where enough of its 5-word grams lie close together in a text, its words
are aligned with the text's: the item counts by the share of its words that stand there in order, so that light edits
leave it found and a common phrase that it contains does not. Of a long item a copied passage counts by the share that
its grams cover. Grams that occur in more than ten rows say nothing and are left out. An item of fewer than six words
counts only near its answer.

Seeds after allenai/decon (5-grams, answers near their questions) and Tulu 3 (arXiv 2411.15124: cover of n-grams).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelwright.measure import contamination_kernel as kernel
from modelwright.measure.benchmark_items import Item
from modelwright.measure.contamination_kernel import (
    ASKED,
    ASKED_SHIFT,
    COMMON,
    FAR_BITS,
    FOLD,
    SEEDED,
    SHORT,
    SHORT_SIEVE,
    SIEVE_BITS,
    SPREAD,
    STEP,
)
from modelwright.measure.word_hashes import buffers, hash_words, kernel_tables

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

_PUNCTUATION = re.compile(r"[^\w\s]|_")
_INNER = re.compile(r"\w(?:[^\w\s]|_)+\w")
_GAP = re.compile(r"\A[\W_]+")


@dataclass(frozen=True)
class Index:
    """What the kernel reads of m sequences of words and of pairs; sequence or pair k stands for items[owners[k]]."""

    items: tuple[Item, ...]
    owners: npt.NDArray[np.int64]
    shifts: tuple[int, int, int]
    arrays: tuple[Any, ...]
    values: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.float64]
    firsts: npt.NDArray[np.int64]


class Stretch(NamedTuple):
    """Bytes start .. stop of text `row` hold the share `words` of the words of `item`, in order, rare ones weighing
    more; `cover` is the share that lies in grams that the text has too, `size` the item's number of words."""

    row: int
    item: Item
    start: int
    stop: int
    words: float
    cover: float
    size: int


def build(items: Sequence[Item]) -> Index:
    """The index of some items; each is entered as it is and with its punctuation removed, where that differs."""
    import pyarrow as pa

    plain = [_PUNCTUATION.sub("", item.text) for item in items]
    plain_sizes = np.diff(hash_words(pa.array(plain, pa.large_string())).firsts)
    variants = [number for number, item in enumerate(items) if _INNER.search(item.text)]
    texts = [item.text for item in items] + [plain[number] for number in variants]
    owners = np.array([*range(len(items)), *variants], np.int64)
    content = pa.array(texts, pa.large_string())
    values, ends, edges = hash_words(content)
    sizes = np.diff(edges)
    long = (sizes > SHORT) & (plain_sizes[owners] > SHORT)
    chosen = np.repeat(long, sizes)
    taken = values[chosen]
    firsts = np.concatenate([[0], np.cumsum(sizes[long])]).astype(np.int64)
    hashes = np.zeros(len(taken), np.uint64)
    bare = np.zeros(len(taken), np.bool_)
    kernel.grams_of(buffers(content).data, ends[chosen], kernel_tables()[0], taken, firsts, hashes, bare)
    rows = np.array([items[owner].row for owner in owners], np.int64)
    sequence = np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))
    keys, postings, index = _postings(hashes, sequence, rows[long])
    weights = _weights(taken, rows[long], sequence)
    pairs = _pair_index([*zip(owners.tolist(), texts, sizes.tolist(), strict=True)], items)
    bucket_bits = max(8, int(2 * len(keys)).bit_length())
    buckets = np.searchsorted(keys, np.arange(1 << bucket_bits, dtype=np.uint64) << np.uint64(64 - bucket_bits))
    buckets = np.append(buckets, len(keys)).astype(np.int64)
    owned = np.concatenate([owners[long], pairs[-1]])
    bits = max(16, int(16 * len(keys)).bit_length())
    shifts = 64 - min(bits, SIEVE_BITS), 64 - min(bits + 2, FAR_BITS), 64 - bucket_bits
    sieves = [_sieve(keys, shift) for shift in shifts[:2]]
    arrays = (*sieves, *pairs[:2], keys, buckets, postings, index, firsts, weights, *pairs[2:-1])
    return Index(tuple(items), owned, shifts, arrays, taken, weights, firsts)


def _postings(hashes: Any, sequence: Any, rows: Any) -> tuple[Any, Any, Any]:
    """Distinct grams in order, where the postings of each begin, and (sequence, place of the gram's first word)."""
    places = np.flatnonzero(hashes)
    order = places[np.argsort(hashes[places], kind="stable")]
    keys, inverse = np.unique(hashes[order], return_inverse=True)
    # how many rows of benchmarks a gram stands in: two fields or variants of a row count once
    both = np.unique(np.stack([inverse, rows[sequence[order]]], axis=1), axis=0)
    rare = np.bincount(both[:, 0], minlength=len(keys)) <= COMMON
    order, keys = order[rare[inverse]], keys[rare]
    counts = np.bincount(inverse, minlength=len(rare))[rare]
    postings = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return keys, postings, np.ascontiguousarray(np.stack([sequence[order], order], axis=1).astype(np.int64))


def _weights(values: Any, rows: Any, sequence: Any) -> Any:
    """What each word adds to its sequence, 1 in all: the rarer it is among the rows of the benchmarks, the more."""
    words, inverse = np.unique(values, return_inverse=True)
    both = np.unique(np.stack([inverse, rows[sequence]], axis=1), axis=0)
    rare = np.log1p(len(np.unique(rows)) / np.maximum(np.bincount(both[:, 0], minlength=len(words)), 1))[inverse]
    return (rare / np.bincount(sequence, rare)[sequence]).astype(np.float64) if len(rare) else np.zeros(0)


def _sieve(keys: Any, shift: int) -> Any:
    """Three bits for each key, see `contamination_kernel.fill_sieve`."""
    sieve = np.zeros(1 << (58 - shift), np.uint64)
    kernel.fill_sieve(keys, shift, sieve)
    return sieve


def _short_sieve(keys: Any) -> Any:
    """One bit for the upper SHORT_SIEVE bits of a key."""
    bits = np.zeros(1 << SHORT_SIEVE, np.bool_)
    bits[(keys >> np.uint64(64 - SHORT_SIEVE)).astype(np.int64)] = True
    return np.packbits(bits, bitorder="little").view(np.uint64)


def _pair_index(sequences: Sequence[tuple[int, str, int]], items: Sequence[Item]) -> tuple[Any, ...]:
    """Short questions with their answers: sieves of last words, parts, their sizes, pairs of each answer, owners."""
    import pyarrow as pa

    asked = [(owner, text) for owner, text, size in sequences if 3 <= size <= SHORT and items[owner].answers]
    couples = [(owner, text, answer) for owner, text in asked for answer in items[owner].answers]
    texts = [part for _, text, answer in couples for part in (text, answer)]
    values, _, edges = hash_words(pa.array(texts, pa.large_string()))
    sizes = np.minimum(np.diff(edges), SHORT)
    ok = (sizes[::2] > 0) & (sizes[1::2] > 0)
    lasts = np.where(sizes > 0, edges[:-1] + sizes - 1, 0)
    keys = np.array([kernel.tail(values, lasts[i], sizes[i]) if sizes[i] else 0 for i in range(len(texts))], np.uint64)
    parts, first, place = np.unique(keys[np.repeat(ok, 2)], return_index=True, return_inverse=True)
    part_sizes = sizes[np.repeat(ok, 2)][first].astype(np.int64)
    ends = lasts[::2][ok]  # a short question is noticed by its last two words, its answers only after it
    rolling = values[ends - 1] * STEP + values[ends]
    last_words = (rolling ^ (rolling >> FOLD)) * SPREAD
    questions, answers = place[::2], place[1::2]
    part_sizes[questions] += np.where(part_sizes[questions] < ASKED, ASKED, 0)
    order = np.argsort(answers, kind="stable")
    edges = np.searchsorted(answers[order], np.arange(len(parts) + 1)).astype(np.int64)
    pairs = np.ascontiguousarray(np.stack([questions[order], order], axis=1).astype(np.int64).reshape(-1, 2))
    owners = np.array([couple[0] for couple, good in zip(couples, ok, strict=True) if good], np.int64)
    return _short_sieve(last_words), _sieve(last_words, ASKED_SHIFT - 6), parts, part_sizes, edges, pairs, owners


def scan(texts: pa.Array, index: Index) -> list[Stretch]:
    """Every place of a text where an item may stand, one in five of its words in grams of the text; sorted by text.

    Items are found whatever their case, spacing and punctuation. A text's stretches do not depend on the others.
    """
    data, offsets = buffers(texts)
    room = 4096
    parts = len(index.arrays[10])
    while True:
        found, covers = np.zeros((room, 5), np.int64), np.zeros(room, np.float64)
        scratch = kernel.room_of(len(index.firsts) - 1, int(index.firsts[-1]), parts)
        count = kernel.search(data, offsets, *kernel_tables(), *index.shifts, *index.arrays, found, covers, *scratch)
        if count >= 0:
            break
        room *= 8
    shares = np.zeros(room, np.float64)
    kernel.verify(
        data, offsets, *kernel_tables(), index.values, index.weights, index.firsts, count, found, shares,
        *kernel.room_to_align(),
    )  # fmt: skip
    good = np.flatnonzero((shares[:count] >= SEEDED) | (covers[:count] >= SEEDED))
    places, sizes = found[good], np.append(np.diff(index.firsts), 0)
    sized = sizes[np.minimum(places[:, 1], len(sizes) - 1)]
    rows = zip(places.tolist(), shares[good].tolist(), covers[good].tolist(), sized.tolist(), strict=True)
    merged: dict[tuple[int, int], list[tuple[int, int, float, float, int]]] = {}
    for (row, sequence, start, stop, _), share, cover, size in rows:
        before = data[offsets[row] + start : offsets[row] + stop].tobytes().decode("utf-8", "ignore")
        gap = _GAP.match(before)
        start += len(gap[0].encode()) if gap else 0
        stretch = (start, stop, share, min(cover, 1.0), size)
        merged.setdefault((row, int(index.owners[sequence])), []).append(stretch)
    result = [
        Stretch(row, index.items[owner], *stretch)
        for (row, owner), stretches in merged.items()
        for stretch in (_joined(stretches) if len(stretches) > 1 else stretches)
    ]
    return sorted(result, key=lambda stretch: (stretch.row, stretch.start, stretch.item.name))


def _joined(stretches: list[tuple[int, int, float, float, int]]) -> list[tuple[int, int, float, float, int]]:
    """Overlapping stretches of one item as one: its variants find the same place."""
    joined: list[tuple[int, int, float, float, int]] = []
    for start, stop, words, cover, size in sorted(stretches):
        if joined and start < joined[-1][1]:
            last = joined.pop()
            better = max((last[2:4], last[4]), ((words, cover), size))
            joined.append((last[0], max(last[1], stop), *better[0], better[1]))
        else:
            joined.append((start, stop, words, cover, size))
    return joined
