"""Sources -> documents: what each source holds now, read only where it is new, with texts set apart.

Rows about documents (no text) are kept in a cache by the piece of a file that they stand in; a piece is known by the
digest of its file, so that an unchanged file is never read again, and a killed run goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import plugins
from modelwright.core.context import Context, each
from modelwright.core.fingerprint import digest
from modelwright.core.identity import identity
from modelwright.formats.document import document_id, document_schema
from modelwright.prepare import cache
from modelwright.prepare.inventory import Inventory, look, require_documents
from modelwright.prepare.source import PIECE_BYTES, Piece, Row, Source
from modelwright.prepare.texts import TextStore, TextWriter, writing

if TYPE_CHECKING:
    import pyarrow as pa

_UNITS_A_QUERY = 16


@dataclass(frozen=True)
class Documents:
    """Every input document, narrow, in order of (source, origin), and the means to get at texts.

    `table` has the columns of `document_schema(text=False)`, and `piece`: which part of which file it stands in.
    `remake` adds the edited texts of some documents (by id) to `texts`.
    """

    table: pa.Table
    pieces: Mapping[str, tuple[Source, Piece]]
    inventories: Mapping[str, Inventory]
    texts: TextStore
    remake: Callable[[pa.Array], None] | None = None

    def of(self, table: pa.Table) -> Documents:
        """The same for some of the rows."""
        return replace(self, table=table)

    def batches(self, rows: pa.Table, context: Context) -> Iterator[pa.RecordBatch]:
        """`rows` (with document and digest) in their order with a column `text`: the text of that digest.

        A digest is that of the document's input text, or of its edited text.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        missing = self.texts.missing(rows["digest"])
        if len(missing):
            lacking = rows.select(["document", "digest"]).filter(pc.is_in(rows["digest"], value_set=missing))
            place = pc.index_in(lacking["document"], value_set=self.table["document"].combine_chunks())
            edited = pc.not_equal(lacking["digest"], self.table["digest"].take(place))
            if self.remake is not None and pc.any(edited).as_py():
                self.remake(pa.array(lacking["document"].filter(edited).to_pylist(), pa.string()))
            self.ensure_texts(lacking.append_column("piece", self.table["piece"].take(place)), context)
        yield from self.texts.batches(rows)

    def ensure_texts(self, wanted: pa.Table, context: Context) -> None:
        """Read again the pieces in which texts of `wanted` (rows of `table`) stand that the work folder lacks."""
        import pyarrow.compute as pc

        missing = self.texts.missing(wanted["digest"])
        if not len(missing):
            return
        rows = wanted.filter(pc.is_in(wanted["digest"], value_set=missing))
        needed = [self.pieces[key] for key in pc.unique(rows["piece"]).to_pylist()]
        for source in dict.fromkeys(source for source, _ in needed):
            of_source = [piece for owner, piece in needed if owner is source]
            _query(source, of_source, self.texts.folder, context, lambda table, pieces: None)
        self.texts.refresh()


def interim_schema() -> pa.Schema:
    """Rows about documents as they are cached: `file` and `offset` give their place, `row` the digest of a raw line."""
    import pyarrow as pa

    more = [("piece", pa.string()), ("file", pa.string()), ("offset", pa.int64()), ("row", pa.string())]
    return pa.schema([*document_schema(text=False), *more])


def read_documents(sources: Sequence[Source], context: Context) -> Documents:
    """Read what is new in the sources. Raises InputError for a missing or empty source, StorageError, Stopped."""
    import pyarrow as pa

    folder = context.work / "texts"
    tables, pieces, inventories = [interim_schema().empty_table()], {}, {}
    for source in sources:
        inventory = look(source, context.project, context.home)
        known = _pieces(source, inventory)
        table = _rows_of(source, known, folder, context)
        require_documents(source.name, table.num_rows)
        tables.append(table)
        pieces.update({key: (source, piece) for key, piece in known.items()})
        inventories[source.name] = inventory
    table = in_order(settle_repeats(pa.concat_tables(tables)))
    return Documents(table, pieces, inventories, TextStore(folder))


