"""The ledger: one append-only, hash-chained, signed table of events (SQLite by default, PostgreSQL for a team).

`digest` of an event = SHA-256 over `prev`, a newline and the signed statement; the statement repeats `seq`, `prev` and
`at`, so that a signature covers the whole history before it: nobody without the key can reorder or leave out events.
Import this module inside functions: SQLAlchemy costs a quarter of a second.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from modelwright.core.errors import Busy, MissingExtra, StorageError
from modelwright.govern import schema, statements
from modelwright.govern.keys import public_of

WAIT_SECONDS = 60  # how long a writer waits for another one


@dataclass(frozen=True)
class Event:
    """One row. `envelope` is the DSSE JSON as stored; `statement` is decoded from it when asked for."""

    seq: int
    kind: str
    at: str
    prev: str
    digest: str
    envelope: str

    @functools.cached_property
    def statement(self) -> dict[str, Any]:
        """The in-toto Statement, signature unchecked. Raises IntegrityError when it cannot be read."""
        return statements.decode(self.envelope)

    @property
    def predicate(self) -> dict[str, Any]:
        found = self.statement.get("predicate")
        return found if isinstance(found, dict) else {}

    @property
    def subject(self) -> list[dict[str, Any]]:
        return list(self.statement.get("subject", []))

    def row(self) -> dict[str, Any]:
        """The row as plain JSON, as it stands in a bundle."""
        return {
            "seq": self.seq,
            "kind": self.kind,
            "at": self.at,
            "prev": self.prev,
            "digest": self.digest,
            "statement": self.envelope,
        }


def event_digest(prev: str, envelope: str) -> str:
    return hashlib.sha256(f"{prev}\n{envelope}".encode(errors="surrogateescape")).hexdigest()


class Ledger:
    """Opened by `Ledger.open`; a context manager. Safe to use from several threads and processes at once."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._known_keys: set[str] = set()

    @classmethod
    def open(cls, url_or_path: str | Path, *, create: bool = True) -> Ledger:
        """Open a ledger by path (SQLite) or SQLAlchemy URL, making its tables where there are none.

        With `create=False` nothing is written and a ledger that is not there raises StorageError.
        Raises MissingExtra without the PostgreSQL driver and StorageError when the place cannot be used.
        """
        text = str(url_or_path)
        if "://" not in text or text.startswith("sqlite"):
            path = Path(text.split(":///", 1)[-1])
            if not create and not path.exists():
                raise StorageError(f"there is no ledger at {path}", hint="`modelwright run` makes one", value=str(path))
            ledger = cls(_sqlite(path, write=create or os.access(path.parent, os.W_OK)))
        else:
            ledger = cls(_server(text))
        with _refusals(str(ledger.engine.url)):
            with ledger.engine.connect() as connection:
                there = schema.version(connection)
            if there < len(schema.VERSIONS) and create:
                with ledger._write() as connection:
                    schema.migrate(connection)
        return ledger

    def append(
        self,
        kind: str,
        subject: Iterable[Mapping[str, Any]],
        predicate: Mapping[str, Any],
        signer: Any,
        claim: str | None = None,
        after: int = 0,
    ) -> Event:
        """Sign and append one event; returns it. The signer's public key is put on record before its first event.

        subject    list of `{"name", "digest"}`, digest as hex SHA-256
        predicate  plain JSON; a key `ledger` is added with `seq`, `prev` and `at`
        claim      a name, such as `pile@3`, that no artifact or release after event `after` may have taken
        Raises Busy when the claimed name is taken (nothing is appended), StorageError when the database refuses (disk
        full, locked for more than a minute).
        """
        with _refusals(str(self.engine.url)), self._write() as connection:
            if claim is not None:
                _check_claim(connection, claim, after)
            head = _head(connection)
            public = public_of(signer)
            if public["keyid"] not in self._known_keys and not _has_key(connection, public["keyid"]):
                named = [{"name": "key", "digest": public["keyid"]}]
                head = _append(connection, head, "key", named, public, signer)
            event = _append(connection, head, kind, subject, predicate, signer)
        self._known_keys.add(public["keyid"])
        return event

    def events(self, kind: str | None = None, after: int = 0) -> Iterator[Event]:
        """Events in order, of one kind or of all; with `after`, only those with a greater `seq`."""
        table = schema.EVENT
        query = sa.select(table).where(table.c.seq > after).order_by(table.c.seq)
        if kind is not None:
            query = query.where(table.c.kind == kind)
        with _refusals(str(self.engine.url)), self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return (Event(*row) for row in rows)

    def head(self) -> Event | None:
        """The last event, or None in an empty ledger."""
        with _refusals(str(self.engine.url)), self.engine.connect() as connection:
            return _head(connection)

    def public_keys(self) -> dict[str, dict[str, Any]]:
        """Key id -> public key, as put on record by the `key` events."""
        return keys_on_record(self.events("key"))

    def damage(self) -> list[str]:
        """What the database itself finds wrong: absent triggers, damaged pages. Empty when sound."""
        with self.engine.connect() as connection:
            found = [f"trigger {name} is missing or changed" for name in schema.missing_triggers(connection)]
            if connection.dialect.name == "sqlite":
                lines = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(10)")]
                found += [line for line in lines if line != "ok"]
        return found

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        """A transaction that nobody else writes beside: `prev` is read and used under one lock."""
        with self.engine.connect().execution_options(ledger_write=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql" and schema.version(connection):
                connection.exec_driver_sql("LOCK TABLE event IN EXCLUSIVE MODE")
            yield connection


def keys_on_record(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """Key id -> public key from `key` events; one whose id is not its own is left out."""
    from modelwright.core.errors import InputError, IntegrityError
    from modelwright.govern.keys import check_public

    found: dict[str, dict[str, Any]] = {}
    for event in events:
        try:
            public = check_public(event.predicate, where=f"event {event.seq}")
        except (InputError, IntegrityError):
            continue  # `verify` names the event; here it only means that this key vouches for nothing
        found[public["keyid"]] = public
    return found


def _append(
    connection: sa.Connection,
    head: Event | None,
    kind: str,
    subject: Iterable[Mapping[str, Any]],
    predicate: Mapping[str, Any],
    signer: Any,
) -> Event:
    seq, prev = (head.seq + 1, head.digest) if head else (1, schema.GENESIS)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    place = {"seq": seq, "prev": prev, "at": at}
    envelope = statements.sign(statements.statement(kind, subject, {**predicate, "ledger": place}), signer)
    event = Event(seq, kind, at, prev, event_digest(prev, envelope), envelope)
    connection.execute(schema.EVENT.insert().values(**event.row()))
    return event


def _head(connection: sa.Connection) -> Event | None:
    row = connection.execute(sa.select(schema.EVENT).order_by(schema.EVENT.c.seq.desc()).limit(1)).first()
    return Event(*row) if row else None


def _check_claim(connection: sa.Connection, name: str, after: int) -> None:
    table = schema.EVENT
    query = sa.select(table).where(table.c.seq > after, table.c.kind.in_(("artifact", "release")))
    for event in (Event(*row) for row in connection.execute(query)):
        if any(item.get("name") == name for item in event.subject):
            signers = ", ".join(key[:12] for key in statements.key_ids(event.envelope))
            raise Busy(
                f"{name} was recorded by someone else meanwhile (event {event.seq}, key {signers})",
                hint="run again: it gets the next number, and what was measured is not measured again",
                value=name,
            )


def _has_key(connection: sa.Connection, keyid: str) -> bool:
    rows = connection.execute(sa.select(schema.EVENT).where(schema.EVENT.c.kind == "key")).all()
    return keyid in keys_on_record(Event(*row) for row in rows)


def _sqlite(path: Path, *, write: bool) -> sa.Engine:
    """SQLite in WAL mode. In a folder that cannot be written, the file is read as it stands."""
    if write:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            from modelwright.core.storage import storage_error

            raise storage_error(error, path) from error
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": WAIT_SECONDS})
    else:
        # Without a log beside it nothing is missing from the file, and no lock file needs to be made for it.
        log = path.with_name(f"{path.name}-wal")
        whole = "" if log.exists() and log.stat().st_size else "&immutable=1"
        url = f"sqlite:///file:{path}?mode=ro{whole}&uri=true"
        engine = sa.create_engine(url, connect_args={"timeout": WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        # A damaged byte must not stop the reading: `verify` names the event that holds it.
        connection.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # the record is the commit point of a long run

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("ledger_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _server(url: str) -> sa.Engine:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            url = "postgresql+psycopg://" + url[len(prefix) :]
    try:
        return sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "postgres") from error
    except sa.exc.ArgumentError as error:
        raise StorageError(f"no ledger can be opened at this URL: {error}", hint="run.ledger: a path or URL") from error


@contextmanager
def _refusals(place: str) -> Iterator[None]:
    """The database's refusal in words, with its cure."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig).strip()
        hints = {
            "full": "free some space (`modelwright prune`), then run again: finished work is kept",
            "locked": "another process writes to it: run again when it ends",
            "readonly": "check the owner and mode of the file and its folder",
            "unable to open": "check the owner and mode of the file and its folder",
            "malformed": "the file is damaged: restore it from a copy or a bundle",
            "not a database": "the file is damaged: restore it from a copy or a bundle",
        }
        hint = next((cure for word, cure in hints.items() if word in said), "check `run.ledger` and its server")
        raise StorageError(f"the ledger at {place} refuses: {said}", hint=hint, value=place) from error
