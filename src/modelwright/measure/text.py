"""Raw counts of texts: words, lines, paragraphs, repeated n-grams, as Gopher's rules and those for code need them.

Definitions are those of datatrove 0.10.1's Gopher filters (Apache-2.0), so that the rules decide as datatrove does.
Words are those of spaCy 3.8's blank English tokenizer (MIT, (c) ExplosionAI GmbH), whose rules and special cases are
frozen in `text_tables.npz` by `scripts/text_tables.py`; spaCy itself is not needed.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TABLES = Path(__file__).with_name("text_tables.npz")

FLAGS = {
    name: 1 << bit
    for bit, name in enumerate(
        (
            "SPACE", "ALPHABETIC", "ALPHANUMERIC", "SYMBOL", "BREAK", "BASE64", "PREFIX", "SUFFIX", "ICON", "LETTER",
            "LOWER_OR_QUOTE", "UPPER_OR_QUOTE", "BEFORE_DOT", "UPPER", "HOST", "LABEL", "HOST_END", "TOP_LEVEL",
            "SCHEME", "NUMERAL", "UNIT_END", "INFIX", "COMPLEX",
        )
    )
}  # fmt: skip
"""What the kernel knows of a code point, as bits."""

COLUMNS = (
    "characters", "alphabetic_characters", "alphanumeric_characters", "hashes", "ellipses",
    "lines", "line_characters", "longest_line", "bullet_lines", "ellipsis_lines",
    "encoded_characters", "longest_encoded_run",
    "newline_lines", "duplicate_lines", "duplicate_line_characters",
    "paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters",
    "words", "non_symbol_words", "non_symbol_characters", "alphabetic_words", "stop_words",
    "top_2_gram_characters", "top_3_gram_characters", "top_4_gram_characters",
    "duplicate_5_gram_characters", "duplicate_6_gram_characters", "duplicate_7_gram_characters",
    "duplicate_8_gram_characters", "duplicate_9_gram_characters", "duplicate_10_gram_characters",
)  # fmt: skip
"""What `count` gives, in this order. Lengths are in code points.

