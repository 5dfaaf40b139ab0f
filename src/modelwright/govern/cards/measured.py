"""Sections of the data card about what was sought in the texts: personal data, and questions of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import (
    MEASURED,
    NOT_APPLICABLE,
    UNKNOWN,
    Column,
    Facts,
    Field,
    Row,
    Section,
    Table,
    distribution,
    present,
)
from modelwright.govern.cards.rights import said
from modelwright.govern.stated import Stated

PERSONAL = (
    "email", "phone", "card", "iban", "ssn", "ip", "mac", "url", "name", "address", "birth_date", "passport",
    "national_id", "user_name", "key", "secret",
)  # fmt: skip
"""Kinds of findings that are personal data or secrets; others are licence notices, offensive words and the like."""


def asked(pile: Artifact, step: str) -> bool | None:
    """Whether the settings of a pile asked for a step (`redact`, `dedup` ...); None when they are not on record."""
    settings = pile.record.get("settings")
    if not isinstance(settings, Mapping) or not settings:
        return None
    values = [value for key, value in settings.items() if f".{step}" in f".{key}."]
    return any(value not in (None, [], (), {}, "{}", "null", False) for value in values)


def personal_data(facts: Facts, pile: Artifact, stated: Stated) -> Section:
    """What was found in the input, what was edited, and what the edited texts still hold."""
    edited, left = facts.mapping("redactions.by_kind"), facts.get("redactions.residue")
    found = spans(facts.mapping("findings"))
    personal = {kind: item for kind, item in found.items() if kind in PERSONAL}
    others = {kind: item for kind, item in found.items() if kind not in PERSONAL}
    tables = present(
        distribution("Redacted", "kind", spans(edited), facts.source),
        distribution("Still found after redaction", "kind", spans(left), facts.source)
        if isinstance(left, Mapping)
        else None,
        distribution("Personal data found in the input", "kind", personal, facts.source),
        distribution("Other findings in the input", "kind", others, facts.source, top=12),
    )
    fields = (
        facts.field("documents redacted", "redactions.documents", unit="documents"),
        facts.field("spans redacted", "redactions.spans"),
        residue(left, asked(pile, "redact"), facts.source),
        said(stated, "against illegal content", "illegal_content"),
    )
    return Section("Found and redacted", fields, tables)


def residue(left: Any, wanted: bool | None, source: int | None) -> Field:
    """The spans that the detector still finds in edited texts: none is a result, no redaction is not."""
    name = "still found after redaction"
    if wanted is False:
        return Field(name, None, kind=NOT_APPLICABLE, note="no redaction was asked for")
    if not isinstance(left, Mapping):
        return Field(name, None, kind=UNKNOWN)
    total = sum(value for value in left.values() if isinstance(value, (int, float)))
    return Field(name, total or "none", kind=MEASURED, source=source, note="by the same detector, in edited texts")


def spans(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of findings, which the facts may hold as `{"documents": n}` from a general count of rows."""
    return {k: {"spans": v.get("documents") if isinstance(v, Mapping) else v} for k, v in counted.items()}


def mix(tokens: Facts | None) -> Table | None:
    """Shares of the training tokens before and after mixing; None where nothing was mixed."""
    found = tokens.mapping("mix") if tokens is not None else {}
    groups = found.get("groups")
    if tokens is None or not isinstance(groups, Mapping):
        return None
    keys = ("tokens_before", "share_before", "share_wanted", "tokens", "share", "epochs", "repeated", "left_out")
    units = {"tokens": "tokens", "share": "share", "repeated": "documents", "left": "documents"}
    rows = tuple(
        Row((name, *(item.get(key) for key in keys)), tokens.source)
        for name, item in groups.items()
        if isinstance(item, Mapping)
    )
    columns = (
        Column(str(found.get("by") or "group")),
        *(Column(key.replace("_", " "), units.get(key.split("_")[0], "")) for key in keys),
    )
    return Table("Mix for training", columns, rows) if rows else None


def contamination(facts: Facts) -> Section:
    """Benchmarks that were sought in the sources; silence where none was."""
    found = facts.mapping("contamination")
    keys = ("items", "found", "share", "digest")
    rows = tuple(
        Row((name, *(item.get(key) for key in keys)), facts.source)
        for name, item in found.items()
        if isinstance(item, Mapping)
    )
    columns = (
        Column("benchmark"), Column("items", "items"), Column("found in the sources", "items"),
        Column("share", "share"), Column("digest of its file", "digest"),
    )  # fmt: skip
    if not rows:
        note = Field("benchmarks sought", None, kind=UNKNOWN, note="none was named; their questions may be in the data")
        return Section("Contamination", (note,))
    text = "Items found count wherever they stood in the sources, also in documents that were dropped for it."
    return Section("Contamination", tables=(Table("Benchmark items found", columns, rows),), text=text)
