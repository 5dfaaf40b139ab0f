"""Personal data: what is found, what is not, and how often both hold on labelled sentences."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.personal_checks import luhn
from modelwright.measure.personal_data import find
from modelwright.measure.personal_kinds import KINDS
from modelwright.measure.personal_scan import ADDRESS, candidates
from modelwright.measure.spans import texts_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU")


def found(text: str, kinds: tuple[str, ...] = tuple(KINDS)) -> list[tuple[str, str]]:
    texts = texts_of(pa.array([text], pa.large_string()))
    return [(item.kind, text.encode()[item.start : item.end].decode()) for item in find(texts, kinds, [REGIONS])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to ann.lee+x@mail.example.org.", [("email", "ann.lee+x@mail.example.org")]),
        ("Für Jörg: joerg@beispiel.de, danke", [("email", "joerg@beispiel.de")]),
        ("pay with 4111 1111 1111 1111 today", [("card", "4111 1111 1111 1111")]),
        ("4111-1111-1111-1111 12/25", [("card", "4111-1111-1111-1111")]),
        ("amex 378282246310005.", [("card", "378282246310005")]),
        ("call +44 20 7946 0958 now", [("phone", "+44 20 7946 0958")]),
        ("(415) 555-2671", [("phone", "(415) 555-2671")]),
        ("ring 415-555-2671 x123 soon", [("phone", "415-555-2671 x123")]),
        ("Tel. 030 1234567", [("phone", "030 1234567")]),
        ("a@b.org and 4111111111111111", [("email", "a@b.org"), ("card", "4111111111111111")]),
    ],
)
def test_personal_data_is_found_with_its_exact_span(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 of 2024-01-02 10:11:12",
        "section 3.14.15.92 and 10.0.0.255",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "550e8400-e29b-41d4-a716-446655440000",
        "epoch 1609459200 and 1609459200123",
        "x = [1234567890, 987654321, 31415926535]",
        "assert total == 25502500",
        "pages 1990-1995, 2001 - 2010",
        "isbn 978-3-16-148410-0",
        "logo@2x.png and user@host and a@b.c",
        "git@github.com:org/repo.git",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "3.141592653589793",
        "0x0123456789",
        "1 000 000 000",
    ],
)
def test_numbers_that_are_no_personal_data_are_left_alone(text):
    assert found(text) == []


def test_only_the_kinds_asked_for_are_found():
    assert found("a@b.org or 4111 1111 1111 1111", ("card",)) == [("card", "4111 1111 1111 1111")]


def test_the_check_digit_catches_every_changed_digit():
    good = "4111111111111111"
    assert luhn(good)
    for place in range(16):
        for digit in "0123456789":
            changed = good[:place] + digit + good[place + 1 :]
            assert luhn(changed) == (changed == good)


def test_precision_and_recall_on_labelled_sentences():
    path = SHARED / "pii_spans.jsonl"
    if not path.exists():
        pytest.skip("needs the shared data")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card"}
    items = find(
        texts_of(pa.array([row["text"] for row in rows], pa.large_string())), tuple(KINDS), [REGIONS] * len(rows)
    )
    spans = {(item.row, item.kind, item.start, item.end) for item in items}
    gold = set()
    for row, content in enumerate(rows):
        for span in content["spans"]:
            if span["label"] in names:
                start, end = (len(content["text"][: span[side]].encode()) for side in ("start", "end"))
                gold.add((row, names[span["label"]], start, end))

    def overlap(one, other):
        shared = min(one[3], other[3]) - max(one[2], other[2])
        whole = max(one[3], other[3]) - min(one[2], other[2])
        return one[:2] == other[:2] and shared >= 0.5 * whole

    for kind, precision, recall in (("email", 1.0, 1.0), ("card", 1.0, 0.99), ("phone", 0.97, 0.95)):
        said, true = [s for s in spans if s[1] == kind], [g for g in gold if g[1] == kind]
        assert sum(any(overlap(s, g) for g in true) for s in said) >= precision * len(said), kind
        assert sum(any(overlap(s, g) for s in said) for g in true) >= recall * len(true), kind


def test_books_hold_nothing():
    path = SHARED / "prose_books.jsonl.gz"
    if not path.exists():
        pytest.skip("needs the shared data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        books = [json.loads(line)["text"] for line in lines]
    assert len(find(texts_of(pa.array(books, pa.large_string())), tuple(KINDS), [REGIONS] * len(books))) <= 3


PARTS = st.lists(
    st.sampled_from(
        [
            "a@b.org",
            "4111 1111 1111 1111",
            "+44 20 7946 0958",
            "call 0891234567",
            "é",
            "漢",
            " ",
            "(",
            ")",
            "-",
            ".",
            "+",
            "@",
        ]
    )
    | st.text(max_size=8),
    max_size=12,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS | st.text(alphabet="0123456789 -.()+@ax/", max_size=60), min_size=1, max_size=4))
def test_findings_lie_in_their_text_in_order_and_apart_and_do_not_depend_on_other_texts(texts):
    together = find(texts_of(pa.array(texts, pa.large_string())), tuple(KINDS), [REGIONS] * len(texts))
    for row, text in enumerate(texts):
        mine = [item for item in together if item.row == row]
        alone = find(texts_of(pa.array([text], pa.large_string())), tuple(KINDS), [REGIONS])
        assert [item[1:] for item in mine] == [item[1:] for item in alone]
        place = 0
        for item in mine:
            assert place <= item.start < item.end <= len(text.encode())
            text.encode()[item.start : item.end].decode()  # whole characters
            assert 0 < item.confidence <= 1
            place = item.end


def test_more_candidates_than_there_was_room_for_are_all_kept():
    assert (
        len(candidates(texts_of(pa.array(["a@b.org " * 5000], pa.large_string())), frozenset([ADDRESS]), False)) == 5000
    )
