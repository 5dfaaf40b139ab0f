"""Texts -> shards of tokens. What the same tokenizer encoded before, for another version of the pile, is copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context
from modelwright.core.errors import ModelwrightError, Stopped
from modelwright.core.fingerprint import digest_file
from modelwright.formats.tokens import DOCUMENT_COLUMNS, Tokens, TokensWriter

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Places = np.ndarray[Any, np.dtype[np.int64]]

_TOKENS_A_COPY = 2**24


def encode(reader: Any, documents: pa.Table, context: Context) -> int:
    """Write the shards of `documents` into `context.out`, where the tokenizer lies, in their order.

    Returns how many documents were copied from earlier tokens; that changes the time, never a byte. Raises Stopped.
    """
    import numpy as np
    import pyarrow as pa

    before = _earlier(context)
    if before is None:
        _encode(reader, documents, context.out, context)
        return 0
    places = _places(documents["digest"], before.documents()["digest"])
    new = documents.take(pa.array(np.flatnonzero(places < 0)))
    if not new.num_rows:
        _merge(documents, places, before, None, context)
        return int(documents.num_rows)
    folder = context.work / "new"
    folder.mkdir(exist_ok=True)
    _encode(reader, new, folder, context)
    _merge(documents, places, before, Tokens.open(folder), context)
    return int(documents.num_rows - new.num_rows)


def check_stop(context: Context) -> None:
    if context.stopping():
        raise Stopped("stopped while tokenising", hint="the same command resumes")


def _earlier(context: Context) -> Tokens | None:
    """The largest tokens of this project that the same tokenizer made."""
    wanted = digest_file(context.out / "tokenizer.json")
    found: Tokens | None = None
    for path in sorted((context.home / "tokens").glob("*/tokenizer.json")):
        try:
            tokens = Tokens.open(path.parent) if digest_file(path) == wanted and path.parent != context.out else None
        except ModelwrightError:
            continue  # damaged or unfinished: encode anew; `verify` is who names damage
        if tokens is None or "digest" not in tokens.documents().column_names:
            continue
        if found is None or tokens.manifest["documents"] > found.manifest["documents"]:
            found = tokens
    return found


def _places(digests: pa.ChunkedArray, known: pa.ChunkedArray) -> Places:
    """Where each digest stands first among the known ones; -1 where it does not."""
    import numpy as np
    import pyarrow.compute as pc

    found = pc.index_in(digests, value_set=known.combine_chunks())
    places: Places = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    return places


def _encode(reader: Any, documents: pa.Table, folder: Path, context: Context) -> None:
    from modelwright.engines.gigatoken import Encoder

    encoder = Encoder(context.out / "tokenizer.json")
    parallel = context.machine.cores > 1  # the ids are the same either way
    done = 0
    with TokensWriter(folder, encoder.vocabulary, encoder.end_of_text) as writer:
        for batch in reader.texts(documents):
            check_stop(context)
            ids, lengths = encoder.encode(batch["text"], parallel=parallel)
            writer.append(batch, ids, lengths)
            done += batch.num_rows
            context.progress("encoding", done, documents.num_rows, "documents", tokens=writer.tokens)


def _merge(documents: pa.Table, places: Places, before: Tokens, new: Tokens | None, context: Context) -> None:
    """Copy runs of neighbours: `places` >= 0 from `before`, the others from `new`, one after another."""
    import numpy as np

    fresh = places < 0
    index = np.where(fresh, np.cumsum(fresh) - 1, places)
    breaks = np.flatnonzero((fresh[1:] != fresh[:-1]) | (index[1:] != index[:-1] + 1)) + 1
    rows = documents.select(list(DOCUMENT_COLUMNS)).combine_chunks()
    with TokensWriter(context.out, before.vocabulary, before.end_of_text) as writer:
        for run in np.split(np.arange(len(index)), breaks):
            held = new if fresh[run[0]] and new is not None else before
            _copy(rows, run, index, held, writer)
            check_stop(context)
            context.progress("copying tokens", int(run[-1]) + 1, len(index), "documents", tokens=writer.tokens)


def _copy(rows: pa.Table, run: Places, index: Places, held: Tokens, writer: TokensWriter) -> None:
    """Copy one run, some _TOKENS_A_COPY at a time."""
    import numpy as np

    ends = held.ends.astype(np.int64)
    first, last = int(index[run[0]]), int(index[run[-1]]) + 1
    begin = int(ends[first - 1]) if first else 0
    lengths = np.diff(ends[first:last], prepend=begin)
    done = 0
    while done < len(lengths):
        filled = np.cumsum(lengths[done:])
        count = max(1, int(np.searchsorted(filled, _TOKENS_A_COPY, side="right")))
        stop = begin + int(filled[count - 1])
        (batch,) = rows.slice(int(run[0]) + done, count).combine_chunks().to_batches()
        writer.copy(batch, np.asarray(held.tokens[begin:stop]), lengths[done : done + count])
        begin, done = stop, done + count
