"""How well a pile fits the use: what the project names, against what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from modelwright.core.errors import UsageError
from modelwright.core.spec import Options, Size

if TYPE_CHECKING:
    import pyarrow as pa

SCARCE = 0.01
"""A named language or domain with less of the pile's bytes than this is told as scarce."""
DIMENSIONS = {"languages": "language", "code_languages": "code_language", "domains": "domain"}
"""What a use may name, and the column of `documents` that holds it."""


class Use(Options):
    """What the model is for: `completion`, or with what it must know, `{task: completion, languages: [de, en]}`."""

    task: str = Field(description="in a word or a sentence")
    languages: tuple[str, ...] = Field((), description="natural languages, by code: `[de, en]`")
    code_languages: tuple[str, ...] = Field((), description="programming languages: `[java]`")
    domains: tuple[str, ...] = Field((), description="domains: `[law]`")
    tokens: Size | None = Field(None, description="tokens to train on that are thought to be needed, such as `50M`")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"task": value} if isinstance(value, str) else value

    @property
    def names_anything(self) -> bool:
        return self.tokens is not None or any(getattr(self, name) for name in DIMENSIONS)

    def __str__(self) -> str:
        named = {"languages": self.languages, "programming languages": self.code_languages, "domains": self.domains}
        parts = [self.task, *(f"{name}: {', '.join(values)}" for name, values in named.items() if values)]
        return "; ".join([*parts, *([f"{self.tokens:,} tokens"] if self.tokens else [])])


def fit(use: Use | None, documents: pa.Table, tokens: pa.Table | None) -> dict[str, Any]:
    """Each thing that the use names with documents, bytes, tokens and share of the bytes, and how it stands:
    `there`, `scarce` (less than SCARCE) or `missing`; and what is there though nobody named it.

    documents: the columns of the pile's `documents`; tokens: (document, tokens) of its training split, None where none
    were made. Raises UsageError when the use names nothing.
    """
    if use is None or not use.names_anything:
        hint = (
            "write `use: {task: completion, languages: [de, en], code_languages: [java], domains: [law], tokens: 50M}`"
        )
        raise UsageError("the project's `use` names no language, domain or number of tokens", hint=hint)
    found: dict[str, Any] = {"task": use.task, "named": [], "unnamed": []}
    counted = _with_tokens(documents, tokens)
    for name, column in DIMENSIONS.items():
        wanted = getattr(use, name)
        if wanted:
            rows = _by(counted, column)
            found["named"] += [_named(column, value, rows) for value in dict.fromkeys(wanted)]
            others = [row for value, row in rows.items() if value is not None and value not in wanted]
            found["unnamed"] += [{"what": column, **row} for row in others]
    found["missing"] = [row["value"] for row in found["named"] if row["verdict"] == "missing"]
    found["scarce"] = [row["value"] for row in found["named"] if row["verdict"] == "scarce"]
    have = None if tokens is None else int(counted["tokens"].to_numpy().sum())
    found["tokens"] = {
        "wanted": use.tokens,
        "there": have,
        "epochs": use.tokens / have if use.tokens and have else None,
    }
    return {**found, "told": _told(found)}


def _with_tokens(documents: pa.Table, tokens: pa.Table | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if tokens is None:
        counts: Any = pa.nulls(documents.num_rows, pa.int64())
    else:
        places = pc.index_in(documents["document"], value_set=tokens["document"].combine_chunks())
        counts = pc.fill_null(tokens["tokens"].take(places), 0)
    return documents.select(["bytes", *DIMENSIONS.values()]).append_column("tokens", counts)


def _by(counted: pa.Table, column: str) -> dict[str | None, dict[str, Any]]:
    """Value -> its row, the largest first; the share is of all bytes of the pile."""
    import pyarrow.compute as pc

    total = pc.sum(counted["bytes"]).as_py() or 1
    grouped = counted.group_by(column).aggregate([("bytes", "sum"), ("tokens", "sum"), ([], "count_all")])
    rows = [
        {
            "value": row[column], "documents": row["count_all"], "bytes": row["bytes_sum"] or 0,
            "tokens": row["tokens_sum"], "share": (row["bytes_sum"] or 0) / total,
        }
        for row in grouped.to_pylist()
    ]  # fmt: skip
    return {row["value"]: row for row in sorted(rows, key=lambda row: (-row["bytes"], str(row["value"])))}


def _named(column: str, value: str, rows: dict[str | None, dict[str, Any]]) -> dict[str, Any]:
    nothing = {"value": value, "documents": 0, "bytes": 0, "tokens": 0, "share": 0.0}
    row = rows.get(value, nothing)
    verdict = "missing" if not row["documents"] else "scarce" if row["share"] < SCARCE else "there"
    return {"what": column, **row, "verdict": verdict}


def _told(found: dict[str, Any]) -> list[str]:
    """What is missing, in words; empty when the pile fits."""
    told = [f"missing: no document of {row['what']} {row['value']}" for row in found["named"] if not row["documents"]]
    told += [
        f"scarce: {row['what']} {row['value']} is {100 * row['share']:.2g} % of the bytes"
        for row in found["named"]
        if row["verdict"] == "scarce"
    ]
    tokens = found["tokens"]
    if tokens["epochs"] and tokens["epochs"] > 1:
        told.append(f"{tokens['wanted']:,} tokens wanted, {tokens['there']:,} there: {tokens['epochs']:.1f} epochs")
    return told
