"""Rows to learn from: windows of token shards, or packed pairs; and the order in which they come.

The order is a function of (seed, position) alone: nothing about it is stored, and a resumed run sees the same rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.tune.method import Row

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NO_LOSS = -100


@dataclass(frozen=True)
class Rows:
    """A set of rows by number, `0 .. count - 1`; `tokens` counts those that carry loss."""

    count: int
    tokens: int
    get: Callable[[int], Row]


def windows(tokens: npt.NDArray[Any], ranges: Sequence[tuple[int, int]], context: int, end_of_text: int) -> Rows:
    """Rows of at most `context` tokens that cover `ranges` (start, end) of `tokens`, each token once as a target.

    Before the first target of a row stands the token before it (end-of-text at the very first), as in training.
    """
    spans: list[tuple[int, int]] = []
    for start, end in ranges:
        spans.extend((first, min(first + context - 1, end)) for first in range(start, end, context - 1))

    def get(number: int) -> Row:
        first, end = spans[number]
        ids = [int(tokens[first - 1]) if first else end_of_text, *tokens[first:end].tolist()]
        return Row(ids, [NO_LOSS, *ids[1:]], positions(ids, end_of_text))

    return Rows(len(spans), sum(end - first for first, end in spans), get)


def positions(ids: Sequence[int], end_of_text: int) -> list[int]:
    """Positions that restart at 0 on every end-of-text: there the next document begins."""
    found, position = [], 0
    for token in ids:
        position = 0 if token == end_of_text else position
        found.append(position)
        position += 1
    return found


def pack(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], context: int, end_of_text: int) -> Rows:
    """Rows of (prompt ids, completion ids), as many per row as fit in `context` tokens, in the given order.

    Loss is on the completion and the end-of-text after it. Every pair must fit: see `preflight`.
    """
    groups: list[list[tuple[Sequence[int], Sequence[int]]]] = []
    room = 0
    for prompt, completion in pairs:
        size = len(prompt) + len(completion) + 1
        if size > room:
            groups.append([])
            room = context - 1
        groups[-1].append((prompt, completion))
        room -= size

    def get(number: int) -> Row:
        ids, labels, places = [end_of_text], [NO_LOSS], [0]
        for prompt, completion in groups[number]:
            ids += [*prompt, *completion, end_of_text]
            labels += [NO_LOSS] * len(prompt) + [*completion, end_of_text]
            # By length, not by token: a chat template may write end-of-text between turns.
            places += [*range(1, len(prompt) + len(completion) + 1), 0]
        return Row(ids, labels, places)

    return Rows(len(groups), sum(len(completion) + 1 for _, completion in pairs), get)


def shuffled(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """A permutation of `0 .. count - 1`, a pure function of its arguments in every version of NumPy.

    Numbers are sorted by SplitMix64 of (seed, epoch, number) (Steele, Lea, Flood 2014).
    """
    import numpy as np

    mask = 2**64 - 1
    key = (seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03 + 0x2545F4914F6CDD1D) & mask
    value = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(value ^ (value >> np.uint64(31)), kind="stable")


def replayed(position: int, share: float) -> int:
    """How many of the rows before `position` are replay: they are spread evenly."""
    return int(position * share + 1e-9)


def mix(examples: Rows, base: Rows | None, share: float, seed: int) -> Callable[[int], Row]:
    """position -> row: `share` of the rows from `base`, the rest from `examples`, each in shuffled passes."""
    share = share if base and base.count else 0.0

    @functools.lru_cache(maxsize=4)
    def order(count: int, epoch: int, stream: int) -> npt.NDArray[np.int64]:
        return shuffled(count, 2 * seed + stream, epoch)

    def pick(rows: Rows, number: int, stream: int) -> Row:
        epoch, place = divmod(number, rows.count)
        return rows.get(int(order(rows.count, epoch, stream)[place]))

    def row(position: int) -> Row:
        before = replayed(position, share)
        if base is not None and replayed(position + 1, share) > before:
            return pick(base, before, 1)
        return pick(examples, position - before, 0)

    return row
