"""The ledger on a real PostgreSQL server, started for these tests where its programs and the driver are installed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest

from modelwright.govern import keys
from modelwright.govern.ledger import Ledger
from modelwright.govern.verify import verify


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from postgres_server.server()


def test_the_ledger_lives_on_a_server_and_refuses_to_change_the_past(url: str, tmp_path: Path) -> None:
    import psycopg

    signer = keys.signer()
    with Ledger.open(url) as ledger, Ledger.open(url) as other:

        def write(target: Ledger, name: str) -> None:
            for number in range(25):
                target.append("tag", [{"name": name, "digest": "ab" * 32}], {"n": number}, signer)

        writers = [
            threading.Thread(target=write, args=(target, name)) for target, name in ((ledger, "a"), (other, "b"))
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        events = list(ledger.events())
        assert [event.seq for event in events] == list(range(1, 52))
        assert verify(ledger, tmp_path, tmp_path)["ok"]
        with psycopg.connect(url, autocommit=True) as raw:
            for statement in (
                "UPDATE event SET kind = 'x' WHERE seq = 2",
                "DELETE FROM event WHERE seq = 2",
                "TRUNCATE event",
                "INSERT INTO event SELECT 99, kind, at, 'p', 'd', statement FROM event WHERE seq = 2",
            ):
                with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                    raw.execute(statement)
            raw.execute("ALTER TABLE event DISABLE TRIGGER event_no_update")
            raw.execute("UPDATE event SET at = '2020' WHERE seq = 7")
        found = verify(ledger, tmp_path, tmp_path)
    assert not found["ok"]
    assert any("event_no_update" in problem["found"] for problem in found["problems"])
    assert any(problem["where"].startswith("event 7 ") for problem in found["problems"])
