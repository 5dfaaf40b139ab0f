"""A model's last step, hidden states to the loss of each token: a few rows at a time, so that logits stay in cache."""

from __future__ import annotations

from typing import Any

import torch

LOGITS_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 28}  # elements; measured best on CPU for vocabularies of 8,192
# Model types whose logits are hidden states times the head's matrix and nothing else (no bias, scale or soft cap).
PLAIN_HEADS = frozenset({"llama", "mistral", "qwen2", "qwen3"})


def has_plain_head(model: Any) -> bool:
    """Whether logits are `model.model(...).last_hidden_state @ head.weight.T` for this causal model."""
    head = model.get_output_embeddings()
    return model.config.model_type in PLAIN_HEADS and type(head) is torch.nn.Linear and head.bias is None


def token_losses(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each row in nats, float32 [rows]; no gradient.

    hidden [rows, width], head [vocabulary, width], targets int64 [rows].
    """
    rows = max(1, LOGITS_AT_ONCE[hidden.device.type] // len(head))
    losses = []
    with torch.no_grad():
        for part, wanted in zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True):
            logits = (part @ head.T).float()
            right = logits.gather(1, wanted.unsqueeze(1)).squeeze(1)
            losses.append(torch.logsumexp(logits, dim=1) - right)
    return torch.cat(losses) if losses else torch.zeros(0, device=hidden.device)
