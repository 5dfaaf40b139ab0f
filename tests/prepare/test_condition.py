"""Conditions of a user's rules: what they mean, what is refused, and what nothing can meet."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import fingerprint
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.identity import identity
from modelwright.prepare import condition
from modelwright.prepare.rule import decide, find_rule_set, marks

TABLE = {
    "digest": [f"{row:064x}" for row in (5, 4, 3, 2, 1, 0)],
    "words": pa.array([10, 25, 60, 40, None, 25], pa.int64()),
    "lines": pa.array([1, 0, 3, 4, 5, 6], pa.int64()),
    "language": ["en", "de", None, "fr", "en", "en"],
    "path": ["src/a.py", "test/b.py", None, "src/test.py", "docs/x", ""],
    "kind": ["prose", "prose", "prose", "code", "prose", "prose"],
}


def rules(tmp_path: Path, text: str, **options: object):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return find_rule_set(path, options)


def dropped(tmp_path: Path, text: str, **options: object) -> list[int]:
    found = decide(pa.table(TABLE), rules(tmp_path, text, **options).predicates())
    return [row for row, decision in enumerate(found["decision"].to_pylist()) if decision == "dropped"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("20 <= words < 50", [1, 3, 5]),
        ("words < 30 and language == 'en'", [0, 5]),
        ("words < 20 or language in [fr, de]", [0, 1, 3]),
        ("not (words < 30)", [2, 3]),
        ("not language in [en]", [1, 3]),
        ("language not in [en] and words > 1", [1, 3]),
        ("(words + lines) * 2 > 80 or (lines == 0 and words > 1)", [1, 2, 3]),
        ('path matches "^(src|test)/" and not path matches "test"', [0]),
        ("words < quantile(0.5)", [0]),
        ("words / lines > 20 and words > 0", []),
        ("words != 25 and lines > 0", [0, 2, 3]),
        ("words - lines < 0", []),
    ],
)
def test_conditions_mean_what_they_say(tmp_path, text, rows):
    assert dropped(tmp_path, f"drop:\n  a: {text}\n") == rows


def test_a_quantile_is_over_the_documents_that_the_rule_applies_to(tmp_path):
    prose = [10, 25, 60, 25]
    found = dropped(tmp_path, "when: {kind: [prose]}\ndrop: {a: words <= quantile(25 %)}")
    assert found == [row for row in (0, 1, 2, 5) if TABLE["words"][row].as_py() <= np.quantile(prose, 0.25)]


ATOMS = ["a < 1", "b >= a", "a == 2", "b != 1", "a + b > 2"]


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
            inner.map(lambda text: f"not ({text})"),
        ),
        max_leaves=6,
    ),
    st.lists(st.tuples(*[st.sampled_from([None, 0.0, 1.0, 2.0, math.nan])] * 2), min_size=1, max_size=6),
)
def test_and_or_and_not_are_those_of_python_where_all_is_known_and_never_fire_where_it_is_not(text, rows):
    tree = condition.parse(text)
    assert condition.parse(condition.show(tree)) == tree or "not" in text or "and" in text or "or" in text
    columns = {
        name: np.array([math.nan if v is None else v for v in vs])
        for name, vs in zip("ab", zip(*rows, strict=True), strict=True)
    }
    values = condition.Values(len(rows), columns.__getitem__, columns.__getitem__, np.ones(len(rows), bool))
    true, known = condition.holds(tree, values)
    again, _ = condition.holds(condition.folded(condition.parse(condition.show(tree))), values)
    assert (true == again).all()
    assert not (true & ~known).any()
    for row, (a, b) in enumerate(rows):
        if a is not None and b is not None and not math.isnan(a + b):
            assert known[row]
            assert true[row] == eval(text, {}, {"a": a, "b": b})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words < 0", "nothing can meet"),
        ("50 <= words < 20", "nothing can meet"),
        ("words > 10 and words < 10", "nothing can meet"),
        ("language_confidence > 1.5", "nothing can meet"),
        ("words < 0 or lines < 0", "nothing can meet"),
        ("words <", "cannot be read|no condition"),
        ("words < 3 and", "ends too early"),
        ("words < quantile(7)", "quantile"),
        ("words < 3 and 'a'", "cannot be read"),
    ],
)
def test_what_cannot_be_or_cannot_be_read_is_refused_before_anything_runs(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        rules(tmp_path, f"drop:\n  a: {text}\n")


def test_limits_that_cross_drop_everything_and_are_refused(tmp_path):
    with pytest.raises(UsageError, match="drops every document"):
        rules(tmp_path, "drop: {size: [words < 50, words > 20]}")


@pytest.mark.parametrize(
    "text", ['path matches "(a)\\1"', 'path matches "("', "path matches language", "words < 3 and language < 'en'"]
)
def test_what_cannot_be_compared_is_refused_at_plan_time(tmp_path, text):
    found = rules(tmp_path, f"drop:\n  a: {text}\n")
    with pytest.raises(UsageError):
        found.predicates()[0].check(list(TABLE))


def test_an_unknown_signal_in_a_condition_is_named_with_the_nearest_one(tmp_path):
    with pytest.raises(UnknownName) as caught:
        rules(tmp_path, "drop: {a: word < 3 and lines > 2}").predicates()[0].check(list(TABLE))
    assert "words" in caught.value.hint


def test_the_share_with_the_highest_values_stays_and_the_digest_decides_between_equals(tmp_path):
    assert dropped(tmp_path, "keep: {best: {share: 50 %, by: words}}") == [0, 1]
    assert dropped(tmp_path, "keep: {best: {share: 100 %, by: words}}") == []
    assert dropped(tmp_path, "drop: {a: words > 50}\nkeep: {best: {share: 50 %, by: words}}") == [0, 1, 2]
    assert dropped(
        tmp_path, "options: {best: {type: share, default: 20 %}}\nkeep: {b: {share: best, by: words / lines}}"
    ) == [0, 3, 5]


def test_flags_and_weights_stand_beside_the_decision(tmp_path):
    one = rules(
        tmp_path,
        "flag: {long: words > 30, english: language == 'en'}\nweight: {german: {if: language == 'de', weight: 2.5}}",
    )
    assert one.predicates() == ()
    flags, weight = marks(pa.table(TABLE), [one, rules(tmp_path, "weight: {few: {if: lines < 1, weight: 2}}")])
    assert flags.to_pylist() == ["mine.english", None, "mine.long", "mine.long", "mine.english", "mine.english"]
    assert weight.to_pylist() == [1.0, 5.0, 1.0, 1.0, 1.0, 1.0]
    assert set(one.signals()) == {"words", "language"}


def test_edits_name_a_signal_and_an_option_switches_them(tmp_path):
    text = "options: {cut: true}\nedit: {c4_lines: [{if: cut, kinds: [policy]}, {if: not cut, style: mask}]}"
    (on,), (off,) = rules(tmp_path, text).edits(), rules(tmp_path, text, cut=False).edits()
    assert (on.signal, on.kinds, on.style) == ("c4_lines", ("policy",), "remove")
    assert (off.kinds, off.style) == ((), "mask")
    with pytest.raises(UnknownName, match="remov"):
        rules(tmp_path, "edit: {c4_lines: remov}")


def test_an_option_that_is_off_takes_its_condition_away(tmp_path):
    text = "options: {strict: false, least: 30}\ndrop:\n  a: strict and words < least\n"
    assert rules(tmp_path, text).predicates() == ()
    (predicate,) = rules(tmp_path, text, strict=True).predicates()
    assert (predicate.expression, predicate.comparison, predicate.threshold) == ("words", "<", 30.0)


def test_every_section_is_part_of_identity(tmp_path):
    texts = [
        "drop: {a: words < 3}", "drop: {a: words < 3 or lines < 2}", "drop: {a: words < 3 or lines < 3}",
        "flag: {a: words < 3}", "keep: {a: {share: 50 %, by: words}}", "keep: {a: {share: 51 %, by: words}}",
        "weight: {a: {if: words < 3, weight: 2}}", "weight: {a: {if: words < 3, weight: 3}}",
        "edit: {c4_lines: remove}", "edit: {c4_lines: mask}",
    ]  # fmt: skip
    assert len({fingerprint.digest(identity(rules(tmp_path, text))) for text in texts}) == len(texts)
