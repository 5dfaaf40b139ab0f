"""PyTorch: any Hugging Face causal model, answered one request at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from modelwright.deploy.server import Engine, Server

if TYPE_CHECKING:
    from modelwright.models.inference import Loaded, Piece


class Torch(Server):
    """PyTorch: any Hugging Face causal model, on CPU or GPU, one answer at a time."""

    version: ClassVar[int] = 1
    threads: int | None = Field(None, gt=0, description="torch threads; default: the machine's cores")

    def open(self, model: Path, adapter: Path | None, device: str) -> Engine:
        import torch

        from modelwright.core.machine import machine
        from modelwright.models import inference

        torch.set_num_threads(self.threads or machine().cores)
        return TorchEngine(inference.load(model, adapter, device))


class TorchEngine:
    """A model in memory behind the server's interface."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.context_length: int = loaded.context_length
        self.tokenizer: Any = loaded.tokenizer

    def encode(self, text: str, *, templated: bool = False) -> list[int]:
        from modelwright.models import inference

        if templated:  # the model's own template writes its own beginning
            return [int(token) for token in self.tokenizer.encode(text, add_special_tokens=False)]
        return inference.prompt_ids(self.loaded, text)

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
        from modelwright.models import inference

        return inference.generate(
            self.loaded,
            prompt_ids,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            stop=tuple(stop),
            seed=seed,
        )
