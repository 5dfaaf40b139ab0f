"""Bits per byte of held-out documents and pairs: what a language model is trained for, comparable over tokenizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from modelwright.core.errors import InputError
from modelwright.validate.benchmark import Benchmark, Evidence, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from modelwright.models.inference import Loaded

_LANGUAGE_COLUMNS = ["kind", "language", "code_language"]
_NO_PROSE = ("code", "markup", "data")
PAIRS = "pairs"
"""The source of items that are held-out pairs."""


class BitsPerByte(Benchmark):
    """Bits per byte of the held-out documents, by source and language, and of the completions of held-out pairs.

    Every token is predicted once, the first from end-of-text; the value over many items is the sum of bits over the
    sum of UTF-8 bytes. Lower is better.
    """

    max_documents: int = Field(400, ge=1, description="documents per source, those with the lowest text digests")
    max_bytes: int = Field(16_384, ge=1, description="bytes read of each document, from its beginning")

    def score(self, loaded: Loaded, evidence: Evidence, progress: Progress) -> pa.Table:
        import pyarrow as pa

        from modelwright.formats.scores import schema

        rows = schema().remove(0).empty_table()
        if evidence.pile is not None:
            rows = pa.concat_tables([rows, *self._documents(loaded, evidence.pile, progress)])
        if evidence.pairs is not None and len(evidence.pairs):
            rows = pa.concat_tables([rows, _pairs(loaded, evidence.pairs, progress)])
        return rows

    def _documents(self, loaded: Loaded, pile: Any, progress: Progress) -> list[pa.Table]:
        import pyarrow as pa

        from modelwright.models.inference import rolling_bits

        chosen = _chosen(pile.documents(split="held_out"), self.max_documents)
        parts, done = [], 0
        for batch in pile.texts(chosen):
            table = pa.Table.from_batches([batch])
            texts = [_head(text, self.max_bytes) for text in table["text"].to_pylist()]
            bits = rolling_bits(loaded, texts, lambda now, total: progress(now, total, "windows"))
            languages = [_language(row) for row in table.select(_LANGUAGE_COLUMNS).to_pylist()]
            names, sources = (table[name].to_pylist() for name in ("document", "source"))
            parts.append(_rows(names, names, sources, languages, bits, texts))
            done += len(texts)
            progress(done, len(chosen), "documents")
        return parts

    def work(self, counts: dict[str, Any]) -> float:
        documents, held_out = max(1, counts.get("documents", 0)), counts.get("held_out", 0)
        return float(held_out * min(self.max_bytes, counts.get("bytes", 0) / documents))


def _language(row: dict[str, str | None]) -> str | None:
    """What a document is written in: its programming language where it is code or no language, else its language."""
    if row["code_language"] and (row["kind"] in _NO_PROSE or row["language"] in (None, "zxx")):
        return row["code_language"]
    return row["language"]


def _chosen(documents: pa.Table, at_most: int) -> pa.Table:
    """Of each source the non-empty documents with the lowest text digests, in the order of the pile."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    documents = documents.filter(pc.greater(documents["bytes"], 0))
    ranked = pc.sort_indices(
        documents, sort_keys=[("source", "ascending"), ("digest", "ascending"), ("document", "ascending")]
    ).to_numpy()
    sources = pc.dictionary_encode(documents["source"]).combine_chunks().indices.to_numpy()[ranked]
    begins = np.diff(sources, prepend=-1) != 0
    rank = np.arange(len(sources)) - np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(sources) else sources
    return documents.take(pa.array(np.sort(ranked[rank < at_most])))


def _head(text: str, at_most: int) -> str:
    """The beginning of a text, at most so many UTF-8 bytes, in whole characters."""
    data = text.encode()
    return text if len(data) <= at_most else data[:at_most].decode(errors="ignore")


def _pairs(loaded: Loaded, pairs: pa.Table, progress: Progress) -> pa.Table:
    from modelwright.models.inference import completion_bits

    pairs = pairs.filter([bool(text) for text in pairs["completion"].to_pylist()])
    prompts, completions, digests = (pairs[name].to_pylist() for name in ("prompt", "completion", "digest"))
    bits = completion_bits(loaded, prompts, completions, lambda now, total: progress(now, total, "windows"))
    count = len(digests)
    return _rows(digests, [None] * count, [PAIRS] * count, [None] * count, bits, completions)


def _rows(
    items: Sequence[str],
    documents: Sequence[str | None],
    sources: Sequence[str],
    languages: Sequence[str | None],
    bits: Any,
    texts: Sequence[str],
) -> pa.Table:
    """Raises InputError when the model's probabilities are no numbers: its training has diverged."""
    import numpy as np
    import pyarrow as pa

    from modelwright.formats.scores import schema

    if not np.isfinite(bits).all():
        raise InputError(
            "the model gives no finite probabilities", hint="its training diverged: lower the learning rates"
        )
    sizes = np.array([len(text.encode()) for text in texts], np.float64)
    used = sizes > 0
    columns = {
        "item": items, "document": documents, "source": sources, "language": languages,
        "metric": ["bits_per_byte"] * len(sizes), "value": bits / np.maximum(sizes, 1), "weight": sizes,
        "numerator": bits, "denominator": sizes,
    }  # fmt: skip
    target = schema().remove(0)
    return pa.table({name: pa.array(columns[name], target.field(name).type) for name in target.names}, target).filter(
        pa.array(used)
    )
