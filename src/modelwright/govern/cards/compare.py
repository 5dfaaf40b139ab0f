"""What differs between the cards of two versions: a card of its own, so that it prints in the same forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core.errors import UsageError
from modelwright.govern.cards.card import ABSENT, Card, Column, Field, Row, Section, Table

LEFT_OUT = ("Used by",)
"""Sections that say what was made of it, not what it is."""
Cell = tuple[Any, Any, Any, str]
"""Value, bounds of its interval, unit: the cell of an interval column, which carries its own unit."""


def compare(before: Card, after: Card) -> Card:
    """Fields and table rows that differ, in the order of the later card. Times taken, and what was made of
    it later, are no difference.

    Raises UsageError for cards of two kinds.
    """
    if before.kind != after.kind:
        raise UsageError(
            f"{before.ref} has a {before.kind}, {after.ref} a {after.kind}",
            hint="compare two versions of one kind, for example pile@1 and pile@2",
            value=before.kind,
        )
    was, now = _values(before), _values(after)
    sections: dict[str, list[Row]] = {}
    keys = [*now, *(key for key in was if key not in now)]
    for section, name in keys:
        old, new = was.get((section, name)), now.get((section, name))
        if _plain(old) == _plain(new):
            continue
        cells = (name, old or (None, None, None, ""), new or (None, None, None, ""), _change(old, new))
        sections.setdefault(section, []).append(Row(cells))
    columns = (Column("what"), Column(before.ref, interval=True), Column(after.ref, interval=True),
               Column("change", interval=True))  # fmt: skip
    made = tuple(
        Section(title, tables=(Table(title, columns, tuple(rows), long=len(rows) > 60),))
        for title, rows in sections.items()
    )
    count = sum(len(rows) for rows in sections.values())
    headline = (Field("values that differ", count), Field("values in all", len(keys)))
    summary = f"What differs between {before.ref} and {after.ref}; times that a step took are left out."
    seqs = {source.seq: source for source in (*before.sources, *after.sources)}
    return Card(
        f"comparison of two {before.kind}s", after.ref, f"{before.title} → {after.ref}", after.digest, after.project,
        summary, (), headline, made, tuple(seqs[seq] for seq in sorted(seqs)),
    )  # fmt: skip


def _values(card: Card) -> dict[tuple[str, str], Cell]:
    """(section, name) -> cell of every field and of every number or text in a table."""
    found: dict[tuple[str, str], Cell] = {}
    for section in (section for section in card.sections if section.title not in LEFT_OUT):
        for field in section.fields:
            if field.unit != "seconds":
                value = ABSENT.get(field.kind, field.value)
                found[(section.title, field.name)] = (value, field.low, field.high, field.unit)
        for table in section.tables:
            found |= {(section.title, name): cell for name, cell in _cells(table)}
    return found


def _cells(table: Table) -> Iterable[tuple[str, Cell]]:
    width = _key_width(table)
    for row in table.rows:
        key = " · ".join(str(cell) for cell in row.cells[:width] if cell is not None)
        for column, cell in list(zip(table.columns, row.cells, strict=True))[width:]:
            if column.unit != "seconds":
                name = ": ".join(part for part in (table.title, key, column.name) if part)
                yield name, (cell if column.interval else (cell, None, None, column.unit))


def _key_width(table: Table) -> int:
    """How many leading columns tell the rows apart; never all of them."""
    for width in range(1, len(table.columns)):
        if len({repr(row.cells[:width]) for row in table.rows}) == len(table.rows):
            return width
    return max(1, len(table.columns) - 1)


def _plain(cell: Cell | None) -> Any:
    if cell is None:
        return None
    value, low, high, _ = cell
    return (dict(value) if isinstance(value, Mapping) else value, low, high)


def _change(old: Cell | None, new: Cell | None) -> Cell:
    """The difference of two numbers."""
    if old and new and _is_number(old[0]) and _is_number(new[0]) and old[3] == new[3]:
        return (new[0] - old[0], None, None, new[3])
    return (None, None, None, "")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
