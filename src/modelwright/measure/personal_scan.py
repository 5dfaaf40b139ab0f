# mypy: disable-error-code="untyped-decorator"
"""One scan over the bytes of texts for places where personal data may stand; `personal_data.py` looks closer there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import int64, njit, types, uint8

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

ADDRESS, NUMBER, HEXADECIMAL, WORD, LINK, YEAR, NAMED = range(7)
"""Shapes of candidates: text around an `@`; digits with separators; groups of hexadecimal digits; letters and digits
in one word; a URL; a year after a word of birth; the value after `user:`."""

LEAST_DIGITS, MOST_DIGITS, MOST_GROUPS = 7, 30, 10
"""A run of digits with fewer is no number to look at, one with more is a table or a constant."""
LONGEST_ADDRESS = 128
"""Bytes on each side of an `@` that are looked at (RFC 5321 allows 64 and 255)."""
LONGEST_LINK = 400
BIRTH_BYTES = 40
"""Bytes before a year in which a word of birth is looked for."""

_OTHER, _DIGIT, _LETTER, _ADDRESS_MARK, _SEPARATOR = range(5)


def _byte_classes() -> NDArray[np.uint8]:
    classes = np.zeros(256, np.uint8)
    classes[ord("0") : ord("9") + 1] = _DIGIT
    classes[ord("A") : ord("Z") + 1] = _LETTER
    classes[ord("a") : ord("z") + 1] = _LETTER
    classes[ord("_")] = _LETTER
    classes[[ord(mark) for mark in "%+'"]] = _ADDRESS_MARK
    classes[[ord(mark) for mark in " -./()"]] = _SEPARATOR
    return classes


def _hexadecimal() -> NDArray[np.bool_]:
    found = np.zeros(256, np.bool_)
    found[[ord(digit) for digit in "0123456789abcdefABCDEF"]] = True
    return found


def _link_ends() -> NDArray[np.bool_]:
    found = np.zeros(256, np.bool_)
    found[:33] = True
    found[[ord(mark) for mark in "\"'<>`|\\^{}\x7f"]] = True
    return found


_CLASSES, _HEX, _LINK_END = _byte_classes(), _hexadecimal(), _link_ends()
_AT, _PLUS, _OPEN, _DOT, _HYPHEN, _SPACE, _COLON, _SLASH, _EQUALS, _LOWER_X, _UNDERSCORE = (
    ord(c) for c in "@+(.- :/=x_"
)
_BIT = 32  # of an ASCII letter: set in lower case


@njit(cache=True, nogil=True, inline="always")
def _in_address(byte: Any) -> Any:  # pragma: no cover - compiled
    kind = _CLASSES[byte]
    return (kind >= _DIGIT and kind <= _ADDRESS_MARK) or byte in (_DOT, _HYPHEN)


@njit(cache=True, nogil=True)
def _address(data: Any, begin: int, end: int, place: int) -> Any:  # pragma: no cover - compiled
    """(start, stop) around an `@`; stop 0 where there is nothing."""
    start, stop = place, place + 1
    while start > begin and place - start < LONGEST_ADDRESS and _in_address(data[start - 1]):
        start -= 1
    while stop < end and stop - place < LONGEST_ADDRESS and _in_address(data[stop]):
        stop += 1
    return start, (stop if start < place and stop > place + 3 else 0)


@njit(cache=True, nogil=True)
def _word(data: Any, begin: int, end: int, place: int) -> Any:  # pragma: no cover - compiled
    """(start, stop, next) of the word of letters and digits around a digit; stop 0 where it can be no number of a
    person: 4 characters as an IBAN in groups begins, or 8 to 34 with two letters first, or up to 18 with 6 digits."""
    start, stop = place, place
    while (
        start > begin
        and place - start < 40
        and (_CLASSES[data[start - 1]] == _DIGIT or _CLASSES[data[start - 1]] == _LETTER)
    ):
        start -= 1
    digits, plain = 0, True
    while stop < end and (_CLASSES[data[stop]] == _DIGIT or _CLASSES[data[stop]] == _LETTER):
        stop += 1
    if stop - start > 34:
        return start, 0, stop
    for index in range(start, stop):
        digits += _CLASSES[data[index]] == _DIGIT
        plain &= data[index] != _UNDERSCORE
    size = stop - start
    banked = (
        size >= 4
        and _CLASSES[data[start]] == _LETTER
        and _CLASSES[data[start + 1]] == _LETTER
        and _CLASSES[data[start + 2]] == _DIGIT
        and _CLASSES[data[start + 3]] == _DIGIT
        and (
            size >= 15 or (size == 4 and stop + 1 < end and data[stop] == _SPACE and _CLASSES[data[stop + 1]] in (1, 2))
        )
    )
    hexed = size > 1 and data[start] == 48 and data[start + 1] | _BIT == _LOWER_X
    wanted = plain and not hexed and (banked or (digits >= 6 and size <= 18))
    return start, (stop if wanted else 0), stop


@njit(cache=True, nogil=True)
def _number(data: Any, begin: int, end: int, place: int) -> Any:  # pragma: no cover - compiled
    """(start, stop, next) of the digits and separators from a first digit on; stop 0 where they are too few."""
    start, last, digits, groups, gap, dots = place, place, 0, 1, 0, 0
    stop_before, digits_before = place, 0
    while place < end:
        kind = _CLASSES[data[place]]
        if kind == _DIGIT:
            if gap > 0:
                groups, stop_before, digits_before = groups + 1, last + 1, digits
                dots += gap == 1 and data[place - 1] == _DOT
            digits, gap, last = digits + 1, 0, place
        elif kind == _SEPARATOR and gap < 3 and not (data[place] == _SPACE and data[place - 1] == _DOT):
            gap += 1
        else:
            break
        place += 1
    stop = last + 1
    place = stop
    if stop < end and _CLASSES[data[stop]] == _LETTER and data[stop] != _LOWER_X:  # x: an extension follows
        # `08718730666 10p`: the last group belongs to the word; it is looked at again as one
        place = max(start + 1, stop - 1) if groups == 1 or digits - digits_before >= 6 else stop
        groups, stop, digits = groups - 1, stop_before, digits_before
    enough = digits >= LEAST_DIGITS or (dots >= 3 and digits >= 4) or (groups == 3 and digits >= 6)
    if not enough or digits > MOST_DIGITS or groups > MOST_GROUPS:
        return start, 0, place
    if start > begin and data[start - 1] == _OPEN:
        start -= 1
    if start > begin and data[start - 1] == _PLUS:
        start -= 1
    return start, stop, place


@njit(cache=True, nogil=True)
def _hex_groups(data: Any, begin: int, end: int, place: int, mark: int) -> Any:  # pragma: no cover - compiled
    """(start, stop) of groups of hexadecimal digits around a colon or hyphen; stop 0 where it is no address."""
    start, stop, marks, digits, double = place, place, 0, 0, False
    while start > begin and place - start < 48 and (_HEX[data[start - 1]] or data[start - 1] == mark):
        start -= 1
    while stop < end and stop - start < 64 and (_HEX[data[stop]] or data[stop] == mark or data[stop] == _DOT):
        stop += 1
    while stop > start and data[stop - 1] == _DOT:
        stop -= 1
    for index in range(start, stop):
        byte = data[index]
        marks += byte == mark
        digits += _CLASSES[byte] == _DIGIT
        double |= byte == mark and index > start and data[index - 1] == mark
    alone = start == begin or (_CLASSES[data[start - 1]] != _LETTER and _CLASSES[data[start - 1]] != _DIGIT)
    alone &= stop == end or _CLASSES[data[stop]] != _LETTER
    if mark == _HYPHEN:
        return start, (stop if alone and stop - start == 17 and marks == 5 else 0)
    return start, (
        stop if alone and stop - start >= 8 and digits >= 2 and (marks >= 5 or (double and marks >= 2)) else 0
    )


@njit(cache=True, nogil=True)
def _link(data: Any, begin: int, end: int, place: int, every: bool) -> Any:  # pragma: no cover - compiled
    """(start, stop) of a URL around its `://`; stop 0 where it holds no `@` before the path, unless `every`."""
    start, stop, signed, path = place, place + 3, False, False
    while start > begin and place - start < 16 and (_CLASSES[data[start - 1]] == _LETTER or data[start - 1] == _PLUS):
        start -= 1
    while stop < end and stop - place < LONGEST_LINK and not _LINK_END[data[stop]]:
        path |= data[stop] == _SLASH
        signed |= data[stop] == _AT and not path
        stop += 1
    return start, (stop if start < place and stop > place + 5 and (every or signed) else 0)


@njit(cache=True, nogil=True)
def _birth_before(data: Any, begin: int, place: int) -> Any:  # pragma: no cover - compiled
    """Whether `bo`, `bi`, `ob` (born, birth, birthday, dob) or `né`, `ge`, `na` of other languages stand before."""
    for index in range(max(begin, place - BIRTH_BYTES), place - 1):
        first, second = data[index] | _BIT, data[index + 1] | _BIT
        if (first == 98 and (second == 111 or second == 105)) or (first == 111 and second == 98):
            return True
        if (first == 103 and second == 101) or (first == 110 and (second == 97 or second == 227)):
            return True
    return False


@njit(cache=True, nogil=True)
def _named(data: Any, begin: int, place: int) -> Any:  # pragma: no cover - compiled
    """Whether the word before a colon or `=` ends in `user`, `name` or `login`."""
    if place - begin < 4:
        return False
    a, b, c, d = data[place - 4] | _BIT, data[place - 3] | _BIT, data[place - 2] | _BIT, data[place - 1] | _BIT
    if a == 117:
        return b == 115 and c == 101 and d == 114
    if a == 110:
        return b == 97 and c == 109 and d == 101 and place - begin >= 8 and data[place - 5] | _BIT in (114, 127)
    return a == 111 and b == 103 and c == 105 and d == 110


@njit(cache=True, nogil=True)
def _digit(data: Any, begin: int, end: int, place: int, years: Any) -> Any:  # pragma: no cover - compiled
    """(start, stop, next, shape) at a digit: hexadecimal groups, a word, a number, or a year after a word of birth."""
    before = int64(0) if place == begin else int64(_CLASSES[data[place - 1]])
    hyphen = place + 5 < end and ((data[place + 1] == _HYPHEN and before) or data[place + 2] == _HYPHEN)
    if hyphen and _HEX[data[place + 3]]:
        start, stop = _hex_groups(data, begin, end, place, _HYPHEN)
        if stop:
            return start, stop, max(place + 1, stop), HEXADECIMAL
    # The last digit of a number that turned out to go on in letters is looked at again, as a word.
    goes_on = before == _DIGIT and (place + 1 == end or _CLASSES[data[place + 1]] == _LETTER)
    if before == _LETTER or goes_on:
        start, stop, after = _word(data, begin, end, place)
        return start, stop, after, WORD
    start, stop, after = _number(data, begin, end, place)
    if not stop and after - place == 4 and years and data[place] <= 50 and _birth_before(data, begin, place):
        return place, after, after, YEAR
    return start, stop, after, NUMBER


@njit(
    int64(
        types.Array(uint8, 1, "C", readonly=True), types.Array(int64, 1, "C", readonly=True),
        types.Array(uint8, 1, "C", readonly=True), types.boolean, int64[:, ::1],
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _scan(data: Any, offsets: Any, triggers: Any, every: bool, out: Any) -> int:  # pragma: no cover - compiled
    """Fill rows (text, start, end, shape) of `out`; returns how many there are, which may be more than fit."""
    found = 0
    for text in range(len(offsets) - 1):
        begin, end = offsets[text], offsets[text + 1]
        place = begin
        while place < end:
            byte = data[place]
            if not triggers[byte]:
                place += 1
                continue
            start, stop, shape, after = place, int64(0), ADDRESS, place + 1
            if byte == _AT:
                start, stop = _address(data, begin, end, place)
                alone = place == begin or _CLASSES[data[place - 1]] == _OTHER or _CLASSES[data[place - 1]] == _SEPARATOR
                if not stop and every and triggers[254] and alone:
                    start, stop, shape = place, min(end, place + 34), NAMED  # @handle
            elif _CLASSES[byte] == _DIGIT:
                start, stop, after, shape = _digit(data, begin, end, place, triggers[255])
            elif byte in (_COLON, _EQUALS):
                if place + 3 < end and data[place + 1] == _SLASH and data[place + 2] == _SLASH:
                    shape = LINK
                    start, stop = _link(data, begin, end, place, every)
                elif (
                    place > begin
                    and place + 1 < end
                    and byte == _COLON
                    and (
                        (_HEX[data[place - 1]] or data[place - 1] == _COLON)
                        and (_HEX[data[place + 1]] or data[place + 1] == _COLON)
                    )
                ):
                    shape = HEXADECIMAL
                    start, stop = _hex_groups(data, begin, end, place, _COLON)
                    after = max(after, stop)
                elif triggers[254] and _named(data, begin, place):
                    start, stop, shape = place, min(end, place + 48), NAMED
            if stop:
                if found < len(out):
                    out[found, 0], out[found, 1], out[found, 2], out[found, 3] = (
                        text,
                        start - begin,
                        stop - begin,
                        shape,
                    )
                found += 1
            place = after
    return found


def candidates(texts: Texts, shapes: frozenset[int], every_link: bool) -> NDArray[np.int64]:
    """Candidates (n, 4): text, start, end in bytes of the text, shape; in order of text and of the trigger.

    `shapes` are those that some kind looks at; with `every_link` URLs without a login count too. 254 and 255 are no
    bytes of UTF-8: their places in the table of triggers say whether names of users and years are looked for.
    """
    triggers = np.zeros(256, np.uint8)
    if shapes & {NUMBER, WORD, HEXADECIMAL, YEAR}:
        triggers[ord("0") : ord("9") + 1] = 1
    triggers[_AT] = ADDRESS in shapes
    triggers[_COLON] = bool(shapes & {LINK, HEXADECIMAL, NAMED})
    triggers[_EQUALS], triggers[254], triggers[255] = NAMED in shapes, NAMED in shapes, YEAR in shapes
    triggers.flags.writeable = False
    room = 1024
    while True:
        out = np.zeros((room, 4), np.int64)
        found = _scan(texts.data, texts.offsets, triggers, every_link, out)
        if found <= room:
            return out[:found]
        room = found
