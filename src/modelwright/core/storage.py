"""Files that are either whole or absent, locks that die with their owner, digests of folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import Busy, StorageError

_TORN = ".modelwright-torn"  # the end of the name of a file that is being written; no user calls one so
WAIT_SECONDS = 10.0
"""How long a second process waits for the first one: a tag, a query or a commit is over by then, a run is not."""


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The place to write a file to that is to be whole or absent: it becomes `path` when the block ends, and is gone
    when the block fails; what a killed process leaves there is found by `sweep`. Raises StorageError with the cure when
    the disk refuses."""
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident():x}{_TORN}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        if error.filename == str(beside):
            error.filename = str(path)  # the name that the user knows
        raise storage_error(error, path) from error


def sweep(folder: Path) -> int:
    """Remove below a folder what killed processes left of files that were to be `whole`; returns bytes. Call it under
    the lock: a file that another process is writing goes too."""
    size = 0
    for path in folder.rglob(f".*{_TORN}"):
        size += path.stat().st_size
        path.unlink()
    return size


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole, flushed to disk. Raises StorageError with the cure when the disk refuses."""
    with whole(path) as beside, beside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def storage_error(error: OSError, path: Path | str) -> StorageError:
    """The operating system's refusal in words, with its cure."""
    place = str(error.filename or path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(
            f"the disk is full or a file-size limit was reached at {place}",
            hint="free some space (`modelwright prune`), then run again: finished work is kept",
            value=place,
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"no permission to write {place}", hint=f"check the owner and mode of {place}", value=place)
    hint = "name a place where folders and files can be made; for a project that is `run: {out: ...}`"
    return StorageError(f"{error.strerror or error}: {place}", hint=hint, value=place)


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def write_json(path: Path, value: Any) -> None:
    """Readable JSON with sorted keys, written atomically."""
    write_atomic(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


@contextlib.contextmanager
def lock(path: Path, *, what: str = "this project") -> Iterator[None]:
    """Hold an exclusive lock on `path`; a crash releases it.

    Waits up to WAIT_SECONDS for another holder, then raises Busy with its process, user, machine and time.
    """
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+")
    except OSError as error:
        raise storage_error(error, path) from error
    until = time.monotonic() + WAIT_SECONDS
    with stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    stream.seek(0)
                    owner = stream.read().strip() or "unknown"
                    hint = "wait until it ends, then run again"
                    raise Busy(f"another process ({owner}) works on {what}", hint=hint, value=owner) from error
                time.sleep(0.05)
        stream.seek(0)
        stream.truncate()
        stream.write(f"pid {os.getpid()} on {socket.gethostname()} since {time.strftime('%H:%M:%S')}")
        stream.flush()
        try:
            yield
        finally:
            stream.seek(0)
            stream.truncate()


def digest_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_below(folder: Path) -> list[Path]:
    """All plain files below `folder`, sorted by their relative path."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def folder_digests(folder: Path, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Relative POSIX path -> hex SHA-256 for every file below `folder`; a file of `known` is not read again."""
    known = known or {}
    names = {path.relative_to(folder).as_posix(): path for path in files_below(folder)}
    return {name: known[name] if name in known else digest_file(path) for name, path in names.items()}


def folder_bytes(*folders: Path) -> int:
    """Bytes of every file below `folders`; one that has several names there counts once."""
    return sum(size for size, _, _ in _by_file(folders))


def own_bytes(*folders: Path) -> int:
    """Bytes that would be free without `folders`: of the files that have no name elsewhere."""
    return sum(size for size, names, all_names in _by_file(folders) if names == all_names)


def _by_file(folders: Iterable[Path]) -> list[tuple[int, int, int]]:
    """Of each file below `folders`: its size, its names there, and all its names."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    for stat in (path.stat() for folder in folders for path in files_below(folder)):
        key = (stat.st_dev, stat.st_ino)
        found[key] = (stat.st_size, found.get(key, (0, 0, 0))[1] + 1, stat.st_nlink)
    return list(found.values())
