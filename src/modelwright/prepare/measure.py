"""Documents -> signals and findings: each signal is measured once per distinct input, and kept by key.

A key is the digest of what a signal declares that it reads (the text stands for itself by its digest). The order is:
distinct keys, anti-join with what is kept, and only for the rest are texts read. A group of about 64 MB is kept
before the next is begun, so that a killed run loses no more than one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import plugins
from modelwright.core.context import Context, each
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.fingerprint import digest, digest_file
from modelwright.core.identity import identity
from modelwright.core.spec import Options
from modelwright.formats.findings import findings_schema
from modelwright.prepare import cache
from modelwright.prepare.documents import Documents
from modelwright.prepare.keys import Keys
from modelwright.prepare.signal import Signal
from modelwright.prepare.texts import BATCH_BYTES, TextStore

if TYPE_CHECKING:
    import pyarrow as pa

ALWAYS = ("language", "code_language", "kind", "domain", "counts", "licence")
"""Signals that are measured for every pile, whatever its rules."""
STATED = (
    "document", "source", "origin", "path", "modality", "access", "licence", "owner", "digest", "bytes", "encoding",
)  # fmt: skip
"""Columns that documents have before anything is measured; rules may name them, signals may read them."""
_GROUP_BYTES = 64_000_000


@dataclass(frozen=True)
class Measured:
    """values: one row a document in the given order, columns STATED and the outputs of the signals.
    findings: document, source, origin, signal, kind, start, end, confidence; offsets in UTF-8 bytes of the input text.
    """

    values: pa.Table
    findings: pa.Table
    signals: tuple[str, ...]


def all_signals(chosen: Iterable[Options] = ()) -> dict[str, Signal]:
    """Every signal by its plugin name: with default options, or as `chosen`.

    Of a plugin of which a pile may have `several`, those that are chosen, as `plugin.key`.
    Raises UsageError for two of one key.
    """
    found: dict[str, Signal] = {}
    given: dict[str | None, Options] = {}
    for signal in chosen:
        name = plugins.plugin_name(signal)
        if isinstance(signal, Signal) and signal.several:
            name = f"{name}.{signal.key()}"
            if name in found:
                raise UsageError(f"two signals are called {name}", hint="give one a `name:`", value=signal.key())
            found[name] = signal
        given[name] = signal
    for name in plugins.catalogue("signals"):
        kind = type(given[name]) if name in given else plugins.load("signals", name)
        if not issubclass(kind, Signal):
            raise UsageError(f"the signal {name!r} is not derived from Signal", value=name)
        if not kind.several:
            chosen_or_default = given.get(name) or kind()
            assert isinstance(chosen_or_default, Signal)
            found[name] = chosen_or_default
    return found


def always(signals: Mapping[str, Signal]) -> list[str]:
    """The signals that are measured whatever the rules: the usual ones, and those of `several` that were listed."""
    return [*ALWAYS, *(name for name, signal in signals.items() if signal.several)]


def producers(signals: Mapping[str, Signal]) -> dict[str, str]:
    """Column -> name of the signal that gives it. Raises UsageError when two signals give one column."""
    owner: dict[str, str] = {}
    for name, signal in signals.items():
        for column in signal.columns():
            if column in owner or column in STATED or column == "text":
                raise UsageError(
                    f"the column {column!r} is given by {owner.get(column, 'every document')} and by {name}",
                    hint="rename the output of one signal",
                    value=column,
                )
            owner[column] = name
    return owner


def needed(columns: Iterable[str], names: Iterable[str], signals: Mapping[str, Signal]) -> list[str]:
    """The signals `names`, those that give `columns`, and those that they read, each after what it reads.

    Raises UnknownName for a column that nothing gives, UsageError for signals that need each other.
    """
    owner = producers(signals)
    order: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise UsageError(f"the signals {' -> '.join((*path, name))} need each other", value=name)
        if name in order:
            return
        for column in signals[name].inputs:
            if column in owner:
                visit(owner[column], (*path, name))
            elif column not in STATED and column != "text":
                raise UnknownName("input", column, [*STATED, "text", *owner], where=f"the signal {name}")
        order.append(name)

    for name in names:
        if name not in signals:
            raise UnknownName("signal", name, signals)
        visit(name, ())
    for column in columns:
        if column not in STATED:
            if column not in owner:
                raise UnknownName("signal", column, [*owner, *STATED], where="the rules")
            visit(owner[column], ())
    return order


def measure(documents: Documents, signals: Mapping[str, Signal], order: Sequence[str], context: Context) -> Measured:
    """Measure the signals in `order` on every document; a document without a text gets nulls."""
    values = documents.table.select(list(STATED))
    findings = [findings_schema().empty_table()]
    names = {name: values[name].combine_chunks().dictionary_encode() for name in ("document", "source", "origin")}
    keys = Keys()
    for name in order:
        signal = signals[name]
        kept, places = _measured(name, signal, values, keys, documents, context)
        values = _with_outputs(values, signal, kept, places)
        if signal.finds:
            findings.append(_spread(name, names, kept["findings"].combine_chunks(), places))
    return Measured(values, _together(findings), tuple(order))


def _together(findings: Sequence[pa.Table]) -> pa.Table:
    """Findings of several signals about the same documents as one table of one chunk, whose names stand once."""
    import pyarrow as pa

    whole = pa.concat_tables(findings)
    for column in ("document", "source", "origin"):  # one dictionary for all of them: nothing to be unified
        chunks = [chunk for chunk in whole[column].chunks if len(chunk)]
        if chunks:
            indices = pa.concat_arrays([chunk.indices for chunk in chunks])
            one = pa.DictionaryArray.from_arrays(indices, chunks[0].dictionary)
            whole = whole.set_column(whole.schema.get_field_index(column), column, one)
    return whole.unify_dictionaries().combine_chunks()


def unmeasured(
    documents: pa.Table, signals: Mapping[str, Signal], order: Sequence[str], context: Context
) -> dict[str, int]:
    """Signal -> distinct inputs among `documents` that it would measure now; none for those that are all kept."""
    import pyarrow.compute as pc

    values = documents.select(list(STATED))
    keys, counted = Keys(), {}
    for name in order:
        signal = signals[name]
        wanted = keys.of(signal, values)
        kept, places = _looked_up(_folder(name, signal, context), signal, wanted, keys)
        counted[name] = pc.count_distinct(wanted.filter(pc.is_null(places))).as_py()
        values = _with_outputs(values, signal, kept, places)
    return {name: count for name, count in counted.items() if count}


def _with_outputs(values: pa.Table, signal: Signal, kept: pa.Table, places: pa.Array) -> pa.Table:
    """`values` with the columns of a signal: those of `kept` at `places`, null where there is none."""
    import pyarrow as pa

    for column, kind in signal.columns().items():
        taken = kept[column].combine_chunks().take(places)
        values = values.append_column(pa.field(column, pa.type_for_alias(kind)), taken)
    return values


def _measured(
    name: str, signal: Signal, values: pa.Table, keys: Keys, documents: Documents, context: Context
) -> tuple[pa.Table, pa.Array]:
    """Key, outputs and findings for at least every document's key, from the cache and, where it lacks them, measured
    now; and the place of each document's in them."""
    import pyarrow.compute as pc

    folder, schema = _folder(name, signal, context), _kept_schema(signal)
    wanted = keys.of(signal, values)
    kept, places = _looked_up(folder, signal, wanted, keys)
    todo = _todo(signal, values, wanted, documents.table, places)
    if todo.num_rows:
        documents.ensure_texts(todo, context)
        groups = list(_groups(todo))
        sizes = [int(group["bytes"].to_numpy().sum()) for group in groups]
        told = each(groups, context, f"measuring {name}", unit="bytes", sizes=sizes)
        before, open_ = kept.num_rows, pc.is_null(places)
        kept = cache.extend(folder, kept, "key", (_apply(signal, group, documents.texts, schema) for group in told))
        new = pc.index_in(wanted.filter(open_), value_set=kept["key"].slice(before).combine_chunks())
        places = pc.replace_with_mask(places, open_, pc.add(new, before).cast(places.type))
    return kept, places


