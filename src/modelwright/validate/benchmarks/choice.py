"""Multiple choice by log-likelihood: the model is right where it finds the right answer the most likely."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from modelwright.core.errors import InputError
from modelwright.core.spec import Location
from modelwright.validate.benchmark import Benchmark, Evidence, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.models.inference import Loaded


class Choice(Benchmark):
    """Share of the questions of a local file whose right answer the model finds the most likely of its choices.

    A row holds `question`, `choices` and `label` (place, letter or text of the right one); the forms of ARC, MMLU,
    HellaSwag and OpenBookQA are understood. Items are named by their row, from 0.
    """

    path: Location = Field(description="questions: JSON Lines or JSON, also gzipped")
    name: str = Field(default="", description="what the scores call it; left out: the file's name")
    max_items: int = Field(default=1000, ge=1, description="questions asked, the first in the file")
    normalise: Literal["bytes", "none"] = Field(
        default="bytes", description="compare bits per byte of the answers, or their bits as a whole"
    )

    def files(self) -> tuple[str, ...]:
        return (self.path,)

    def score(self, loaded: Loaded, evidence: Evidence, progress: Progress) -> pa.Table:
        """Raises InputError when no row of the file is a question with choices."""
        import numpy as np
        import pyarrow as pa

        from modelwright.core.fingerprint import digest_file
        from modelwright.formats.scores import schema
        from modelwright.measure.benchmark_items import choice_of, read_rows
        from modelwright.models.inference import completion_bits

        path = evidence.project / self.path
        asked = [(number, choice_of(row)) for number, row in enumerate(read_rows(path))]
        items = [(number, item) for number, item in asked if item is not None][: self.max_items]
        if not items:
            raise InputError(
                f"no row of {path} is a question with choices",
                hint="give each `question`, `choices` and `label`",
                value=str(path),
            )
        skipped = evidence.left_out.get(digest_file(path), frozenset())
        items = [(number, item) for number, item in items if number not in skipped]
        prompts = [f"{item.question.strip()}\n" for _, item in items for _ in item.choices]
        answers = [choice.strip() or " " for _, item in items for choice in item.choices]
        bits = completion_bits(loaded, prompts, answers, lambda now, total: progress(now, total, "windows"))
        if not np.isfinite(bits).all():
            raise InputError(
                "the model gives no finite probabilities", hint="its training diverged: lower the learning rates"
            )
        sizes = np.array([len(answer.encode()) for answer in answers], np.float64)
        costs = bits / sizes if self.normalise == "bytes" else bits
        rows, first = [], 0
        for number, item in items:
            best = int(np.argmin(costs[first : first + len(item.choices)]))
            first += len(item.choices)
            rows.append(self._row(path, number, float(best == item.right)))
        return pa.Table.from_pylist(rows, schema().remove(0))

    def _row(self, path: Path, number: int, value: float) -> dict[str, Any]:
        source = self.name or path.name.partition(".")[0]
        return {"item": f"{source}#{number}", "source": source, "metric": "accuracy", "value": value, "weight": 1.0}
