"""What `rules show` says about a real version: who drops what, which rule is redundant, examples without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import UnknownName, UsageError
from modelwright.engines.pile_reader import open_pile
from modelwright.prepare.rule import Predicate, decide
from modelwright.prepare.settings import PileSettings
from modelwright.prepare.show import Tried, effects, fires, known, rules_show
from tests.prepare import piles

ADDRESS = "jane.doe@example-mail.org"
SHORT = """
help: Short texts, three times over.
drop:
  few: words < 20
  fewer: words < 10
"""
SOURCE = """
help: Texts of one source.
drop: {licensed: licence == "CC0-1.0"}
"""


def words(count: int, salt: int = 0) -> str:
    return " ".join(f"word{salt}x{number}" for number in range(count))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rules")
    rows = [{"text": f"Write to {ADDRESS} {words(count, count)}", "id": f"n{count}"} for count in range(1, 41)]
    rows.append({"text": words(50), "id": "free", "licence": "CC0-1.0"})
    (folder / "in.jsonl").write_bytes(piles.lines([*rows, b"not json"]))
    for name, text in (("brief", SHORT), ("tiny", SHORT.replace("20", "5").replace("10", "4")), ("free", SOURCE)):
        (folder / f"{name}.yaml").write_text(text)
    settings = {
        "sources": [{"jsonl": {"path": "in.jsonl", "id": "id", "licence": {"field": "licence"}}}],
        "rules": [str(folder / f"{name}.yaml") for name in ("tiny", "brief", "free")],
        "redact": {"kinds": ["email"]},
        "holdout": "10 %",
    }
    piles.run(folder, settings)
    return folder, settings


def shown(project: tuple[Path, dict[str, Any]], **more: Any) -> dict[str, Any]:
    folder, settings = project
    made = piles.context(folder)
    reader = open_pile(made.home, made.out)
    return rules_show(PileSettings.model_validate(settings), reader, piles.context(folder, 2), **more)


def test_each_rule_says_what_it_drops_alone_first_and_only_and_which_is_redundant(
    project: tuple[Path, dict[str, Any]],
) -> None:
    data = shown(project)
    tiny, brief, free = data["rules"]
    assert [item["rule"] for item in data["rules"]] == ["tiny", "brief", "free"]
    assert tiny["alone"]["documents"] == tiny["first"]["documents"] < brief["alone"]["documents"]
    assert brief["first"]["documents"] == brief["alone"]["documents"] - tiny["alone"]["documents"]
    assert brief["only"]["documents"] == brief["first"]["documents"]
    assert (tiny["only"]["documents"], tiny["redundant"], brief["redundant"]) == (0, True, False)
    assert tiny["shared_with"] == {"name": "brief", "documents": tiny["alone"]["documents"]}
    assert free["alone"]["documents"] == free["only"]["documents"] == 1
    assert free["shared_with"] is None
    assert data["dropped"]["documents"] == brief["alone"]["documents"] + 1
    assert (data["differs"], data["gone"]) == (0, [])
    few, fewer = brief["predicates"]
    assert (few["predicate"], few["condition"], fewer["redundant"]) == ("few", "words < 20", True)


def test_examples_lie_near_the_threshold_on_both_sides_and_hold_no_address(
    project: tuple[Path, dict[str, Any]],
) -> None:
    data = shown(project, rule="brief")
    (brief,) = data["rules"]
    sides = {side: [row for row in brief["examples"] if row["side"] == side] for side in ("kept", "dropped")}
    assert len(sides["kept"]) == len(sides["dropped"]) == 10
    assert all(row["value"] >= 20 for row in sides["kept"])
    assert all(row["value"] < 20 for row in sides["dropped"])
    assert all(row["excerpt"].startswith("Write to ") for row in sides["dropped"])
    assert all("word" in row["excerpt"] for row in brief["examples"])
    assert ADDRESS not in json.dumps(data)
    assert data == shown(project, rule="brief")
    assert data != shown(project, rule="brief", seed=1)


def test_a_source_that_is_gone_costs_the_excerpts_and_is_said(
    project: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, settings = project
    hidden = tmp_path / "hidden"
    (folder / "in.jsonl").rename(hidden)
    try:
        data = shown((folder, settings), rule="brief")
    finally:
        hidden.rename(folder / "in.jsonl")
    assert "does not exist" in data["gone"][0]
    notes = {row["side"]: row["note"] for row in data["rules"][0]["examples"]}
    assert notes == {"kept": "", "dropped": "the source no longer holds this text"}


def test_mistakes_are_told(project: tuple[Path, dict[str, Any]]) -> None:
    folder, settings = project
    with pytest.raises(UnknownName, match="brie"):
        shown(project, rule="brie")
    with pytest.raises(UsageError, match="without rules"):
        shown((folder, {**settings, "rules": []}))
    (folder / "later.yaml").write_text("help: Later.\ndrop: {rude: abuse_score > 0.5}\n")
    with pytest.raises(UsageError, match="did not measure 'abuse_score'"):
        shown((folder, {**settings, "rules": [str(folder / "later.yaml")]}))


@given(
    st.lists(st.one_of(st.none(), st.floats(-3, 3)), max_size=30), st.lists(st.floats(-3, 3), min_size=1, max_size=6)
)
def test_the_first_that_fires_is_what_decide_says_and_shares_add_up(
    numbers: list[float | None], limits: list[float]
) -> None:
    values = pa.table({"x": pa.array(numbers, pa.float64()), "bytes": pa.array([1] * len(numbers), pa.int64())})
    predicates = tuple(Predicate(f"r{i % 2}", f"p{i}", "x", "<", limit) for i, limit in enumerate(limits))
    masks = fires(values, predicates)
    decided = decide(values, predicates)
    assert masks.any(axis=0).tolist() == [name == "dropped" for name in decided["decision"].to_pylist()]
    rows = effects(Tried(values, predicates, masks))
    assert sum(part["first"]["documents"] for row in rows for part in row["predicates"]) == np.sum(masks.any(axis=0))
    for part in (part for row in rows for part in row["predicates"]):
        assert part["only"]["documents"] <= part["first"]["documents"] <= part["alone"]["documents"]


def test_values_stand_in_the_order_of_the_decisions(project: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = project
    made = piles.context(folder)
    reader = open_pile(made.home, made.out)
    values = known(reader, None)
    assert values["document"].to_pylist() == reader.decisions()["document"].to_pylist()
    assert values["words"].null_count == 1
