"""Pile -> tokens: a tokenizer trained on the training split (or an earlier one, pinned), and memory-mapped shards.

Held-out documents are in neither. Texts stream by in order of (source, origin); only the narrow table is in memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import EmptyResult, IntegrityError, ModelwrightError, UsageError
from modelwright.formats.tokens import DOCUMENT_COLUMNS, Tokens, dtype_name, tokens_digest
from modelwright.prepare.encode import check_stop, encode
from modelwright.prepare.mixing import Mix, expected_shares
from modelwright.prepare.settings import TokensSettings

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN_BYTES_PER_SECOND = 40e6
ENCODE_BYTES_PER_SECOND = 60e6
BYTES_PER_TOKEN = 3.5
"""Measured on code and English with 16,384 entries, one core; ENCODE includes reading, writing and sorting."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def estimate(settings: TokensSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """Time, memory and disk from the bytes of the pile's training split; unknown while there is no pile."""
    pile = inputs.get("pile")
    size = _train_bytes(pile) if pile is not None else None
    if size is None:
        return Estimate(basis="unknown until the pile is made")
    training = 0.0 if settings.tokenizer.pinned else size / TRAIN_BYTES_PER_SECOND
    width = 2 if dtype_name(settings.tokenizer.vocabulary) == "uint16" else 4
    tokens = int(size / BYTES_PER_TOKEN)
    details: dict[str, Any] = {"tokens": tokens}
    if settings.mix is not None and pile is not None:
        details = {"tokens": settings.mix.tokens or tokens, "shares": _shares(settings.mix, pile)}
    return Estimate(
        seconds=3 + training + size / ENCODE_BYTES_PER_SECOND,
        memory_bytes=600_000_000 + min(2 * size, 2_000_000_000),
        disk_bytes=tokens * width + (0 if settings.tokenizer.pinned else size // 3),
        basis=f"{size / 1e6:.0f} MB of text at {BYTES_PER_TOKEN} bytes a token; speeds measured on one core",
        details=details,
    )


def _train_bytes(pile: Artifact) -> int | None:
    from modelwright.formats.pile import PileRecord

    try:
        counts = PileRecord.load(pile.path).counts
    except (ModelwrightError, OSError, KeyError, TypeError, ValueError):
        return None  # an estimate is never a reason to fail: the run itself says what is wrong
    return counts["bytes"] * counts["train"] // max(1, counts["documents"])


def _shares(mix: Mix, pile: Artifact) -> dict[str, float] | None:
    """Shares of the mix that are to be expected, by bytes. Raises UnknownName and UsageError as the run would."""
    from modelwright.engines.pile_reader import open_pile

    try:
        reader = open_pile(pile.path.parents[1], pile.path)
        return expected_shares(reader, mix, BYTES_PER_TOKEN)
    except (IntegrityError, OSError):
        return None  # an estimate is never a reason to fail; a mix that asks for what is not there is one


def run(settings: TokensSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Write tokenizer and shards into `context.out`. Raises EmptyResult when no document is in the training split."""
    from modelwright.engines.pile_reader import open_pile

    reader = open_pile(context.home, inputs["pile"].path)
    documents = reader.documents(split="train")
    if not documents.num_rows:
        raise EmptyResult(
            f"no document of {inputs['pile'].ref} is in the training split", hint="lower `prepare.holdout`, or add data"
        )
    documents = documents.select([*DOCUMENT_COLUMNS, "bytes"])
    if settings.tokenizer.pinned:
        tokenizer_of = _pinned(settings, inputs, context.out)
    else:
        tokenizer_of = "trained here"
        _train(settings, reader, documents, context)
    encoded = encode(reader, documents, context, settings.mix)
    tokens = Tokens.open(context.out)
    facts = _facts(tokens, encoded.documents, reader.record.counts["held_out"])
    facts |= {"tokenizer": tokenizer_of, "encoded_before": encoded.reused}
    facts |= {"mix": encoded.mix} if encoded.mix else {}
    shards = {shard["file"]: shard["digest"] for shard in tokens.manifest["shards"]}
    return Output(tokens_digest(tokens), facts, shards)


def _pinned(settings: TokensSettings, inputs: Mapping[str, Artifact], out: Path) -> str:
    if "tokenizer" not in inputs:
        raise UsageError(
            f"the tokens {settings.tokenizer.pinned} do not exist",
            hint="`modelwright list tokens` shows which do",
            value=settings.tokenizer.pinned,
        )
    for name in TOKENIZER_FILES:
        shutil.copyfile(inputs["tokenizer"].path / name, out / name)
    return inputs["tokenizer"].ref


def _train(settings: TokensSettings, reader: Any, documents: pa.Table, context: Context) -> None:
    """Train on a Parquet copy of the distinct training texts; a trained tokenizer in `work` survives a kill."""
    from modelwright.engines import gigatoken

    done = context.work / "tokenizer"
    if not (done / "tokenizer_config.json").exists():  # the second of the two files, so both are whole
        texts = context.work / "texts.parquet"
        _write_texts(reader, documents, texts, context)
        context.progress("training the tokenizer", 0, None)
        gigatoken.train(texts, settings.tokenizer.vocabulary, done)
        texts.unlink()
    for name in TOKENIZER_FILES:
        shutil.copyfile(done / name, context.out / name)


def _write_texts(reader: Any, documents: pa.Table, path: Path, context: Context) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    distinct = pc.unique(documents["digest"])
    first = np.unique(pc.index_in(documents["digest"], value_set=distinct).to_numpy(), return_index=True)[1]
    once = documents.select(["digest", "bytes"]).take(pa.array(np.sort(first)))
    schema, done = pa.schema([("text", pa.large_string())]), 0
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as file:
        for batch in reader.texts(once):
            check_stop(context)
            file.write_batch(batch.select(["text"]))
            done += batch.num_rows
            context.progress("reading texts", done, once.num_rows, "texts")


def _facts(tokens: Tokens, documents: pa.Table, held_out: int) -> dict[str, Any]:
    import numpy as np
    import pyarrow.compute as pc

    sizes = documents.group_by("source").aggregate([("bytes", "sum"), ("document", "count")]).to_pylist()
    ranges = tokens.source_ranges()
    by_source = {}
    for row in sorted(sizes, key=lambda row: str(row["source"])):
        start, end = ranges[row["source"]]
        by_source[row["source"]] = {
            "documents": row["document_count"], "tokens": end - start, "bytes": row["bytes_sum"],
            "bytes_per_token": row["bytes_sum"] / max(1, end - start - row["document_count"]),
        }  # fmt: skip
    total = int(pc.sum(documents["bytes"]).as_py())
    lengths = np.diff(tokens.ends, prepend=np.uint64(0)).astype(np.int64)
    return {
        "tokens": len(tokens.tokens), "documents": documents.num_rows, "bytes": total, "by_source": by_source,
        "vocabulary": tokens.vocabulary, "bytes_per_token": total / max(1, len(tokens.tokens) - documents.num_rows),
        "median_document_tokens": float(np.median(lengths)), "held_out_documents": held_out,
    }  # fmt: skip
