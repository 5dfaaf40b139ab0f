"""Kernel for repeated lines and paragraphs: where they stand in each text, and a hash of their words.

Lines end at a line feed, paragraphs at a blank line. Equal hashes mean equal words (`word_hashes`): case, spacing and
punctuation do not count. A line without words has no hash and is left out.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, types, uint64

from modelwright.measure.code_points import BYTES, DISTANCES, PAGES
from modelwright.measure.word_hashes import (
    CHUNK,
    HASHES_OUT,
    INTS,
    INTS_OUT,
    LETTERS,
    buffers,
    kernel_tables,
    value_of,
    words_of,
)  # fmt: skip

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

PIECES = 1
"""Version of what the kernel computes; what was kept under another version is not used."""
_STEP, _FOLD = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_FEED, _SPACE = np.uint8(10), np.uint8(32)


@njit(nogil=True)
def _line(data, position, end):
    """The end of the line at `position`, its line feed included, and its characters with runs of space as one."""
    characters, gap = 0, False
    while position < end:
        byte = data[position]
        position += 1
        if byte == _FEED:
            break
        if byte <= _SPACE:
            gap = True
        elif byte & 0xC0 != 0x80:
            characters += 1 + (gap and characters > 0)
            gap = False
    return position, characters


@njit(
    [
        (
            BYTES, INTS, LETTERS, PAGES, DISTANCES, types.boolean, types.int64, HASHES_OUT, INTS_OUT, INTS_OUT,
            INTS_OUT,
        )
    ],
    cache=True, nogil=True,
)  # fmt: skip
def _pieces(data, offsets, letters, pages, distances, paragraphs, least, hashes, starts, ends, counts):
    words, places = np.empty(2 * CHUNK + 2, np.uint64), np.empty(2 * CHUNK + 2, np.int64)
    total = 0
    for row in range(len(offsets) - 1):
        begin, end, position, first = offsets[row], offsets[row + 1], offsets[row], total
        start, size, rolling, blank = begin, 0, uint64(0), False
        while position < end:
            stop, characters = _line(data, position, end)
            if size and (not paragraphs or (blank and characters)):
                if size >= least and rolling != 0:
                    hashes[total], starts[total], ends[total] = (
                        rolling ^ (rolling >> _FOLD),
                        start - begin,
                        position - begin,
                    )
                    total += 1
                size, rolling = 0, uint64(0)
            if size == 0:
                start = position
            blank = characters == 0
            size += characters
            word = uint64(0)
            while position < stop:
                position, word, count = words_of(
                    data, position, min(position + CHUNK, stop), stop, word, letters, pages, distances, words, places, 0
                )
                if position >= stop and word != 0:
                    words[count] = word
                    count += 1
                for k in range(count):
                    rolling = (rolling ^ value_of(words[k])) * _STEP
        if size >= least and rolling != 0:
            hashes[total], starts[total], ends[total] = rolling ^ (rolling >> _FOLD), start - begin, end - begin
            total += 1
        counts[row] = total - first
    return total


class Pieces(NamedTuple):
    """Lines or paragraphs of n texts, one text after another: `counts` (n,) of each, hashes of their words, and bytes
    from `starts` to `ends`, what separates them from the next included."""

    counts: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def pieces(texts: pa.Array, paragraphs: bool, least: int) -> Pieces:
    """The lines (or paragraphs) of `least` characters and more, counted with runs of white space as one."""
    data, offsets = buffers(texts)
    room = int(offsets[-1] - offsets[0]) // max(least, 1) + len(offsets)
    hashes, starts, ends = np.zeros(room, np.uint64), np.zeros(room, np.int64), np.zeros(room, np.int64)
    counts = np.zeros(len(offsets) - 1, np.int64)
    used = _pieces(data, offsets, *kernel_tables(), paragraphs, least, hashes, starts, ends, counts)
    return Pieces(counts, hashes[:used].copy(), starts[:used].copy(), ends[:used].copy())
