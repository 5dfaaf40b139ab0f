"""Shares of the training tokens: reached to within a document, the same bytes each time, never above a cap."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pile import MACHINE, Made, context, published, reader

from modelwright.core.context import Artifact, Output
from modelwright.core.errors import EmptyResult, UnknownName, UsageError
from modelwright.formats.tokens import MIX, Tokens
from modelwright.prepare import tokens as module
from modelwright.prepare.mixing import Mix, Mixed, mixed, rows_of
from modelwright.prepare.settings import PrepareSettings, Tokenizer, TokensSettings

MADE = [
    *(Made("a", f"{n:02d}.txt", f"alpha {n} runs about the town. " * (5 + n)) for n in range(12)),
    *(Made("b", f"{n:02d}.txt", f"beta {n} stays quietly at home. " * (3 + 2 * n)) for n in range(8)),
    *(Made("c", f"{n:02d}.txt", f"gamma {n} sleeps. " * 9) for n in range(4)),
    Made("a", "held.txt", "held out of everything", split="held_out"),
]


@dataclass(frozen=True)
class Tables:
    """A pile's tables in memory, as a reader gives them."""

    rows: pa.Table

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        known = self.rows if name == "documents" else self.rows.select(["document"])
        return known if columns is None else known.select([one for one in columns if one in known.column_names])


def pile_of(groups: list[str | None], weights: list[float | None] | None = None) -> pa.Table:
    digests = [hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(len(groups))]
    columns: dict[str, Any] = {"document": digests[::-1], "digest": digests, "source": pa.array(groups, pa.string())}
    return pa.table({**columns, "weight": pa.array(weights or [None] * len(groups), pa.float64())})


def mix_of(table: pa.Table, sizes: list[int], **options: Any) -> Mixed:
    return mixed(Tables(table), table, np.array(sizes, np.int64), Mix.model_validate(options))


DOCUMENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 400)), min_size=3, max_size=40).filter(
    lambda rows: {group for group, _ in rows} == set("abc")
)


@given(DOCUMENTS, st.lists(st.floats(0.01, 50), min_size=3, max_size=3), st.integers(1, 30_000))
def test_shares_and_budget_are_reached_to_within_one_document(
    rows: list[tuple[str, int]], weights: list[float], budget: int
) -> None:
    groups, tokens = [row[0] for row in rows], [row[1] for row in rows]
    try:
        made = mix_of(
            pile_of(groups), tokens, by="source", weights=dict(zip("abc", weights, strict=True)), tokens=budget
        )
    except EmptyResult:
        assert budget < max(tokens) * 3
        return
    for name, weight in zip("abc", weights, strict=True):
        largest = max(size for group, size in rows if group == name)
        assert abs(made.facts["groups"][name]["tokens"] - budget * weight / sum(weights)) <= largest
        copies = made.copies[[group == name for group in groups]]
        assert copies.max() - copies.min() <= 1


@given(DOCUMENTS)
def test_weights_equal_to_the_natural_sizes_change_nothing(rows: list[tuple[str, int]]) -> None:
    groups, tokens = [row[0] for row in rows], [row[1] for row in rows]
    sizes = {name: sum(size for group, size in rows if group == name) for name in "abc"}
    for options in (
        {"weights": sizes}, {"weights": {name: size / 7 for name, size in sizes.items()}}, {"temperature": 1},
        {"temperature": 1.0, "max_epochs": 1}, {"max_epochs": 3.5}, {"weight": "weight"},
    ):  # fmt: skip
        assert mix_of(pile_of(groups), tokens, by="source", **options).copies.tolist() == [1] * len(rows)


@given(DOCUMENTS, st.floats(0.1, 6), st.integers(1, 100_000), st.floats(0, 2))
def test_no_group_and_no_document_is_there_more_often_than_its_cap(
    rows: list[tuple[str, int]], cap: float, budget: int, temperature: float
) -> None:
    groups, tokens = [row[0] for row in rows], [row[1] for row in rows]
    weights = [float(size % 5) for size in tokens]
    if not any(weights):
        return
    options = {"by": "source", "temperature": temperature, "max_epochs": cap, "tokens": budget, "weight": "weight"}
    try:
        made = mix_of(pile_of(groups, weights), tokens, **options)
    except EmptyResult:
        return
    assert made.copies.max() <= np.ceil(cap)
    for name, group in made.facts["groups"].items():
        largest = max(size for one, size in rows if one == name)
        # A cap within 1e-9 of a whole number is that number: 1.9999999999999991 epochs are two.
        assert group["tokens"] <= (cap + 1e-9) * group["tokens_before"] + (0 if group["capped"] else largest)
    assert not made.copies[np.array(weights) == 0].any()


