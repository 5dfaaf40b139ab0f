"""Every file of a project, read as deeply as anyone could: tables, databases, archives, and shards as their texts."""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from modelwright.formats.tokens import Tokens


def searched(folder: Path, needles: list[str], skip: tuple[str, ...] = ("corpus",)) -> list[str]:
    """`file: needle` for every needle that a file below `folder` holds, but for the sources."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] not in skip:
            contents = list(read(path))
            found += [
                f"{path.relative_to(folder)}: {one!r}" for one in needles if any(one in text for text in contents)
            ]
    return found


def lines_alone(corpus: Path, name: str) -> list[str]:
    """Long lines that stand in files called `name` and in no other file of a corpus."""
    texts = {path: path.read_text(errors="replace") for path in sorted(corpus.rglob("*")) if path.is_file()}
    others = "\n".join(text for path, text in texts.items() if name not in path.name)
    lines = {line.strip() for path, text in texts.items() if name in path.name for line in text.splitlines()}
    return sorted(line for line in lines if len(line) > 40 and line not in others)


def read(path: Path) -> Iterator[str]:
    """What a file says: its bytes as text, and what they mean."""
    data = path.read_bytes()
    yield data.decode("utf-8", "replace")
    yield data.decode("utf-8", "replace").replace("\\n", "\n").replace('\\"', '"')
    if path.suffix == ".parquet":
        yield from columns(pq.read_table(path, partitioning=None))
    elif path.suffix == ".arrow":
        yield from columns(pa.ipc.open_file(path).read_all())
    elif data.startswith(b"SQLite format 3"):
        yield from rows(path)
    elif path.suffix == ".gz":
        yield gzip.decompress(data).decode("utf-8", "replace")
    elif path.suffix == ".avro":
        yield from deflated(data)
    elif path.name == "manifest.json" and (path.parent / "ends.bin").exists():
        yield decoded(path.parent)


def columns(table: pa.Table) -> Iterator[str]:
    for name in table.column_names:
        yield "\n".join(str(value) for value in table[name].to_pylist())


def rows(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in database.execute(f'select * from "{table}"'):
                yield "\n".join(str(value) for value in row)


def deflated(data: bytes) -> Iterator[str]:
    """Any deflate stream in a file of Avro: its blocks begin nowhere in particular."""
    for start in range(len(data)):
        try:
            plain = zlib.decompressobj(-15).decompress(data[start:])
        except zlib.error:
            continue
        if len(plain) > 200:
            yield plain.decode("utf-8", "replace")


def decoded(folder: Path) -> str:
    tokens = Tokens.open(folder)
    return str(Tokenizer.from_file(str(tokens.tokenizer_path)).decode(np.asarray(tokens.tokens[:]).tolist()))
