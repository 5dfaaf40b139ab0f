"""What a tuning method is: it makes parts of a model trainable, trains them, and saves what it added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from modelwright.core.spec import Options, Share


@dataclass(frozen=True)
class Row:
    """One row of a batch as lists of equal length: token ids, labels (-100: no loss) and positions.

    Positions restart at 0 on the end-of-text token before each document, which keeps documents apart.
    """

    ids: Sequence[int]
    labels: Sequence[int]
    positions: Sequence[int]


@dataclass(frozen=True)
class Schedule:
    """Everything that fixes a tuning run, decided before its first step."""

    steps: int
    batch: int
    seed: int
    device: str
    padding: int
    save_every: int
    log_every: int


@dataclass(frozen=True)
class Hooks:
    """How a method reports, and how it learns that it should stop."""

    on_step: Callable[[int], None]
    on_metric: Callable[[int, str, float], None]
    stopping: Callable[[], bool]
    rewound: Callable[[int], None]


class Method(Options):
    """Base of tuning methods. A method is one file in `tune/methods/`."""

    replay: Share = Field(0.5, description="share of base data mixed in, against forgetting")
    batch_tokens: int = Field(2048, gt=0, description="tokens per step")
    passes: float = Field(10.0, gt=0, description="most passes over the examples within a budget of time")

    def attach(self, model: Any, seed: int) -> Any:
        """The model with its trainable parts, freshly initialised from `seed`."""
        raise NotImplementedError

    def train(
        self, model: Any, tokenizer: Any, row: Callable[[int], Row], schedule: Schedule, hooks: Hooks, folder: Path
    ) -> int:
        """Train on rows 0 .. steps * batch - 1, in order; resumes from what lies in `folder`. Returns the last step."""
        raise NotImplementedError

    def save(self, model: Any, folder: Path) -> None:
        """Write what tuning added into `folder`."""
        raise NotImplementedError
