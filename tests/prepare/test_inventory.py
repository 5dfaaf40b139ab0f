"""The inventory: the same content is the same version, and what did not change is not read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelwright.core.errors import InputError
from modelwright.prepare import inventory
from modelwright.prepare.sources.files import Files
from tests.prepare.piles import write

SOURCE = Files(path="corpus")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "corpus", {f"{i}.txt": f"text {i}" for i in range(5)})
    old = time.time() - 100
    for path in (tmp_path / "corpus").iterdir():
        os.utime(path, (old, old))
    return tmp_path


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old at once: their ctime cannot be set back."""
    monkeypatch.setattr(inventory, "_YOUNG_NS", -10_000_000_000)


def see(project: Path) -> inventory.Inventory:
    return inventory.look(SOURCE, project, project / ".modelwright")


@pytest.mark.usefixtures("aged")
def test_a_second_look_reads_no_file(project: Path) -> None:
    first, second = see(project), see(project)
    assert (first.hashed, second.hashed) == (5, 0)
    assert first.version == second.version
    assert [file.digest for file in first.files] == [file.digest for file in second.files]


@pytest.mark.usefixtures("aged")
def test_a_touched_file_is_hashed_alone_and_keeps_the_version(project: Path) -> None:
    first = see(project)
    (project / "corpus" / "3.txt").touch()
    second = see(project)
    assert second.hashed == 1
    assert second.version == first.version
    assert see(project).hashed == 0


@pytest.mark.usefixtures("aged")
def test_an_edit_of_equal_length_with_its_time_restored_is_seen(project: Path) -> None:
    first, path = see(project), project / "corpus" / "3.txt"
    status = path.stat()
    path.write_text("text X")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert see(project).version != first.version


def test_a_file_younger_than_two_seconds_is_hashed_again(project: Path) -> None:
    assert see(project).hashed == 5
    assert see(project).hashed == 5


@pytest.mark.usefixtures("aged")
def test_the_version_knows_names_and_content_and_no_place(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = see(project)
    copy = tmp_path_factory.mktemp("copy")
    write(copy / "corpus", {f"{i}.txt": f"text {i}" for i in range(5)})
    assert see(copy).version == first.version
    (copy / "corpus" / "3.txt").rename(copy / "corpus" / "6.txt")
    assert see(copy).version != first.version
    (copy / "corpus" / "6.txt").rename(copy / "corpus" / "3.txt")
    assert see(copy).version == first.version


@pytest.mark.usefixtures("aged")
def test_a_file_that_goes_is_forgotten_and_one_that_comes_is_hashed(project: Path) -> None:
    first = see(project)
    (project / "corpus" / "0.txt").unlink()
    second = see(project)
    assert (second.hashed, len(second.files)) == (0, 4)
    write(project / "corpus", {"0.txt": "text 0"})
    third = see(project)
    assert third.hashed == 1
    assert third.version == first.version != second.version


def test_a_damaged_store_is_made_anew(project: Path) -> None:
    first = see(project)
    (project / ".modelwright" / "sources.db").write_bytes(b"this is no database" * 100)
    assert see(project).version == first.version


def test_two_sources_of_one_project_do_not_share_their_files(project: Path) -> None:
    write(project / "other", {"0.txt": "other"})
    see(project)
    other = inventory.look(Files(path="other"), project, project / ".modelwright")
    assert len(other.files) == 1
    assert len(see(project).files) == 5


def test_the_version_of_a_path_is_that_of_a_file_or_a_folder(project: Path) -> None:
    home = project / ".modelwright"
    whole = inventory.path_version(project / "corpus", home)
    single = inventory.path_version(project / "corpus" / "1.txt", home)
    write(project / "corpus", {"1.txt": "changed"})
    assert inventory.path_version(project / "corpus", home) != whole
    assert inventory.path_version(project / "corpus" / "1.txt", home) != single
    with pytest.raises(InputError, match="does not exist"):
        inventory.path_version(project / "nothing", home)


def test_nothing_heavy_is_imported_to_know_the_version(project: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from modelwright.prepare.settings import PrepareSettings\n"
        "from modelwright.prepare.inventory import source_version\n"
        "s = PrepareSettings.model_validate({'sources': [{'files': {'path': 'corpus'}}]})\n"
        f"source_version(s.sources[0], Path({str(project)!r}), Path({str(project / 'home')!r}))\n"
        "heavy = {'numpy', 'pyarrow', 'daft', 'pyiceberg', 'torch', 'numba', 'orjson'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
