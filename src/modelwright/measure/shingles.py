"""Which texts hold what was taken down: shingles of a few words as hashes, compared by containment.

A shingle is five words in a row (fewer where the wanted text has fewer), each as `word_hashes` reads it, so that case,
spacing and punctuation do not count. A text holds a wanted one when it has SHARE of its shingles (all, where these are
fewer than FEW), or when it is an excerpt: EXCERPT of its own shingles are wanted ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.formats.barred import EVERY, WIDTH, Wanted
from modelwright.measure.word_hashes import hash_words

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Hashes = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int64]

SHARE, FEW = 0.6, 10
EXCERPT, EXCERPT_SHINGLES = 0.8, 16
PASSAGE = 6
"""Wanted shingles one after another that make a quotation: ten words."""
_STEP, _SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC4CEB9FE1A85EC53)
_FOLD = np.uint64(29)


def shingles(texts: pa.Array, width: int = WIDTH) -> tuple[Hashes, Places]:
    """Hashes of the shingles of n texts in order: those of text i are [firsts[i] : firsts[i + 1]]; (n + 1,) firsts."""
    values, _, edges = hash_words(texts)
    room = max(0, len(values) - width + 1)
    rolling = np.full(room, width, np.uint64)
    for place in range(width):
        rolling = rolling * _STEP + values[place : place + room]
    rolling = (rolling ^ (rolling >> _FOLD)) * _SPREAD
    counts = np.maximum(np.diff(edges) - width + 1, 0)
    firsts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    places = np.arange(firsts[-1]) + np.repeat(edges[:-1] - firsts[:-1], counts)
    return rolling[places], firsts


def wanted(texts: Sequence[str], most: int = 2**20) -> list[Wanted]:
    """What `holding` looks for in order to find `texts`; at most some `most` hashes, a sample by hash beyond."""
    import pyarrow as pa

    content = pa.array(list(texts), pa.large_string())
    sizes = np.minimum(np.diff(hash_words(content).firsts), WIDTH)
    found = []
    for width in sorted({int(size) for size in sizes} - {0}):
        hashes, firsts = shingles(content.filter(pa.array(sizes == width)), width)
        limit = EVERY if len(hashes) <= most else int(EVERY / len(hashes) * most)
        owners = np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))
        kept = hashes <= np.uint64(limit)
        pairs = np.unique(np.stack([owners[kept].astype(np.uint64), hashes[kept]], axis=1), axis=0)
        found.append(Wanted(pairs[:, 1].copy(), pairs[:, 0].astype(np.int64), width, limit))
    return found


def holding(texts: pa.Array, lists: Sequence[Wanted]) -> npt.NDArray[np.bool_]:
    """Which of n texts hold a wanted text (n,). A text's answer does not depend on the others."""
    result = np.zeros(len(texts), np.bool_)
    for some in lists:
        result |= _holding(texts, some)
    return result


def _holding(texts: pa.Array, some: Wanted) -> npt.NDArray[np.bool_]:
    result = np.zeros(len(texts), np.bool_)
    if not len(some.hashes):
        return result
    hashes, firsts = shingles(texts, some.width)
    row = np.repeat(np.arange(len(texts)), np.diff(firsts))
    if some.limit != EVERY:
        kept = hashes <= np.uint64(some.limit)
        hashes, row = hashes[kept], row[kept]
    known, inverse = np.unique(some.hashes, return_inverse=True)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    hit = known[place] == hashes
    if not hit.any():
        return result
    if some.width == WIDTH:
        of_text, of_hits = np.bincount(row, minlength=len(texts)), np.bincount(row[hit], minlength=len(texts))
        result |= (of_text >= EXCERPT_SHINGLES) & (of_hits >= EXCERPT * of_text)
    sizes = np.bincount(some.owners)
    needed = np.where(sizes < FEW, sizes, np.ceil(SHARE * sizes))
    order = np.argsort(inverse, kind="stable")
    edges = np.searchsorted(inverse[order], np.arange(len(known) + 1))
    hit_row, hit_place = row[hit], place[hit]
    texts_hit, begins = np.unique(hit_row, return_index=True)
    for text, begin, end in zip(texts_hit.tolist(), begins, np.append(begins[1:], len(hit_row)), strict=True):
        mine = np.unique(hit_place[begin:end])
        owners = some.owners[order[_runs(edges[mine], edges[mine + 1])]]
        result[text] |= bool((np.bincount(owners, minlength=len(sizes)) >= np.maximum(needed, 1)).any())
    return result


def quoting(texts: pa.Array, lists: Sequence[Wanted]) -> npt.NDArray[np.bool_]:
    """Which of n texts quote a passage of a wanted text: PASSAGE of its shingles in a row, or all of it (n,)."""
    result = holding(texts, lists)
    for some in lists:
        if some.width < WIDTH or not len(some.hashes):
            continue
        hashes, firsts = shingles(texts, some.width)
        known = np.unique(some.hashes)
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        # a sample has gaps: what lies beyond the limit is taken as wanted between two that are
        hit = (known[place] == hashes) | (hashes > np.uint64(some.limit))
        real = known[place] == hashes
        for text, (first, last) in enumerate(pairwise(firsts)):
            result[text] |= _has_run(hit[first:last], real[first:last])
    return result


def _has_run(hit: Any, real: Any) -> bool:
    if not real.any():
        return False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hit, [False]]).astype(np.int8)))
    total = np.concatenate([[0], np.cumsum(real)])
    return any(
        end - begin >= PASSAGE and total[end] - total[begin] > (end - begin) // 2
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    )


def _runs(begins: Places, ends: Places) -> Places:
    """begins[0] .. ends[0] - 1, begins[1] ... as one array."""
    counts = ends - begins
    shift = np.concatenate([[0], np.cumsum(counts)[:-1]])
    runs: Places = np.arange(int(counts.sum())) + np.repeat(begins - shift, counts)
    return runs
