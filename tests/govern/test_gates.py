"""Gates say pass only when the whole interval passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modelwright.govern.gates import GateSettings, judge
from modelwright.measure.statistics import wilson


def at_most(bound: Any, **more: Any) -> GateSettings:
    return GateSettings(**{"on": "model", "metric": "m", "at_most": bound, **more})


def interval(low: float, value: float, high: float, items: int = 50) -> dict[str, Any]:
    return {"metrics": {"m": {"value": value, "low": low, "high": high, "items": items}}}


def test_the_whole_interval_must_meet_the_bound_to_pass() -> None:
    assert judge(at_most(2.0), interval(1.0, 1.5, 2.0)).verdict == "pass"
    assert judge(at_most(2.0), interval(2.1, 2.5, 3.0)).verdict == "fail"
    verdict = judge(at_most(2.0), interval(1.0, 1.5, 2.5))
    assert verdict.verdict == "inconclusive"
    assert verdict.needed_items == 150
    assert "needs 150 more items" in verdict.reason


def test_a_lower_bound_and_both_bounds_are_judged_alike() -> None:
    gate = GateSettings(on="tuned", metric="m", at_least=0.0)
    assert judge(gate, interval(0.0, 0.1, 0.2)).verdict == "pass"
    assert judge(gate, interval(-0.3, -0.2, -0.1)).verdict == "fail"
    assert judge(gate, interval(-0.1, 0.1, 0.2)).verdict == "inconclusive"
    both = GateSettings(on="tuned", metric="m", at_least=0.0, at_most=1.0)
    assert judge(both, interval(0.1, 0.5, 0.9)).verdict == "pass"
    assert judge(both, interval(1.1, 1.5, 1.9)).verdict == "fail"
    assert judge(both, interval(-0.1, 0.5, 1.1)).verdict == "inconclusive"


def test_none_of_sixty_does_not_show_less_than_five_percent() -> None:
    measured = {"metrics": {"m": wilson(0, 60).to_json()}}
    assert judge(at_most(0.05), measured).verdict == "inconclusive"
    assert judge(at_most("7 %"), measured).verdict == "pass"


def test_a_plain_fact_is_compared() -> None:
    gate = GateSettings(on="pile", fact="licence.unknown_share", at_most=0.05)
    assert judge(gate, {"licence": {"unknown_share": 0.05}}).verdict == "pass"
    assert judge(gate, {"licence": {"unknown_share": 0.06}}).verdict == "fail"
    assert judge(gate, {"licence.unknown_share": 0.01}).verdict == "pass"
    assert judge(gate, {"licence": {"unknown_share": float("nan")}}).verdict == "fail"


@pytest.mark.parametrize(
    "facts",
    [{}, {"licence": 3}, *({"licence": inner} for inner in ({}, *({"unknown_share": x} for x in (None, "many", {}))))],
)
def test_what_was_not_measured_as_a_number_is_not_applicable_and_that_is_no_pass(facts: dict[str, Any]) -> None:
    gate = GateSettings(on="pile", fact="licence.unknown_share", at_most=0.05)
    verdict = judge(gate, facts)
    assert verdict.verdict == "not_applicable"
    assert verdict.value is None


def test_too_few_items_are_inconclusive() -> None:
    measured = {"metrics": {"m": {"value": 1.0, "low": None, "high": None, "items": 1}}}
    assert judge(at_most(2.0), measured).verdict == "inconclusive"
    measured = {"metrics": {"m": {"value": None, "low": None, "high": None, "items": 0}}}
    assert judge(at_most(2.0), measured).verdict == "inconclusive"


def test_a_slice_is_found_by_its_dotted_name_even_when_a_source_holds_a_dot() -> None:
    gate = GateSettings(on="model", metric="m.by_source.docs.v2", at_most=2.0)
    inner = interval(1.0, 1.5, 1.9)["metrics"]["m"]
    assert judge(gate, {"metrics": {"m": {"value": 9.0, "by_source": {"docs.v2": inner}}}}).verdict == "pass"


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.integers(2, 1000), st.floats(-1, 1))
def test_an_inconclusive_verdict_is_decided_by_the_items_that_it_asks_for(
    value: float, below: float, above: float, items: int, bound: float
) -> None:
    verdict = judge(at_most(bound), interval(value - below, value, value + above, items))
    assert (verdict.verdict == "pass") == (value + above <= bound)
    assert (verdict.verdict == "fail") == (value - below > bound)
    if verdict.verdict == "inconclusive" and verdict.needed_items and abs(value - bound) > 1e-3:
        narrower = (items / (items + verdict.needed_items)) ** 0.5 * (1 - 1e-9)
        again = interval(value - below * narrower, value, value + above * narrower)
        assert judge(at_most(bound), again).verdict in ("pass", "fail")


@pytest.mark.parametrize(
    "values",
    [{"metric": "m"}, {"at_most": 1}, {"metric": "m", "fact": "f", "at_most": 1}, {"approve": 1, "at_most": 1},
     {"metric": "m", "at_most": 0, "at_least": 1}, {"approve": 0}, {"metric": "m", "at_most": 1, "on": "moon"}],
)  # fmt: skip
def test_a_gate_without_one_clear_condition_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GateSettings(**values)


def test_a_gate_that_waits_for_approvals_is_not_judged() -> None:
    gate = GateSettings(on="release", approve=2)
    assert gate.label == "release.approve"
    with pytest.raises(ValueError, match="approvals"):
        judge(gate, {})
