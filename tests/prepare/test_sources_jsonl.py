"""The source `jsonl`: a broken row never hides its neighbours, and every row is accounted for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.formats.document import QUARANTINE_REASONS, document_id
from modelwright.prepare import source as source_module
from modelwright.prepare.documents import read_documents
from modelwright.prepare.sources import jsonl as jsonl_module
from modelwright.prepare.sources.jsonl import Jsonl
from tests.prepare.piles import context, lines, packed, rows_of, write

BROKEN = [
    (b'{"text": "a"', "not_json"),
    (b'{"text": NaN}', "not_json"),
    (b'{"text": "\xff"}', "not_utf8"),
    (b"[1]", "not_an_object"),
    (b'{"other": 1}', "missing_text"),
    (b'{"text": null}', "missing_text"),
    (b'{"text": 5}', "text_not_string"),
    (b'{"text": "\\ud800"}', "lone_surrogate"),
    (b"\0\0", "not_json"),
]


@pytest.mark.parametrize("pack", [False, True])
def test_each_broken_row_has_its_reason_and_its_neighbours_stay(tmp_path: Path, pack: bool) -> None:
    data = lines(item for row, _ in BROKEN for item in (row, {"text": "good"}))
    write(tmp_path, {"d/a.jsonl.gz" if pack else "d/a.jsonl": packed(data) if pack else data})
    rows = rows_of(Jsonl(path="d/*.jsonl*"), tmp_path)
    assert [row.error for row in rows] == [item for _, reason in BROKEN for item in (reason, None)]
    assert {row.error for row in rows if row.error} <= set(QUARANTINE_REASONS)
    assert [row.text for row in rows if row.error is None] == [b"good"] * len(BROKEN)


def test_the_fields_of_a_row_name_text_id_licence_owner_and_file(tmp_path: Path) -> None:
    row = {"body": "hello", "meta": {"url": "u1"}, "lic": "MIT", "who": "Ann", "path": "src/a.py"}
    write(tmp_path, {"a.jsonl": lines([row])})
    source = Jsonl.model_validate(
        {
            "path": "a.jsonl", "text": "body", "id": "meta.url", "licence": {"field": "lic"}, "owner": {"field": "who"},
            "file_name": {"field": "path"},
        }
    )  # fmt: skip
    found = rows_of(source, tmp_path)[0]
    assert (found.text, found.origin, found.licence, found.owner, found.path) == (
        b"hello",
        "u1",
        "MIT",
        "Ann",
        "src/a.py",
    )


def test_without_an_id_the_origin_is_file_and_digest_and_survives_rows_above(tmp_path: Path) -> None:
    line = json.dumps({"text": "stays"}).encode()
    write(tmp_path, {"d/a.jsonl": line + b"\n"})
    origin = f"a.jsonl#{hashlib.sha256(line).hexdigest()}"
    assert documents(tmp_path, Jsonl(path="d"))["origin"].to_pylist() == [origin]
    write(tmp_path, {"d/a.jsonl": b"broken\n" + line + b"\n"})
    table = documents(tmp_path, Jsonl(path="d"))
    assert origin in table["origin"].to_pylist()
    assert f"a.jsonl#{hashlib.sha256(b'broken').hexdigest()}" in table["origin"].to_pylist()


def test_equal_rows_without_an_id_are_numbered_and_all_stay(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": lines([{"text": "same"}] * 3)})
    origins = documents(tmp_path, Jsonl(path="a.jsonl"))["origin"].to_pylist()
    assert len(set(origins)) == 3
    assert sorted(origin.rpartition(":")[2] for origin in origins)[:2] == ["2", "3"]


def test_a_repeated_id_keeps_the_first_row_and_quarantines_the_others(tmp_path: Path) -> None:
    rows = [
        {"id": "x", "text": "first"},
        {"id": "y", "text": "alone"},
        {"id": "x", "text": "second"},
        {"id": 5, "text": "n"},
    ]
    write(
        tmp_path,
        {"d/a.jsonl": lines(rows), "d/b.jsonl": lines([{"id": "x", "text": "third"}, {"id": "5", "text": "m"}])},
    )
    table = documents(tmp_path, Jsonl(path="d", name="s", id="id")).to_pylist()
    good = {row["origin"]: row["digest"] for row in table if row["error"] is None}
    assert good.keys() == {"x", "y", "5"}
    assert good["x"] == hashlib.sha256(b"first").hexdigest()
    wrong = [row for row in table if row["error"]]
    assert {row["error"] for row in wrong} == {"repeated_id"}
    assert len(wrong) == 3
    assert all(row["digest"] is None and "#" in row["origin"] for row in wrong)
    assert all(row["document"] == document_id("s", row["origin"]) for row in table)


def test_rows_without_the_id_field_are_quarantined(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": lines([{"text": "t"}, {"id": "", "text": "t"}, {"id": 1.5, "text": "t"}])})
    assert [row.error for row in rows_of(Jsonl(path="a.jsonl", id="id"), tmp_path)] == [
        "missing_id",
        "missing_id",
        None,
    ]


def test_a_truncated_gzip_file_keeps_its_rows_and_says_that_it_is_damaged(tmp_path: Path) -> None:
    data = packed(lines({"text": f"row {i} {hashlib.sha256(str(i).encode()).hexdigest()}"} for i in range(2000)))
    write(tmp_path, {"a.jsonl.gz": data[: len(data) // 2]})
    rows = rows_of(Jsonl(path="a.jsonl.gz"), tmp_path)
    assert rows[-1].error == "damaged_archive"
    assert sum(row.error is None for row in rows) > 100


def test_a_pattern_without_files_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match="no JSON Lines files"):
        rows_of(Jsonl(path="d/*.jsonl"), tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        rows_of(Jsonl(path="e/*.jsonl"), tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        rows_of(Jsonl(path="d/a.jsonl"), tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 60))
def test_ranges_of_any_size_read_each_line_once(tmp_path: Path, parts: list[bytes], size: int) -> None:
    data = b"\n".join(parts)
    write(tmp_path, {"a.jsonl": data})
    source = Jsonl(path="a.jsonl")
    whole = [(row.offset, row.raw, row.error) for row in rows_of(source, tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl_module, "PIECE_BYTES", size)
        patch.setattr(source_module, "PIECE_BYTES", size)
        ranged = [(row.offset, row.raw, row.error) for row in rows_of(source, tmp_path)]
    assert ranged == whole
    assert len(whole) == sum(bool(line.strip()) for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


def documents(project: Path, source: Jsonl):
    return read_documents([source], context(project)).table
