"""Benchmark items are found in texts whatever their case, spacing, punctuation and light edits."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.benchmark_items import Item, choice_of, items_of
from modelwright.measure.contamination import Stretch, build, scan

QUESTION = "Which large river, isn't it strange, flows through the well-known old city of London in England today?"
SHORT = Item("short#1.question", 1, "Who wrote Emma?", ("Jane Austen",))
ITEMS = [Item("long#0.question", 0, QUESTION), SHORT]
INDEX = build(ITEMS)
FILLER = "nothing of the kind is said in these few words about some other matter. " * 3


def found(*texts: str) -> list[Stretch]:
    return [
        stretch
        for stretch in scan(pa.array(texts, pa.large_string()), INDEX)
        if stretch.words >= 0.75 or not stretch.size
    ]


@pytest.mark.parametrize(
    "copy",
    [
        QUESTION,
        QUESTION.upper(),
        QUESTION.upper().replace("'", "").replace(",", "").replace("-", "").replace("?", ""),
        QUESTION.replace("'", " ").replace(",", " ").replace("-", " "),
        QUESTION.replace(" ", "\n   "),
        QUESTION.replace("large", "big").replace("in England ", ""),
    ],
)
def test_an_item_is_found_in_many_shapes_and_its_span_is_the_copy(copy: str) -> None:
    text = f"{FILLER}é “{copy}” {FILLER}"
    [stretch] = found(text)
    assert stretch.item.name == "long#0.question"
    said = text.encode()[stretch.start : stretch.stop].decode()
    assert said.lower().startswith("which")
    assert said.lower().rstrip("?").endswith("today")


def test_half_an_item_and_other_texts_are_not_found() -> None:
    assert not found("Which large river flows through Paris?", FILLER, "", "the well-known old city of London in 1800")


def test_a_short_question_counts_only_near_its_answer() -> None:
    assert not found("Who wrote Emma? I forgot.")
    assert not found(f"Jane Austen. {FILLER} Who wrote Emma?")
    assert not found(f"Who wrote Emma? {FILLER * 3} Jane Austen")
    [stretch] = found("WHO WROTE EMMA\nAnswer: jane austen!")
    assert stretch.item is SHORT


def test_an_item_spread_over_a_long_text_is_not_gathered() -> None:
    words = QUESTION.split()
    pieces = [" ".join(words[i : i + 5]) for i in range(0, len(words), 5)]
    assert not found((FILLER * 10).join(pieces))


def test_grams_of_more_than_ten_rows_say_nothing() -> None:
    items = [Item(f"b#{i}.text", i, "choose the best answer from the following options please") for i in range(11)]
    index = build(items)
    assert not scan(pa.array([items[0].text], pa.large_string()), index)
    assert scan(pa.array([items[0].text], pa.large_string()), build(items[:10]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=60) | st.sampled_from([QUESTION, "Who wrote Emma? Jane Austen"]), max_size=5))
def test_a_text_is_judged_alone(texts: list[str]) -> None:
    together = found(*texts)
    alone = [stretch._replace(row=row) for row, text in enumerate(texts) for stretch in found(text)]
    assert together == alone
    for stretch in together:
        content = texts[stretch.row].encode()
        assert 0 <= stretch.start < stretch.stop <= len(content)
        content[stretch.start : stretch.stop].decode()


def test_chinese_is_read_character_by_character() -> None:
    index = build([Item("zh#0.q", 0, "流经伦敦市中心的最大河流叫什么名字")])
    assert scan(pa.array(["前言。流经伦敦市中心的最大河流叫什么名字？后记"], pa.large_string()), index)


def test_an_empty_index_finds_nothing() -> None:
    assert not scan(pa.array(["some text that holds words enough"], pa.large_string()), build([]))


def test_items_are_the_distinct_text_fields_of_a_row_and_short_questions_know_their_answer() -> None:
    row = {
        "id": "x",
        "question": "What is it?",
        "choices": ["a large red fox", "a cat"],
        "label": 0,
        "turns": [{"text": "hi"}],
    }
    items = {item.name: item for item in items_of([row], "f.jsonl")}
    assert set(items) == {"f.jsonl#0." + name for name in ("id", "question", "choices.0", "choices.1", "turns.0.text")}
    assert items["f.jsonl#0.question"].answers == ("a large red fox",)
    assert not items["f.jsonl#0.choices.1"].asks


@pytest.mark.parametrize(
    "row",
    [
        {"question": "q", "choices": ["a", "b"], "label": 1},
        {"question": "q", "choices": ["a", "b"], "answer": "B"},
        {"question": "q", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "answerKey": "2"},
        {"question": "q", "ans0": "a", "ans1": "b", "label": 1},
        {"ctx": "q", "endings": ["a", "b"], "label": 1},
        {"question": "q", "options": ["a", "b"], "answer": "b"},
    ],
)
def test_questions_with_choices_are_understood_in_their_usual_forms(row: dict[str, object]) -> None:
    choice = choice_of(row)
    assert choice is not None
    assert (choice.question, choice.choices, choice.right) == ("q", ("a", "b"), 1)
