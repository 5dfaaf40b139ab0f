"""Which Iceberg catalogue a project writes to: SQLite in its own folder, or one that a team shares on PostgreSQL.

Writers of one catalogue take turns: a lock beside the SQLite file, an advisory lock of the PostgreSQL server. The
server frees it when its holder dies. A password stands in no file of a project: `PGPASSWORD` or `~/.pgpass` hold it.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from modelwright.core import storage
from modelwright.core.errors import Busy, MissingExtra, StorageError, UsageError
from modelwright.engines.rebase import CATALOG, LOCK, WAREHOUSE, location

WRITING, MAKING = "writing", "making"
"""Locks of a catalogue: on its tables while files are written; on the number of a version until it is recorded."""


@dataclass(frozen=True)
class Shared:
    """A team's catalogue: SQLAlchemy URL, the project's name within it, the folder of data that everyone sees."""

    url: str
    name: str
    warehouse: Path


_SHARED: dict[Path, Shared] = {}


def use(home: Path, url: str | None, name: str, warehouse: Path | None) -> None:
    """From now on the project folder `home` writes to this catalogue; None: to its own. Opens nothing.

    Raises UsageError for a URL of another kind of server, and for one with a password in it.
    """
    home = home.resolve()
    if url is None:
        _SHARED.pop(home, None)
        return
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme not in ("postgresql", "postgres"):
        hint = "write `postgresql://user@host/database`; left out: SQLite below `run.out`"
        raise UsageError(f"run.catalog: no catalogue can be kept at {scheme!r}", hint=hint, value=scheme)
    if urlsplit(url).password:
        hint = "leave it out of the URL: PGPASSWORD or ~/.pgpass gives it"
        raise UsageError("run.catalog holds a password, and the project file is no place for one", hint=hint)
    url = f"postgresql+psycopg://{url.partition('://')[2]}"
    _SHARED[home] = Shared(url, name, (warehouse or home / WAREHOUSE).resolve())


def shared(home: Path) -> Shared | None:
    """The team's catalogue that `home` writes to; None for one of its own."""
    return _SHARED.get(home.resolve())


def place(home: Path) -> str:
    """Where the catalogue is, as people read it."""
    team = shared(home)
    return f"{team.url} ({team.name})" if team else str(home / CATALOG)


def properties(home: Path) -> tuple[str, dict[str, str]]:
    """Name and properties of the pyiceberg SqlCatalog of `home`; the folder for data is made."""
    team, here = shared(home), home.resolve()
    if team:
        team.warehouse.mkdir(parents=True, exist_ok=True)
        return team.name, {"uri": team.url, "warehouse": location(team.warehouse), "pool_pre_ping": "true"}
    (here / WAREHOUSE).mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{quote(str(here / CATALOG))}"
    return "pile", {"uri": uri, "warehouse": f"{location(here)}/{WAREHOUSE}"}


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Alone with the tables of `home`'s catalogue. Waits some seconds, then raises Busy with who is at work."""
    team = shared(home)
    with storage.lock(home / LOCK, what="the pile"), _turn(team, WRITING) if team else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def making(home: Path) -> Iterator[None]:
    """Alone with the next version's number, in a team; a project of its own has the lock of its folder for that."""
    team = shared(home)
    with _turn(team, MAKING) if team else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _turn(team: Shared, what: str) -> Iterator[None]:
    import sqlalchemy as sa

    key = int.from_bytes(hashlib.sha256(f"modelwright {team.name} {what}".encode()).digest()[:4], "big") >> 1
    try:
        engine = sa.create_engine(team.url, connect_args={"application_name": _self()}, isolation_level="AUTOCOMMIT")
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "postgres") from error
    try:
        with engine.connect() as connection:
            _wait(connection, key, team)
            yield
    except sa.exc.OperationalError as error:
        said = str(error.orig).strip()
        raise StorageError(f"the catalogue {team.url} refuses: {said}", hint="check `run.catalog`") from error
    finally:
        engine.dispose()  # the server frees the lock with the connection


def _wait(connection: Any, key: int, team: Shared) -> None:
    until = time.monotonic() + storage.WAIT_SECONDS
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar():
        if time.monotonic() > until:
            query = (
                "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) "
                f"WHERE locktype = 'advisory' AND granted AND objid = {key}"
            )
            owner = str(connection.exec_driver_sql(query).scalar() or "unknown")
            hint = "wait until it ends, then run again"
            raise Busy(f"someone else ({owner}) makes a pile of {team.name!r}", hint=hint, value=owner)
        time.sleep(0.1)


def _self() -> str:
    """At most 63 bytes, which the server keeps of it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        user = str(os.getuid())
    return f"pid {os.getpid()} of {user[:16]} on {socket.gethostname()[:24]}"
