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

from modelwright.measure.text_basics import (
    ALPHABETIC,
    LARGEST_FOR_GRAMS,
    MIX,
    ONE,
    SYMBOL,
    WINDOW,
    ZERO,
    decode,
    duplicates,
    mixed,
    new_table,
    slot_of,
    split_lines,
    stretch,
    stripped,
)
from modelwright.measure.text_words import cut_words, find_cases, hash_words, merge_cases


@njit
def describe_words(f, t, ends, hashes, stops, out):
    """Counts of words, written into `out`."""
    plain, characters, alphabetic, found, a, stop_bits = 0, 0, 0, 0, 0, ZERO
    for s in range(len(stops)):
        stop_bits |= ONE << (stops[s] & np.uint64(63))
    for i in range(t):
        b = ends[i]
        seen, symbols = np.uint32(0), np.uint32(SYMBOL)
        for j in range(a, b):
            seen |= f[j]
            symbols &= f[j]
            if seen & ALPHABETIC and not symbols:
                break
        if not symbols:
            plain += 1
            characters += b - a
        alphabetic += (seen & ALPHABETIC) != 0
        if (stop_bits >> (hashes[i] & np.uint64(63))) & ONE:
            for s in range(len(stops)):
                if hashes[i] == stops[s]:
                    found |= 1 << s
        a = b
    different = 0
    while found:
        different += found & 1
        found >>= 1
    out[18], out[19], out[20], out[21], out[22] = t, plain, characters, alphabetic, different


@njit
def top_grams(t, ends, hashes, out):
    """Length of the most frequent 2-, 3- and 4-gram times its count; among equals the first."""
    keys, counts, again = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int32), np.ones(t, dtype=np.bool_)
    slots = np.zeros(t, dtype=np.int32)
    for n in range(2, 5):
        if t < n:
            return
        candidates = 0
        for i in range(t - n + 1):  # only repeated (n-1)-grams can begin and end a repeated n-gram
            again[i] &= again[i + 1]
            candidates += again[i]
        keys = new_table(candidates)
        counts = np.zeros(len(keys), dtype=np.int32)
        for i in range(t - n + 1):
            if again[i]:
                h = hashes[i]
                for j in range(i + 1, i + n):
                    h = mixed(h * MIX + hashes[j])
                slot = slot_of(keys, h)
                keys[slot] = h
                counts[slot] += 1
                slots[i] = slot
        best, most = 0, 1
        for i in range(t - n + 1):
            if again[i]:
                c = counts[slots[i]]
                if c > most:
                    best, most = i, c
                again[i] = c > 1
        again[t - n + 1] = False
        start = ends[best - 1] if best else 0
        out[21 + n] = (ends[best + n - 1] - start + n - 1) * most


@njit
def duplicate_grams(p, powers, t, ends, hashes, out):
    """Characters of repeated 5- to 10-grams, greedy from the left, words joined by nothing."""
    total = ends[t - 1] if t else 0
    keys = new_table(t)
    counts, slots = np.zeros(len(keys), dtype=np.int32), np.full(t, -1, dtype=np.int32)
    a = 0
    for i in range(t):
        if a + WINDOW <= total:
            h = stretch(p, powers, a, a + WINDOW)
            slot = slot_of(keys, h)
            keys[slot] = h
            counts[slot] += 1
            slots[i] = slot
        a = ends[i]
    room, a = 0, 0
    for i in range(t - 4):  # from here on `slots` lists the candidates
        if slots[i] < 0 or counts[slots[i]] > 1 or ends[i + 4] - a < WINDOW:
            slots[room] = i
            room += 1
        a = ends[i]
    for n in range(5, 11):
        keys = new_table(room)
        free, characters = 0, 0
        for c in range(room):
            i = slots[c]
            if i < free:
                continue
            if i + n > t:
                break
            a = ends[i - 1] if i else 0
            h = stretch(p, powers, a, ends[i + n - 1])
            slot = slot_of(keys, h)
            if keys[slot] != ZERO:
                characters += ends[i + n - 1] - a
                free = i + n
            keys[slot] = h
        out[21 + n] = characters


