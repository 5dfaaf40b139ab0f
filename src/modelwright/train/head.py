"""The loss of a large vocabulary, without ever holding all logits: head and cross entropy in one, a few rows at a time.

On CPU this saves a fifth of a step of a small model (softmax stays in the cache), on a GPU most of the memory.
The gradient is computed together with the loss, as in Liger Kernel (Hsu et al., arXiv:2410.10989).
"""

from __future__ import annotations

from typing import Any

import torch

from modelwright.models.head import LOGITS_AT_ONCE


def summed_cross_entropy(
    hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, ignored: int = -100
) -> torch.Tensor:
    """Sum of the cross entropy in nats, float32 scalar.

    hidden [rows, width], head [vocabulary, width], targets int64 [rows]; rows whose target is `ignored` count nothing.
    """
    result: torch.Tensor = _Summed.apply(hidden, head, targets, ignored)  # type: ignore[no-untyped-call]
    return result


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, ignored: int
    ) -> torch.Tensor:
        device = hidden.device.type
        low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        rows = max(1, LOGITS_AT_ONCE[device] // len(head))
        total = torch.zeros((), device=hidden.device, dtype=torch.float32)
        hidden_gradient = torch.empty_like(hidden)
        head_gradient = torch.zeros_like(head, dtype=torch.float32)
        with torch.autocast(device, enabled=False):
            matrix = head.to(low)
            for part, wanted, gradient in zip(
                torch.split(hidden.to(low), rows), torch.split(targets, rows), torch.split(hidden_gradient, rows),
                strict=True,
            ):  # fmt: skip
                logits = (part @ matrix.T).float()
                counts = (wanted != ignored).unsqueeze(1)
                place = (torch.arange(len(wanted), device=hidden.device), wanted.clamp(min=0))
                logits -= logits.amax(dim=1, keepdim=True)
                right = logits[place].unsqueeze(1)
                sums = logits.exp_().sum(dim=1, keepdim=True)
                total += torch.where(counts, sums.log() - right, 0.0).sum()
                # From here on `logits` holds the gradient: softmax minus one at the target, 0 where ignored.
                logits *= counts / sums
                logits[place] -= counts.squeeze(1).to(logits.dtype)
                slopes = logits.to(low)
                if low == torch.float32:
                    torch.mm(slopes, matrix, out=gradient)
                    head_gradient.addmm_(slopes.T, part)
                else:
                    gradient.copy_(slopes @ matrix)
                    head_gradient += slopes.T @ part
        ctx.save_for_backward(hidden_gradient, head_gradient.to(head.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_gradient, head_gradient = ctx.saved_tensors
        return hidden_gradient * gradients[0].to(hidden_gradient.dtype), head_gradient * gradients[0], None, None
