"""What a benchmark is: it asks a model about items and gives one row of scores for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.spec import Options

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader
    from modelwright.models.inference import Loaded

Progress = Callable[[int, int, str], None]
"""progress(done, total, unit); raises `Stopped` when the user asked to stop."""


@dataclass(frozen=True)
class Evidence:
    """What a model may be measured on: the pile's held-out documents, and the held-out pairs (prompt, completion,
    digest); None where the project has none. `left_out` are rows of benchmark files, by the file's digest, that must
    not be asked because they were found in the data; `project` is the folder of the project file."""

    pile: PileReader | None = None
    pairs: pa.Table | None = None
    left_out: Mapping[str, frozenset[int]] = field(default_factory=dict)
    project: Path = Path()


class Benchmark(Options):
    """Base of the plugins of kind `benchmarks`. A benchmark is one file in `validate/benchmarks/`."""

    def score(self, loaded: Loaded, evidence: Evidence, progress: Progress) -> pa.Table:
        """One row per item with the columns of `formats.scores.schema` except `benchmark`, in any order; none when
        there is nothing to measure on. A pure function of model, evidence and options."""
        raise NotImplementedError(f"{type(self).__name__} must define score")

    def files(self) -> tuple[str, ...]:
        """Local files that hold the items, relative to the project: the pile is decontaminated against them."""
        return ()

    def work(self, counts: dict[str, Any]) -> float:
        """Bytes of text that the model will read, for the estimate, from the pile's counts (`PileRecord.counts`)."""
        return 0.0
