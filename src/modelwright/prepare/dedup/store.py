"""Signatures kept by digest, so that a run signs new texts only.

    <cache>/minhash-<version>/shingles.u64     hashes of all texts one after another, little-endian uint64, appended
    <cache>/minhash-<version>/<name>.arrow     digest, keys (25 x int64), start, length, truncated of some texts

An index file is written after the hashes that it points at are on disk, and by renaming; hashes behind the last index
were cut off by a crash and are overwritten. A text may stand in several indices: all say the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modelwright.core.errors import InputError
from modelwright.core.storage import storage_error, whole
from modelwright.prepare import cache
from modelwright.prepare.dedup.base import Corpus

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from modelwright.measure.hashing import Signatures

_INDICES_AT_MOST = 16
_FLUSH_BYTES = 256 << 20


def signatures(corpus: Corpus) -> Signatures:
    """Signatures of the texts of a corpus, in its order; what the cache lacks is read, measured and kept.

    The hashes are mapped from disk, not loaded. Raises InputError when a text cannot be read, StorageError when the
    disk refuses.
    """
    import pyarrow as pa

    from modelwright.measure.hashing import SIGNATURE

    folder = corpus.cache / f"minhash-{SIGNATURE}"
    if folder.name in corpus.known:
        return cast("Signatures", corpus.known[folder.name])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = _load(folder)
        missing = cache.missing(index, "digest", corpus.digests)
        if len(missing):
            index = pa.concat_tables([index, *_measure(corpus, missing, folder, _end(index))])
        if len(list(folder.glob("*.arrow"))) > _INDICES_AT_MOST:
            _compact(folder)
        selected = _select(index, corpus.digests, folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    corpus.known[folder.name] = selected
    return selected


def _schema() -> pa.Schema:
    import pyarrow as pa

    from modelwright.measure.hashing_kernel import BANDS

    return pa.schema(
        {
            "digest": pa.string(),
            "keys": pa.list_(pa.int64(), BANDS),
            "start": pa.int64(),
            "length": pa.int64(),
            "truncated": pa.bool_(),
        }
    )


def _load(folder: Path) -> pa.Table:
    """All index rows whose hashes are on disk; an index that cannot be read is set aside and its texts signed anew."""
    import pyarrow as pa
    import pyarrow.compute as pc

    hashes = folder / "shingles.u64"
    available = hashes.stat().st_size // 8 if hashes.exists() else 0
    tables = [_schema().empty_table()]
    for path in sorted(folder.glob("*.arrow")):
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all().cast(_schema())
        except (pa.ArrowInvalid, ValueError):
            path.rename(path.with_suffix(".damaged"))
            continue
        ends = pc.add(table["start"], table["length"])
        tables.append(table.filter(pc.less_equal(ends, available)))
    return pa.concat_tables(tables)


def _end(index: pa.Table) -> int:
    import pyarrow.compute as pc

    return int(pc.max(pc.add(index["start"], index["length"])).as_py() or 0)


def _measure(corpus: Corpus, missing: pa.Array, folder: Path, end: int) -> Iterator[pa.Table]:
    """Sign the missing texts; yields the index rows as they become durable. A text that comes twice is signed twice."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.measure.hashing import sign

    rows, read, held = [], [], 0
    with _open(folder / "shingles.u64", end) as file:
        for batch in corpus.read(missing):
            signed = sign(batch.column("text"))
            file.write(signed.shingles.data)
            rows.append(_rows(batch.column("digest").cast(pa.string()), signed, end))
            read += rows[-1]["digest"].chunks
            end += len(signed.shingles)
            held += signed.shingles.nbytes + signed.keys.nbytes
            if held > _FLUSH_BYTES:
                yield _flush(file, folder, rows)
                rows, held = [], 0
        if rows:
            yield _flush(file, folder, rows)
    unread = missing.filter(pc.invert(pc.is_in(missing, value_set=pa.chunked_array(read, pa.string()))))
    if len(unread):
        raise InputError(
            f"{len(unread)} texts could not be read while seeking duplicates",
            hint="the store of texts is damaged: `modelwright verify` names what is missing",
            value=min(unread.to_pylist()),
        )


