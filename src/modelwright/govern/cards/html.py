"""A card as one HTML page that asks for nothing outside itself: inline style, inline pictures, no script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.card import ABSENT, BLANK, MEASURED, NUMERIC, STATED, Card, Column, Field, Row, Table
from modelwright.govern.cards.format import exact, short

ROWS_SEEN = 8
_TEMPLATES = Path(__file__).parent / "templates"
_BREAK = re.compile(r"([a-z0-9][._/-])(?=[a-z])")
_SIGNS = {"pass": "✓ ", "fail": "✕ ", "inconclusive": "? ", "approved": "✓ ", "rejected": "✕ "}


def html(card: Card) -> str:
    """The whole page. Every text on it is escaped: names of sources and messages come from anywhere."""
    css = Markup((_TEMPLATES / "card.css").read_text(encoding="utf-8"))  # our own file, not anyone's text
    return str(_template().render(card=card, css=css))


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        field_value=field_value, field_range=field_range, stack=stack, cells=cells, head_class=_head_class, short=short,
        drawn=drawn, told=told, untold=untold, absent_words=ABSENT[BLANK], first_rows=first_rows,
        further_rows=further_rows,
    )  # fmt: skip
    return environment.get_template("card.html")


def told(fields: Sequence[Field]) -> list[Field]:
    """The fields that get a line of their own: all but blanks that are named together below."""
    together = set(untold(fields))
    return [field for field in fields if field.name not in together]


def untold(fields: Sequence[Field]) -> list[str]:
    """Names of blank fields, where there are several: one line says of all of them that nobody stated it."""
    names = [field.name for field in fields if field.kind == BLANK and not field.note]
    return names if len(names) > 1 else []


def first_rows(table: Table) -> Sequence[Row]:
    """The rows that are seen at once; the others are folded, so that a card is read in a minute."""
    return table.rows[: len(table.rows) - len(further_rows(table))]


def further_rows(table: Table) -> Sequence[Row]:
    return table.rows[ROWS_SEEN:] if not table.long and len(table.rows) > ROWS_SEEN + 3 else ()


def drawn(table: Table, index: int) -> bool:
    """Whether a column is followed by one with drawings: bars, or intervals where a row has one."""
    column = table.columns[index]
    return column.bar or (column.interval and any(row.cells[index][1] is not None for row in table.rows))


def field_value(field: Field, with_unit: bool = True) -> Markup:
    """A field's value: linked to its event when measured, in italics when stated, in words when absent."""
    if field.kind in ABSENT:
        return Markup('<span class="absent">{}</span>').format(ABSENT[field.kind])
    return _value(field.value, field.unit, field.source, field.kind, with_unit)


def field_range(field: Field) -> str:
    return f"{short(field.low, field.unit)} to {short(field.high, field.unit)}"


def _value(value: Any, unit: str, source: int | None, kind: str, with_unit: bool = True) -> Markup:
    if value is None or value == "":
        return Markup("")
    # Strings of escaped parts: a card has thousands of values, and `Markup.format` takes ten times as long.
    whole = exact(value, unit)
    title = f' title="{escape(whole)}"' if whole else ""
    mono = "mono" if unit == "digest" or (isinstance(value, str) and short(value) != value) else ""
    number = "" if isinstance(value, str) else "num"
    names = " ".join(
        name for name in ("from" if source else "", "stated" if kind == STATED else "", mono or number) if name
    )
    shown = escape(short(value, unit, with_unit=with_unit))
    if isinstance(value, str) and len(shown) > 16 and not mono:
        shown = Markup(_BREAK.sub("\\1<wbr>", str(shown)))  # long names may break after a dot, dash or underscore
    if source is not None and kind == MEASURED:
        return Markup(f'<a class="{names}" href="#event-{source}"{title}>{shown}</a>')
    return Markup(f'<span class="{names.replace("from", "").strip()}"{title}>{shown}</span>')


def cells(table: Table, row: Row) -> Markup:
    """The `<td>`s of a row, with what is drawn beside the numbers."""
    parts: list[Markup] = []
    for index, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True)):
        if column.interval:
            parts += _interval_cells(table, index, cell, row)
            continue
        name = f' class="{_cell_class(column, cell)}"' if _cell_class(column, cell) else ""
        parts.append(Markup(f"<td{name}>{_cell(column, cell, row, table, first=index == 0)}</td>"))
        if column.bar:
            parts.append(Markup('<td class="drawn">{}</td>').format(_bar(cell, _column(table, index))))
    return Markup("").join(parts)


