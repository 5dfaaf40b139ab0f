"""Copyright statements: holders, years, spans."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.copyright import MOST, find, summary
from modelwright.measure.spans import texts_of


def column(*texts: str | None):
    return texts_of(pa.array(texts, pa.large_string()))


@pytest.mark.parametrize(
    ("text", "holder", "years"),
    [
        ("# Copyright (c) 2019-2021 Example Research GmbH. All rights reserved.", "Example Research GmbH", "2019 2021"),
        ("/* Copyright © 2020 Ada Sample <ada@example.org> */", "Ada Sample", "2020"),
        ("(C) Copyright 1999, 2001, and 2003 by Sample & Sons, Inc.", "Sample & Sons, Inc", "1999 2001 2003"),
        ("// SPDX-FileCopyrightText: 2008 Sample Ltd", "Sample Ltd", "2008"),
        (" * Copyright (C) 2005\n * The Sample Project\n * All rights reserved", "The Sample Project", "2005"),
        ("Copyright 2015 The Sample Authors. Licensed under the MIT License", "The Sample Authors", "2015"),
        ("&copy; 2011 <a href='x'>Sample</a>", "Sample", "2011"),
    ],
)
def test_a_statement_names_holder_and_years(text, holder, years):
    (statement,) = find(column(text))
    assert (statement.holder.rstrip("."), " ".join(statement.years)) == (holder, years)


@pytest.mark.parametrize(
    "text",
    [
        "the copyright notice above must be kept", "Section 43 of the Copyright Act", "(c) see page four",
        "add the file to the copyright", "option (c) applies", "copyright: GPL", "copyrightable works", "",
    ],
)  # fmt: skip
def test_words_about_copyright_are_no_statement(text):
    assert find(column(text)) == []


def test_spans_are_bytes_and_neighbours_do_not_matter():
    text = "é é\n# Copyright 2020 Ada Sample\nx = 1"
    (one,) = [item for item in find(column("Copyright 2001 Other", text, None, "(c)")) if item.row == 1]
    assert text.encode()[one.start : one.end].decode() == "Copyright 2020 Ada Sample"


def test_a_list_without_end_is_cut():
    found = find(column("(c) 2001 Ada Sample\n" * 5000, "Copyright 2002 Ada Sample"))
    assert [sum(item.row == row for item in found) for row in (0, 1)] == [MOST, 1]


def test_the_summary_has_each_holder_and_year_once():
    statements = find(column("Copyright 2001 Ada Sample\nCopyright 2003, 2001 Ada Sample\nCopyright 2002 Bo Test", "x"))
    assert list(summary(statements, 2)) == [("Ada Sample; Bo Test", "2001, 2002, 2003"), (None, None)]


PARTS = st.sampled_from(
    ["Copyright", "(c)", "©", " 2001", "-", ", ", "\n", "Ada", "<", "@", "\\n", "&copy;", "é", " by "]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(PARTS | st.text(max_size=3), max_size=20).map("".join), min_size=1, max_size=4))
def test_any_text_is_read_and_spans_lie_inside(texts):
    for item in find(column(*texts)):
        assert 0 <= item.start < item.end <= len(texts[item.row].encode())
