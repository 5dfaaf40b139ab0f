"""The last step of a preparation: the tables of a version, each in one commit, then `pile.json`.

A kill at any moment leaves either nothing that a reader would find or tables whose rows the next attempt replaces:
texts are resumed by key, the narrow tables by the column `pile`. Readers go through `pile.json`, written last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context
from modelwright.core.errors import EmptyResult, IntegrityError, Stopped
from modelwright.core.storage import write_atomic
from modelwright.formats.findings import conform_findings, encoded
from modelwright.formats.pile import (
    FILE_NAME,
    PileRecord,
    TableVersion,
    conform,
    content_root,
    count,
    strangers,
    text_digests,
    text_root,
)

if TYPE_CHECKING:
    import pyarrow as pa

Texts = Callable[["pa.Array"], Iterable["pa.RecordBatch"]]
UNFINISHED = "pile.unfinished"
"""A file of the project's home that stands while a publish writes; found at opening, it means torn files to sweep."""


def publish(
    context: Context,
    documents: pa.Table,
    decisions: pa.Table,
    signals: pa.Table,
    findings: pa.Table,
    texts: Texts,
) -> PileRecord:
    """Write version `pile@{context.version}` and its record into `context.out`; returns the record.

    Tables have the columns of `formats.pile.schema` (missing ones become null, more are welcome). `texts` is
    given the distinct digests of the texts that the pile does not hold yet, and yields batches of (digest, text) in
    order of (source, origin), at least these; when none is missing it is not called. The result is a function of the
    rows, not of their order. Raises EmptyResult for a pile without documents, IntegrityError when decisions do not add
    up, a text is missing or is not what its digest says, Busy while another process writes, Stopped when asked to.
    """
    import pyarrow.compute as pc

    from modelwright.engines import catalogs, iceberg, lookup

    pile = f"pile@{context.version}"
    tables = {
        "documents": conform(documents, "documents"),
        "decisions": conform(decisions, "decisions"),
        "signals": conform(signals, "signals"),
        "findings": conform_findings(findings),
    }
    counts = _accounted(tables)
    if not documents.num_rows:
        raise EmptyResult("a pile without documents is not published", hint="loosen a rule, or add data")
    roots = content_root(tables["documents"]), text_root(tables["documents"])
    context.home.mkdir(parents=True, exist_ok=True)
    with iceberg.opened(context.home) as catalog, catalogs.locked(context.home):
        _begin(catalog, context.home)
        earlier = earlier_records(context.home)
        versions = {"texts": _publish_texts(context, catalog, tables["documents"], texts)}
        for done, (name, rows) in enumerate(tables.items(), start=1):
            context.progress("writing the pile", done, len(tables) + 1, "tables")
            rows = rows.drop([column for column in ("pile",) if column in rows.column_names])
            before = [record.tables[name] for record in earlier]
            versions[name] = iceberg.replace(iceberg.ensure(catalog, name), rows, tag=pile, earlier=before)
            if name in ("documents", "decisions"):
                lookup.keep(context.home, name, rows, versions[name].chunks)
        sources = tuple(sorted(pc.unique(tables["decisions"]["source"]).to_pylist()))
        record = PileRecord(pile, *roots, tables=versions, counts=counts, sources=sources)
        record.save(context.out)
        (context.home / UNFINISHED).unlink()
    return record


def earlier_records(home: Path) -> list[PileRecord]:
    """The records of the versions that lie below `home`, the newest first."""
    folders = [path.parent for path in (home / "pile").glob(f"*/{FILE_NAME}") if path.parent.name.isdigit()]
    return [PileRecord.load(folder) for folder in sorted(folders, key=lambda path: -int(path.name))]


def _begin(catalog: Any, home: Path) -> None:
    """Remove what a killed publish left behind, and say that one is under way."""
    from modelwright.engines import iceberg

    if (home / UNFINISHED).exists():
        iceberg.sweep(catalog)
    write_atomic(home / UNFINISHED, b"a publish is under way or was killed\n")


