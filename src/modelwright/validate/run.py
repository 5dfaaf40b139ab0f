"""Stage 3: a model -> scores. The whole path, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import EmptyResult, InputError, Stopped
from modelwright.core.plugins import plugin_name
from modelwright.formats.scores import Scores, ordered, read_scores, write_scores
from modelwright.validate import contamination
from modelwright.validate.benchmark import Benchmark, Evidence, Progress
from modelwright.validate.settings import ValidateSettings
from modelwright.validate.summary import summarise

if TYPE_CHECKING:
    import pyarrow as pa

LOAD_SECONDS = 6.0
"""Loading torch, transformers and a small model (measured 4-8 s)."""
FLOPS_PER_CORE_SECOND = 2e10
"""Useful float32 operations per second and core in small models, for estimates alone (measured 1-4e10)."""
BYTES_PER_TOKEN, OVERLAP = 3.0, 1.5
"""Typical of text and code; windows of long documents overlap by half."""
THREADS_AT_MOST = 16


def estimate(settings: ValidateSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """From the pile's counts and the model's parameters, where they are known; loads nothing."""
    parameters = (inputs.get("model") or inputs.get("subject") or _nothing()).facts.get("parameters")
    counts = _counts(inputs.get("pile"))
    if not isinstance(parameters, (int, float)) or counts is None:
        return Estimate(disk_bytes=1_000_000, basis="unknown until the model and the pile are known")
    read = sum(benchmark.work(counts) for benchmark in settings.benchmarks)
    operations = 2 * parameters * OVERLAP * read / BYTES_PER_TOKEN
    seconds = LOAD_SECONDS + operations / (FLOPS_PER_CORE_SECOND * min(machine.cores, THREADS_AT_MOST))
    basis = (
        f"{read / 1e6:.1f} MB of text at {BYTES_PER_TOKEN:g} bytes per token x 2 x {parameters:g} parameters, "
        f"{FLOPS_PER_CORE_SECOND:g} operations per core-second"
    )
    return Estimate(
        seconds=seconds, memory_bytes=1_000_000_000 + int(4 * parameters), disk_bytes=1_000_000, basis=basis
    )


def run(settings: ValidateSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Score `subject` (a model, or an adapter of `model`) on what is held out; against `baseline` where there is one.

    Facts: metrics (see `summary.summarise`, and gain and forgetting), items, baseline, contamination, actual. Raises
    Refused when items of a benchmark were found in the data and the settings do not say what to do.
    """
    began = time.monotonic()
    asked = contamination.check(settings, inputs.get("pile"), context.project)
    evidence = _evidence(inputs, context, asked.left_out)
    from modelwright.models import inference

    context.progress("loading the model", 0)
    with _threads(context.machine):
        loaded = inference.load(*_folders(inputs), device=context.machine.device)
        tables = [_score(benchmark, loaded, evidence, context) for benchmark in settings.benchmarks]
    scores = _together(tables)
    metrics = summarise(scores.table, settings.confidence, settings.seed)
    facts: dict[str, Any] = {"items": len(scores.table), "confidence": settings.confidence, **asked.facts}
    if "baseline" in inputs:
        metrics |= _against(inputs, scores, settings)
        facts["baseline"] = inputs["baseline"].ref
    scores = Scores(scores.table, {"metrics": metrics})
    digest = write_scores(context.out, scores)
    facts["actual"] = {"seconds": round(time.monotonic() - began, 2)}
    return Output(digest, {"metrics": metrics, **facts})


def _evidence(inputs: Mapping[str, Artifact], context: Context, left_out: Mapping[str, frozenset[int]]) -> Evidence:
    from modelwright.engines.pile_reader import open_pile
    from modelwright.formats import pairs

    return Evidence(
        open_pile(context.home, inputs["pile"].path) if "pile" in inputs else None,
        pairs.read(inputs["pairs"].path, pairs.HELD_OUT) if "pairs" in inputs else None,
        left_out,
        context.project,
    )


def _folders(inputs: Mapping[str, Artifact]) -> tuple[Path, Path | None]:
    """Folder of the model and of the adapter, if the subject is one."""
    subject = inputs["subject"]
    if subject.kind != "adapter":
        return subject.path, None
    if "model" not in inputs:
        raise InputError(f"{subject.ref} needs the model that it was tuned from", value=subject.ref)
    return inputs["model"].path, subject.path


@contextmanager
def _threads(machine: Machine) -> Iterator[None]:
    """Threads by rule from the quota, because their number changes the last bits of a sum."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(machine.cores, THREADS_AT_MOST)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _score(benchmark: Benchmark, loaded: Any, evidence: Evidence, context: Context) -> pa.Table:
    import pyarrow as pa

    name = plugin_name(benchmark) or type(benchmark).__name__
    rows = benchmark.score(loaded, evidence, _progress(name, context))
    return rows.add_column(
        0, pa.field("benchmark", pa.string(), nullable=False), pa.array([name] * len(rows), pa.string())
    )


def _progress(name: str, context: Context) -> Progress:
    def progress(done: int, total: int, unit: str) -> None:
        if context.stopping():
            raise Stopped(f"stopped while measuring {name}", hint="the same command begins this benchmark again")
        context.progress(name, done, total, unit)

    return progress


def _together(tables: list[pa.Table]) -> Scores:
    import pyarrow as pa

    table = ordered(pa.concat_tables(tables))
    if not len(table):
        raise EmptyResult(
            "nothing is held out to measure on", hint="raise `prepare.holdout`, or name a benchmark with own items"
        )
    return Scores(table)


def _against(inputs: Mapping[str, Artifact], scores: Scores, settings: ValidateSettings) -> dict[str, Any]:
    """Gain and forgetting against the model that the subject was tuned from."""
    from modelwright.validate.benchmarks.bits_per_byte import PAIRS
    from modelwright.validate.compare import gain_and_forgetting

    examples = inputs["subject"].facts.get("examples", {})
    new = {str(examples["source"])} if examples.get("kind") == "source" else {PAIRS}
    base = read_scores(inputs["baseline"].path)
    return gain_and_forgetting(base, scores, new, settings.confidence, settings.seed)


def _counts(pile: Artifact | None) -> dict[str, Any] | None:
    from modelwright.formats.pile import FILE_NAME, PileRecord

    if pile is None or not (pile.path / FILE_NAME).is_file():
        return None
    return dict(PileRecord.load(pile.path).counts)


def _nothing() -> Artifact:
    return Artifact("", 0, "", "", Path())
