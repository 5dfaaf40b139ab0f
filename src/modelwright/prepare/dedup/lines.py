"""Lines that many documents repeat: menus, notices, footers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelwright.prepare.dedup.base import Repeats


class Lines(Repeats):
    """Takes out lines that stand in many documents, whatever their case, spacing and punctuation.

    Copies and versions of one document, as the other ways of finding duplicates join them, count once.
    """

    min_documents: int = Field(default=10, ge=2, description="documents in which a line stands before it is taken out")
    min_characters: int = Field(default=20, ge=4, description="characters of the shortest line that counts")
    keep: Literal["none", "first"] = Field(
        default="none", description="first: it stays once, in the best document; none: it goes everywhere"
    )

    def shape(self) -> tuple[bool, int]:
        return False, self.min_characters

    def policy(self) -> tuple[int, bool]:
        return self.min_documents, self.keep == "first"
