"""Which chunks of a version speak of a document: sorted heads of ids and digests, one small file a chunk.

    <home>/cache/lookup/<table>-<key of the chunk>.u64    little-endian, 16 hex digits of each `document` and `digest`

A chunk's key is the digest of its rows, so the files serve every version that shares it; one that is missing is made
anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.storage import whole
from modelwright.formats.borders import prefixes
from modelwright.formats.pile import Chunk

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

COLUMNS = ("document", "digest")


def keep(home: Path, name: str, rows: pa.Table, chunks: Sequence[Chunk]) -> None:
    """Write the heads of chunks that have none yet; `rows` are those of all `chunks`, in order."""
    start = 0
    for chunk in chunks:
        if not _path(home, name, chunk).exists():
            _write(home, name, chunk, rows.slice(start, chunk.rows))
        start += chunk.rows


def having(home: Path, name: str, chunks: Sequence[Chunk], ids: Sequence[str], read: Any) -> Iterator[Chunk]:
    """The chunks in which an id or digest of `ids` (64 hex digits each) may stand; `read(chunks)` gives their rows."""
    import numpy as np
    import pyarrow as pa

    wanted = prefixes(pa.array(ids, pa.string()))
    for chunk in chunks:
        path = _path(home, name, chunk)
        if path.exists():
            heads = np.fromfile(path, dtype="<u8")
        else:
            heads = _write(home, name, chunk, read([chunk]))
        places = np.searchsorted(heads, wanted)
        if (heads[np.minimum(places, len(heads) - 1)] == wanted).any():
            yield chunk


def _path(home: Path, name: str, chunk: Chunk) -> Path:
    return home / "cache" / "lookup" / f"{name}-{chunk.key}.u64"


def _write(home: Path, name: str, chunk: Chunk, rows: pa.Table) -> np.ndarray[Any, np.dtype[np.uint64]]:
    import numpy as np

    heads = np.unique(np.concatenate([prefixes(rows[column]) for column in COLUMNS])).astype("<u8")
    with whole(_path(home, name, chunk)) as beside:
        beside.write_bytes(heads.tobytes())
    return heads
