"""The words of texts as 64-bit hashes: what the search for benchmark items, for repeated lines and for normalised
copies share.

A word is a run of letters and digits, lower-cased, with the frozen tables of `word_characters`; the underscore is no
part of one, and a Han or kana character is a word of its own. Seven bits a letter are rotated into the hash, and
whether a word ends is arithmetic, not a branch: English text mispredicts one branch a word, half of the time it takes.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, types, uint64

from modelwright.measure.byte_masks import KERNEL
from modelwright.measure.code_points import BYTES, DISTANCES, PAGES, decode
from modelwright.measure.word_characters import table

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Hashes = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int64]

CHUNK = 8192
"""Bytes that one call of `words_of` reads at most; it yields at most one word a byte and one that ends there."""
BEYOND = 255
_NONE, _ONE, _BEYOND = np.uint64(0), np.uint64(1), np.uint64(BEYOND)
_SEVEN, _REST, _HALF = np.uint64(7), np.uint64(57), np.uint64(32)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_WIDE = np.uint64(0x9E3779B97F4A7C15)
_FIRST_KANA, _LAST_HAN, _MORE_HAN = 0x3040, 0x9FFF, 0x20000

INTS = types.Array(types.int64, 1, "C", readonly=True)
LETTERS = types.Array(types.uint64, 1, "C", readonly=True)
HASHES_OUT = types.Array(types.uint64, 1, "C")
INTS_OUT = types.Array(types.int64, 1, "C")


@njit(
    types.Tuple((types.int64, types.uint64, types.int64))(
        BYTES, types.int64, types.int64, types.int64, types.uint64, LETTERS, PAGES, DISTANCES, HASHES_OUT, INTS_OUT,
        types.int64,
    ),
    **KERNEL,
)  # fmt: skip
def words_of(data, position, stop, end, word, letters, pages, distances, words, ends, count):
    """Read data[position:stop] (a word may go on to `end`); each word that ends there is entered into `words`, and
    where it ends into `ends`, from place `count` on. `word` is the hash of a word begun before, 0 for none.

    Returns (position reached, hash of the word under way, places used)."""
    while position < stop:
        letter = letters[data[uint64(position)]]
        if letter == _BEYOND:
            begin = position
            code, position = decode(data, position, end, pages, distances)
            code = abs(code)
            alone = (_FIRST_KANA <= code <= _LAST_HAN) or code >= _MORE_HAN
            if (code == 0 or alone) and word != 0:
                words[count], ends[count], word = word, begin, _NONE
                count += 1
            if alone:
                words[count], ends[count] = uint64(code) * _WIDE, position
                count += 1
            elif code != 0:
                word = (word ^ uint64(code)) * _WIDE
            continue
        words[uint64(count)], ends[uint64(count)] = word, position
        inside = uint64(letter != _NONE)
        count += np.int64(uint64(word != _NONE) & (inside ^ _ONE))
        word = (((word << _SEVEN) | (word >> _REST)) ^ letter) & (_NONE - inside)
        position += 1
    return position, word, count


@njit(nogil=True)
def value_of(word):
    """A word's hash spread over all 64 bits."""
    return (word ^ (word >> _HALF)) * _MIX


@njit([(BYTES, INTS, LETTERS, PAGES, DISTANCES, HASHES_OUT, INTS_OUT, INTS_OUT)], cache=True, nogil=True)
def _hash_words(data, offsets, letters, pages, distances, values, ends, firsts):
    words, places = np.empty(2 * CHUNK + 2, np.uint64), np.empty(2 * CHUNK + 2, np.int64)
    total = 0
    for i in range(len(offsets) - 1):
        firsts[i] = total
        position, end, word = offsets[i], offsets[i + 1], _NONE
        while position < end:
            position, word, count = words_of(
                data, position, min(position + CHUNK, end), end, word, letters, pages, distances, words, places, 0
            )
            for k in range(count):
                values[total], ends[total] = value_of(words[k]), places[k]
                total += 1
        if word != 0:
            values[total], ends[total] = value_of(word), end
            total += 1
    firsts[len(offsets) - 1] = total


class Words(NamedTuple):
    """Words of n texts: those of text i are values[firsts[i] : firsts[i + 1]]; `ends` their last bytes + 1."""

    values: Hashes
    ends: Places
    firsts: Places


class Buffers(NamedTuple):
    """Texts as the kernels read them: UTF-8 bytes, and n + 1 offsets into them."""

    data: npt.NDArray[np.uint8]
    offsets: Places


@cache
def letters() -> Hashes:
    """Lower-case letter of each ASCII byte, 0 where it is no part of a word, `BEYOND` where it is no ASCII."""
    ascii_letters = [ord(chr(c).lower()) if chr(c).isalnum() else 0 for c in range(128)]
    result = np.array([*ascii_letters, *[BEYOND] * 128], np.uint64)
    result.flags.writeable = False
    return result


def buffers(texts: pa.Array) -> Buffers:
    """The bytes of an Arrow array of texts (string or large_string; a null counts as empty), without copying."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.fill_null(texts.cast(pa.large_string()), "") if texts.null_count else texts.cast(pa.large_string())
    if not len(texts):
        return Buffers(np.zeros(0, np.uint8), np.zeros(1, np.int64))
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return Buffers(np.frombuffer(texts.buffers()[2] or b"", np.uint8), offsets)


def hash_words(texts: pa.Array) -> Words:
    """The words of each text, see the module. Pure; a text's words do not depend on the others."""
    data, offsets = buffers(texts)
    room = int(offsets[-1] - offsets[0]) + len(offsets)
    values, ends = np.empty(room, np.uint64), np.empty(room, np.int64)
    firsts = np.zeros(len(offsets), np.int64)
    _hash_words(data, offsets, letters(), *table(), values, ends, firsts)
    used = int(firsts[-1])
    return Words(values[:used].copy(), ends[:used].copy(), firsts)


def kernel_tables() -> tuple[Any, Any, Any]:
    """What `words_of` reads besides the texts: letters, pages, distances."""
    return letters(), *table()
