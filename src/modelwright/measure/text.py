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
            "SCHEME", "NUMERAL", "UNIT_END", "INFIX", "COMPLEX", "PUNCTUATION", "STOP", "TERMINAL", "NOTABLE",
            "HEXADECIMAL", "ESCAPE", "PLAIN",
        )
    )
}  # fmt: skip
"""What the kernel knows of a code point, as bits; PLAIN is what is no SYMBOL."""

COLUMNS = (
    "characters", "alphabetic_characters", "alphanumeric_characters", "digit_characters", "white_space_characters",
    "hashes", "ellipses", "lines", "line_characters", "longest_line", "bullet_lines",
    "encoded_characters", "longest_encoded_run", "escaped_characters", "longest_escaped_run", "ellipsis_lines",
    "newline_lines", "duplicate_lines", "duplicate_line_characters",
    "text_lines", "terminal_lines", "short_lines", "repeated_line_characters", "newlines", "third_longest_line",
    "paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters",
    "words", "non_symbol_words", "non_symbol_characters", "alphabetic_words", "stop_words",
    "top_2_gram_characters", "top_3_gram_characters", "top_4_gram_characters",
    "duplicate_5_gram_characters", "duplicate_6_gram_characters", "duplicate_7_gram_characters",
    "duplicate_8_gram_characters", "duplicate_9_gram_characters", "duplicate_10_gram_characters",
)  # fmt: skip
"""What `count` gives, in this order. Lengths are in code points.

lines, line_characters, longest_line, bullet_lines, ellipsis_lines: of `str.splitlines`; newline_lines and duplicate
lines: of a split at runs of newlines; paragraphs: of a split of the stripped text at two and more newlines; duplicates
are second and later copies. encoded: stretches of 64 and more of `[a-zA-Z0-9+/\\n=]` (StarCoder2's base64 test);
escaped: 8 and more pairs of hexadecimal digits or `\\u0000` in a row. FineWeb's, of lines between single newlines:
text_lines are not blank, terminal_lines end as sentences do, short_lines have 30 characters at most, repeated are the
characters of second and later copies; third_longest_line: of these (mC4), 0 if there are fewer than three.
words: all tokens, punctuation too; non_symbol: with a character outside datatrove's punctuation set; stop_words:
distinct ones of the, be, to, of, and, that, have, with. top_n_gram_characters: length of the most frequent n-gram, its
words joined by a blank, times its count. duplicate_n_gram_characters: greedy from the left, words joined by nothing.
"""
_OF_LINES = (
    "lorem_ipsum_line", "curly_bracket_line", "text_lines", "terminal_lines", "short_lines", "repeated_line_characters",
    "characters", "newlines", "words", "sentences",
)  # fmt: skip
C4_COLUMNS = (*(f"c4_{name}" for name in _OF_LINES), *(f"c4_lenient_{name}" for name in _OF_LINES))
"""What `edit_lines` gives, in this order: counts of the lines that C4 keeps, then those of the lines that it keeps when
lines may end in anything (`lenient`). lorem_ipsum_line, curly_bracket_line: number of the first line that drops the
document, 0 for none; characters: without newlines; the rest as in COLUMNS; sentences: of spaCy's sentencizer.
"""
C4_KINDS = ("long_word", "few_words", "javascript", "policy", "unpunctuated", "citation", "white_space")
"""What `edit_lines` finds: lines with a word of more than 1,000 characters, with fewer than three words, with the word
javascript, with words of a policy, and those without one of . ? ! " ' at their end that nothing else removes; in lines
that stay citation marks, and white space at their ends.
"""
C4_PHRASES = (
    "lorem ipsum", "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies",
    "use cookies",
)  # fmt: skip
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
    buffers = _buffers(texts)
    room, out = _room(buffers[0], False), np.zeros(len(COLUMNS), np.int64)
    text_kernel.count_texts(
        *buffers, spaces, False, *kernel_tables(), *room, out, *_state(), counts, np.zeros((0, 4), np.int64)
    )
    return counts


def edit_lines(texts: pa.Array, *, spaces: bool = False) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What C4 makes of the lines of each text: counts (len(C4_COLUMNS), len(texts)), -1 for a null text, and spans.

    A span is row, kind (place in C4_KINDS), start and end in UTF-8 bytes: int64 of shape (spans, 4), in order of rows.
    Lines that are removed reach to the beginning of the next one; touching ones of a kind are one span. Removing all
    spans gives datatrove's text, but for the characters that end lines (which stay as they are) and a last one.
    Without those of `unpunctuated` it is the text that `filter_no_terminal_punct=False` gives.
    """
    import numpy as np
    import pyarrow as pa

    from modelwright.measure import text_kernel

    texts = texts.cast(pa.large_string()) if texts.type != pa.large_string() else texts
    counts = np.full((len(C4_COLUMNS), len(texts)), -1, dtype=np.int64)
    spans = np.zeros((len(texts) * 8 + (texts.nbytes >> 5), 4), dtype=np.int64)
    if len(texts) == texts.null_count:
        return counts, spans[:0]
    buffers = _buffers(texts)
    room, out = _room(buffers[0], True), np.zeros(len(C4_COLUMNS), np.int64)
    while True:
        found = text_kernel.count_texts(*buffers, spaces, True, *kernel_tables(), *room, out, *_state(), counts, spans)
        if found <= len(spans):
            return counts, spans[:found]
        spans = np.zeros((found, 4), dtype=np.int64)


def _buffers(texts: pa.Array) -> tuple[np.ndarray[Any, Any], ...]:
    """Offsets, bytes and validity of an array of large strings."""
    import numpy as np

    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return _frozen(bounds), _frozen(letters), _frozen(texts.is_valid().to_numpy(zero_copy_only=False))


def words(text: str, *, spaces: bool = False) -> list[str]:
    """The words of one text as `count` sees them: spaCy's English tokens without white space, or `str.split`."""
    import numpy as np
    import pyarrow as pa

    from modelwright.measure import text_kernel

    texts = pa.array([text], pa.large_string())
    buffers, counts = _buffers(texts), np.zeros((len(COLUMNS), 1), dtype=np.int64)
    room, state = _room(buffers[0], False), _state()
    text_kernel.count_texts(
        *buffers, spaces, False, *kernel_tables(), *room, np.zeros(len(COLUMNS), np.int64), *state, counts,
        np.zeros((0, 4), np.int64),
    )  # fmt: skip
    dense, start, result = "".join(text.split()), 0, []
    for end in room[_ENDS][: state[1][-1]].tolist():
        result.append(dense[start:end])
        start = end
    return result


