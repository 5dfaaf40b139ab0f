# mypy: disable-error-code="no-untyped-def, untyped-decorator"
"""Kernels that cut a text into words and sentences and hash the words.

A word is a run of ASCII letters, digits, `_`, `'` and any non-ASCII bytes but U+2000 to U+2FFF; a sentence ends at `.`,
`!`, `?` before white space, at a blank line, or after SENTENCE_WORDS words. The hash of a word shifts and mixes byte by
byte, so that words of up to 12 ASCII letters never collide, and ends with two multiplications.

Bytes are read as masks of 64, words eight bytes at a time: a branch for each byte or word would be mispredicted once a
word, and that would take most of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import int64, njit, types, uint8, uint64

from modelwright.measure.byte_masks import BLOCK, KERNEL, bytes_between, count_bits, eight_bytes, lowest_bit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENTENCE_WORDS = 64
SPACED = 3
"""So many one-letter words in a row may be a word with spaces between its letters."""
CHUNK = 4096
"""Bytes that one call of `cut` reads at most."""
ROOM = CHUNK + 2 * SENTENCE_WORDS + 2 * BLOCK
"""Places for what `cut` gives, beside the words of a sentence that began before."""
WORD = 39
SCREEN_BITS, FIRST_BIT = 12, 48
"""Upper bits of a hash that choose its word of the screen; the bit of that word from which on it says where the listed
hashes with these upper bits begin."""
_SCREEN_SHIFT = np.uint64(64 - SCREEN_BITS)

BYTES = types.Array(uint8, 1, "C", readonly=True)
HASHES = types.Array(uint64, 1, "C", readonly=True)

_PUNCTUATION = 0xE2
"""The first of the three bytes of U+2000 to U+2FFF: quotation marks, dashes, symbols."""
_MIX, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_UP, _DOWN = np.uint64(5), np.uint64(59)
_NONE, _1, _2, _LAST = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(63)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_8, _10, _16, _20, _22, _24, _31, _32, _40 = (np.uint64(bits) for bits in (8, 10, 16, 20, 22, 24, 31, 32, 40))
_SEVEN_BITS, _ONES, _LETTERS = (np.uint64(0x0101010101010101 * byte) for byte in (0x7F, 0x01, 0x40))
_BYTES, _PAIRS, _FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)


def _word_bytes() -> NDArray[np.uint8]:
    """What each byte is inside a word, ASCII in lower case; below WORD where it is no part of one: 1 for the first of
    three such bytes, else 0."""
    table = np.zeros(256, np.uint8)
    for first, last in (("0", "9"), ("a", "z"), ("_", "_"), ("'", "'")):
        table[ord(first) : ord(last) + 1] = np.arange(ord(first), ord(last) + 1)
    table[ord("A") : ord("Z") + 1] = np.arange(ord("a"), ord("z") + 1)
    table[128:] = np.arange(128, 256)
    table[_PUNCTUATION] = 1
    return table


WORD_BYTES = _word_bytes()
BASIS = np.uint64(0)


@njit(inline="always")
def finish(value):  # pragma: no cover - compiled
    """Mix a hash so that its upper bits depend on all of it."""
    value = value * _MIX
    return (value ^ (value >> _HALF)) * _MIX


@njit(inline="always")
def append_byte(value, byte):  # pragma: no cover - compiled
    """The hash of a word with one more byte, before `finish`; it begins at BASIS."""
    return ((value << _UP) | (value >> _DOWN)) ^ uint64(byte)


@njit(int64(BYTES, int64, int64, int64[::1], int64[::1], uint64[::1]), **KERNEL)
def read_words(data, place, end, starts, ends, hashes):  # pragma: no cover - compiled
    """The first SENTENCE_WORDS words from `place` on, wherever sentences end: how many there are."""
    words = 0
    while place < end and words < SENTENCE_WORDS:
        byte = WORD_BYTES[data[uint64(place)]]
        if byte < WORD:
            place += 1 + 2 * byte
            continue
        start, value = place, BASIS
        while byte >= WORD:
            value = append_byte(value, byte)
            place += 1
            if place >= end:
                break
            byte = WORD_BYTES[data[uint64(place)]]
        starts[words], ends[words], hashes[words] = start, place, finish(value)
        words += 1
    return words


@njit(inline="always")
def _appended(word):  # pragma: no cover - compiled
    """The hash of eight bytes of a word, before `finish`; zeros before its first byte change nothing."""
    capital = word & _LETTERS & ~(((word & _SEVEN_BITS) + _ONES) << _1) & ~(word >> _1)
    word |= capital >> _1
    word = ((word & _BYTES) << _UP) ^ ((word >> _8) & _BYTES)
    word = ((word & _PAIRS) << _10) ^ ((word >> _16) & _PAIRS)
    return ((word & _FOURS) << _20) ^ (word >> _32)


@njit(inline="always")
def _hash(data, end, size):  # pragma: no cover - compiled
    """The hash of a word of at most 16 bytes: the same as byte by byte, since a rotation goes through xor. Before byte
    `end` there must be 16 bytes in `data`."""
    if size <= 8:
        return finish(_appended(eight_bytes(data, end - 8) & (_ALL << uint64(64 - 8 * size))))
    before = _appended(eight_bytes(data, end - 16) & (_ALL << (uint64(128 - 8 * size) & _LAST)))
    return finish(_appended(eight_bytes(data, end - 8)) ^ (before << _40) ^ (before >> _24))


@njit(inline="always")
def _hash_long(data, start, end):  # pragma: no cover - compiled
    """The hash of any word."""
    value = BASIS
    for place in range(start, end):
        value = append_byte(value, WORD_BYTES[data[place]])
    return finish(value)


@njit(inline="always")
def _kinds(data, place):  # pragma: no cover - compiled
    """Masks of 64 bytes: parts of words (and more of U+2000 to U+2FFF), their first bytes, white space, line feeds, and
    full stops."""
    words = bytes_between(data, place, 0x30, 0x39) | bytes_between(data, place, 0x41, 0x5A)
    words |= bytes_between(data, place, 0x61, 0x7A) | bytes_between(data, place, 0x80, 0xFF)
    words |= bytes_between(data, place, 0x5F, 0x5F) | bytes_between(data, place, 0x27, 0x27)
    space = bytes_between(data, place, 0x09, 0x0D) | bytes_between(data, place, 0x20, 0x20)
    stops = bytes_between(data, place, 0x21, 0x21) | bytes_between(data, place, 0x2E, 0x2E)
    stops |= bytes_between(data, place, 0x3F, 0x3F)
    wide = bytes_between(data, place, _PUNCTUATION, _PUNCTUATION)
    return words, wide, space, bytes_between(data, place, 0x0A, 0x0A), stops


@njit(
    types.UniTuple(int64, 3)(BYTES, BYTES, int64, int64, int64[::1], int64, int64[::1], uint64[::1]),
    **KERNEL,
)  # fmt: skip
def cut(data, tail, place, end, edges, used, bounds, state):  # pragma: no cover - compiled
    """Read at most CHUNK bytes of the text up to `end`, which are at an end only when the place exceeds it.

    tail    the last bytes of `data`, see `byte_masks.tail_of`
    edges   where words begin and end in turn, from place `used` on; the last may have to end yet
    bounds  how many words there are up to each end of a sentence
    state   what the next bytes have to know, 0 at the beginning of a text: a word goes on; bytes to pass over; a full
            stop; a line feed and white space since

    Returns (the place reached, places of `edges` and of `bounds` used).
    """
    inside, over, stopped, fed = state[0], state[1], state[2], state[3]
    count, limit, shift = 0, place + CHUNK, len(data) - (len(tail) - BLOCK)
    while place <= end and place < limit:
        near = place + BLOCK > len(data)
        words, wide, space, feeds, stops = _kinds(tail if near else data, place - shift if near else place)
        here = _ALL if end - place >= BLOCK else (_1 << uint64(end - place)) - _1
        words &= here & ~(wide | (wide << _1) | (wide << _2) | over)
        over = (wide >> _LAST) | (wide >> uint64(62))
        turns = words ^ ((words << _1) | inside)
        inside = words >> _LAST
        # a sum carries a bit through the ones above it: through white space after a line feed
        first = ((feeds << _1) | fed) & space
        blank = first | (space & ~(space + first))
        marks = here & ((((stops << _1) | stopped) & space) | (blank & feeds))
        stopped, fed = stops >> _LAST, (blank | feeds) >> _LAST
        while marks != 0:
            bounds[count] = (used + count_bits(turns & ((marks & (_NONE - marks)) - _1))) >> 1
            marks &= marks - _1
            count += 1
        total = count_bits(turns)
        for done in range(0, total, 8):
            for k in range(8):
                edges[uint64(used + done + k)] = place + lowest_bit(turns)
                turns &= turns - _1
        used += total
        place += BLOCK
    state[0], state[1], state[2], state[3] = inside, over, stopped, fed
    return place, used, count


@njit(inline="always")
def screen_bits(value):  # pragma: no cover - compiled
    """The two of the lower FIRST_BIT bits that a listed hash sets in its word of the screen."""
    return (_1 << ((value >> _16) & _31)) | (_1 << (((value >> _22) & _31) + _16))


@njit(inline="always")
def screened(value, screen):  # pragma: no cover - compiled
    """1 where the hash may be listed, else 0; see `abuse.screen_of`."""
    bits = screen_bits(value)
    return uint64(screen[value >> _SCREEN_SHIFT] & bits == bits)


@njit(int64(BYTES, int64[::1], int64, HASHES, uint64[::1], int64[::1]), **KERNEL)
def hash_words(data, edges, words, screen, hashes, places):  # pragma: no cover - compiled
    """Hash the words between `edges`; those in the screen, and the last of SPACED one-letter words in a row, are
    entered into `places`: how many these are."""
    count = 0
    while count < words and edges[2 * count + 1] < 16:
        places[count] = count
        count += 1
    single = count
    for word in range(count, words):  # unsigned places spare tests for negative ones
        end = edges[uint64(2 * word + 1)]
        hashes[uint64(word)] = _hash(data, end, end - edges[uint64(2 * word)])
    for word in range(count, words):  # apart from the loop above: together they want more registers than there are
        size = edges[uint64(2 * word + 1)] - edges[uint64(2 * word)]
        single = single + 1 if size == 1 else 0
        places[uint64(count)] = word
        count += int64(screened(hashes[uint64(word)], screen) | uint64((size > 16) | (single >= SPACED)))
    for candidate in range(count):
        word = places[candidate]
        start, end = edges[2 * word], edges[2 * word + 1]
        if end - start > 16 or end < 16:
            hashes[word] = _hash_long(data, start, end)
    return count
