"""Reservations against training."""

from __future__ import annotations

import pyarrow as pa
import pytest

from modelwright.prepare.rule import decide
from modelwright.prepare.rules.opt_out import OptOut as Rule
from modelwright.prepare.signals.opt_out import OptOut


def measured(*rows: tuple[str | None, str | None]) -> pa.RecordBatch:
    texts = pa.array([text for text, _ in rows], pa.large_string())
    return OptOut().measure(pa.record_batch({"text": texts, "path": pa.array([path for _, path in rows], pa.string())}))


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('<meta name="robots" content="noai, noimageai">', "a.html", "noai"),
        ("<META content='index,NOIMAGEAI' NAME='robots'>", None, "noimageai"),
        ('<meta name="tdm-reservation" content="1">', None, "tdm-reservation"),
        ('<meta name="tdm-reservation" content="0">', None, None),
        ("HTTP/1.1 200 OK\r\nX-Robots-Tag: noai\r\n\r\nhello", None, "noai"),
        ("tdm-reservation: 1\n", None, "tdm-reservation"),
        ('[{"location": "/", "tdm-reservation": 1}]', "tdmrep.json", "tdm-reservation"),
        ("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n", "x/robots.txt", "robots.txt"),
        ("User-agent: GPTBot\nDisallow: /private\n", "robots.txt", None),
        ("User-agent: *\nDisallow: /\n", "robots.txt", None),
        ("User-agent: *\nDisallow: /\n", "ai.txt", "ai.txt"),
        ("The tag noai tells robots to stay away.", "a.txt", None),
        ('<meta name="robots" content="index, follow">', None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_reservation_is_read_where_the_text_carries_it(text, path, reason):
    assert measured((text, path)).column("opt_out").to_pylist() == [reason]


def test_findings_are_spans_of_the_reservation():
    row = measured(("é <meta name=robots content=noai> b", None)).to_pylist()[0]["findings"][0]
    assert (row["kind"], row["start"]) == ("noai", 3)


def test_the_rule_drops_what_is_reserved_and_keeps_what_is_unknown():
    table = pa.table({"opt_out": ["noai", "tdm-reservation", "noimageai", None]})
    assert decide(table, Rule().predicates()).column("decision").to_pylist() == ["dropped", "dropped", "kept", "kept"]
    assert Rule(reasons=()).predicates() == ()


def test_hostile_texts_take_no_time():
    for text in ("<meta name" * 200_000 + "noai", "noai<meta " + " " * 1_000_000, "user-agent:\n" * 200_000):
        assert measured((text, "robots.txt")).num_rows == 1
