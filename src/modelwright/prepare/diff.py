"""Two versions of the pile side by side. Chunks that both share are not read: the cost follows the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelwright.formats.pile import METADATA

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader

SAMPLES = 20
BY = ("source", "language", "code_language", "licence", "kind")
_KEYS = ("document", "source", "origin")
_SHOWN = (*_KEYS, *(name for name in BY if name != "source"), "bytes")


def diff(
    before: PileReader, after: PileReader, tokens: tuple[pa.Table | None, pa.Table | None] = (None, None)
) -> dict[str, Any]:
    """What came in, went out and changed from one version to another: the contract's object of `pile diff`.

    tokens  (document, tokens) of the earlier and the later version, None where none were made
    `in`, `out`, `changed`: {documents, bytes, tokens}, of the version that holds them (the later for changed).
    `by_reason`, `by_source` ... list {value, change, documents, bytes}; `samples` names up to SAMPLES documents a way.
    """
    import pyarrow as pa

    old, new = _apart(before, after, "documents"), _apart(after, before, "documents")
    came, went = _only_in(new, old), _only_in(old, new)
    decided = ("document", "decision", "rule", "signal")
    was, now = _apart(before, after, "decisions", decided), _apart(after, before, "decisions", decided)
    parts = {
        "in": _with_reason(came, "in", _reasons(came, was, "new in the sources", "was ")),
        "out": _with_reason(went, "out", _reasons(went, now, "no longer in the sources", "now ")),
        "changed": _changed(old, new),
    }
    every = pa.concat_tables(parts.values())
    counted = {"in": tokens[1], "out": tokens[0], "changed": tokens[1]}
    sums = {
        name: {"documents": part.num_rows, "bytes": _sum(part["bytes"]), "tokens": _tokens(part, counted[name])}
        for name, part in parts.items()
    }
    groups = {f"by_{name}": _grouped(every, name, ("change", name)) for name in BY}
    samples = [row for part in parts.values() for row in part.drop(["bytes"]).slice(0, SAMPLES).to_pylist()]
    return {
        "from": before.pile,
        "to": after.pile,
        **sums,
        "by_reason": _grouped(every, "reason", ("change", "reason")),
        **groups,
        "samples": samples,
    }


def _apart(one: PileReader, other: PileReader, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a table that stand in chunks which the other version does not have."""
    shared = {chunk.key for chunk in other.record.tables[name].chunks}
    chunks = [chunk for chunk in one.record.tables[name].chunks if chunk.key not in shared]
    return one.table(name, columns, chunks)


def _only_in(one: pa.Table, other: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    known = pc.is_in(one["document"], value_set=other["document"].combine_chunks())
    return one.filter(pc.invert(known)).select(_SHOWN)


def _reasons(rows: pa.Table, decisions: pa.Table, absent: str, verb: str) -> pa.Array:
    """Why each document is not in the other version, from that version's decisions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = decisions.take(pc.index_in(rows["document"], value_set=decisions["document"].combine_chunks()))
    by = pc.if_else(pc.is_null(found["rule"]), "", pc.binary_join_element_wise(" by ", found["rule"], ""))
    signal = pc.if_else(pc.is_null(found["signal"]), "", pc.binary_join_element_wise(" (", found["signal"], ")", ""))
    reason = pc.binary_join_element_wise(pa.scalar(verb), found["decision"], by, signal, "")
    return pc.fill_null(reason, absent)


def _changed(old: pa.Table, new: pa.Table) -> pa.Table:
    """Documents of both versions whose text, split or metadata differ; the reason names which."""
    import pyarrow.compute as pc

    both = new.filter(pc.is_in(new["document"], value_set=old["document"].combine_chunks()))
    was = old.take(pc.index_in(both["document"], value_set=old["document"].combine_chunks()))
    marks = []
    for column in ("digest", "split", *(name for name in METADATA if name != "bytes")):
        one, other = both[column].combine_chunks(), was[column].combine_chunks()
        neither = pc.and_(pc.is_null(one), pc.is_null(other))
        same = pc.or_(neither, pc.fill_null(pc.equal(one, other), False))
        marks.append(pc.if_else(same, "", "text, " if column == "digest" else f"{column}, "))
    # Not null_handling="skip": pyarrow 25 leaves out rows whose values are all null, without a word.
    reason = pc.utf8_rtrim(pc.binary_join_element_wise(*marks, ""), ", ")
    differs = pc.not_equal(reason, "")
    told = pc.binary_join_element_wise("other ", reason.filter(differs), "")
    return _with_reason(both.filter(differs).select(_SHOWN), "changed", told)


def _with_reason(rows: pa.Table, change: str, reasons: Any) -> pa.Table:
    import pyarrow as pa

    table = rows.append_column("change", pa.repeat(pa.scalar(change), rows.num_rows))
    return table.append_column(pa.field("reason", pa.string()), reasons)


def _grouped(rows: pa.Table, name: str, by: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row a value and direction, the largest first; null is `unknown`."""
    grouped = rows.group_by(list(by)).aggregate([("document", "count"), ("bytes", "sum")]).to_pylist()
    found = [
        {
            name: "unknown" if row[name] is None else row[name],
            "change": row["change"],
            "documents": row["document_count"],
            "bytes": row["bytes_sum"],
        }
        for row in grouped
    ]
    return sorted(found, key=lambda row: (-row["documents"], str(row[name]), row["change"]))


def _tokens(rows: pa.Table, tokens: pa.Table | None) -> int | None:
    """Tokens of the documents in training; None when none were made of the version that holds them."""
    import pyarrow.compute as pc

    if tokens is None:
        return None
    mine = pc.is_in(tokens["document"], value_set=rows["document"].combine_chunks())
    return _sum(tokens["tokens"].filter(mine))


def _sum(column: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(column).as_py() or 0)
