"""What a preparation must add up to, and the facts that are published about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import EmptyResult, IntegrityError, Refused
from modelwright.core.storage import storage_error
from modelwright.formats.findings import counted as rows_by
from modelwright.formats.pile import DECISIONS, strangers
from modelwright.prepare import decontaminate, web_domains
from modelwright.prepare.settings import PileSettings

_REASONS_SHOWN = 3
_FEW_DOCUMENTS = 10

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents
    from modelwright.prepare.run import Decided


def check(documents: pa.Table, table: pa.Table) -> None:
    """Every input document ends in exactly one decision. Raises IntegrityError: a bug, never a user's mistake."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.is_in(table["decision"], value_set=pa.array(DECISIONS))
    problems = {
        "documents without a decision": documents.num_rows - table.num_rows,
        "documents with two decisions": table.num_rows - pc.count_distinct(table["document"]).as_py(),
        "documents that are no input": strangers(table["document"], documents["document"]),
        "rows with an unknown decision": table.num_rows - (pc.sum(known).as_py() or 0),
    }
    for what, count in problems.items():
        if count:
            raise IntegrityError(f"the decisions do not add up: {count} {what}", hint="please report this", value=count)


def check_sizes(documents: pa.Table, expected: Mapping[str, int], sample: float) -> None:
    """A source that lost most of its documents is asked about, not deleted in silence.

    Raises Refused for one with fewer than half of the documents that it had in the version before, from
    _FEW_DOCUMENTS on; not when only a sample is wanted.
    """
    found = rows_by(documents["source"])
    for name, before in expected.items():
        now = found.get(name, before)  # a source that the project no longer names was taken out by hand
        if sample >= 1 and before >= _FEW_DOCUMENTS and now < before / 2:
            raise Refused(
                f"the source {name!r} holds {now} documents; in the last version it held {before}",
                hint=f"if it may shrink: `modelwright run --set run.accept_shrink=[{name}]`",
                value={"source": name, "documents": now, "before": before},
            )


def empty(table: pa.Table, work: Path) -> EmptyResult:
    """The error of an empty pile, with its three largest reasons; the decisions stay readable in the work folder."""
    import pyarrow.parquet as pq

    from modelwright.prepare.decisions import contract

    path = work / "decisions.parquet"
    try:
        pq.write_table(contract(table), path)
    except OSError as error:
        raise storage_error(error, path) from error
    named = [
        f"{row['documents']} {row['decision']} by {row['rule']} ({row['signal']})"
        for row in reasons(table)[:_REASONS_SHOWN]
    ]
    largest = ", ".join(named) or "the sample is empty"
    return EmptyResult(
        f"none of {table.num_rows} documents stays in the pile: {largest}",
        hint=f"loosen the rule that takes most; every decision of this attempt: {path}",
        value=largest,
    )


