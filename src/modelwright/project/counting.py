"""What the report of a pile counts: decisions by source, rules, signals, composition, lengths, duplicates, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.formats.pile import DECISIONS, IN_PILE

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader
    from modelwright.prepare.documents import Documents
    from modelwright.prepare.rule import Predicate
    from modelwright.prepare.settings import PileSettings

    Numbers = np.ndarray[Any, Any]

GROUPS = ("language", "code_language", "kind", "domain", "licence_class", "licence", "access")
_NULL = {"code_language": "no code", "domain": "not judged"}
_HISTOGRAMS = 9
_BINS = 36
_WIDE = 30  # from this ratio of the highest to the middle on, a scale is logarithmic
_CLUSTERS, _MEMBERS = 5, 4
_PERSONAL = "personal_data"


@dataclass(frozen=True)
class Tables:
    """The tables of a version. `decisions` and `values` have a row for each input document, `in_pile` says which of
    them are in the pile; `documents` has those alone, with `tokens` (null where none were made or it is held out)."""

    decisions: pa.Table
    values: pa.Table
    documents: pa.Table
    findings: pa.Table
    in_pile: Numbers
    with_tokens: bool

    @classmethod
    def of(cls, reader: PileReader, sources: Documents | None, tokens: pa.Table | None) -> Tables:
        import pyarrow as pa
        import pyarrow.compute as pc

        from modelwright.prepare.show import known

        decisions = reader.decisions().combine_chunks()
        documents = reader.documents()
        values = known(reader, sources)
        for name in ("licence_class", "domain"):
            if name in values.column_names:
                place = pc.index_in(documents["document"], value_set=values["document"].combine_chunks())
                found = values[name].take(place)
                at = documents.schema.get_field_index(name)
                documents = documents.drop([name]) if at >= 0 else documents
                documents = documents.append_column(name, found)
        missing = pa.nulls(documents.num_rows, pa.int64())
        if tokens is not None:
            place = pc.index_in(documents["document"], value_set=tokens["document"].combine_chunks())
            missing = tokens["tokens"].take(place)
        documents = documents.append_column("tokens", missing).combine_chunks()
        in_pile = pc.is_in(decisions["decision"], value_set=pa.array(IN_PILE)).to_numpy()
        return cls(decisions, values, documents, reader.findings(), in_pile, tokens is not None)


def overview(tables: Tables) -> dict[str, Any]:
    """`input`, `in_pile`, `decisions`, and the `flow` from each source to what became of its documents."""
    import pyarrow.compute as pc

    by = ["source", "decision", "rule"]
    grouped = tables.decisions.group_by(by).aggregate([("bytes", "sum"), ([], "count_all")]).to_pylist()
    flow = [
        {**{name: row[name] for name in by}, "documents": row["count_all"], "bytes": row["bytes_sum"] or 0}
        for row in sorted(grouped, key=lambda row: [str(row[name]) for name in by])
    ]
    decided = {name: _total([row for row in flow if row["decision"] == name]) for name in DECISIONS}
    held = pc.sum(pc.equal(tables.documents["split"], "held_out")).as_py() or 0
    return {
        "input": _total(flow),
        "in_pile": {
            "documents": tables.documents.num_rows,
            "bytes": _sum(tables.documents["bytes"]),
            "tokens": _sum(tables.documents["tokens"]) if tables.with_tokens else None,
            "held_out": held,
        },
        "decisions": decided,
        "flow": flow,
    }


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("documents", "bytes")}


def _sum(column: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(column).as_py() or 0)


def rules(settings: PileSettings | None, tables: Tables, facts: Mapping[str, Any]) -> dict[str, Any]:
    """See `tried`; `unmeasured` names the predicates of the recipe whose signals this version did not measure."""
    predicates = _predicates(settings, facts)
    usable = tuple(item for item in predicates if set(item.columns()) <= set(tables.values.column_names))
    return {
        **tried(usable, tables),
        "unmeasured": [f"{item.rule}.{item.signal}" for item in predicates if item not in usable],
    }


def tried(predicates: Sequence[Predicate], tables: Tables) -> dict[str, Any]:
    """`rules`: what each drops alone, first and only, with its predicates (see `prepare.show.effects`); `together`:
    what they drop; `histograms` of the signals that they compare."""
    import numpy as np

    from modelwright.prepare.show import Tried, effects, fires

    if not predicates:
        return {"rules": [], "together": {"documents": 0, "bytes": 0}, "histograms": []}
    masks = fires(tables.values, predicates)
    rows = effects(Tried(tables.values, tuple(predicates), masks))
    any_fires = np.logical_or.reduce(masks, axis=0)
    size = tables.values["bytes"].to_numpy()
    together = {"documents": int(np.count_nonzero(any_fires)), "bytes": int(size[any_fires].sum())}
    return {"rules": rows, "together": together, "histograms": histograms(predicates, rows, tables)}


def _predicates(settings: PileSettings | None, facts: Mapping[str, Any]) -> tuple[Predicate, ...]:
    from modelwright.prepare import decontaminate
    from modelwright.prepare.rule import Rule
    from modelwright.prepare.settings import Decontaminate

    if settings is None:
        return ()
    if settings.decontaminate is None and facts.get("contamination"):  # the project's own benchmarks asked for it
        settings = settings.model_copy(update={"decontaminate": Decontaminate()})
    found = [predicate for rule in settings.rules if isinstance(rule, Rule) for predicate in rule.predicates()]
    return (*found, *decontaminate.predicates(settings))


def histograms(
    predicates: Sequence[Predicate], effects: Sequence[Mapping[str, Any]], tables: Tables
) -> list[dict[str, Any]]:
    """The signals that rules compare with a number, those that drop most first: where documents in the pile and
    documents left out lie, and the thresholds. Predicates over the same expression and documents share a picture."""
    import numpy as np

    from modelwright.prepare.columns import Columns

    parts = [part for effect in effects for part in effect["predicates"]]
    first = {
        id(predicate): part["first"]["documents"] for predicate, part in zip(_by_rule(predicates), parts, strict=True)
    }
    together: dict[Any, list[Predicate]] = {}
    for predicate in predicates:
        if predicate.condition is None and not predicate.textual:
            together.setdefault((predicate.expression, tuple(sorted(predicate.when.items()))), []).append(predicate)
    ranked = sorted(together.values(), key=lambda same: -sum(first[id(predicate)] for predicate in same))
    columns, everyone = Columns(tables.values), np.ones(tables.values.num_rows, np.bool_)
    found = []
    for same in ranked[:_HISTOGRAMS]:
        applies = columns.matching(same[0].when)
        numbers = columns.holds(same[0], everyone)[1]
        drawn = applies & np.isfinite(numbers) if numbers is not None else applies & False
        if numbers is None or not drawn.any():
            continue
        limits = [
            {"value": float(item.threshold), "comparison": item.comparison, "rule": item.rule, "drops": first[id(item)]}  # type: ignore[arg-type]
            for item in same
        ]
        binned = binning(numbers[drawn], tables.in_pile[drawn], [limit["value"] for limit in limits])
        when = {name: list(values) for name, values in same[0].when.items()}
        found.append(
            {"name": same[0].signal, "expression": same[0].expression, "when": when, "limits": limits, **binned}
        )
    return found


def _by_rule(predicates: Sequence[Predicate]) -> list[Predicate]:
    """In the order in which `effects` lists them: rule by rule."""
    names = dict.fromkeys(predicate.rule for predicate in predicates)
    return [predicate for name in names for predicate in predicates if predicate.rule == name]


def binning(numbers: Numbers, kept: Numbers, limits: Sequence[float] = ()) -> dict[str, Any]:
    """Counts between `edges` of the numbers that are kept and of the others.

    The scale is logarithmic (`log`) where numbers lie far apart; then what is below the first edge counts in the first
    bin. The highest half per cent counts in the last bin, `beyond` says how many lie above its end.
    """
    import numpy as np

    low, middle, top = (float(value) for value in np.quantile(numbers, [0, 0.5, 0.995]))
    high = max([top, *(limit * 1.15 for limit in limits if limit > 0 and limit < 50 * (abs(top) or 1.0))])
    positive = numbers[numbers > 0]
    log = bool(low >= 0 and positive.size and top > _WIDE * max(middle, float(np.quantile(positive, 0.05)), 1.0))
    whole = bool(np.all(numbers == np.round(numbers)))
    start = min([low, *(limit for limit in limits if low - abs(high - low) <= limit < low)])
    if log:
        start = max(float(positive.min()), 1.0 if whole else high / 1e6)
        edges = np.geomspace(start, max(high, start * 2), _BINS + 1)
    elif whole and high - start < _BINS:
        edges = np.arange(np.floor(start), np.ceil(high) + 2)
    else:
        edges = np.linspace(start, high if high > start else start + 1, _BINS + 1)
    inside = np.clip(numbers, edges[0], np.nextafter(edges[-1], -np.inf))
    return {
        "log": log,
        "edges": [float(edge) for edge in edges],
        "kept": np.histogram(inside[kept], edges)[0].tolist(),
        "out": np.histogram(inside[~kept], edges)[0].tolist(),
        "beyond": int(np.count_nonzero(numbers > edges[-1])),
        "documents": int(numbers.size),
    }


def composition(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    """For each of GROUPS the values in the pile, most bytes first: documents, bytes, tokens; null is `unknown`."""
    found = {}
    for name in GROUPS:
        if name not in tables.documents.column_names:
            continue
        totals = [("bytes", "sum"), ("tokens", "sum"), ([], "count_all")]
        rows = [
            {
                "value": _NULL.get(name, "unknown") if row[name] is None else str(row[name]),
                "documents": row["count_all"],
                "bytes": row["bytes_sum"] or 0,
                "tokens": (row["tokens_sum"] or 0) if tables.with_tokens else None,
            }
            for row in tables.documents.group_by(name).aggregate(totals).to_pylist()
        ]
        if any(row["value"] != _NULL.get(name, "unknown") for row in rows):
            found[name] = sorted(rows, key=lambda row: (-row["bytes"], row["value"]))
    return found


def lengths(tables: Tables) -> dict[str, Any]:
    """How long the documents in the pile are, in bytes of UTF-8: a histogram, quantiles, and the longest."""
    import numpy as np
    import pyarrow.compute as pc

    if not tables.documents.num_rows:
        return {}
    size = tables.documents["bytes"].to_numpy()
    marks = {"shortest": 0.0, "tenth": 0.1, "median": 0.5, "nine_tenths": 0.9, "longest": 1.0}
    quantiles = np.quantile(size, list(marks.values()), method="nearest")
    longest = tables.documents.take(pc.select_k_unstable(tables.documents, 3, [("bytes", "descending")]))
    return {
        **binning(size, np.ones(len(size), np.bool_)),
        "quantiles": dict(zip(marks, (int(value) for value in quantiles), strict=True)),
        "longest": longest.select(["source", "origin", "bytes"]).to_pylist(),
    }


def duplicates(tables: Tables) -> dict[str, Any]:
    """Duplicates by the way they were found, and the largest clusters: the document that stays, and its copies."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = tables.decisions.filter(pc.equal(tables.decisions["decision"], "duplicate"))
    grouped = rows.group_by("rule").aggregate([("bytes", "sum"), ([], "count_all")]).to_pylist()
    by = [{"rule": row["rule"], "documents": row["count_all"], "bytes": row["bytes_sum"] or 0} for row in grouped]
    counts = sorted(
        pc.value_counts(rows["duplicate_of"].combine_chunks()).to_pylist(),
        key=lambda row: (-row["counts"], str(row["values"])),
    )
    largest = []
    for count in counts[:_CLUSTERS]:
        survivor = tables.decisions.filter(pc.equal(tables.decisions["document"], count["values"]))
        members = rows.filter(pc.equal(rows["duplicate_of"], count["values"]))
        shown = ["source", "origin", "rule", "value"]
        largest.append(
            {
                "survivor": next(iter(survivor.select(["source", "origin", "bytes"]).to_pylist()), None),
                "copies": count["counts"],
                "members": members.select(shown).slice(0, _MEMBERS).to_pylist(),
            }
        )
    by.sort(key=lambda row: (-row["documents"], str(row["rule"])))
    total = {"documents": rows.num_rows, "bytes": _sum(rows["bytes"] if rows.num_rows else pa.array([], pa.int64()))}
    return {**total, "by": by, "clusters": len(counts), "largest": largest}


