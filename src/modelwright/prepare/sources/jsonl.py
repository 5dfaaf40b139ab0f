"""Files with one JSON object a line: one document a row."""

from __future__ import annotations

import glob
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from modelwright.core.spec import Location, Options
from modelwright.prepare.source import (
    PIECE_BYTES,
    Piece,
    Row,
    Source,
    SourceFile,
    locate,
    missing,
    nothing_in,
    require_unchanged,
)  # fmt: skip

_GZIP = b"\x1f\x8b"
_STEP_BYTES = 1 << 20


class FromField(Options):
    """A value that each row states in one of its fields."""

    field: str = Field(description="name of the field; `a.b` is field b of the object in field a")


class Jsonl(Source):
    """Rows of JSON Lines files, plain or gzip. Without `id` a row's origin is its file, `#` and a digest of its line.

    A broken row never hides its neighbours: each becomes a quarantined document with its reason. Of rows that share an
    id the first (by file, then by place) is the document; the others are quarantined as `repeated_id`.
    """

    path: Location = Field(description="file, folder or pattern (`dumps/*.jsonl.gz`)")
    text: str = Field(default="text", description="field that holds the text")
    id: str | None = Field(default=None, description="field whose value is the origin of the document")
    licence: str | FromField | None = Field(  # type: ignore[assignment]
        default=None, description="licence of all rows, or `{field: name}`"
    )
    owner: str | FromField | None = Field(  # type: ignore[assignment]
        default=None, description="owner of all rows, or `{field: name}`"
    )
    file_name: FromField | None = Field(default=None, description="`{field: path}` where a row is a file")

    def inventory(self, project_folder: Path) -> Iterator[SourceFile]:
        path = locate(self.path, project_folder)
        if path.is_file():
            yield SourceFile.of(str(path), path.name, path.stat())
            return
        pattern, root = str(path), _fixed_part(path)
        if not root.exists():
            raise missing(self.name, root)
        if path.is_dir():
            places = [
                place for end in ("jsonl", "jsonl.gz", "ndjson", "ndjson.gz") for place in path.glob(f"**/*.{end}")
            ]
        elif not glob.has_magic(pattern):
            raise missing(self.name, path)
        else:
            places = [Path(place) for place in glob.glob(pattern, recursive=True)]
        places = sorted(place for place in places if place.is_file())
        if not places:
            raise nothing_in(self.name, path, "JSON Lines files")
        for place in places:
            relative = os.fsencode(place.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
            yield SourceFile.of(str(place), relative, place.stat())

    def pieces(self, file: SourceFile) -> Iterable[Piece]:
        """Ranges of a plain file; a gzip file can only be read from its beginning."""
        if file.size <= PIECE_BYTES or not file.digest or _is_gzip(file.path):
            return [Piece(file, 0, file.size)]
        return [Piece(file, start, min(start + PIECE_BYTES, file.size)) for start in range(0, file.size, PIECE_BYTES)]

    def read(self, piece: Piece) -> Iterator[Row]:
        try:
            for offset, line in _lines(piece):
                if offset == 0:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield self._row(offset, line.rstrip(b"\r\n"))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield _failed(piece, "damaged_archive", str(error))
        except OSError as error:
            yield _failed(piece, "unreadable", error.strerror or str(error))

    def _row(self, offset: int, line: bytes) -> Row:
        row = Row(offset, raw=line)
        value, row.error, row.detail = _parse(line)
        if row.error:
            return row
        if self.id is not None:
            row.origin = _identifier(_field(value, self.id))
        row.path = _stated(value, self.file_name)
        row.licence = _stated(value, self.licence)
        row.owner = _stated(value, self.owner)
        text = _field(value, self.text)
        if text is None:
            row.error, row.detail = "missing_text", f"no field {self.text!r}"
        elif not isinstance(text, str):
            row.error, row.detail = "text_not_string", f"field {self.text!r} holds {type(text).__name__}"
        elif self.id is not None and row.origin is None:
            row.error, row.detail = "missing_id", f"no field {self.id!r}"
        else:
            row.text = text.encode()
        return row


def _fixed_part(path: Path) -> Path:
    """The folder that paths of a pattern are relative to."""
    if path.is_dir():
        return path
    fixed = path
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    return fixed if fixed != path else path.parent


def _is_gzip(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(2) == _GZIP
    except OSError:
        return False


def _lines(piece: Piece) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the lines that begin within the piece; for gzip, offsets count decompressed bytes."""
    file = piece.file
    with open(file.path, "rb") as raw:
        require_unchanged(file, os.fstat(raw.fileno()))
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        offset = 0
        if piece.start:
            stream.seek(piece.start - 1)
            offset = piece.start - 1 + _rest_of_line(stream, piece.end - piece.start + 1)
        while packed or offset < piece.end:
            line = stream.readline()
            if not line:
                return
            yield offset, line
            offset += len(line)


def _rest_of_line(stream: Any, limit: int) -> int:
    """Bytes to the end of a line that began before, at most `limit`: a line over many pieces is not read in each."""
    done = 0
    while done < limit:
        part = stream.readline(min(_STEP_BYTES, limit - done))
        done += len(part)
        if not part or part.endswith(b"\n"):
            break
    return done


def _failed(piece: Piece, error: str, detail: str) -> Row:
    """A row that stands for what could not be read of a file."""
    return Row(piece.end, origin=f"{piece.file.relative}#{piece.start}", raw=b"", error=error, detail=detail)


def _parse(line: bytes) -> tuple[Any, str | None, str | None]:
    """(object, reason, detail). Reasons are our own: the messages of parsers differ and hold positions."""
    import orjson

    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return None, *_why(line, str(error))
    return (value, None, None) if isinstance(value, dict) else (None, "not_an_object", type(value).__name__)


def _why(line: bytes, message: str) -> tuple[str, str]:
    import json

    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return "not_utf8", f"byte {error.start} of the line: {error.reason}"
    try:
        json.loads(text)  # orjson is stricter: what json accepts holds half a surrogate pair, or NaN
    except (ValueError, RecursionError):
        return "not_json", message
    return ("lone_surrogate" if "surrogate" in message else "not_json"), message


def _field(value: dict[str, Any], name: str) -> Any:
    if name in value:
        return value[name]
    head, dot, rest = name.partition(".")
    inner = value.get(head)
    return _field(inner, rest) if dot and isinstance(inner, dict) else None


def _identifier(value: Any) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def _stated(value: dict[str, Any], where: str | FromField | None) -> str | None:
    """What a row says in a field; a plain string is the source's own statement, added later for all rows."""
    if not isinstance(where, FromField):
        return None
    found = _field(value, where.field)
    return found if isinstance(found, str) and found else None if found is None else str(found)
