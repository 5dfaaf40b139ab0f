"""Small projects for the tests of stage 1."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.core.context import Context, Machine, Output
from modelwright.prepare.inventory import look
from modelwright.prepare.source import Row, Source

MACHINE = Machine(cores=2, memory_bytes=8 << 30, disk_free_bytes=1 << 40)


def context(project: Path, version: int = 1, **more: Any) -> Context:
    """A context whose folders lie in `project/.modelwright`, as the runner makes it."""
    home = project / ".modelwright"
    out, work = home / "pile" / str(version), home / "work" / "pile"
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    return Context(out, work, home, project, version, MACHINE, **more)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below `folder`; text as UTF-8."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def lines(rows: Iterable[Any]) -> bytes:
    """JSON Lines of objects; bytes and text pass as they are."""
    parts = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    return b"".join(part + b"\n" for part in parts)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def rows_of(source: Source, project: Path) -> list[Row]:
    """Every row that a source yields, as the preparation reads it."""
    inventory = look(source, project, project / ".modelwright")
    return [row for file in inventory.files for piece in source.pieces(file) for row in source.read(piece)]


def run(project: Path, settings: Mapping[str, Any], version: int = 1) -> tuple[Output, Context]:
    """Prepare a pile in `project` with the real stage."""
    from modelwright.prepare.run import run as prepare
    from modelwright.prepare.settings import PileSettings

    made = context(project, version)
    return prepare(PileSettings.model_validate(dict(settings)), {}, made), made


def decisions(project: Path, made: Context) -> pa.Table:
    """The table of decisions of a version, through the reader that later stages use."""
    from modelwright.engines.pile_reader import open_pile

    return open_pile(project / ".modelwright", made.out).decisions()
