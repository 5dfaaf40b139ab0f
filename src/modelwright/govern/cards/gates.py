"""Gates and approvals as tables: verdicts as recorded, decisions as signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.govern.cards.card import STATED, Column, Row, Table
from modelwright.govern.records import Records

SHARES = ("gain", "forgetting", "share")  # what ends so is a part of one, printed in per cent
_SKIPPED = ("gate", "on", "settings", "verdict", "reason", "value", "low", "high", "condition")


def gates_table(records: Records, refs: Iterable[str]) -> Table | None:
    """Every verdict on one of `refs`, in order; None when none was given."""
    wanted = set(refs)
    rows = [_row(entry) for entry in records.gates() if entry.get("artifact") in wanted]
    columns = (
        Column("gate"),
        Column("subject"),
        Column("value", interval=True),
        Column("verdict"),
        Column("why"),
    )
    return Table("Gates", columns, tuple(rows)) if rows else None


def _row(entry: Mapping[str, Any]) -> Row:
    verdict = entry.get("verdict")
    said: Mapping[str, Any] = verdict if isinstance(verdict, Mapping) else {"verdict": verdict}
    low, high = said.get("low"), said.get("high")
    if isinstance(said.get("interval"), (list, tuple)) and len(said["interval"]) == 2:
        low, high = said["interval"]
    name = said.get("gate") or entry.get("gate")
    value = (said.get("value"), low, high, "share" if str(name).endswith(SHARES) else "")
    why = said.get("reason") or "; ".join(f"{key} {item}" for key, item in said.items() if key not in _SKIPPED)
    return Row((name, entry.get("artifact"), value, said.get("verdict"), why), entry.get("seq"))


def approvals_table(records: Records, refs: Iterable[str]) -> Table | None:
    """Every signed decision on one of `refs`; None when there is none."""
    wanted = set(refs)
    decisions = [item for item in records.approvals() if item.get("artifact", item.get("ref")) in wanted]
    rows = tuple(
        Row(
            (
                item.get("artifact", item.get("ref")),
                item.get("gate"),
                "approved" if item.get("approved") else "rejected",
                item.get("reason") or item.get("comment"),
                item.get("key"),
                item.get("at"),
            ),
            item.get("seq"),
        )
        for item in decisions
    )
    columns = (
        Column("subject"),
        Column("gate"),
        Column("decision"),
        Column("reason"),
        Column("signed by", "digest"),
        Column("at", "time"),
    )
    return Table("Approvals", columns, rows, STATED) if rows else None
