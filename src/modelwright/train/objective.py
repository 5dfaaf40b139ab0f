"""Base of training objectives: which windows there are, what a step reads from them, and the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.spec import Options

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch


class Objective(Options):
    """What a model learns from a window of tokens."""

    def batch(
        self, tokens: npt.NDArray[Any], spans: npt.NDArray[np.int64], context: int, end_of_text: int
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Arrays of a batch. `spans` int64 [windows, 2] are the token ranges [start, end) that are to be learned,
        each at most `context` long; the result's arrays have the shape [windows, context]."""
        raise NotImplementedError(type(self).__name__)

    def loss(self, model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Sum (not mean) of the loss over the predicted tokens of a batch, in nats, float32 scalar."""
        raise NotImplementedError(type(self).__name__)
