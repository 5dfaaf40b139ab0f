"""Base of model families: from a few dials to a transformers config. (Not called Family: this file is no plugin.)"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from modelwright.core.spec import Options


class ModelFamily(Options):
    """A kind of model, built by transformers from a config, so that every tool that knows it loads it unchanged."""

    context: int = Field(512, ge=8, le=131_072, description="tokens that the model reads at once")

    def config(self, vocabulary: int, end_of_text: int) -> Any:
        """The transformers config. `vocabulary` is the number of token ids; imports transformers."""
        raise NotImplementedError(type(self).__name__)

    def parameters(self, vocabulary: int) -> int:
        """Exact number of parameters, tied ones once; without torch."""
        raise NotImplementedError(type(self).__name__)

    def shape(self, vocabulary: int) -> dict[str, int]:
        """What the dials come to, for plans and cards: layers, width, heads, ... Without torch."""
        raise NotImplementedError(type(self).__name__)
