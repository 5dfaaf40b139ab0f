"""The pile as Apache Iceberg tables, through pyiceberg. The only place that writes them.

`pile.texts(digest, text)` is distinct and append-only; the narrow tables are replaced per version, in one commit and
one snapshot each, whose files are shared with earlier versions as far as their rows are the same (`chunks.py`).
Manifests hold no bounds, so no text, path or name leaks into metadata. pyiceberg's writer (not Daft's) keeps order
and row groups; `_dataframe_to_data_files` is private there and therefore pinned and tested.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError, MissingExtra, ModelwrightError, StorageError
from modelwright.core.storage import digest_file, storage_error
from modelwright.engines import catalogs
from modelwright.engines.chunks import cut
from modelwright.engines.rebase import RESTORE, rebase
from modelwright.engines.transaction import transaction_of
from modelwright.formats.pile import TABLES, Chunk, TableVersion, stored_schema

if TYPE_CHECKING:
    import pyarrow as pa

NAMESPACE = "pile"
TEXTS = "pile.texts"
ROW_GROUP_ROWS = 4096
PIECE_BYTES = 64 * 2**20
"""Arrow bytes of text per data file: what a writer holds in memory, about 16 MiB compressed."""
_PROPERTIES = {
    "write.metadata.metrics.default": "counts",  # bounds would keep 16 characters of origin, owner and text
    "write.metadata.metrics.column.text": "none",
    "write.metadata.metrics.column.origin": "none",
    "write.parquet.compression-codec": "zstd",
    "commit.retry.num-retries": "20",
}


def identifier(name: str) -> str:
    """`documents` -> `pile.documents`."""
    return f"{NAMESPACE}.{name}"


@contextlib.contextmanager
def opened(home: Path) -> Iterator[Any]:
    """The catalogue (pyiceberg SqlCatalog) of the project folder `home`, at home even when moved, or that of its team
    (`catalogs.use`); closed at the end.

    Raises StorageError when it cannot be opened or a write fails, Busy when another process rebases, MissingExtra
    without the driver of PostgreSQL.
    """
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy.exc import IntegrityError as IntegrityViolation
    from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

    where = catalogs.place(home)
    if catalogs.shared(home) is None:
        rebase(home)
    try:
        name, properties = catalogs.properties(home)
        try:
            catalog = SqlCatalog(name, **properties)
        except (IntegrityViolation, ProgrammingError):  # two made a team's catalogue at once: now it is there
            catalog = SqlCatalog(name, **properties)
    except OSError as error:
        raise storage_error(error, home) from error
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "postgres") from error
    except SQLAlchemyError as error:
        raise StorageError(f"the catalogue {where} cannot be opened: {error}", hint=RESTORE, value=where) from error
    try:
        yield catalog
    except OSError as error:
        raise storage_error(error, home) from error
    except SQLAlchemyError as error:
        raise StorageError(f"the catalogue {where} refused: {error}", hint=RESTORE, value=where) from error
    finally:
        catalog.close()


def ensure(catalog: Any, name: str) -> Any:
    """The table `pile.<name>` with the contract's columns, made when it is missing."""
    from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
    from sqlalchemy.exc import IntegrityError as IntegrityViolation

    with contextlib.suppress(NoSuchTableError):
        return catalog.load_table(identifier(name))
    limit = {"write.parquet.row-group-limit": str(ROW_GROUP_ROWS)} if name == "texts" else {}
    try:
        catalog.create_namespace_if_not_exists(NAMESPACE)
        return catalog.create_table(identifier(name), stored_schema(name), properties={**_PROPERTIES, **limit})
    except (NamespaceAlreadyExistsError, TableAlreadyExistsError, IntegrityViolation):  # by someone else, just now
        return catalog.load_table(identifier(name)) if catalog.table_exists(identifier(name)) else ensure(catalog, name)


def append_texts(table: Any, batches: Iterable[pa.RecordBatch]) -> int:
    """Append batches (digest, text) in their order: data files of PIECE_BYTES, one commit. Returns the rows written.

    The caller sees to it that digests are new and distinct. Nothing to append makes no snapshot, unless there is none.
    """
    files = text_data_files(table, batches)
    rows = sum(int(file.record_count) for file in files)
    if rows or table.current_snapshot() is None:
        with transaction_of(table) as transaction, transaction.update_snapshot().fast_append() as append:
            for file in files:
                append.append_data_file(file)
    return rows


