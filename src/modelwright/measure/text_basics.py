"""Numba helpers of the text kernel: hashes of stretches, decoding, and counts of characters, lines and paragraphs.

A text becomes code points `x`, flags `f` and `p`, the prefix sums of a polynomial hash modulo 2^64, which give the hash
of any stretch in constant time.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"
# ruff: noqa: SIM109

from __future__ import annotations

import numpy as np
from numba import njit

from modelwright.measure.text import FLAGS

BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
MIX = np.uint64(0xD6E8FEB86659FD93)
ONE, ZERO = np.uint64(1), np.uint64(0)
POWERS = 4096  # powers of BASE that are looked up; longer stretches are computed
LONGEST_SPECIAL = 12  # code points of spaCy's longest special case
MOST_PIECES = 11  # pieces of the special case that the affix rules cut finest
BEGINS = np.uint64(1023)  # mask of the hashes of the first words of special cases
WINDOW = 12  # code points; two equal n-grams of at least this length begin with equal windows
LARGEST_FOR_GRAMS = 1 << 24  # code points; repeated n-grams of longer texts are not counted

SPACE, ALPHABETIC, ALPHANUMERIC, SYMBOL = FLAGS["SPACE"], FLAGS["ALPHABETIC"], FLAGS["ALPHANUMERIC"], FLAGS["SYMBOL"]
BREAK, BASE64, PREFIX, SUFFIX, ICON = FLAGS["BREAK"], FLAGS["BASE64"], FLAGS["PREFIX"], FLAGS["SUFFIX"], FLAGS["ICON"]
LETTER, LOWER_OR_QUOTE, UPPER_OR_QUOTE = FLAGS["LETTER"], FLAGS["LOWER_OR_QUOTE"], FLAGS["UPPER_OR_QUOTE"]
BEFORE_DOT, UPPER, HOST, TOP_LEVEL = FLAGS["BEFORE_DOT"], FLAGS["UPPER"], FLAGS["HOST"], FLAGS["TOP_LEVEL"]
NUMERAL, UNIT_END, LABEL = FLAGS["NUMERAL"], FLAGS["UNIT_END"], FLAGS["LABEL"]
SCHEME, HOST_END = FLAGS["SCHEME"], FLAGS["HOST_END"]
INFIX, COMPLEX = FLAGS["INFIX"], FLAGS["COMPLEX"]
DOT, ELLIPSIS, NEWLINE, RETURN, BULLET, MINUS = 46, 0x2026, 10, 13, 0x2022, 45
AT, COLON, SLASH, UNDERSCORE, PLUS = 64, 58, 47, 95, 43
APOSTROPHE, RIGHT_QUOTE, DOLLAR, DEGREE, EM_DASH, EN_DASH, TILDE = 39, 0x2019, 36, 0xB0, 0x2014, 0x2013, 126


@njit(forceinline=True)
def mixed(h):
    """A hash whose low bits depend on all bits; never 0, which marks an empty slot."""
    h ^= h >> np.uint64(32)
    h *= MIX
    h ^= h >> np.uint64(29)
    return h if h != ZERO else ONE


@njit
def power_of(n):
    """BASE to the power of n, for stretches longer than the table of powers."""
    power, base = ONE, BASE
    while n:
        if n & 1:
            power *= base
        base *= base
        n >>= 1
    return power


@njit(forceinline=True)
def stretch(p, powers, a, b):
    """Hash of the characters [a, b) of which p holds the prefix sums."""
    power = powers[b - a] if b - a < POWERS else power_of(b - a)
    return mixed(p[b] - p[a] * power)


@njit(forceinline=True)
def slot_of(keys, key):
    """Where `key` is in an open-addressing table of a power of two of slots, or the empty slot where it belongs."""
    mask = np.int64(len(keys) - 1)
    slot = np.int64(key & np.uint64(mask))
    while keys[slot] != ZERO and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@njit
def new_table(entries):
    """An empty table with room for `entries` and at least a third of its slots free."""
    size = 16
    while size * 2 < entries * 3:
        size *= 2
    return np.zeros(size, dtype=np.uint64)


@njit
def decode(data, start, end, classes, flags, x, f, p):
    """UTF-8 bytes [start, end) -> code points, their flags and the prefix sums of their hash; returns their number."""
    n, i = 0, start
    while i < end:
        c = np.uint32(data[i])
        if c < 0x80:
            i += 1
        elif c < 0xE0:
            c = (c & 0x1F) << 6 | (data[i + 1] & 0x3F)
            i += 2
        elif c < 0xF0:
            c = (c & 0x0F) << 12 | np.uint32(data[i + 1] & 0x3F) << 6 | (data[i + 2] & 0x3F)
            i += 3
        else:
            c = (c & 0x07) << 18 | np.uint32(data[i + 1] & 0x3F) << 12
            c |= np.uint32(data[i + 2] & 0x3F) << 6 | (data[i + 3] & 0x3F)
            i += 4
        x[n] = c
        f[n] = flags[classes[c]]
        p[n + 1] = p[n] * BASE + np.uint64(c) + ONE
        n += 1
    return n


@njit
def split_lines(x, f, n, out):
    """Counts of characters and of the lines of `str.splitlines`, written into `out`."""
    length, longest, total, lines, bullets, ellipsis_lines = 0, 0, 0, 0, 0, 0
    alphabetic, alphanumeric, hashes, ellipses, dots, run, encoded, longest_run = 0, 0, 0, 0, 0, 0, 0, 0
    bullet, blank, ends = False, True, False
    for i in range(n):
        c, flags = x[i], f[i]
        alphabetic += (flags & ALPHABETIC) != 0
        alphanumeric += (flags & ALPHANUMERIC) != 0
        hashes += c == 35
        if flags & BASE64:
            run += 1
        elif run:
            if run >= 64:
                encoded += run
                longest_run = max(longest_run, run)
            run = 0
        if c == DOT:
            dots += 1
            ellipses += dots % 3 == 0
            ends = dots >= 3
        else:
            dots = 0
            if c == ELLIPSIS:
                ellipses += 1
                ends = True
            elif not flags & SPACE:
                ends = False
        if flags & BREAK:
            if c != NEWLINE or i == 0 or x[i - 1] != RETURN:
                lines, bullets, ellipsis_lines = lines + 1, bullets + bullet, ellipsis_lines + ends
                total, longest = total + length, max(longest, length)
            length, bullet, blank, ends = 0, False, True, False
        else:
            length += 1
            if blank and not flags & SPACE:
                blank, bullet = False, c == BULLET or c == MINUS
    if length:
        lines, bullets, ellipsis_lines = lines + 1, bullets + bullet, ellipsis_lines + ends
        total, longest = total + length, max(longest, length)
    if run >= 64:
        encoded += run
        longest_run = max(longest_run, run)
    out[0], out[1], out[2], out[3], out[4] = n, alphabetic, alphanumeric, hashes, ellipses
    out[5], out[6], out[7], out[8], out[9] = lines, total, longest, bullets, ellipsis_lines
    out[10], out[11] = encoded, longest_run


@njit
def duplicates(x, p, powers, a, b, shortest, out, column):
    """Pieces of [a, b) between runs of `shortest` and more newlines, second copies and their characters."""
    breaks = 1
    for i in range(a, b):
        breaks += x[i] == NEWLINE
    keys = new_table(breaks)
    pieces, copies, characters, i, start = 0, 0, 0, a, a
    while i <= b:
        if i < b and x[i] != NEWLINE:
            i += 1
            continue
        run = i
        while run < b and x[run] == NEWLINE:
            run += 1
        if i < b and run - i < shortest:
            i = run
            continue
        pieces += 1
        key = stretch(p, powers, start, i)
        slot = slot_of(keys, key)
        if keys[slot] == ZERO:
            keys[slot] = key
        else:
            copies += 1
            characters += i - start
        if i == b:
            break
        i, start = run, run
    out[column], out[column + 1], out[column + 2] = pieces, copies, characters


@njit
def stripped(f, n):
    """Bounds of the text without white space at its ends, as `str.strip`."""
    a, b = 0, n
    while a < b and f[a] & SPACE:
        a += 1
    while b > a and f[b - 1] & SPACE:
        b -= 1
    return a, b


@njit(forceinline=True)
def digit(c):
    return 48 <= c <= 57
