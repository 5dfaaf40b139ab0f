"""What still carries a text that was taken down: models, adapters, releases and exports, at any later time.

A takedown notes which models learned from its documents while that could still be counted. What was made of these since
is found here, from the ledger alone, by the one walk that the takedown itself uses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern import takedowns
from modelwright.govern.lineage import descendants
from modelwright.govern.records import Entry, Records

KINDS = ("model", "adapter", "release", "export")
"""Artifacts that hold weights, or stand for them."""
REMEDIES = (
    "make it anew without the documents: `modelwright run`",
    "stop what is served of it, and withdraw exports of it",
    "weights cannot forget on request: unlearning is not offered",
)


@dataclass(frozen=True)
class Carried:
    """A takedown whose documents an artifact still carries. `event` is the `seq` of what put it on record.

    documents    that were taken down in all
    certificate  path in the project; None while the takedown is under way
    learned      what learned from them and is part of the artifact: {ref, learned (None: unknown), documents,
                 tokens_held, windows, of}; None where a number is not on record
    """

    takedown: str
    event: int
    at: str
    asked: str
    reason: str
    documents: int
    certificate: str | None
    learned: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        keys = ("ref", "learned", "documents", "tokens_held", "windows", "of")
        learned = [{key: item.get(key) for key in keys} for item in self.learned]
        return {"takedown": self.takedown, "event": self.event, "at": self.at, "asked": self.asked,
                "reason": self.reason, "documents": self.documents, "certificate": self.certificate,
                "learned": learned, "remedies": list(REMEDIES)}  # fmt: skip


def carried(records: Records, ref: str) -> list[Carried]:
    """The takedowns whose documents `ref` still carries, in the order in which they were begun."""
    if ref.partition("@")[0] not in KINDS:
        return []
    ended = takedowns.done(records)
    found = []
    for name, entry in takedowns.begun(records).items():
        learned = {str(item["ref"]): item for item in _learned(records, entry)}
        of = lineage(records, learned).get(ref)
        if of:
            asked = entry.get("asked")
            found.append(
                Carried(
                    takedown=name,
                    event=entry.seq,
                    at=entry.at,
                    asked=str(asked.get("kind")) if isinstance(asked, Mapping) else str(asked),
                    reason=str(entry.get("reason") or ""),
                    documents=int(entry.get("documents") or 0),
                    certificate=takedowns.certificate_of(ended.get(name)),
                    learned=tuple(item for one, item in learned.items() if one in of),
                )
            )
    return found


def of_takedown(records: Records, takedown: str) -> dict[str, list[str]]:
    """Refs of what carries a takedown today, by kind (`models` ...), and all of them as `carriers`."""
    learned = {str(item["ref"]) for item in _learned(records, takedowns.begun(records)[takedown])}
    found = list(lineage(records, learned))
    return {**{f"{kind}s": [ref for ref in found if ref.startswith(f"{kind}@")] for kind in KINDS}, "carriers": found}


def lineage(records: Records, learned: Collection[str]) -> dict[str, set[str]]:
    """Every artifact of KINDS whose weights are or come from those of one of `learned` -> which of these.

    Weights come from a parent, or from a folder (`base:`) whose digest is that of a model or export on record.
    """
    found: dict[str, set[str]] = {}
    by_digest: dict[str, set[str]] = {}
    for artifact in records.artifacts():  # what something is made of stands before it
        if artifact.kind not in KINDS:
            continue
        of = {artifact.ref} & set(learned)
        of.update(*(found.get(str(parent.get("ref")), ()) for parent in artifact.parents))
        of |= by_digest.get(_base_of(artifact), set())
        if of:
            found[artifact.ref] = of
            by_digest.setdefault(artifact.digest, set()).update(of)
    return found


def noted(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of what a takedown found out about models and adapters, what goes on record: those that learned by themselves,
    not by what they were made of, which `lineage` finds."""
    keys = ("ref", "documents", "tokens_held", "windows", "of")
    return [
        {**{key: item.get(key) for key in keys}, "learned": item.get("own")}
        for item in items
        if item.get("own") is not False
    ]


def _base_of(artifact: Artifact) -> str:
    """Digest of the folder that a model was taken over from, or whose training it continues; "" where there is none."""
    return artifact.digest if artifact.facts.get("adopted") else str(artifact.facts.get("base_digest") or "")


def _learned(records: Records, entry: Entry) -> list[Mapping[str, Any]]:
    """What the takedown noted; where it noted nothing, all that was made of what it erased may have learned from it."""
    if isinstance(entry.get("learned"), list):
        return list(entry.get("learned"))
    below = {name for ref in entry.get("erases") or [] for name in descendants(records, str(ref))}
    return [
        {"ref": artifact.ref, "learned": None}
        for artifact in records.artifacts()
        if artifact.kind in ("model", "adapter") and artifact.ref in below and artifact.record["seq"] < entry.seq
    ]
