from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.spec import Budget, BudgetText, Options, Secret, Share, Size, parse_budget, validated


class Inner(Options):
    minimum_words: int = 50


class Outer(Options):
    share: Share = 0.01
    size: Size = 1
    budget: BudgetText = Budget(amount=1, unit="steps")
    key: Secret | None = None
    inner: Inner = Field(default_factory=Inner)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("3 min", 180, "seconds"),
        ("2 h", 7200, "seconds"),
        ("300 steps", 300, "steps"),
        ("50M tokens", 50e6, "tokens"),
        ("$2", 2, "dollars"),
        ("0.5 kWh", 0.5, "kwh"),
    ],
)
def test_a_budget_is_understood_as_the_design_writes_it(text: str, amount: float, unit: str) -> None:
    assert parse_budget(text) == Budget(amount=amount, unit=unit)


def test_an_unknown_budget_names_the_forms_that_are_understood() -> None:
    with pytest.raises(UsageError, match="write `3 min`"):
        validated(Outer, {"budget": "3 parsecs"}, "train")


def test_shares_and_sizes_read_like_people_write_them() -> None:
    parsed = validated(Outer, {"share": "20 %", "size": "3M"}, "")
    assert (parsed.share, parsed.size) == (0.2, 3_000_000)


def test_an_unknown_key_is_answered_with_the_nearest_one_at_its_place() -> None:
    with pytest.raises(UnknownName, match=r"minimum_word.*inner") as caught:
        validated(Outer, {"inner": {"minimum_word": 3}}, "prepare")
    assert "minimum_words" in caught.value.hint


def test_a_misspelt_key_is_told_before_the_key_that_is_missing_because_of_it() -> None:
    class Required(Options):
        sources: tuple[str, ...]

    with pytest.raises(UnknownName, match="sorces") as caught:
        validated(Required, {"sorces": ["a"]}, "prepare")
    assert "sources" in caught.value.hint
    with pytest.raises(UsageError, match="sources is missing"):
        validated(Required, {}, "prepare")


def test_keys_are_told_of_a_place_that_is_written_otherwise_than_it_is_called() -> None:
    class Aliased(Options):
        inner_settings: Inner = Field(default_factory=Inner, alias="inner")

    with pytest.raises(UnknownName, match="champion") as caught:
        validated(Aliased, {"inner": {"champion": 3}}, "")
    assert "minimum_words" in caught.value.hint


def test_a_secret_prints_as_its_name_everywhere() -> None:
    value = Outer(key=Secret("TOKEN", "hunter2"))
    assert "hunter2" not in repr(value) + str(value) + value.model_dump_json() + json.dumps(str(value.model_dump()))
    assert value.key is not None
    assert value.key.reveal() == "hunter2"


def test_a_secret_written_as_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="never as text"):
        Outer.model_validate({"key": "hunter2"})


@given(st.floats(min_value=0.001, max_value=1e9), st.sampled_from(["steps", "tokens", "seconds", "kWh"]))
def test_every_budget_that_can_be_printed_can_be_read_again(amount: float, unit: str) -> None:
    parsed = parse_budget(f"{amount:.6f} {unit}")
    assert isinstance(parsed, Budget)
    assert parsed.amount == pytest.approx(amount, rel=1e-3, abs=1e-6)
