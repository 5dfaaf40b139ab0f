from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from modelwright.prepare.rule import Predicate, Rule

REASONS = ("noai", "noimageai", "tdm-reservation", "robots.txt", "ai.txt")


class OptOut(Rule):
    """Drop documents that reserve themselves against training (`noai`, TDM reservation, robots.txt, ai.txt)."""

    version: ClassVar[int] = 1

    reasons: tuple[str, ...] = Field(
        default=("noai", "tdm-reservation"), description=f"reservations that count: {', '.join(REASONS)}"
    )

    def predicates(self) -> tuple[Predicate, ...]:
        return (Predicate("opt_out", "opt_out", "opt_out", "in", self.reasons),) if self.reasons else ()
