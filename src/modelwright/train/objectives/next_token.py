"""Predict each token from those before it in the same document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.train.objective import Objective

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

IGNORED = -100  # target that torch's cross entropy leaves out


class NextToken(Objective):
    """Predict the next token; documents in one window do not see each other."""

    def batch(
        self, tokens: npt.NDArray[Any], spans: npt.NDArray[np.int64], context: int, end_of_text: int
    ) -> dict[str, npt.NDArray[np.int64]]:
        """`inputs`, `targets`, `positions`, int64 [windows, context].

        Targets are the tokens of the span, inputs the tokens one earlier; before the very first token stands
        end-of-text. A document begins at the end-of-text before it, where positions restart at 0: transformers
        builds the mask between documents from that. Past the end of a span targets are ignored.
        """
        import numpy as np

        inputs = np.full((len(spans), context), end_of_text, dtype=np.int64)
        targets = np.full((len(spans), context), IGNORED, dtype=np.int64)
        for row, (start, end) in enumerate(spans.tolist()):  # slices, for a stream may lie in several shards
            piece = tokens[max(start - 1, 0) : end]
            targets[row, : end - start] = piece[-(end - start) :]
            first = 1 if start == 0 else 0
            inputs[row, first : end - start] = piece[: end - start - first]
        offsets = np.arange(context, dtype=np.int64)
        inside = targets != IGNORED
        begins = (inputs == end_of_text) & (inside | (offsets == 0))
        starts = np.maximum.accumulate(np.where(begins, offsets, 0), axis=1)
        return {"inputs": inputs, "targets": targets, "positions": offsets - starts}

    def loss(self, model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Cross entropy summed over the targets that are not ignored, in nats."""
        import torch

        from modelwright.models.head import has_plain_head
        from modelwright.train.head import summed_cross_entropy

        inputs, targets = batch["inputs"], batch["targets"].flatten()
        if has_plain_head(model):
            hidden = model.model(input_ids=inputs, position_ids=batch["positions"], use_cache=False).last_hidden_state
            return summed_cross_entropy(hidden.flatten(0, 1), model.get_output_embeddings().weight, targets, IGNORED)
        logits = model(input_ids=inputs, position_ids=batch["positions"], use_cache=False).logits
        return torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), targets, ignore_index=IGNORED, reduction="sum"
        )
