"""The pile at the border: which tables a version consists of, their Arrow schemas, and its content digests.

A version of the pile is a `PileRecord`, saved as `pile.json`: the snapshot of each Iceberg table, counts, and two
Merkle roots. `root` covers the canonical rows of `documents`, `text_root` the distinct text digests (for proofs that
a text is, or is not, in the pile). Neither holds a clock, a path or a snapshot id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.fingerprint import merkle_root
from modelwright.core.storage import read_json, write_json
from modelwright.formats import erased

if TYPE_CHECKING:
    import pyarrow as pa

FILE_NAME = "pile.json"
_BACK = "restore it from a backup, or make the version anew: `modelwright run --rebuild prepare`"
TABLES = ("documents", "decisions", "signals", "findings")
"""The narrow tables that `pile sql` sees; `texts` lies apart."""

DECISIONS = ("kept", "changed", "dropped", "duplicate", "quarantined")
IN_PILE = ("kept", "changed")
"""The decisions that let a document into the pile."""

METADATA = (
    "source", "origin", "modality", "access", "licence", "owner", "language", "code_language", "kind", "bytes",
)  # fmt: skip
"""The columns of `documents` that are part of the content digest besides document, digest and split."""

_COLUMNS: dict[str, dict[str, str]] = {
    "documents": {
        "document": "string", "source": "string", "origin": "string", "digest": "string", "split": "string",
        "modality": "string", "access": "string", "licence": "string", "owner": "string", "language": "string",
        "code_language": "string", "kind": "string", "domain": "string", "bytes": "int64",
    },
    "decisions": {
        "document": "string", "source": "string", "origin": "string", "pile": "string", "decision": "string",
        "rule": "string", "signal": "string", "value": "float64", "value_text": "string", "threshold": "string",
        "duplicate_of": "string", "digest": "string",
    },
    "signals": {
        "document": "string", "source": "string", "origin": "string", "pile": "string", "language": "string",
        "language_confidence": "float64", "code_language": "string", "kind": "string",
    },
    "findings": {
        "document": "string", "source": "string", "origin": "string", "pile": "string", "signal": "string",
        "kind": "string", "start": "int64", "end": "int64", "confidence": "float64",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Chunk:
    """Neighbouring rows of a table in one data file, which every version with the same rows shares.

    key     digest of the rows; file  path below the table's location; digest  SHA-256 of the file's bytes (Iceberg
    keeps no checksum of data files)
    """

    key: str
    file: str
    rows: int
    digest: str


@dataclass(frozen=True)
class TableVersion:
    """One table of a version: `snapshot_id` is a string, because JSON loses 63-bit integers.

    `chunks` are its rows in order; empty for `texts`, where each text proves itself. Like snapshot ids they are no part
    of the pile's content digest.
    """

    identifier: str
    snapshot_id: str
    uuid: str
    rows: int
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True)
class PileRecord:
    """What `pile.json` says. `pile` is the version's name (`pile@3`), the value of the column `pile` in the tables.

    counts: input, one per decision, documents, train, held_out, texts (distinct), bytes (UTF-8, of the documents).
    sources: the names of all sources.
    """

    pile: str
    root: str
    text_root: str
    tables: Mapping[str, TableVersion]
    counts: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self))

    @staticmethod
    def load(folder: Path) -> PileRecord:
        """Raises InputError when `folder` holds no pile, or one that a takedown erased; IntegrityError when damaged."""
        path = folder / FILE_NAME
        erased.refuse(folder)
        if not path.is_file():
            raise InputError(f"{folder} holds no {FILE_NAME}", hint=_BACK, value=str(folder))
        try:
            saved = read_json(path)
            tables = {}
            for name, table in saved.pop("tables").items():
                chunks = tuple(Chunk(**chunk) for chunk in table.pop("chunks"))
                tables[name] = TableVersion(**table, chunks=chunks)
            return PileRecord(**{**saved, "sources": tuple(saved["sources"])}, tables=tables)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise IntegrityError(f"{path} is damaged: {error}", hint=_BACK, value=str(path)) from error


def schema(name: str) -> pa.Schema:
    """The contract's columns of the table `name` (one of TABLES, or `texts`), as an Arrow schema."""
    import pyarrow as pa

    if name == "texts":
        return pa.schema([("digest", pa.string()), ("text", pa.large_string())])
    return pa.schema([(column, pa.type_for_alias(kind)) for column, kind in _COLUMNS[name].items()])


def stored_schema(name: str) -> pa.Schema:
    """The columns that a table begins with on disk: without `pile`, so that versions can share files."""
    import pyarrow as pa

    return pa.schema([column for column in schema(name) if column.name != "pile"])


def conform(table: pa.Table, name: str, pile: str | None = None) -> pa.Table:
    """`table` as `shaped` gives it, sorted by (source, origin, document).

    Raises IntegrityError when an identifying column is missing or holds null.
    """
    import numpy as np
    import pyarrow.compute as pc

    result = shaped(table, name, pile)
    for key in ("document", "source", "origin"):
        if result[key].null_count:
            raise IntegrityError(f"{name}: {result[key].null_count} rows have no {key}", value=key)
    keys = [("source", "ascending"), ("origin", "ascending"), ("document", "ascending")]
    if name == "findings":
        keys += [("start", "ascending"), ("end", "ascending"), ("signal", "ascending"), ("kind", "ascending")]
    order = pc.sort_indices(result, sort_keys=keys)
    in_order = np.array_equal(order.to_numpy(), np.arange(len(order)))  # as a preparation leaves them
    return result if in_order else result.take(order)


