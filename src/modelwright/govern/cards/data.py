"""The data card of a pile: what is in it, by what right, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import (
    MEASURED,
    NOT_APPLICABLE,
    STATED,
    UNKNOWN,
    Card,
    Column,
    Facts,
    Field,
    Row,
    Section,
    Table,
    distribution,
    environment_fields,
    facts_of,
    finished,
    identity_fields,
    planned_fields,
    present,
    settings_table,
    stated,
)
from modelwright.govern.cards.detectors import detectors
from modelwright.govern.cards.format import short
from modelwright.govern.cards.gates import gates_table
from modelwright.govern.cards.measured import asked, contamination, mix, personal_data
from modelwright.govern.cards.rights import rights, said, sources
from modelwright.govern.lineage import descendants
from modelwright.govern.records import Records
from modelwright.govern.stated import NOTHING, Stated

DECISIONS = ("kept", "changed", "dropped", "duplicate", "quarantined")


def data_card(pile: Artifact, records: Records, project: str, use: str = "", statements: Stated = NOTHING) -> Card:
    """The data card of `pile`, from the ledger alone."""
    facts = facts_of(pile)
    decisions = facts.mapping("decisions")
    counts = {name: decisions[name] for name in DECISIONS if isinstance(decisions.get(name), int)}
    documents = facts.field("documents", "documents", "counts.documents", unit="documents")
    if documents.value is None and {"kept", "changed"} <= set(counts):
        documents = Field("documents", counts["kept"] + counts["changed"], "documents", source=facts.source)
    size = facts.field("text", "bytes", "counts.bytes", unit="bytes")
    sections = (
        Section("Identity", identity_fields(pile, records) + _roots(pile, facts) + _before(pile, records, facts)),
        _about(statements),
        _purpose(project, use, statements),
        rights(facts, statements),
        sources(facts, statements),
        _composition(facts, tokens_facts(pile, records), statements),
        _processing(facts, pile, counts),
        personal_data(facts, pile, statements),
        contamination(facts),
        detectors(facts),
        Section("Gates", tables=present(gates_table(records, [pile.ref]))),
        Section("Used by", tables=_used_by(pile, records)),
        Section("How it was made", planned_fields(pile) + environment_fields(pile), _seconds(facts)),
        Section("Settings", tables=present(settings_table(pile))),
        Section("Further measurements", facts.rest()),
    )
    total = sum(counts.values())
    kept = counts.get("kept", 0) + counts.get("changed", 0)
    headline = (
        documents,
        size,
        Field("kept of the input", kept / total, "share", source=facts.source)
        if total
        else Field("kept of the input", None, "share", UNKNOWN),
        facts.field("licence unknown", "licence.unknown_share", unit="share", note="of documents"),
    )
    said = short(documents.value, "documents") if documents.value is not None else "an unknown number of documents"
    summary = f"Base data of the project {project}: {said} that passed the rules below."
    return finished(
        Card("data card", pile.ref, f"{project} · {pile.ref}", pile.digest, project, summary, (), headline, sections),
        records,
    )


def _roots(pile: Artifact, facts: Facts) -> tuple[Field, ...]:
    # The digest of a pile is its root; an older or foreign record may name the root apart.
    root = facts.field("root", "root", unit="digest", note="Merkle root over the canonical rows of the documents")
    return (
        replace(root, value=root.value or pile.digest, kind=MEASURED, source=facts.source),
        facts.field("root of texts", "text_root", unit="digest", note="Merkle root over the text digests, for proofs"),
    )


def _about(stated: Stated) -> Section:
    fields = (
        said(stated, "description", "description"),
        said(stated, "made by", "creators"),
        said(stated, "published by", "publisher"),
        said(stated, "published on", "published"),
        said(stated, "keeper", "keeper"),
        said(stated, "contact", "contact"),
        said(stated, "address", "url"),
        said(stated, "cite as", "cite_as"),
        said(stated, "maintenance", "maintenance"),
    )
    return Section("About", fields)


def _purpose(project: str, use: str, statements: Stated) -> Section:
    fields = (
        stated("project", project),
        stated("use", use, note="from the project file"),
        said(statements, "recommended uses", "intended_uses"),
        said(statements, "unsuitable uses", "out_of_scope_uses"),
        said(statements, "known limits", "limitations"),
        said(statements, "known biases", "biases"),
        said(statements, "effects on people", "social_impact"),
    )
    return Section("Purpose", fields)


def _before(pile: Artifact, records: Records, facts: Facts) -> tuple[Field, ...]:
    """The version before this one, and how far the counts moved."""
    earlier = [item for item in records.artifacts() if item.kind == "pile" and item.version < pile.version]
    if not earlier:
        return (Field("version before", None, kind=NOT_APPLICABLE, note="this is the first"),)
    last = max(earlier, key=lambda item: item.version)
    fields = [Field("version before", last.ref, source=last.record.get("seq"))]
    for name, unit in (("documents", "documents"), ("bytes", "bytes")):
        was, now = last.facts.get(name), facts.get(name)
        if isinstance(was, int) and isinstance(now, int):
            fields.append(Field(f"{name} more than then", now - was, unit, source=facts.source))
    return tuple(fields)


def _composition(facts: Facts, tokens: Facts | None, statements: Stated) -> Section:
    counted = (
        facts.field("documents read", "counts.input", "input", unit="documents"),
        facts.field("documents in the pile", "documents", "counts.documents", unit="documents"),
        facts.field("distinct texts", "counts.texts", unit="documents"),
        facts.field("for training", "counts.train", unit="documents"),
        facts.field("held out", "counts.held_out", "holdout.documents", "held_out.documents", unit="documents"),
        facts.field("share held out", "holdout.reached", "held_out.share", unit="share"),
    )
    shown = tuple(item for item in counted if item.value is not None)
    fields = (
        *shown,
        tokens.field("tokens for training", "tokens", unit="tokens")
        if tokens is not None
        else Field("tokens for training", None, "tokens", UNKNOWN, note="no tokens were made of it"),
        Field("time span of the texts", None, kind=UNKNOWN, note="no signal dates a text"),
        said(statements, "latest acquisition", "acquired_until"),
        said(statements, "types of content", "content"),
        said(statements, "languages meant", "languages"),
        said(statements, "regions and people", "people"),
    )
    by_token = _tokens(tokens.mapping("by_source")) if tokens is not None else {}
    tables = present(
        distribution("By source", "source", facts.mapping("by_source"), facts.source),
        distribution("Tokens by source", "source", by_token, tokens.source if tokens is not None else None),
        mix(tokens),
        distribution("By language", "language", facts.mapping("by_language"), facts.source),
        distribution("By programming language", "language", facts.mapping("by_code_language"), facts.source),
        distribution("By kind", "kind", facts.mapping("by_kind"), facts.source),
        distribution("By domain", "domain", _named(facts.mapping("by_domain")), facts.source),
        distribution("Flagged", "flag", facts.mapping("flags"), facts.source),
        distribution("Held out by source", "source", facts.mapping("holdout.by_source"), facts.source),
    )
    return Section("Composition", fields, tables)


def _tokens(counted: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"tokens": item.get("tokens") if isinstance(item, Mapping) else item} for name, item in counted.items()
    }


def _named(counted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing where no document was given a value: the signal was not asked for."""
    return {} if set(counted) <= {"unknown"} else counted