def test_what_a_capped_group_lacks_goes_to_the_others() -> None:
    table = pile_of(["small"] * 10 + ["large"] * 90)
    made = mix_of(table, [10] * 100, by="source", weights={"small": 1, "large": 1}, max_epochs=2)
    assert {name: (one["tokens"], one["capped"]) for name, one in made.facts["groups"].items()} == {
        "small": (200, True), "large": (800, False)
    }  # fmt: skip
    assert made.facts["groups"]["small"]["epochs"] == 2


def test_a_temperature_lies_between_the_natural_sizes_and_equal_shares() -> None:
    table, tokens = pile_of(["a"] * 100 + ["b"] * 400), [10] * 500
    shares = {
        power: mix_of(table, tokens, by="source", temperature=power).facts["groups"]["a"]["share"]
        for power in (0, 0.5, 1)
    }
    assert shares == pytest.approx({0: 0.5, 0.5: 1 / 3, 1: 0.2}, abs=0.01)


def test_a_weight_of_each_document_repeats_it_and_its_absence_counts_as_one() -> None:
    table = pile_of(["a"] * 5, [3, 0, None, 1, float("nan")])
    assert mix_of(table, [7] * 5, weight="weight").copies.tolist() == [3, 0, 1, 1, 1]
    with pytest.raises(UsageError, match="holds -1"):
        mix_of(pile_of(["a"] * 2, [1, -1]), [7] * 2, weight="weight")
    with pytest.raises(UsageError, match="not a number"):
        mix_of(table, [7] * 5, weight="source")


def test_a_little_more_of_a_group_adds_documents_and_removes_none() -> None:
    table, tokens = pile_of(["a"] * 200), list(range(1, 201))
    before = mix_of(table, tokens, tokens=5_000).copies
    after = mix_of(table, tokens, tokens=5_500).copies
    assert (after >= before).all()
    assert after.sum() > before.sum()


def test_groups_must_be_named_as_they_are() -> None:
    table, tokens = pile_of(["a", "b", "c", None]), [5] * 4
    with pytest.raises(UnknownName, match="'bb'"):
        mix_of(table, tokens, by="source", weights={"a": 1, "bb": 1, "other": 1})
    with pytest.raises(UsageError, match="says nothing of source b, c, unknown") as caught:
        mix_of(table, tokens, by="source", weights={"a": 1})
    assert "other: 0" in caught.value.hint
    assert mix_of(table, tokens, by="source", weights={"a": 1, "other": 0}).copies.tolist() == [4, 0, 0, 0]
    with pytest.raises(UnknownName, match="'sauce'"):
        mix_of(table, tokens, by="sauce", temperature=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"a": 1}}, "of which groups"),
        ({"by": "source", "weights": {"a": 1}, "temperature": 1}, "keep one|both"),
        ({"by": "source", "weights": {"a": -1}}, "numbers from 0"),
        ({"by": "source", "weights": {"a": 0}}, "numbers from 0"),
    ],
)
def test_a_mix_that_contradicts_itself_is_refused_when_the_project_is_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises((UsageError, ValueError), match=said):
        PrepareSettings.model_validate({"sources": [{"files": {"path": "x", "name": "a"}}], "mix": options})


def test_a_source_that_the_project_does_not_have_is_refused_when_the_project_is_read() -> None:
    sources = [{"files": {"path": "x", "name": "open"}}, {"files": {"path": "y", "name": "ours"}}]
    with pytest.raises(UnknownName, match="'opne'") as told:
        PrepareSettings.model_validate({"sources": sources, "mix": {"by": "source", "weights": {"opne": 1, "ours": 2}}})
    assert "did you mean open" in told.value.hint


