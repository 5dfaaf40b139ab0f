"""A card as Markdown: the same values, with their events, readable as plain text."""

from __future__ import annotations

import re
from typing import Any

from modelwright.govern.cards.card import ABSENT, NUMERIC, STATED, Card, Column, Field, Row, Section, Table
from modelwright.govern.cards.format import exact, short

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def markdown(card: Card) -> str:
    """The whole card as GitHub-flavoured Markdown. Text is escaped, so that a name cannot become markup."""
    marks = "".join(f" ({mark})" for mark in card.marks)
    lines = [f"# {_text(card.title)}{marks}", "", f"*{card.kind.capitalize()}.* {_text(card.summary)}", ""]
    lines += [f"- **{_text(field.name)}**: {_field(field)}" for field in card.headline]
    for section in card.sections:
        lines += ["", f"## {_text(section.title)}", "", *_section(section)]
    lines += ["", "## Where the numbers come from", ""]
    lines += [
        "A number in brackets names the signed event that holds the value. *Italics*: stated by a person.",
        "",
        "| event | kind | about | recorded at | digest of the event | signed by |",
        "|---:|---|---|---|---|---|",
    ]
    lines += [
        f"| {s.seq} | {s.kind} | {_text(s.about)} | {short(s.at, 'time')} | `{s.digest}` | `{s.key[:12]}` |"
        for s in card.sources
    ]
    lines += ["", f"Digest of {card.ref}: `{card.digest}`. `modelwright verify {card.ref}` checks it.", ""]
    return "\n".join(lines)


def _section(section: Section) -> list[str]:
    lines = [_text(section.text), ""] if section.text else []
    if section.fields:
        lines += ["| | |", "|---|---|"]
        lines += [f"| {_text(field.name)} | {_field(field)} |" for field in section.fields]
        lines.append("")
    for table in section.tables:
        lines += [f"### {_text(table.title)}", ""] if table.title != section.title else []
        lines += [*_table(table), ""]
    return lines[:-1] if lines and not lines[-1] else lines


def _field(field: Field) -> str:
    if field.kind in ABSENT:
        return f"– ({ABSENT[field.kind]}{'; ' + _text(field.note) if field.note else ''})"
    said = _value(field.value, field.unit)
    if field.low is not None and field.high is not None:
        said += f" ({short(field.low, field.unit)} to {short(field.high, field.unit)})"
    note = f"; {_text(field.note)}" if field.note else ""
    event = f" [{field.source}]" if field.source else ""
    return f"*{said}*{note}" if field.kind == STATED else f"{said}{event}{note}"


def _table(table: Table) -> list[str]:
    right = [column.interval or column.bar or column.unit in NUMERIC for column in table.columns]
    head = "| " + " | ".join(_text(column.name) for column in table.columns) + " | event |"
    rule = "|" + "|".join("---:" if number else "---" for number in right) + "|---:|"
    return [head, rule, *(_row(table.columns, row) for row in table.rows)]


def _row(columns: tuple[Column, ...], row: Row) -> str:
    cells = [_cell(column, cell) for column, cell in zip(columns, row.cells, strict=True)]
    return "| " + " | ".join([*cells, str(row.source or "")]) + " |"


def _cell(column: Column, cell: Any) -> str:
    if not column.interval:
        return _value(cell, column.unit, with_unit=False)
    value, low, high, unit = cell
    between = f" ({short(low, unit)} to {short(high, unit)})" if low is not None and high is not None else ""
    return f"{_value(value, unit)}{between}"


def _value(value: Any, unit: str, with_unit: bool = True) -> str:
    """Digests in full; a rounded size with its exact count, for there is no tooltip here."""
    if unit == "digest" and re.fullmatch(r"[\w:.-]+", str(value)):
        return f"`{value}`"
    whole = exact(value, unit)
    if isinstance(value, str):
        return _text(short(value, unit) if unit == "time" else value)
    said = _text(short(value, unit, with_unit=with_unit))
    return f"{said} ({_text(whole)})" if whole and unit == "bytes" else said


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", str(text)).replace("\r", " ").replace("\n", " ")
