"""Scores at the border: one row per item, so that any comparison is a pure function of two scores artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError
from modelwright.core.fingerprint import canonical, merkle_root
from modelwright.core.storage import read_json, storage_error, write_json

if TYPE_CHECKING:
    import pyarrow as pa

FILE_NAME, SUMMARY_NAME = "scores.parquet", "scores.json"
DECIMALS = 6
"""Values are part of the digest to this many decimals: what lies below is the noise of floating-point sums."""


@dataclass(frozen=True)
class Scores:
    """The rows of `schema()` and what `scores.json` says of them: {"metrics": {name: {value, low, high, items}}}."""

    table: pa.Table
    summary: Mapping[str, Any] = field(default_factory=dict)


def schema() -> pa.Schema:
    """benchmark, item (unique within benchmark and metric), document (null when the item is none of the pile), source,
    language (null when unknown), metric, value, weight; and numerator and denominator where the metric over many items
    is the ratio of their sums (bits and bytes of bits per byte), else null."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    return pa.schema(
        [
            pa.field("benchmark", text, nullable=False),
            pa.field("item", text, nullable=False),
            pa.field("document", text),
            pa.field("source", text),
            pa.field("language", text),
            pa.field("metric", text, nullable=False),
            pa.field("value", number, nullable=False),
            pa.field("weight", number, nullable=False),
            pa.field("numerator", number),
            pa.field("denominator", number),
        ]
    )


def ordered(table: pa.Table) -> pa.Table:
    """The rows in canonical order and types. Raises ValueError when an item stands twice."""
    import pyarrow.compute as pc

    keys = ["benchmark", "metric", "item"]
    table = table.select(schema().names).cast(schema())
    table = table.take(pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys]))
    if table.group_by(keys).aggregate([]).num_rows != table.num_rows:
        raise ValueError("an item has two scores of one metric")
    return table


def scores_digest(table: pa.Table) -> str:
    """Digest of the rows: a Merkle root over canonical rows with values rounded to 1e-6."""
    import pyarrow.compute as pc

    rounded = table.set_column(
        table.schema.get_field_index("value"), "value", pc.round(table["value"], ndigits=DECIMALS)
    ).select(["benchmark", "item", "document", "source", "language", "metric", "value", "weight", "denominator"])
    return merkle_root(canonical(list(row.values())) for row in rounded.to_pylist())


def write_scores(folder: Path, scores: Scores) -> str:
    """Write `scores.parquet` and `scores.json`; returns the digest. Raises StorageError when the disk refuses."""
    import pyarrow.parquet as pq

    table = ordered(scores.table)
    try:
        pq.write_table(table, folder / FILE_NAME, compression="zstd")
    except OSError as error:
        raise storage_error(error, folder / FILE_NAME) from error
    write_json(folder / SUMMARY_NAME, dict(scores.summary))
    return scores_digest(table)


def read_scores(folder: Path) -> Scores:
    """The scores of an artifact's folder. Raises InputError when it holds none."""
    import pyarrow.parquet as pq

    path = folder / FILE_NAME
    if not path.is_file():
        raise InputError(f"{folder} holds no {FILE_NAME}", hint="name the folder of scores", value=str(folder))
    summary = folder / SUMMARY_NAME
    return Scores(pq.read_table(path), read_json(summary) if summary.is_file() else {})
