"""By what right the data is there: licences, sources, reservations, web hosts, and what people state about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.govern.cards.card import (
    BLANK,
    MEASURED,
    STATED,
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
from modelwright.govern.stated import SourceCard, Stated

DOMAINS_SHOWN = 100


def said(stated: Stated, name: str, key: str, note: str = "") -> Field:
    """The statement `card.KEY` of the project file as a field; blank when nobody made it. Lists read `a; b`."""
    value: Any = stated.card
    for part in key.split("."):
        value = getattr(value, part)
    if isinstance(value, tuple):
        value = "; ".join(value) or None
    if value is None:
        return Field(name, None, kind=BLANK, note=note)
    return Field(name, value, kind=STATED, source=stated.seq, note=note)


def rights(facts: Facts, stated: Stated) -> Section:
    """Licences measured in the documents, and the rights that people state for the whole."""
    by_bytes = facts.field("licence unknown, of bytes", "licence.unknown_share_of_bytes", unit="share")
    fields = (facts.field("licence unknown, of documents", "licence.unknown_share", unit="share"), by_bytes)
    known = tuple(item for item in fields if item.value is not None) or fields[:1]
    statements = (
        said(stated, "licence of the whole", "licence"),
        said(stated, "legal basis", "legal_basis"),
        said(stated, "consent", "consent"),
        said(stated, "confidentiality", "confidentiality"),
        said(stated, "retention", "retention"),
        said(stated, "reservations of rights", "opt_out_policy"),
    )
    tables = present(
        distribution("Licences", "licence", facts.mapping("by_licence"), facts.source),
        distribution("Licence classes", "class", facts.mapping("licence.by_class"), facts.source),
        distribution("Reservations found in the input", "how", facts.mapping("opt_outs"), facts.source),
    )
    return Section("Rights", (*known, reservations(facts), *statements), tables)


def reservations(facts: Facts) -> Field:
    """How many documents read reserve themselves against training; unknown when it was not looked for."""
    name, found = "documents that reserve themselves", facts.get("opt_outs")
    signals = facts.get("signals")
    sought = isinstance(signals, (list, tuple)) and "opt_out" in signals
    if not sought or not isinstance(found, Mapping):
        return Field(name, None, "documents", UNKNOWN, note="was not looked for")
    total = sum(item.get("documents", 0) for item in found.values() if isinstance(item, Mapping))
    return Field(name, total, "documents", MEASURED, facts.source, note="of those read, where the text says so")


def sources(facts: Facts, stated: Stated) -> Section:
    """Where documents came from: as read, as stated, and by web host."""
    tables = [*_as_read(facts), *_as_stated(facts, stated), *_domains(facts)]
    fields = (said(stated, "collection", "collection"), said(stated, "labelling", "annotation"))
    return Section("Sources", fields, tuple(tables))


def _as_read(facts: Facts) -> list[Table]:
    """Versions and sizes are measured; access, licence and owner stand in the project file."""
    found = facts.mapping("sources")
    keys = ("access", "licence", "owner", "files", "documents", "bytes", "version")
    rows = [
        Row((name, *(item.get(key) for key in keys)), facts.source)
        for name, item in found.items()
        if isinstance(item, Mapping)
    ]
    units = {"files": "files", "documents": "documents", "bytes": "bytes", "version": "digest"}
    columns = (Column("source"), *(Column(key, units.get(key, "")) for key in keys))
    note = "Access, licence and owner are as stated in the project file; an empty licence is sought in each document."
    return [Table("As read", columns, tuple(rows), note=note)] if rows else []


def _as_stated(facts: Facts, stated: Stated) -> list[Table]:
    names = [name for name in facts.mapping("sources") if name in stated.card.sources]
    columns = (Column("source"), Column("class"), Column("collected"), Column("address"), Column("what it is"))
    rows = [
        Row((name, item.class_, item.period, item.url, _about(item)), stated.seq)
        for name in names
        if (item := stated.card.sources[name])
    ]
    return [Table("As stated", columns, tuple(rows), STATED)] if rows else []


def _about(source: SourceCard) -> str | None:
    said = (source.description, source.crawler, source.generator)
    return "; ".join(text for text in said if text) or None


def _domains(facts: Facts) -> tuple[Table, ...]:
    """The largest hosts by bytes of text, from origins that are web addresses."""
    counted, found = facts.mapping("web_domains"), facts.mapping("by_web_domain")
    every, listed = counted.get("domains"), counted.get("listed")
    title = "Web hosts by size" if every == listed else f"The {listed} largest of {every:,} web hosts"
    table = distribution(title, "host", found, facts.source, top=DOMAINS_SHOWN) if every is not None else None
    return present(table)
