"""Two people at once: on one folder with SQLite, and as a team on PostgreSQL. Nothing is lost, conflicts are told."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import postgres_server
import pytest
from made_pile import reader

import modelwright
from modelwright.core import storage
from modelwright.core.errors import Busy, Refused, UsageError
from modelwright.engines import catalogs, iceberg
from modelwright.project.prune import shrink_tables

Copy = Callable[[Path], Path]
ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, os, sys
import modelwright
from modelwright.core import storage
from modelwright.core.errors import ModelwrightError
storage.WAIT_SECONDS = 200  # a busy machine must not make this test fail
project = modelwright.load(sys.argv[1], sys.argv[2:])
try:
    print(json.dumps([step["artifact"] for step in project.run(to="prepare")]), flush=True)
except ModelwrightError as error:
    print(json.dumps(error.to_json()), flush=True)
os._exit(0)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    path = {"PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **path})


def printed(*processes: subprocess.Popen[str]) -> list[object]:
    return [json.loads(process.communicate(timeout=240)[0]) for process in processes]


@contextlib.contextmanager
def loaded(folder: Path) -> Iterator[modelwright.Project]:
    """A project whose connection to the team's ledger is closed at the end."""
    project = modelwright.load(folder)
    try:
        yield project
    finally:
        assert project.records.ledger is not None
        project.records.ledger.close()


def small(folder: Path, settings: str = "") -> Path:
    """A project of a few files without a tokenizer."""
    (folder / "corpus").mkdir(parents=True)
    for number in range(6):
        text = f"Line {number} of the corpus is about the number {number}.\n" * 20
        (folder / "corpus" / f"{number}.txt").write_text(text)
    lines = "prepare: {sources: [{files: {name: ours, path: corpus, licence: MIT}}], holdout: 0}\n"
    (folder / "modelwright.yaml").write_text(f"name: small\n{lines}{settings}")
    return folder


