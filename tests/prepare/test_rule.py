"""Rules: the grammar of expressions, rule sets in YAML, and the accounting of `decide`."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import fingerprint, plugins
from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.identity import identity
from modelwright.prepare import expression
from modelwright.prepare.rule import Predicate, RuleSet, decide, find_rule_set, from_yaml

OURS = """
version: 3
help: Ours.
when: {kind: [prose]}
options:
  min_words: 50
  max_share: {type: share, default: 10 %, help: of words}
  languages: {type: list, default: [en, de]}
  class: {type: text, default: proprietary}
drop:
  short: words < min_words
  size: [words < 2, words > 1e6]
  symbols: (hashes + ellipses) / words > max_share
  foreign: {if: language not in languages, label: another language, when: {source: web}}
  licence: licence_class == class
"""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.yaml"
    path.write_text(OURS, encoding="utf-8")
    return path


def simple(text: str, comparison: str = ">", threshold: float | str | tuple[str, ...] = 1.0, **when: tuple[str, ...]):
    return Predicate("rule", text, text, comparison, threshold, when)


# expressions


@settings(deadline=None)
@given(st.recursive(
    st.one_of(st.integers(0, 99).map(str), st.sampled_from("ab")),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map(lambda text: f"({text})"), inner.map(lambda text: f"-{text}" if text[0] != "-" else text),
    ),
    max_leaves=8,
))  # fmt: skip
def test_an_expression_has_the_value_that_python_gives_it(text):
    values = {"a": 3.0, "b": 0.5}
    try:
        expected = float(eval(text, {}, values))
    except (ZeroDivisionError, OverflowError):
        expected = math.nan
    columns = {name: np.array([value, np.nan]) for name, value in values.items()}
    got = expression.evaluate(text, columns, 2)
    if math.isnan(expected):
        assert math.isnan(got[0]) or abs(got[0]) < 1e300  # 1 / (1 / 0) is no error with infinities
    else:
        assert got[0] == pytest.approx(expected)
    if expression.names(text):
        assert math.isnan(got[1])


@pytest.mark.parametrize(
    "text",
    ["", "words;", "words words", "a +", "(a", "a)", "__import__('os')", "a.b", "a ** 2", "a < 3", "1e", "é + 1",
     "(" * 60 + "a" + ")" * 60, "a+" * 600 + "a", "-" * 5000 + "a"],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_a_hint(text):
    with pytest.raises(UsageError) as caught:
        expression.parse(text)
    assert caught.value.hint


def test_the_longest_expressions_are_read_and_evaluated():
    columns = {"a": np.ones(1)}
    assert expression.evaluate("a" + "+a" * 249, columns, 1) == [250.0]
    assert expression.evaluate("-" * 498 + "a", columns, 1) == [1.0]
    assert expression.names("(" * 50 + "a" + ")" * 50) == ("a",)


def test_an_unknown_signal_is_named_with_the_nearest_known_one():
    with pytest.raises(UnknownName) as caught:
        decide(pa.table({"words": [1], "lines": [1]}), [simple("word")])
    assert "words" in caught.value.hint
    with pytest.raises(UnknownName):
        simple("words", kind=("prose",)).check(["words"])


# decide

CELLS = st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float))
TEXTS = st.one_of(st.none(), st.sampled_from(["en", "de", "prose", ""]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, TEXTS, TEXTS), max_size=30), st.permutations(range(7)))
def test_every_row_gets_one_decision_by_the_first_predicate_that_fires(rows, order):
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    table = pa.table({
        "a": pa.array(columns[0], pa.float64()), "b": pa.array(columns[1], pa.float64()),
        "language": pa.array(columns[2], pa.string()), "kind": pa.array(columns[3], pa.large_string()),
    })  # fmt: skip
    all_predicates = [
        simple("a / b", ">", 0.5), simple("a", "<", 2.0, kind=("prose",)), simple("a - b", "==", 0.0),
        simple("b", "!=", 1.0), simple("language", "in", ("en",)), simple("language", "not in", ("en", "de")),
        simple("kind", "==", "prose"),
    ]  # fmt: skip
    predicates = [all_predicates[i] for i in order]
    result = decide(table, predicates).to_pylist()
    assert len(result) == len(rows)
    for row, got in zip(rows, result, strict=True):
        expected = next((p for p in predicates if by_hand(p, *row)), None)
        assert got["decision"] == ("kept" if expected is None else "dropped")
        assert got["signal"] == (None if expected is None else expected.signal)
        assert (got["rule"] is None) == (got["threshold"] is None) == (expected is None)
        if expected is not None:
            assert (got["value"] is None) == expected.textual
            assert (got["value_text"] is None) != expected.textual


def by_hand(predicate: Predicate, a, b, language, kind) -> bool:
    """The same, one row at a time, in plain Python."""
    row = {"a": a, "b": b, "language": language, "kind": kind}
    if any(row[name] not in accepted for name, accepted in predicate.when.items()):
        return False
    if predicate.textual:
        value = row[predicate.expression]
        accepted = predicate.threshold if isinstance(predicate.threshold, tuple) else (predicate.threshold,)
        return value is not None and (value in accepted) == (predicate.comparison in ("==", "in"))
    try:
        value = {
            "a / b": lambda: a / b, "a": lambda: a, "a - b": lambda: a - b, "b": lambda: b,
        }[predicate.expression]()  # fmt: skip
    except (TypeError, ZeroDivisionError):
        return False
    if value is None or not math.isfinite(value):
        return False
    limit = float(predicate.threshold)
    return {">": value > limit, "<": value < limit, "==": value == limit, "!=": value != limit}[predicate.comparison]


def test_no_predicates_keep_everything():
    assert decide(pa.table({"a": [1, None]}), [])["decision"].to_pylist() == ["kept", "kept"]


def test_a_decision_tells_the_value_and_the_threshold_that_were_compared():
    table = pa.table({"words": [10, 60], "lines": [4, 3], "language": ["en", "fr"]})
    result = decide(table, [simple("words / lines", "<", 3.0), simple("language", "not in", ("en", "de"))]).to_pylist()
    assert result[0] == {"decision": "dropped", "rule": "rule", "signal": "words / lines", "value": 2.5,
                         "value_text": None, "threshold": "3"}  # fmt: skip
    assert (result[1]["value"], result[1]["value_text"], result[1]["threshold"]) == (None, "fr", "en, de")


def test_a_text_column_in_arithmetic_and_an_order_of_texts_are_refused():
    with pytest.raises(UsageError, match="not a number"):
        decide(pa.table({"language": ["en"]}), [simple("language", ">", 1.0)])
    with pytest.raises(UsageError, match="cannot compare"):
        decide(pa.table({"language": ["en"]}), [simple("language", "<", "en")])


def test_truth_columns_and_columns_of_nulls_are_numbers():
    table = pa.table({"flag": [True, False, None], "nothing": pa.nulls(3)})
    assert decide(table, [simple("flag", "==", 1.0)])["decision"].to_pylist() == ["dropped", "kept", "kept"]
    assert decide(table, [simple("nothing", "<", 1.0)])["decision"].to_pylist() == ["kept"] * 3


def test_a_chunked_table_decides_as_one_in_one_piece():
    whole = pa.table({"a": [1, 2, 3], "kind": ["prose", "code", None]})
    parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    predicates = [simple("a", ">", 0.0, kind=("prose", "code"))]
    assert decide(parts, predicates).equals(decide(whole, predicates))


# rule sets


def test_a_rule_set_gives_its_predicates_in_order_with_options_filled_in(ours):
    rules = find_rule_set(ours, {"min_words": 30})
    assert [(p.rule, p.signal, p.comparison, p.threshold) for p in rules.predicates()] == [
        ("ours", "short", "<", 30.0), ("ours", "size", "<", 2.0), ("ours", "size", ">", 1e6),
        ("ours", "symbols", ">", 0.1), ("ours", "foreign", "not in", ("en", "de")),
        ("ours", "licence", "==", "proprietary"),
    ]  # fmt: skip
    foreign = rules.predicates()[4]
    assert foreign.when == {"kind": ("prose",), "source": ("web",)}
    assert foreign.label == "another language"
    assert rules.signals() == ("words", "kind", "hashes", "ellipses", "language", "source", "licence_class")


@pytest.mark.parametrize("written", ["any", None, {}])
def test_when_any_lifts_the_condition_of_the_file(ours, written):
    assert all("kind" not in p.when for p in find_rule_set(ours, {"when": written}).predicates())
    assert find_rule_set(ours, {"when": {"kind": "mail"}}).predicates()[0].when == {"kind": ("mail",)}


def test_an_unknown_option_is_named_with_the_nearest_one(ours):
    with pytest.raises(UnknownName) as caught:
        find_rule_set(ours, {"min_word": 3})
    assert "min_words" in caught.value.hint
    for reserved in ("content", "plugin", "help"):
        with pytest.raises(UnknownName):
            find_rule_set(ours, {reserved: "x"})


@pytest.mark.parametrize(("option", "value"), [("min_words", "many"), ("max_share", 2), ("languages", 7), ("when", 3)])
def test_an_option_of_the_wrong_type_is_refused_with_its_place(ours, option, value):
    with pytest.raises(UsageError, match=f"ours.{option}"):
        find_rule_set(ours, {option: value})


def test_options_version_and_predicates_are_part_of_identity_and_comments_and_help_are_not(ours):
    def seen(text: str, **options: object) -> str:
        ours.write_text(text, encoding="utf-8")
        return fingerprint.digest(identity(from_yaml(ours, dict(options))))

    first = seen(OURS)
    assert seen("# a comment\n" + OURS.replace("help: Ours.", "help: New.").replace("another", "other")) == first
    different = [
        seen(OURS, min_words=30), seen(OURS, when="any"), seen(OURS.replace("version: 3", "version: 4")),
        seen(OURS.replace("words < 2", "words < 3")), seen(OURS.replace("words < 2", "words <= 2")),
        seen(OURS.replace("  size: [words < 2, words > 1e6]\n", "")),
    ]  # fmt: skip
    assert len({first, *different}) == 7
    flat = fingerprint.flatten(identity(find_rule_set(ours, {"min_words": 30})))
    assert flat["ours.min_words"] == 30


def test_a_rule_set_is_written_as_its_changed_options_and_survives_another_process(ours):
    rules = find_rule_set(ours, {"min_words": 30, "when": "any"})
    assert plugins.dump(rules) == {"ours": {"min_words": 30, "when": "any"}}
    assert plugins.dump(find_rule_set(ours)) == "ours"
    again = pickle.loads(pickle.dumps(rules))
    assert isinstance(again, RuleSet)
    assert again == rules
    assert again.predicates() == rules.predicates()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drop: {a: words}", "no condition"),
        ("drop: {a: words < min_words}", "unknown option 'min_words'"),
        ("drop: {a: words + < 3}", "cannot be read"),
        ("drop: {a: {iff: words < 3}}", "unknown key 'iff'"),
        ("drop: {a: {if: words < 3, when: 4}}", "when"),
        ("options: {a: 3}", "drops nothing"),
        ("options: {version: 3}\ndrop: {a: words < 3}", "cannot be used"),
        ("options: {predicates: 3}\ndrop: {a: words < 3}", "cannot be used"),
        ("options: {a: {type: int, default: 3}}\ndrop: {a: words < a}", "unknown type 'int'"),
        ("options: {a: {type: integer}}\ndrop: {a: words < a}", "no default"),
        ("options: {a: {type: share, default: 3}}\ndrop: {a: words < a}", "no share"),
        ("options: {a: null}\ndrop: {a: words < a}", "no type"),
        ("dropp: {a: words < 3}", "unknown key 'dropp'"),
        ("- 3", "must be a mapping"),
        ("a: [", "no YAML"),
    ],
)
def test_a_rule_set_that_cannot_be_understood_is_refused_with_a_hint(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        find_rule_set(path)


def test_a_missing_or_undecodable_rule_set_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="there is no rule set"):
        find_rule_set(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"help: \xe9")
    with pytest.raises(InputError, match="cannot read"):
        find_rule_set(tmp_path / "latin.yaml")


def test_code_drops_what_its_options_say():
    rules = plugins.parse("rules", {"code": {"when": "any"}})
    assert isinstance(rules, RuleSet)
    from modelwright.prepare.signals.counts import Counts

    bodies = ["x = 1\n" * 30, "# autogenerated\nx = 1\n", "y = '" + "a b" * 600 + "'\n", "{}, [],\n" * 50]
    batch = pa.RecordBatch.from_pydict({"text": pa.array([*bodies, "k = '" + "QUJD" * 300 + "'"], pa.large_string())})
    result = decide(pa.Table.from_batches([Counts().measure(batch)]), rules.predicates())
    assert result["signal"].to_pylist() == [
        "alphabetic_share", "generated_markers", "longest_line", "alphanumeric_share", "longest_line",
    ]  # fmt: skip
