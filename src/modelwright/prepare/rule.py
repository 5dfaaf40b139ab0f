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

Left of the comparison stands an expression over signals (`prepare/expression.py`), right of it an option, a number,
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
from modelwright.prepare import expression

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

Threshold = float | str | tuple[str, ...]
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

    @property
    def textual(self) -> bool:
        """True when a column of text is compared, not a number."""
        return not isinstance(self.threshold, (int, float))

    def columns(self) -> tuple[str, ...]:
        """The columns that the predicate reads, those of `when` too."""
        names = (self.expression.strip(),) if self.textual else expression.names(self.expression)
        return tuple(dict.fromkeys((*names, *self.when)))

    def check(self, known: Sequence[str]) -> None:
        """Raises UnknownName for a column that no signal gives, UsageError for a comparison that cannot be."""
        if self.comparison not in COMPARISONS:
            raise UnknownName("comparison", self.comparison, COMPARISONS, where=f"{self.rule}.{self.signal}")
        if self.textual and self.comparison not in ("==", "!=", "in", "not in"):
            raise UsageError(
                f"{self.rule}.{self.signal}: {self.comparison!r} cannot compare with the text {self.threshold!r}",
                hint="write a number, or one of == != in `not in`",
                value=self.comparison,
            )
        for name in self.columns():
            if name not in known:
                raise UnknownName("signal", name, known, where=f"{self.rule}.{self.signal}")


@dataclass(frozen=True)
class Editing:
    """Edit the spans that a signal finds, in documents that stay and that `when` matches.

    `rule` is the plugin's name as in the project file, `signal` the name of the signal plugin whose findings are
    edited, `kinds` the kinds among them (empty: all), `style` one of the styles of `prepare/edit.py`.
    """

    rule: str
    signal: str
    kinds: tuple[str, ...]
    style: str
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

    def signals(self) -> tuple[str, ...]:
        """The columns needed, each once, in order of first use."""
        return tuple(dict.fromkeys(name for predicate in self.predicates() for name in predicate.columns()))


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
        return tuple(self._predicate(name, spec) for name, specs in self.content["drop"].items() for spec in specs)

    def _predicate(self, name: str, spec: Mapping[str, Any]) -> Predicate:
        threshold = getattr(self, spec["option"]) if "option" in spec else spec["threshold"]
        if isinstance(threshold, (list, tuple)):
            threshold = tuple(str(item) for item in threshold)
        elif not isinstance(threshold, str):
            threshold = float(threshold)
        when = {**self.when, **{key: tuple(values) for key, values in spec["when"].items()}}
        label = self.labels.get(name, "")
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
    columns = _Columns(signals)
    for index, predicate in enumerate(predicates):
        if predicate.textual:
            texts = columns.text(predicate.expression.strip())
            fires, values = _compare_text(texts, predicate), None
        else:
            values = expression.evaluate(predicate.expression, columns.numbers(predicate), rows)
            fires = _compare(values, predicate.comparison, float(predicate.threshold))  # type: ignore[arg-type]
        fires &= (first < 0) & columns.matching(predicate.when)
        first[fires] = index
        if values is None:
            value_text[fires] = np.asarray(texts.filter(pa.array(fires)).to_pylist(), dtype=object)
        else:
            value[fires] = values[fires]
    return _decisions(first, value, value_text, predicates)


class _Columns:
    """The columns of a table as NumPy arrays, converted once each."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._numbers: dict[str, np.ndarray[Any, Any]] = {}
        self._texts: dict[str, pa.Array] = {}
        self._matches: dict[Any, Mask] = {}

    def numbers(self, predicate: Predicate) -> Mapping[str, np.ndarray[Any, Any]]:
        import pyarrow as pa

        for name in expression.names(predicate.expression):
            if name not in self._numbers:
                column = self.table.column(name)
                if pa.types.is_null(column.type) or pa.types.is_boolean(column.type):
                    column = column.cast(pa.int8())
                if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                    raise UsageError(
                        f"{predicate.rule}.{predicate.signal}: the signal {name!r} is {column.type}, not a number",
                        hint="compare a text with == != in `not in` and a text or a list",
                        value=name,
                    )
                self._numbers[name] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return self._numbers

    def text(self, name: str) -> pa.Array:
        import pyarrow as pa

        if name not in self._texts:
            column = self.table.column(name)
            if pa.types.is_boolean(column.type) or not pa.types.is_string(column.type):
                column = column.cast(pa.string())
            chunks = column.combine_chunks()
            self._texts[name] = pa.concat_arrays(chunks.chunks) if isinstance(chunks, pa.ChunkedArray) else chunks
        return self._texts[name]

    def matching(self, when: Mapping[str, tuple[str, ...]]) -> Mask:
        """Rows where every column of `when` has one of its accepted values."""
        import numpy as np

        key = tuple(sorted(when.items()))
        if key not in self._matches:
            mask = np.ones(self.table.num_rows, dtype=bool)
            for name, accepted in key:
                mask &= _member(self.text(name), accepted)
            self._matches[key] = mask
        return self._matches[key]


def matching(values: pa.Table, when: Mapping[str, tuple[str, ...]]) -> Mask:
    """Rows of a table where every column of `when` has one of its accepted values; all of them when it is empty.

    Raises UnknownName for a column that is not there.
    """
    for name in when:
        if name not in values.column_names:
            raise UnknownName("signal", name, values.column_names, where="when")
    return _Columns(values).matching(when)


def _member(texts: pa.Array, accepted: Sequence[str]) -> Mask:
    """True where the text is one of `accepted`; null is none of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_in(texts, value_set=pa.array(list(accepted), type=texts.type), skip_nulls=True)
    return np.array(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _compare_text(texts: pa.Array, predicate: Predicate) -> Mask:
    import numpy as np

    threshold = predicate.threshold
    accepted = threshold if isinstance(threshold, tuple) else (str(threshold),)
    found = _member(texts, accepted)
    if predicate.comparison in ("!=", "not in"):
        present: Mask = np.array(texts.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        return present & ~found
    return found


def _compare(values: np.ndarray[Any, Any], comparison: str, threshold: float) -> Mask:
    """NaN compares false with everything, `!=` too."""
    import numpy as np

    operations = {
        "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
        "==": np.equal, "in": np.equal, "!=": np.not_equal, "not in": np.not_equal,
    }  # fmt: skip
    fires: Mask = operations[comparison](values, threshold) & ~np.isnan(values)
    return fires


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
