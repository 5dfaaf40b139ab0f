"""Pairs of prompt and completion: `pairs.parquet`, the only thing that examples in files become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core import fingerprint
from modelwright.core.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

FILE_NAME = "pairs.parquet"
TRAIN, HELD_OUT = "train", "held_out"


@dataclass(frozen=True)
class Pair:
    """One example. `messages` is the conversation it came from, if it came from one."""

    prompt: str
    completion: str
    messages: tuple[Mapping[str, str], ...] | None = None

    @property
    def digest(self) -> str:
        """Hex SHA-256 of prompt, completion and messages."""
        return fingerprint.digest([self.prompt, self.completion, self.messages])


def schema() -> pa.Schema:
    """prompt, completion, messages (JSON, null for plain pairs), split (`train` or `held_out`), digest."""
    import pyarrow as pa

    text = pa.large_string()
    return pa.schema(
        [
            pa.field("prompt", text, nullable=False),
            pa.field("completion", text, nullable=False),
            pa.field("messages", text),
            pa.field("split", pa.string(), nullable=False),
            pa.field("digest", pa.string(), nullable=False),
        ]
    )


def split_of(prompt: str, held_out: float) -> str:
    """The split is a function of the prompt's digest alone, so neither order nor new data moves a pair,
    and a prompt with two completions stands on one side."""
    value = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big") / 2**64
    return HELD_OUT if value < held_out else TRAIN


def to_table(pairs: Sequence[Pair], held_out: float) -> pa.Table:
    """Rows of `schema()` in order of their digests."""
    import pyarrow as pa

    keyed = sorted((pair.digest, pair) for pair in pairs) if len({p.digest for p in pairs}) == len(pairs) else None
    if keyed is None:
        raise ValueError("pairs must be distinct")
    rows = [pair for _, pair in keyed]
    return pa.table(
        {
            "prompt": [pair.prompt for pair in rows],
            "completion": [pair.completion for pair in rows],
            "messages": [
                None if pair.messages is None else json.dumps(list(pair.messages), ensure_ascii=False, sort_keys=True)
                for pair in rows
            ],
            "split": [split_of(pair.prompt, held_out) for pair in rows],
            "digest": [digest for digest, _ in keyed],
        },
        schema=schema(),
    )


def to_pairs(table: pa.Table) -> list[Pair]:
    """The inverse of `to_table`, in the table's order."""
    return [
        Pair(row["prompt"], row["completion"], None if row["messages"] is None else tuple(json.loads(row["messages"])))
        for row in table.to_pylist()
    ]


def write(folder: Path, table: pa.Table) -> None:
    """Write `pairs.parquet` into an artifact's folder."""
    import pyarrow.parquet as pq

    pq.write_table(table, folder / FILE_NAME, compression="zstd")


def read(folder: Path, split: str | None = None) -> pa.Table:
    """Pairs of an artifact, all or of one split. Raises InputError when the folder holds none."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / FILE_NAME
    if not path.is_file():
        raise InputError(f"{folder} holds no pairs", hint="run the step that makes them again", value=str(path))
    table = pq.read_table(path)
    return table if split is None else table.filter(pc.equal(table["split"], split))


def content_digest(rows: Iterable[tuple[str, str]]) -> str:
    """Digest of a set of (pair digest, split): a Merkle root over its sorted rows."""
    return fingerprint.merkle_root([f"{digest} {split}".encode() for digest, split in sorted(rows)])


def table_digest(table: pa.Table) -> str:
    """`content_digest` of a table of pairs."""
    return content_digest(zip(table["digest"].to_pylist(), table["split"].to_pylist(), strict=True))
