"""The journal of a takedown that is under way: what is to be done, and what is done. Digests and names, no text.

It stands from before the first change to after the last; while it does, the next `run` or `takedown --execute`
finishes the takedown. Every phase can be done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.storage import read_json, write_json

FOLDER = "takedown"
TEXTS = {"pile": "piles", "tokens": "tokens", "pairs": "pairs"}
"""Kinds of artifacts that hold texts, and the names under which `reach` lists them."""


@dataclass
class Journal:
    """value: id, asked (kind), reason, documents (ids), digests, held, reach, files, current, bytes_before, and what
    the phases add: replaced (old -> new), differences, notes, removed."""

    path: Path
    value: dict[str, Any] = field(default_factory=dict)

    @property
    def takedown(self) -> str:
        return self.path.stem

    def __getitem__(self, name: str) -> Any:
        return self.value[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.value.get(name, default)

    def set(self, **changes: Any) -> None:
        """Write changes to disk before anything relies on them."""
        self.value |= changes
        write_json(self.path, self.value)

    def close(self) -> None:
        self.path.unlink(missing_ok=True)


def new(home: Path, takedown: str) -> Journal:
    return Journal(home / FOLDER / f"{takedown}.json")


def pending(home: Path) -> list[Journal]:
    """Takedowns that were begun and not finished, in order of their ids."""
    return [Journal(path, read_json(path)) for path in sorted((home / FOLDER).glob("*.json"))]
