"""Rules: predicates over signals, as Python plugins or as YAML, and the one function that decides with them.

A rule set is a YAML file (see `prepare/rules/gopher.yaml`):

    version: 1                                     # raise it when the meaning changes
    help: One line that `modelwright list rules` prints.
    when: {kind: [prose]}                          # documents it applies to; a project may write `when: any`
    options:
      min_words: 50                                # the type follows the default, or is named:
      languages: {type: list, default: [en, de]}   # integer, number, share, text, list
    drop:                                          # the first that holds gives the reason
      short: words < min_words
      length: [words < min_words, words > 9000]    # several conditions under one name
      foreign: {if: language not in languages, label: another language, when: {source: [web]}}

    flag: {long: words > 9000}                     # the document stays; the names stand in the column `flags`
    keep: {best: {share: 50 %, by: words}}         # the share with the highest values of those that come so far
    weight: {speeches: {if: source == "speeches", weight: 2}}   # the column `weight`; several are multiplied
    edit: {c4_lines: remove}                       # findings of a signal: a style, or {style:, kinds:, if:, when:}

`drop` is tried first, then `keep`. Conditions are joined by `and`, `or`, `not` (`prepare/condition.py`), or simple:
left of the comparison stands an expression over signals (`prepare/expression.py`), right of it an option, a number,
a quoted text or a list. A value that is unknown (null, NaN, a division by zero) never fires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PlainSerializer

from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.spec import Options
from modelwright.prepare import condition, expression
from modelwright.prepare.columns import Columns

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

Threshold = float | str | tuple[str, ...]
NAMES_OF_PERSONS = ("copyright_holders",)
"""Columns that no rule may read: what a rule compared stands in the table of decisions."""
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=", "in", "not in")


@dataclass(frozen=True)
class Predicate:
    """Drop a document when `expression comparison threshold` holds and `when` matches.

    `rule` is the plugin's name, `signal` the predicate's name inside it, `when` maps a column to its accepted values
    (empty: always), `label` is free text for people and no part of identity.
    """

    rule: str
    signal: str
    expression: str
    comparison: str
    threshold: Threshold
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = field(default="", compare=False)
    condition: condition.Node | None = None
    """The whole condition where it is more than one comparison; `comparison` is then `holds` or `best`."""

    @property
    def textual(self) -> bool:
        """True when a column of text is compared, not a number."""
        return not isinstance(self.threshold, (int, float))

    def columns(self) -> tuple[str, ...]:
        """The columns that the predicate reads, those of `when` too."""
        if self.condition is not None:
            return tuple(dict.fromkeys((*expression.names_in(self.condition), *self.when)))
        names = (self.expression.strip(),) if self.textual else expression.names(self.expression)
        return tuple(dict.fromkeys((*names, *self.when)))

    def check(self, known: Sequence[str]) -> None:
        """Raises UnknownName for a column that no signal gives, UsageError for a comparison that cannot be."""
        if self.condition is not None:
            condition.check(self.condition, known, f"{self.rule}.{self.signal}")
        elif self.comparison not in COMPARISONS:
            raise UnknownName("comparison", self.comparison, COMPARISONS, where=f"{self.rule}.{self.signal}")
        if self.condition is None and self.textual and self.comparison not in ("==", "!=", "in", "not in"):
            raise UsageError(
                f"{self.rule}.{self.signal}: {self.comparison!r} cannot compare with the text {self.threshold!r}",
                hint="write a number, or one of == != in `not in`",
                value=self.comparison,
            )
        for name in self.columns():
            if name in NAMES_OF_PERSONS:
                raise UsageError(
                    f"{self.rule}.{self.signal}: no rule may read {name!r}, which holds names of persons",
                    hint="what a rule compared stands in the decisions; use `licence_class` or `copyright_years`",
                    value=name,
                )
            if name not in known:
                raise UnknownName("signal", name, known, where=f"{self.rule}.{self.signal}")


@dataclass(frozen=True)
class Editing:
    """Edit the spans that a signal finds, in documents that stay and that `when` matches.

    `rule` is the plugin's name as in the project file, `signal` the name of the signal plugin whose findings are
    edited, `kinds` the kinds among them (empty: all), `style` the name of a plugin of kind `styles`, or one with
    options.
    """

    rule: str
    signal: str
    kinds: tuple[str, ...]
    style: str | Options
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_when(value: Any) -> Any:
    """`any`, `{kind: prose}` or `{kind: [prose, mail]}` -> column to accepted values."""
    if value == "any" or value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("write `any` or a mapping such as {kind: [prose]}")
    return {str(key): [item] if isinstance(item, str) else list(item) for key, item in value.items()}


When = Annotated[
    dict[str, tuple[str, ...]],
    BeforeValidator(read_when),
    PlainSerializer(lambda when: {key: list(values) for key, values in when.items()} or "any"),
]
"""Which documents a rule applies to: column -> accepted values; `any` (or nothing) is every document."""


class Rule(Options):
    """Base of the rules: the documents to drop, as predicates over signals."""

    def predicates(self) -> tuple[Predicate, ...]:
        """The predicates in the order in which they are tried."""
        raise NotImplementedError(f"{type(self).__name__} has no predicates")

    def edits(self) -> tuple[Editing, ...]:
        """The findings that are edited in documents that stay."""
        return ()

    def flags(self) -> tuple[Predicate, ...]:
        """What is noted of documents that stay."""
        return ()

    def weights(self) -> tuple[tuple[Predicate, float], ...]:
        """Weights in the mixture of the documents for which a condition holds."""
        return ()

    def conditions(self) -> tuple[Predicate, ...]:
        """All predicates, whatever they do."""
        return (*self.predicates(), *self.flags(), *(predicate for predicate, _ in self.weights()))

    def signals(self) -> tuple[str, ...]:
        """The columns needed, each once, in order of first use."""
        return tuple(dict.fromkeys(name for predicate in self.conditions() for name in predicate.columns()))


class RuleSet(Rule):
    """A rule that was read from YAML. Each has a subclass of its own whose fields are its options."""

    plugin: ClassVar[str] = ""  # the name in YAML; core.plugins takes it as the plugin's name
    help: ClassVar[str] = ""
    labels: ClassVar[Mapping[str, str]] = {}
    source_text: ClassVar[str] = ""

    when: When = Field(default_factory=dict, description="documents it applies to: {column: [values]}, or any")
    content: dict[str, Any] = Field(
        default_factory=dict, exclude=True, description="version and predicates as read: part of identity, no option"
    )

    def predicates(self) -> tuple[Predicate, ...]:
        return self._all("drop") + self._all("keep")

    def flags(self) -> tuple[Predicate, ...]:
        return self._all("flag")

    def weights(self) -> tuple[tuple[Predicate, float], ...]:
        specs = [(name, spec) for name, many in self.content.get("weight", {}).items() for spec in many]
        return tuple((self._predicate(name, spec), float(self._value(spec["weight"]))) for name, spec in specs)

    def edits(self) -> tuple[Editing, ...]:
        found = []
        for spec in self.content.get("edit", ()):
            if "if" not in spec or bool(self._value(spec["if"])) == spec["wanted"]:
                when = {**self.when, **{key: tuple(values) for key, values in spec["when"].items()}}
                found.append(Editing(self.plugin, spec["signal"], tuple(spec["kinds"]), spec["style"], when))
        return tuple(found)

    def _all(self, section: str) -> tuple[Predicate, ...]:
        sections = self.content.get(section, {})
        found = (self._predicate(name, spec) for name, specs in sections.items() for spec in specs)
        return tuple(predicate for predicate in found if predicate.condition != condition.FALSE)

    def _value(self, written: Any) -> Any:
        return getattr(self, written) if isinstance(written, str) else written

    def _predicate(self, name: str, spec: Mapping[str, Any]) -> Predicate:
        when = {**self.when, **{key: tuple(values) for key, values in spec["when"].items()}}
        label = self.labels.get(name, "")
        if "share" in spec:
            share, tree = float(self._value(spec["share"])), expression.parse(spec["by"])
            return Predicate(self.plugin, name, spec["by"], "best", share, when, label, tree)
        if "condition" in spec:
            options = {option: getattr(self, option) for option in type(self).model_fields}
            tree = condition.folded(condition.resolved(condition.parse(spec["condition"]), options))
            if tree[0] == "compare" and tree[3][0] in ("number", "text"):  # then the value that fires can be told
                left = condition.show(tree[2])
                return Predicate(self.plugin, name, left, tree[1], tree[3][1], when, label)
            return Predicate(self.plugin, name, spec["condition"], "holds", condition.show(tree), when, label, tree)
        threshold = getattr(self, spec["option"]) if "option" in spec else spec["threshold"]
        if isinstance(threshold, (list, tuple)):
            threshold = tuple(str(item) for item in threshold)
        elif not isinstance(threshold, str):
            threshold = float(threshold)
        return Predicate(self.plugin, name, spec["expression"], spec["comparison"], threshold, when, label)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.plugin, self.source_text, self.model_dump(mode="json"))


def _again(name: str, text: str, options: dict[str, Any]) -> RuleSet:
    """Rebuild a rule set in another process: its class exists only where its YAML was read."""
    from modelwright.prepare.rule_file import rule_set

    return rule_set(name, text, options)


def find_rule_set(path: Path, options: Mapping[str, Any] | None = None) -> RuleSet:
    """Read a rule set from a YAML file; its name is the file's stem.

    Raises InputError when the file is missing or no UTF-8, UsageError with the place when it cannot be understood,
    UnknownName for an option that the file does not declare.
    """
    from modelwright.prepare.rule_file import rule_set

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"there is no rule set {path}", hint="paths are relative to the project file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the rule set {path}: {error}", value=str(path)) from error
    return rule_set(path.stem, text, dict(options or {}))


def from_yaml(path: Path, options: dict[str, Any]) -> RuleSet:
    """What `core.plugins` calls for a YAML file of the kind `rules`."""
    return find_rule_set(path, options)


def decide(signals: pa.Table, predicates: Sequence[Predicate]) -> pa.Table:
    """One decision for each row of `signals`, by the first predicate that fires, in the given order.

    Returns as many rows: decision ("kept" | "dropped"), rule, signal, value (float64), value_text (the text that was
    compared), threshold (string); null where kept. Null, NaN and infinite values never fire; neither does a predicate
    whose `when` column is null. Raises UnknownName for a column that is not there.
    """
    import numpy as np
    import pyarrow as pa

    rows = signals.num_rows
    for predicate in predicates:
        predicate.check(signals.column_names)
    first = np.full(rows, -1, dtype=np.int32)
    value = np.full(rows, np.nan)
    value_text = np.full(rows, None, dtype=object)
    columns = Columns(signals)
    for index, predicate in enumerate(predicates):
        fires, values, texts = columns.holds(predicate, first < 0)
        first[fires] = index
        if texts is not None:
            value_text[fires] = np.asarray(texts.filter(pa.array(fires)).to_pylist(), dtype=object)
        elif values is not None:
            value[fires] = values[fires]
    return _decisions(first, value, value_text, predicates)


def marks(signals: pa.Table, rules: Sequence[Rule]) -> tuple[pa.Array, pa.Array]:
    """Flags of each row (`rule.signal, ...` in order of the rules, null for none) and its weight (float64, 1 for
    none): what holds of several rules is joined and multiplied. Raises UnknownName for a column that is not there.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns, everyone = Columns(signals), np.ones(signals.num_rows, dtype=bool)
    flags, weight = pa.nulls(signals.num_rows, pa.string()), np.ones(signals.num_rows)
    for predicate in (predicate for rule in rules for predicate in rule.flags()):
        predicate.check(signals.column_names)
        name = pa.scalar(f"{predicate.rule}.{predicate.signal}")
        held = pa.array(columns.holds(predicate, everyone)[0])
        joined = pc.if_else(pc.is_valid(flags), pc.binary_join_element_wise(flags, name, ", "), name)
        flags = pc.if_else(held, joined, flags)
    for predicate, factor in (weighted for rule in rules for weighted in rule.weights()):
        predicate.check(signals.column_names)
        weight[columns.holds(predicate, everyone)[0]] *= factor
    return flags, pa.array(weight)


