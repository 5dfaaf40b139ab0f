"""What a measurement of a detector yields, and the labelled files that it reads."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError


@dataclass(frozen=True)
class Figure:
    """One number with its interval.

    detector     what was measured, such as `natural language`
    measured_on  on which rows, such as `short sentences, 61 languages`
    metric       accuracy, precision, recall, f1, auc, share or hits_per_megabyte
    low, high    bounds of the 95 % interval; None where none is defined
    items        rows that count
    left_out     rows that do not, because the shipped weights learned from them
    at_least, at_most  the floor or ceiling that modelwright sets itself; None where it sets none
    """

    detector: str
    measured_on: str
    metric: str
    value: float
    low: float | None
    high: float | None
    items: int
    left_out: int = 0
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the floor or ceiling is met; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: `weight` orders them, the worst first; `text` is an excerpt of the labelled row."""

    detector: str
    text: str
    expected: str
    found: str
    weight: float


class MissingFile(InputError):
    """A labelled file that is not in the folder; `value` is its name. The detector counts as not measured."""


@dataclass(frozen=True)
class Labelled:
    """A folder of labelled files, named as in the shared data: `langid_text.jsonl.gz`, `pii_spans.jsonl` ...

    `asked` remembers every name that an evaluation looked for: the file that was found, or None.
    """

    folder: Path
    asked: dict[str, Path | None] = field(default_factory=dict, compare=False, repr=False)

    def path(self, name: str) -> Path | None:
        """The file `name`, `name.jsonl`, `.jsonl.gz`, `.txt.gz`, also with a word such as OFFENSIVE between."""
        found = sorted(path for path in self.folder.glob(f"{name}.*") if path.is_file())
        self.asked[name] = found[0] if found else None
        return self.asked[name]

    def has(self, *names: str) -> bool:
        return all([self.path(name) is not None for name in names])  # noqa: C419 - every name is remembered

    def rows(self, name: str) -> Sequence[dict[str, Any]]:
        """The rows of a JSON Lines file. Raises MissingFile, or InputError for a line that cannot be read."""
        return _rows(self.required(name))

    def text(self, name: str) -> str:
        """A text file as a whole. Raises MissingFile."""
        return _bytes(self.required(name)).decode("utf-8")

    def required(self, name: str) -> Path:
        path = self.path(name)
        if path is None:
            raise MissingFile(
                f"there is no {name} in {self.folder}", hint="name a folder of labelled files", value=name
            )
        return path


def _bytes(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


@cache
def _rows(path: Path) -> tuple[dict[str, Any], ...]:
    rows = []
    for number, line in enumerate(_bytes(path).splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise InputError(f"{path}:{number} is no JSON: {error}", value=str(path)) from error
    return tuple(rows)
