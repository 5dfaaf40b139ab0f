from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from modelwright.prepare.rule import Editing, Predicate, Rule


class Hate(Rule):
    """Drop documents whose abusive sentences reach a score, or mask those sentences: a screen with known precision.

    `target: group` looks at hate against groups of people alone (`hate_score`).
    """

    version: ClassVar[int] = 2

    action: Literal["drop", "mask"] = Field(
        default="drop", description="drop the document, or put * for each letter of what is found and keep it"
    )
    target: Literal["any", "group"] = Field(
        default="any", description="any abuse and listed words, or hate against groups of people alone"
    )
    threshold: float | None = Field(
        default=None, ge=0, le=1,
        description="lowest abuse_score (target group: hate_score) that is dropped; default: the tested one",
    )  # fmt: skip
    max_words: int | None = Field(
        default=None, ge=0, description="drop documents with more listed profanities too; default: no limit"
    )
    languages: tuple[str, ...] = Field(
        default=(), description="documents in these languages alone; default: all (scores are for English)"
    )

    def predicates(self) -> tuple[Predicate, ...]:
        """The score at the threshold or above, then `profanity_words` over its limit where one is set."""
        when = {"language": self.languages} if self.languages else {}
        found = []
        if self.action == "drop":
            name = "hate_score" if self.target == "group" else "abuse_score"
            threshold = self.threshold if self.threshold is not None else self._tested()
            found.append(Predicate("hate", name, name, ">=", threshold, when))
        if self.max_words is not None:
            found.append(Predicate("hate", "profanity_words", "profanity_words", ">", float(self.max_words), when))
        return tuple(found)

    def edits(self) -> tuple[Editing, ...]:
        """With the action `mask`: the sentences, and the listed words, that the signal `abuse` finds."""
        if self.action != "mask":
            return ()
        kinds = ("hate",) if self.target == "group" else ("profanity", "abuse", "hate")
        return (Editing("hate", "abuse", kinds, "mask", {"language": self.languages} if self.languages else {}),)

    def _tested(self) -> float:
        from modelwright.measure.model_files import ABUSE_MODEL, HATE_MODEL, metadata

        return float(metadata(HATE_MODEL if self.target == "group" else ABUSE_MODEL)["threshold"])