def test_the_second_waits_some_seconds_and_then_is_told_who_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = start(
        """
        import sys, time
        from pathlib import Path
        from modelwright.core.storage import lock
        with lock(Path(sys.argv[1])):
            print("1", flush=True); time.sleep(float(sys.argv[2]))
        """, tmp_path / "lock", 2.5,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    monkeypatch.setattr(storage, "WAIT_SECONDS", 0.2)
    with (
        pytest.raises(Busy, match=rf"pid {holder.pid} on .* since \d\d:\d\d:\d\d") as told,
        storage.lock(tmp_path / "lock"),
    ):
        pass
    assert "run again" in told.value.hint
    monkeypatch.setattr(storage, "WAIT_SECONDS", 30)
    with storage.lock(tmp_path / "lock"):
        holder.communicate(timeout=10)


def test_two_processes_run_tag_and_read_one_project_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = small(tmp_path / "project")
    modelwright.load(folder).run()
    tagging = """
    import json, os, sys, modelwright
    project = modelwright.load(sys.argv[1])
    for number in range(12):
        project.tag(f"{sys.argv[2]}-{number}", "pile@1")
        assert project.sql("select document from documents", "pile@1").num_rows == 6
    print(json.dumps("done"), flush=True)
    os._exit(0)
    """
    at_once = [
        start(RUN, folder, "prepare.dedup=[exact]"),
        start(RUN, folder, "prepare.holdout=0.4"),
        start(tagging, folder, "anna"),
        start(tagging, folder, "ben"),
    ]
    first, second, *done = printed(*at_once)
    assert done == ["done", "done"]
    assert sorted([first, second], key=str) == [["pile@2"], ["pile@3"]]
    project = modelwright.load(folder)
    assert set(project.records.tags()) == {f"{name}-{n}" for name in ("anna", "ben") for n in range(12)}
    assert [row["pile"] for row in project.pile_log()] == ["pile@1", "pile@2", "pile@3"]
    assert project.verify()["problems"] == []


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from postgres_server.server()


@pytest.fixture
def team(url: str, tmp_path: Path) -> str:
    """The section `run` of a project of this test's own in a team's catalogue and ledger."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{tmp_path.name}"')
    mine = url.replace("/postgres?", f"/{tmp_path.name}?")
    return f'run: {{catalog: "{mine}", ledger: "{mine}", storage: "{tmp_path}/shared"}}\n'


def test_a_team_on_postgresql_makes_piles_at_once_in_two_folders_and_nothing_is_lost(team: str, tmp_path: Path) -> None:
    folders = [small(tmp_path / name, team) for name in ("anna", "ben")]
    (folders[1] / "corpus" / "more.txt").write_text("Ben has one more text, and it is his own.\n" * 20)
    made = printed(*(start(RUN, folder) for folder in folders))
    assert sorted(made, key=str) == [["pile@1"], ["pile@2"]]
    refs = [names[0] for names in made]
    again = printed(*(start(RUN, folder, "prepare.holdout=0.4") for folder in folders))
    assert sorted(again, key=str) == [["pile@3"], ["pile@4"]]
    for folder, ref, rows in zip(folders, refs, (6, 7), strict=True):
        with loaded(folder) as project:
            assert {row["pile"] for row in project.pile_log()} == {"pile@1", "pile@2", "pile@3", "pile@4"}
            assert project.sql("select text from documents", ref).num_rows == rows
            assert project.reader(ref).problems() == []
            assert not (folder / ".modelwright" / "catalog.db").exists()
            project.tag(f"of-{folder.name}", ref)
            project.prune(0)  # while others hold versions, their tables stay
            with pytest.raises(Refused, match="lie on other machines"):
                shrink_tables(project.project, project.records, gone=["pile@0"])
    for folder, ref in zip(folders, refs, strict=True):
        with loaded(folder) as project:
            assert project.reader(ref).problems() == []


def test_a_name_that_someone_else_took_is_told_and_the_next_run_takes_the_next(team: str, tmp_path: Path) -> None:
    folder = small(tmp_path / "late", team)
    from modelwright.govern.records import Records

    real = Records.append

    def first_comes_another(records: Records, kind: str, *rest: object, **more: object) -> object:
        if kind == "artifact":
            assert records.ledger is not None
            from modelwright.govern import keys

            theirs = {"artifact": {"kind": "pile", "version": 1, "digest": "ab" * 32}}
            records.ledger.append("artifact", [{"name": "pile@1", "digest": "ab" * 32}], theirs, keys.signer())
        return real(records, kind, *rest, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, loaded(folder) as project:
        patch.setattr(Records, "append", first_comes_another)
        with pytest.raises(Busy, match=r"pile@1 was recorded by someone else meanwhile") as told:
            project.run()
        assert not (project.home / "pile" / "1").exists()
    assert "next number" in told.value.hint
    with loaded(folder) as project:
        assert [step["artifact"] for step in project.run()] == ["pile@2"]


def test_a_pile_waits_for_the_team_and_says_for_whom(
    team: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modelwright.load(small(tmp_path / "x", team))
    home = tmp_path / "x" / ".modelwright"
    monkeypatch.setattr(storage, "WAIT_SECONDS", 0.2)
    with catalogs.making(home), pytest.raises(Busy, match=r"someone else \(pid \d+ of .* on "), catalogs.making(home):
        pass
    with catalogs.making(home):
        pass


def test_publishes_at_once_to_one_team_keep_every_row(team: str, tmp_path: Path) -> None:
    code = """
    import sys
    from pathlib import Path
    from made_pile import BOOKS, Made, published
    from modelwright.core import storage as waits
    from modelwright.engines import catalogs
    waits.WAIT_SECONDS = 200
    home, url, storage, number = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    catalogs.use(home, url, "small", storage)
    for version in range(3):
        own = Made("own", f"{number}-{version}", f"text {version} of {number}")
        published(home, [*BOOKS, own], version=number + version)
    print("1", flush=True)
    """
    url = team.split('"')[1]
    homes = {10: tmp_path / "one", 20: tmp_path / "two", 30: tmp_path / "three"}
    at_once = [start(code, home, url, tmp_path / "shared", number) for number, home in homes.items()]
    assert printed(*at_once) == [1, 1, 1]
    for number, home in homes.items():
        catalogs.use(home, url, "small", tmp_path / "shared")
        for version in range(number, number + 3):
            opened = reader(home, version)
            assert opened.problems() == []
            assert f"{number}-{version - number}" in opened.documents()["origin"].to_pylist()
    with iceberg.opened(homes[10]) as catalog:
        tags = catalog.load_table("pile.documents").refs()
        texts = catalog.load_table("pile.texts").scan().to_arrow()["digest"].to_pylist()
    assert {f"pile@{number + n}" for number in homes for n in range(3)} <= set(tags)
    assert len(texts) == len(set(texts)) == 5 + 9


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("run: {catalog: 'mysql://x/y'}", "no catalogue can be kept at 'mysql'"),
        ("run: {catalog: 'postgresql://me:secret@host/data'}", "holds a password"),
        ("run: {catalog: 'postgresql://me@host/data', storage: 's3://bucket'}", "no folder"),
        ("run: {storage: /mnt/shared}", r"without run\.catalog"),
    ],
)
def test_a_catalogue_that_cannot_be_is_refused_at_once(settings: str, said: str, tmp_path: Path) -> None:
    folder = small(tmp_path / "project", settings)
    with pytest.raises(UsageError, match=said) as told:
        modelwright.load(folder)
    assert "secret" not in f"{told.value.message} {told.value.hint} {told.value.value}"
