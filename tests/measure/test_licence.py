"""Licences as stated and as tagged, and their classes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.licence import CLASSES, joined, parse, stated, tags
from modelwright.measure.spans import texts_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "spdx", "category"),
    [
        ("MIT", "MIT", "permissive"),
        ("mit or apache-2.0", "MIT OR Apache-2.0", "permissive"),
        ("MIT License", "MIT", "permissive"),
        ("Apache License, Version 2.0", "Apache-2.0", "permissive"),
        ("BSD", "BSD-3-Clause", "permissive"),
        ("License :: OSI Approved :: MIT License", "MIT", "permissive"),
        ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later", "strong_copyleft"),
        ("GPLv3", "GPL-3.0-only", "strong_copyleft"),
        ("LGPLv2.1", "LGPL-2.1-only", "weak_copyleft"),
        ("GPL-2.0+", "GPL-2.0-or-later", "strong_copyleft"),
        ("MIT OR GPL-2.0-only", "MIT OR GPL-2.0-only", "permissive"),
        ("MIT AND GPL-2.0-only", "MIT AND GPL-2.0-only", "strong_copyleft"),
        ("MIT AND CC-BY-NC-4.0", "MIT AND CC-BY-NC-4.0", "non_commercial"),
        ("MIT AND LicenseRef-theirs", "MIT AND LicenseRef-theirs", "unknown"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "weak_copyleft"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0", "non_commercial"),
        ("CC-BY-NC-ND-4.0", "CC-BY-NC-ND-4.0", "non_commercial"),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", "no_derivatives"),
        ("Creative Commons Attribution 4.0 International", "CC-BY-4.0", "permissive"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC-BY-NC-SA-4.0", "non_commercial"),
        ("http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0", "permissive"),
        ("public domain", "LicenseRef-scancode-public-domain", "permissive"),
        ("LicenseRef-Proprietary", "LicenseRef-Proprietary", "proprietary"),
        ("All rights reserved", "LicenseRef-Proprietary", "proprietary"),
        ("BUSL-1.1", "BUSL-1.1", "proprietary"),
        ("terms of the vendor", None, "unknown"),
        ("MIT (samples, mixed upstream)", None, "unknown"),
        ("MIT License (MIT)", "MIT", "permissive"),
        ("MIT OR", None, "unknown"),
        ("(", None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_a_stated_licence_has_an_expression_and_a_class(text, spdx, category):
    assert stated(text) == (spdx, category)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="MITGPL-20.+() ORANDWITH", max_size=40))
def test_nothing_that_is_stated_is_an_error(text):
    assert stated(text).category in CLASSES


def column(*texts: str):
    return texts_of(pa.array(texts, pa.large_string()))


@pytest.mark.parametrize(
    ("text", "spdx"),
    [
        ("# SPDX-License-Identifier: MIT\nx = 1\n", "MIT"),
        ("/* SPDX-License-Identifier: GPL-2.0+ OR BSD-2-Clause */", "GPL-2.0-or-later OR BSD-2-Clause"),
        ("<!-- SPDX-License-Identifier: CC-BY-4.0 -->", "CC-BY-4.0"),
        ("// SPDX-License-Identifier: (MIT AND ISC)", "MIT AND ISC"),
        ("SPDX-License-Identifier: LicenseRef-Ours", "LicenseRef-Ours"),
    ],
)
def test_a_tag_is_found_with_its_span(text, spdx):
    ((found, licence),) = tags(column("é", text))
    assert (found.row, found.kind, licence.spdx) == (1, spdx, spdx)
    part = text.encode()[found.start : found.end].decode()
    assert part.startswith("SPDX-License-Identifier:")
    assert parse(part.split(":", 1)[1].strip()).spdx == spdx


def test_a_tag_without_an_expression_or_cut_by_the_end_of_a_text_is_none():
    assert (
        tags(column("SPDX-License-Identifier: ", "SPDX-License-Identifier:", "SPDX-License-Identifier: what ever"))
        == []
    )
    assert tags(column("SPDX-License-", "Identifier: MIT")) == []


def test_several_tags_hold_together():
    found = tags(column("SPDX-License-Identifier: MIT OR ISC\nSPDX-License-Identifier: GPL-2.0-only\n"))
    assert joined([licence for _, licence in found]) == ("(MIT OR ISC) AND GPL-2.0-only", "strong_copyleft")


def test_tags_and_ids_of_the_shared_data_are_read():
    if not SHARED.exists():
        pytest.skip("needs the shared data")
    with gzip.open(SHARED / "licence_notices.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    tagged = [row for row in rows if row["kind"] == "header_spdx_tag"]
    for row, content in enumerate(tagged):
        licences = {licence.spdx for found, licence in tags(column(content["text"]))}
        assert licences == set(content["licences"]), row
    assert all(stated(name).spdx for row in rows for name in row["licences"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60).map(lambda text: "SPDX-License-Identifier:" + text), max_size=4))
def test_tags_of_any_text_lie_in_it(texts):
    for found, _ in tags(column(*texts)):
        assert 0 <= found.start < found.end <= len(texts[found.row].encode())
