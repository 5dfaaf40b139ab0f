"""Prompts and answers, in their own SQLite file apart from the ledger, so that they can be forgotten.

What is kept for good are digests keyed per answer (HMAC-SHA256): once key and text are erased, nothing can be guessed
from them. Times are UTC, ISO 8601 with seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from modelwright.core.errors import StorageError

FILE_NAME = "answers.db"


@dataclass(frozen=True)
class Answer:
    """One answer. `prompt`, `text`, `key` and `receipt` are None once erased, or when they were never to be kept.

    `digest` is the model's; `prompt_digest` and `text_digest` are `keyed_digest(..., key)`; `tokens` are those of the
    answer; `seconds` from the arrival of the request to the last token; `receipt` is JSON, None where none was asked.
    """

    id: str
    at: str
    kind: str
    release: str
    digest: str
    prompt_digest: str
    text_digest: str
    key: str | None
    prompt: str | None
    text: str | None
    template: str | None
    prompt_tokens: int
    tokens: int
    seconds: float
    finish_reason: str
    expires_at: str | None
    receipt: str | None = None

    def statement(self) -> dict[str, Any]:
        """What the maker of a receipt is given: all but the store's own key and date. It must not publish the texts."""
        hidden = ("key", "expires_at", "receipt")
        return {name: value for name, value in asdict(self).items() if name not in hidden}


_COLUMNS = tuple(field.name for field in fields(Answer))
_TYPES = {"prompt_tokens": "INTEGER", "tokens": "INTEGER", "seconds": "REAL"}
# Numbered and append-only: a change of the schema is one more function of the list.
_MIGRATIONS = (
    "CREATE TABLE answer ("
    + ", ".join(f"{name} {_TYPES.get(name, 'TEXT')}" + (" PRIMARY KEY" if name == "id" else "") for name in _COLUMNS)
    + ") STRICT; CREATE INDEX answer_expiry ON answer (expires_at) WHERE expires_at IS NOT NULL;",
)


def keyed_digest(text: str, key: str) -> str:
    """HMAC-SHA256 (hex) of the UTF-8 `text` under the hex `key`."""
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()


def new_key() -> str:
    """32 random bytes as hex."""
    return secrets.token_hex(32)


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expiry(moment: datetime, retention_days: int) -> str:
    return stamp(moment + timedelta(days=retention_days))


class Answers:
    """The store. Safe to use from several threads; close it, or use it in `with`."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises StorageError when the place cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)
            self._lock = threading.Lock()
            self._migrate()
            self.expire(now())
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"the store of answers cannot be opened: {error}",
                hint=f"check the owner and mode of {path}",
                value=str(path),
            ) from error

    def _migrate(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten
        done = self._connection.execute("PRAGMA user_version").fetchone()[0]
        for number, statements in enumerate(_MIGRATIONS[done:], start=done + 1):
            self._connection.executescript(f"BEGIN IMMEDIATE; {statements} PRAGMA user_version={number}; COMMIT;")

    def __enter__(self) -> Answers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            try:
                yield self._connection.cursor()
            except sqlite3.Error as error:
                raise StorageError(f"the store of answers refused: {error}", hint="is the disk full?") from error

    def add(self, answer: Answer) -> None:
        """Keep one answer, and erase those whose time has come."""
        values = asdict(answer)
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        with self._cursor() as cursor:
            cursor.execute(f"INSERT INTO answer ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
        self.expire(now())

    def get(self, answer: str) -> Answer | None:
        with self._cursor() as cursor:
            row = cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM answer WHERE id = ?", (answer,)).fetchone()
        return None if row is None else Answer(*row)

    def recent(self, limit: int = 20) -> list[Answer]:
        """Newest first."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM answer ORDER BY rowid DESC LIMIT ?"
        with self._cursor() as cursor:
            return [Answer(*row) for row in cursor.execute(query, (limit,)).fetchall()]

    def kept(self) -> Iterator[tuple[str, str]]:
        """(id, prompt and text) of every answer whose texts are kept."""
        query = "SELECT id, coalesce(prompt, '') || char(10) || coalesce(text, '') FROM answer WHERE key IS NOT NULL"
        with self._cursor() as cursor:
            rows: list[tuple[str, str]] = cursor.execute(query).fetchall()
        yield from rows

    def compact(self) -> None:
        """Write the file anew without what was erased, and empty its log."""
        with self._cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def erase(self, answer: str) -> bool:
        """Forget prompt, text, key and receipt of one answer; True when it was there."""
        return self._forget("id = ?", answer) > 0

    def expire(self, moment: datetime) -> int:
        """Forget prompt, text, key and receipt of all answers whose retention ended by `moment`; returns how many."""
        return self._forget("expires_at <= ?", stamp(moment))

    def _forget(self, condition: str, value: str) -> int:
        with self._cursor() as cursor:
            cursor.execute(
                "UPDATE answer SET prompt = NULL, text = NULL, key = NULL, receipt = NULL, expires_at = NULL "
                f"WHERE {condition}",
                (value,),
            )
            return cursor.rowcount
