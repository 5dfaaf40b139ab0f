"""Kinds of documents, by name, programming language and counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.measure.kind import KINDS, READ_BYTES, kind_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
LOG = b"2024-05-01 10:00:00 INFO started\n2024-05-01 10:00:01 WARN slow\n2024-05-01 10:00:02 ERROR gone\n"
ACCESS = b'1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 23\n' * 4
MAIL = b"From: Ann <ann@example.org>\nTo: Bob <bob@example.org>\nSubject: lunch\nDate: Mon, 1 Jan 2024\n\nAt noon?\n"
TABLE = b"name,age,city\nann,31,rome\nbob,27,oslo\neve,45,bern\n"
LETTER = b"Dear Bob,\n\nFrom now on, we meet at noon, if it suits you, and walk to the river.\n\nYours, Ann\n"


@pytest.mark.parametrize(
    ("head", "path", "language", "confidence", "expected"),
    [
        (b"import os\n", "a.py", "python", 1.0, "code"),
        (b"a,b\n", "a.csv", "csv", 1.0, "table"),
        (b"{}", "a.json", "json", 1.0, "data"),
        (b"- hosts: all\n", "a.yml", "ansible", 1.0, "code"),
        (b"<p>hello</p>", "a.html", "html", 1.0, "markup"),
        (b"# Title\n\nSome words, and some more of them.\n", "README.md", "markdown", 1.0, "prose"),
        (b"[![a](b)](c)\n[![d](e)](f)\n\n* [x](y)\n* [z](w)\n", "t.md", "markdown", 1.0, "markup"),
        (b"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n", "t.md", "markdown", 1.0, "table"),
        (b"any", "server.log", None, 1.0, "log"),
        (b"any", "project/LICENSE", None, 1.0, "legal"),
        (b"any", "LICENSE-MIT.txt", None, 1.0, "legal"),
        (b"x = 1", "license.py", "python", 1.0, "code"),
        (LOG, None, None, 0.9, "log"),
        (ACCESS, None, None, 0.9, "log"),
        (MAIL, None, None, 0.9, "mail"),
        (TABLE, "data.txt", None, 0.9, "table"),
        (LETTER, None, None, 0.9, "prose"),
        (LETTER, None, "markdown", 0.4, "prose"),
        (LETTER, None, "cobol", 0.3, "prose"),
        (b"", None, None, 0.9, "prose"),
    ],
)
def test_a_document_is_of_the_kind_that_a_reader_would_say(head, path, language, confidence, expected):
    assert kind_of(head, path, language, confidence) == expected


def test_licence_texts_are_legal_and_books_are_prose():
    if not SHARED.exists():
        pytest.skip("needs the shared data")
    with gzip.open(SHARED / "licence_texts_spdx.jsonl.gz", "rt", encoding="utf-8") as lines:
        licences = [json.loads(line)["text"].encode() for line in lines]
    legal = [kind_of(text[:READ_BYTES], None, None, 1.0) == "legal" for text in licences]
    assert sum(legal) > 0.95 * len(legal)
    with gzip.open(SHARED / "prose_speeches.jsonl.gz", "rt", encoding="utf-8") as lines:
        speeches = [json.loads(line)["text"].encode() for line in lines]
    assert {kind_of(text[:READ_BYTES], None, None, 1.0) for text in speeches} == {"prose"}


@given(st.binary(max_size=600), st.none() | st.text(max_size=20))
def test_any_bytes_have_a_kind(head, path):
    assert kind_of(head, path, None, None) in KINDS


def test_one_header_and_many_indented_lines_are_settled_at_once():
    head = b"name: x\n" + b"        value\n" * 400
    assert kind_of(head[:READ_BYTES], None, None, None) in KINDS
    assert kind_of(b"From: a\nSubject: b\n" + b"   folded\n" * 300 + b"\nHello.\n", None, None, None) == "mail"