def personal(tables: Tables, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Personal data by kind: spans found in all inputs and in documents of the pile, edited, and still found after."""
    import pyarrow.compute as pc

    found = tables.findings.filter(pc.equal(tables.findings["signal"], _PERSONAL)).select(["document", "kind"])
    staying = found.filter(pc.is_in(found["document"], value_set=tables.documents["document"].combine_chunks()))
    counted, here = _by_kind(found), _by_kind(staying)
    edits = facts.get("redactions") or {}
    edited, left = edits.get("by_kind") or {}, edits.get("residue") or {}
    kinds = sorted({*counted, *(set(edited) & set(counted))}, key=lambda kind: (-counted[kind]["spans"], kind))
    rows = [
        {
            "kind": kind,
            **counted[kind],
            "in_pile": here.get(kind, {"spans": 0})["spans"],
            "edited": edited.get(kind, 0),
            "residue": left.get(kind, 0),
        }
        for kind in kinds
    ]
    return {"kinds": rows, "looked": "personal_data_count" in tables.values.column_names}


def _by_kind(found: pa.Table) -> dict[str, dict[str, int]]:
    grouped = found.group_by("kind").aggregate([("document", "count_distinct"), ([], "count_all")]).to_pylist()
    return {row["kind"]: {"spans": row["count_all"], "documents": row["document_count_distinct"]} for row in grouped}


def drawn(tables: Tables, rows: Numbers, by: Sequence[str], count: int) -> list[dict[str, Any]]:
    """At most `count` of the rows: of each group, the largest first, the smallest id, then the next; a fair draw."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = ["document", "source", "origin", "decision", "rule", "signal", "value", "value_text", "threshold"]
    left = tables.decisions.select([*names, "duplicate_of"]).filter(pa.array(rows))
    counted = left.group_by(list(by)).aggregate([([], "count_all")]).to_pylist()
    sizes = {tuple(row[name] for name in by): row["count_all"] for row in counted}
    found: list[dict[str, Any]] = []
    while len(found) < count and left.num_rows:
        least = left.group_by(list(by)).aggregate([("document", "min")])["document_min"].combine_chunks()
        chosen = pc.is_in(left["document"], value_set=least)
        rest = [{**row, "of": sizes[tuple(row[name] for name in by)]} for row in left.filter(chosen).to_pylist()]
        found += sorted(rest, key=lambda row: (-row["of"], row["document"]))[: count - len(found)]
        left = left.filter(pc.invert(chosen))
    ids = pa.array([row["document"] for row in found], pa.string())
    languages = tables.values["language"].take(pc.index_in(ids, value_set=tables.values["document"].combine_chunks()))
    return [{**row, "language": language} for row, language in zip(found, languages.to_pylist(), strict=True)]