lines, line_characters, longest_line, bullet_lines, ellipsis_lines: of `str.splitlines`; newline_lines and duplicate
lines: of a split at runs of newlines; paragraphs: of a split of the stripped text at two and more newlines; duplicates
are second and later copies. encoded: stretches of 64 and more of `[a-zA-Z0-9+/\\n=]` (StarCoder2's base64 test).
words: all tokens, punctuation too; non_symbol: with a character outside datatrove's punctuation set; stop_words:
distinct ones of the, be, to, of, and, that, have, with. top_n_gram_characters: length of the most frequent n-gram, its
words joined by a blank, times its count. duplicate_n_gram_characters: greedy from the left, words joined by nothing.
"""
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_MASK = (1 << 64) - 1


def count(texts: pa.Array, *, spaces: bool = False) -> np.ndarray[Any, Any]:
    """Counts of each text: int64 of shape (len(COLUMNS), len(texts)); -1 stands for unknown.

    `texts` is a `string` or `large_string` array; `spaces` takes `str.split` for the words instead of spaCy's English
    tokens. All counts of a null are -1, and the repeated n-grams of a text of more than 2^24 code points.
    """
    import numpy as np
    import pyarrow as pa

    from modelwright.measure import text_kernel

    texts = texts.cast(pa.large_string()) if texts.type != pa.large_string() else texts
    counts = np.full((len(COLUMNS), len(texts)), -1, dtype=np.int64)
    if len(texts) == texts.null_count:
        return counts
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    valid = texts.is_valid().to_numpy(zero_copy_only=False)
    nothing = np.zeros(0, dtype=np.int32)
    text_kernel.count_texts(
        _frozen(bounds), _frozen(letters), _frozen(valid), spaces, *kernel_tables(), counts, nothing
    )
    return counts


def words(text: str, *, spaces: bool = False) -> list[str]:
    """The words of one text as `count` sees them: spaCy's English tokens without white space, or `str.split`."""
    import numpy as np

    from modelwright.measure import text_kernel

    data = np.frombuffer(text.encode() or b" ", dtype=np.uint8)
    bounds, valid = np.array([0, len(text.encode())], dtype=np.int64), np.ones(1, dtype=bool)
    ends, counts = np.zeros(len(text) + 2, dtype=np.int32), np.zeros((len(COLUMNS), 1), dtype=np.int64)
    text_kernel.count_texts(_frozen(bounds), _frozen(data), _frozen(valid), spaces, *kernel_tables(), counts, ends)
    dense, start, result = "".join(text.split()), 0, []
    for end in ends[1 : ends[0] + 1].tolist():
        result.append(dense[start:end])
        start = end
    return result


def _frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Contiguous and read-only, so that the kernel is compiled for one kind of array."""
    import numpy as np

    result = np.ascontiguousarray(array)
    if result.flags.writeable:
        result = result.view()
        result.flags.writeable = False
    return result


@functools.cache
def kernel_tables() -> tuple[np.ndarray[Any, Any], ...]:
    """The read-only tables of the kernel, in the order of its arguments; made once a process (about 10 ms)."""
    import numpy as np

    from modelwright.measure import text_basics

    with np.load(TABLES) as tables:
        classes, flags = tables["classes"], tables["flags"]
        specials = str(tables["special_texts"]).split("\0")
        tokens, pieces = tables["special_tokens"], tables["special_pieces"]
        units = str(tables["units"]).split("\0")
    powers = [1]
    for _ in range(text_basics.POWERS - 1):
        powers.append(powers[-1] * int(text_basics.BASE) & _MASK)
    special_keys, special_values = _hashed([(hashed(text), index) for index, text in enumerate(specials)])
    lengths = np.zeros(128, dtype=np.int64)  # by first character modulo 128: bits of the lengths of special cases
    for text in specials:
        lengths[ord(text[0]) & 127] |= 1 << len(text)
    pairs, sequences, begins = {}, [], np.zeros(int(text_basics.BEGINS) + 1, dtype=bool)
    for index, text in enumerate(specials):
        cut = _cut(text, pieces[index])
        if cut:
            begins[hashed(cut[0]) & int(text_basics.BEGINS)] = True
            pairs[sequence_hash(cut[:2])] = 1
            sequences.append((sequence_hash(cut), index))
    pair_keys, _ = _hashed(list(pairs.items()))
    sequence_keys, sequence_values = _hashed(sequences)
    unit_keys, _ = _hashed([(hashed(unit), 1) for unit in units])
    stops = np.array([hashed(word) for word in STOP_WORDS], dtype=np.uint64)
    arrays = (
        classes, flags, np.array(powers, dtype=np.uint64), special_keys, special_values, tokens, lengths, begins,
        pair_keys, sequence_keys, sequence_values, unit_keys, stops,
    )  # fmt: skip
    return tuple(_frozen(array) for array in arrays)


def _cut(text: str, lengths: np.ndarray[Any, Any]) -> list[str]:
    cut, start = [], 0
    for length in lengths:
        if length:
            cut.append(text[start : start + int(length)])
            start += int(length)
    return cut


def hashed(text: str) -> int:
    """The kernel's hash of a stretch of characters: a polynomial modulo 2^64, mixed."""
    from modelwright.measure.text_basics import BASE

    value = 0
    for letter in text:
        value = (value * int(BASE) + ord(letter) + 1) & _MASK
    return _mixed(value)


def sequence_hash(words: list[str]) -> int:
    """The kernel's hash of a sequence of words."""
    from modelwright.measure.text_basics import MIX

    value = 0
    for word in words:
        value = _mixed((value * int(MIX) + hashed(word)) & _MASK)
    return value


def _mixed(value: int) -> int:
    from modelwright.measure.text_basics import MIX

    value ^= value >> 32
    value = value * int(MIX) & _MASK
    value ^= value >> 29
    return value or 1


def _hashed(entries: list[tuple[int, int]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An open-addressing table of uint64 keys with int32 values, a quarter full at most."""
    import numpy as np

    size = 1 << (4 * max(len(entries), 1) - 1).bit_length()
    keys, values = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int32)
    for key, value in entries:
        slot = key & (size - 1)
        while keys[slot] not in (0, key):
            slot = (slot + 1) & (size - 1)
        keys[slot], values[slot] = key, value
    return keys, values