def so_far(table: pa.Table) -> dict[str, Any]:
    """What a user is told once rules, edits or duplicates are decided: documents, bytes, kept share, top reasons."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stays = pc.sum(pc.is_in(table["decision"], value_set=pa.array(["kept", "changed"]))).as_py() or 0
    named = [(f"{row['rule']}.{row['signal']}", row["documents"]) for row in reasons(table)[:_REASONS_SHOWN]]
    share = stays / max(1, table.num_rows)
    return {
        "documents": table.num_rows,
        "bytes": _sum(table["input_bytes"]),
        "kept_share": share,
        "reasons": [[name.removesuffix(".None"), count] for name, count in named],
    }


def facts(settings: PileSettings, made: Decided) -> dict[str, Any]:
    """Counts of documents and bytes, nested plain JSON; the same rows give the same facts."""
    documents, measured, table, pile = made.documents, made.measured, made.table, made.pile
    counted = _counts(table, ["decision"], "input_bytes")
    return {
        "decisions": {name: counted.get(name, {}).get("documents", 0) for name in DECISIONS},
        "decided_bytes": {name: counted.get(name, {}).get("bytes", 0) for name in DECISIONS},
        "documents": pile.num_rows,
        "bytes": _sum(pile["bytes"]),
        "sources": _sources(settings, documents, table, pile),
        "by_modality": _counts(pile, ["modality"]),
        "by_source": _counts(pile, ["source"]),
        "by_language": _counts(pile, ["language"]),
        "by_code_language": _counts(pile, ["code_language"]),
        "by_kind": _counts(pile, ["kind"]),
        "by_domain": _counts(pile, ["domain"]),
        "by_licence": _counts(pile, ["licence"]),
        "licence": _licence(pile),
        "reasons": reasons(table),
        "redactions": _redactions(made),
        "holdout": _holdout(settings, pile),
        "findings": {kind: {"documents": count} for kind, count in rows_by(measured.findings["kind"]).items()},
        "encodings": _encodings(documents.table),
        "flags": _flags(table),
        "opt_outs": _opt_outs(measured.values),
        "signals": list(measured.signals),
        **decontaminate.facts(settings, made),
        **web_domains.facts(pile),
        "detectors": _detectors(settings, measured.signals),
        **({"sample": settings.sample} if settings.sample < 1 else {}),
    }


def _flags(table: pa.Table) -> dict[str, dict[str, int]]:
    """Documents that stay, and their bytes, by flag; one with two flags counts under both."""
    from modelwright.prepare.decisions import staying

    counted: dict[str, dict[str, int]] = {}
    for names, count in _counts(staying(table, ["flags", "bytes"]), ["flags"]).items():
        for name in () if names == "unknown" else names.split(", "):
            before = counted.get(name, {"documents": 0, "bytes": 0})
            counted[name] = {key: before[key] + count[key] for key in before}
    return counted


def _opt_outs(values: pa.Table) -> dict[str, dict[str, int]]:
    """Documents read that reserve themselves against training, by how they say so."""
    import pyarrow.compute as pc

    if "opt_out" not in values.column_names:
        return {}
    return _counts(values.select(["opt_out"]).filter(pc.is_valid(values["opt_out"])), ["opt_out"], None)


def _encodings(documents: pa.Table) -> dict[str, dict[str, int]]:
    """What texts were converted from; UTF-8 is not listed."""
    import pyarrow.compute as pc

    return _counts(documents.filter(pc.is_valid(documents["encoding"])), ["encoding"])


def _detectors(settings: PileSettings, signals: Sequence[str]) -> dict[str, Any]:
    """How good the detectors are that this version used, as measured by `modelwright benchmark prepare`."""
    from modelwright.core.plugins import plugin_name
    from modelwright.prepare.quality.report import shipped

    return shipped([*signals, *(plugin_name(plugin) or "" for plugin in settings.dedup)])


def _counts(table: pa.Table, by: list[str], size: str | None = "bytes") -> dict[str, dict[str, int]]:
    """Value -> documents (and bytes), the largest first; null is `unknown`."""
    rows = sorted(_groups(table, by, size), key=lambda row: (-row["documents"], str(row[by[0]])))
    named = {" ".join("unknown" if row[name] is None else str(row[name]) for name in by): row for row in rows}
    keys = ("documents", "bytes") if size else ("documents",)
    return {name: {key: int(row[key] or 0) for key in keys} for name, row in named.items()}


def _groups(table: pa.Table, by: list[str], size: str | None) -> list[dict[str, Any]]:
    """Of each group its key, its `documents`, and the sum of the whole numbers in `size` as `bytes`; in no order."""
    sums = [size] if size else []
    found = table.group_by(by).aggregate([([], "count_all"), *((column, "sum") for column in sums)])
    found = found.select([*by, "count_all", *(f"{column}_sum" for column in sums)])
    rows: list[dict[str, Any]] = found.rename_columns([*by, "documents", *(["bytes"] if size else [])]).to_pylist()
    return rows


def _sum(column: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(column).as_py() or 0)


def _sources(settings: PileSettings, documents: Documents, table: pa.Table, pile: pa.Table) -> dict[str, Any]:
    read, kept = _counts(table, ["source"], "input_bytes"), _counts(pile, ["source"])
    nothing = {"documents": 0, "bytes": 0}
    result = {}
    for source in settings.sources:
        inventory = documents.inventories[source.name]
        mine = table.filter(_equal(table["source"], source.name))
        decided = _counts(mine, ["decision"], "input_bytes")
        result[source.name] = {
            "version": inventory.version,
            "files": len(inventory.files),
            "access": source.access,
            "licence": source.licence if isinstance(source.licence, str) else None,
            "owner": source.owner if isinstance(source.owner, str) else None,
            "documents": read.get(source.name, nothing)["documents"],
            "bytes": read.get(source.name, nothing)["bytes"],
            "in_pile": kept.get(source.name, nothing),
            "decisions": {name: decided.get(name, nothing)["documents"] for name in DECISIONS},
        }
    return result


def _equal(column: Any, value: str) -> Any:
    import pyarrow.compute as pc

    return pc.equal(column, value)


def _licence(pile: pa.Table) -> dict[str, Any]:
    """Shares of the documents in the pile; `unknown` counts what is stated nowhere or names no known licence."""
    classes = _counts(pile.set_column(0, "class", pile["licence_class"]), ["class"])
    unknown = classes.get("unknown", {"documents": 0, "bytes": 0})
    return {
        "by_class": classes,
        "unknown_share": unknown["documents"] / pile.num_rows,
        "unknown_share_of_bytes": unknown["bytes"] / max(1, _sum(pile["bytes"])),
    }


def reasons(table: pa.Table) -> list[dict[str, Any]]:
    """What took or changed documents: decision, rule, signal, documents and bytes of input, the largest first."""
    import pyarrow.compute as pc

    rows = _groups(table.filter(pc.is_valid(table["rule"])), ["decision", "rule", "signal"], "input_bytes")
    return sorted(rows, key=lambda row: (-row["documents"], row["rule"], str(row["signal"])))


def _redactions(made: Decided) -> dict[str, Any]:
    """Spans edited by kind, and the documents that they stood in, duplicates removed later included; `residue` is
    what the measurement of the edited texts still finds."""
    left: dict[str, int] = {}
    for item in ",".join(text for text in made.edits["residue"].to_pylist() if text).split(","):
        kind, _, count = item.partition("=")
        if kind:
            left[kind] = left.get(kind, 0) + int(count)
    spans = _sum(made.edits["spans"])
    return {"documents": made.edits.num_rows, "spans": spans, "by_kind": dict(made.spans), "residue": left}


def _holdout(settings: PileSettings, pile: pa.Table) -> dict[str, Any]:
    """The share asked for and the share reached, of documents, for each source and in all."""
    held = _counts(pile.filter(_equal(pile["split"], "held_out")), ["source"])
    every = _counts(pile, ["source"])
    default = settings.holdout["default"]
    by_source = {
        name: {
            "asked": settings.holdout.get(name, default),
            "reached": held.get(name, {"documents": 0})["documents"] / count["documents"],
            "documents": held.get(name, {"documents": 0})["documents"],
            "bytes": held.get(name, {"bytes": 0})["bytes"],
        }
        for name, count in every.items()
    }
    documents = sum(count["documents"] for count in held.values())
    return {"documents": documents, "reached": documents / pile.num_rows, "by_source": by_source}
