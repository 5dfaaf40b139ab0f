"""The fact sheet of a release: its whole chain, phase by phase - what was done, by whom, when, with what result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import (
    MEASURED,
    NOT_APPLICABLE,
    STATED,
    UNKNOWN,
    Card,
    Column,
    Field,
    Row,
    Section,
    Table,
    facts_of,
    finished,
    identity_fields,
    present,
    settings_table,
    stated,
)
from modelwright.govern.cards.format import short
from modelwright.govern.cards.gates import approvals_table, gates_table
from modelwright.govern.cards.rights import said
from modelwright.govern.cards.scores import metric_field, scores_of
from modelwright.govern.cards.taken_down import taken_down
from modelwright.govern.lineage import ancestors, descendants
from modelwright.govern.records import Records
from modelwright.govern.stated import NOTHING, Stated

PHASES = ("prepare", "train", "validate", "tune", "deploy")
SHOWN_DEPLOYMENTS = 3  # the last ones
SHOWN = {
    "pile": (
        ("documents", "documents", "documents"),
        ("text", "bytes", "bytes"),
        *(
            (name, f"decisions.{name}", "documents")
            for name in ("kept", "changed", "dropped", "duplicate", "quarantined")
        ),
        ("licence unknown", "licence.unknown_share", "share"),
    ),
    "tokens": (
        ("tokens", "tokens", "tokens"),
        ("vocabulary", "vocabulary", ""),
        ("documents", "documents", "documents"),
    ),
    "pairs": (("pairs", "pairs", ""), ("held out", "held_out", "")),
    "model": (
        ("architecture", "architecture", ""),
        ("parameters", "parameters", ""),
        ("steps", "steps", ""),
        ("tokens seen", "tokens", "tokens"),
        ("operations", "flops", "flops"),
        ("final loss", "final_loss", ""),
    ),
    "adapter": (
        ("parameters added", "trainable_parameters", ""),
        ("steps", "steps", ""),
        ("replay", "replay_share", "share"),
        ("loss before", "loss_before.examples", ""),
        ("loss after", "loss_after.examples", ""),
    ),
    "scores": (("items", "items", "items"),),
    "export": (("size", "bytes", "bytes"), ("format", "format", "")),
}
"""Which facts of an artifact stand in its phase: (name, path, unit). All of them stand on its own card."""


def fact_sheet(release: Artifact, records: Records, project: str, use: str = "", statements: Stated = NOTHING) -> Card:
    """The fact sheet of `release`, from the ledger alone."""
    known = records.by_ref()
    chain = [known[ref] for ref in ancestors(records, release.ref)]
    chain += [
        item for item in records.artifacts() if item.kind == "scores" and _measures(item, chain) and item not in chain
    ]
    exports = [known[ref] for ref in descendants(records, release.ref)]
    chain = sorted([release, *chain, *exports], key=lambda item: int(item.record.get("seq", 0)))
    refs = [item.ref for item in chain]
    erased, marks = taken_down(release, records)
    sections = (
        Section("Identity", identity_fields(release, records) + _contents(release)),
        erased,
        Section("Use case", _use_case(project, use, statements)),
        Section("Decisions", _approved(release), present(gates_table(records, refs), approvals_table(records, refs))),
        *_phases(chain, records),
        Section("Planned and actual", tables=present(_planned(chain))),
        Section("Exports and deployments", _deployments(release, exports, records)),
        Section("Attempts that failed", tables=present(_failures(records, release))),
        Section("Made with", tables=present(_versions(chain))),
        Section("Settings", tables=present(settings_table(release))),
    )
    experimental = release.facts.get("experimental")
    state = ("experimental",) if experimental else ("released",) if experimental is False else ()
    return finished(
        Card(
            "fact sheet", release.ref, f"{project} · {release.ref}", release.digest, project,
            _summary(release, experimental), (*state, *marks), _headline(release, chain, records), sections,
        ),
        records,
    )  # fmt: skip


def _measures(scores: Artifact, chain: list[Artifact]) -> bool:
    return scores.record.get("of") in {item.ref for item in chain if item.kind in ("model", "adapter")}


def _summary(release: Artifact, experimental: Any) -> str:
    subject = release.facts.get("subject")
    what = subject.get("ref") if isinstance(subject, Mapping) else None
    made = f"A release of {what}." if what else "A release."
    if experimental:
        return f"{made} It is experimental: not every gate said pass, and the policy allows that."
    return f"{made} It met every gate that was set." if release.facts.get("gates") else f"{made} No gate was set."


def _headline(release: Artifact, chain: list[Artifact], records: Records) -> tuple[Field, ...]:
    verdicts = release.facts.get("gates")
    seq = release.record.get("seq")
    found: list[Field | None] = []
    if isinstance(verdicts, list) and verdicts:
        passed = sum(1 for item in verdicts if isinstance(item, Mapping) and item.get("verdict") == "pass")
        found.append(Field("gates passed", f"{passed} of {len(verdicts)}", source=seq))
    else:
        found.append(Field("gates passed", None, kind=NOT_APPLICABLE, note="none was set"))
    subject = release.facts.get("subject")
    scores = scores_of(records, str(subject.get("ref"))) if isinstance(subject, Mapping) else []
    found += [metric_field(scores, name, name.replace("_", " ")) for name in ("bits_per_byte", "gain", "forgetting")]
    seconds = [item.record.get("seconds") for item in chain if isinstance(item.record.get("seconds"), (int, float))]
    found.append(Field("time, all steps", sum(seconds), "seconds", source=seq) if seconds else None)
    return tuple(item for item in found if item)


def _contents(release: Artifact) -> tuple[Field, ...]:
    facts = facts_of(release)
    fields = []
    for role in ("subject", "model", "adapter"):
        named = facts.get(role)
        if isinstance(named, Mapping):
            fields.append(Field(role, named.get("ref"), source=facts.source))
            fields.append(Field(f"digest of the {role}", named.get("digest"), "digest", source=facts.source))
        elif role == "adapter":
            fields.append(Field(role, None, kind=NOT_APPLICABLE, note="the model is released as it is"))
    return tuple(fields)


def _use_case(project: str, use: str, statements: Stated) -> tuple[Field, ...]:
    return (
        stated("project", project),
        stated("purpose", use, note="from the project file"),
        said(statements, "provider", "provider.name"),
        stated("owner", ""),
        stated("risk class", ""),
        stated("alternatives considered", ""),
    )


def _approved(release: Artifact) -> tuple[Field, ...]:
    by = release.facts.get("approved_by")
    seq = release.record.get("seq")
    if isinstance(by, list) and by:
        return (Field("approved by", ", ".join(str(item) for item in by), kind=STATED, source=seq),)
    return (Field("approved by", None, kind=UNKNOWN),)


def _phases(chain: list[Artifact], records: Records) -> list[Section]:
    return [
        Section(f"{phase.capitalize()}: {item.ref}", _made(item, records))
        for phase in PHASES
        for item in chain
        if item.record.get("stage") == phase
    ]


def _made(item: Artifact, records: Records) -> tuple[Field, ...]:
    """One artifact of a phase: what, from what, when, by which key, and its first measures."""
    facts = facts_of(item)
    origin = ", ".join(str(parent.get("ref")) for parent in item.parents)
    reason = item.record.get("reason")
    fields = [
        Field("digest", item.digest, "digest", source=facts.source),
        Field("made from", origin or "sources outside the project", source=facts.source),
        Field("made at", item.made_at, "time", source=facts.source),
        Field("recorded by", ", ".join(records.entry(item).keyids), "digest", source=facts.source),
    ]
    if reason:
        fields.append(Field("why it ran", reason, source=facts.source))
    if item.record.get("of"):
        fields.append(Field("measured on", item.record["of"], source=facts.source))
    fields += [facts.field(name, path, unit=unit) for name, path, unit in SHOWN.get(item.kind, ())]
    metrics = facts.mapping("metrics")
    measured = (metric_field([item], name, name.replace("_", " ")) for name in metrics)
    return tuple(field for field in [*fields, *measured] if field and field.value is not None)


def _planned(chain: list[Artifact]) -> Table | None:
    rows = []
    for item in chain:
        estimate = item.record.get("estimate")
        planned: Mapping[str, Any] = estimate if isinstance(estimate, Mapping) else {}
        cells = (
            item.ref,
            planned.get("seconds"),
            item.record.get("seconds"),
            item.record.get("cpu_seconds"),
            planned.get("basis"),
        )
        rows.append(Row(cells, item.record.get("seq")))
    columns = (
        Column("step"),
        Column("planned", "seconds"),
        Column("taken", "seconds", bar=True),
        Column("processor", "seconds"),
        Column("basis of the plan"),
    )
    return Table("Time per step", columns, tuple(rows)) if rows else None


def _deployments(release: Artifact, exports: list[Artifact], records: Records) -> tuple[Field, ...]:
    fields = [Field(item.ref, item.digest, "digest", MEASURED, item.record.get("seq")) for item in exports]
    started = records.about(release.ref, "deployment")
    if started:
        fields.append(Field("times it was started", len(started), source=started[-1].seq))
    for entry in started[-SHOWN_DEPLOYMENTS:]:
        fields.append(Field("deployment", f"{entry.get('url')}, since {short(entry.at, 'time')}", source=entry.seq))
    return tuple(fields) or (Field("exports and deployments", None, kind=UNKNOWN, note="none is on record"),)


def _failures(records: Records, release: Artifact) -> Table | None:
    before = [entry for entry in records.of_kind("failed") if entry.seq < int(release.record.get("seq", 0))]
    rows = tuple(
        Row((entry.get("key") or entry.get("kind"), entry.get("error"), entry.get("message"), entry.at), entry.seq)
        for entry in before
    )
    columns = (Column("step"), Column("error"), Column("message"), Column("at", "time"))
    return Table("Failed attempts", columns, rows, long=len(rows) > 10) if rows else None


def _versions(chain: list[Artifact]) -> Table | None:
    """Versions by artifact, a column for each name, when they differ; one row when they are the same."""
    seen: dict[str, tuple[list[str], int | None]] = {}
    for item in chain:
        versions = item.record.get("versions")
        if isinstance(versions, Mapping) and versions:
            text = ", ".join(f"{name} {value}" for name, value in sorted(versions.items()))
            seen.setdefault(text, ([], item.record.get("seq")))[0].append(item.ref)
    rows = tuple(Row((", ".join(refs), text), seq) for text, (refs, seq) in seen.items())
    return Table("Versions", (Column("artifacts"), Column("versions")), rows) if rows else None
