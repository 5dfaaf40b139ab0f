"""The difference of two cards: all of it, nothing else, in the forms of a card."""

from __future__ import annotations

import json

import pytest

from modelwright.core.errors import UsageError
from modelwright.govern.cards import card_of
from modelwright.govern.cards.card import Card
from modelwright.govern.cards.compare import compare
from modelwright.govern.cards.render import FORMS, render
from tests.govern import sample
from tests.govern.sample import Sample


def card(project: Sample, ref: str) -> Card:
    return card_of(project.records.find(ref), project.records, "handbook", "completion")


def rows(difference: Card) -> dict[str, tuple[object, object, object]]:
    tables = [table for section in difference.sections for table in section.tables]
    return {row.cells[0]: tuple(cell[0] for cell in row.cells[1:]) for table in tables for row in table.rows}


def test_a_card_does_not_differ_from_itself(project: Sample) -> None:
    assert rows(compare(card(project, "pile@1"), card(project, "pile@1"))) == {}


def test_every_moved_number_is_named_with_both_values_and_its_change(project: Sample) -> None:
    facts = {**sample.PILE_FACTS, "documents": 23_000, "by_language": {"en": {"documents": 9, "bytes": 8}}}
    sample.record(project, "pile", facts, [], settings={**sample.SETTINGS, "prepare.rules.gopher.min_words": 30})
    found = rows(compare(card(project, "pile@1"), card(project, "pile@2")))
    assert found["documents in the pile"] == (23_226, 23_000, -226)
    assert found["By language: en: documents"] == (21_033, 9, -21_024)
    assert found["By language: de: documents"] == (210, None, None)
    assert found["Settings: prepare.rules.gopher.min_words: value"] == (50, 30, -20)
    assert "By kind: code: documents" not in found
    assert not any("time" in name for name in found)
    assert not any(name.startswith("Licences") for name in found)


def test_a_difference_prints_in_every_form(project: Sample) -> None:
    sample.record(project, "pile", {**sample.PILE_FACTS, "documents": 9}, [])
    difference = compare(card(project, "pile@1"), card(project, "pile@2"))
    texts = {form: render(difference, form) for form in FORMS}
    assert all("23,226" in texts[form] for form in ("md", "html"))
    assert json.loads(texts["json"])["kind"] == "comparison of two data cards"


def test_a_pile_is_not_compared_with_a_model(project: Sample) -> None:
    with pytest.raises(UsageError, match="model card"):
        compare(card(project, "pile@1"), card(project, "model@1"))
