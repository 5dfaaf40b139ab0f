"""The order of data: a pure function of (seed, epoch, step), computed and never stored.

Each source's tokens are cut into windows of `context` tokens (the last one may be shorter). An epoch is a
permutation of all windows by a Feistel network over the window's number, walked until it falls into range
(Black and Rogaway 2002, "Ciphers with arbitrary finite domains"); a step is the next `batch` windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ROUNDS = 6  # four suffice for pseudo-randomness (Luby and Rackoff 1988); two more for the small halves of small domains


@dataclass(frozen=True)
class Order:
    """Windows over `ranges` {source: (first token, past the last)} of a token stream."""

    ranges: Mapping[str, tuple[int, int]]
    context: int
    batch: int
    seed: int

    @property
    def windows(self) -> int:
        """Windows of one epoch."""
        return sum(-(-(end - start) // self.context) for start, end in self.ranges.values())

    @property
    def tokens(self) -> int:
        """Tokens of one epoch: each is a target exactly once."""
        return sum(end - start for start, end in self.ranges.values())

    def windows_of_step(self, step: int) -> npt.NDArray[np.int64]:
        """Numbers of the windows that step `step` (0, 1, ...) trains on, int64 [batch]."""
        import numpy as np

        positions = np.arange(step * self.batch, (step + 1) * self.batch, dtype=np.int64)
        epochs, places = np.divmod(positions, self.windows)
        numbers = np.empty_like(positions)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            numbers[chosen] = permute(places[chosen], self.windows, self.seed, int(epoch))
        return numbers

    def spans(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Token ranges [start, end) of windows, int64 [windows, 2]."""
        import numpy as np

        bounds = np.array(list(self.ranges.values()), dtype=np.int64).reshape(-1, 2)
        counts = -(-(bounds[:, 1] - bounds[:, 0]) // self.context)
        firsts = np.concatenate([[0], np.cumsum(counts)])  # number of each source's first window
        source = np.searchsorted(firsts, numbers, side="right") - 1
        starts = bounds[source, 0] + (numbers - firsts[source]) * self.context
        return np.stack([starts, np.minimum(starts + self.context, bounds[source, 1])], axis=1)

    def tokens_by_source(self, first_step: int, last_step: int) -> dict[str, int]:
        """Tokens of each source that the steps [first, last) predict; whole epochs are not enumerated."""
        import numpy as np

        sizes = {source: end - start for source, (start, end) in self.ranges.items()}
        begin, end = first_step * self.batch, last_step * self.batch
        seen = dict.fromkeys(sizes, 0)
        while begin < end:
            epoch, place = divmod(begin, self.windows)
            count = min(end - begin, self.windows - place, 1 << 20)
            if place == 0 and end - begin >= self.windows:
                whole = (end - begin) // self.windows
                seen = {source: tokens + whole * sizes[source] for source, tokens in seen.items()}
                begin += whole * self.windows
                continue
            places = np.arange(place, place + count, dtype=np.int64)
            spans = self.spans(permute(places, self.windows, self.seed, epoch))
            for source, (low, high) in self.ranges.items():
                inside = (spans[:, 0] >= low) & (spans[:, 0] < high)
                seen[source] += int((spans[inside, 1] - spans[inside, 0]).sum())
            begin += count
        return seen

    def documents_of_step(self, step: int, ends: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Rows (in `documents.parquet`) of the documents that a step trains on, sorted, int64.

        `ends` uint64 [documents] are the exclusive token ends of all documents.
        """
        import numpy as np

        spans = self.spans(self.windows_of_step(step))
        first = np.searchsorted(ends, spans[:, 0].astype(np.uint64), side="right")
        last = np.searchsorted(ends, (spans[:, 1] - 1).astype(np.uint64), side="right")
        return np.unique(np.concatenate([np.arange(low, high + 1) for low, high in zip(first, last, strict=True)]))


def chosen_ranges(ranges: Mapping[str, tuple[int, int]], sources: Sequence[str] | None) -> dict[str, tuple[int, int]]:
    """The ranges to train on: all, or those of `sources`; empty ones left out. Raises UnknownName, EmptyResult."""
    from modelwright.core.errors import EmptyResult, UnknownName

    for source in sources or ():
        if source not in ranges:
            raise UnknownName("source", source, ranges, where="train.sources")
    found = {
        source: (int(start), int(end))
        for source, (start, end) in ranges.items()
        if end > start and (sources is None or source in sources)
    }
    if not found:
        raise EmptyResult("there are no tokens to train on", hint="check train.sources and what the pile kept")
    return found


def permute(places: npt.NDArray[np.int64], size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Images of `places` under permutation number (seed, epoch) of range(size), int64, same shape."""
    import numpy as np

    half = max(1, ((max(size, 2) - 1).bit_length() + 1) // 2)  # bits; the domain 4^half is under 4 * size
    keys = _keys(seed, epoch)
    images = _feistel(places.astype(np.uint64), half, keys)
    outside = images >= np.uint64(size)
    while outside.any():
        images[outside] = _feistel(images[outside], half, keys)
        outside = images >= np.uint64(size)
    return images.astype(np.int64)


def _keys(seed: int, epoch: int) -> list[np.uint64]:
    import hashlib

    import numpy as np

    material = hashlib.sha512(f"modelwright order {seed} {epoch}".encode()).digest()
    return [np.uint64(int.from_bytes(material[8 * i : 8 * i + 8], "little")) for i in range(ROUNDS)]


def _feistel(values: npt.NDArray[np.uint64], half: int, keys: list[np.uint64]) -> npt.NDArray[np.uint64]:
    import numpy as np

    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = values >> shift, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << shift) | right


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
