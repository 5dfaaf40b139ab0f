"""A moved or copied project: its Iceberg tables are told where they lie now.

Locations are absolute in Iceberg. A moved table is not found; a copied one would append into the original. `rebase`
rewrites them in the manifests (Avro), the table metadata (JSON) and, last, the catalogue: after a kill it starts again
and ends the same. Data files are not touched.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

from modelwright.core.errors import StorageError
from modelwright.core.storage import lock, storage_error, write_atomic

CATALOG = "catalog.db"
WAREHOUSE = "warehouse"
LOCK = "pile.lock"
RESTORE = (
    "restore `.modelwright` from a backup; without one, move it away and run again: sources and seeds give it back"
)


def location(home: Path) -> str:
    """How Iceberg names the folder `home`: its real path as a `file://` location, without escapes.

    pyiceberg cuts a URL at `#` and `?`, so a folder with one of these in its name is named by its bare path.
    """
    path = str(home.resolve())
    return path if {"#", "?"} & set(path) else f"file://{path}"


def needs_rebase(home: Path) -> bool:
    """True when the tables below `home` were last opened in another folder. Uses the standard library alone."""
    return _old_location(home) is not None


def rebase(home: Path) -> bool:
    """Make the tables below `home` (the project's `.modelwright`) point into `home`; False when they already do.

    Raises Busy while another process writes the pile, StorageError when the catalogue or a file cannot be changed.
    """
    if not needs_rebase(home):
        return False
    with lock(home / LOCK, what="the pile"):
        old, new = _old_location(home), location(home)
        if old is None:
            return False
        for path in sorted((home / WAREHOUSE).rglob("*.avro")):  # manifests before manifest lists: lists hold lengths
            _rewrite_avro(path, old, new, lists=False)
        for path in sorted((home / WAREHOUSE).rglob("*.avro")):
            _rewrite_avro(path, old, new, lists=True)
        for path in sorted((home / WAREHOUSE).rglob("*.metadata.json")):
            _rewrite_json(path, old, new)
        _rewrite_catalog(home, old, new)
    return True


def _old_location(home: Path) -> str | None:
    """The location of the folder in which the catalogue was last opened, or None when it is `home`."""
    path = home / CATALOG
    if not path.is_file():
        return None
    with _connect(path) as connection:
        try:
            rows = connection.execute("SELECT metadata_location FROM iceberg_tables").fetchall()
        except sqlite3.OperationalError:  # a catalogue without tables yet
            return None
        except sqlite3.DatabaseError as error:
            raise StorageError(f"the catalogue {path} is damaged: {error}", hint=RESTORE, value=str(path)) from error
    here = location(home) + "/"
    for (metadata,) in rows:
        if metadata and not metadata.startswith(here):
            return _prefix(home, metadata)
    return None


def _prefix(home: Path, metadata: str) -> str:
    """What stands before the longest part of `metadata` that exists below `home`."""
    parts = metadata.split("/")
    for start in range(3 if metadata.startswith("file://") else 1, len(parts)):
        if home.joinpath(*parts[start:]).is_file():
            return "/".join(parts[:start])
    raise StorageError(
        f"the catalogue names {metadata}, which is not below {home}",
        hint="copy the whole folder, with `warehouse`, or delete `.modelwright` to begin anew",
        value=metadata,
    )


def _moved(value: str, old: str, new: str) -> str:
    """`value` with its location replaced; one that is already new stays (a copy may lie below its original)."""
    if value.startswith(new + "/") or value == new:
        return value
    return new + value[len(old) :] if value == old or value.startswith(old + "/") else value


def _rewrite_avro(path: Path, old: str, new: str, *, lists: bool) -> None:
    import fastavro

    with path.open("rb") as stream:
        reader: Any = fastavro.reader(stream)
        schema = reader.writer_schema
        if (schema.get("name") != "manifest_entry") != lists:
            return
        codec = reader.codec
        metadata = {key: value for key, value in reader.metadata.items() if not key.startswith("avro.")}
        rows = list(reader)
    before = repr(rows)
    for row in rows:
        if lists:
            row["manifest_path"] = _moved(row["manifest_path"], old, new)
            row["manifest_length"] = Path(row["manifest_path"].removeprefix("file://")).stat().st_size
        else:
            row["data_file"]["file_path"] = _moved(row["data_file"]["file_path"], old, new)
    if repr(rows) != before:
        buffer = io.BytesIO()
        fastavro.writer(buffer, schema, rows, codec=codec, metadata=metadata)
        write_atomic(path, buffer.getvalue())


def _rewrite_json(path: Path, old: str, new: str) -> None:
    before = json.loads(path.read_bytes())
    after = _deep(before, old, new)
    if after != before:
        write_atomic(path, json.dumps(after, ensure_ascii=False, separators=(",", ":")).encode())


def _deep(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return _moved(value, old, new)
    if isinstance(value, list):
        return [_deep(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: _deep(item, old, new) for key, item in value.items()}
    return value


def _rewrite_catalog(home: Path, old: str, new: str) -> None:
    columns = ("metadata_location", "previous_metadata_location")
    try:
        with _connect(home / CATALOG) as connection, connection:
            for column in columns:
                rows = connection.execute(f"SELECT rowid, {column} FROM iceberg_tables").fetchall()
                changed = [(_moved(value, old, new), row) for row, value in rows if value]
                connection.executemany(f"UPDATE iceberg_tables SET {column} = ? WHERE rowid = ?", changed)
    except sqlite3.Error as error:
        place = home / CATALOG
        raise StorageError(f"the catalogue {place} cannot be changed: {error}", hint="check its mode") from error
    except OSError as error:
        raise storage_error(error, home / CATALOG) from error


def _connect(path: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(path, timeout=30))
