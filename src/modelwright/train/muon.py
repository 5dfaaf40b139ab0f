"""The optimiser: Muon for hidden matrices, AdamW for embeddings, head and norms, and the learning-rate schedule.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) orthogonalises the momentum of a matrix by
five Newton-Schulz steps; here all matrices of one shape go through one batched product. AdamW: Loshchilov and
Hutter, arXiv:1711.05101.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of the reference implementation
NEWTON_SCHULZ_STEPS = 5
MOMENTUM = 0.95
BETAS = (0.9, 0.95)
EPSILON = 1e-10  # as in nanochat: rare tokens have tiny gradients


def schedule(step: int, steps: int, warmup: float, decay: float) -> float:
    """Factor of the learning rates at step 0 ... steps - 1: linear rise, plateau, linear fall (to 0 past the end).

    `warmup` and `decay` are shares of the run (warm-up, stable, decay: Hu et al., arXiv:2404.06395).
    """
    rise = max(1, round(warmup * steps))
    fall = max(1, round(decay * steps))
    return min(1.0, (step + 1) / rise, (steps - step) / fall)


class MuonAdamW:
    """Two optimisers as one. `state()` and `restore()` speak in named tensors, so that safetensors can hold them.

    `named` are the trainable parameters in a fixed order; `tables` the names of embeddings and heads. Parameters
    with two dimensions that are no tables get Muon. All is a pure function of gradients and state.
    """

    def __init__(
        self,
        named: Iterable[tuple[str, torch.nn.Parameter]],
        tables: set[str],
        *,
        matrix_rate: float,
        table_rate: float,
        vector_rate: float,
        weight_decay: float,
    ) -> None:
        import torch

        self.rates = {"table": table_rate, "vector": vector_rate}
        self.matrix_rate, self.weight_decay = matrix_rate, weight_decay
        self.steps = 0
        self.groups: dict[tuple[int, int], list[tuple[str, torch.nn.Parameter]]] = {}
        self.others: dict[str, list[tuple[str, torch.nn.Parameter]]] = {"table": [], "vector": []}
        for name, parameter in named:
            if parameter.ndim == 2 and name not in tables:
                rows, columns = parameter.shape
                self.groups.setdefault((min(rows, columns), max(rows, columns)), []).append((name, parameter))
            else:
                self.others["table" if name in tables else "vector"].append((name, parameter))
        self.tensors: dict[str, torch.Tensor] = {}
        for members in self.groups.values():
            for name, parameter in members:
                self.tensors[f"momentum.{name}"] = torch.zeros_like(parameter)
        for members in self.others.values():
            for name, parameter in members:
                self.tensors[f"mean.{name}"] = torch.zeros_like(parameter)
                self.tensors[f"square.{name}"] = torch.zeros_like(parameter)

    def step(self, factor: float) -> None:
        """One update with all rates times `factor`; gradients are used up."""
        import torch

        self.steps += 1
        with torch.no_grad():
            for members in self.groups.values():
                self._muon(members, self.matrix_rate * factor)
            for kind, members in self.others.items():
                self._adamw(members, self.rates[kind] * factor)

    def _muon(self, members: list[tuple[str, torch.nn.Parameter]], rate: float) -> None:
        import torch

        gradients = [_gradient(parameter) for _, parameter in members]
        momenta = [self.tensors[f"momentum.{name}"] for name, _ in members]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        nesterov = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        wide = [update if update.shape[0] <= update.shape[1] else update.T for update in nesterov]
        updates = orthogonal(torch.stack(wide))
        for (_, parameter), update in zip(members, updates, strict=True):
            rows, columns = parameter.shape
            parameter.mul_(1 - rate * self.weight_decay)
            # sqrt(rows / columns) keeps the update's effect on the output alike for all shapes
            scale = max(1.0, rows / columns) ** 0.5
            parameter.add_(update if rows <= columns else update.T, alpha=-rate * scale)
            parameter.grad = None

    def _adamw(self, members: list[tuple[str, torch.nn.Parameter]], rate: float) -> None:
        import torch

        if not members:
            return
        parameters: list[torch.Tensor] = [parameter for _, parameter in members]
        gradients = [_gradient(parameter) for parameter in parameters]
        means = [self.tensors[f"mean.{name}"] for name, _ in members]
        squares = [self.tensors[f"square.{name}"] for name, _ in members]
        torch._foreach_lerp_(means, gradients, 1 - BETAS[0])
        torch._foreach_mul_(squares, BETAS[1])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - BETAS[1])
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_div_(denominators, (1 - BETAS[1] ** self.steps) ** 0.5)
        torch._foreach_add_(denominators, EPSILON)
        torch._foreach_addcdiv_(parameters, means, denominators, -rate / (1 - BETAS[0] ** self.steps))
        for parameter in parameters:
            parameter.grad = None

    def state(self) -> dict[str, torch.Tensor]:
        """All that `restore` needs, by name; with `steps`."""
        import torch

        return {**self.tensors, "steps": torch.tensor(self.steps)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state of the same parameters. Raises KeyError where a tensor is missing."""
        import torch

        self.steps = int(state["steps"])
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(state[name])


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    import torch

    return parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Nearest (semi-)orthogonal matrices, roughly: singular values end in 0.7 ... 1.2. [k, m, n] with m <= n.

    float32 on CPU, where bfloat16 is far slower; bfloat16 on a GPU.
    """
    import torch

    a, b, c = NEWTON_SCHULZ
    work = matrices.bfloat16() if matrices.device.type == "cuda" else matrices.float()
    work = work / (torch.linalg.vector_norm(work, dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = work @ work.transpose(1, 2)
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        work = torch.baddbmm(work, polynomial, work, beta=a)
    return work.to(matrices.dtype)