_ENDS = 11  # place of the ends of words in what `_room` gives


def _room(offsets: np.ndarray[Any, Any], c4: bool) -> tuple[np.ndarray[Any, Any], ...]:
    """Working memory of the kernel for texts with these offsets, in the order of its arguments.

    Memory that is not touched costs nothing: tables have room for texts that are all lines, or all words.
    """
    import numpy as np

    longest = int(np.diff(offsets).max()) + 2
    lines, grams = longest if c4 else 1, 1 if c4 else longest
    table = np.empty(3 * longest + 64, np.uint64)
    return (
        np.empty(longest, np.uint32), np.empty(longest, np.uint32), np.empty(longest, np.uint32),
        np.zeros(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.uint64),
        np.empty(longest, np.uint64), np.empty(lines, np.int32), np.empty(lines, np.int32), np.empty(lines, np.uint8),
        np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.int32),
        np.empty(longest, np.uint8), np.empty(longest, np.uint8), np.empty(longest, np.uint32),
        np.empty((longest, 3), np.int32), table, np.empty(3 * grams + 64, np.int32), table.view(np.uint8),
    )  # fmt: skip


def _state() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    import numpy as np

    return np.zeros(4 + len(STOP_WORDS), np.int64), np.zeros(8, np.int64)


def _frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Contiguous and read-only, so that the kernel is compiled for one kind of array."""
    import numpy as np

    result = np.ascontiguousarray(array)
    if result.flags.writeable:
        result = result.view()
        result.flags.writeable = False
    return result


@functools.cache
def kernel_tables() -> tuple[Any, ...]:
    """The tables of the kernel, in the order of its arguments; made once a process (about 10 ms)."""
    import numpy as np

    from modelwright.measure import text_basics

    with np.load(TABLES) as tables:
        classes, flags = tables["classes"], tables["flags"]
        flags = flags | (flags & FLAGS["SYMBOL"] == 0) * np.uint32(FLAGS["PLAIN"])
        specials = str(tables["special_texts"]).split("\0")
        tokens, pieces = tables["special_tokens"], tables["special_pieces"]
        units = str(tables["units"]).split("\0")
    powers = [1]
    for _ in range(text_basics.POWERS - 1):
        powers.append(powers[-1] * int(text_basics.BASE) & _MASK)
    special_keys, special_values = _hashed([(hashed(text), index) for index, text in enumerate(specials)])
    shapes = np.zeros(512, dtype=np.uint64)  # a bit for each look of a special case, see `text_basics.shape_of`
    for text in specials:
        shape = _shape(text)
        shapes[shape >> 6] |= np.uint64(1 << (shape & 63))
    pairs, sequences, roles = {}, [], np.zeros(int(text_basics.ROLES) + 1, dtype=np.uint8)
    for index, text in enumerate(specials):
        cut = _cut(text, pieces[index])
        if cut:
            roles[hashed(cut[0]) & int(text_basics.ROLES)] |= text_basics.FIRST_PIECE
            roles[hashed(cut[1]) & int(text_basics.ROLES)] |= text_basics.SECOND_PIECE
            pairs[sequence_hash(cut[:2])] = 1
            sequences.append((sequence_hash(cut), index))
    pair_keys, _ = _hashed(list(pairs.items()))
    sequence_keys, sequence_values = _hashed(sequences)
    unit_keys, _ = _hashed([(hashed(unit), 1) for unit in units])
    stops = [0, *(hashed(word) for word in STOP_WORDS)]
    for number in range(1, len(stops)):  # their places in the table differ, as a test says
        roles[stops[number] & int(text_basics.ROLES)] |= number
    arrays = (
        classes, flags, np.array(powers, dtype=np.uint64), special_keys, special_values, tokens, shapes, roles,
        pair_keys, sequence_keys, sequence_values, unit_keys, np.array(stops, dtype=np.uint64),
    )  # fmt: skip
    return tuple(np.ascontiguousarray(array) for array in arrays)


def _shape(text: str) -> int:
    second = ord(text[1]) if len(text) > 1 else 0
    return (ord(text[0]) * 961 + second * 173 + ord(text[-1]) * 31 + len(text)) & 32767


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
