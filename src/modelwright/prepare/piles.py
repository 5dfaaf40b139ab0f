"""A sample of a version of the pile, and its export for other tools."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.storage import storage_error
from modelwright.formats.pile import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader


def sample(reader: PileReader, count: int, by: str | None = None) -> pa.Table:
    """`count` documents (of each value of the column `by`) with their texts, in order of (source, origin): those with
    the smallest id.

    Ids are hashes, so this is a fair draw that stays the same from version to version as far as documents do. Raises
    UsageError for a count below 1, UnknownName for a column that documents do not have.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if count < 1:
        raise UsageError(f"cannot sample {count} documents", hint="ask for one or more", value=count)
    documents = reader.documents()
    if by is not None and by not in documents.column_names:
        raise UnknownName("column", by, documents.column_names, where="pile sample")
    ranked = pc.sort_indices(documents, sort_keys=[("document", "ascending")]).to_numpy()
    strata = np.zeros(len(ranked), np.int64)
    if by is not None:
        strata = pc.fill_null(pc.dictionary_encode(documents[by]).combine_chunks().indices, -1).to_numpy()[ranked]
    order = np.argsort(strata, kind="stable")
    _, starts, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    drawn = documents.take(pa.array(np.sort(ranked[order[place < count]])))
    return pa.Table.from_batches(reader.texts(drawn), drawn.schema.append(pa.field("text", pa.large_string())))


def export(reader: PileReader, folder: Path, form: str) -> dict[str, Any]:
    """Write a version into the new folder `folder`, in one of FORMATS.

    parquet, jsonl  the four tables as `<table>.<form>`, documents with their texts
    text            `texts/<document>.txt`, and `documents.jsonl` that says what each is
    huggingface     `data/train.parquet` and `data/test.parquet` (held out), as `datasets.load_dataset` reads them
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
        files = FORMATS[form](reader, partial)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {"folder": str(folder), "format": form, "pile": reader.pile, "files": files}


def _tables(form: str) -> Callable[[PileReader, Path], dict[str, int]]:
    def write(reader: PileReader, folder: Path) -> dict[str, int]:
        return {f"{name}.{form}": _write(_batches(reader, name), folder / f"{name}.{form}", form) for name in TABLES}

    return write


def _as_text(reader: PileReader, folder: Path) -> dict[str, int]:
    import orjson

    (folder / "texts").mkdir()
    rows = 0
    with (folder / "documents.jsonl").open("wb") as index:
        for batch in reader.texts(reader.documents()):
            for row in batch.to_pylist():
                text = row.pop("text")
                (folder / "texts" / f"{row['document']}.txt").write_text(text, encoding="utf-8", newline="")
                index.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            rows += batch.num_rows
    return {"texts": rows, "documents.jsonl": rows}


def _for_hugging_face(reader: PileReader, folder: Path) -> dict[str, int]:
    import pyarrow as pa

    (folder / "data").mkdir()
    files = {}
    for split, file in (("train", "train"), ("held_out", "test")):
        documents = reader.documents(split)
        if documents.num_rows:
            empty = pa.RecordBatch.from_pylist([], documents.schema.append(pa.field("text", pa.large_string())))
            name = f"data/{file}.parquet"
            files[name] = _write(itertools.chain([empty], reader.texts(documents)), folder / name, "parquet")
    return files


FORMATS: dict[str, Callable[[PileReader, Path], dict[str, int]]] = {
    "parquet": _tables("parquet"),
    "jsonl": _tables("jsonl"),
    "text": _as_text,
    "huggingface": _for_hugging_face,
}


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
