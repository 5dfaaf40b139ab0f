"""How good the detectors are on a folder of labelled files; needs no project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def benchmark_prepare(
    folder: str | Path,
    only: Sequence[str] = (),
    write: bool = False,
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Measure every detector of stage 1, or those named: figures with intervals, floors, the worst five mistakes."""
    from modelwright.core import libraries
    from modelwright.project.quality import benchmark

    libraries.settle()
    return benchmark(Path(folder), only, write, tell)


def benchmark_page(data: Mapping[str, Any]) -> str:
    """What `benchmark_prepare` returned, as one HTML page."""
    from modelwright.project.quality import page

    return page(data)