_BYTES, _FLAGS = types.Array(types.uint8, 1, "C", readonly=True), types.Array(types.uint32, 1, "C", readonly=True)
_HASHES, _VALUES = types.Array(types.uint64, 1, "C", readonly=True), types.Array(types.int32, 1, "C", readonly=True)
_OFFSETS, _TRUTHS = types.Array(types.int64, 1, "C", readonly=True), types.Array(types.bool_, 1, "C", readonly=True)
_TOKENS, _COUNTS = types.Array(types.int32, 2, "C", readonly=True), types.Array(types.int64, 2, "C")
_SIGNATURE = types.void(
    _OFFSETS, _BYTES, _TRUTHS, types.bool_, _BYTES, _FLAGS, _HASHES, _HASHES, _VALUES, _TOKENS, _OFFSETS, _TRUTHS,
    _HASHES, _HASHES, _VALUES, _HASHES, _HASHES, _COUNTS, types.Array(types.int32, 1, "C"),
)  # fmt: skip


def _compiled(helpers):
    """The kernel; `helpers` is part of the key of Numba's cache because the function closes over it."""

    @njit(_SIGNATURE, nogil=True, cache=True)
    def count_texts(
        offsets, data, valid, spaces, classes, flags, powers, keys, values, tokens, lengths, begins, pairs, sequences,
        cases, units, stops, counts, last_ends,
    ):  # fmt: skip
        """Fill `counts` (len(COLUMNS), texts); see `text.count` and `text.kernel_tables` for the arguments.

        `last_ends`, when not empty, gets the number of words of the last text, then their ends.
        """
        longest = len(helpers) * 0
        for row in range(len(valid)):
            longest = max(longest, offsets[row + 1] - offsets[row])
        x, f = np.empty(longest + 2, dtype=np.uint32), np.empty(longest + 2, dtype=np.uint32)
        p, hashes = np.zeros(longest + 2, dtype=np.uint64), np.empty(longest + 2, dtype=np.uint64)
        ends, stack = np.empty(longest + 2, dtype=np.int32), np.empty(longest + 2, dtype=np.int32)
        glue, found = np.empty(longest + 2, dtype=np.uint8), np.empty((longest + 2, 3), dtype=np.int32)
        out = np.zeros(counts.shape[0], dtype=np.int64)
        for row in range(len(valid)):
            if not valid[row]:
                continue
            n = decode(data, offsets[row], offsets[row + 1], classes, flags, x, f, p)
            split_lines(x, f, n, out)
            duplicates(x, p, powers, 0, n, 1, out, 12)
            a, b = stripped(f, n)
            duplicates(x, p, powers, a, b, 2, out, 15)
            t = cut_words(x, f, p, n, powers, spaces, ends, glue, stack, keys, values, tokens, lengths, units)
            hash_words(p, powers, t, ends, hashes)
            matches = 0 if spaces else find_cases(t, hashes, glue, begins, pairs, sequences, cases, found)
            if matches:
                t = merge_cases(t, ends, found, matches, tokens, stack)
                hash_words(p, powers, t, ends, hashes)
            describe_words(f, t, ends, hashes, stops, out)
            out[23:] = 0 if n <= LARGEST_FOR_GRAMS else -1
            if n <= LARGEST_FOR_GRAMS:
                top_grams(t, ends, hashes, out)
                duplicate_grams(p, powers, t, ends, hashes, out)
            counts[:, row] = out
            if len(last_ends):
                last_ends[0] = t
                last_ends[1 : t + 1] = ends[:t]

    return count_texts


def _digest(names):
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in names)
    return hashlib.sha256(b"".join(sources)).hexdigest()


count_texts = _compiled(_digest(("text_basics", "text_urls", "text_words")))
