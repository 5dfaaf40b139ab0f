"""Paragraphs that stand in the pile more than once."""

from __future__ import annotations

from pydantic import Field

from modelwright.prepare.dedup.base import Repeats


class Paragraphs(Repeats):
    """Takes out second and later copies of a paragraph, whatever their case, spacing and punctuation.

    The first copy in the best document stays, by licence class, digest and name of the document. Copies and versions of
    one document, as the other ways of finding duplicates join them, keep theirs: one of them stays as a whole.
    """

    min_characters: int = Field(default=100, ge=4, description="characters of the shortest paragraph that counts")

    def shape(self) -> tuple[bool, int]:
        return True, self.min_characters

    def policy(self) -> tuple[int, bool]:
        return 1, True
