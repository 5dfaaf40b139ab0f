"""What carries a takedown is found from the ledger alone, whenever it is asked for."""

from __future__ import annotations

import json
from typing import Any

from modelwright.govern import carriers
from modelwright.govern.cards import card_of
from modelwright.govern.cards.render import FORMS, render
from tests.govern import sample
from tests.govern.sample import Sample

LEARNED = {"ref": "model@1", "learned": True, "documents": 2, "tokens_held": 1_204, "windows": 31, "of": 14_664}


def take_down(project: Sample, name: str, learned: list[dict[str, Any]] | None, reason: str = "") -> None:
    predicate = {"takedown": name, "phase": "begun", "asked": {"kind": "owner"}, "reason": reason, "documents": 3,
                 "files": {}, "erases": ["pile@1", "tokens@1"]}  # fmt: skip
    project.records.append("takedown", [], predicate | ({} if learned is None else {"learned": learned}))


def refs(project: Sample) -> set[str]:
    return {item.ref for item in project.records.artifacts() if carriers.carried(project.records, item.ref)}


def printed(project: Sample, ref: str) -> dict[str, Any]:
    card = card_of(project.records.find(ref), project.records, "handbook", "completion")
    (section,) = [item for item in json.loads(render(card, "json"))["sections"] if item["title"] == "Taken down"]
    return dict(section)


def test_everything_made_of_a_model_that_learned_carries_it(project: Sample) -> None:
    assert refs(project) == set()
    take_down(project, "abc", [LEARNED])
    assert refs(project) == {"model@1", "adapter@1", "release@1", "export@1"}
    parents = [("model", "model@1"), ("pile", "pile@1")]
    later = sample.record(project, "adapter", sample.ADAPTER_FACTS, parents)  # made after the takedown
    assert later in refs(project)
    assert printed(project, later)["tables"][1]["rows"][0]["cells"] == [
        "abc", "model@1", "its tokens held them", 2, 1_204, 31, 14_664
    ]  # fmt: skip


def test_an_adapter_alone_leaves_its_model_clean(project: Sample) -> None:
    take_down(project, "abc", [{"ref": "adapter@1", "learned": True, "documents": 1}])
    assert refs(project) == {"adapter@1", "release@1", "export@1"}
    assert printed(project, "model@1")["fields"][0]["kind"] == "not_applicable"
    assert printed(project, "adapter@1")["tables"][1]["rows"][0]["cells"] == [
        "abc", "adapter@1", "what it was tuned on held them", 1, *["not on record"] * 3
    ]  # fmt: skip


def test_a_folder_that_was_taken_over_or_continued_is_known_by_its_digest(project: Sample) -> None:
    take_down(project, "abc", [LEARNED])
    export = project.records.find("export@1").digest
    taken = sample.record(project, "model", {"adopted": True}, [], digest=export)
    continued = sample.record(project, "model", {"base_digest": export}, [("tokens", "tokens@1")])
    other = sample.record(project, "model", {"base_digest": "00" * 32}, [("tokens", "tokens@1")])
    same = sample.record(project, "model", {}, [], digest=export)  # trained to the same bits from other data
    assert refs(project) & {taken, continued, other, same} == {taken, continued}


def test_a_takedown_that_noted_nothing_leaves_unknown_what_was_there_below_it(project: Sample) -> None:
    take_down(project, "abc", None)
    after = sample.record(project, "model", {}, [("tokens", "tokens@1")])
    assert refs(project) == {"model@1", "adapter@1", "release@1", "export@1"}
    assert after not in refs(project)
    rows = printed(project, "model@1")["tables"][1]["rows"]
    assert [row["cells"][2] for row in rows] == ["unknown: what it learned from is gone"]


def test_what_goes_on_record_is_what_learned_by_itself() -> None:
    items = [
        {**LEARNED, "own": True, "digest": "ab"},
        {"ref": "model@2", "learned": False, "own": False},
        {"ref": "model@3", "learned": None, "own": None},
        {"ref": "adapter@1", "learned": True, "own": False, "by_its_model": True},
        {"ref": "adapter@2", "learned": True, "own": None, "by_its_model": True},
    ]
    assert [(item["ref"], item["learned"]) for item in carriers.noted(items)] == [
        ("model@1", True), ("model@3", None), ("adapter@2", None)
    ]  # fmt: skip
    assert carriers.noted(items)[0] == LEARNED


def test_every_takedown_has_a_row_and_says_whether_it_is_done(project: Sample) -> None:
    take_down(project, "abc", [LEARNED], reason="<b>asked</b> | by the author")
    take_down(project, "def", [LEARNED])
    done = {"takedown": "abc", "phase": "done", "certificate": {"cards/takedown-abc.json": "00"}, "removed": []}
    project.records.append("takedown", [], done)
    first, second = printed(project, "release@1")["tables"][0]["rows"]
    assert [first["cells"][0], first["cells"][5]] == ["abc", "cards/takedown-abc.json"]
    assert [second["cells"][3], second["cells"][5]] == ["nobody stated it", "under way"]
    card = card_of(project.records.find("release@1"), project.records, "handbook", "completion")
    assert set(card.marks) >= {"experimental", "carries what was taken down"}
    sources = {source.seq: source.kind for source in card.sources}
    assert {sources[row["source"]] for row in (first, second)} == {"takedown"}
    for form in FORMS:
        text = render(card, form)
        assert "abc" in text
        assert form == "json" or "<b>asked" not in text
