"""One row a document from the first rule to the last: which decision, by which rule, at which value.

The table that passes through here has a row for every input document, in order of (source, origin):
document, source, origin, piece, input_digest, input_bytes, digest, bytes (of the text as it stands in the pile),
removed_bytes, decision, rule, signal, value, value_text, threshold, duplicate_of, flags, weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UsageError
from modelwright.core.plugins import plugin_name
from modelwright.formats import barred
from modelwright.prepare import decontaminate
from modelwright.prepare.dedup.base import Repeats
from modelwright.prepare.measure import STATED, always, needed, producers
from modelwright.prepare.rule import Editing, Predicate, Rule, decide, marks
from modelwright.prepare.settings import PileSettings
from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa

STAYS = ("kept", "changed")


def rules_of(settings: PileSettings) -> list[Rule]:
    """The rules in order. Raises UsageError for a plugin that is no rule."""
    rules = []
    for rule in settings.rules:
        if not isinstance(rule, Rule):
            raise UsageError(f"{plugin_name(rule) or type(rule).__name__} is no rule", hint="derive it from Rule")
        rules.append(rule)
    return rules


def signals_for(settings: PileSettings, signals: Mapping[str, Signal]) -> list[str]:
    """The signals to measure, in order: the usual ones, and what the rules and the redaction need.

    Raises UnknownName for a rule on an unknown signal, UsageError for a comparison that cannot be.
    """
    rules = rules_of(settings)
    for predicate in (predicate for rule in rules for predicate in rule.conditions()):
        predicate.check([*producers(signals), *STATED])
    columns = [column for rule in rules for column in rule.signals()]
    columns += [column for predicate in decontaminate.predicates(settings) for column in predicate.columns()]
    edited, own = editings(settings), repeated(settings)
    columns += [column for editing in edited for column in editing.when]
    return needed(columns, [*always(signals), *(editing.signal for editing in edited if editing not in own)], signals)


def editings(settings: PileSettings) -> list[Editing]:
    """What is edited in the documents that stay: by the rules in order, then by `redact`."""
    edited = [editing for rule in rules_of(settings) for editing in rule.edits()]
    if settings.redact is not None:
        by_style = settings.redact.by_style()
        edited += [Editing("redact", "personal_data", kinds, style) for kinds, style in by_style]
    return [*edited, *decontaminate.editings(settings), *repeated(settings)]


def repeated(settings: PileSettings) -> list[Editing]:
    """Pieces that the ways of finding duplicates take out of texts; no signal finds them (see `prepare/repeats.py`)."""
    plugins = {plugin_name(plugin) or "": plugin for plugin in settings.dedup if isinstance(plugin, Repeats)}
    return [Editing(name, name, (), "remove", plugin.when) for name, plugin in plugins.items()]


def by_rules(settings: PileSettings, documents: pa.Table, values: pa.Table) -> pa.Table:
    """Kept, dropped or quarantined: the first rule that fires; rules see the input text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    predicates: list[Predicate] = [predicate for rule in rules_of(settings) for predicate in rule.predicates()]
    decided = decide(values, [*predicates, *decontaminate.predicates(settings)])
    error, broken = documents["error"], pc.is_valid(documents["error"])
    taken = pc.fill_null(pc.starts_with(error, barred.PREFIX), False)
    plugin = {source.name: plugin_name(source) or type(source).__name__.lower() for source in settings.sources}
    names = documents["source"].combine_chunks().dictionary_encode()
    reader = pa.array([plugin[name] for name in names.dictionary.to_pylist()], pa.string()).take(names.indices)
    nothing = pa.scalar(None, pa.float64())
    columns = {name: documents[name] for name in ("document", "source", "origin", "piece")}
    columns |= {"input_digest": documents["digest"], "input_bytes": documents["bytes"]}
    columns |= {"digest": documents["digest"], "bytes": documents["bytes"]}
    columns["removed_bytes"] = pa.array([0] * documents.num_rows, pa.int64())
    columns["decision"] = pc.if_else(taken, "dropped", pc.if_else(broken, "quarantined", decided["decision"]))
    columns["rule"] = pc.if_else(taken, barred.RULE, pc.if_else(broken, reader, decided["rule"]))
    reason = pc.replace_substring(error, barred.PREFIX, "", max_replacements=1)
    columns["signal"] = pc.if_else(broken, reason, decided["signal"])
    columns["value"] = pc.if_else(broken, nothing, decided["value"])
    columns["value_text"] = pc.if_else(broken, documents["detail"], decided["value_text"])
    columns["threshold"] = pc.if_else(broken, pa.scalar(None, pa.string()), decided["threshold"])
    columns["duplicate_of"] = pa.nulls(documents.num_rows, pa.string())
    columns["flags"], columns["weight"] = marks(values, rules_of(settings))
    return pa.table(columns).combine_chunks()


