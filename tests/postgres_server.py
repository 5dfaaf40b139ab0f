"""A PostgreSQL server for tests, started where its programs and the driver are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin")]
PROGRAMS = next((place for place in PLACES if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def server() -> Iterator[str]:
    """Yields the URL of a server that ends with the test; skips where there is none."""
    pytest.importorskip("psycopg")
    if PROGRAMS is None:
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's folders: those are closed to the user that the server runs as, and too deep for its socket.
    with tempfile.TemporaryDirectory(prefix="modelwright-postgres-") as name:
        yield from _server(Path(name), PROGRAMS)


def _server(folder: Path, programs: Path) -> Iterator[str]:
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no setpriv to leave it")
        as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        shutil.chown(folder, 65534, 65534)
    data, control = folder / "data", [*as_user, str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    make = [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "modelwright", "-A", "trust", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, cwd="/")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    log = ["-l", str(folder / "log"), "-o", options]
    subprocess.run([*control, *log, "start"], check=True, capture_output=True, cwd="/")
    yield f"postgresql://modelwright@/postgres?host={folder}"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")
