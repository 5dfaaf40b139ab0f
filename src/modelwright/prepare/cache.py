"""A folder of Parquet parts: rows are added under their key and never changed, so that any run resumes by key.

A part is whole or absent (written beside, then renamed), and named by what it covers, so that writing it twice leaves
one. What can be measured again is not worth an error: a part that cannot be read is removed and measured anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core.storage import storage_error

if TYPE_CHECKING:
    import pyarrow as pa

_PARTS_AT_MOST = 48
_COVERS = b"covers"


def append(folder: Path, table: pa.Table, covers: Iterable[str]) -> None:
    """Add one part that settles the keys `covers`, also those that have no row. Raises StorageError."""
    import pyarrow.parquet as pq

    keys = sorted(covers)
    name = _name(keys)
    path, beside = folder / f"{name}.parquet", folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({_COVERS: "\n".join(keys).encode()}), beside, compression="zstd")
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise storage_error(error, path) from error


def read(folder: Path, schema: pa.Schema, key: str) -> tuple[pa.Table, set[str]]:
    """All rows, and the keys that are settled. Where two parts settle a key, its rows are taken from one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables: list[pa.Table] = [schema.empty_table()]
    covered: set[str] = set()
    for _, table, keys in _parts(folder, schema):
        twice = covered & keys
        tables.append(table.filter(pc.invert(pc.is_in(table[key], pa.array(twice, pa.string())))) if twice else table)
        covered |= keys
    return pa.concat_tables(tables), covered


def _parts(folder: Path, schema: pa.Schema) -> Iterator[tuple[Path, pa.Table, set[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        try:
            table = pq.read_table(path, partitioning=None)
            keys = set((table.schema.metadata or {})[_COVERS].decode().split("\n")) - {""}
            rows = table.select(schema.names).replace_schema_metadata(None).cast(schema)
        except (pa.ArrowInvalid, KeyError, OSError):
            path.unlink(missing_ok=True)
            continue
        yield path, rows, keys


def forget(folder: Path, key: str, gone: Iterable[str]) -> int:
    """Rewrite the parts that settle a key of `gone` without it; returns how many were. A part that cannot be read
    goes whole. Raises StorageError."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    names = set(gone)
    wanted, rewritten = pa.array(sorted(names), pa.string()), 0
    for path in sorted(folder.glob("*.parquet")):
        try:
            table = pq.read_table(path, partitioning=None)
            keys = set((table.schema.metadata or {})[_COVERS].decode().split("\n")) - {""}
            hit = pc.is_in(table[key], value_set=wanted)
        except (pa.ArrowInvalid, KeyError, OSError):
            path.unlink(missing_ok=True)
            rewritten += 1
            continue
        if keys & names or pc.any(hit).as_py():
            if keys - names:
                append(folder, table.filter(pc.invert(hit)), keys - names)
            path.unlink()
            rewritten += 1
    return rewritten


def compact(folder: Path, schema: pa.Schema, key: str) -> None:
    """Once there are many parts, write them as one, then remove them: at no moment is a row unknown."""
    old = list(folder.glob("*.parquet"))
    if len(old) <= _PARTS_AT_MOST:
        return
    rows, covered = read(folder, schema, key)
    append(folder, rows, covered)
    for path in old:
        if path.stem != _name(sorted(covered)):
            path.unlink(missing_ok=True)


def _name(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
