"""What a validator of personal data is given, and what it yields."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

NAMES = Path(__file__).parent / "data" / "names.safetensors"
"""Hashes of given and family names, made by `scripts/build_names.py`."""

CONTEXT_BYTES = 45
"""Bytes on the left of a candidate, and on its right, that a validator sees."""


class Span(NamedTuple):
    """Bytes [start, end) of the text, and how sure it is that they are what they seem, in (0, 1]."""

    start: int
    end: int
    confidence: float


class Candidate(NamedTuple):
    """Bytes [start, end) of a text, as text, with what stands around it (lower case, at most CONTEXT_BYTES).

    regions  countries (ISO 3166-1) whose national phone numbers are known
    least    confidence below which nothing need be yielded
    """

    text: str
    start: int
    end: int
    before: str
    after: str
    regions: tuple[str, ...]
    least: float

    def span(self, first: int, last: int, confidence: float) -> Span:
        """Characters [first, last) of the candidate as bytes of the text; they may reach into what stands after, and
        where `first` is below 0, over ASCII, into what stands before."""
        whole = self.text + self.after
        start = self.start + (first if first < 0 else len(whole[:first].encode("utf-8")))
        return Span(start, self.start + len(whole[:last].encode("utf-8")), confidence)
