"""The data card of a pile: what is in it, by what right, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import (
    MEASURED,
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
from modelwright.govern.cards.format import short
from modelwright.govern.cards.gates import gates_table
from modelwright.govern.lineage import descendants
from modelwright.govern.records import Records

DECISIONS = ("kept", "changed", "dropped", "duplicate", "quarantined")


def data_card(pile: Artifact, records: Records, project: str, use: str = "") -> Card:
    """The data card of `pile`, from the ledger alone."""
    facts = facts_of(pile)
    decisions = facts.mapping("decisions")
    counts = {name: decisions[name] for name in DECISIONS if isinstance(decisions.get(name), int)}
    documents = facts.field("documents", "documents", "counts.documents", unit="documents")
    if documents.value is None and {"kept", "changed"} <= set(counts):
        documents = Field("documents", counts["kept"] + counts["changed"], "documents", source=facts.source)
    size = facts.field("text", "bytes", "counts.bytes", unit="bytes")
    sections = (
        Section("Identity", identity_fields(pile, records) + _roots(pile, facts)),
        Section("Purpose", _purpose(project, use)),
        _rights(facts),
        _composition(facts),
        _processing(facts, pile, counts),
        _detectors(facts),
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


def _purpose(project: str, use: str) -> tuple[Field, ...]:
    return (
        stated("project", project),
        stated("use", use, note="from the project file"),
        stated("recommended and unsuitable uses", ""),
        stated("known limits and biases", ""),
        stated("keeper", ""),
    )


def _rights(facts: Facts) -> Section:
    tables = present(
        distribution("Licences", "licence", facts.mapping("by_licence"), facts.source),
        distribution("Licence classes", "class", facts.mapping("licence.by_class"), facts.source),
    )
    by_bytes = facts.field("licence unknown, of bytes", "licence.unknown_share_of_bytes", unit="share")
    fields = (facts.field("licence unknown, of documents", "licence.unknown_share", unit="share"), by_bytes)
    known = tuple(item for item in fields if item.value is not None) or fields[:1]
    return Section("Rights", known, (*_sources(facts), *tables))


def _sources(facts: Facts) -> list[Table]:
    """Where documents came from and by what right, as the project file states it; versions are measured."""
    sources = facts.mapping("sources")
    keys = ("access", "licence", "owner", "files", "documents", "bytes", "version")
    rows = [Row((name, *(item.get(key) for key in keys)), facts.source) for name, item in sources.items()]
    units = {"files": "files", "documents": "documents", "bytes": "bytes", "version": "digest"}
    columns = (Column("source"), *(Column(key, units.get(key, "")) for key in keys))
    note = "Access, licence and owner are as stated in the project file; an empty licence is sought in each document."
    return [Table("Sources, as read", columns, tuple(rows), note=note)] if rows else []


def _composition(facts: Facts) -> Section:
    fields = (
        facts.field("documents read", "counts.input", "input", unit="documents"),
        facts.field("documents in the pile", "documents", "counts.documents", unit="documents"),
        facts.field("distinct texts", "counts.texts", unit="documents"),
        facts.field("for training", "counts.train", unit="documents"),
        facts.field("held out", "counts.held_out", "holdout.documents", "held_out.documents", unit="documents"),
        facts.field("share held out", "holdout.reached", "held_out.share", unit="share"),
    )
    tables = present(
        distribution("By source", "source", facts.mapping("by_source"), facts.source),
        distribution("By language", "language", facts.mapping("by_language"), facts.source),
        distribution("By programming language", "language", facts.mapping("by_code_language"), facts.source),
        distribution("By kind", "kind", facts.mapping("by_kind"), facts.source),
        distribution("Held out by source", "source", facts.mapping("holdout.by_source"), facts.source),
    )
    shown = tuple(item for item in fields if item.value is not None)
    return Section("Composition", shown, tables)


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
        distribution("Redacted", "kind", _spans(facts.mapping("redactions.by_kind")), facts.source),
        distribution("Found in the input", "kind", _spans(facts.mapping("findings")), facts.source),
        _not_done(pile, facts),
    )
    text = "Every document that was read ends in exactly one of these five decisions."
    return Section("Processing", tuple(fields), tables, text=text, stacked=True)


def _detectors(facts: Facts) -> Section:
    """How good the detectors of this version are: the figures that modelwright ships, measured on labelled data."""
    columns = (
        Column("detector"),
        Column("measured on"),
        Column("metric"),
        Column("figure", interval=True),
        Column("items", "items"),
        Column("floor"),
        Column("verdict"),
    )
    rows, measured = [], set()
    for detector in facts.mapping("detectors").values():
        measured.add(f"{detector['measured_at']} with modelwright {detector['versions'].get('modelwright', '?')}")
        for item in detector["figures"]:
            interval = (item["value"], item["low"], item["high"], "")
            floor, verdict = _floor(item)
            cells = (item["detector"], item["measured_on"], item["metric"], interval, item["items"], floor, verdict)
            rows.append(Row(cells, facts.source))
    if not rows:
        return Section("Quality of the detectors")
    text = (
        f"Measured on labelled data that nothing was tuned on, {', '.join(sorted(measured))}; not on this pile. "
        "`modelwright benchmark prepare LABELLED` prints these figures again, with the worst mistakes."
    )
    table = Table("Figures with 95 % intervals", columns, tuple(rows), long=len(rows) > 30)
    return Section("Quality of the detectors", tables=(table,), text=text)


def _floor(figure: Mapping[str, Any]) -> tuple[str, str]:
    """The floor or ceiling in words, and whether it is met."""
    low, high, value = figure["at_least"], figure["at_most"], figure["value"]
    if low is None and high is None:
        return "", ""
    met = (low is None or value >= low) and (high is None or value <= high)
    words = [f"at least {low:g}"] if low is not None else []
    words += [f"at most {high:g}"] if high is not None else []
    return ", ".join(words), "pass" if met else "fail"


def _bytes(counted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"bytes": value} for name, value in counted.items() if value}


def _spans(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of findings, which the facts may hold as `{"documents": n}` from a general count of rows."""
    return {k: {"spans": v.get("documents") if isinstance(v, Mapping) else v} for k, v in counted.items()}


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


def _not_done(pile: Artifact, facts: Facts) -> Table | None:
    """What the settings leave out: a reader must not take silence for a clean result."""
    settings = pile.record.get("settings")
    if not isinstance(settings, Mapping) or not settings:
        return None
    asked = {
        "rules": "documents were judged by rules",
        "redact": "personal data was sought and redacted",
        "dedup": "duplicates were sought",
        "decontaminate": "documents that contain test questions were sought",
    }
    rows = []
    for name, words in asked.items():
        values = [value for key, value in settings.items() if f".{name}" in f".{key}."]
        done = any(value not in (None, [], (), {}, "{}", "null", False) for value in values)
        rows.append(Row((words, "yes" if done else "no"), facts.source))
    return Table("What was asked for", (Column("step"), Column("asked for")), tuple(rows), STATED)


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
