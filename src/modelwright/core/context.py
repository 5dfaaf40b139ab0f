"""What a stage is given, and what it gives back. A stage is `estimate(...)` and `run(...)` in its `run.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Machine:
    """The means at hand. `cores` is the cgroup's quota, never `os.cpu_count()`."""

    cores: int
    memory_bytes: int
    disk_free_bytes: int
    device: str = "cpu"
    device_name: str = ""
    device_memory_bytes: int = 0


@dataclass(frozen=True)
class Estimate:
    """What a step will need. None is "unknown"; `basis` says how the figures came about."""

    seconds: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    money: float | None = None
    energy_kwh: float | None = None
    basis: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Artifact:
    """Something a stage made: immutable, `kind@version`, with a digest. `path` is its folder."""

    kind: str
    version: int
    digest: str
    fingerprint: str
    path: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[Mapping[str, str], ...] = ()
    made_at: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"{self.kind}@{self.version}"


@dataclass(frozen=True)
class Output:
    """What `run` returns: the digest of the content (no clock, path or machine in it) and facts.

    files  SHA-256 of files in `out` that are known already: the runner reads the others
    """

    digest: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Context:
    """Everything a stage may touch besides its settings and inputs.

    out      folder to write the artifact into (empty at first; renamed into place by the runner)
    work     folder that survives interruption and is emptied when the record is written
    home     the project's `.modelwright` folder (catalogue, warehouse and caches are below it)
    project  folder of the project file: relative Locations are relative to it
    version  version number that the artifact will get
    expected  source -> documents in the version before: a source that lost most of them is a question to the user
    """

    out: Path
    work: Path
    home: Path
    project: Path
    version: int
    machine: Machine
    on_progress: Callable[[dict[str, Any]], None] = lambda event: None
    stop_requested: Callable[[], bool] = lambda: False
    facts: dict[str, Any] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    _metrics: IO[str] | None = None

    def fact(self, name: str, value: Any) -> None:
        """Record a measured fact; dotted names nest (`licence.unknown_share`)."""
        self.facts[name] = value

    def metric(self, name: str, step: int, value: float) -> None:
        """Append to `metrics.jsonl`, kept in `work` until the runner moves it into the artifact."""
        if self._metrics is None:
            self._metrics = (self.work / "metrics.jsonl").open("a", encoding="utf-8")
        self._metrics.write(json.dumps({"name": name, "step": step, "value": value}) + "\n")
        self._metrics.flush()

    def rewind_metrics(self, step: int) -> None:
        """Forget metrics after `step`: a resumed run writes them again."""
        self.close()
        path = self.work / "metrics.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
            path.write_text("".join(kept), encoding="utf-8")

    def table(self, name: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write rows to `tables/<name>.parquet` of the artifact; returns the number of rows."""
        import pyarrow.parquet as pq

        path = self.out / "tables" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows, writer = 0, None
        for batch in batches:
            writer = writer or pq.ParquetWriter(path, batch.schema, compression="zstd")
            writer.write_batch(batch)
            rows += batch.num_rows
        if writer:
            writer.close()
        return rows

    def progress(self, what: str, done: float, total: float | None = None, unit: str = "", **more: Any) -> None:
        """Tell the user how far `what` is; cheap enough to be called often."""
        self.on_progress({"what": what, "done": done, "total": total, "unit": unit, "at": time.time(), **more})

    def stopping(self) -> bool:
        """True once the user asked to stop: save what resumes, then raise `errors.Stopped`."""
        return self.stop_requested()

    def close(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None


def each(
    items: Iterable[Any],
    context: Context,
    what: str,
    total: int | None = None,
    unit: str = "",
    sizes: Sequence[int] | None = None,
) -> Iterator[Any]:
    """Iterate with progress, raising `Stopped` between items once the user asked to stop.

    With `sizes`, one for each item, progress is their sum so far; with `bytes` as unit, speed and time left are shown.
    """
    from modelwright.core.errors import Stopped

    total, done = (sum(sizes), 0) if sizes is not None else (total, 0)
    for index, item in enumerate(items):
        if context.stopping():
            raise Stopped(f"stopped while {what}", hint="the same command resumes")
        context.progress(what, done, total, unit)
        yield item
        done += sizes[index] if sizes is not None else 1
    if sizes:
        context.progress(what, done, total, unit)
