"""Versions of the pile side by side, a sample of one, and its export for other tools."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.storage import storage_error
from modelwright.formats.pile import METADATA, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader

SAMPLES = 20
FORMATS = ("parquet", "jsonl")
_KEYS = ("document", "source", "origin")


def diff(before: PileReader, after: PileReader) -> dict[str, Any]:
    """What came in, went out and changed from one version to another: the contract's object of `pile diff`.

    `in`, `out`, `changed`: {documents, bytes, tokens}, bytes of the version that holds them (the later for changed),
    tokens null (a pile knows none). `by_reason` counts both directions; `samples` names up to SAMPLES documents.
    """
    import pyarrow as pa

    old, new = before.documents(), after.documents()
    came, went = _only_in(new, old), _only_in(old, new)
    parts = {
        "in": _with_reason(came, "in", _reasons(came, before.decisions(), "new in the sources", "was ")),
        "out": _with_reason(went, "out", _reasons(went, after.decisions(), "no longer in the sources", "now ")),
        "changed": _changed(old, new),
    }
    every = pa.concat_tables(parts.values())
    return {
        **{name: {"documents": part.num_rows, "bytes": _sum(part), "tokens": None} for name, part in parts.items()},
        "by_reason": _by_reason(every),
        "samples": [row for part in parts.values() for row in part.drop(["bytes"]).slice(0, SAMPLES).to_pylist()],
    }


def _only_in(one: pa.Table, other: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    known = pc.is_in(one["document"], value_set=other["document"].combine_chunks())
    return one.filter(pc.invert(known)).select([*_KEYS, "bytes"])


def _reasons(rows: pa.Table, decisions: pa.Table, absent: str, verb: str) -> pa.Array:
    """Why each document is not in the other version, from that version's decisions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = decisions.take(pc.index_in(rows["document"], value_set=decisions["document"].combine_chunks()))
    by = pc.if_else(pc.is_null(found["rule"]), "", pc.binary_join_element_wise(" by ", found["rule"], ""))
    signal = pc.if_else(pc.is_null(found["signal"]), "", pc.binary_join_element_wise(" (", found["signal"], ")", ""))
    reason = pc.binary_join_element_wise(pa.scalar(verb), found["decision"], by, signal, "")
    return pc.fill_null(reason, absent)


def _changed(old: pa.Table, new: pa.Table) -> pa.Table:
    """Documents of both versions whose text, split or metadata differ; the reason names which."""
    import pyarrow.compute as pc

    both = new.filter(pc.is_in(new["document"], value_set=old["document"].combine_chunks()))
    was = old.take(pc.index_in(both["document"], value_set=old["document"].combine_chunks()))
    marks = []
    for column in ("digest", "split", *(name for name in METADATA if name != "bytes")):
        one, other = both[column].combine_chunks(), was[column].combine_chunks()
        neither = pc.and_(pc.is_null(one), pc.is_null(other))
        same = pc.or_(neither, pc.fill_null(pc.equal(one, other), False))
        marks.append(pc.if_else(same, "", "text, " if column == "digest" else f"{column}, "))
    # Not null_handling="skip": pyarrow 25 leaves out rows whose values are all null, without a word.
    reason = pc.utf8_rtrim(pc.binary_join_element_wise(*marks, ""), ", ")
    differs = pc.not_equal(reason, "")
    told = pc.binary_join_element_wise("other ", reason.filter(differs), "")
    return _with_reason(both.filter(differs).select([*_KEYS, "bytes"]), "changed", told)


def _with_reason(rows: pa.Table, change: str, reasons: Any) -> pa.Table:
    import pyarrow as pa

    table = rows.append_column("change", pa.repeat(pa.scalar(change), rows.num_rows))
    return table.append_column(pa.field("reason", pa.string()), reasons)


def _by_reason(rows: pa.Table) -> list[dict[str, Any]]:
    grouped = rows.group_by("reason").aggregate([("document", "count"), ("bytes", "sum")]).to_pylist()
    counted = [
        {"reason": row["reason"], "documents": row["document_count"], "bytes": row["bytes_sum"]} for row in grouped
    ]
    return sorted(counted, key=lambda row: (-row["documents"], row["reason"]))


def _sum(rows: pa.Table) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(rows["bytes"]).as_py() or 0)


def sample(reader: PileReader, count: int) -> pa.Table:
    """`count` documents with their texts, in order of (source, origin): those with the smallest id.

    Ids are hashes, so this is a fair draw that stays the same from version to version as far as documents do.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if count < 1:
        raise UsageError(f"cannot sample {count} documents", hint="ask for one or more", value=count)
    documents = reader.documents()
    rows = pc.sort_indices(documents, sort_keys=[("document", "ascending")]).slice(0, count)
    drawn = documents.take(rows.take(pc.array_sort_indices(rows)))
    return pa.Table.from_batches(reader.texts(drawn), drawn.schema.append(pa.field("text", pa.large_string())))


def export(reader: PileReader, folder: Path, form: str) -> dict[str, Any]:
    """Write the four tables, documents with their texts, as `<table>.<form>` files into the new folder `folder`.

    Returns {folder, format, pile, files: {name: rows}}. Raises UsageError when the folder holds something, StorageError
    when the disk refuses; then nothing is left behind.
    """
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS, where="pile export")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", hint="name a new folder", value=str(folder))
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        files = {f"{name}.{form}": _write(_batches(reader, name), partial / f"{name}.{form}", form) for name in TABLES}
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {"folder": str(folder), "format": form, "pile": reader.pile, "files": files}


def _batches(reader: PileReader, name: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if name == "documents":
        documents = reader.documents()
        yield pa.RecordBatch.from_pylist([], documents.schema.append(pa.field("text", pa.large_string())))
        yield from reader.texts(documents)
    else:
        table = getattr(reader, name)()
        yield pa.RecordBatch.from_pylist([], table.schema)
        yield from table.to_batches(max_chunksize=16_384)


def _write(batches: Iterator[pa.RecordBatch], path: Path, form: str) -> int:
    """The first batch is empty and brings the schema."""
    import orjson
    import pyarrow.parquet as pq

    rows = 0
    first = next(batches)
    if form == "parquet":
        with pq.ParquetWriter(path, first.schema, compression="zstd") as file:
            for batch in batches:
                file.write_batch(batch, row_group_size=4096)
                rows += batch.num_rows
        return rows
    with path.open("wb") as stream:
        for batch in batches:
            stream.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.to_pylist())
            rows += batch.num_rows
    return rows
