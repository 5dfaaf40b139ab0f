"""Caches without what was taken down. What is not known for sure to be without it goes whole: it can be made again."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.formats import barred
from modelwright.govern.records import Records
from modelwright.project import schema
from modelwright.project.schema import Project
from modelwright.project.takedown.affected import Version
from modelwright.project.takedown.journal import Journal

if TYPE_CHECKING:
    import pyarrow as pa

KNOWN = ("documents", "signals", "dedup", "edits", "lookup", "takedown")


def forget(project: Project, begun: Journal, records: Records) -> None:
    """Rows about the documents and texts of a takedown leave every cache of the project."""
    from modelwright.prepare.dedup.store import forget as forget_signatures

    cache, documents, digests = project.home / "cache", begun["documents"], begun["digests"]
    if not cache.is_dir():
        return
    for path in sorted(cache.iterdir()):
        if path.name not in KNOWN:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _signals(cache / "signals", begun["cache_keys"])
    forget_signatures(cache / "dedup", digests)
    _by_digest(cache / "dedup", digests)
    _edits(cache / "edits", digests)
    _by_digest(cache / "takedown", digests)
    _documents(cache / "documents", documents)
    _lookup(project, records)


def _known_rows(folder: Path, documents: list[str]) -> pa.Table:
    """What was read about the documents, as signals see it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.prepare import cache
    from modelwright.prepare.documents import interim_schema

    ids, found = pa.array(documents, pa.string()), [interim_schema().empty_table()]
    for path in cache.files_of_all(folder):
        table = cache.load(path)
        if set(interim_schema().names) <= set(table.column_names):
            rows = table.select(interim_schema().names).replace_schema_metadata(None).cast(interim_schema())
            found.append(rows.filter(pc.is_in(rows["document"], value_set=ids)))
    return pa.concat_tables(found)


def _signals(folder: Path, keys: Mapping[str, Sequence[str]]) -> None:
    """Rows leave the signals whose keys are known; a signal that the project does not know any more goes whole."""
    from modelwright.prepare import cache

    for path in sorted(folder.glob("*/")):
        name = path.name.rpartition("-")[0]
        if name in keys:
            cache.forget(path, "key", keys[name])
        else:
            shutil.rmtree(path)


def signal_keys(project: Project, versions: Sequence[Version], documents: Collection[str]) -> dict[str, list[str]]:
    """Signal -> the keys under which something was kept about `documents`; taken while their versions can be read."""
    from modelwright.prepare.keys import Keys
    from modelwright.prepare.measure import all_signals

    prepare = schema.load(project.file).settings.prepare
    signals = all_signals(prepare.pile().chosen_signals() if prepare is not None else ())
    known = _known_rows(project.home / "cache" / "documents", list(documents))
    keys: dict[str, set[str]] = {name: set() for name in signals}
    for version in versions:
        values = _values(version, known)
        for name, signal in signals.items():
            if set(signal.inputs) - {"text"} <= set(values.column_names):
                keys[name].update(Keys().of(signal, values).drop_null().to_pylist())
    return {name: sorted(found) for name, found in keys.items()}


def _values(version: Version, known: pa.Table) -> pa.Table:
    """The rows of a version on the documents that are `known`, with the columns that signals read."""
    import pyarrow.compute as pc

    measured = version.reader.signals()
    rows = measured.filter(pc.is_in(measured["document"], value_set=known["document"].combine_chunks()))
    place = pc.index_in(rows["document"], value_set=known["document"].combine_chunks())
    for name in known.column_names:
        column = known[name].take(place)
        at = rows.schema.get_field_index(name)
        rows = rows.append_column(name, column) if at < 0 else rows.set_column(at, name, column)
    return rows


def _by_digest(folder: Path, digests: Collection[str]) -> None:
    """Lines, paragraphs, words, embeddings: kept under `key`, the digest of the text."""
    from modelwright.prepare import cache

    for path in sorted(folder.glob("*/")):
        if not path.name.startswith("minhash-"):
            cache.forget(path, "key", digests)


def _edits(folder: Path, digests: Collection[str]) -> None:
    """What an edit came to: digest and size of the edited text, under a digest over the text and its spans."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.prepare import cache

    wanted = pa.array(sorted(digests), pa.string())
    for path in sorted(folder.glob("*/")):
        keys: set[str] = set()
        for part in cache.files(path):
            rows = cache.load(part)
            keys.update(rows.filter(pc.is_in(rows["digest"], value_set=wanted))["key"].to_pylist())
        cache.forget(path, "key", keys)


def _documents(folder: Path, documents: list[str]) -> None:
    """The row stays, so that the piece of the source that it stands in need not be read again; its digest goes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.prepare import cache

    ids = pa.array(documents, pa.string())
    for path in cache.files_of_all(folder):
        table = cache.load(path)
        hit = pc.is_in(table["document"], value_set=ids)
        if not pc.any(pc.and_(hit, pc.is_valid(table["digest"]))).as_py():
            continue
        for name in ("digest", "row", "licence", "owner", "detail"):
            place = table.schema.get_field_index(name)
            changed = pc.if_else(hit, pa.scalar(None, table.schema.field(name).type), table[name])
            table = table.set_column(place, table.schema.field(name), changed)
        place = table.schema.get_field_index("error")
        changed = pc.if_else(hit, f"{barred.PREFIX}document", table["error"])
        table = table.set_column(place, table.schema.field("error"), changed)
        cache.write(path, table)


def _lookup(project: Project, records: Records) -> None:
    """Heads of ids and digests of chunks that no version holds any more."""
    from modelwright.project.versions import at_hand

    held = {
        f"{name}-{chunk.key}.u64" for record in at_hand(records) for name in record.tables
        for chunk in record.tables[name].chunks
    }  # fmt: skip
    for path in sorted((project.home / "cache" / "lookup").glob("*.u64")):
        if path.name not in held:
            path.unlink()
