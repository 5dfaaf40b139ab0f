"""Numba helpers of the text kernel: constants, hashes of stretches, tables and decoding.

A text becomes code points `x`, flags `f` and `p`, the prefix sums of a polynomial hash modulo 2^64, which give the hash
of any stretch in constant time.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np
from numba import njit

from modelwright.measure.text import FLAGS

BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
MIX = np.uint64(0xD6E8FEB86659FD93)
ONE, ZERO = np.uint64(1), np.uint64(0)
BEGIN = np.int64(0)  # a place: Numba compiles a function once more for each literal that it is called with
POWERS = 4096  # powers of BASE that are looked up; longer stretches are computed
LONGEST_SPECIAL = 12  # code points of spaCy's longest special case
MOST_PIECES = 11  # pieces of the special case that the affix rules cut finest
BEGINS = np.uint64(1023)  # mask of the hashes of the first words of special cases
WINDOW = 12  # code points; two equal n-grams of at least this length begin with equal windows
SHAPES = np.uint64(32767)  # mask of the shapes (length, two first characters, last one) of special cases
LARGEST_FOR_GRAMS = 1 << 24  # code points; repeated n-grams of longer texts are not counted

SPACE, ALPHABETIC, ALPHANUMERIC, SYMBOL = FLAGS["SPACE"], FLAGS["ALPHABETIC"], FLAGS["ALPHANUMERIC"], FLAGS["SYMBOL"]
BREAK, BASE64, PREFIX, SUFFIX, ICON = FLAGS["BREAK"], FLAGS["BASE64"], FLAGS["PREFIX"], FLAGS["SUFFIX"], FLAGS["ICON"]
LETTER, LOWER_OR_QUOTE, UPPER_OR_QUOTE = FLAGS["LETTER"], FLAGS["LOWER_OR_QUOTE"], FLAGS["UPPER_OR_QUOTE"]
BEFORE_DOT, UPPER, HOST, TOP_LEVEL = FLAGS["BEFORE_DOT"], FLAGS["UPPER"], FLAGS["HOST"], FLAGS["TOP_LEVEL"]
NUMERAL, UNIT_END, LABEL = FLAGS["NUMERAL"], FLAGS["UNIT_END"], FLAGS["LABEL"]
SCHEME, HOST_END = FLAGS["SCHEME"], FLAGS["HOST_END"]
INFIX, COMPLEX = FLAGS["INFIX"], FLAGS["COMPLEX"]
PUNCTUATION, STOP, TERMINAL = FLAGS["PUNCTUATION"], FLAGS["STOP"], FLAGS["TERMINAL"]
NOTABLE, HEXADECIMAL, ESCAPE = FLAGS["NOTABLE"], FLAGS["HEXADECIMAL"], FLAGS["ESCAPE"]
DOT, ELLIPSIS, NEWLINE, RETURN, BULLET, MINUS = 46, 0x2026, 10, 13, 0x2022, 45
AT, COLON, SLASH, UNDERSCORE, PLUS = 64, 58, 47, 95, 43
APOSTROPHE, RIGHT_QUOTE, DOLLAR, DEGREE, EM_DASH, EN_DASH, TILDE = 39, 0x2019, 36, 0xB0, 0x2014, 0x2013, 126


helper = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False)
"""Compiles what only kernels call: no way in from Python, nothing allocated, so that compiling takes half the time."""
inlined = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False, forceinline=True)
"""The same, for small functions that kernels call for each character or word."""


@inlined
def mixed(h):
    """A hash whose low bits depend on all bits; never 0, which marks an empty slot."""
    h ^= h >> np.uint64(32)
    h *= MIX
    h ^= h >> np.uint64(29)
    return h if h != ZERO else ONE


@helper
def power_of(n):
    """BASE to the power of n, for stretches longer than the table of powers."""
    power, base = ONE, BASE
    while n:
        if n & 1:
            power *= base
        base *= base
        n >>= 1
    return power


@inlined
def stretch(p, powers, a, b):
    """Hash of the characters [a, b) of which p holds the prefix sums."""
    power = powers[b - a] if b - a < POWERS else power_of(np.int64(b - a))
    return mixed(p[b] - p[a] * power)


@inlined
def slot_of(keys, mask, key):
    """Where `key` is in an open-addressing table of mask + 1 slots (a power of two), or the empty slot for it."""
    slot = np.int64(key & np.uint64(mask))
    while keys[slot] != ZERO and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@inlined
def shape_of(first, second, last, n):
    """A number below 32768 for the look of a word of n characters: most words look like no special case."""
    shape = np.uint64(first) * np.uint64(961) + np.uint64(second) * np.uint64(173)
    return (shape + np.uint64(last) * np.uint64(31) + np.uint64(n)) & SHAPES


@helper
def cleared(keys, entries):
    """Make the beginning of `keys` an empty table for `entries`, a third of it free; returns the mask of its slots."""
    size = np.int64(16)
    while size * 2 < entries * 3:
        size *= 2
    for slot in range(size):
        keys[slot] = ZERO
    return size - 1


@helper
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


@helper
def stripped(f, n):
    """Bounds of the text without white space at its ends, as `str.strip`."""
    a, b = 0, n
    while a < b and f[a] & SPACE:
        a += 1
    while b > a and f[b - 1] & SPACE:
        b -= 1
    return a, b


@inlined
def digit(c):
    return 48 <= c <= 57
