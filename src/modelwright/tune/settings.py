"""What a project file may say about tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from modelwright.core.plugins import Plugin
from modelwright.core.spec import Budget, BudgetText, Location, Options, Share
from modelwright.tune.method import Method

if TYPE_CHECKING:
    AMethod = Method
else:
    AMethod = Plugin("methods")

_PAIRS_SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")


class PairsSettings(Options):
    """A file of examples: JSONL or CSV, gzip too, with `prompt` and `completion`, or `messages`."""

    path: Location = Field(description="file of pairs, relative to the project file")
    held_out: Share = Field(0.1, description="share of pairs, by digest of the prompt, kept out of training")

    def files(self, project: Path) -> tuple[Path, ...]:
        """Files whose content is part of identity."""
        return (project / self.path,)


class TuneSettings(Options):
    """Adapt a model to examples."""

    method: AMethod = Field(default="lora", validate_default=True, description="how to tune")
    examples: str = Field(description="a source of the pile, or a JSONL or CSV file of pairs")
    base: Location | None = Field(
        None, description="tune this local Hugging Face folder; default: the model trained here"
    )
    budget: BudgetText = Field(Budget(amount=60, unit="seconds"), description="time, steps or tokens")
    held_out: Share = Field(0.1, description="share of pairs kept out of training (examples in a file)")
    seed: int = Field(0, ge=0, description="seed of everything random")

    def pairs(self) -> PairsSettings | None:
        """Settings of the step that reads the examples, when they are a file."""
        if self.examples.endswith(_PAIRS_SUFFIXES):
            return PairsSettings(path=self.examples, held_out=self.held_out)
        return None

    def files(self, project: Path) -> tuple[Path, ...]:
        """Files and folders whose content is part of identity: the base, where one is named."""
        return (project / self.base,) if self.base else ()
