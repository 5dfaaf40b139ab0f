"""Numba helpers of the text kernel: constants, hashes of stretches, tables and decoding.

A text becomes code points `x`, flags `f` and `p`, the prefix sums of a polynomial hash modulo 2^64, which give the hash
of any stretch in constant time.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from modelwright.measure.text import FLAGS

BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
OTHER_BITS = np.uint64(0x9E3779B97F4A7C14)  # by which BASE differs from 1
MIX = np.uint64(0xD6E8FEB86659FD93)
ZERO, ONE, TWO, THREE, FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
BEGIN = np.int64(0)  # a place: Numba compiles a function once more for each literal that it is called with
POWERS = 4096  # powers of BASE that are looked up; longer stretches are computed
LONGEST_SPECIAL = 12  # code points of spaCy's longest special case
MOST_PIECES = 11  # pieces of the special case that the affix rules cut finest
ROLES = np.uint64(4095)  # mask of the hashes of words in the table of what they may be, in bits:
STOP_WORD, FIRST_PIECE, SECOND_PIECE = (
    np.uint8(15),
    np.uint8(16),
    np.uint8(32),
)  # number of a stop word, of special cases
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
NOTABLE_BIT, HALF, LOWER_HALF = np.uint32(NOTABLE.bit_length() - 1), np.uint64(32), np.uint64((1 << 32) - 1)
DOT, ELLIPSIS, NEWLINE, RETURN, BULLET, MINUS = 46, 0x2026, 10, 13, 0x2022, 45
AT, COLON, SLASH, UNDERSCORE, PLUS = 64, 58, 47, 95, 43
APOSTROPHE, RIGHT_QUOTE, DOLLAR, DEGREE, EM_DASH, EN_DASH, TILDE = 39, 0x2019, 36, 0xB0, 0x2014, 0x2013, 126


helper = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False)
"""Compiles what only kernels call: no way in from Python, nothing allocated, so that compiling takes half the time."""
inlined = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy", _nrt=False, forceinline=True)
"""The same, for small functions that kernels call for each character or word."""


@intrinsic
def apart(_typing):
    """Keeps the function that calls this out of its callers, where its loop would find all registers taken."""

    def generate(context, builder, _signature, _arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


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
def decode(data, start, end, classes, flags, x, f, marks):
    """UTF-8 bytes [start, end) -> code points and their flags; returns the numbers of these and of notable ones.

    `marks` lists the notable ones, among them all that end lines: place below, byte from `start` in the upper half.
    """
    apart()
    n, i, m = ZERO, np.uint64(start), ZERO
    while i < np.uint64(end):
        begin, c = i, np.uint32(data[i])
        if c < 0x80:
            i += ONE
        elif c < 0xE0:
            c = (c & 0x1F) << 6 | (data[i + ONE] & 0x3F)
            i += TWO
        elif c < 0xF0:
            c = (c & 0x0F) << 12 | np.uint32(data[i + ONE] & 0x3F) << 6 | (data[i + TWO] & 0x3F)
            i += THREE
        else:
            c = (c & 0x07) << 18 | np.uint32(data[i + ONE] & 0x3F) << 12
            c |= np.uint32(data[i + TWO] & 0x3F) << 6 | (data[i + THREE] & 0x3F)
            i += FOUR
        known = flags[classes[c]]
        x[n], f[n], marks[m] = c, known, (begin - np.uint64(start)) << HALF | n
        m += np.uint64(known >> NOTABLE_BIT) & ONE
        n += ONE
    return np.int64(n), np.int64(m)


@helper
def cut_chunks(f, x, starts, stops, lines, g, q, edges, seen):
    """Cut lines at white space; returns how many chunks are between. Chunk w is [edges[2 * w], edges[2 * w + 1]).

    g is f without white space, q the prefix sums of the hash of x without it; the lower half of seen[2 * w + 1] has all
    flags of chunk w, the upper half those of all characters but its last. `stops` of lines become their ends in g. No
    branch depends on the words: where one ends is what a processor guesses wrong.
    """
    apart()
    k, edge, inside, union, total = ZERO, ZERO, ZERO, ZERO, ZERO
    for line in range(lines):
        for i in range(np.uint64(starts[line]), np.uint64(stops[line])):
            flags = np.uint64(f[i])
            there = (flags & ONE) - ONE  # all bits of what is no white space
            edges[edge] = i
            edge += (there & ONE) ^ inside
            earlier = union & (ZERO - inside)
            union = earlier | flags
            seen[edge] = earlier << HALF | union
            total = total * (ONE ^ (OTHER_BITS & there)) + ((np.uint64(x[i]) + ONE) & there)
            g[k], q[k + ONE] = np.uint32(flags), total
            inside = there & ONE
            k += inside
        edges[edge] = stops[line]
        edge, inside, stops[line] = edge + inside, ZERO, k
    return np.int64(edge >> ONE)


@helper
def hash_of(x, a, b):
    """A hash of the characters [a, b), four at a time; not that of `stretch`."""
    first, second, third, fourth = ONE, TWO, THREE, ONE
    i, end = np.uint64(a), np.uint64(b)
    while i + THREE < end:
        first = first * BASE + np.uint64(x[i])
        second = second * BASE + np.uint64(x[i + ONE])
        third = third * BASE + np.uint64(x[i + TWO])
        fourth = fourth * BASE + np.uint64(x[i + THREE])
        i += FOUR
    while i < end:
        first = first * BASE + np.uint64(x[i]) + ONE
        i += ONE
    return mixed(mixed(mixed(first) * MIX + second) * MIX + mixed(third) * BASE + fourth + (end - np.uint64(a)))


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
