"""torch.distributed, as much as training needs: who am I among the processes of `torchrun`, and sums over all.

Every rank holds the whole model and a share of each batch; gradients are summed. One process needs none of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Ranks:
    """This process's number, and how many there are in all and on which local device."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        return self.rank == 0


@contextlib.contextmanager
def ranks(device: str) -> Iterator[Ranks]:
    """Join the group that torchrun describes in the environment (NCCL on cuda, gloo on CPU); leave it at the end."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    import torch.distributed as distributed

    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        import torch

        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), local)
    finally:
        distributed.destroy_process_group()


def sum_gradients(group: Ranks, parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its sum over the ranks, in one message."""
    if group.world == 1:
        return
    import torch
    import torch.distributed as distributed

    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    begin = 0
    for gradient in gradients:
        gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
        begin += gradient.numel()


def total(group: Ranks, value: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor over the ranks."""
    if group.world > 1:
        import torch.distributed as distributed

        distributed.all_reduce(value)
    return value


def first_says(group: Ranks, value: float, device: str) -> float:
    """The value that the first rank has, on every rank; also a barrier."""
    if group.world == 1:
        return value
    import torch
    import torch.distributed as distributed

    shared = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.broadcast(shared, 0)
    return float(shared)
