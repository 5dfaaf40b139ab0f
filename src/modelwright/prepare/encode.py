"""Texts -> shards of tokens. What the same tokenizer encoded before, for another version of the pile, is shared or
copied."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context
from modelwright.core.errors import ModelwrightError, Stopped
from modelwright.core.fingerprint import digest_file
from modelwright.core.storage import storage_error
from modelwright.formats.borders import borders, distance, prefixes
from modelwright.formats.tokens import DOCUMENT_COLUMNS, MIX, Tokens, TokensWriter
from modelwright.prepare.mixing import Mix, Mixed, mixed, rows_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Places = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_TOKENS_A_COPY = 2**24


@dataclass(frozen=True)
class Encoded:
    """documents: the rows as they were written; reused: how many documents were copied; mix: facts of the mix."""

    documents: pa.Table
    reused: int
    mix: dict[str, Any] | None = None


def encode(reader: Any, documents: pa.Table, context: Context, mix: Mix | None = None) -> Encoded:
    """Write the shards of `documents` into `context.out`, where the tokenizer lies, in their order or as `mix` says.

    What was copied from earlier tokens changes the time, never a byte. Raises Stopped, and what `mixed` raises.
    """
    import numpy as np
    import pyarrow as pa

    before = _earlier(context)
    if before is None and mix is None:
        _encode(reader, documents, context.out, context)
        return Encoded(documents, 0)
    if before is None:
        places = np.full(documents.num_rows, -1, np.int64)
    else:
        places = _places(documents, before.documents(["document", "digest"]))
    missing = documents.take(pa.array(np.flatnonzero(places < 0)))
    new: Tokens | None = None
    if missing.num_rows:
        folder = context.work / "new"
        folder.mkdir(exist_ok=True)
        _encode(reader, missing, folder, context)
        new = Tokens.open(folder)
    fresh = places < 0
    index = np.where(fresh, np.cumsum(fresh) - 1, places)
    facts = None
    if mix is not None:
        lengths = np.where(fresh, _lengths(new)[index * fresh], _lengths(before)[index * ~fresh])
        made = mixed(reader, documents, lengths, mix)
        _keep_mix(context.out, documents, lengths, made)
        rows, facts = rows_of(made.copies, documents["source"]), made.facts
        documents, fresh, index = documents.take(pa.array(rows)), fresh[rows], index[rows]
    _merge(documents, fresh, index, before, new, context)
    return Encoded(documents, int((places >= 0).sum()), facts)


def _lengths(tokens: Tokens | None) -> Places:
    """Tokens of each document, its end-of-text token included; one 0 where there are none."""
    import numpy as np

    if tokens is None:
        return np.zeros(1, np.int64)
    return np.diff(tokens.ends.astype(np.int64), prepend=0)


def _keep_mix(folder: Path, documents: pa.Table, lengths: Places, made: Mixed) -> None:
    """`mix.parquet`: every training document with its tokens, its group and its copies, those left out too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.DictionaryArray.from_arrays(pa.array(made.groups, pa.int32()), pa.array(made.names, pa.string()))
    columns = {"document": documents["document"], "tokens": lengths, "group": names, "copies": made.copies}
    try:
        pq.write_table(pa.table(columns), folder / MIX, compression="zstd")
    except OSError as error:
        raise storage_error(error, folder) from error


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
        if tokens is not None and (found is None or tokens.manifest["documents"] > found.manifest["documents"]):
            found = tokens
    return found


def _places(documents: pa.Table, known: pa.Table) -> Places:
    """Where each document's text stands among the known ones: in the document's own place if it is the same there, or
    else where it stands first; -1 where it does not."""
    import pyarrow.compute as pc

    own = pc.index_in(documents["document"], value_set=known["document"].combine_chunks())
    same = pc.fill_null(pc.equal(known["digest"].take(own), documents["digest"]), False)
    first = pc.index_in(documents["digest"], value_set=known["digest"].combine_chunks())
    places: Places = pc.fill_null(pc.if_else(same, own, first), -1).to_numpy().astype("int64")
    return places


def _encode(reader: Any, documents: pa.Table, folder: Path, context: Context) -> None:
    from modelwright.engines.gigatoken import Encoder

    encoder = Encoder(context.out / "tokenizer.json")
    parallel = context.machine.cores > 1  # the ids are the same either way
    done = 0
    with TokensWriter(folder, encoder.vocabulary, encoder.end_of_text, documents.num_rows) as writer:
        for batch in reader.texts(documents):
            check_stop(context)
            ids, lengths = encoder.encode(batch["text"], parallel=parallel)
            writer.append(batch, ids, lengths)
            done += batch.num_rows
            context.progress("encoding", done, documents.num_rows, "documents", tokens=writer.tokens)


def _merge(
    documents: pa.Table, fresh: Mask, index: Places, before: Tokens | None, new: Tokens | None, context: Context
) -> None:
    """Write row `index` of `new` where `fresh`, of `before` elsewhere, one after another: what is a whole shard of
    `before` stays that file, and of the rest, runs of neighbours are copied."""
    import numpy as np

    of = before or new
    assert of is not None
    rows = documents.select(list(DOCUMENT_COLUMNS)).combine_chunks()
    parts = borders(prefixes(rows["document"]), distance(rows.num_rows))
    bounds = np.concatenate([[0], parts, [rows.num_rows]]).tolist()
    breaks = np.flatnonzero((fresh[1:] != fresh[:-1]) | (index[1:] != index[:-1] + 1)) + 1
    with TokensWriter(context.out, of.vocabulary, of.end_of_text, rows.num_rows) as writer:
        for first, last in pairwise(bounds):
            inside = breaks[np.searchsorted(breaks, first, "right") : np.searchsorted(breaks, last)].tolist()
            for start, stop in pairwise([first, *inside, last]):
                held = new if fresh[start] else before
                assert held is not None
                _copy(rows.slice(start, stop - start), int(index[start]), held, writer, whole=not inside)
                check_stop(context)
                context.progress("copying tokens", stop, rows.num_rows, "documents", tokens=writer.tokens)


def _copy(rows: pa.Table, first: int, held: Tokens, writer: TokensWriter, whole: bool) -> None:
    """Append `rows`, which `held` has from document `first` on; as whole shards where they are, else some
    _TOKENS_A_COPY at a time."""
    import numpy as np

    begin = int(held.ends[first - 1]) if first else 0
    lengths = np.diff(held.ends[first : first + rows.num_rows].astype(np.int64), prepend=begin)
    shards = held.shards_of(begin, begin + int(lengths.sum())) if whole else None
    if shards is not None:
        writer.share(_batch(rows), lengths, held.folder, shards)
        return
    done = 0
    while done < len(lengths):
        filled = np.cumsum(lengths[done:])
        count = max(1, int(np.searchsorted(filled, _TOKENS_A_COPY, side="right")))
        stop = begin + int(filled[count - 1])
        writer.copy(_batch(rows.slice(done, count)), np.asarray(held.tokens[begin:stop]), lengths[done : done + count])
        begin, done = stop, done + count


def _batch(rows: pa.Table) -> pa.RecordBatch:
    (batch,) = rows.combine_chunks().to_batches()
    return batch
