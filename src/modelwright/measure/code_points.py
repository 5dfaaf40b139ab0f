"""Kernel that reads one code point beyond ASCII: its lower-case letter, by the frozen tables of `word_characters`."""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numpy as np
from numba import njit, types

from modelwright.measure.word_characters import NO_WORD

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
PAGES = types.Array(types.uint16, 1, "C", readonly=True)
DISTANCES = types.Array(types.int32, 1, "C", readonly=True)
_DOTTED_I = 0x130


@njit(types.UniTuple(types.int64, 2)(BYTES, types.int64, types.int64, PAGES, DISTANCES), cache=True, nogil=True)
def decode(data, position, end, pages, distances):
    """Lower-case letter of the code point at `position` (0 when it is no word character), and where the next begins.

    A capital I with a dot has the negative of its letter: its lower-case form is i and a combining dot, which ends the
    word.
    """
    lead = np.int64(data[position])
    length = 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF5 else 1
    if length == 1 or position + length > end:
        return np.int64(0), position + 1
    code = lead & (0xFF >> (length + 1))
    for i in range(1, length):
        byte = np.int64(data[position + i])
        if byte & 0xC0 != 0x80:
            return np.int64(0), position + 1
        code = (code << 6) | (byte & 0x3F)
    code = min(code, np.int64(0x10FFFF))
    if code == _DOTTED_I:
        return np.int64(-105), position + length
    distance = distances[np.int64(pages[code >> 8]) * 256 + (code & 255)]
    return np.int64(0) if distance == NO_WORD else code + distance, position + length
