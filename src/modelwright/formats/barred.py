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
from modelwright.core.storage import digest_file, read_json, whole, write_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FILE_NAME = "do_not_ingest.json"
SELECTORS = ("source", "owner", "licence")
RULE = "takedown"
"""In the place of a rule: what drops a document that is barred."""
PREFIX = f"{RULE}:"
"""How the `error` of a barred document begins; what it is known by follows."""
WIDTH = 5
"""Words of a shingle; fewer where a text has fewer."""
EVERY = 2**64 - 1


@dataclass(frozen=True)
class Wanted:
    """Shingles of m texts: `hashes` (distinct within a text), those of text k where `owners` is k; a sample by hash,
    up to `limit`, where there are many. `width` words make a shingle."""

    hashes: npt.NDArray[np.uint64]
    owners: npt.NDArray[np.int64]
    width: int = WIDTH
    limit: int = EVERY


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
    ids: dict[str, set[str]] = {"documents": set(), "digests": set(), "selectors": set()}
    texts: list[Wanted] = []
    matches = hashlib.sha256()
    for entry in read_json(path)["takedowns"]:
        for key, part in read_ids(home, entry["files"]).items():
            ids[key] |= part
        for name, expected in sorted(entry["files"].items()):
            if not name.endswith(".json"):
                matches.update(expected.encode())
                texts += read_shingles(checked(home, name, expected))
    found = frozenset(ids["documents"]), frozenset(ids["digests"]), frozenset(ids["selectors"])
    return Barred(*found, tuple(texts), digest_file(path), matches.hexdigest())


def read_ids(home: Path, files: Mapping[str, str]) -> dict[str, set[str]]:
    """documents, digests and selectors that the parts `files` bar. Raises IntegrityError as `load` does."""
    found: dict[str, set[str]] = {"documents": set(), "digests": set(), "selectors": set()}
    for name, expected in files.items():
        if name.endswith(".json"):
            part = read_json(checked(home, name, expected))
            for key, ids in found.items():
                ids.update(part[key])
    return found


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


def write_part(home: Path, takedown: str, ids: Mapping[str, Iterable[str]], texts: Sequence[Wanted]) -> dict[str, str]:
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
    with whole(path) as beside:
        pq.write_table(pa.table(columns), beside, compression="zstd")


def read_shingles(path: Path) -> list[Wanted]:
    """What `write_part` wrote."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path, partitioning=None)
    hashes, owners, widths, limits = (table[name].to_numpy() for name in ("hash", "text", "width", "limit"))
    found = []
    for width in np.unique(widths).tolist():
        mine = widths == width
        found.append(Wanted(hashes[mine], owners[mine].astype(np.int64), width, int(limits[mine][0])))
    return found