def _looked_up(folder: Path, signal: Signal, wanted: pa.Array, keys: Keys) -> tuple[pa.Table, pa.Array]:
    """What the cache keeps of a signal, and the place of each key that is `wanted` in it, null where it lacks one."""
    kept = cache.rows(folder, _kept_schema(signal))
    return kept, keys.places(wanted, kept["key"].combine_chunks())


def _folder(name: str, signal: Signal, context: Context) -> Path:
    return context.home / "cache" / "signals" / f"{name}-{meaning_of(name, signal)}"


def meaning_of(name: str, signal: Signal) -> str:
    """What a cached value depends on besides its inputs: options, code, model files, columns."""
    options, files = identity(signal), sorted(model_digests(signal))
    code, columns = plugins.code_identity(signal), dict(signal.columns())
    return digest([name, options, code, signal.inputs, columns, signal.finds, files])[:16]


def model_digests(signal: Signal) -> list[str]:
    """The digests of a signal's model files."""
    return [_digest_of(str(path), os.stat(path)) for path in signal.files()]


@functools.lru_cache(maxsize=64)
def _digest_of(path: str, status: os.stat_result) -> str:
    """The digest of a model file, taken once as long as its size and times stay."""
    return digest_file(Path(path))


def _kept_schema(signal: Signal) -> pa.Schema:
    import pyarrow as pa

    fields = [("key", pa.string()), *((column, pa.type_for_alias(kind)) for column, kind in signal.columns().items())]
    return pa.schema([*fields, ("findings", findings_type())] if signal.finds else fields)


