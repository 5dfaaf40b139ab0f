"""Qwen3: a decoder with grouped queries, QK-norm, rotary positions and SwiGLU (Qwen team, arXiv:2505.09388)."""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field

from modelwright.core.errors import UsageError
from modelwright.core.spec import Size
from modelwright.models.family import ModelFamily

WIDTH_PER_LAYER = 64  # width / depth that is aimed at, as in nanochat; 37 in Qwen3-0.6B, 73 in Qwen3-1.7B
INTERMEDIATE_PER_WIDTH = 3  # as in Qwen3-0.6B to 8B


class Qwen3(ModelFamily):
    """Decoder for text and code (Qwen3 class): one dial, `size`, gives depth, width and heads."""

    size: Size = Field(
        3_000_000, description="parameters in all, embeddings included; `3M`; met as closely as the grid allows"
    )
    layers: int | None = Field(None, ge=1, description="depth, instead of the one that follows from size")
    width: int | None = Field(None, ge=32, multiple_of=32, description="hidden size, instead of the one that follows")
    heads: int | None = Field(None, ge=1, description="query heads; the width of a head is then width / heads")
    key_value_heads: int | None = Field(None, ge=1, description="key and value heads; divides heads")
    intermediate: int | None = Field(None, ge=32, multiple_of=32, description="inner width of the feed-forward layers")
    rope_theta: float = Field(10_000.0, gt=0, description="base of the rotary positions; more for contexts over 4,096")

    def shape(self, vocabulary: int) -> dict[str, int]:
        """Layers, width, heads, key_value_heads, head_width, intermediate for a vocabulary.

        Among all widths with an even number of heads, the best trade of distance to `size` against distance to
        64 of width per layer. Raises UsageError where explicit options contradict each other.
        """
        best: tuple[float, int, int] | None = None
        for width in [self.width] if self.width else range(32, 16_385, 32):
            if self._fits(width):
                rest = self.size - vocabulary * width - width
                depth = self.layers or max(1, round(rest / self._layer(width)))
                total = vocabulary * width + width + depth * self._layer(width)
                misfit = 10 * abs(math.log(total / self.size)) + abs(math.log(width / depth / WIDTH_PER_LAYER))
                if best is None or misfit < best[0]:
                    best = (misfit, width, depth)
        if best is None:
            hint = "heads divides width into even parts, key_value_heads divides heads"
            raise UsageError("width, heads and key_value_heads of qwen3 do not fit together", hint=hint)
        return {"layers": best[2], "width": best[1], **self._dials(best[1])}

    def _fits(self, width: int) -> bool:
        if not (self.width or self.heads) and width >= 128 and width % (2 * _head_width(width)):
            return False
        dials = self._dials(width)
        return (
            dials["heads"] * dials["head_width"] == width
            and dials["head_width"] % 2 == 0
            and dials["heads"] % dials["key_value_heads"] == 0
        )

    def _dials(self, width: int) -> dict[str, int]:
        heads = self.heads or width // math.gcd(width, _head_width(width))
        key_value_heads = self.key_value_heads or (heads // 2 if heads >= 4 and heads % 2 == 0 else heads)
        return {
            "heads": heads,
            "key_value_heads": key_value_heads,
            "head_width": width // heads,
            "intermediate": self.intermediate or INTERMEDIATE_PER_WIDTH * width,
        }

    def _layer(self, width: int) -> int:
        """Parameters of one layer."""
        dials = self._dials(width)
        attention = 2 * width * width + 2 * width * dials["key_value_heads"] * dials["head_width"]
        return attention + 3 * width * dials["intermediate"] + 2 * width + 2 * dials["head_width"]

    def parameters(self, vocabulary: int) -> int:
        """Exact number of parameters (embeddings are tied to the head and count once)."""
        shape = self.shape(vocabulary)
        return vocabulary * shape["width"] + shape["width"] + shape["layers"] * self._layer(shape["width"])

    def config(self, vocabulary: int, end_of_text: int) -> Any:
        """A transformers Qwen3Config with tied embeddings; end-of-text begins and ends a text."""
        from transformers import Qwen3Config

        shape = self.shape(vocabulary)
        return Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=shape["width"],
            intermediate_size=shape["intermediate"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            num_key_value_heads=shape["key_value_heads"],
            head_dim=shape["head_width"],
            max_position_embeddings=self.context,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": self.rope_theta},
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
            pad_token_id=None,
        )


def _head_width(width: int) -> int:
    """Width of a head: 32 in tiny models, 64 from a width of 512, 128 (as in Qwen3) from 2,048."""
    return 32 if width < 512 else 64 if width < 2048 else 128