def known_documents(sources: Sequence[Source], context: Context) -> tuple[pa.Table, list[Piece]]:
    """The rows of what was read before and still stands in the sources, and the pieces that were never read."""
    import pyarrow as pa

    tables, unread = [interim_schema().empty_table()], []
    for source in sources:
        rows, new = _known(_folder(source, context), _pieces(source, look(source, context.project, context.home)))
        tables.append(rows)
        unread += new
    return in_order(settle_repeats(pa.concat_tables(tables))), unread


def _pieces(source: Source, inventory: Inventory) -> dict[str, Piece]:
    """Key -> piece, of every file of a source."""
    return {_key(piece): piece for file in inventory.files for piece in source.pieces(file)}


def _key(piece: Piece) -> str:
    return hashlib.sha256(piece.key.encode()).hexdigest()[:32]


def _rows_of(source: Source, pieces: Mapping[str, Piece], texts: Path, context: Context) -> pa.Table:
    import pyarrow as pa

    folder = _folder(source, context)
    kept, new = _known(folder, pieces)
    tables = [kept]

    def keep(table: pa.Table, done: Sequence[Piece]) -> None:
        cache.append(folder, table, "piece", (_key(piece) for piece in done))
        tables.append(table)

    if new:
        _query(source, new, texts, context, keep)
        cache.compact(folder, interim_schema(), "piece")
    return pa.concat_tables(tables)


def _folder(source: Source, context: Context) -> Path:
    """Where the rows of a source are kept, as it is read now."""
    meaning = digest([identity(source), plugins.code_identity(source), type(source).__name__])[:16]
    return context.home / "cache" / "documents" / f"{_file_name(source.name)}-{meaning}"


