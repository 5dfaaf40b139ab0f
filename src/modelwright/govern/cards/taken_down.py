"""The section "Taken down": what an artifact still carries of documents that were erased, as the ledger says today.

It is found when the card is printed, so that the card of a model that is older than the takedown says it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import ABSENT, NOT_APPLICABLE, UNKNOWN, Column, Field, Row, Section, Table
from modelwright.govern.carriers import REMEDIES, Carried, carried
from modelwright.govern.records import Records

TITLE = "Taken down"
MARK = "carries what was taken down"
_TEXT = (
    "Documents that it {learned} from were taken down and erased from the data. Its weights were not changed by that. "
    "Remedies: {remedies}."
)


def taken_down(artifact: Artifact, records: Records) -> tuple[Section, tuple[str, ...]]:
    """The section, and the mark that the card gets (none where no takedown reached the artifact)."""
    found = carried(records, artifact.ref)
    if not found:
        none = Field("takedowns", None, kind=NOT_APPLICABLE, note="none on record names what it learned from")
        return Section(TITLE, (none,)), ()
    fields = (
        Field("takedowns", len(found), source=found[-1].event),
        Field("documents taken down", sum(item.documents for item in found), "documents", source=found[-1].event),
    )
    certain = all(any(learner.get("learned") for learner in item.learned) for item in found)
    text = _TEXT.format(learned="learned" if certain else "learned, or may have learned,", remedies="; ".join(REMEDIES))
    return Section(TITLE, fields, (_takedowns(found), _learned(found)), text=text), (MARK,)


def _takedowns(found: list[Carried]) -> Table:
    columns = (Column("takedown"), Column("begun", "time"), Column("asked by"), Column("reason given"),
               Column("documents", "documents"), Column("certificate"))  # fmt: skip
    rows = tuple(
        Row(
            (item.takedown, item.at, item.asked, item.reason or ABSENT["blank"], item.documents,
             item.certificate or "under way"),
            item.event,
        )
        for item in found
    )  # fmt: skip
    return Table("Takedowns", columns, rows)


def _learned(found: list[Carried]) -> Table:
    """What learned from the documents, each by itself: the artifact, or what its weights come from."""
    columns = (Column("takedown"), Column("what learned"), Column("how"), Column("documents", "documents"),
               Column("tokens", "tokens"), Column("windows seen", "items"), Column("of windows", "items"))  # fmt: skip
    rows = tuple(
        Row((item.takedown, learner.get("ref"), how(learner), *_numbers(learner)), item.event)
        for item in found
        for learner in item.learned
    )
    note = "Tokens are those of the documents in the shards; a window is counted when a token of one stood in it."
    return Table("What learned from them", columns, rows, note=note)


def how(learner: Mapping[str, Any]) -> str:
    """How a model or adapter learned from what was taken down, in words."""
    if learner.get("learned") is None:
        return "unknown: what it learned from is gone"
    is_adapter = str(learner.get("ref")).startswith("adapter@")
    return "what it was tuned on held them" if is_adapter else "its tokens held them"


def _numbers(learner: Mapping[str, Any]) -> tuple[Any, ...]:
    found = (learner.get(key) for key in ("documents", "tokens_held", "windows", "of"))
    return tuple(ABSENT[UNKNOWN] if value is None else value for value in found)