def _open(path: Path, end: int) -> Any:
    """The file of hashes, open for writing at hash number `end`; what lies behind was never indexed."""
    path.touch()
    file = path.open("r+b")
    file.truncate(8 * end)
    file.seek(8 * end)
    return file


def _rows(digests: pa.Array, signed: Signatures, end: int) -> pa.Table:
    import pyarrow as pa

    schema = _schema()
    keys = pa.FixedSizeListArray.from_arrays(pa.array(signed.keys.reshape(-1)), type=schema.field("keys").type)
    columns = [digests, keys, pa.array(signed.starts + end), pa.array(signed.lengths), pa.array(signed.truncated)]
    return pa.Table.from_arrays(columns, schema=schema)


def _flush(file: Any, folder: Path, rows: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    file.flush()
    os.fsync(file.fileno())
    table = pa.concat_tables(rows)
    _write(table, folder)
    return table


def _write(table: pa.Table, folder: Path) -> Path:
    """One index file, named by the digests that it holds and complete once it bears its name."""
    import pyarrow as pa

    from modelwright.measure.spans import texts_of

    name = hashlib.sha256()
    for chunk in table["digest"].chunks:
        texts = texts_of(chunk)
        name.update(texts.data[texts.offsets[0] : texts.offsets[-1]].data)
    path = folder / f"{name.hexdigest()[:32]}.arrow"
    with whole(path) as beside, pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def forget(cache: Path, digests: Collection[str]) -> int:
    """Take the texts `digests` out of every index, and overwrite their hashes; returns how many went."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted, gone = pa.array(sorted(digests), pa.string()), 0
    for folder in sorted(cache.glob("minhash-*")):
        for path in sorted(folder.glob("*.damaged")):
            path.unlink()
        for path in sorted(folder.glob("*.arrow")):
            with pa.OSFile(str(path), "rb") as source:
                table = pa.ipc.open_file(source).read_all()
            hit = pc.is_in(table["digest"], value_set=wanted)
            if not pc.any(hit).as_py():
                continue
            _overwrite(folder / "shingles.u64", table.filter(hit))
            gone += table.filter(hit).num_rows
            rest = table.filter(pc.invert(hit))
            if rest.num_rows:
                _write(rest, folder)
            path.unlink()
    return gone


def _overwrite(path: Path, rows: pa.Table) -> None:
    """Zeros where the hashes of `rows` stand; the places of all others stay what they are."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        for start, length in zip(rows["start"].to_pylist(), rows["length"].to_pylist(), strict=True):
            file.seek(8 * start)
            file.write(bytes(8 * length))
        file.flush()
        os.fsync(file.fileno())


def _compact(folder: Path) -> None:
    """Write all indices as one, then remove them: at no moment is a text unknown."""
    old = set(folder.glob("*.arrow"))
    written = _write(_load(folder), folder)
    for path in old - {written}:
        path.unlink()


def _select(index: pa.Table, digests: pa.Array, folder: Path) -> Signatures:
    import numpy as np
    import pyarrow.compute as pc

    from modelwright.measure.hashing import Signatures
    from modelwright.measure.hashing_kernel import BANDS

    places = pc.index_in(digests, value_set=index["digest"]).to_numpy()
    flat = [chunk.flatten().to_numpy() for chunk in index["keys"].chunks]
    keys: np.ndarray[Any, np.dtype[np.int64]] = np.concatenate([np.zeros(0, np.int64), *flat]).reshape(-1, BANDS)
    path = folder / "shingles.u64"
    hashes: np.ndarray[Any, np.dtype[np.uint64]] = np.zeros(0, np.uint64)
    if path.exists() and path.stat().st_size:
        hashes = np.memmap(path, np.uint64, "r").view(np.ndarray)
    starts, lengths, truncated = (index[name].to_numpy()[places] for name in ("start", "length", "truncated"))
    return Signatures(keys[places], hashes, starts, lengths, truncated)