def shaped(table: pa.Table, name: str, pile: str | None = None) -> pa.Table:
    """`table` with the contract's columns first, in their types and order, and its further columns after them.

    Columns of the contract that are missing become null; `pile` fills the column of that name.
    """
    import pyarrow as pa

    wanted = schema(name)
    arrays: dict[str, Any] = {}
    for column in wanted:
        if column.name == "pile" and pile is not None:
            arrays[column.name] = pa.repeat(pa.scalar(pile, column.type), table.num_rows)
        elif column.name in table.column_names:
            arrays[column.name] = _plain(table[column.name]).cast(column.type)
        else:
            arrays[column.name] = pa.nulls(table.num_rows, column.type)
    for column_name in table.column_names:
        if column_name not in arrays:
            arrays[column_name] = _plain(table[column_name])
    return pa.table(arrays)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without dictionaries, views and unsigned or null types, which Iceberg or its readers refuse."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind) and kind not in (pa.int32(), pa.int64()):
        return column.cast(pa.int64())
    if kind == pa.float16():
        return column.cast(pa.float32())
    return column


def content_root(documents: pa.Table) -> str:
    """Merkle root (RFC 6962 hashing) over the canonical rows of `documents`, sorted by document.

    A row is the netstrings of document, digest, split and METADATA; null is `-`. A function of the set of rows alone.
    """
    return merkle_root(content_leaves(documents))


def content_leaves(documents: pa.Table) -> list[bytes]:
    """The canonical rows of `content_root`, in its order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = documents.take(pc.sort_indices(documents, sort_keys=[("document", "ascending")]))
    if rows.num_rows == 0:
        return []
    pieces = []
    for name in ("document", "digest", "split", *METADATA):
        text = rows[name].combine_chunks().cast(pa.large_string())
        size = pc.binary_length(text).cast(pa.large_string())
        netstring = pc.binary_join_element_wise(size, text, pa.scalar(":", pa.large_string()))
        pieces.append(pc.fill_null(netstring, pa.scalar("-", pa.large_string())))
    leaves = pc.binary_join_element_wise(*pieces, pa.scalar(",", pa.large_string()))
    rows_as_bytes: list[bytes] = leaves.cast(pa.large_binary()).to_pylist()
    return rows_as_bytes


def text_root(documents: pa.Table) -> str:
    """Merkle root over the distinct text digests (32 raw bytes a leaf), sorted."""
    return merkle_root(text_leaves(documents))


def text_leaves(documents: pa.Table) -> list[bytes]:
    """The leaves of `text_root`, in its order."""
    import pyarrow.compute as pc

    raw = bytes.fromhex("".join(sorted(pc.unique(documents["digest"]).to_pylist())))
    return [raw[start : start + 32] for start in range(0, len(raw), 32)]


def text_digests(texts: pa.Array) -> list[str]:
    """Hex SHA-256 of each UTF-8 text of an array without nulls; bytes are hashed in place, 1.4 GB per CPU-second."""
    import hashlib
    from itertools import pairwise

    import numpy as np
    import pyarrow as pa

    if not len(texts):
        return []
    array = texts.cast(pa.large_string())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1].tolist()
    view = memoryview(data) if data is not None else memoryview(b"")
    return [hashlib.sha256(view[start:end]).hexdigest() for start, end in pairwise(ends)]


def count(documents: pa.Table, decisions: pa.Table) -> dict[str, int]:
    """The counts of a PileRecord. Raises IntegrityError when the decisions do not account for every document."""
    import pyarrow.compute as pc

    found = {row["values"]: row["counts"] for row in pc.value_counts(decisions["decision"]).to_pylist()}
    unknown = sorted(str(name) for name in found if name not in DECISIONS)
    if unknown:
        raise IntegrityError(f"unknown decision {unknown[0]!r}", hint="one of " + ", ".join(DECISIONS), value=unknown)
    if pc.count_distinct(decisions["document"]).as_py() != decisions.num_rows:
        raise IntegrityError("a document has more than one decision", value=decisions.num_rows)
    inside = decisions.filter(pc.is_in(decisions["decision"], value_set=_strings(IN_PILE)))["document"]
    distinct = pc.count_distinct(documents["document"]).as_py()
    if not len(inside) == documents.num_rows == distinct or strangers(documents["document"], inside):
        raise IntegrityError(
            f"{len(inside)} documents are decided to be kept or changed, the pile has {documents.num_rows} documents",
            hint="every input document has exactly one decision; this is a bug in the preparation",
        )
    held_out = pc.sum(pc.equal(documents["split"], "held_out")).as_py() or 0
    return {
        "input": decisions.num_rows,
        **{name: found.get(name, 0) for name in DECISIONS},
        "documents": documents.num_rows,
        "train": documents.num_rows - held_out,
        "held_out": held_out,
        "texts": pc.count_distinct(documents["digest"]).as_py(),
        "bytes": pc.sum(documents["bytes"]).as_py() or 0,
    }


def strangers(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> int:
    """How many of `ids` are not `known`; both are mostly the same in the same order, which is seen at once."""
    import pyarrow.compute as pc

    if ids.equals(known):
        return 0
    return int(pc.sum(pc.invert(pc.is_in(ids, value_set=known.combine_chunks()))).as_py() or 0)


def _strings(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())
