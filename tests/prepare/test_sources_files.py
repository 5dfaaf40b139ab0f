"""The source `files`: one document a file, nothing lost, nothing that is no text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.formats.document import QUARANTINE_REASONS
from modelwright.prepare.sources.files import Files, looks_like_text, matches
from tests.prepare.piles import rows_of, write


def test_text_files_are_taken_and_hidden_or_other_files_are_not(tmp_path: Path) -> None:
    names = [
        "a.py",
        "b/c.md",
        "b/Makefile",
        "d.png",
        ".hidden.txt",
        ".git/config.txt",
        "__pycache__/a.py",
        "b/x.tar.gz",
    ]
    write(tmp_path / "corpus", dict.fromkeys(names, "text"))
    origins = [row.origin for row in rows_of(Files(path="corpus"), tmp_path)]
    assert origins == ["a.py", "b/Makefile", "b/c.md"]


def test_the_name_of_a_source_is_its_path_stem_unless_given() -> None:
    assert Files(path="corpus/open").name == "open"
    assert Files(path="corpus/open.d/**/*.txt").name == "open"
    assert Files(path="corpus/open", name="ours").name == "ours"


def test_include_and_exclude_are_patterns_of_paths(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(["x/a.txt", "x/b.bin", "x/tests/c.txt", "x/y/tests/d.txt", "x/y/e.txt"], "t"))
    found = [row.origin for row in rows_of(Files(path="x", include=("**/*.txt",), exclude=("**/tests/**",)), tmp_path)]
    assert found == ["a.txt", "y/e.txt"]
    assert [row.origin for row in rows_of(Files(path="x", include=("*.bin",)), tmp_path)] == ["b.bin"]


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("a/b/c.py", "*.py", True), ("a/b/c.py", "a/*.py", False), ("a/b/c.py", "a/**/*.py", True),
        ("a/c.py", "a/**/*.py", True), ("a/b/c.py", "a/**", True), ("ab/c.py", "a/**", False),
        ("a/b/c.py", "b/", False),
        ("b/x/c.py", "b/", True), ("a.py", "?.py", True), ("ab.py", "[ab]b.py", True), ("a+b.py", "a+b.py", True),
    ],
)  # fmt: skip
def test_a_pattern_fits_as_a_reader_of_gitignore_expects(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, pattern) is fits


def test_what_is_no_utf8_text_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    write(
        tmp_path / "c",
        {"a.txt": b"\xff\xfea\0", "b.txt": b"a\0b", "c.txt": "gr\u00fc\u00df".encode("latin-1"), "d.txt": ""},
    )
    rows = {row.origin: row for row in rows_of(Files(path="c"), tmp_path)}
    assert {origin: row.error for origin, row in rows.items()} == {
        "a.txt": "not_utf8", "b.txt": "binary", "c.txt": "not_utf8", "d.txt": None,
    }  # fmt: skip
    assert rows["d.txt"].text == b""
    assert "byte 2" in (rows["c.txt"].detail or "")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    write(tmp_path / "c", {"a.txt": b"\xef\xbb\xbfhello"})
    assert rows_of(Files(path="c"), tmp_path)[0].text == b"hello"


def test_a_missing_folder_says_how_far_the_path_exists(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    with pytest.raises(InputError, match="does not exist") as raised:
        rows_of(Files(path="corpus/opne"), tmp_path)
    assert str(tmp_path / "corpus") in raised.value.hint


def test_a_folder_without_text_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "c", {"a.png": b"x"})
    with pytest.raises(InputError, match="no text files"):
        rows_of(Files(path="c"), tmp_path)


def test_a_file_name_that_is_no_utf8_becomes_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "c")
    os.mkdir(folder)
    with open(folder + b"/\xff.txt", "wb") as stream:
        stream.write(b"x")
    assert [row.origin for row in rows_of(Files(path="c"), tmp_path)] == ["\\xff.txt"]


def test_a_file_that_changes_between_look_and_read_is_an_error(tmp_path: Path) -> None:
    from modelwright.prepare.inventory import look

    write(tmp_path / "c", {"a.txt": "one"})
    source = Files(path="c")
    inventory = look(source, tmp_path, tmp_path / "home")
    write(tmp_path / "c", {"a.txt": "three"})
    with pytest.raises(InputError, match="changed while"):
        list(source.read(next(iter(source.pieces(inventory.files[0])))))


def test_a_link_to_a_folder_is_not_followed_and_a_dead_link_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "c", {"a.txt": "one"})
    (tmp_path / "c" / "again").symlink_to(tmp_path / "c")
    (tmp_path / "c" / "dead.txt").symlink_to(tmp_path / "nothing")
    assert [row.origin for row in rows_of(Files(path="c"), tmp_path)] == ["a.txt"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_become_one_row_that_is_text_or_says_why_not(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "c", {"a.txt": data})
    rows = rows_of(Files(path="c"), tmp_path)
    assert len(rows) == 1
    if rows[0].error is None:
        assert rows[0].text == data.removeprefix(b"\xef\xbb\xbf")
    else:
        assert rows[0].error in QUARANTINE_REASONS
        assert rows[0].text is None


def test_names_without_a_suffix_are_text_when_they_usually_are() -> None:
    assert looks_like_text("x/README")
    assert looks_like_text("LICENSE.txt")
    assert not looks_like_text("x/core")
    assert not looks_like_text(".bashrc")
