"""The Numba kernel behind `measure/text.py`: all counts of a text while it is in the cache of the processor.

Compiling costs what users feel, and Numba compiles what a function calls again with each caller: helpers allocate
nothing and assign no slices (each is a page of Numba's own code), calls are few deep, tables are of one kind of array.

There are no bounds checks: every index is bounded by the number of bytes of the text plus two; run the tests once with
NUMBA_BOUNDSCHECK=1 after a change. Numba's cache looks at this file only, so the digest of the helpers' sources is a
constant of the kernel: without it, an edited helper would leave an old kernel in use.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import hashlib
from pathlib import Path

from numba import njit, types

from modelwright.measure.text_basics import BEGIN, cut_chunks, decode, stripped
from modelwright.measure.text_c4 import FIRM, LENIENT, count_kept, count_sentences, edit_lines
from modelwright.measure.text_cases import replace_cases
from modelwright.measure.text_grams import count_grams
from modelwright.measure.text_lines import (
    count_characters,
    count_encoded,
    count_lines,
    count_pairs,
    count_paragraphs,
    split_lines,
)
from modelwright.measure.text_words import cut_words, describe_words

_DATA, _OFFSETS = types.Array(types.uint8, 1, "C", readonly=True), types.Array(types.int64, 1, "C", readonly=True)
_TRUTHS = types.Array(types.bool_, 1, "C", readonly=True)
_BYTES, _CODES, _HASHES = (types.Array(kind, 1, "C") for kind in (types.uint8, types.uint32, types.uint64))
_INTS, _LONGS = types.Array(types.int32, 1, "C"), types.Array(types.int64, 1, "C")
_MANY_INTS, _COUNTS = types.Array(types.int32, 2, "C"), types.Array(types.int64, 2, "C")
_SIGNATURE = types.int64(
    _OFFSETS, _DATA, _TRUTHS, types.bool_, types.bool_,
    _BYTES, _CODES, _HASHES, _HASHES, _INTS, _MANY_INTS, _HASHES, _BYTES, _HASHES, _HASHES, _INTS, _HASHES, _HASHES,
    _CODES, _CODES, _CODES, _HASHES, _INTS, _HASHES, _HASHES, _INTS, _INTS, _BYTES,
    _HASHES, _INTS, _INTS, _BYTES, _BYTES, _CODES, _MANY_INTS, _HASHES, _INTS, _BYTES,
    _LONGS, _LONGS, _LONGS, _COUNTS, _COUNTS,
)  # fmt: skip


def _compiled(helpers):
    """The kernel; `helpers` is part of the key of Numba's cache because the function closes over it."""

    @njit(_SIGNATURE, nogil=True, cache=True, error_model="numpy", _nrt=False)
    def count_texts(
        offsets, data, valid, spaces, c4,
        classes, flags, powers, keys, values, tokens, shapes, roles, pairs, sequences, cases, units, usual,
        x, f, g, q, edges, seen, marks, starts, stops, firm,
        hashes, ends, stack, glue, role, about, found, table, counters, sieve, out, totals, state, counts, spans,
    ):  # fmt: skip
        """Fill `counts` and, with `c4`, `spans`; returns how many spans there are. Arguments: see `measure/text.py`."""
        state[0] = helpers & 0
        for row in range(len(valid)):
            if not valid[row]:
                continue
            for column in range(len(out)):
                out[column] = 0
            start, end = offsets[row], offsets[row + 1]
            n, marked = decode(data, start, end, classes, flags, x, f, marks)
            lines, starts[0], stops[0] = BEGIN + 1, 0, n
            if c4:
                lines = edit_lines(
                    x, f, n, end - start, marks, marked, starts, stops, firm, hashes, spans, state, row, out
                )
                count_kept(x, f, lines, starts, stops, firm, hashes, table, out, FIRM)
                count_kept(x, f, lines, starts, stops, firm, hashes, table, out, LENIENT)
            else:
                count_characters(f, n, out)
                count_encoded(f, n, out)
                count_pairs(x, f, n, out)
                m = split_lines(x, f, n, marks, marked, out, stack)
                count_lines(x, f, n, stack, m, table, out, 16)
                a, b = stripped(f, n)
                count_paragraphs(x, a, b, stack, m, table, out, 25)
            chunks = cut_chunks(f, x, starts, stops, lines, g, q, edges, seen)
            t = cut_words(
                x, f, g, edges, seen, chunks, ends, glue, about, stack, keys, values, tokens, shapes, units, spaces
            )
            for number in range(len(totals)):
                totals[number] = 0
            describe_words(q, powers, BEGIN, t, BEGIN + 1, ends, about, roles, usual, hashes, role, totals)
            if not spaces:
                t = replace_cases(
                    t, g, q, powers, ends, glue, about, hashes, role, roles, usual, totals, pairs, sequences, cases,
                    tokens, found, table, seen,
                )  # fmt: skip
            if c4:
                count_sentences(g, t, ends, glue, lines, stops, firm, out)
            else:
                out[28], out[29], out[30], out[31] = t, totals[0], totals[1], totals[2]
                for stop in range(1, len(usual)):
                    out[32] += totals[3 + stop] > 0
                count_grams(n, q, powers, t, ends, hashes, stack, edges, table, counters, sieve, out)
            for column in range(len(out)):
                counts[column, row] = out[column]
            state[7] = t
        return state[0]

    return count_texts


def _digest(names):
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in names)
    return int(hashlib.sha256(b"".join(sources)).hexdigest()[:15], 16)


_HELPERS = ("text_basics", "text_c4", "text_cases", "text_grams", "text_lines", "text_urls", "text_words")
count_texts = _compiled(_digest(_HELPERS))
