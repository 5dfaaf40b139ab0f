"""The do-not-ingest list: what takedowns bar from every later preparation. Digests and hashes alone, no text.

    .modelwright/do_not_ingest.json            {"version", "takedowns": [{"takedown", "files": {path: sha256}}]}
    .modelwright/blobs/takedown-ID.json        {"documents": [ids], "digests": [of texts], "selectors": [digests]}
    .modelwright/blobs/takedown-ID.parquet     hash, text, width, limit: shingles of the texts (`measure/shingles.py`)

The first file is a projection of the ledger, whose events name the other two by digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError
from modelwright.core.storage import digest_file, read_json, storage_error, write_json

if TYPE_CHECKING:
    from modelwright.measure.shingles import Wanted

FILE_NAME = "do_not_ingest.json"
SELECTORS = ("source", "owner", "licence")


@dataclass(frozen=True)
class Barred:
    """documents  ids; digests  of texts; selectors  of (column, value), see `selector`; texts  shingles to look for.
    `digest` changes with any of them, `match_digest` with `texts` alone."""

    documents: frozenset[str]
    digests: frozenset[str]
    selectors: frozenset[str]
    texts: tuple[Wanted, ...]
    digest: str
    match_digest: str


def selector(column: str, value: str) -> str:
    """Hex digest that stands for all documents with this source, owner or licence; case does not count."""
    return hashlib.sha256(f"{column}\0{value.strip().casefold()}".encode()).hexdigest()


def list_digest(home: Path) -> str | None:
    """Digest of the whole list; None where nothing is barred."""
    path = home / FILE_NAME
    return digest_file(path) if path.is_file() else None


def load(home: Path) -> Barred | None:
    """The list of a project; None where nothing is barred. Raises IntegrityError when a part is gone or changed."""
    path = home / FILE_NAME
    if not path.is_file():
        return None
    documents: set[str] = set()
    digests: set[str] = set()
    selectors: set[str] = set()
    texts: list[Wanted] = []
    matches = hashlib.sha256()
    for entry in read_json(path)["takedowns"]:
        for name, expected in sorted(entry["files"].items()):
            file = checked(home, name, expected)
            if name.endswith(".json"):
                part = read_json(file)
                documents.update(part["documents"])
                digests.update(part["digests"])
                selectors.update(part["selectors"])
            else:
                matches.update(expected.encode())
                texts += read_shingles(file)
    found = frozenset(documents), frozenset(digests), frozenset(selectors)
    return Barred(*found, tuple(texts), digest_file(path), matches.hexdigest())


def checked(home: Path, name: str, expected: str) -> Path:
    """A part of the list. Raises IntegrityError when it is gone or changed: nothing is taken in unchecked."""
    file = home / name
    found = digest_file(file) if file.is_file() else "nothing"
    if found != expected:
        raise IntegrityError(
            f"{file} is not the do-not-ingest list that a takedown wrote",
            hint="restore it from a backup of the project; without it what was taken down could come back",
            value={"expected": expected, "found": found},
        )
    return file


def write_part(
    home: Path, takedown: str, ids: Mapping[str, Iterable[str]], texts: Sequence[Wanted]
) -> dict[str, str]:
    """Write what one takedown bars; returns path -> SHA-256. The same content gives the same bytes."""
    name = f"blobs/takedown-{takedown}"
    keys = ("documents", "digests", "selectors")
    write_json(home / f"{name}.json", {key: sorted(ids.get(key, ())) for key in keys})
    files = [f"{name}.json"]
    if any(len(some.hashes) for some in texts):
        _write_shingles(home / f"{name}.parquet", texts)
        files.append(f"{name}.parquet")
    return {file: digest_file(home / file) for file in files}


def write_list(home: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Make the file of the list say `entries` ({takedown, files}); untouched when it does."""
    path = home / FILE_NAME
    value = {"version": 1, "takedowns": [{"takedown": e["takedown"], "files": dict(e["files"])} for e in entries]}
    if not entries and not path.exists():
        return
    if not path.is_file() or read_json(path) != value:
        write_json(path, value)


def _write_shingles(path: Path, texts: Sequence[Wanted]) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "hash": np.concatenate([some.hashes for some in texts]),
        "text": np.concatenate([some.owners for some in texts]),
        "width": np.concatenate([np.full(len(some.hashes), some.width, np.int8) for some in texts]),
        "limit": np.concatenate([np.full(len(some.hashes), some.limit, np.uint64) for some in texts]),
    }
    beside = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), beside, compression="zstd")
        beside.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error


def read_shingles(path: Path) -> list[Wanted]:
    """What `write_part` wrote."""
    import numpy as np
    import pyarrow.parquet as pq

    from modelwright.measure.shingles import Wanted

    table = pq.read_table(path, partitioning=None)
    hashes, owners, widths, limits = (table[name].to_numpy() for name in ("hash", "text", "width", "limit"))
    found = []
    for width in np.unique(widths).tolist():
        mine = widths == width
        found.append(Wanted(hashes[mine], owners[mine].astype(np.int64), width, int(limits[mine][0])))
    return found
