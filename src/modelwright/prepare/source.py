"""The base of every source: which files there are, and which documents stand in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from modelwright.core.errors import InputError
from modelwright.core.spec import Location, Options

PIECE_BYTES = 8_000_000
"""Files are read in tasks of about this many bytes, and a large file by ranges of it: this bounds memory."""


class SourceFile(NamedTuple):
    """A file of a source as it lies on disk. `relative` is its POSIX path within the source and unique there.

    Times are in nanoseconds. `licence` and `owner` are set where the source knows them per file. `digest`, the hex
    SHA-256 of the bytes, is filled in by the inventory; it is empty when the file cannot be read.
    """

    relative: str
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    licence: str | None = None
    owner: str | None = None
    digest: str = ""

    @staticmethod
    def of(path: str, relative: str, status: os.stat_result, **more: Any) -> SourceFile:
        """From the result of a stat call."""
        return SourceFile(relative, path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, **more)


@dataclass(frozen=True)
class Piece:
    """The part of a file that is read at once: the rows that begin in bytes `start` to `end` (exclusive)."""

    file: SourceFile
    start: int
    end: int

    @property
    def key(self) -> str:
        """The same for the same bytes at the same place within the source."""
        file = self.file
        return "\0".join(
            (file.relative, file.digest, str(self.start), str(self.end), file.licence or "", file.owner or "")
        )


@dataclass(slots=True)
class Row:
    """One document, or one row that failed, as a source's `read` yields it.

    Without an `origin` it becomes the file's path, `#` and the SHA-256 of `raw`: it does not change when other rows
    come or go. `text` is valid UTF-8, or None when `error` (one of QUARANTINE_REASONS) says why. `encoding` is what the
    text was converted from, None where it was UTF-8.
    """

    offset: int
    origin: str | None = None
    text: bytes | None = None
    raw: bytes | None = None
    path: str | None = None
    licence: str | None = None
    owner: str | None = None
    error: str | None = None
    detail: str | None = None
    encoding: str | None = None


class Source(Options):
    """Where documents come from. A subclass says which files there are, and yields the rows of a piece of a file."""

    name: str = Field(default="", description="unique name of the source; left out: the last part of its path")
    licence: str | None = Field(default=None, description="SPDX expression, or whatever the owner calls it")
    owner: str | None = Field(default=None, description="who holds the rights")
    access: Literal["open", "proprietary"] = Field(default="open", description="open or proprietary")

    @model_validator(mode="before")
    @classmethod
    def _name_from_path(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("name"):
            return {**values, "name": cls.default_name(values)}
        return values

    @classmethod
    def default_name(cls, values: dict[str, Any]) -> str:
        """The stem of the path as written, without a pattern: `dumps/*.jsonl.gz` is called dumps."""
        parts = [part for part in Path(str(values.get("path", ""))).parts if not set(part) & set("*?[")]
        return parts[-1].split(".")[0] or parts[-1] if parts and parts[-1] != "/" else cls.__name__.lower()

    def inventory(self, project_folder: Path) -> Iterator[SourceFile]:
        """The files of the source, found with the standard library alone. Raises InputError when there are none."""
        raise NotImplementedError(f"{type(self).__name__} must define inventory()")

    def pieces(self, file: SourceFile) -> Iterable[Piece]:
        """How a file is cut; as a whole when left as it is."""
        return (Piece(file, 0, file.size),)

    def read(self, piece: Piece) -> Iterator[Row]:
        """The rows of a piece. A row that fails is yielded with its reason, never raised."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")


def locate(location: Location, project_folder: Path) -> Path:
    """A path as written in the project file, resolved against the project's folder."""
    return project_folder / Path(location).expanduser()


def missing(source: str, path: Path) -> InputError:
    """The error for a path of a source that does not exist."""
    parent = path
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    return InputError(
        f"source {source!r}: {path} does not exist",
        hint=f"{parent} exists; correct `path` in the project file (it is relative to that file)",
        value=str(path),
    )


def nothing_in(source: str, path: Path | str, looked_for: str) -> InputError:
    """The error for a source without files."""
    return InputError(
        f"source {source!r}: no {looked_for} in {path}",
        hint="correct `path`, or widen `include`; files whose names begin with a dot are not looked at",
        value=str(path),
    )


def read_bytes(file: SourceFile, start: int = 0, end: int | None = None) -> bytes:
    """Bytes `start` to `end` of a file. Raises InputError when it changed since the inventory, or OSError."""
    with open(file.path, "rb", buffering=0) as stream:
        require_unchanged(file, os.fstat(stream.fileno()))
        stream.seek(start)
        return stream.read() if end is None else stream.read(end - start)


def require_unchanged(file: SourceFile, status: os.stat_result) -> None:
    """Raises InputError when a file is no longer the one that the inventory digested."""
    now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if now != (file.size, file.mtime_ns, file.ctime_ns, file.inode):
        raise InputError(
            f"{file.path} changed while it was being read", hint="run again when it is complete", value=file.path
        )


def walk(
    folder: str, enters: Callable[[str], bool] = lambda relative: True, prefix: str = ""
) -> Iterator[tuple[str, str, os.stat_result]]:
    """(path, relative POSIX path, stat) of every plain file below `folder`, hidden ones and links to folders left out.

    `enters` says of a folder whether to look into it. A folder that may not be listed raises InputError: what lies in
    it would be lost without a word.
    """
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            f"the folder {folder} cannot be listed: {error.strerror}", hint="check its permissions", value=folder
        ) from error
    for entry in listed:
        if entry.name.startswith("."):
            continue
        # A name that is not UTF-8 is written with escapes, so that every origin is text.
        name = entry.name if entry.name.isascii() else os.fsencode(entry.name).decode("utf-8", "backslashreplace")
        relative = prefix + name
        if entry.is_dir(follow_symlinks=False):
            if enters(relative):
                yield from walk(entry.path, enters, relative + "/")
            continue
        try:
            status = entry.stat()
        except OSError:  # a link that leads nowhere is no file
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.path, relative, status
