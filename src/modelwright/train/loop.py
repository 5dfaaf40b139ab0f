"""The training loop: one step, the probe that predicts its time, and the run over all steps."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context
from modelwright.core.errors import ModelwrightError, Stopped
from modelwright.core.spec import Budget
from modelwright.engines import distributed
from modelwright.train import checkpoint
from modelwright.train.muon import MuonAdamW, schedule
from modelwright.train.objective import Objective
from modelwright.train.order import Order
from modelwright.train.plan import Numerics

if TYPE_CHECKING:
    import torch

PROBE_SECONDS = (2.0, 10.0)  # at least, at most; in between a fiftieth of the time budget
PROBE_STEPS = 3


@dataclass
class Trainer:
    """What one step needs. `tokens` is the token stream, 1-D; `warmup` and `decay` are shares of the steps."""

    model: Any
    optimizer: MuonAdamW
    objective: Objective
    order: Order
    tokens: Any
    end_of_text: int
    group: distributed.Ranks
    device: str
    windows_per_pass: int
    warmup: float
    decay: float

    def named(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [(name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad]


@contextlib.contextmanager
def numerics_set(threads: int, device: str) -> Iterator[None]:
    """Threads as recorded, and on a GPU only algorithms that give the same bits again; put back at the end."""
    import os

    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if device == "cuda":
            torch.use_deterministic_algorithms(False)


def one_step(trainer: Trainer, step: int, steps: int) -> torch.Tensor:
    """Train on the windows of `step`; the mean loss per token in nats, over all ranks, float32 scalar.

    A rank takes every world-th window; the loss is divided by the tokens of the whole step, so that the sum of
    gradients over ranks and passes is the gradient of the mean.
    """
    import torch

    spans = trainer.order.spans(trainer.order.windows_of_step(step))
    count = int((spans[:, 1] - spans[:, 0]).sum())
    mine = spans[trainer.group.rank :: trainer.group.world]
    autocast = torch.autocast("cuda", dtype=torch.bfloat16) if trainer.device == "cuda" else contextlib.nullcontext()
    total = torch.zeros((), device=trainer.device)
    for begin in range(0, len(mine), trainer.windows_per_pass):
        part = mine[begin : begin + trainer.windows_per_pass]
        arrays = trainer.objective.batch(trainer.tokens, part, trainer.order.context, trainer.end_of_text)
        batch = {name: torch.from_numpy(array).to(trainer.device) for name, array in arrays.items()}
        with autocast:
            loss = trainer.objective.loss(trainer.model, batch) / count
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    distributed.sum_gradients(trainer.group, (parameter for _, parameter in trainer.named()))
    trainer.optimizer.step(schedule(step, steps, trainer.warmup, trainer.decay))
    return distributed.total(trainer.group, total)


def probe(trainer: Trainer, budget: float | None) -> float:
    """Seconds per step, predicted: the median of real steps on a trainer that is thrown away afterwards."""
    low, high = PROBE_SECONDS
    limit = 0.0 if budget is None else min(high, max(low, budget / 50))
    least = 2 if budget is None else PROBE_STEPS + 1  # the first one warms up
    times: list[float] = []
    more, began = True, time.perf_counter()
    while more:
        start = time.perf_counter()
        float(one_step(trainer, len(times), 1000))
        times.append(time.perf_counter() - start)
        spent = time.perf_counter() - began
        enough = spent >= limit if len(times) >= least else spent >= high and len(times) > 1
        more = not distributed.first_says(trainer.group, float(enough), trainer.device)  # all ranks take as many steps
    steady = sorted(times[1:])
    return steady[len(steady) // 2]


def train(
    trainer: Trainer, numerics: Numerics, context: Context, every: Budget, first: int, seconds_before: float
) -> float:
    """Steps first ... numerics.steps - 1, with metrics, progress and checkpoints; seconds of training in all.

    Raises Stopped after saving, when the user asked to stop; ModelwrightError when the loss is no number.
    """
    began = last_saved = time.perf_counter()
    pending: list[tuple[int, torch.Tensor]] = []
    report = _reporter(trainer, numerics, context, first)

    def seconds() -> float:
        return seconds_before + time.perf_counter() - began

    def save(step: int) -> None:
        report(pending)
        if trainer.group.first:
            weights = dict(trainer.named())
            checkpoint.save(context.work, step, weights, trainer.optimizer.state(), {"seconds": seconds()})

    for step in range(first, numerics.steps):
        if distributed.first_says(trainer.group, float(context.stopping()), trainer.device):
            save(step)
            raise Stopped(f"stopped after {step} of {numerics.steps} steps", hint="the same command resumes")
        pending.append((step, one_step(trainer, step, numerics.steps)))
        if len(pending) >= (1 if trainer.device == "cpu" else 10):  # reading a loss makes a GPU wait
            report(pending)
        due = (
            time.perf_counter() - last_saved >= every.amount
            if every.unit == "seconds"
            else (step + 1) % every.amount == 0
        )
        if due or step + 1 == numerics.steps:
            save(step + 1)
            last_saved = time.perf_counter()
    return seconds()


def _reporter(
    trainer: Trainer, numerics: Numerics, context: Context, first: int
) -> Callable[[list[tuple[int, torch.Tensor]]], None]:
    """Writes losses and speed, tells progress; only the first rank does, all check that the loss is a number."""
    began = last = time.perf_counter()
    reported = first
    smooth: float | None = None

    def report(pending: list[tuple[int, torch.Tensor]]) -> None:
        nonlocal last, reported, smooth
        if not pending:
            return
        values = [(step, float(loss)) for step, loss in pending]
        pending.clear()
        now = time.perf_counter()
        speed = len(values) * numerics.batch * numerics.context / max(1e-9, now - last)
        last = now
        for step, loss in values:
            if not math.isfinite(loss):
                raise ModelwrightError(
                    f"the loss became {loss} at step {step}", hint="lower train.matrix_rate and train.table_rate"
                )
            smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss
            if trainer.group.first:
                context.metric("loss", step + 1, loss)
                context.metric("tokens_per_second", step + 1, round(speed, 1))
        done = values[-1][0] + 1
        average = (now - began) / max(1, done - reported)
        if trainer.group.first:
            context.progress(
                "training", done, numerics.steps, "steps", loss=round(smooth or 0.0, 4),
                tokens_per_second=round(numerics.batch * numerics.context / average),
                seconds_left=round(average * (numerics.steps - done), 1),
            )  # fmt: skip

    return report
