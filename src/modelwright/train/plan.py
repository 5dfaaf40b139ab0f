"""What training will need, before it starts; and the numbers of a run that are fixed before its first step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Estimate, Machine
from modelwright.core.errors import UsageError
from modelwright.core.spec import Budget
from modelwright.core.storage import read_json, write_json
from modelwright.train.settings import TrainSettings

SHARE_OF_MATMUL = {"cpu": 0.55, "cuda": 0.35}  # speed of a training step as a share of a large matrix product's
WATTS_PER_CORE = 10.0  # assumption: a server processor under load, per core
WATTS_PER_GPU = 500.0  # assumption: a data-centre accelerator under load
GPU_FLOPS = 4e14  # assumption where none can be probed: dense bfloat16 of a data-centre accelerator
TOKENS_PER_PASS = {"cpu": 8192, "cuda": 65_536}  # forward and backward at once; more is done in parts
FINISH_SECONDS = 4.0  # weights, plot and digest, once
SMALL_DEFAULT_VOCABULARY = 16_384


@dataclass(frozen=True)
class Numerics:
    """Everything that decides bits besides settings and inputs: chosen by rule, written before the first step.

    torch.compile is not used: two runs of the same compiled model, one with a cold and one with a warm cache, gave
    different last bits (torch 2.13, CPU), so that a resumed run would not end where an uninterrupted one does.
    """

    steps: int
    batch: int
    windows_per_pass: int
    context: int
    threads: int
    device: str
    dtype: str
    seconds_per_step: float
    probe_seconds: float

    def save(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Numerics:
        return cls(**read_json(path))


def threads(machine: Machine) -> int:
    """CPU threads, by rule from the quota: all cores up to 16 (beyond that these models do not gain)."""
    return max(1, min(machine.cores, 16))


def device() -> str:
    """`cuda` where there is one; Apple's MPS is not used: its results differ from run to run."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def windows_per_pass(batch: int, context: int, where: str, memory: int, per_token: int) -> int:
    """Windows that go through the model at once, so that memory does not grow with the batch.

    Half of `memory` (bytes) may hold what a pass keeps, `per_token` bytes each.
    """
    tokens = min(TOKENS_PER_PASS[where], memory // 2 // max(1, per_token))
    return max(1, min(batch, tokens // context))


def pass_bytes(layers: int, width: int, intermediate: int) -> int:
    """Bytes that a token keeps for the backward pass, float32; logits are not kept (see head)."""
    return 4 * layers * (16 * width + 4 * intermediate)


def memory_of(where: str, machine: Machine) -> int:
    """Bytes of memory of the device that trains."""
    if where != "cuda":
        return machine.memory_bytes
    import torch

    return int(torch.cuda.get_device_properties(0).total_memory)


def flops_per_token(parameters: int, layers: int, width: int, context: int) -> float:
    """Forward and backward: 6 per parameter (Kaplan et al. 2020; tied embeddings count as the head they are)
    and 6 * layers * width * context for causal attention."""
    return 6.0 * parameters + 6.0 * layers * width * context


def budget_seconds(settings: TrainSettings, machine: Machine) -> float | None:
    """Seconds that a budget of time, money or energy buys; None for steps and tokens."""
    budget: Budget = settings.budget
    if budget.unit == "seconds":
        return budget.amount
    if budget.unit == "dollars":
        assert settings.price_per_hour is not None
        return budget.amount / settings.price_per_hour * 3600
    if budget.unit == "kwh":
        return budget.amount * 3.6e6 / watts(settings, machine)
    return None


def watts(settings: TrainSettings, machine: Machine) -> float:
    """Power under load: as stated, else assumed."""
    if settings.watts is not None:
        return settings.watts
    return machine.cores * WATTS_PER_CORE + (WATTS_PER_GPU if machine.device == "cuda" else 0.0)


def steps_for(
    settings: TrainSettings, machine: Machine, tokens_per_step: int, seconds_per_step: float, spent: float
) -> int:
    """Steps that the budget allows, at least 1. `spent` are seconds already gone (start and probe).

    Raises UsageError when the time does not allow a single step.
    """
    if settings.budget.unit == "steps":
        return max(1, int(settings.budget.amount))
    if settings.budget.unit == "tokens":
        return max(1, -(-int(settings.budget.amount) // tokens_per_step))
    seconds = budget_seconds(settings, machine)
    assert seconds is not None
    steps = int((seconds - spent - min(FINISH_SECONDS, seconds / 10)) / seconds_per_step)
    if steps < 1:
        raise UsageError(
            f"a budget of {settings.budget} is too short: one step takes {seconds_per_step:.1f} s",
            hint="raise train.budget, or lower train.batch or the size of the model",
            value=str(settings.budget),
        )
    return steps


def matmul_flops_per_second() -> float:
    """Best of a few float32 products of 768 x 768 matrices on all cores; takes about 0.1 s."""
    import numpy as np

    matrix = np.ones((768, 768), dtype=np.float32)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return 2 * 768**3 / best


def describe(settings: TrainSettings, inputs: Mapping[str, Artifact]) -> dict[str, Any]:
    """Parameters, layers, width, context, vocabulary and tokens, as far as they are known without torch."""
    tokens = inputs.get("tokens")
    manifest = read_json(tokens.path / "manifest.json") if tokens and (tokens.path / "manifest.json").exists() else {}
    known: dict[str, Any] = {"vocabulary": manifest.get("vocabulary"), "tokens_available": manifest.get("tokens")}
    if settings.family is not None:
        vocabulary = int(known["vocabulary"] or SMALL_DEFAULT_VOCABULARY)
        known |= settings.family.shape(vocabulary)
        known |= {"parameters": settings.family.parameters(vocabulary), "context": settings.family.context}
    return known


def estimate(settings: TrainSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """Time, memory, disk, energy and money of a run; what cannot be known is None, and `basis` says why."""
    known = describe(settings, inputs)
    seconds = budget_seconds(settings, machine)
    if "parameters" not in known:
        return Estimate(seconds=seconds, basis="the budget; size of the base model not read", details=known)
    parameters, context = known["parameters"], known["context"]
    flops = flops_per_token(parameters, known["layers"], known["width"], context)
    if machine.device == "cuda":
        speed, basis = GPU_FLOPS * SHARE_OF_MATMUL["cuda"], "35 % of an assumed 400 TFLOP/s"
    else:
        speed = matmul_flops_per_second() * SHARE_OF_MATMUL["cpu"]
        basis = "55 % of the speed of a matrix product, just measured"
    per_second = speed / flops
    tokens_per_step = settings.batch * context
    if seconds is None:
        steps = steps_for(settings, machine, tokens_per_step, tokens_per_step / per_second, 0.0)
        seconds = steps * tokens_per_step / per_second
    else:
        steps = max(1, int(seconds * per_second / tokens_per_step))
    power = watts(settings, machine)
    basis += "; power as stated" if settings.watts else f"; {power:.0f} W assumed"
    if known["vocabulary"] is None:
        basis += f"; a vocabulary of {SMALL_DEFAULT_VOCABULARY} assumed until there are tokens"
    return Estimate(
        seconds=seconds,
        memory_bytes=memory_bytes(known, settings.batch, machine),
        disk_bytes=disk_bytes(parameters),
        money=None if settings.price_per_hour is None else settings.price_per_hour * seconds / 3600,
        energy_kwh=power * seconds / 3.6e6,
        basis=basis,
        details={**known, "steps": steps, "tokens": steps * tokens_per_step, "flops": flops * steps * tokens_per_step,
                 "tokens_per_second": per_second},
    )  # fmt: skip


def memory_bytes(known: Mapping[str, Any], batch: int, machine: Machine) -> int:
    """Peak: libraries, weights + gradients + optimiser (20 bytes a parameter), and what one pass keeps."""
    where = "cuda" if machine.device == "cuda" else "cpu"
    memory = (machine.device_memory_bytes or 1 << 40) if where == "cuda" else machine.memory_bytes
    per_token = pass_bytes(known["layers"], known["width"], known["intermediate"])
    windows = windows_per_pass(batch, known["context"], where, memory, per_token)
    return int(700e6 + 20 * known["parameters"] + windows * known["context"] * per_token)


def disk_bytes(parameters: int) -> int:
    """Peak: the model, and three checkpoints (two kept, one being written) with their optimiser state, float32."""
    return 4 * parameters + 3 * 12 * parameters
