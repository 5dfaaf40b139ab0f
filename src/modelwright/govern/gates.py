"""Gates: a condition on what was measured, with four verdicts. Neither inconclusive nor not applicable is pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from modelwright.core.spec import Options, parse_share
from modelwright.measure.statistics import Interval, items_to_decide

Bound = Annotated[float, BeforeValidator(parse_share)]
"""A number; `5 %` is understood."""


class GateSettings(Options):
    """A condition that a pile, model, tuned model or release must meet, or the approvals that it waits for."""

    name: str | None = Field(None, description="name for `approve --gate`; default: what it is on and what it looks at")
    on: Literal["pile", "model", "tuned", "release"] = Field("release", description="what the condition is about")
    metric: str | None = Field(None, description="a score, such as `bits_per_byte` or `bits_per_byte.by_source.ours`")
    fact: str | None = Field(None, description="a recorded fact, such as `licence.unknown_share`")
    at_most: Bound | None = Field(None, description="upper bound, itself allowed")
    at_least: Bound | None = Field(None, description="lower bound, itself allowed")
    approve: int | None = Field(None, ge=1, description="number of signed approvals to wait for")
    inconclusive: Literal["block", "allow"] = Field(
        "block", description="`allow`: an inconclusive verdict makes an experimental release instead of none"
    )

    @property
    def label(self) -> str:
        """How the gate is called on cards and in commands."""
        return self.name or f"{self.on}.{self.metric or self.fact or 'approve'}"

    @model_validator(mode="after")
    def _one_condition(self) -> GateSettings:
        if sum(value is not None for value in (self.metric, self.fact, self.approve)) != 1:
            raise ValueError("a gate looks at one of `metric`, `fact` and `approve`")
        bounded = self.at_most is not None or self.at_least is not None
        if bounded == (self.approve is not None):
            raise ValueError("a gate on a metric or fact needs `at_most` or `at_least`; one with `approve` has neither")
        if self.at_most is not None and self.at_least is not None and self.at_most < self.at_least:
            raise ValueError(f"nothing is at most {self.at_most:g} and at least {self.at_least:g}")
        return self


@dataclass(frozen=True)
class Verdict:
    """What a gate says of what was measured. `needed_items`: how many more would decide an inconclusive one, None
    where no number is known to."""

    verdict: Literal["pass", "fail", "inconclusive", "not_applicable"]
    value: float | None
    low: float | None
    high: float | None
    items: int | None
    needed_items: int | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(gate: GateSettings, measured: Mapping[str, Any]) -> Verdict:
    """The verdict of a gate on the facts of an artifact; a metric is looked up below `metrics`.

    With an interval: pass when the whole of it meets the bounds, fail when none of it does, else inconclusive. A plain
    number is compared. What was not measured, or is no number, is not applicable. Raises ValueError for a gate that
    waits for approvals: it has nothing to judge.
    """
    name = gate.metric or gate.fact
    if name is None:
        raise ValueError(f"gate {gate.label} waits for approvals")
    places: list[Any] = [measured.get("metrics", {}), measured] if gate.metric else [measured]
    found = next((value for value in (lookup(place, name) for place in places) if value is not None), None)
    if found is None:
        return Verdict("not_applicable", None, None, None, None, None, f"nothing measured {name} here")
    if isinstance(found, Mapping):
        return _judge_interval(gate, name, found)
    if isinstance(found, (str, list, tuple)):
        return Verdict("not_applicable", None, None, None, None, None, f"{name} is no number: {found!r}")
    value = float(found)
    reason = f"{name} is {value:.6g}; {_bounds(gate)} was asked"
    return Verdict("pass" if _meets(gate, value) else "fail", value, None, None, None, None, reason)


def _judge_interval(gate: GateSettings, name: str, found: Mapping[str, Any]) -> Verdict:
    if "value" not in found:
        inner = ", ".join(sorted(map(str, found))[:8])
        return Verdict("not_applicable", None, None, None, None, None, f"{name} is no number; it has {inner}")
    value, low, high = (found.get(key) for key in ("value", "low", "high"))
    items = int(found.get("items") or 0)
    if value is None or low is None or high is None:
        reason = f"{name} was measured on {items} items: too few for an interval"
        return Verdict("inconclusive", value, low, high, items, None, reason)
    interval = Interval(float(value), float(low), float(high), items)
    said = f"{name} is {value:.4g} [{low:.4g}, {high:.4g}] over {items} items"
    ends = (_meets(gate, interval.low), _meets(gate, interval.high))
    if all(ends):
        return Verdict("pass", value, low, high, items, 0, f"{said}: all of it {_bounds(gate)}")
    if _misses(gate, interval):
        return Verdict("fail", value, low, high, items, 0, f"{said}: none of it {_bounds(gate)}")
    needed = _needed(gate, interval)
    cure = f"needs {needed:,} more items" if needed else "no number of items is known to decide it"
    return Verdict("inconclusive", value, low, high, items, needed, f"{said}: part of it {_bounds(gate)}; {cure}")


def _meets(gate: GateSettings, value: float | None) -> bool:
    """NaN meets nothing."""
    if value is None or math.isnan(value):
        return False
    return (gate.at_most is None or value <= gate.at_most) and (gate.at_least is None or value >= gate.at_least)


def _misses(gate: GateSettings, interval: Interval) -> bool:
    """True when no point of the interval meets the bounds."""
    low, high = interval.low, interval.high
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return True
    return (gate.at_most is not None and low > gate.at_most) or (gate.at_least is not None and high < gate.at_least)


def _needed(gate: GateSettings, interval: Interval) -> int | None:
    needed = [items_to_decide(interval, bound) for bound in (gate.at_most, gate.at_least) if bound is not None]
    return None if None in needed else max(number for number in needed if number is not None)


def _bounds(gate: GateSettings) -> str:
    parts = [
        f"{word} {bound:g}"
        for word, bound in (("at least", gate.at_least), ("at most", gate.at_most))
        if bound is not None
    ]
    return " and ".join(parts)


def lookup(facts: Any, name: str) -> Any:
    """The fact of a dotted name in nested mappings; keys that hold dots themselves are found too. None when absent."""
    if not isinstance(facts, Mapping):
        return None
    if name in facts:
        return facts[name]
    for key, inner in facts.items():
        if name.startswith(f"{key}."):
            found = lookup(inner, name[len(str(key)) + 1 :])
            if found is not None:
                return found
    return None
