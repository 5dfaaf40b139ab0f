"""The Numba kernel behind `measure/text.py`: all counts of a text while it is in the cache of the processor.

There are no bounds checks: every index is bounded by the number of bytes of the text plus two; run the tests once with
NUMBA_BOUNDSCHECK=1 after a change. Numba's cache looks at this file only, so the digest of the helpers' sources is a
constant of the kernel: without it, an edited helper would leave an old kernel in use.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import njit, types

from modelwright.measure.text_basics import BEGIN, LARGEST_FOR_GRAMS, ONE, ZERO, decode, stripped
from modelwright.measure.text_c4 import FIRM, LENIENT, compact_ends, count_kept, count_sentences, edit_lines
from modelwright.measure.text_grams import duplicate_grams, top_grams
from modelwright.measure.text_lines import (
    count_characters,
    count_encoded,
    count_lines,
    count_pairs,
    count_paragraphs,
    split_lines,
)
from modelwright.measure.text_words import cut_words, describe_words, find_cases, merge_cases


@njit
def count_characters_and_lines(x, f, n, out, newlines):
    """Counts of characters and of lines; places of newlines; returns their number."""
    count_characters(f, n, out)
    count_encoded(f, n, out)
    count_pairs(x, f, n, out)
    return split_lines(x, f, n, out, newlines)


@njit
def words_of(
    x, f, p, n, powers, spaces, ends, hashes, glue, stack, found, keys, values, tokens, shapes, units, stops, totals,
    begins, pairs, sequences, cases,
):  # fmt: skip
    """Cut and describe the words of a text; special cases across affixes are merged afterwards."""
    stop_bits = ZERO
    for s in range(len(stops)):
        stop_bits |= ONE << (stops[s] & np.uint64(63))
    totals[:] = 0
    t = cut_words(
        x, f, p, n, powers, spaces, ends, hashes, glue, stack, keys, values, tokens, shapes, units, stops, stop_bits,
        totals,
    )  # fmt: skip
    matches = 0 if spaces else find_cases(t, hashes, glue, begins, pairs, sequences, cases, found)
    if matches:
        t = merge_cases(t, ends, glue, found, matches, tokens, stack)
        totals[:] = 0
        describe_words(f, p, powers, BEGIN, t, ends, hashes, stops, stop_bits, totals)
    return t


_BYTES, _FLAGS = types.Array(types.uint8, 1, "C", readonly=True), types.Array(types.uint32, 1, "C", readonly=True)
_HASHES, _VALUES = types.Array(types.uint64, 1, "C", readonly=True), types.Array(types.int32, 1, "C", readonly=True)
_OFFSETS, _TRUTHS = types.Array(types.int64, 1, "C", readonly=True), types.Array(types.bool_, 1, "C", readonly=True)
_TOKENS, _COUNTS = types.Array(types.int32, 2, "C", readonly=True), types.Array(types.int64, 2, "C")
_INTS = types.Array(types.int32, 1, "C")
_SIGNATURE = types.int64(
    _OFFSETS, _BYTES, _TRUTHS, types.bool_, _BYTES, _FLAGS, _HASHES, _HASHES, _VALUES, _TOKENS, _HASHES, _TRUTHS,
    _HASHES, _HASHES, _VALUES, _HASHES, _HASHES, _COUNTS, _INTS, types.bool_, _TRUTHS, _COUNTS,
)  # fmt: skip


def _compiled(helpers):
    """The kernel; `helpers` is part of the key of Numba's cache because the function closes over it."""

    @njit(_SIGNATURE, nogil=True, cache=True)
    def count_texts(
        offsets, data, valid, spaces, classes, flags, powers, keys, values, tokens, shapes, begins, pairs, sequences,
        cases, units, stops, counts, last_ends, c4, suspect, spans,
    ):  # fmt: skip
        """Fill `counts` and, with `c4`, `spans`; returns how many spans there are. Arguments: see `measure/text.py`."""
        room = np.int64(len(helpers) * 0 + 2)
        for row in range(len(valid)):
            room = max(room, offsets[row + 1] - offsets[row] + 2)
        second = room if c4 else 1
        x, f, p = np.empty(room, np.uint32), np.empty(room, np.uint32), np.zeros(room, np.uint64)
        y, g, q = np.empty(second, np.uint32), np.empty(second, np.uint32), np.zeros(second, np.uint64)
        starts, ends_of_lines, firm = np.empty(second, np.int32), np.empty(second, np.int32), np.empty(second, np.bool_)
        hashes, ends, stack = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32)
        glue, found = np.empty(room, np.uint8), np.empty((room, 3), np.int32)
        out, totals, state = np.zeros(counts.shape[0], np.int64), np.zeros(4, np.int64), np.zeros(8, np.int64)
        for row in range(len(valid)):
            if not valid[row]:
                continue
            n = decode(data, offsets[row], offsets[row + 1], classes, flags, x, f, p)
            out[:] = 0
            if c4:
                kept = edit_lines(x, f, n, suspect[row], y, g, q, starts, ends_of_lines, firm, spans, state, row, out)
                count_kept(g, q, powers, kept, starts, ends_of_lines, firm, out, FIRM)
                count_kept(g, q, powers, kept, starts, ends_of_lines, firm, out, LENIENT)
                m = compact_ends(y, g, kept, starts, ends_of_lines)
                t = words_of(
                    y, g, q, m, powers, spaces, ends, hashes, glue, stack, found, keys, values, tokens, shapes, units,
                    stops, totals, begins, pairs, sequences, cases,
                )  # fmt: skip
                count_sentences(g, t, ends, glue, kept, starts, ends_of_lines, firm, out)
                counts[:, row] = out
                continue
            m = count_characters_and_lines(x, f, n, out, stack)
            count_lines(x, f, p, powers, n, stack, m, out, 16)
            a, b = stripped(f, n)
            count_paragraphs(p, powers, a, b, stack, m, out, 25)
            t = words_of(
                x, f, p, n, powers, spaces, ends, hashes, glue, stack, found, keys, values, tokens, shapes, units,
                stops, totals, begins, pairs, sequences, cases,
            )  # fmt: skip
            out[28], out[29], out[30], out[31] = t, totals[0], totals[1], totals[2]
            for s in range(len(stops)):
                out[32] += totals[3] >> s & 1
            if n <= LARGEST_FOR_GRAMS:
                top_grams(t, ends, hashes, stack, out, 33)
                duplicate_grams(p, powers, t, ends, stack, out, 36)
            else:
                out[33:] = -1
            counts[:, row] = out
            if len(last_ends):
                last_ends[0] = t
                last_ends[1 : t + 1] = ends[:t]
        return state[0]

    return count_texts


def _digest(names):
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in names)
    return hashlib.sha256(b"".join(sources)).hexdigest()


count_texts = _compiled(_digest(("text_basics", "text_c4", "text_grams", "text_lines", "text_urls", "text_words")))