def tokens_facts(pile: Artifact, records: Records) -> Facts | None:
    """The facts of the tokens last made of a pile; None when there are none."""
    known = records.by_ref()
    made = [known[ref] for ref in descendants(records, pile.ref) if known[ref].kind == "tokens"]
    own = [item for item in made if any(parent.get("ref") == pile.ref for parent in item.parents)]
    return facts_of(own[-1]) if own else None


def _processing(facts: Facts, pile: Artifact, counts: Mapping[str, int]) -> Section:
    fields = [
        Field(name, counts.get(name), "documents", MEASURED if name in counts else UNKNOWN, facts.source)
        for name in DECISIONS
    ]
    for name in counts:
        facts.get(f"counts.{name}")  # the same numbers again
    reasons = facts.get("reasons")
    tables = present(
        _reasons(reasons, facts.source) if isinstance(reasons, list) else None,
        distribution("Text read, by decision", "decision", _bytes(facts.mapping("decided_bytes")), facts.source),
        distribution("Converted to UTF-8", "from", facts.mapping("encodings"), facts.source),
        _duplicates(reasons, facts.source) if isinstance(reasons, list) else None,
        _not_done(pile, facts),
    )
    text = "Every document that was read ends in exactly one of these five decisions."
    return Section("Processing", tuple(fields), tables, text=text, stacked=True)


def _bytes(counted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"bytes": value} for name, value in counted.items() if value}


def _reasons(reasons: list[Any], source: int | None) -> Table | None:
    rows = [item for item in reasons if isinstance(item, Mapping)]
    rows.sort(key=lambda item: -(item.get("documents") or 0))
    if not rows:
        return None
    names = ("decision", "rule", "signal", "documents", "bytes")
    units = {"documents": "documents", "bytes": "bytes"}
    columns = tuple(Column(name, units.get(name, ""), bar=name == "documents") for name in names)
    shown = tuple(Row(tuple(item.get(name) for name in names), source) for item in rows)
    return Table("What took documents out, or changed them", columns, shown, long=len(rows) > 30)


def _duplicates(reasons: list[Any], source: int | None) -> Table | None:
    found = {
        str(item.get("rule")): {"documents": item.get("documents"), "bytes": item.get("bytes")}
        for item in reasons
        if isinstance(item, Mapping) and item.get("decision") == "duplicate"
    }
    return distribution("Duplicates by method", "method", found, source)


def _not_done(pile: Artifact, facts: Facts) -> Table | None:
    """What the settings leave out: a reader must not take silence for a clean result."""
    steps = {
        "rules": "documents were judged by rules",
        "redact": "personal data was sought and redacted",
        "dedup": "duplicates were sought",
        "decontaminate": "documents that contain test questions were sought",
    }
    said = {words: asked(pile, name) for name, words in steps.items()}
    if None in said.values():
        return None
    rows = tuple(Row((words, "yes" if done else "no"), facts.source) for words, done in said.items())
    return Table("What was asked for", (Column("step"), Column("asked for")), rows, STATED)


def _seconds(facts: Facts) -> tuple[Table, ...]:
    steps = facts.mapping("seconds")
    rows = tuple(Row((name, value), facts.source) for name, value in steps.items() if isinstance(value, (int, float)))
    rows = tuple(sorted(rows, key=lambda row: -row.cells[1]))
    columns = (Column("step"), Column("time", "seconds", bar=True))
    return (Table("Time per step", columns, rows),) if rows else ()


def _used_by(pile: Artifact, records: Records) -> tuple[Table, ...]:
    known = records.by_ref()
    made = [known[ref] for ref in descendants(records, pile.ref)]
    rows = tuple(Row((item.ref, item.kind, item.digest, item.made_at), item.record.get("seq")) for item in made)
    columns = (Column("artifact"), Column("kind"), Column("digest", "digest"), Column("made at", "time"))
    return (Table("Made from it", columns, rows),) if rows else ()