def matching(values: pa.Table, when: Mapping[str, tuple[str, ...]]) -> Mask:
    """Rows of a table where every column of `when` has one of its accepted values; all of them when it is empty.

    Raises UnknownName for a column that is not there.
    """
    for name in when:
        if name not in values.column_names:
            raise UnknownName("signal", name, values.column_names, where="when")
    return Columns(values).matching(when)


def _decisions(
    first: np.ndarray[Any, Any],
    value: np.ndarray[Any, Any],
    value_text: np.ndarray[Any, Any],
    predicates: Sequence[Predicate],
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    dropped = first >= 0

    def column(texts: Sequence[str]) -> pa.Array:
        return pa.array([*texts, None], type=pa.string()).take(pa.array(np.where(dropped, first, len(texts))))

    return pa.table(
        {
            "decision": pa.array(["kept", "dropped"]).take(pa.array(dropped.astype(np.int32))),
            "rule": column([predicate.rule for predicate in predicates]),
            "signal": column([predicate.signal for predicate in predicates]),
            "value": pa.array(value, type=pa.float64(), mask=np.isnan(value)),
            "value_text": pa.array(value_text, type=pa.string()),
            "threshold": column([show(predicate.threshold) for predicate in predicates]),
        }
    )


def show(threshold: Threshold) -> str:
    """A threshold as people write it: 50, 0.1, `en, de`."""
    if isinstance(threshold, (int, float)):
        return str(int(threshold)) if float(threshold).is_integer() and abs(threshold) < 1e15 else repr(threshold)
    return threshold if isinstance(threshold, str) else ", ".join(threshold)
