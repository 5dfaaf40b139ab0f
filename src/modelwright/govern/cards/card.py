"""The one structured object that every card is: sections of fields and tables, each value with where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.records import Entry, Records

MEASURED, STATED, BLANK = "measured", "stated", "blank"
NOT_APPLICABLE, UNKNOWN = "not_applicable", "unknown"
ABSENT = {BLANK: "nobody stated it", NOT_APPLICABLE: "does not apply", UNKNOWN: "not on record"}
"""Three ways of having no value, which are not the same."""

NUMERIC = ("documents", "bytes", "tokens", "share", "seconds", "items", "flops")
"""Units of numbers: their columns are set to the right."""


@dataclass(frozen=True)
class Field:
    """One value. `source` is the `seq` of the event that holds it; `low` and `high` bound a 95 % interval.

    unit  documents, bytes, tokens, share, seconds, digest, flops, time, or a word that is printed after the number
    """

    name: str
    value: Any = None
    unit: str = ""
    kind: str = MEASURED
    source: int | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Column:
    """`bar` draws the share of the column's largest value; cells of an `interval` are `(value, low, high, unit)`."""

    name: str
    unit: str = ""
    bar: bool = False
    interval: bool = False


@dataclass(frozen=True)
class Row:
    cells: tuple[Any, ...]
    source: int | None = None


@dataclass(frozen=True)
class Table:
    """`long` tables are folded on the page."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    kind: str = MEASURED
    note: str = ""
    long: bool = False


@dataclass(frozen=True)
class Picture:
    """`data` is a data URI, so that the page needs nothing beside it."""

    title: str
    data: str
    source: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Section:
    """`stacked` draws the named fields' values as one bar."""

    title: str
    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    text: str = ""
    stacked: bool = False

    def empty(self) -> bool:
        return not (self.fields or self.tables or self.pictures or self.text)


@dataclass(frozen=True)
class Source:
    """An event that a value on the card comes from; `key` is the id of the key that signed it."""

    seq: int
    kind: str
    about: str
    at: str
    digest: str
    key: str


@dataclass(frozen=True)
class Card:
    """`kind`: data card, model card or fact sheet. `marks`: short words on its state (experimental, ...)."""

    kind: str
    ref: str
    title: str
    digest: str
    project: str
    summary: str
    marks: tuple[str, ...] = ()
    headline: tuple[Field, ...] = ()
    sections: tuple[Section, ...] = ()
    sources: tuple[Source, ...] = field(default=(), repr=False)


