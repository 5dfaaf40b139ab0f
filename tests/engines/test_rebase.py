from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_pile import BOOKS, Made, published, reader, tree

from modelwright.core.errors import StorageError
from modelwright.engines import rebase as module
from modelwright.engines.rebase import needs_rebase, rebase

MORE = [*BOOKS, Made("books", "c/four.txt", "Whether I shall turn out to be the hero of my own life")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project's `.modelwright` with two versions, in a folder with a blank and an umlaut."""
    folder = tmp_path / "das Örtchen" / ".modelwright"
    published(folder)
    published(folder, MORE, version=2)
    return folder


def test_a_copy_appends_to_itself_and_leaves_the_original_untouched(home: Path, tmp_path: Path) -> None:
    before = tree(home)
    copy = tmp_path / "copy" / ".modelwright"
    shutil.copytree(home, copy)
    published(copy, [*MORE, Made("books", "d.txt", "a fifth book")], version=3)
    assert tree(home) == before
    assert str(home).encode() not in b"".join(p.read_bytes() for p in copy.rglob("*.json"))
    assert reader(copy, 3).documents().num_rows == 7


def test_a_moved_project_reads_every_version_and_tag(home: Path, tmp_path: Path) -> None:
    expected = {version: reader(home, version).documents().to_pylist() for version in (1, 2)}
    texts = [row["text"] for batch in reader(home).texts(reader(home).documents()) for row in batch.to_pylist()]
    moved = tmp_path / "elsewhere"
    home.rename(moved)
    assert rebase(moved)
    opened = reader(moved)
    assert [row["text"] for batch in opened.texts(opened.documents()) for row in batch.to_pylist()] == texts
    for version in (1, 2):
        assert reader(moved, version).documents().to_pylist() == expected[version]
    table = reader(moved, 2).handles["documents"]
    assert table.scan().use_ref("pile@1").to_arrow().num_rows == len(expected[1])
    assert reader(moved, 2).problems() == []


@pytest.mark.parametrize("name", ["C# 100% ü", "what?", "%20", "x+y 'q'", "a:b&c=d"])
def test_any_folder_name_holds_a_pile_and_can_be_moved_to_and_from(home: Path, tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    home.rename(odd)
    assert reader(odd, 2).problems() == []
    published(odd, BOOKS, version=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["das Örtchen", name])
    odd.rename(home)
    assert reader(home, 3).problems() == []
    published(home, BOOKS, version=4)


def test_a_copy_below_its_original_is_its_own(home: Path) -> None:
    copy = home / "backup"
    shutil.copytree(home, copy)
    assert rebase(copy)
    assert not needs_rebase(copy)
    shutil.rmtree(home / "warehouse")
    assert reader(copy, 2).problems() == []


def test_nothing_is_done_where_nothing_moved(home: Path, tmp_path: Path) -> None:
    before = tree(home)
    assert not needs_rebase(home)
    assert not rebase(home)
    assert not needs_rebase(tmp_path / "no project")
    assert tree(home) == before


def test_an_interrupted_rebase_is_taken_up_again(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, whole = tmp_path / "copy", tmp_path / "whole"
    shutil.copytree(home, whole)
    home.rename(copy)
    real, written = module.write_atomic, []

    def dies_at_the_fifth(path: Path, data: bytes) -> None:
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(path)
        real(path, data)

    monkeypatch.setattr(module, "write_atomic", dies_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        rebase(copy)
    monkeypatch.undo()
    assert needs_rebase(copy)
    assert rebase(copy)
    assert reader(copy, 2).problems() == []
    assert reader(copy, 1).documents().to_pylist() == reader(whole, 1).documents().to_pylist()


def test_a_catalogue_without_its_warehouse_says_so(home: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    shutil.copy(home / "catalog.db", tmp_path / "half" / "catalog.db")
    with pytest.raises(StorageError, match="not below") as caught:
        needs_rebase(tmp_path / "half")
    assert "warehouse" in caught.value.hint


def test_the_check_imports_the_standard_library_alone(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from modelwright.engines.rebase import needs_rebase\n"
        f"assert not needs_rebase(Path({str(home)!r}))\n"
        "assert not {'pyiceberg', 'pyarrow', 'daft', 'sqlalchemy', 'fastavro'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
