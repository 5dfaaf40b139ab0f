# mypy: disable-error-code="untyped-decorator"
"""Find personal data: one scan over the bytes for candidates, then the validators of `personal_kinds.py` on these
few.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import int64, njit, types, uint8

from modelwright.measure.personal_kinds import ADDRESS, CONTEXT_BYTES, KINDS, NUMBER, Candidate, Kind
from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

LEAST_DIGITS, MOST_DIGITS, MOST_GROUPS = 7, 30, 10
"""A run of digits with fewer is no number to look at, one with more is a table or a constant."""
LONGEST_ADDRESS = 128
"""Bytes on each side of an `@` that are looked at (RFC 5321 allows 64 and 255)."""

_OTHER, _DIGIT, _WORD, _ADDRESS_MARK, _SEPARATOR = 0, 1, 2, 3, 4


def _byte_classes() -> NDArray[np.uint8]:
    classes = np.zeros(256, np.uint8)
    classes[ord("0") : ord("9") + 1] = _DIGIT
    classes[ord("A") : ord("Z") + 1] = _WORD
    classes[ord("a") : ord("z") + 1] = _WORD
    classes[ord("_")] = _WORD
    classes[[ord(mark) for mark in "%+'"]] = _ADDRESS_MARK
    classes[[ord(mark) for mark in " -./()"]] = _SEPARATOR
    return classes


_CLASSES = _byte_classes()
_AT, _PLUS, _OPEN, _DOT, _HYPHEN, _SPACE = ord("@"), ord("+"), ord("("), ord("."), ord("-"), ord(" ")


@njit(cache=True, nogil=True, inline="always")
def _in_address(byte: Any) -> Any:  # pragma: no cover - compiled
    kind = _CLASSES[byte]
    return (kind >= _DIGIT and kind <= _ADDRESS_MARK) or byte in (_DOT, _HYPHEN)


@njit(
    int64(types.Array(uint8, 1, "C", readonly=True), types.Array(int64, 1, "C", readonly=True), int64[:, ::1]),
    cache=True, nogil=True,
)  # fmt: skip
def _scan(data: Any, offsets: Any, out: Any) -> int:  # pragma: no cover - compiled
    """Fill rows (text, start, end, shape) of `out`; returns how many there are, which may be more than fit."""
    found = 0
    for text in range(len(offsets) - 1):
        begin, end = offsets[text], offsets[text + 1]
        place = begin
        while place < end:
            byte = data[place]
            if byte == _AT:
                start, stop = place, place + 1
                while start > begin and place - start < LONGEST_ADDRESS and _in_address(data[start - 1]):
                    start -= 1
                while stop < end and stop - place < LONGEST_ADDRESS and _in_address(data[stop]):
                    stop += 1
                if start < place and stop > place + 3:
                    if found < len(out):
                        out[found, 0], out[found, 1], out[found, 2], out[found, 3] = (
                            text,
                            start - begin,
                            stop - begin,
                            ADDRESS,
                        )
                    found += 1
                place += 1
                continue
            if _CLASSES[byte] != _DIGIT:
                place += 1
                continue
            start, last, digits, groups, gap = place, place, 0, 1, 0
            stop_before, digits_before = place, 0
            clean = place == begin or _CLASSES[data[place - 1]] != _WORD
            while place < end:
                kind = _CLASSES[data[place]]
                if kind == _DIGIT:
                    if gap > 0:
                        groups, stop_before, digits_before = groups + 1, last + 1, digits
                    digits, gap, last = digits + 1, 0, place
                elif kind == _SEPARATOR and gap < 3 and not (data[place] == _SPACE and data[place - 1] == _DOT):
                    gap += 1
                else:
                    break
                place += 1
            stop = last + 1
            place = stop
            if stop < end and _CLASSES[data[stop]] == _WORD and data[stop] != 120:  # x: an extension follows
                groups, stop, digits = groups - 1, stop_before, digits_before  # `08718730666 10p`
            if clean and digits >= LEAST_DIGITS and digits <= MOST_DIGITS and groups <= MOST_GROUPS:
                if start > begin and data[start - 1] == _OPEN:
                    start -= 1
                if start > begin and data[start - 1] == _PLUS:
                    start -= 1
                if found < len(out):
                    out[found, 0], out[found, 1], out[found, 2], out[found, 3] = (
                        text,
                        start - begin,
                        stop - begin,
                        NUMBER,
                    )
                found += 1
    return found


def candidates(texts: Texts) -> NDArray[np.int64]:
    """Candidates (n, 4): text, start, end in bytes of the text, shape; in order of text and start of the trigger."""
    room = 1024
    while True:
        out = np.zeros((room, 4), np.int64)
        found = _scan(texts.data, texts.offsets, out)
        if found <= room:
            return out[:found]
        room = found


_SEALED = re.compile(r"<[a-z_]+>|^[a-z_]*>|\*{2,}")
"""What a redaction leaves behind. Context does not reach over it, so that a redacted text holds nothing to find."""


def _candidate(texts: Texts, row: int, start: int, end: int, reach: int, regions: tuple[str, ...]) -> Candidate:
    """The candidate with its context, which begins after the finding that ends at `reach`."""
    begin, finish = int(texts.offsets[row]), int(texts.offsets[row + 1])

    def text(first: int, last: int) -> str:
        return texts.data[max(first, begin) : min(last, finish)].tobytes().decode("utf-8", "replace")

    left, right = begin + start, begin + end
    before = text(max(left - CONTEXT_BYTES, begin + reach), left).lower()
    return Candidate(text(left, right), start, end, _SEALED.split(before)[-1], text(right, right + 12).lower(), regions)


def _in_number(texts: Texts, row: int, start: int, end: int, reach: int, known: Known) -> list[Found]:
    """Findings in a run of digits: what one kind leaves of the run is shown to the next."""
    found: list[Found] = []
    pieces = [(start, end)]
    for name, kind in known.kinds:
        if kind.shape != NUMBER:
            continue
        rest = []
        for first, last in pieces:
            before = max([reach, *(item.end for item in found if item.end <= first)])
            for span in kind.validate(_candidate(texts, row, first, last, before, known.regions)):
                found.append(Found(row, name, *span))
                rest.append((first, span.start))
                first = span.end
            rest.append((first, max(first, last)))
        pieces = [(first, last) for first, last in rest if last - first >= LEAST_DIGITS]
    return sorted(found, key=lambda item: item.start)


class Known(NamedTuple):
    """What to look for: names with their kinds, earlier ones winning, and regions."""

    kinds: tuple[tuple[str, Kind], ...]
    regions: tuple[str, ...]


def find(texts: Texts, kinds: Sequence[str], regions: Sequence[str]) -> list[Found]:
    """Findings of the `kinds` in order of (row, start), without overlaps: an earlier kind of KINDS wins.

    `regions` are ISO 3166-1 codes of the countries whose national phone numbers are known.
    """
    known = Known(tuple((name, kind) for name, kind in KINDS.items() if name in kinds), tuple(regions))
    addresses = [(name, kind) for name, kind in known.kinds if kind.shape == ADDRESS]
    names = {name for name, _ in addresses}
    found: list[Found] = []
    for row, start, end, shape in candidates(texts).tolist():
        reach = found[-1].end if found and found[-1].row == row else 0
        if shape == NUMBER:
            found += [item for item in _in_number(texts, row, start, end, reach, known) if item.start >= reach]
            continue
        while found and found[-1].row == row and found[-1].start >= start and found[-1].kind not in names:
            found.pop()  # the digits of `1234567@host.org` are part of the address
        reach = found[-1].end if found and found[-1].row == row else 0
        start = max(start, reach)  # `a@b.org-c@d.org`, `+1 415 555 2671-c@d.org`
        candidate = _candidate(texts, row, start, end, reach, known.regions)
        found += [Found(row, name, *span) for name, kind in addresses for span in kind.validate(candidate)]
    return found