def text_data_files(table: Any, batches: Iterable[pa.RecordBatch]) -> list[Any]:
    """Data files of PIECE_BYTES with these texts, written and not yet part of the table."""
    return [file for piece in _pieces(batches) for file in _data_files(table.metadata, piece, table.io)]


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        for part in _split(batch):
            if held and size + part.nbytes > PIECE_BYTES:
                yield pa.Table.from_batches(held)
                held, size = [], 0
            held.append(part)
            size += part.nbytes
    if held:
        yield pa.Table.from_batches(held)


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    parts = max(1, -(-batch.nbytes // (PIECE_BYTES // 4)))
    rows = max(1, -(-batch.num_rows // parts))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def replace(table: Any, rows: pa.Table, *, tag: str, earlier: Iterable[TableVersion] = ()) -> TableVersion:
    """Make `rows` the table's content, as one commit and one snapshot; chunks of `earlier` versions are not rewritten.

    Rows of a failed attempt for the same version go. New columns are added; a column whose type changed is replaced
    by a new one, and earlier snapshots keep the old. The snapshot is tagged with the version's name, so that other
    engines find it.
    """
    with transaction_of(table) as transaction:
        _evolve(transaction, _without_dictionaries(rows.schema))
        metadata = transaction.table_metadata
        wanted = arrow_schema(metadata.schema())
        whole = _with_columns(rows, wanted)
        current = live_files(table, table.current_snapshot())
        known = _known(table, earlier, current)
        chunks, files = [], {}
        for key, part in cut(whole):
            if key not in known:
                (file,) = _data_files(metadata, part.cast(wanted), table.io)
                path = file.file_path.removeprefix(f"{table.location()}/")
                written = digest_file(Path(file.file_path.removeprefix("file://")))
                known[key] = Chunk(key, path, part.num_rows, written), file
            chunks.append(known[key][0])
            files[chunks[-1].file] = known[key][1]
        if table.current_snapshot() is None or files.keys() != current.keys():
            with transaction.update_snapshot(snapshot_properties={"pile": tag}).overwrite() as overwrite:
                for path in current.keys() - files.keys():
                    overwrite.delete_data_file(current[path])
                for path in files.keys() - current.keys():
                    overwrite.append_data_file(files[path])
        snapshot = transaction.table_metadata.current_snapshot()
        assert snapshot is not None
        updates, requirements = transaction._set_ref_snapshot(snapshot.snapshot_id, tag, "tag")
        transaction._stage(updates, requirements)
    return version_of(table, rows.num_rows, tuple(chunks))


@contextlib.contextmanager
def readable(what: str) -> Iterator[None]:
    """Damage of Iceberg's own files in words; its decoders raise whatever they happen to meet in damaged bytes."""
    try:
        yield
    except ModelwrightError:
        raise
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise IntegrityError(f"{what} cannot be read: {said}", hint=RESTORE, value=what) from error


def live_files(table: Any, snapshot: Any) -> dict[str, Any]:
    """Path below the table's location -> data file, of a snapshot. Raises IntegrityError for a damaged manifest."""
    if snapshot is None:
        return {}
    files = {}
    with readable(f"the manifests of {'.'.join(table.name())}"):
        for manifest in snapshot.manifests(table.io):
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                files[entry.data_file.file_path.removeprefix(f"{table.location()}/")] = entry.data_file
    return files


def _known(
    table: Any, earlier: Iterable[TableVersion], current: Mapping[str, Any]
) -> dict[str, tuple[Chunk, Any]]:  # fmt: skip
    """Key -> chunk and data file, of every chunk of earlier versions that a snapshot still holds."""
    found: dict[str, tuple[Chunk, Any]] = {}
    for version in earlier:
        if version.uuid != str(table.metadata.table_uuid):
            continue
        new = [chunk for chunk in version.chunks if chunk.key not in found]
        files: Mapping[str, Any] = current
        if any(chunk.file not in files for chunk in new):
            files = {**live_files(table, table.snapshot_by_id(int(version.snapshot_id))), **current}
        found |= {chunk.key: (chunk, files[chunk.file]) for chunk in new if chunk.file in files}
    return found


def version_of(table: Any, rows: int, chunks: tuple[Chunk, ...] = ()) -> TableVersion:
    """The table as it stands now, as a PileRecord names it."""
    snapshot = table.current_snapshot()
    return TableVersion(".".join(table.name()), str(snapshot.snapshot_id), str(table.metadata.table_uuid), rows, chunks)


def arrow_schema(table: Any) -> pa.Schema:
    """The Arrow schema of an Iceberg schema, with plain strings."""
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    fields = schema_to_pyarrow(table, include_field_ids=False)
    return pa.schema([field.with_type(pa.string()) if field.type == pa.large_string() else field for field in fields])


def _with_columns(rows: pa.Table, wanted: pa.Schema) -> pa.Table:
    import pyarrow as pa

    present = set(rows.column_names)
    columns = {}
    for field in wanted:
        if field.name not in present:
            columns[field.name] = pa.nulls(rows.num_rows, field.type)
        elif pa.types.is_dictionary(rows.schema.field(field.name).type):
            columns[field.name] = rows[field.name]  # plain once it is written: most chunks never are
        else:
            columns[field.name] = rows[field.name].cast(field.type)
    return pa.table(columns)


def _without_dictionaries(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(plain)


def _evolve(transaction: Any, wanted: pa.Schema) -> None:
    from pyiceberg.io.pyarrow import _ConvertToIcebergWithoutIDs as Convert
    from pyiceberg.io.pyarrow import visit_pyarrow

    current = {field.name: field.field_type for field in transaction.table_metadata.schema().fields}
    types = {field.name: visit_pyarrow(field.type, Convert()) for field in wanted}
    changed = [name for name, kind in types.items() if name in current and current[name] != kind]
    missing = [name for name in types if name not in current]
    if not changed and not missing:
        return
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name in changed:
            update.delete_column(name)
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name in [*changed, *missing]:
            update.add_column(name, types[name])


def _data_files(metadata: Any, rows: pa.Table, io: Any) -> list[Any]:
    from pyiceberg.io.pyarrow import _dataframe_to_data_files

    return list(_dataframe_to_data_files(metadata, rows, io)) if rows.num_rows else []


def load(catalog: Any, version: TableVersion) -> Any:
    """The table that `version` names. Raises IntegrityError when it is another one, damaged or gone."""
    from pyiceberg.exceptions import NoSuchTableError

    with readable(f"the metadata of {version.identifier}"):
        try:
            table = catalog.load_table(version.identifier)
        except NoSuchTableError as error:
            gone = f"the table {version.identifier} is gone"
            raise IntegrityError(gone, hint=RESTORE, value=version.identifier) from error
    if str(table.metadata.table_uuid) != version.uuid:
        raise IntegrityError(
            f"{version.identifier} is another table than the one that was written",
            hint=RESTORE,
            value=str(table.metadata.table_uuid),
        )
    return table


def chunk_path(table: Any, chunk: Chunk) -> Path:
    return local_path(table, chunk.file)


def local_path(table: Any, file: str) -> Path:
    """Where a file lies that is named below the table's location, as `live_files` and chunks name it."""
    return Path(f"{table.location()}/{file}".removeprefix("file://"))


def read(
    table: Any, version: TableVersion, columns: Sequence[str] | None = None, chunks: Sequence[Chunk] | None = None
) -> pa.Table:
    """The rows of a version in order, with plain strings: all columns or those asked for, all chunks or some of them.

    Columns that a file does not hold are null. Raises OSError for a file that is gone, ArrowInvalid for a damaged one.
    """
    import pyarrow as pa
    import pyarrow.dataset as dataset

    snapshot = table.snapshot_by_id(int(version.snapshot_id))
    wanted = arrow_schema(table.schemas()[snapshot.schema_id] if snapshot is not None else table.schema())
    if columns is not None:
        wanted = pa.schema([field for field in wanted if field.name in columns])
    chosen = version.chunks if chunks is None else chunks
    if not chosen:
        return wanted.empty_table()
    paths = [str(chunk_path(table, chunk)) for chunk in chosen]
    return dataset.dataset(paths, schema=wanted, format="parquet").to_table(columns=wanted.names)


def text_files(table: Any, snapshot_id: str | None = None) -> list[str]:
    """Paths of the data files of `texts` in the order in which they were appended; the newest snapshot by default.

    Texts are only ever added, and each proves itself by its digest: where a takedown let a snapshot go, the newest
    one holds all that is left.
    """
    snapshot = table.snapshot_by_id(int(snapshot_id)) if snapshot_id else None
    snapshot = snapshot or table.current_snapshot()
    if snapshot is None:
        return []
    found = []
    with readable(f"the manifests of {'.'.join(table.name())}"):
        for manifest in snapshot.manifests(table.io):
            for position, entry in enumerate(manifest.fetch_manifest_entry(table.io, discard_deleted=True)):
                found.append((entry.sequence_number or manifest.sequence_number, position, entry.data_file.file_path))
    return [path.removeprefix("file://") for _, _, path in sorted(found)]


def sweep(catalog: Any) -> list[Path]:
    """Delete what no snapshot of a pile table reaches: torn files of a killed write. Call it under the lock.

    Reachability is taken over all snapshots, manifests and the metadata log. Returns the files that went.
    """
    gone: list[Path] = []
    for name in ("texts", *TABLES):
        if catalog.table_exists(identifier(name)):
            with readable(f"what {identifier(name)} holds"):  # nothing is deleted on the word of a damaged manifest
                table = catalog.load_table(identifier(name))
                reached = _reachable(table)
            for path in Path(table.location().removeprefix("file://")).rglob("*"):
                if path.is_file() and str(path) not in reached:
                    path.unlink()
                    gone.append(path)
    return gone


def _reachable(table: Any) -> set[str]:
    reached = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    manifests = {}
    for snapshot in table.snapshots():
        reached.add(snapshot.manifest_list)
        manifests.update({manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)})
    for path, manifest in manifests.items():
        reached.add(path)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            reached.add(entry.data_file.file_path)
    return {path.removeprefix("file://") for path in reached}
