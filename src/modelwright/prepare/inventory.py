"""What lies in the sources, recognised again without reading it, with the standard library alone.

The version of a source is a digest over the sorted paths and content digests of its files. A small SQLite file keeps
each file's digest with its size, times and inode, so that an unchanged project costs one `stat` a file. The change
time (ctime) is kept because a restored modification time would hide an edit of equal length. A file that was younger
than two seconds when it was last looked at is hashed again: it may have changed within the clock's grain.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.errors import InputError, StorageError
from modelwright.core.storage import digest_file
from modelwright.prepare.source import Source, SourceFile, walk

_YOUNG_NS = 2_000_000_000
_TABLE = """create table if not exists file (
    source text, relative text, size integer, mtime_ns integer, ctime_ns integer, inode integer,
    digest text, looked_ns integer, primary key (source, relative)) without rowid"""

_Known = dict[str, tuple[int, int, int, int, str, int]]
_seen: ContextVar[dict[str, Inventory] | None] = ContextVar("seen", default=None)


@dataclass(frozen=True)
class Inventory:
    """The files of one source, sorted by `relative`, with their digests. `hashed` counts those that were read."""

    version: str
    files: tuple[SourceFile, ...]
    hashed: int


def source_version(source: Source, project_folder: Path, home: Path) -> str:
    """Hex digest over the sorted (path, content digest) of a source's files.

    Raises InputError when the source's path is missing or holds nothing, StorageError when `home` cannot be written.
    """
    return look(source, project_folder, home).version


def path_version(path: Path, home: Path) -> str:
    """Hex digest of one file, or over the sorted (path, content digest) below a folder. Raises InputError."""
    if not path.exists():
        hint = "correct `tune.examples` or `base` in the project file; paths are relative to that file"
        raise InputError(f"{path} does not exist", hint=hint, value=str(path))
    found: Iterable[SourceFile]
    if path.is_dir():
        found = (SourceFile.of(item, relative, status) for item, relative, status in walk(str(path)))
    else:
        found = [SourceFile.of(str(path), ".", path.stat())]  # a renamed file is the same file
    return _look(f"path:{path.resolve()}", found, home).version


def look(source: Source, project_folder: Path, home: Path) -> Inventory:
    """The inventory of a source; hashes only what is new or changed since the last look."""
    seen = _seen.get()
    seen = {} if seen is None else seen
    if source.name not in seen:
        seen[source.name] = _look(source.name, source.inventory(project_folder), home)
    return seen[source.name]


def sizes(source: Source, project_folder: Path) -> list[tuple[str, int]]:
    """Path and bytes of each file of a source, whatever it holds."""
    seen = (_seen.get() or {}).get(source.name)
    return [(file.path, file.size) for file in (seen.files if seen else source.inventory(project_folder))]


@contextlib.contextmanager
def looked_at_once() -> Iterator[None]:
    """Within the block each source is looked at once: a step reads the files that it was planned for, or fails because
    one of them changed meanwhile."""
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


def _look(name: str, found: Iterable[SourceFile], home: Path) -> Inventory:
    files = sorted(found, key=lambda file: file.relative)
    with _database(home) as database:
        known = _known(database, name)
        looked_ns = time.time_ns()
        result, changed = [], []
        for file in files:
            before = known.get(file.relative)
            trusted = before is not None and _unchanged(file, before)
            digest = before[4] if before is not None and trusted else _digest(file)
            result.append(file._replace(digest=digest))
            if not trusted:
                changed.append(result[-1])
        gone = known.keys() - {file.relative for file in files}
        if changed or gone:
            _keep(database, name, changed, gone, looked_ns)
    return Inventory(_version(result), tuple(result), len(changed))


def _unchanged(file: SourceFile, before: tuple[int, int, int, int, str, int]) -> bool:
    size, mtime_ns, ctime_ns, inode, digest, looked_ns = before
    same = (size, mtime_ns, ctime_ns, inode) == (file.size, file.mtime_ns, file.ctime_ns, file.inode)
    return same and digest != "" and max(mtime_ns, ctime_ns) < looked_ns - _YOUNG_NS


def _digest(file: SourceFile) -> str:
    """Empty when the file cannot be read: it becomes a quarantined document, and is tried again at the next look."""
    try:
        return digest_file(Path(file.path))
    except OSError:
        return ""


def _version(files: Iterable[SourceFile]) -> str:
    digest = hashlib.sha256()
    for file in files:
        stated = "" if file.licence is None and file.owner is None else f"\0{file.licence}\0{file.owner}"
        line = f"{file.relative}\0{file.digest}{stated}"
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


@contextlib.contextmanager
def _database(home: Path) -> Iterator[sqlite3.Connection]:
    """The store of what was seen; a damaged one is made anew, because it holds nothing that cannot be seen again."""
    path = home / "sources.db"
    try:
        home.mkdir(parents=True, exist_ok=True)
        database = _open(path)
    except sqlite3.OperationalError as error:
        raise StorageError(f"{path}: {error}", hint=f"check permissions and free space of {home}") from error
    except sqlite3.DatabaseError:
        path.unlink()
        database = _open(path)
    except OSError as error:
        raise StorageError(f"{home}: {error.strerror}", hint=f"check permissions of {home}", value=str(home)) from error
    try:
        yield database
    except sqlite3.OperationalError as error:
        raise StorageError(f"{path}: {error}", hint=f"check permissions and free space of {home}") from error
    finally:
        database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        database.execute(_TABLE)
        database.execute("select count(*) from file where source = ''").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def _known(database: sqlite3.Connection, name: str) -> _Known:
    query = "select relative, size, mtime_ns, ctime_ns, inode, digest, looked_ns from file where source = ?"
    return {row[0]: row[1:] for row in database.execute(query, (_text(name),))}


def _keep(
    database: sqlite3.Connection, name: str, changed: list[SourceFile], gone: Iterable[str], looked_ns: int
) -> None:
    rows = [(_text(name), f.relative, f.size, f.mtime_ns, f.ctime_ns, f.inode, f.digest, looked_ns) for f in changed]
    database.execute("begin immediate")
    database.executemany("insert or replace into file values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.executemany("delete from file where source = ? and relative = ?", [(_text(name), item) for item in gone])
    database.execute("commit")


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def require_documents(source: str, documents: int) -> None:
    """Raises InputError when the files of a source held no document at all."""
    if documents == 0:
        raise InputError(
            f"source {source!r} holds no documents", hint="its files are there but have no rows", value=source
        )