def test_copies_of_a_text_lie_far_apart_within_their_source() -> None:
    sources = pa.chunked_array([["a", "a", "a", "b"]])
    assert rows_of(np.array([2, 0, 3, 1]), sources).tolist() == [0, 2, 0, 2, 2, 3]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    published(folder, MADE)
    return folder


def run(home: Path, version: int, mix: dict[str, Any] | None) -> Output:
    settings = TokensSettings(tokenizer=Tokenizer(vocabulary=300), mix=None if mix is None else Mix.model_validate(mix))
    pile = Artifact("pile", 1, "", "", home / "pile" / "1")
    return module.run(settings, {"pile": pile}, context(home, version, "tokens"))


def test_the_shards_hold_the_copies_and_each_step_still_names_its_documents(home: Path) -> None:
    from modelwright.train.order import Order

    natural = run(home, 1, None)
    wanted = {"by": "source", "weights": {"a": 1, "b": 1, "c": 2}}
    made = run(home, 2, wanted)
    plain, tokens = Tokens.open(home / "tokens" / "1"), Tokens.open(home / "tokens" / "2")
    rows = tokens.documents()
    starts = np.concatenate([[0], tokens.ends[:-1]]).astype(int)
    texts = {}
    begin = 0
    for row, end in zip(plain.documents()["document"].to_pylist(), plain.ends.tolist(), strict=True):
        texts[row], begin = plain.tokens[begin:end].tolist(), end
    for row, start, end in zip(rows["document"].to_pylist(), starts, tokens.ends.tolist(), strict=True):
        assert tokens.tokens[start:end].tolist() == texts[row]
    facts = made.facts["mix"]
    assert facts["tokens_before"] == natural.facts["tokens"]
    assert made.facts["tokens"] == facts["tokens"] == len(tokens.tokens)
    assert {name: one["share"] for name, one in facts["groups"].items()} == pytest.approx(
        {"a": 0.25, "b": 0.25, "c": 0.5}, abs=0.05
    )
    assert list(tokens.source_ranges()) == ["a", "b", "c"]
    assert max(Counter(rows["document"].to_pylist()).values()) == facts["most_copies"] > 1
    assert "held.txt" not in rows["origin"].to_pylist()
    order = Order(tokens.source_ranges(), 32, 4, 1)
    last = -(-order.windows // 4)
    seen = {int(row) for step in range(last) for row in order.documents_of_step(step, tokens.ends)}
    assert seen == set(range(rows.num_rows))


def test_the_same_mix_gives_the_same_bytes_from_nothing_from_earlier_tokens_and_after_a_stop(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"by": "source", "temperature": 0.3, "max_epochs": 2, "tokens": "2k"}
    published(tmp_path, MADE)
    alone = run(tmp_path, 1, wanted)
    assert alone.facts["encoded_before"] == 0
    run(home, 1, None)
    after = run(home, 3, wanted)
    assert after.facts["encoded_before"] == 24
    files = [(tmp_path / "tokens" / "1"), (home / "tokens" / "3")]
    for name in ("shard-00000.bin", "ends.bin", "documents.parquet", MIX):
        assert (files[0] / name).read_bytes() == (files[1] / name).read_bytes()

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    again = tmp_path / "again"
    published(again, MADE)
    with monkeypatch.context() as patch:
        patch.setattr("modelwright.prepare.encode._merge", die)
        with pytest.raises(KeyboardInterrupt):
            run(again, 1, wanted)
    assert run(again, 1, wanted).digest == alone.digest == after.digest


def test_a_mix_of_the_natural_sizes_has_the_digest_of_no_mix(home: Path) -> None:
    assert run(home, 1, None).digest == run(home, 4, {"by": "source", "temperature": 1}).digest


def test_the_plan_tells_the_shares_that_are_to_be_expected(home: Path) -> None:
    mix = {"by": "source", "weights": {"a": 1, "other": 3}}
    settings = TokensSettings(tokenizer=Tokenizer(vocabulary=300), mix=Mix.model_validate(mix))
    details = module.estimate(settings, {"pile": Artifact("pile", 1, "", "", home / "pile" / "1")}, MACHINE).details
    assert details["shares"] == pytest.approx({"a": 0.25, "other": 0.75}, abs=0.06)
    assert reader(home).record.counts["train"] == 24