def _known(folder: Path, pieces: Mapping[str, Piece]) -> tuple[pa.Table, list[Piece]]:
    """The rows of `pieces` that were read before, and the pieces that were not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept, settled = cache.read(folder, interim_schema(), "piece")
    known = set(settled.to_pylist())
    rows = kept.filter(pc.is_in(kept["piece"], value_set=pa.array(pieces, pa.string())))
    return rows, [piece for key, piece in pieces.items() if key not in known]


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)[:60]


def _query(
    source: Source,
    pieces: Sequence[Piece],
    texts: Path,
    context: Context,
    keep: Callable[[pa.Table, Sequence[Piece]], None],
) -> None:
    """Read pieces in tasks of about 8 MB, some tasks a query; the rows of each query are kept before the next."""
    from modelwright.engines import daft

    units = list(_units(pieces))
    groups = [units[start : start + _UNITS_A_QUERY] for start in range(0, len(units), _UNITS_A_QUERY)]
    sizes = [sum(piece.end - piece.start for unit in group for piece in unit) for group in groups]
    for group in each(groups, context, f"reading {source.name}", unit="bytes", sizes=sizes):
        tasks = [_Reading(source, unit, texts) for unit in group]
        keep(daft.collect_tasks(tasks, interim_schema()), [piece for unit in group for piece in unit])


def _units(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, ...]]:
    unit: list[Piece] = []
    size = 0
    for piece in pieces:
        length = piece.end - piece.start
        if unit and size + length > PIECE_BYTES:
            yield tuple(unit)
            unit, size = [], 0
        unit.append(piece)
        size += length
    if unit:
        yield tuple(unit)


@dataclass(frozen=True)
class _Reading:
    """One task: reads some pieces, sets their texts apart, yields one batch of rows without text."""

    source: Source
    pieces: tuple[Piece, ...]
    texts: Path

    def __call__(self) -> Iterator[pa.RecordBatch]:
        name = hashlib.sha256("".join(_key(piece) for piece in self.pieces).encode()).hexdigest()[:32]
        with writing(self.texts, f"{_file_name(self.source.name)}-{name}") as writer:
            yield batch_of(self.source, self.pieces, writer)


def batch_of(source: Source, pieces: Sequence[Piece], writer: TextWriter) -> pa.RecordBatch:
    """The rows of some pieces as one narrow batch of `interim_schema()`; texts go to `writer`."""
    import pyarrow as pa

    schema = interim_schema()
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for piece in pieces:
        key = _key(piece)
        for row in source.read(piece):
            for name, value in _record(source, piece, row, writer).items():
                columns[name].append(value)
            columns["piece"].append(key)
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _record(source: Source, piece: Piece, row: Row, writer: TextWriter) -> dict[str, Any]:
    raw = hashlib.sha256(row.raw).hexdigest() if row.raw is not None else None
    origin = row.origin if row.origin is not None else f"{piece.file.relative}#{raw}"
    text_digest = None
    if row.text is not None:
        text_digest = hashlib.sha256(row.text).hexdigest()
        writer.add(text_digest, row.text)
    return {
        "document": document_id(source.name, origin), "source": source.name, "origin": origin, "path": row.path,
        "modality": "text", "access": source.access, "digest": text_digest,
        "licence": row.licence or piece.file.licence or _plain(source.licence),
        "owner": row.owner or piece.file.owner or _plain(source.owner),
        "bytes": len(row.text if row.text is not None else row.raw or b""),
        "error": row.error, "detail": row.detail, "encoding": row.encoding,
        "file": piece.file.relative, "offset": row.offset, "row": raw,
    }  # fmt: skip


def _plain(stated: Any) -> str | None:
    return stated if isinstance(stated, str) else None


def settle_repeats(table: pa.Table) -> pa.Table:
    """Make (source, origin) unique.

    Of rows that share an id the first by (file, offset) stays; the others become `repeated_id` under the origin
    `file#digest of the line`. Rows without an id that are equal byte for byte are numbered: `...#digest:2`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    counted = table.group_by("document").aggregate([("source", "count")])
    repeated = counted.filter(pc.greater(counted["source_count"], 1))["document"]
    if not len(repeated):
        return table
    mask = pc.is_in(table["document"], value_set=repeated.combine_chunks())
    rows = sorted(table.filter(mask).to_pylist(), key=lambda row: (row["source"], row["file"], row["offset"]))
    taken = set(table.filter(pc.invert(mask))["document"].to_pylist())
    for row in rows:
        if row["document"] in taken:
            _rename(row, taken)
        taken.add(row["document"])
    return pa.concat_tables([table.filter(pc.invert(mask)), pa.Table.from_pylist(rows, schema=table.schema)])


def _rename(row: dict[str, Any], taken: set[str]) -> None:
    plain = f"{row['file']}#{row['row']}"
    if row["origin"] != plain:
        row["error"] = row["error"] or "repeated_id"
        row["detail"], row["digest"], row["origin"] = f"id {row['origin'][:100]!r}", None, plain
        row["document"] = document_id(row["source"], plain)
    number = 2
    while row["document"] in taken:
        row["origin"] = f"{plain}:{number}"
        row["document"] = document_id(row["source"], row["origin"])
        number += 1


def in_order(table: pa.Table) -> pa.Table:
    """Sorted by (source, origin), which is unique; the order of the pile, its texts and its shards."""
    import pyarrow.compute as pc

    return table.take(pc.sort_indices(table, sort_keys=[("source", "ascending"), ("origin", "ascending")]))


def sampled(table: pa.Table, share: float) -> pa.Table:
    """The documents whose id, read as a fraction of 1, falls below `share`: the same ones at every run."""
    import pyarrow.compute as pc

    if share >= 1:
        return table
    limit = f"{int(share * 16**13):013x}"
    return table.filter(pc.less(pc.utf8_slice_codeunits(table["document"], 0, 13), limit))
