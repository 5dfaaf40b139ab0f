"""What each rule does to a version of the pile, alone and beside the others, with examples near its threshold.

A version holds the signals of every input document, so rules are tried again one by one; nothing is measured. Only the
texts of the examples are read: of kept documents from the pile, of dropped ones from the sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.prepare.columns import Columns
from modelwright.prepare.excerpts import beginnings, masked
from modelwright.prepare.measure import STATED
from modelwright.prepare.rule import Predicate, Rule, matching, show

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from modelwright.core.context import Context
    from modelwright.engines.pile_reader import PileReader
    from modelwright.prepare.documents import Documents
    from modelwright.prepare.settings import PileSettings

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

EXAMPLES = 10
EMPTIED = "empty"  # the reason of a document whose edits left nothing: no predicate says that
_NEAREST = 100  # of these the examples are drawn, so that they are near and still not one corner of the pile


def fires(signals: pa.Table, predicates: Sequence[Predicate]) -> Mask:
    """(predicates, rows) True where a predicate would drop the row, whatever the others say.

    Only what keeps a share by score depends on the others: like `decide` it chooses among the rows that come so far.
    """
    import numpy as np

    columns, everyone = Columns(signals), np.ones(signals.num_rows, np.bool_)
    matrix = np.zeros((len(predicates), signals.num_rows), np.bool_)
    left = everyone.copy()
    for index, predicate in enumerate(predicates):
        predicate.check(signals.column_names)
        matrix[index] = columns.holds(predicate, left if predicate.comparison == "best" else everyone)[0]
        left &= ~matrix[index]
    return matrix


@dataclass(frozen=True)
class Tried:
    """`values` one row an input document, `masks` (predicates, rows) of `fires`, `owner` the predicate's rule."""

    values: pa.Table
    predicates: tuple[Predicate, ...]
    masks: Mask

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(predicate.rule for predicate in self.predicates))

    def mask_of(self, rule: str) -> Mask:
        """Where any predicate of the rule fires."""
        import numpy as np

        mine = self.masks[[predicate.rule == rule for predicate in self.predicates]]
        fired: Mask = np.logical_or.reduce(mine, axis=0)
        return fired