def findings_type() -> pa.DataType:
    """What a signal's column `findings` holds: a list of spans a document."""
    import pyarrow as pa

    span = [("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("confidence", pa.float64())]
    return pa.list_(pa.struct(span))


def _todo(signal: Signal, values: pa.Table, keys: pa.Array, table: pa.Table, places: pa.Array) -> pa.Table:
    """One document for each key that is not kept: key, digest, bytes, piece and the inputs, in order of the pile."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = np.flatnonzero(pc.and_(pc.is_null(places), pc.is_valid(keys)))
    codes = keys.take(pa.array(missing)).dictionary_encode().indices.to_numpy()
    first = missing[np.unique(codes, return_index=True)[1]]  # codes are numbered as they appear
    inputs = [column for column in signal.inputs if column not in ("text", "digest", "bytes")]
    columns = {"key": keys, "digest": values["digest"], "bytes": values["bytes"], "piece": table["piece"]}
    return pa.table({**columns, **{name: values[name] for name in inputs}}).take(pa.array(first))


def _groups(todo: pa.Table) -> Iterator[pa.Table]:
    import numpy as np

    ends = np.cumsum(todo["bytes"].to_numpy())
    first = 0
    while first < len(ends):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _GROUP_BYTES, side="right")))
        yield todo.slice(first, last - first)
        first = last


def _apply(signal: Signal, group: pa.Table, texts: TextStore, schema: pa.Schema) -> pa.Table:
    """Read the texts of a group in tasks and map the signal over them; rows in the order of keys."""
    import pyarrow as pa

    from modelwright.engines import daft

    narrow = list(dict.fromkeys(["key", "digest", *(name for name in signal.inputs if name != "text")]))
    read = pa.schema([*(group.schema.field(name) for name in narrow), ("text", pa.large_string())])
    tasks = [_Texts(part.select(narrow), texts) for part in _parts(group)]
    outputs = pa.schema([field for field in schema if field.name != "key"])
    rows = daft.map_tasks(tasks, read, signal.measure, list(signal.inputs), outputs, keep=["key"])
    return rows.select(schema.names).cast(schema).sort_by("key")


def _parts(group: pa.Table) -> Iterator[pa.Table]:
    """Slices of about 8 MB of text."""
    import numpy as np

    ends = np.cumsum(group["bytes"].to_numpy())
    bounds = np.searchsorted(ends, np.arange(BATCH_BYTES, int(ends[-1]) + BATCH_BYTES, BATCH_BYTES), side="right")
    first = 0
    for last in dict.fromkeys([*bounds.tolist(), group.num_rows]):
        if last > first:
            yield group.slice(first, last - first)
            first = last


@dataclass(frozen=True)
class _Texts:
    """One task: rows with their texts."""

    rows: pa.Table
    texts: TextStore

    def __call__(self) -> Iterator[Any]:
        return self.texts.batches(self.rows)


def _spread(name: str, names: Mapping[str, pa.Array], spans: pa.Array, places: pa.Array) -> pa.Table:
    """One row a finding: documents with the same text have the same findings, each its own rows.

    names  document, source and origin of each document; places  the place of each document's list in `spans`
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(spans), 0).to_numpy().astype(np.int64)
    place = pc.fill_null(places, -1).to_numpy()
    counts = lengths[place] * (place >= 0) if len(lengths) else np.zeros(len(place), np.int64)
    rows = np.repeat(np.arange(len(place), dtype=np.int32), counts)
    begins = np.repeat(spans.offsets.to_numpy()[place] - np.cumsum(counts) + counts, counts)
    found = pa.array(begins + np.arange(len(rows)))
    columns = {
        column: pa.DictionaryArray.from_arrays(coded.indices.take(pa.array(rows)), coded.dictionary)
        for column, coded in names.items()
    }
    columns["signal"] = pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), pa.array([name], pa.string()))
    for column in ("kind", "start", "end", "confidence"):
        values = pc.struct_field(spans.values, column)
        columns[column] = (values.dictionary_encode() if column == "kind" else values).take(found)
    return pa.table(columns, schema=findings_schema())
