"""Find personal data: one scan over the bytes for candidates, then the validators of `personal_kinds.py` on these
few, and for secrets those of `credentials.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from modelwright.measure.personal_candidate import CONTEXT_BYTES, Candidate
from modelwright.measure.personal_kinds import KINDS, Kind
from modelwright.measure.personal_scan import ADDRESS, LEAST_DIGITS, NUMBER, candidates
from modelwright.measure.spans import Found
from modelwright.measure.surrogates import is_made

if TYPE_CHECKING:
    from modelwright.measure.spans import Texts

_SEALED = re.compile(r"<[a-z_]+(?::[0-9a-f]{8})?>|^[a-z_]*(?::[0-9a-f]{8})?>|\*{2,}")
"""What a redaction leaves behind. Context does not reach over it, so that a redacted text holds nothing to find."""


class Known(NamedTuple):
    """What to look for: names with their kinds, earlier ones winning; regions of each text; least confidence."""

    kinds: tuple[tuple[str, Kind], ...]
    regions: Sequence[tuple[str, ...]]
    least: float


def _candidate(texts: Texts, row: int, start: int, end: int, reach: int, known: Known) -> Candidate:
    """The candidate with its context, which begins after the finding that ends at `reach`."""
    begin, finish = int(texts.offsets[row]), int(texts.offsets[row + 1])

    def text(first: int, last: int) -> str:
        return texts.data[max(first, begin) : min(last, finish)].tobytes().decode("utf-8", "replace")

    left, right = begin + start, begin + end
    before = text(max(left - CONTEXT_BYTES, begin + reach), left).lower()
    after = text(right, right + CONTEXT_BYTES).lower()
    return Candidate(text(left, right), start, end, _SEALED.split(before)[-1], after, known.regions[row], known.least)


def _in_number(texts: Texts, row: int, start: int, end: int, reach: int, known: Known) -> list[Found]:
    """Findings in a run of digits: what one kind leaves of the run is shown to the next."""
    found: list[Found] = []
    pieces = [(start, end)]
    seen: dict[tuple[int, int, int], Candidate] = {}
    for name, kind in known.kinds:
        if NUMBER not in kind.shapes:
            continue
        rest = []
        for first, last in pieces:
            before = max([reach, *(item.end for item in found if item.end <= first)])
            candidate = seen.get((first, last, before)) or _candidate(texts, row, first, last, before, known)
            seen[first, last, before] = candidate
            for span in kind.validate(candidate):
                if span.confidence >= known.least:
                    found.append(Found(row, name, *span))
                    rest.append((first, span.start))
                    first = span.end
            rest.append((first, max(first, last)))
        pieces = [(first, last) for first, last in rest if last - first >= LEAST_DIGITS]
    return sorted(found, key=_place)


def _elsewhere(texts: Texts, row: int, start: int, end: int, shape: int, reach: int, known: Known) -> list[Found]:
    """The finding of the first kind that accepts a candidate of another shape."""
    candidate = _candidate(texts, row, start, end, reach, known)
    for name, kind in known.kinds:
        if shape in kind.shapes:
            found = [Found(row, name, *span) for span in kind.validate(candidate) if span.confidence >= known.least]
            if found:
                return found
    return []


def find_all(texts: Texts, kinds: Sequence[str], regions: Sequence[tuple[str, ...]], least: float = 0.5) -> list[Found]:
    """Findings of all kinds, those of `find`, secrets, names and addresses, in order of (row, start), without overlaps:
    a URL wins over the secret in it, a secret over the digits in it, and all of these over names and addresses.

    Values that `surrogates.py` made are no findings. For `regions` and `least` see `find`.
    """
    from modelwright.measure import credentials, personal_names

    found = find(texts, kinds, regions, least)
    hidden = tuple(kind for kind in ("key", "secret") if kind in kinds)
    if hidden:
        links = [item for item in found if item.kind == "url" and item.confidence > 0.5]
        kept = apart(links, [item for item in credentials.find(texts, hidden) if item.confidence >= least])
        others = [item for item in found if item.kind != "url" or item.confidence <= 0.5]
        found = sorted([*kept, *apart(kept, others), *links], key=_place)
    for kind, finder in (("address", personal_names.addresses), ("name", personal_names.names)):
        if kind in kinds:
            more = apart(found, [item for item in finder(texts) if item.confidence >= least])
            found = sorted([*found, *more], key=_place)
    return [item for item in found if not is_made(item.kind, _value(texts, item))]


def _place(item: Found) -> tuple[int, int]:
    return item.row, item.start


def _value(texts: Texts, item: Found) -> str:
    begin = int(texts.offsets[item.row])
    return texts.data[begin + item.start : begin + item.end].tobytes().decode("utf-8", "replace")


def apart(first: Sequence[Found], second: Sequence[Found]) -> list[Found]:
    """Those of `second` that share no byte with one of `first`; both in order of (row, start), without overlaps."""
    kept, place = [], 0
    for item in second:
        while place < len(first) and (first[place].row, first[place].end) <= (item.row, item.start):
            place += 1
        if place == len(first) or (first[place].row, first[place].start) >= (item.row, item.end):
            kept.append(item)
    return kept


def find(texts: Texts, kinds: Sequence[str], regions: Sequence[tuple[str, ...]], least: float = 0.5) -> list[Found]:
    """Findings of the `kinds` in order of (row, start), without overlaps: an earlier kind of KINDS wins.

    regions  for each text the ISO 3166-1 codes of the countries whose national phone numbers are known
    least    confidence from which on a span is a finding
    """
    known = Known(tuple((name, kind) for name, kind in KINDS.items() if name in kinds), regions, least)
    if not known.kinds:
        return []
    shapes = frozenset[int]().union(*(kind.shapes for _, kind in known.kinds))
    found: list[Found] = []
    for row, start, end, shape in candidates(texts, shapes, least <= 0.3).tolist():
        reach = found[-1].end if found and found[-1].row == row else 0
        if shape == NUMBER:
            # A number may run on behind an account or a word that was found in its first groups.
            found += [item for item in _in_number(texts, row, start, end, reach, known) if item.start >= reach]
            continue
        if shape == ADDRESS:
            while (
                found and found[-1].row == row and found[-1].start >= start and found[-1].kind not in ("email", "url")
            ):
                found.pop()  # the digits of `1234567@host.org` are part of the address
            reach = found[-1].end if found and found[-1].row == row else 0
            start = max(start, reach)  # `a@b.org-c@d.org`, `+1 415 555 2671-c@d.org`
        if start < end:
            found += [item for item in _elsewhere(texts, row, start, end, shape, reach, known) if item.start >= reach]
    return found
