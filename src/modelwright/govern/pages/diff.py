"""What differs between two versions of the pile, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import short
from modelwright.govern.pages import charts, page
from modelwright.govern.pages.names import known
from modelwright.govern.pages.samples import sample

Data = Mapping[str, Any]

WAYS = {"in": ("came in", "in"), "out": ("went out", "went"), "changed": ("changed", "altered")}
_GROUPS = {
    "source": "By source", "language": "By language", "code_language": "By programming language",
    "licence": "By licence", "kind": "By kind of text",
}  # fmt: skip
_ROWS = 12


def diff_page(data: Data) -> str:
    """The page from what `project.report.diff_data` gathered."""
    before, after = data["versions"]
    reasons = _table(data["by_reason"], "reason")
    groups = [
        Markup("<div><h3>{}</h3>{}</div>").format(title, _table(data[f"by_{name}"], name))
        for name, title in _GROUPS.items()
        if any(row[name] != "unknown" for row in data[f"by_{name}"])
    ]
    grid = Markup('<div class="columns">{}</div>').format(Markup("").join(groups))
    key = page.legend(*((style, name) for name, style in WAYS.values()))
    sections = [
        page.section("reasons", "Why", "The decision of the version that does not hold the document.", reasons),
        page.section("where", "Where", "", *((grid,) if groups else ())),
        page.section("samples", "Documents", _SAMPLES, _samples(data)),
    ]
    head = _tiles(data) + (key if data["by_reason"] else Markup(""))
    foot = Markup('{} has the digest <span class="mono">{}</span>, {} <span class="mono">{}</span>.').format(
        before["pile"], before["digest"], after["pile"], after["digest"]
    )  # fmt: skip
    title = f"{data['project']} · {data['from']} → {data['to']}"
    return page.page("pile diff", title, _summary(data), head, sections, foot)


_SAMPLES = (
    "The first of each way, with the beginnings of their texts. What may be personal stands as <KIND>, what offends is "
    "not shown."
)


def _summary(data: Data) -> Markup:
    told = [
        f"{short(data[way]['documents'], 'documents')} {name}"
        for way, (name, _) in WAYS.items()
        if data[way]["documents"]
    ]
    if not told:
        return escape(f"{data['from']} and {data['to']} hold the same documents with the same texts.")
    return escape(f"From {data['from']} to {data['to']} {', '.join(told)}.")


def _tiles(data: Data) -> Markup:
    items = []
    for way, (name, _) in WAYS.items():
        counts = data[way]
        tokens = "" if counts["tokens"] is None else f" · {counts['tokens']:,} tokens"
        items.append((short(counts["documents"]), f"documents {name}", f"{short(counts['bytes'], 'bytes')}{tokens}"))
    net = data["in"]["documents"] - data["out"]["documents"]
    items.append((f"{net:+,}".replace("-", "−") if net else "0", "documents more or fewer", ""))
    return page.tiles(items)


def _table(rows: Sequence[Data], name: str) -> Markup:
    """One line a value and way, the largest first, with a bar in the colour of the way."""
    most = max((row["documents"] for row in rows), default=0)
    lines = []
    for row in rows:
        way, style = WAYS[row["change"]]
        counts = (charts.bar(row["documents"], most, style), row["documents"], page.amount(row["bytes"], "bytes"))
        lines.append((known(name, row[name]), way, *counts))
    columns = (name.replace("_", " "), "way", "", "documents", "bytes")
    rest = page.table(columns, lines[_ROWS:], columns[3:])
    return page.table(columns, lines[:_ROWS], columns[3:]) + page.details(
        f"{len(lines) - _ROWS} more", rest, under=True
    )


def _samples(data: Data) -> Markup:
    style = {"in": "", "out": "out", "changed": "changed"}
    sides = []
    for way, (name, _) in WAYS.items():
        rows = [row for row in data["samples"] if row["change"] == way]
        shown = Markup("").join(sample(style[way], row["reason"], row) for row in rows)
        if rows:
            sides.append(Markup("<div><h3>{}</h3>{}</div>").format(name.capitalize(), shown))
    return Markup('<div class="columns">{}</div>').format(Markup("").join(sides)) if sides else Markup("")
