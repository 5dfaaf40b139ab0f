"""Licences found by the words of a text."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright.measure.licence_metadata import meant
from modelwright.measure.licence_text import find, index, regions
from modelwright.measure.licence_verdict import of_file, together, verdicts
from modelwright.measure.spans import texts_of

OURS = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")


def column(*texts: str | None):
    return texts_of(pa.array(texts, pa.large_string()))


def kinds(text: str) -> list[str]:
    return [item.kind for item in find(column(text))]


@pytest.mark.parametrize("mark", ["", "# ", "// ", " * ", ";; "])
def test_a_full_text_is_found_whatever_its_layout_and_comment_marks(mark):
    words, lines = OURS.split(), []
    for start in range(0, len(words), 13):
        lines.append(mark + " ".join(words[start : start + 13]))
    assert set(kinds("\n".join(lines))) == {"Apache-2.0"}


def test_a_full_text_is_found_when_three_words_in_a_hundred_are_lost_or_doubled():
    chance = random.Random(5)
    words = []
    for word in OURS.split():
        words += [word] if chance.random() >= 0.03 else chance.choice(([], [word, word]))
    assert set(kinds(" ".join(words))) == {"Apache-2.0"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("This file is released under the MIT License.", ["MIT"]),
        ("Licensed under the Apache License, Version 2.0", ["Apache-2.0"]),
        ("The road was long and the licence of poets is well known.", []),
        ("", []),
        ("x", []),
    ],
)
def test_a_reference_is_found_and_prose_is_left_alone(text, found):
    assert kinds(text) == found


def test_spans_are_bytes_of_the_text_and_a_text_does_not_depend_on_its_neighbours():
    text = "é — code\n# Licensed under the Apache License, Version 2.0\nx = 1\n"
    alone = find(column(text))
    among = [item for item in find(column(OURS, text, None, "", OURS)) if item.row == 1]
    assert [item[1:] for item in among] == [item[1:] for item in alone]
    span = text.encode()[alone[0].start : alone[0].end].decode()
    assert span.startswith("Licensed")
    assert span.endswith("2.0")


WORDS = st.sampled_from(["licence", "MIT", "GPL", "copyright", "2.0", "redistribute", "é", "\n", "#", "a", "\x00"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=5) | st.lists(WORDS, max_size=30).map(" ".join), max_size=5))
@example(["gpl", "", "l", "gp", "gpl "])
def test_any_texts_are_read_and_findings_lie_in_order_inside_them(texts):
    found = find(column(*texts))
    assert [(item.row, item.start) for item in found] == sorted((item.row, item.start) for item in found)
    for item in found:
        assert 0 <= item.start < item.end <= len(texts[item.row].encode())
        assert 0 < item.confidence <= 1


def test_of_a_huge_text_only_some_megabytes_are_looked_at():
    _, starts, ends = regions(column("gpl " * 3_000_000))
    assert int((ends - starts).sum()) <= 4_000_000


def test_the_index_holds_hashes_and_expressions_and_no_words_of_the_rules():
    assert {str(tensor.dtype)[:4] for tensor in index().tensors.values()} == {"uint"}
    assert {"", "MIT", "Apache-2.0"} <= set(index().expressions)
    assert max(map(len, index().expressions)) < 500


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("pyproject.toml", '[project]\nlicense = "MIT OR Apache-2.0"\n', "MIT OR Apache-2.0"),
        ("a/pyproject.toml", '[project]\nlicense = {text = "BSD-3-Clause"}\n', "BSD-3-Clause"),
        ("setup.py", 'setup(name="x", license="MIT")', "MIT"),
        ("package.json", '{"name": "x", "license": "ISC"}', "ISC"),
        ("package.json", '{"name": "x", "license": "UNLICENSED"}', "LicenseRef-Proprietary"),
        ("package.json", '{"name": "x", "license": "SEE LICENSE IN x.txt"}', None),
        ("Cargo.toml", '[package]\nlicense = "MIT/Apache-2.0"\n', "MIT OR Apache-2.0"),
        ("x.gemspec", 's.license = "MIT"', "MIT"),
        ("pom.xml", "<licenses><license><name>Apache License, Version 2.0</name></license></licenses>", "Apache-2.0"),
        ("notes.txt", 'we set license = "MIT" there', None),
    ],
)
def test_the_field_of_a_package_s_metadata_is_what_the_package_states(path, text, found):
    rows, findings = verdicts(column(text), [None], [path])
    if path != "notes.txt":
        assert rows[0].found == found
    if found:
        assert findings[0].kind == found


def test_a_pointer_to_a_file_means_nothing():
    assert meant("SEE LICENSE IN LICENSE.md") is None
    assert meant("file: LICENSE") is None


def test_stated_wins_over_found_and_a_conflict_of_classes_is_shown():
    texts = column("# SPDX-License-Identifier: CC-BY-NC-4.0\n", "# SPDX-License-Identifier: ISC\n", "x = 1\n", None)
    rows, _ = verdicts(texts, ["MIT", "MIT", "MIT", "MIT"], [None] * 4)
    assert [row.spdx for row in rows] == ["MIT", "MIT", "MIT", None]
    assert [row.conflict for row in rows] == ["MIT against CC-BY-NC-4.0", None, None, None]
    assert [row.source for row in rows] == ["stated", "stated", "stated", None]


def test_a_licence_file_above_is_the_last_resort():
    texts = column("# SPDX-License-Identifier: ISC\n", "x = 1\n", "y = 1\n")
    rows, _ = verdicts(texts, ["MIT (from LICENSE)", "MIT (from LICENSE)", "unknown (from LICENSE)"], [None] * 3)
    assert [(row.spdx, row.source) for row in rows] == [("ISC", "header"), ("MIT", "folder"), (None, None)]


def test_a_version_makes_the_same_licence_of_any_version_superfluous():
    assert together(["GPL-1.0-or-later", "GPL-2.0-only"]).spdx == "GPL-2.0-only"
    assert together(["MIT", "MIT OR GPL-2.0-only"]).spdx == "MIT OR GPL-2.0-only"
    assert together(["LGPL-2.0-or-later", "MIT"]).spdx == "LGPL-2.0-or-later AND MIT"
    assert together([]).spdx is None


def test_a_licence_file_is_read_as_a_whole():
    assert of_file(OURS) == "Apache-2.0"
    assert of_file("Nobody may do anything.") is None
