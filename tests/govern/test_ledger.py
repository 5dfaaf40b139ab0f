"""The ledger: only grows, chained and signed, shared by several processes, quick to read."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import MissingExtra, StorageError
from modelwright.govern import keys, schema, statements
from modelwright.govern.ledger import Ledger, event_digest

SUBJECT = [{"name": "pile@1", "digest": "ab" * 32}]


def test_an_event_says_who_said_what_after_what(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        event = ledger.append("artifact", SUBJECT, {"facts": {"documents": 3}}, keys.signer())
        first, second = ledger.events()
    assert (first.kind, second.kind) == ("key", "artifact")
    assert second == event
    assert first.prev == schema.GENESIS
    assert second.prev == first.digest == event_digest(first.prev, first.envelope)
    assert second.statement["_type"] == "https://in-toto.io/Statement/v1"
    assert second.subject == [{"name": "pile@1", "digest": {"sha256": "ab" * 32}}]
    assert second.predicate["ledger"] == {"seq": 2, "prev": first.digest, "at": second.at}
    assert second.predicate["facts"] == {"documents": 3}
    public = keys.verifiers(ledger.public_keys().values())
    assert statements.verify(second.envelope, public) == [keys.signer().public_key.keyid]


def test_reopening_finds_the_same_events_and_goes_on(tmp_path: Path) -> None:
    for number in range(3):
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            ledger.append("tag", SUBJECT, {"name": f"t{number}"}, keys.signer())
    with Ledger.open(tmp_path / "ledger.db", create=False) as ledger:
        assert [event.seq for event in ledger.events()] == [1, 2, 3, 4]
        assert [event.predicate["name"] for event in ledger.events("tag")] == ["t0", "t1", "t2"]
        head = ledger.head()
        assert head is not None
        assert head.predicate["name"] == "t2"
        assert [event.seq for event in ledger.events(after=2)] == [3, 4]


def test_a_ledger_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no ledger"):
        Ledger.open(tmp_path / "none" / "ledger.db", create=False)
    assert not (tmp_path / "none").exists()


def test_a_ledger_in_a_folder_that_cannot_be_written_is_read_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        ledger.append("tag", SUBJECT, {"name": "t"}, keys.signer())
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Ledger.open(path, create=False) as ledger:
        assert [event.kind for event in ledger.events()] == ["key", "tag"]
        with pytest.raises(StorageError, match="readonly"):
            ledger.append("tag", SUBJECT, {}, keys.signer())
    with Ledger.open(path) as writer:
        event = writer.append("tag", SUBJECT, {"name": "in the log"}, keys.signer())
        with Ledger.open(path, create=False) as ledger:
            assert ledger.head() == event
    assert sorted(item.name for item in tmp_path.iterdir()) == ["ledger.db"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET kind = 'x' WHERE seq = 2",
        "UPDATE event SET statement = replace(statement, 'a', 'b')",
        "DELETE FROM event WHERE seq = 2",
        "DELETE FROM event",
        "INSERT OR REPLACE INTO event SELECT seq, 'x', at, prev, digest, statement FROM event WHERE seq = 2",
        "INSERT INTO event SELECT 9, kind, at, 'p', 'd', statement FROM event WHERE seq = 2",
        "INSERT INTO event SELECT 4, kind, at, 'p', 'd', statement FROM event WHERE seq = 2",
    ],
)
def test_the_database_itself_refuses_to_change_the_past(tmp_path: Path, statement: str) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        for _ in range(2):
            ledger.append("tag", SUBJECT, {}, keys.signer())
        before = [event.row() for event in ledger.events()]
        raw = sqlite3.connect(tmp_path / "ledger.db")
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            raw.execute(statement)
        raw.close()
        assert [event.row() for event in ledger.events()] == before
        assert ledger.damage() == []


def test_processes_append_at_once_without_loss(tmp_path: Path) -> None:
    path, each, writers = tmp_path / "ledger.db", 40, 3
    keys.signer()
    code = (
        "import sys; from modelwright.govern import keys; from modelwright.govern.ledger import Ledger\n"
        "with Ledger.open(sys.argv[1]) as ledger:\n"
        "    for n in range(int(sys.argv[3])):\n"
        "        ledger.append('tag', [], {'writer': sys.argv[2], 'n': n}, keys.signer())\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(writer), str(each)], stderr=subprocess.PIPE)
        for writer in range(writers)
    ]
    for run in runs:
        _, said = run.communicate()
        assert run.returncode == 0, said.decode()
    with Ledger.open(path) as ledger:
        events = list(ledger.events())
        assert ledger.damage() == []
    assert [event.seq for event in events] == list(range(1, each * writers + 2))
    assert all(later.prev == earlier.digest for earlier, later in pairwise(events))
    written = [(event.predicate["writer"], event.predicate["n"]) for event in events if event.kind == "tag"]
    for writer in range(writers):
        assert [n for name, n in written if name == str(writer)] == list(range(each))
    assert sum(event.kind == "key" for event in events) == 1


def test_a_thousand_events_are_opened_and_read_in_a_fifth_of_a_second(tmp_path: Path) -> None:
    settings_of_a_run = {f"prepare.rules.gopher.option_{n}": n for n in range(40)}
    signer = keys.signer()
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        for number in range(1000):
            ledger.append("artifact", SUBJECT, {"settings": settings_of_a_run, "number": number}, signer)
    best = 9.0
    for _ in range(3):
        begun = time.perf_counter()
        with Ledger.open(tmp_path / "ledger.db", create=False) as ledger:
            total = sum(event.predicate["number"] for event in ledger.events("artifact"))
        best = min(best, time.perf_counter() - begun)
    assert total == 499_500
    assert best < 0.2


def test_a_ledger_of_the_future_is_not_touched(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.append("tag", SUBJECT, {}, keys.signer())
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.execute("INSERT INTO ledger_schema VALUES (99)")
    raw.commit()
    raw.close()
    with pytest.raises(StorageError, match="schema 99"):
        Ledger.open(tmp_path / "ledger.db")


def test_a_file_that_is_no_database_is_an_error_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is not a database, it is a text of some length" * 50)
    with pytest.raises(StorageError, match="not a database") as raised:
        Ledger.open(tmp_path / "ledger.db")
    assert "bundle" in raised.value.hint


def test_a_server_without_its_driver_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra) as raised:
        Ledger.open("postgresql://localhost/none")
    assert "modelwright[postgres]" in raised.value.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6).filter(lambda key: key != "ledger"), json_values, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_recorded_and_its_signature_holds(tmp_path: Path, predicate: dict[str, Any]) -> None:
    signer = keys.signer()
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        event = ledger.append("artifact", SUBJECT, predicate, signer)
        assert ledger.head() == event
        assert set(event.predicate) == {*predicate, "ledger"}
        verifiers = keys.verifiers(ledger.public_keys().values())
    assert statements.verify(event.envelope, verifiers) == [signer.public_key.keyid]