def staying(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The rows whose documents are kept or changed so far, with some columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.select(columns).filter(pc.is_in(table["decision"], value_set=pa.array(STAYS)))


def with_edits(table: pa.Table, edits: pa.Table) -> pa.Table:
    """Enter edits (see `edits.edit`): the documents become `changed`, or dropped where nothing is left."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(table["document"], value_set=edits["document"].combine_chunks())
    edited = pc.is_valid(place)
    changes = {name: edits[name].take(place) for name in ("digest", "bytes", "removed_bytes")}
    changes["value"] = edits["spans"].take(place).cast(pa.float64())
    changes["signal"] = edits["kinds"].take(place)
    changes["rule"] = edits["rule"].take(place)
    table = _overlaid(table, edited, {**changes, "decision": "changed"})
    return _overlaid(table, pc.and_(edited, pc.equal(table["bytes"], 0)), {"decision": "dropped", "signal": "empty"})


def candidates(table: pa.Table, values: pa.Table) -> pa.Table:
    """What the search for duplicates reads: document, source, origin, digest, bytes, licence_class, removed_bytes."""
    rows = table.append_column("licence_class", values["licence_class"])
    names = ["document", "source", "origin", "digest", "bytes", "licence_class", "removed_bytes"]
    return staying(rows, names).combine_chunks()


def with_duplicates(table: pa.Table, clusters: pa.Table, dedup: Sequence[Any]) -> pa.Table:
    """Enter duplicates: (document, duplicate_of, rule, similarity), where `duplicate_of` is set."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = clusters.filter(pc.is_valid(clusters["duplicate_of"])).combine_chunks()
    place = pc.index_in(table["document"], value_set=_one(found["document"]))
    thresholds = {plugin_name(plugin): getattr(plugin, "threshold", None) for plugin in dedup}
    limits = [None if thresholds.get(name) is None else str(thresholds[name]) for name in found["rule"].to_pylist()]
    changes = {
        "decision": "duplicate",
        "rule": found["rule"].take(place),
        "signal": "similarity",
        "value": found["similarity"].take(place),
        "value_text": pa.scalar(None, pa.string()),
        "threshold": pa.chunked_array([pa.array(limits, pa.string())]).take(place),
        "duplicate_of": found["duplicate_of"].take(place),
    }
    return _overlaid(table, pc.is_valid(place), changes)


def _overlaid(table: pa.Table, mask: pa.ChunkedArray, changes: Mapping[str, Any]) -> pa.Table:
    import pyarrow.compute as pc

    for name, value in changes.items():
        field = table.schema.field(name)
        column = pc.if_else(mask, value, table[name]).cast(field.type)
        table = table.set_column(table.schema.get_field_index(name), field, column)
    return table.combine_chunks()


def _one(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def pile(documents: pa.Table, values: pa.Table, table: pa.Table, splits: pa.Table) -> pa.Table:
    """The documents of the version: the contract's columns, and `licence_class` and `path` beside them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stays = pc.is_in(table["decision"], value_set=pa.array(STAYS))
    place = pc.index_in(table["document"], value_set=_one(splits["document"]))
    columns = {name: table[name] for name in ("document", "source", "origin", "digest", "bytes")}
    columns |= {name: documents[name] for name in ("path", "encoding", "modality", "access", "licence", "owner")}
    columns |= {name: values[name] for name in ("language", "code_language", "kind", "domain", "licence_class")}
    columns["split"] = splits["split"].take(place)
    return pa.table(columns).filter(stays).combine_chunks()


def contract(table: pa.Table) -> pa.Table:
    """The columns of the pile's table of decisions; `digest` is that of the input text, `bytes` its length."""
    names = ["document", "source", "origin", "decision", "rule", "signal", "value", "value_text", "threshold"]
    rows = table.select([*names, "duplicate_of", "input_digest", "input_bytes", "flags", "weight"])
    return rows.rename_columns([*names, "duplicate_of", "digest", "bytes", "flags", "weight"])


def signal_columns(values: pa.Table) -> pa.Table:
    """What was measured, without what was stated."""
    stated = set(STATED) - {"document", "source", "origin"}
    return values.select([name for name in values.column_names if name not in stated])
