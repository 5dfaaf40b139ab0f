"""Programming languages: names, first lines, the classifier over the candidates, and Ansible."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.ansible import is_ansible
from modelwright.measure.code_features import scores
from modelwright.measure.code_language import candidates, identify, model, table
from modelwright.measure.code_marks import MARKS, MARKS_ALONE, has_mark
from modelwright.measure.spans import texts_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SAMPLES = Path(__file__).with_name("yaml_samples.txt").read_text(encoding="utf-8")


def samples(kind: str) -> dict[str, bytes]:
    parts = [part.partition("\n") for part in re.split(r"^=== ", SAMPLES, flags=re.M)[1:]]
    return {name.split(": ")[1]: text.encode() for name, _, text in parts if name.startswith(kind)}


ANSIBLE = samples("ansible")
NOT_ANSIBLE = samples("other") | {"variables": b"http_port: 80\nmax_clients: 200\n", "empty": b""}
PLAYBOOK = ANSIBLE["play"]


def guess(text: str, path: str | None = None) -> str | None:
    return identify(texts_of(pa.array([text], pa.large_string())), [path])[0].language


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("src/app.py", b"", "python"),
        ("a/b/Dockerfile", b"", "dockerfile"),
        ("Dockerfile.dev", b"", "dockerfile"),
        ("main.tf", b"", "terraform"),
        ("x/CMakeLists.txt", b"", "cmake"),
        ("notes.txt", b"", "text"),
        ("A.F90", b"", "fortran"),
        (None, b"#!/usr/bin/env python3\n", "python"),
        (None, b"#!/usr/bin/env -S node --harmony\n", "javascript"),
        ("run", b"#!/bin/bash -e\n", "shell"),
        ("gone.backup", b"<?php echo 1;", "php"),
        ("folder\\windows.cs", b"", "c#"),
    ],
)
def test_a_name_or_a_first_line_gives_the_language(path, head, expected):
    assert candidates(path, head)[0] == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("view.m", "@interface View : NSObject\n@property int a;\n@end\n", "objective-c"),
        ("view.m", "function y = f(x)\n% doubles\ny = 2 * x;\nend\n", "matlab"),
        ("stack.h", "#include <vector>\nnamespace a {\ntemplate <class T> class Stack;\n}\n", "c++"),
        ("stack.h", "#include <stdio.h>\n#ifndef A_H\nint push(struct stack *s, int v);\n#endif\n", "c"),
        ("a.ts", '<?xml version="1.0"?>\n<TS version="2.0"></TS>\n', "xml"),
        ("a.ts", "export const a: number = 1;\n", "typescript"),
        ("play.yml", PLAYBOOK.decode(), "ansible"),
        ("ci.yml", NOT_ANSIBLE["workflow"].decode(), "yaml"),
        ("job.hcl", 'job "web" {\n  group "a" {}\n}\n', "hcl"),
        ("net.hcl", 'resource "aws_vpc" "a" {\n  cidr = "10.0.0.0/16"\n}\n', "terraform"),
        ("notes.txt", "Only words.", None),
        (None, "It was the best of times, it was the worst of times, it was the age of wisdom.", None),
        (None, "def add(a, b):\n    return a + b\n\nclass A:\n    def __init__(self):\n        self.x = 1\n", "python"),
    ],
)
def test_the_text_decides_what_the_name_leaves_open(path, text, expected):
    assert guess(text, path) == expected


def test_ansible_is_told_from_other_yaml():
    for name, text in ANSIBLE.items():
        assert is_ansible(text), name
        assert is_ansible(b"\n".join(b"    " + line for line in text.splitlines())), name
    for name, text in NOT_ANSIBLE.items():
        assert not is_ansible(text), name


def test_every_class_of_the_model_is_a_name_of_the_table():
    assert set(model().classes) - {"not code"} <= set(table().types)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    path = SHARED / "code_labelled.jsonl.gz"
    if not path.exists():
        pytest.skip("needs the shared data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_labelled_files_are_named_right_and_no_other_yaml_is_ansible(rows):
    found = identify(
        texts_of(pa.array([row["text"] for row in rows], pa.large_string())), [row["path"] for row in rows]
    )
    right = [row["language"] == name.language for row, name in zip(rows, found, strict=True)]
    assert sum(right) / len(right) > 0.985  # most were trained on; the evaluation counts those that were not
    assert all(
        is_ansible(row["text"].encode(), row["path"]) == (row["language"] == "ansible")
        for row in rows
        if row["language"] in ("ansible", "yaml")
    )


def test_prose_without_a_name_is_no_code():
    path = SHARED / "prose_books.jsonl.gz"
    if not path.exists():
        pytest.skip("needs the shared data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        books = [json.loads(next(lines))["text"] for _ in range(8)]
    pieces = [book[start : start + 1500] for book in books for start in range(100_000, len(book), 90_000)]
    found = identify(texts_of(pa.array(pieces, pa.large_string())), [None] * len(pieces))
    assert sum(name.language is None for name in found) > 0.99 * len(pieces)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=300), st.none() | st.text(max_size=30)), min_size=1, max_size=5))
def test_any_text_and_path_gets_a_guess_that_depends_on_them_alone(pairs):
    texts = texts_of(pa.array([text for text, _ in pairs], pa.large_string()))
    together = identify(texts, [path for _, path in pairs])
    for (text, path), expected in zip(pairs, together, strict=True):
        assert identify(texts_of(pa.array([text], pa.large_string())), [path]) == [expected]
        assert expected.language is None or expected.language in {*table().types, "ansible"}
        assert 0 <= expected.confidence <= 1


@given(st.binary(max_size=400))
def test_the_rule_for_ansible_survives_any_bytes(text):
    assert is_ansible(text) in (True, False)


@given(
    st.lists(
        st.sampled_from([*"\n\t #{}();:", "\n\n", "class A", "import os", "function ", "end", "<?php", "["]),
        max_size=25,
    )
)
def test_a_mark_is_found_as_its_whole_pattern_finds_it(pieces):
    text = "".join(pieces).encode()
    for pattern in [*MARKS.values(), *MARKS_ALONE.values()]:
        assert has_mark(pattern, text) == (re.search(pattern, text, re.M) is not None), pattern


def test_scores_of_some_rows_are_those_of_all():
    texts = texts_of(pa.array(["import os\n", "", None, "x = 1;\n" * 900, "é" * 5000], pa.large_string()))
    every, some = scores(texts, *model()[1:]), scores(texts, *model()[1:], rows=[4, 0])
    assert (every[[4, 0]] == some).all()