def rules_show(
    settings: PileSettings, reader: PileReader, context: Context, rule: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Per rule and predicate: documents and bytes that it drops alone, first and only; overlaps; examples.

    `alone`: it fires, whatever the others do. `first`: it is the reason given. `only`: nothing else fires, so this is
    what would come back without it. A rule that fires and has no `only` is redundant. Raises UsageError for a version
    that was made without rules, UnknownName for a rule that it does not have.
    """
    import numpy as np
    import pyarrow.compute as pc

    documents, gone = documents_now(settings, context)
    rules = [item for item in settings.rules if isinstance(item, Rule)]
    predicates = tuple(predicate for item in rules for predicate in item.predicates())
    names = list(dict.fromkeys(predicate.rule for predicate in predicates))
    if rule is not None and rule not in names:
        raise UnknownName("rule", rule, names, where=reader.pile)
    if not predicates:
        raise UsageError(f"{reader.pile} was made without rules", hint="name some under `prepare: {rules: ...}`")
    values = known(reader, documents)
    _require_signals(predicates, values, reader.pile)
    tried = Tried(values, predicates, fires(values, predicates))
    dropped: Mask = np.logical_or.reduce(tried.masks, axis=0)
    was_dropped = pc.equal(values["decision"], "dropped")
    by_rules = pc.and_(was_dropped, pc.fill_null(pc.not_equal(values["reason"], EMPTIED), True)).to_numpy()
    quarantined = pc.equal(values["decision"], "quarantined").to_numpy()
    chosen = [name for name in names if rule in (None, name)]
    return {
        "pile": reader.pile,
        "documents": values.num_rows,
        "bytes": int(pc.sum(values["bytes"]).as_py() or 0),
        "dropped": _count(dropped & ~quarantined, values),
        "differs": int(np.count_nonzero((dropped != by_rules) & ~quarantined)),
        "gone": gone,
        "rules": [
            {**item, "examples": examples(tried, item["rule"], dropped, reader, documents, context, seed)}
            for item in effects(tried)
            if item["rule"] in chosen
        ],
    }


def documents_now(settings: PileSettings, context: Context) -> tuple[Documents | None, list[str]]:
    """The input documents as the sources hold them now, and what is wrong with the sources that are gone."""
    from modelwright.prepare.documents import read_documents

    try:
        return read_documents(settings.sources, context), []
    except InputError as first:
        gone, there = [first.message], []
    for source in settings.sources:
        try:
            read_documents([source], context)
            there.append(source)
        except InputError as error:
            gone.append(error.message)
    return (read_documents(there, context) if there else None), list(dict.fromkeys(gone))


def known(reader: PileReader, documents: Documents | None) -> pa.Table:
    """Every input document of the version: what was measured, decision, digest, and what its source states now.

    Columns that a source stated are null where the source is gone: a rule on them cannot fire then.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table, signals = reader.decisions(), reader.signals()
    place = pc.index_in(table["document"], value_set=signals["document"].combine_chunks())
    values = table.select(["document", "source", "origin", "digest", "bytes", "decision", "signal"])
    values = values.rename_columns([*values.column_names[:-1], "reason"])
    stated = documents.table if documents is not None else None
    row = pc.index_in(table["document"], value_set=stated["document"].combine_chunks()) if stated is not None else None
    for name in STATED:
        if name not in values.column_names:
            missing = pa.nulls(table.num_rows, pa.string())
            values = values.append_column(name, missing if stated is None else stated[name].take(row))
    measured = [name for name in signals.column_names if name not in (*values.column_names, "pile")]
    for name in measured:
        values = values.append_column(name, signals[name].take(place))
    return values.combine_chunks()


def _require_signals(predicates: Sequence[Predicate], values: pa.Table, pile: str) -> None:
    for predicate in predicates:
        for name in predicate.columns():
            if name not in values.column_names:
                raise UsageError(
                    f"{pile} did not measure {name!r}, which the rule {predicate.rule!r} reads",
                    hint="`modelwright run` makes a version with the rules of the project file as it stands",
                    value=name,
                )


def _count(mask: Mask, values: pa.Table) -> dict[str, int]:
    import numpy as np

    size = values["bytes"].to_numpy()
    return {"documents": int(np.count_nonzero(mask)), "bytes": int(size[mask].sum())}


def effects(tried: Tried) -> list[dict[str, Any]]:
    """For each rule, and for each predicate of it: alone, first, only, shared_with, redundant."""
    import numpy as np

    masks = {rule: tried.mask_of(rule) for rule in tried.rules}
    rows = _effects(list(masks), np.array(list(masks.values())), tried.values)
    names = [f"{predicate.rule}.{predicate.signal}" for predicate in tried.predicates]
    parts = _effects(names, tried.masks, tried.values)
    for part, predicate in zip(parts, tried.predicates, strict=True):
        part |= {"predicate": predicate.signal, "condition": condition(predicate), "rule": predicate.rule}
    return [
        {"rule": row.pop("name"), **row, "predicates": _of(parts, name)} for name, row in zip(masks, rows, strict=True)
    ]


def _of(parts: Sequence[Mapping[str, Any]], rule: str) -> list[dict[str, Any]]:
    return [{key: part[key] for key in part if key != "rule"} for part in parts if part["rule"] == rule]


def _effects(names: Sequence[str], masks: Mask, values: pa.Table) -> list[dict[str, Any]]:
    """One row a mask, in order: the first that fires is the reason."""
    import numpy as np

    times = masks.sum(axis=0)
    before = np.zeros(masks.shape[1], np.bool_)
    rows = []
    for index, (name, mask) in enumerate(zip(names, masks, strict=True)):
        alone, only = _count(mask, values), _count(mask & (times == 1), values)
        shared = [
            (int(np.count_nonzero(mask & masks[other])), names[other]) for other in range(len(names)) if other != index
        ]
        most = max(shared, key=lambda pair: pair[0], default=(0, ""))
        rows.append(
            {
                "name": name,
                "alone": alone,
                "first": _count(mask & ~before, values),
                "only": only,
                "shared_with": {"name": most[1], "documents": most[0]} if most[0] else None,
                "redundant": alone["documents"] > 0 and only["documents"] == 0,
            }
        )
        before |= mask
    return rows


def condition(predicate: Predicate) -> str:
    """`words < 50`, a whole condition, or `not among the best 50 % by words`."""
    if predicate.comparison == "holds":
        return predicate.expression
    if predicate.comparison == "best":
        return f"not among the best {100 * float(predicate.threshold):g} % by {predicate.expression}"  # type: ignore[arg-type]
    return f"{predicate.expression} {predicate.comparison} {show(predicate.threshold)}"


def examples(
    tried: Tried, rule: str, dropped: Mask, reader: PileReader, documents: Documents | None, context: Context, seed: int
) -> list[dict[str, Any]]:
    """Ten kept and ten dropped documents nearest the thresholds of a rule, drawn by `seed` from the hundred nearest.

    Each has side, document, source, origin, predicate, value, threshold, and an excerpt in which personal data is
    masked; `excerpt` is null and `note` says why where the text is gone.
    """
    import numpy as np

    kept = [(place, index) for place, index in _nearest(tried, rule, ~dropped & _in_pile(tried.values), False)]
    out = [(place, index) for place, index in _nearest(tried, rule, dropped, True)]
    rows = []
    for side, found in (("kept", kept), ("dropped", out)):
        draw = np.random.default_rng(seed).permutation(len(found))[:EXAMPLES]
        rows += [_example(tried, side, *found[number]) for number in sorted(draw.tolist())]
    texts = beginnings([row["document"] for row in rows], tried.values, reader, documents, context)
    for row, text in zip(rows, masked([texts.get(row["document"]) for row in rows]), strict=True):
        row["excerpt"] = text
        row["note"] = "" if text is not None else "the source no longer holds this text"
    return rows


def _in_pile(values: pa.Table) -> Mask:
    import pyarrow as pa
    import pyarrow.compute as pc

    mask: Mask = pc.is_in(values["decision"], value_set=pa.array(["kept", "changed"])).to_numpy()
    return mask


def _nearest(tried: Tried, rule: str, rows: Mask, firing: bool) -> list[tuple[int, int]]:
    """(row, predicate) of at most a hundred documents among `rows`, each with its nearest predicate, nearest first."""
    import numpy as np

    nearest = np.full(len(rows), np.inf)
    which = np.full(len(rows), -1)
    for index, predicate in enumerate(tried.predicates):
        if predicate.rule != rule:
            continue
        usable = rows & (tried.masks[index] if firing else matching(tried.values, predicate.when))
        distance = _distance(tried.values, predicate, tried.masks[index])
        better = usable & (distance < nearest)
        nearest[better], which[better] = distance[better], index
    candidates = np.flatnonzero(which >= 0)
    order = candidates[np.argsort(nearest[candidates], kind="stable")][:_NEAREST]
    return [(int(place), int(which[place])) for place in order]


def _distance(values: pa.Table, predicate: Predicate, firing: Mask) -> np.ndarray[Any, Any]:
    """How far the value is from the threshold, as a share of it; the same for all where texts are compared."""
    import numpy as np

    _, numbers, texts = Columns(values).holds(predicate, np.ones(values.num_rows, np.bool_))
    if numbers is None:
        absent = (
            np.zeros(values.num_rows, np.bool_) if texts is None else texts.is_null().to_numpy(zero_copy_only=False)
        )
        return np.where(absent, np.inf, 1.0)
    limit = float(predicate.threshold) if predicate.comparison != "best" else _cut(numbers, firing)  # type: ignore[arg-type]
    distance = np.abs(numbers - limit) / (abs(limit) or 1.0)
    distance[(distance == 0) & (limit == 0)] = 1.0  # a count of nothing is no near miss
    return np.where(np.isnan(distance), np.inf, distance)


def _cut(scores: np.ndarray[Any, Any], firing: Mask) -> float:
    """The highest score that was not good enough."""
    return float(scores[firing].max()) if firing.any() else 0.0


def _example(tried: Tried, side: str, place: int, index: int) -> dict[str, Any]:
    import numpy as np

    predicate = tried.predicates[index]
    row = tried.values.slice(place, 1)
    _, numbers, texts = Columns(row).holds(predicate, np.ones(1, np.bool_))
    value: Any = None if numbers is None or np.isnan(numbers[0]) else float(numbers[0])
    if texts is not None:
        value = texts[0].as_py()
    told = {name: row[name][0].as_py() for name in ("document", "source", "origin")}
    return {
        "side": side,
        **told,
        "predicate": condition(predicate),
        "value": value,
        "threshold": show(predicate.threshold),
    }