def _cell(column: Column, cell: Any, row: Row, table: Table, *, first: bool) -> Markup:
    if column.name in ("verdict", "decision") and isinstance(cell, str):
        return Markup('<span class="verdict {}">{}{}</span>').format(cell, _SIGNS.get(cell, ""), cell.replace("_", " "))
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    linked = row.source if number or column.unit == "digest" or column.name == "value" else None
    if first and not number:
        return _value(cell, column.unit, None, MEASURED)
    return _value(cell, column.unit, linked, table.kind, with_unit=False)


def _interval_cells(table: Table, index: int, cell: Any, row: Row) -> list[Markup]:
    value, low, high, unit = cell
    text = _value(value, unit, row.source, MEASURED)
    if low is not None and high is not None:
        text += Markup('<br><span class="range">{} to {}</span>').format(short(low, unit), short(high, unit))
    same_scale = "by" in table.title.split()
    others = _column(table, index) if same_scale else [cell]
    shown = Markup('<td class="n">{}</td>').format(text)
    if not drawn(table, index):
        return [shown]
    return [shown, Markup('<td class="drawn">{}</td>').format(_whisker(value, low, high, others))]


def _column(table: Table, index: int) -> list[Any]:
    return [row.cells[index] for row in table.rows]


def _bar(value: Any, values: Sequence[Any]) -> Markup:
    largest = max((item for item in values if isinstance(item, (int, float))), default=0)
    if not isinstance(value, (int, float)) or largest <= 0:
        return Markup("")
    width = max(0.4, 100 * value / largest) if value > 0 else 0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="10"/><rect width="{:.2f}" height="10"/></svg>'
    ).format(width)


def _whisker(value: Any, low: Any, high: Any, scale: Iterable[Sequence[Any]]) -> Markup:
    """An interval as a line with its value as a tick, on one scale for a table of slices; zero is drawn when inside."""
    points = [float(point) for item in scale for point in item[:3] if isinstance(point, (int, float))]
    if not isinstance(value, (int, float)) or not points or low is None or high is None:
        return Markup("")
    start, end = min(points), max(points)
    if start < 0 < end or max(abs(start), abs(end)) > 3 * (end - start) > 0:
        margin = (end - start) * 0.06
    else:
        start, end, margin = min(start, 0.0), max(end, 0.0), abs(end - start) * 0.03
    start, end = start - margin, end + margin
    width = (end - start) or 1.0

    def at(point: float) -> str:
        return f"{100 * (point - start) / width:.2f}"

    zero = f'<line class="zero" x1="{at(0)}" x2="{at(0)}" y1="0" y2="16"/>' if start <= 0 <= end else ""
    return Markup(
        f'<svg class="whisker" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">'
        f'<line class="axis" x1="0" x2="100" y1="8" y2="8"/>{zero}'
        f'<line x1="{at(low)}" x2="{at(high)}" y1="8" y2="8"/>'
        f'<line x1="{at(low)}" x2="{at(low)}" y1="5" y2="11"/><line x1="{at(high)}" x2="{at(high)}" y1="5" y2="11"/>'
        f'<line x1="{at(value)}" x2="{at(value)}" y1="2" y2="14" style="stroke-width:3"/></svg>'
    )


def stack(fields: Sequence[Field]) -> Markup:
    """Fields' values as one divided bar with a legend; without values only the legend says so."""
    total = sum(field.value for field in fields if isinstance(field.value, (int, float)))
    parts, items, left = Markup(""), Markup(""), 0.0
    for field in fields:
        share = field.value / total if total and isinstance(field.value, (int, float)) else 0.0
        name = field.name if field.name.isidentifier() else ""
        parts += Markup('<rect class="{}" x="{:.3f}" width="{:.3f}" height="10"/>').format(name, left, 100 * share)
        left += 100 * share
        percent = f" ({short(share, 'share')})" if total and field.value is not None else ""
        items += Markup('<li><i class="{}"></i>{} {}{}</li>').format(name, field.name, field_value(field), percent)
    bar = Markup(
        '<svg class="stack" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(parts)
    return (bar if total else Markup("")) + Markup('<ul class="legend">{}</ul>').format(items)


def _head_class(column: Column) -> Markup:
    return Markup(' class="n"') if column.unit in NUMERIC or column.interval or column.bar else Markup("")


def _cell_class(column: Column, cell: Any) -> str:
    if column.unit in NUMERIC or (
        isinstance(cell, (int, float)) and not isinstance(cell, bool) and column.name != "value"
    ):
        return "n"
    return "nowrap" if column.unit == "time" or column.name in ("verdict", "decision", "subject") else ""
