from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from modelwright.prepare.rule import Predicate, Rule


class Hate(Rule):
    """Drop documents whose abusive sentences reach a score: a screen of English with known precision, no hate
    detection.
    """

    version: ClassVar[int] = 1

    threshold: float | None = Field(
        default=None, ge=0, le=1,
        description="lowest abuse_score that is dropped; default: the one with precision 0.95 in the test",
    )  # fmt: skip
    max_words: int | None = Field(
        default=None, ge=0, description="drop documents with more listed profanities too; default: no limit"
    )

    def predicates(self) -> tuple[Predicate, ...]:
        """`abuse_score` at the threshold or above, then `profanity_words` over its limit where one is set."""
        threshold = self.threshold
        if threshold is None:
            from modelwright.measure.model_files import ABUSE_MODEL, metadata

            threshold = float(metadata(ABUSE_MODEL)["threshold"])
        found = [Predicate("hate", "abuse_score", "abuse_score", ">=", threshold)]
        if self.max_words is not None:
            found.append(Predicate("hate", "profanity_words", "profanity_words", ">", float(self.max_words)))
        return tuple(found)
