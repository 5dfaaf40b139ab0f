"""Tables of the ledger, as numbered functions: a change of the schema is a new function at the end, never an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, inspect, select, text

from modelwright.core.errors import StorageError

GENESIS = "0" * 64  # what stands in `prev` of the first event

METADATA = MetaData()
EVENT = Table(
    "event",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False, index=True),
    Column("at", Text, nullable=False),
    Column("prev", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("statement", Text, nullable=False),
)
SCHEMA = Table("ledger_schema", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

# The insert trigger keeps the chain and stops INSERT OR REPLACE, which deletes rows without asking a delete trigger.
_SQLITE_TRIGGERS = {
    "event_no_update": "BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "event_no_delete": "BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "event_next": (
        "BEFORE INSERT ON event WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM event)"
        f" OR NEW.prev IS NOT coalesce((SELECT digest FROM event ORDER BY seq DESC LIMIT 1), '{GENESIS}')"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    ),
}
_POSTGRES_FUNCTIONS = (
    "CREATE FUNCTION event_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
    "CREATE FUNCTION event_next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM event) OR NEW.prev IS DISTINCT FROM"
    f" coalesce((SELECT digest FROM event ORDER BY seq DESC LIMIT 1), '{GENESIS}')"
    " THEN RAISE EXCEPTION 'the ledger is append-only'; END IF; RETURN NEW; END $$",
)
_POSTGRES_TRIGGERS = {
    "event_no_update": "BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION event_refuse()",
    "event_no_delete": "BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_refuse()",
    "event_no_truncate": "BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_refuse()",
    "event_next": "BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_next()",
}


def triggers(dialect: str) -> dict[str, str]:
    """Name -> definition of the triggers that must be there."""
    return _POSTGRES_TRIGGERS if dialect == "postgresql" else _SQLITE_TRIGGERS


def _1_events(connection: Connection) -> None:
    EVENT.create(connection)
    if connection.dialect.name == "postgresql":
        for function in _POSTGRES_FUNCTIONS:
            connection.exec_driver_sql(function)
    for name, body in triggers(connection.dialect.name).items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {body}")


VERSIONS: tuple[Callable[[Connection], None], ...] = (_1_events,)


def version(connection: Connection) -> int:
    """Version of the tables that are there; 0 in an empty database. Raises StorageError for one from the future."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    found = connection.execute(select(SCHEMA.c.version).order_by(SCHEMA.c.version.desc()).limit(1)).scalar() or 0
    if found > len(VERSIONS):
        raise StorageError(
            f"the ledger has schema {found}, this modelwright knows {len(VERSIONS)}",
            hint="install a newer modelwright",
            value=found,
        )
    return int(found)


def migrate(connection: Connection) -> None:
    """Bring the tables up to date, inside the caller's write transaction."""
    if connection.dialect.name == "postgresql":
        # Two processes that open an empty database at once: the second waits here and finds the tables.
        connection.execute(text("SELECT pg_advisory_xact_lock(7246391)"))
    done = version(connection)
    if done == 0:
        SCHEMA.create(connection, checkfirst=True)
    for number, step in enumerate(VERSIONS[done:], start=done + 1):
        step(connection)
        connection.execute(SCHEMA.insert().values(version=number))


def missing_triggers(connection: Connection) -> list[str]:
    """Names of triggers that are absent or say something else: someone opened a way to change the past."""
    wanted = triggers(connection.dialect.name)
    if connection.dialect.name == "postgresql":
        # tgenabled: O is "fires"; D is "disabled"
        rows: Any = connection.execute(
            text("SELECT tgname FROM pg_trigger WHERE tgrelid = 'event'::regclass AND tgenabled IN ('O', 'A')")
        )
        there = {row[0] for row in rows}
        return sorted(set(wanted) - there)
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    found = {row[0]: row[1] for row in rows}
    return sorted(name for name, body in wanted.items() if found.get(name) != f"CREATE TRIGGER {name} {body}")
