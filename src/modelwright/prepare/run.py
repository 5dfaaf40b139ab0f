"""STAGE 1, first half: sources -> documents -> signals -> decisions and edits -> duplicates -> pile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core import plugins
from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.prepare.inventory import sizes
from modelwright.prepare.settings import PileSettings

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents
    from modelwright.prepare.measure import Measured
    from modelwright.prepare.signal import Signal

_MB_PER_CORE_SECOND = 8.0
_BASIS = "size of the sources; 8 MB per CPU-second for a first preparation, measured on 128 MB of code and docs"


@dataclass(frozen=True)
class Decided:
    """What is known before anything is published.

    table  one row an input document (see `prepare/decisions.py`); pile  the documents that stay, with their split
    edits  the documents whose text changed, spans  how many were edited of each kind
    measured  signals and findings of every input document
    """

    documents: Documents
    measured: Measured
    table: pa.Table
    edits: pa.Table
    spans: Mapping[str, int]
    pile: pa.Table


@dataclass(frozen=True)
class Gathered:
    """The input documents, what was measured on them, and the signals that did it."""

    documents: Documents
    measured: Measured
    signals: Mapping[str, Signal]


def estimate(settings: PileSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """From the sizes of the files alone: for a first preparation; what was measured before is not measured again."""
    folder = plugins.project_folder() or Path()
    files = [file for source in settings.sources for file in sizes(source, folder)]
    packed = sum(size * (4 if path.endswith(".gz") else 1) for path, size in files)
    seconds = 5 + packed / 1e6 / _MB_PER_CORE_SECOND / machine.cores
    return Estimate(
        seconds=seconds,
        memory_bytes=1_600_000_000,
        disk_bytes=int(packed * 1.8),
        basis=_BASIS,
        details={"bytes": packed},
    )


def run(settings: PileSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Make version `pile@{context.version}`; the digest is the root over its canonical rows.

    Texts pass through map, anti-join and append only, so memory does not grow with them. A killed run goes on by key:
    documents by the digest of their file, signals by the digest of their input, texts by their own. Raises InputError
    for a source that is missing or empty, UnknownName for a rule on an unknown signal, EmptyResult, StorageError,
    Stopped.
    """
    from modelwright.prepare import accounts, decisions
    from modelwright.prepare.publish import publish

    clock = Clock(context)
    made = decide(settings, context, clock)
    if not made.pile.num_rows:
        raise accounts.empty(made.table, context.work)
    with clock("pile"):
        record = publish(
            context,
            made.pile,
            decisions.contract(made.table),
            decisions.signal_columns(made.measured.values),
            made.measured.findings,
            lambda missing: _texts(made, missing, context),
        )
    facts = accounts.facts(settings, made)
    more = {"root": record.root, "text_root": record.text_root, "counts": dict(record.counts), "seconds": clock.seconds}
    return Output(record.root, {**facts, **more})


def decide(settings: PileSettings, context: Context, clock: Clock | None = None) -> Decided:
    """Everything but the publishing: each input document ends in exactly one of kept, changed, dropped, duplicate,
    quarantined."""
    clock = clock or Clock(context)
    return judge(settings, gather(settings, context, clock), context, clock)


def gather(settings: PileSettings, context: Context, clock: Clock | None = None) -> Gathered:
    """Read what is new in the sources and measure what is not measured; costs little when nothing is."""
    from modelwright.engines import daft
    from modelwright.prepare import accounts, decisions
    from modelwright.prepare.barred import bar
    from modelwright.prepare.documents import read_documents, sampled
    from modelwright.prepare.measure import all_signals, measure

    clock = clock or Clock(context)
    daft.start(context.machine.cores)
    signals = all_signals(settings.chosen_signals())
    order = decisions.signals_for(settings, signals)
    with clock("documents"):
        documents = read_documents(settings.sources, context)
        accounts.check_sizes(documents.table, context.expected, settings.sample)
        documents = bar(documents.of(sampled(documents.table, settings.sample)), context)
    with clock("signals"):
        return Gathered(documents, measure(documents, signals, order, context), signals)


def judge(settings: PileSettings, gathered: Gathered, context: Context, clock: Clock | None = None) -> Decided:
    """Decide on documents that are measured: what a changed rule would do is told by this alone."""
    from modelwright.prepare import accounts, decisions
    from modelwright.prepare.dedup.cluster import find_duplicates
    from modelwright.prepare.dedup.holdout import held_out
    from modelwright.prepare.edits import edit
    from modelwright.prepare.repeats import with_repeats

    clock, documents, measured = clock or Clock(context), gathered.documents, gathered.measured
    with clock("decisions"):
        table = decisions.by_rules(settings, documents.table, measured.values)
    with clock("edits"):
        stays = decisions.staying(table, ["document"])["document"].combine_chunks()
        measured = with_repeats(settings, measured, table, documents, context)
        wanted, found = decisions.editings(settings), measured.findings
        edits, documents, spans = edit(wanted, documents, measured.values, found, stays, context, gathered.signals)
        table = decisions.with_edits(table, edits)
    with clock("duplicates"):
        candidates = decisions.candidates(table, measured.values)
        clusters = find_duplicates(
            candidates, lambda rows: documents.batches(rows, context), settings.dedup, context.home / "cache" / "dedup"
        )
        table = decisions.with_duplicates(table, clusters, settings.dedup)
    with clock("holdout"):
        members = candidates.append_column("cluster", clusters["cluster"])
        splits = held_out(members.select(["document", "source", "digest", "cluster"]), settings.holdout)
    accounts.check(documents.table, table)
    context.progress("decided", table.num_rows, table.num_rows, "documents", **accounts.so_far(table))
    pile = decisions.pile(documents.table, measured.values, table, splits)
    return Decided(documents, measured, table, edits, spans, pile)


def _texts(made: Decided, missing: pa.Array, context: Context) -> Iterator[pa.RecordBatch]:
    """The texts with the digests that are `missing`, in order of (source, origin)."""
    import pyarrow.compute as pc

    rows = made.pile.filter(pc.is_in(made.pile["digest"], value_set=missing)).select(["document", "digest"])
    yield from (batch.select(["digest", "text"]) for batch in made.documents.batches(rows, context))


class Clock:
    """Seconds of each step, told to the user as they begin."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self._context.progress(step, len(self.seconds), 7, "steps")
        begun = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - begun, 3)
