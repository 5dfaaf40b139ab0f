"""Making the pile's tables smaller: only what some versions hold stays on disk, to the byte.

Snapshots that no version needs are expired, texts that no version holds are rewritten away, and files that nothing
reaches are deleted. A kill at any point leaves tables that read as before or as after; the next call finishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.engines import iceberg
from modelwright.engines.transaction import transaction_of
from modelwright.formats.pile import TABLES, PileRecord

if TYPE_CHECKING:
    import pyarrow as pa

SMALL_BYTES = 4 * 2**20
"""Data files of texts below this size are written together once there are FILES_AT_MOST of them."""
FILES_AT_MOST = 32


def shrink(catalog: Any, records: Sequence[PileRecord]) -> int:
    """Keep what `records` (the versions that stay, newest first) hold, and nothing else; returns the bytes freed.

    Call it under the pile's lock. Raises StorageError when the disk refuses.
    """
    before = _bytes(catalog)
    for name in TABLES:
        if catalog.table_exists(iceberg.identifier(name)):
            _shrink_narrow(catalog.load_table(iceberg.identifier(name)), [record.tables[name] for record in records])
    if catalog.table_exists(iceberg.TEXTS):
        _shrink_texts(catalog, records)
    iceberg.sweep(catalog)
    _drop_old_metadata(catalog)
    return before - _bytes(catalog)


def _bytes(catalog: Any) -> int:
    total = 0
    for name in ("texts", *TABLES):
        if catalog.table_exists(iceberg.identifier(name)):
            folder = Path(catalog.load_table(iceberg.identifier(name)).location().removeprefix("file://"))
            total += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return total


def _shrink_narrow(table: Any, versions: Sequence[Any]) -> None:
    """Point the table at the newest version that stays, then expire every snapshot that no version needs."""
    if table.current_snapshot() is None:
        return
    wanted = {version.snapshot_id for version in versions}
    if str(table.current_snapshot().snapshot_id) not in wanted:
        live = iceberg.live_files(table, table.current_snapshot())
        files: dict[str, Any] = {}
        if versions:
            held = iceberg.live_files(table, table.snapshot_by_id(int(versions[0].snapshot_id)))
            files = {chunk.file: held[chunk.file] for chunk in versions[0].chunks}
        _swap(table, live, files)
    _expire(table, wanted)


def _shrink_texts(catalog: Any, records: Sequence[PileRecord]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = catalog.load_table(iceberg.TEXTS)
    if table.current_snapshot() is None:
        return
    wanted = _wanted(catalog, records)
    live = iceberg.live_files(table, table.current_snapshot())
    stays: dict[str, Any] = {}
    rewritten: list[str] = []
    for path, file in live.items():
        digests = pq.read_table(iceberg.local_path(table, path), columns=["digest"], partitioning=None)["digest"]
        inside = pc.sum(pc.is_in(digests, value_set=wanted)).as_py() or 0
        if inside == len(digests):
            stays[path] = file
        elif inside:
            rewritten.append(path)
    small = [path for path, file in stays.items() if file.file_size_in_bytes < SMALL_BYTES]
    if len(small) > FILES_AT_MOST:
        rewritten += small
        stays = {path: file for path, file in stays.items() if path not in small}
    if len(stays) < len(live):

        def texts() -> Iterator[pa.RecordBatch]:
            for path in rewritten:
                for batch in pq.ParquetFile(iceberg.local_path(table, path)).iter_batches(columns=["digest", "text"]):
                    kept = batch.filter(pc.is_in(batch["digest"], value_set=wanted))
                    yield kept.cast(pa.schema([("digest", pa.string()), ("text", pa.large_string())]))

        new = {file.file_path: file for file in iceberg.text_data_files(table, texts())}
        _swap(table, live, {**stays, **new})
    _expire(table, {str(table.current_snapshot().snapshot_id)})


def _wanted(catalog: Any, records: Sequence[PileRecord]) -> pa.Array:
    """The distinct digests of texts that some version holds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [pa.array([], pa.string())]
    seen: set[str] = set()
    for record in records:
        version = record.tables["documents"]
        chunks = [chunk for chunk in version.chunks if chunk.key not in seen]
        seen |= {chunk.key for chunk in chunks}
        handle = iceberg.load(catalog, version)
        found.append(iceberg.read(handle, version, ["digest"], chunks)["digest"].combine_chunks())
    return pc.unique(pa.chunked_array(found))


def _swap(table: Any, live: dict[str, Any], files: dict[str, Any]) -> None:
    """One snapshot that holds `files` in place of `live`."""
    with transaction_of(table) as transaction, transaction.update_snapshot().overwrite() as overwrite:
        for path in live.keys() - files.keys():
            overwrite.delete_data_file(live[path])
        for path in [path for path in files if path not in live]:
            overwrite.append_data_file(files[path])


def _expire(table: Any, wanted: set[str]) -> None:
    """Remove the snapshots, and the tags on them, that are not `wanted`; the current one stays."""
    wanted = wanted | {str(table.current_snapshot().snapshot_id)}
    tags = [name for name, ref in table.refs().items() if str(ref.snapshot_id) not in wanted and name != "main"]
    for name in tags:
        table.manage_snapshots().remove_tag(name).commit()
    gone = [one.snapshot_id for one in table.snapshots() if str(one.snapshot_id) not in wanted]
    if gone:
        table.maintenance.expire_snapshots().by_ids(gone).commit()


def _drop_old_metadata(catalog: Any) -> None:
    """Delete earlier metadata files: they name snapshots that are gone, and nothing reads them."""
    for name in ("texts", *TABLES):
        if not catalog.table_exists(iceberg.identifier(name)):
            continue
        table = catalog.load_table(iceberg.identifier(name))
        current = table.metadata_location.removeprefix("file://")
        for path in Path(current).parent.glob("*.metadata.json"):
            if str(path) != current:
                path.unlink()
