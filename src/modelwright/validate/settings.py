"""What a project file may say about validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modelwright.core.plugins import Plugins
from modelwright.core.spec import Options
from modelwright.validate.benchmark import Benchmark

if TYPE_CHECKING:
    ManyBenchmarks = tuple[Benchmark, ...]
else:
    ManyBenchmarks = Plugins("benchmarks")


class ValidateSettings(Options):
    """What is measured on the model and on what was tuned from it."""

    benchmarks: ManyBenchmarks = Field(
        default=("bits_per_byte",),
        validate_default=True,
        min_length=1,
        description="what is measured",
    )
    contaminated: Literal["refuse", "skip", "allow"] = Field(
        default="refuse",
        description="items that were found in the data: refuse to score, leave them out, or score them all the same",
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="confidence of the intervals")
    seed: int = Field(0, ge=0, description="seed of everything resampled")

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Benchmark files that the scores depend on by their content."""
        return tuple(folder / name for benchmark in self.benchmarks for name in benchmark.files())
