"""One answer at a time, a bounded number waiting, everyone else told when to come back."""

from __future__ import annotations

import asyncio
import math

from modelwright.deploy.metrics import Metrics
from modelwright.deploy.wire import Refusal


class Turns:
    """The queue before the model. All methods run on the event loop's thread."""

    def __init__(self, waiting: int, metrics: Metrics) -> None:
        self._limit = waiting
        self._metrics = metrics
        self._semaphore = asyncio.Semaphore(1)
        self._inside = 0
        self._mean_seconds = 1.0

    async def enter(self) -> Turn:
        """Wait for the turn. Raises Refusal 429 at once when too many wait already."""
        if self._inside > self._limit:
            retry = max(1, math.ceil(self._mean_seconds * self._inside))
            raise Refusal(
                429,
                f"{self._limit} requests wait already: try again in {retry} s",
                code="queue_full",
                retry_after=retry,
            )
        self._count(1)
        try:
            await self._semaphore.acquire()
        except BaseException:
            self._count(-1)
            raise
        self._metrics.running.set(1)
        return Turn(self, asyncio.get_running_loop().time())

    def _count(self, change: int) -> None:
        self._inside += change
        self._metrics.waiting.set(max(0, self._inside - 1))

    def leave(self, began: float) -> None:
        """Called by `Turn.end`."""
        seconds = asyncio.get_running_loop().time() - began
        self._mean_seconds += 0.2 * (seconds - self._mean_seconds)
        self._count(-1)
        self._metrics.running.set(0)
        self._semaphore.release()


class Turn:
    """The right to use the model until `end()`, which may be called more than once."""

    def __init__(self, turns: Turns, began: float) -> None:
        self._turns: Turns | None = turns
        self._began = began

    def end(self) -> None:
        if self._turns is not None:
            turns, self._turns = self._turns, None
            turns.leave(self._began)