class Facts:
    """An artifact's facts, read by dotted path; remembers what was read, so that the rest can be shown too."""

    def __init__(self, facts: Mapping[str, Any], source: int | None) -> None:
        self.all = facts
        self.source = source
        self._read: set[str] = set()

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `a.b`, also where the facts hold a flat key "a.b"; None when it is not on record."""
        self._read.add(path)
        if path in self.all:
            return self.all[path]
        found: Any = self.all
        for part in path.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return default
            found = found[part]
        return found

    def mapping(self, path: str) -> Mapping[str, Any]:
        found = self.get(path)
        return found if isinstance(found, Mapping) else {}

    def field(self, name: str, *paths: str, unit: str = "", note: str = "", absent: str = UNKNOWN) -> Field:
        """The first of `paths` that is on record, as a measured field; else a field without value."""
        values = [self.get(path) for path in paths]
        for value in values:
            if value is not None and not isinstance(value, Mapping):
                return Field(name, value, unit, MEASURED, self.source, note=note)
        return Field(name, None, unit, absent, self.source if absent == NOT_APPLICABLE else None, note=note)

    def rest(self) -> tuple[Field, ...]:
        """Every scalar that no path has touched, as fields."""
        leaves = _leaves(self.all, "", self._read)
        return tuple(Field(_words(name), value, _unit(name), source=self.source) for name, value in leaves)


def _leaves(value: Any, prefix: str, read: set[str]) -> Iterable[tuple[str, Any]]:
    if prefix in read:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key), read)
    elif isinstance(value, (list, tuple)):
        if value and not any(isinstance(item, (Mapping, list, tuple)) for item in value):
            yield prefix, ", ".join(str(item) for item in value)
    elif value is not None:
        yield prefix, value


def facts_of(artifact: Artifact) -> Facts:
    return Facts(artifact.facts, artifact.record.get("seq"))


def stated(name: str, value: Any, source: int | None = None, note: str = "") -> Field:
    """What a person said: shown as stated, or as blank when nobody did."""
    return Field(name, value or None, kind=STATED if value else BLANK, source=source if value else None, note=note)


def distribution(title: str, what: str, values: Mapping[str, Any], source: int | None, top: int = 25) -> Table | None:
    """A table of counts by name: `{name: n}` or `{name: {documents, bytes, ...}}`, largest first; None when empty."""
    rows = {
        str(name): {key: n for key, n in item.items() if _is_number(n)}
        if isinstance(item, Mapping)
        else {"documents": item}
        for name, item in values.items()
    }
    rows = {name: item for name, item in rows.items() if item and all(_is_number(n) for n in item.values())}
    if not rows:
        return None
    known = ["documents", "bytes", "tokens"]
    names = sorted({key for item in rows.values() for key in item}, key=lambda key: (key not in known, key))
    names.sort(key=lambda key: known.index(key) if key in known else len(known))
    weigh = "bytes" if "bytes" in names else names[0]
    ordered = sorted(rows.items(), key=lambda pair: (-(pair[1].get(weigh) or 0), pair[0]))
    units = {"documents": "documents", "bytes": "bytes", "tokens": "tokens"}
    columns = [Column(what), *(Column(_words(name), units.get(name, _unit(name)), bar=name == weigh) for name in names)]
    shown = [Row((name, *(item.get(key) for key in names)), source) for name, item in ordered[:top]]
    left = ordered[top:]
    if left:
        sums = [sum(item.get(key) or 0 for _, item in left) if not _unit(key) else None for key in names]
        shown.append(Row((f"{len(left)} others", *sums), source))
    return Table(title, tuple(columns), tuple(shown))


def _unit(name: str) -> str:
    if name.endswith("seconds"):
        return "seconds"
    return "share" if name.endswith(("share", "asked", "reached")) else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def present(*tables: Table | None) -> tuple[Table, ...]:
    """Those that there are."""
    return tuple(table for table in tables if table is not None)


def settings_table(artifact: Artifact) -> Table | None:
    """The settings that it was made with, as the project file states them or the defaults do."""
    settings = artifact.record.get("settings")
    if not isinstance(settings, Mapping) or not settings:
        return None
    rows = [Row((name, value), artifact.record.get("seq")) for name, value in sorted(settings.items())]
    return Table("Settings", (Column("setting"), Column("value")), tuple(rows), STATED, long=len(rows) > 12)


def identity_fields(artifact: Artifact, records: Records) -> tuple[Field, ...]:
    """Name, digest, time, tags: what every card begins with."""
    seq = artifact.record.get("seq")
    tags = records.tags_of(artifact.ref)
    moved = [entry.seq for entry in records.of_kind("tag") if entry.get("name") in tags]
    return (
        Field("reference", artifact.ref, source=seq),
        Field("digest", artifact.digest, "digest", source=seq),
        Field("fingerprint", artifact.fingerprint or None, "digest", source=seq, note="of settings, sources and code"),
        Field("made at", artifact.made_at, "time", source=seq),
        Field("tags", ", ".join(tags), kind=STATED, source=max(moved, default=None))
        if tags
        else Field("tags", None, kind=NOT_APPLICABLE, note="none points here"),
        Field("same content as", artifact.record["equal_to"], source=seq)
        if artifact.record.get("equal_to")
        else Field("same content as", None, kind=NOT_APPLICABLE, note="no earlier artifact has this digest"),
    )


def planned_fields(artifact: Artifact) -> tuple[Field, ...]:
    """Planned and actual, side by side."""
    record, seq = artifact.record, artifact.record.get("seq")
    estimate = _mapping(record.get("estimate"))

    def known(name: str, value: Any, unit: str, note: str = "") -> Field:
        return Field(name, value, unit, MEASURED if value is not None else UNKNOWN, seq, note=note)

    basis = str(estimate.get("basis") or "")
    return (
        known("time planned", estimate.get("seconds"), "seconds", f"basis: {basis}" if basis else ""),
        known("time taken", record.get("seconds"), "seconds"),
        known("processor time", record.get("cpu_seconds"), "seconds"),
        known("memory planned", estimate.get("memory_bytes"), "bytes"),
    )


def environment_fields(artifact: Artifact) -> tuple[Field, ...]:
    """Machine and versions that it was made with."""
    seq = artifact.record.get("seq")
    machine, versions = _mapping(artifact.record.get("machine")), _mapping(artifact.record.get("versions"))
    device = " ".join(str(machine[key]) for key in ("device", "name") if machine.get(key))
    return (
        Field("device", device or None, kind=MEASURED if device else UNKNOWN, source=seq if device else None),
        Field("cores", machine.get("cores"), kind=MEASURED if machine.get("cores") else UNKNOWN, source=seq),
        *(Field(name, value, source=seq) for name, value in sorted(versions.items())),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def sources_of(card_sections: Iterable[Section], headline: Iterable[Field], records: Records) -> tuple[Source, ...]:
    """The events that values on the card come from, in order."""
    wanted = {item.source for item in headline}
    for section in card_sections:
        wanted |= {item.source for item in section.fields} | {item.source for item in section.pictures}
        wanted |= {row.source for table in section.tables for row in table.rows}
    return tuple(_source(entry) for entry in records.entries if entry.seq in wanted)


def _source(entry: Entry) -> Source:
    about = ", ".join(entry.refs[:2])
    return Source(entry.seq, entry.kind, about, entry.at, entry.digest, ", ".join(entry.keyids))


def finished(card: Card, records: Records) -> Card:
    """The card without empty sections and with its table of sources."""
    from dataclasses import replace

    sections = tuple(section for section in card.sections if not section.empty())
    return replace(card, sections=sections, sources=sources_of(sections, card.headline, records))