def _accounted(tables: dict[str, pa.Table]) -> dict[str, int]:
    """The counts, after every check that the four tables speak of the same documents."""
    import pyarrow as pa
    import pyarrow.compute as pc

    documents, decisions = tables["documents"], tables["decisions"]
    counts = count(documents, decisions)
    for name in ("digest", "bytes", "split"):
        if documents[name].null_count:
            raise IntegrityError(f"{documents[name].null_count} documents have no {name}", value=name)
    splits = set(pc.unique(documents["split"]).to_pylist()) - {"train", "held_out"}
    if splits:
        raise IntegrityError(f"unknown split {min(splits)!r}", hint="`train` or `held_out`", value=sorted(splits))
    copies = decisions.filter(pc.equal(decisions["decision"], "duplicate"))
    if copies["duplicate_of"].null_count:
        raise IntegrityError(f"{copies['duplicate_of'].null_count} duplicates do not say of which document")
    found = pa.chunked_array([encoded(tables["findings"]["document"])[1]])
    for name, ids in (("signals", tables["signals"]["document"]), ("findings", found)):
        unknown = strangers(ids, decisions["document"])
        if unknown:
            raise IntegrityError(f"{unknown} documents of {name} are no input documents", value=unknown)
    if tables["signals"].num_rows != decisions.num_rows:
        raise IntegrityError(
            f"signals has {tables['signals'].num_rows} rows for {decisions.num_rows} input documents",
            hint="every input document has one row, with nulls where nothing was measured",
        )
    return counts


def _missing(table: Any, digests: pa.ChunkedArray) -> pa.Array:
    """The distinct digests whose text the table does not hold yet."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from modelwright.engines import iceberg

    wanted = pc.unique(digests)
    found = pa.array([False] * len(wanted))
    for path in iceberg.text_files(table):
        stored = pq.read_table(path, columns=["digest"], partitioning=None)["digest"]
        found = pc.or_(found, pc.is_in(wanted, value_set=stored.cast(wanted.type)))
    return wanted.filter(pc.invert(found))


def _publish_texts(context: Context, catalog: Any, documents: pa.Table, texts: Texts) -> TableVersion:
    from modelwright.engines import iceberg

    table = iceberg.ensure(catalog, "texts")
    missing = _missing(table, documents["digest"])
    written = iceberg.append_texts(table, _new_texts(context, missing, texts(missing)) if len(missing) else [])
    if written != len(missing):
        raise IntegrityError(
            f"{len(missing) - written} of {len(missing)} new texts were not delivered",
            hint="a source changed while it was read: run again",
        )
    return iceberg.version_of(table, int(table.current_snapshot().summary["total-records"]))


def _new_texts(context: Context, missing: pa.Array, texts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of `texts` whose digest is in `missing`, each digest once, checked against its digest."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    open_slots = np.ones(len(missing), dtype=bool)
    for batch in texts:
        if context.stopping():
            raise Stopped("stopped while writing texts", hint="the same command resumes")
        slots = pc.fill_null(pc.index_in(batch["digest"], value_set=missing.cast(batch["digest"].type)), -1).to_numpy()
        rows = np.flatnonzero((slots >= 0) & open_slots[slots])
        rows = rows[np.sort(np.unique(slots[rows], return_index=True)[1])]
        if not rows.size:
            continue
        open_slots[slots[rows]] = False
        new = pa.record_batch(
            {"digest": batch["digest"].cast(pa.string()), "text": batch["text"].cast(pa.large_string())}
        ).take(pa.array(rows))
        _check_digests(new)
        context.progress("writing texts", int(len(missing) - open_slots.sum()), len(missing), "texts")
        yield new
        if not open_slots.any():
            return


def _check_digests(batch: pa.RecordBatch) -> None:
    wrong = [a for a, b in zip(text_digests(batch["text"]), batch["digest"].to_pylist(), strict=True) if a != b]
    if wrong:
        raise IntegrityError(
            f"{len(wrong)} texts are not what their digests say", hint="a source changed while it was read: run again"
        )
