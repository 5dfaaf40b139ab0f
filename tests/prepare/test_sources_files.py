"""The source `files`: one document a file, nothing lost, nothing that is no text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.formats.document import QUARANTINE_REASONS
from modelwright.prepare.encoding import to_utf8
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


def test_what_is_no_text_in_any_encoding_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    write(
        tmp_path / "c",
        {"a.txt": b"\xff\xfea", "b.txt": b"a\0b", "c.txt": bytes(range(1, 256)) * 9, "d.txt": "", "e.txt": bytes(9999)},
    )
    rows = {row.origin: row for row in rows_of(Files(path="c"), tmp_path)}
    assert {origin: row.error for origin, row in rows.items()} == {
        "a.txt": "not_utf8", "b.txt": "binary", "c.txt": "not_utf8", "d.txt": None, "e.txt": "binary",
    }  # fmt: skip
    assert rows["d.txt"].text == b""


LETTER = {
    "de": "Die Größe der Bäume überrascht selbst geübte Förster. Sie mögen später höher wachsen.",
    "pl": "Zażółć gęślą jaźń. Wiosną las pachnie świeżą trawą, a dzieci śpiewają i śmieją się głośno.",
    "ru": "В лесу тихо, и только ветер качает ветви старых сосен. Дети идут домой.",
    "ja": "森は静かで、風だけが古い松の枝を揺らしています。子供たちは家に帰ります。",
}


@pytest.mark.parametrize(
    ("language", "encoding", "named"),
    [
        ("de", "latin-1", "cp1252"),
        ("de", "cp1252", "cp1252"),
        ("pl", "cp1250", "cp1250"),
        ("ru", "cp1251", "cp1251"),
        ("ru", "koi8-r", "koi8_r"),
        ("ja", "shift_jis", "cp932"),
        ("ja", "utf-16", "utf-16-le"),
        ("ru", "utf-32", "utf-32-le"),
        ("de", "utf-8-sig", None),
    ],
)
def test_other_encodings_become_utf8_and_are_named(
    tmp_path: Path, language: str, encoding: str, named: str | None
) -> None:
    text = LETTER[language]
    write(tmp_path / "c", {"a.txt": text.encode(encoding)})
    (row,) = rows_of(Files(path="c"), tmp_path)
    assert row.text is not None
    assert (row.text.decode(), row.encoding) == (text, named)


def test_sixteen_bits_without_a_mark_are_seen_by_their_nul_bytes(tmp_path: Path) -> None:
    write(tmp_path / "c", {"a.txt": "plain words in wide letters".encode("utf-16-be")})
    (row,) = rows_of(Files(path="c"), tmp_path)
    assert (row.text, row.encoding) == (b"plain words in wide letters", "utf-16-be")


@given(st.binary(max_size=300))
def test_any_bytes_give_utf8_or_nothing(data: bytes) -> None:
    made = to_utf8(data)
    if made is not None:
        made[0].decode()
    assert made == to_utf8(data)


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
    if rows[0].error is None and rows[0].encoding is None:
        assert rows[0].text == data.removeprefix(b"\xef\xbb\xbf")
    elif rows[0].error is None:
        assert (rows[0].text or b"").decode()
    else:
        assert rows[0].error in QUARANTINE_REASONS
        assert rows[0].text is None


def test_names_without_a_suffix_are_text_when_they_usually_are() -> None:
    assert looks_like_text("x/README")
    assert looks_like_text("LICENSE.txt")
    assert not looks_like_text("x/core")
    assert not looks_like_text(".bashrc")


def test_a_licence_file_governs_the_files_below_it_and_the_nearest_wins(tmp_path: Path) -> None:
    reference = "Licensed under the {} License."
    write(
        tmp_path / "c",
        {
            "LICENSE": reference.format("MIT"), "a.py": "a = 1", "sub/b.py": "b = 1",
            "vendored/COPYING.txt": "Licensed under the Apache License, Version 2.0", "vendored/deep/c.py": "c = 1",
            "odd/LICENSE.md": "Nobody may do anything.", "odd/d.py": "d = 1", "license.py": "e = 1",
        },
    )  # fmt: skip
    found = {row.origin: row.licence for row in rows_of(Files(path="c"), tmp_path)}
    assert found == {
        "LICENSE": None, "a.py": "MIT (from LICENSE)", "sub/b.py": "MIT (from LICENSE)", "license.py":
        "MIT (from LICENSE)", "vendored/COPYING.txt": None, "vendored/deep/c.py": "Apache-2.0 (from COPYING.txt)",
        "odd/LICENSE.md": None, "odd/d.py": "unknown (from LICENSE.md)",
    }  # fmt: skip
    only = Files(path="c", include=("**/*.py",))
    assert {row.origin: row.licence for row in rows_of(only, tmp_path)}["a.py"] == "MIT (from LICENSE)"
    assert {row.licence for row in rows_of(Files(path="c", licence="ISC"), tmp_path)} == {None}


def test_two_licence_files_in_one_folder_are_a_choice(tmp_path: Path) -> None:
    files = {"LICENSE-MIT": "Licensed under the MIT License.", "a.py": "a = 1"}
    files["LICENSE-APACHE"] = "Licensed under the Apache License, Version 2.0"
    write(tmp_path / "c", files)
    found = {row.origin: row.licence for row in rows_of(Files(path="c", include=("*.py",)), tmp_path)}
    assert found == {"a.py": "Apache-2.0 OR MIT (from LICENSE-APACHE, LICENSE-MIT)"}


def test_another_licence_file_makes_other_pieces_of_the_files_below(tmp_path: Path) -> None:
    write(tmp_path / "c", {"LICENSE": "Licensed under the MIT License.", "a.py": "a = 1"})
    source = Files(path="c", include=("*.py",))
    before = [file.licence for file in source.inventory(tmp_path)]
    write(tmp_path / "c", {"LICENSE": "Licensed under the ISC License."})
    assert [file.licence for file in source.inventory(tmp_path)] != before
