"""Documents on a page: what became of them and why, where they came from, how their texts begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import short

Data = Mapping[str, Any]

OUTCOMES = {
    "kept": "kept as it was",
    "changed": "kept, edited",
    "dropped": "dropped",
    "duplicate": "duplicate",
    "quarantined": "unreadable",
}
STYLES = {"dropped": "out"}
"""Decision -> class of a sample, where it is another."""


def words(name: str) -> str:
    """The name of a column or a signal, for reading."""
    return name.replace("_", " ")


def outcome(row: Data) -> tuple[str, str]:
    """What became of the documents of a row of the flow, and its colour."""
    decision, rule = row["decision"], row["rule"]
    if decision in ("kept", "changed"):
        return OUTCOMES[decision], decision
    verb = {"dropped": "dropped by", "duplicate": "duplicates,", "quarantined": "unreadable,"}[decision]
    return f"{verb} {rule or '?'}", decision


def brief(origin: str) -> str:
    """An origin that fits a cell: digests are cut, long paths lose their middle."""
    name, mark, digest = origin.rpartition("#")
    if mark and len(digest) >= 32:
        origin = f"{name}#{digest[:10]}…"
    return origin if len(origin) <= 64 else f"{origin[:30]}…{origin[-32:]}"


def reason(row: Data) -> str:
    """Why a document was decided as it was, with the value and the threshold."""
    if row["decision"] in ("kept", "changed"):
        what = f"{OUTCOMES[row['decision']]} by {row['rule']}" if row["rule"] else OUTCOMES[row["decision"]]
        return f"{what} · {row['of']:,} documents of this source stay"
    value = row["value"] if row["value"] is not None else row["value_text"]
    told = f"{words(row['signal'] or '')} {short(value) if not isinstance(value, str) else value}".strip()
    limit = f", threshold {row['threshold']}" if row["threshold"] else ""
    return f"{outcome(row)[0]}: {told}{limit} · so are {row['of']:,} documents"


def sample(style: str, title: str, row: Data) -> Markup:
    """A document with what is said of it and the beginning of its text."""
    text = escape(row["excerpt"])
    if row["excerpt"] is None:
        text = Markup('<span class="absent">{}</span>').format(row["note"])
    return Markup('<div class="sample {}"><b>{}</b><small>{} · {}</small><p dir="auto">{}</p></div>').format(
        style, title, row["source"], brief(row["origin"]), text
    )
