"""What changed settings would do to the pile, told from measurements that are there; nothing is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.formats.findings import counted
from modelwright.formats.pile import DECISIONS

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.run import Decided

MOVED_SHOWN = 20
BY = ("source", "language", "licence", "rule")


def what_if(made: Decided, before: pa.Table | None, tokens: pa.Table | None = None) -> dict[str, Any]:
    """The object `what_if` of `plan --json`: what would stand in the pile, and how that differs from now.

    before  the table of decisions of the current version, None when there is none
    tokens  (document, tokens) of that version's training split, None when none were made
    Counts and bytes are exact. `tokens` counts known documents as they were encoded and the rest by their bytes;
    `moved` is a sample, the same each time, of the documents whose decision changes; `by_source`, `by_language`,
    `by_licence` and `by_rule` list {value, from, to, documents, bytes} of all that move.
    """
    counted = numbers(made)
    moved = _moved(made, before) if before is not None else None
    shown: list[dict[str, Any]] = []
    groups: dict[str, list[dict[str, Any]]] = {}
    if moved is not None:
        first = (
            moved.sort_by("document").slice(0, MOVED_SHOWN).select(["document", "origin", "was", "decision", "rule"])
        )
        shown = first.rename_columns(["document", "origin", "from", "to", "rule"]).to_pylist()
        groups = {f"by_{name}": _grouped(moved, name) for name in BY}
    return {**counted, **estimated_tokens(made, tokens), "moved": shown, **groups}


def numbers(made: Decided) -> dict[str, Any]:
    """Documents by decision (quarantined apart), and the bytes that would stand in the pile."""
    import pyarrow.compute as pc

    found = counted(made.table["decision"])
    numbered = {name: found.get(name, 0) for name in DECISIONS if name != "quarantined"}
    return {**numbered, "bytes": int(pc.sum(made.pile["bytes"]).as_py() or 0)}


def estimated_tokens(made: Decided, tokens: pa.Table | None) -> dict[str, Any]:
    """{tokens, tokens_basis} of the training split; tokens is None where none were ever made."""
    import pyarrow.compute as pc

    if tokens is None or not tokens.num_rows:
        return {"tokens": None, "tokens_basis": "unknown until tokens are made"}
    train = made.pile.filter(pc.equal(made.pile["split"], "train"))
    known = tokens["tokens"].take(pc.index_in(train["document"], value_set=tokens["document"].combine_chunks()))
    bytes_known = int(pc.sum(train["bytes"].filter(pc.is_valid(known))).as_py() or 0)
    counted = int(pc.sum(known).as_py() or 0)
    rest = int(pc.sum(train["bytes"]).as_py() or 0) - bytes_known
    ratio = counted / bytes_known if bytes_known else 0.3
    basis = f"{bytes_known / max(1, bytes_known + rest):.0%} as encoded, the rest at {ratio:.3f} tokens a byte"
    return {"tokens": counted + round(rest * ratio), "tokens_basis": basis}


def _moved(made: Decided, before: pa.Table) -> pa.Table:
    """The documents whose decision would be another: document, origin, was, decision, bytes and the columns BY."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = made.table
    was = before["decision"].take(pc.index_in(table["document"], value_set=before["document"].combine_chunks()))
    columns = {name: table[name] for name in ("document", "origin", "source", "decision", "rule")}
    values = made.measured.values
    columns |= {name: values[name] for name in ("language", "licence")}
    columns |= {"was": was, "bytes": table["input_bytes"]}
    return pa.table(columns).filter(pc.fill_null(pc.not_equal(was, table["decision"]), False))


def _grouped(moved: pa.Table, name: str) -> list[dict[str, Any]]:
    rows = moved.group_by([name, "was", "decision"]).aggregate([("document", "count"), ("bytes", "sum")]).to_pylist()
    found = [
        {
            "value": "none" if row[name] is None else row[name],
            "from": row["was"],
            "to": row["decision"],
            "documents": row["document_count"],
            "bytes": row["bytes_sum"],
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row["documents"], str(row["value"]), row["from"], row["to"]))
