"""What a server is: an engine that turns prompts into text, and the limits under which it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from modelwright.core.spec import Options
from modelwright.models.inference import Piece


class Engine(Protocol):
    """A loaded model."""

    @property
    def context_length(self) -> int: ...
    @property
    def tokenizer(self) -> Any: ...

    def encode(self, text: str, *, templated: bool = False) -> list[int]:
        """Token ids that the model is given. Only in `templated` text do names of special tokens mean the tokens."""
        ...

    def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        max_tokens: int,
        temperature: float,
        top_p: float,
        stop: Sequence[str],
        seed: int | None,
    ) -> Iterator[Piece]:
        """Pieces of the answer; the last has a finish reason."""
        ...


class Server(Options):
    """Base of servers. A server is one file in `deploy/servers/`."""

    waiting: int = Field(16, ge=0, description="requests that may wait; one more is answered 429")
    max_tokens: int = Field(256, gt=0, description="tokens of an answer when the caller names no number")
    retention_days: int = Field(30, ge=0, description="days that prompts and answers are kept; 0: only digests")

    def open(self, model: Path, adapter: Path | None, device: str) -> Engine:
        """Load the model. Raises InputError when the folder is no model."""
        raise NotImplementedError
