"""Statements: each change is one signed event, and every stated value on a card names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.spec import validated
from modelwright.govern import stated
from modelwright.govern.cards import card_of
from modelwright.govern.cards.card import BLANK, STATED
from modelwright.govern.stated import CardSettings
from tests.govern import sample
from tests.govern.sample import Sample

SAID = {"creators": "Example Ltd", "continuous": False, "sources": {"ours": {"class": "user"}}}


def test_a_change_of_statements_is_one_event_and_no_change_is_none(project: Sample) -> None:
    card = CardSettings(**SAID)
    assert stated.on_record(project.records, card).seq is None
    first = stated.record(project.records, card)
    assert first.by == project.records.entries[-1].keyids[0]
    assert stated.record(project.records, card).seq == first.seq
    second = stated.record(project.records, CardSettings(creators="Someone else"))
    assert second.seq == first.seq + 1
    assert len(project.records.of_kind("stated")) == 2
    assert stated.on_record(project.records, card).seq is None


def test_who_says_nothing_makes_no_event_but_taking_words_back_does(project: Sample) -> None:
    assert stated.record(project.records, None).seq is None
    assert project.records.of_kind("stated") == []
    stated.record(project.records, CardSettings(**SAID))
    stated.record(project.records, CardSettings())
    assert [entry.get("card") for entry in project.records.of_kind("stated")] == [
        {"creators": ["Example Ltd"], "continuous": False, "sources": {"ours": {"class": "user"}}},
        {},
    ]


def test_the_ledger_with_statements_verifies(project: Sample) -> None:
    from modelwright.govern.verify import verify

    stated.record(project.records, CardSettings(**SAID))
    assert verify(project.ledger, project.home, project.folder)["ok"]


def test_a_stated_value_names_its_event_and_a_stated_no_is_not_blank(project: Sample) -> None:
    known = stated.record(project.records, CardSettings(**SAID, limitations=["one", "two"]))
    card = card_of(project.records.find("pile@1"), project.records, "handbook", "completion", known)
    fields = {field.name: field for section in card.sections for field in section.fields}
    assert (fields["made by"].value, fields["made by"].kind, fields["made by"].source) == (
        "Example Ltd",
        STATED,
        known.seq,
    )
    assert fields["known limits"].value == "one; two"
    assert fields["known biases"].kind == BLANK
    assert known.seq in {source.seq for source in card.sources}


def test_a_slip_in_the_section_is_named_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="limitation"):
        validated(CardSettings, {"limitation": "x"}, "card")
    with pytest.raises(UsageError, match="class"):
        validated(CardSettings, {"sources": {"a": {"class": "stolen"}}}, "card")


def test_the_section_changes_no_fingerprint_and_names_known_sources_only(tmp_path: Path) -> None:
    from modelwright.project import schema, steps

    (tmp_path / "corpus").mkdir()
    text = "name: p\nprepare: {sources: [{files: {path: corpus, name: ours}}]}\n"
    file = tmp_path / "modelwright.yaml"
    file.write_text(text)
    plain = steps.steps(schema.load(tmp_path))
    file.write_text(text + "card: {creators: [me], sources: {ours: {class: user}}}\n")
    assert steps.steps(schema.load(tmp_path)) == plain
    file.write_text(text + "card: {sources: {theirs: {class: user}}}\n")
    with pytest.raises(UnknownName, match="theirs"):
        schema.load(tmp_path)


def test_what_is_no_statement_stays_unknown_without_any(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    assert stated.on_record(made.records, None) == stated.NOTHING
    made.ledger.close()
