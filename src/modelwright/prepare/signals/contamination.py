from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from modelwright.core import plugins
from modelwright.core.errors import InputError
from modelwright.core.spec import Location
from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.measure.contamination import Stretch


class Contamination(Signal):
    """Items of benchmark files that stand in a text, whatever their case, spacing, punctuation and light edits.

    Each text field of a row is an item of its own; one under six words counts only near its answer. Findings are named
    `FILE#ROW.FIELD`, rows from 0. `contamination` is the largest share of an item's words found, `contaminated_items`
    the items found.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[dict[str, str]] = {"contamination": "float64", "contaminated_items": "int64"}
    finds: ClassVar[bool] = True

    against: tuple[Location, ...] = Field(default=(), description="benchmark files: JSON Lines or JSON, also gzipped")
    threshold: float = Field(
        default=0.75, ge=0.25, le=1, description="share of an item's words, in order, at which it counts as found"
    )
    copied: float = Field(
        default=0.4, ge=0.25, le=1, description="share of a long item that suffices when it was copied word for word"
    )

    def files(self) -> tuple[Path, ...]:
        """The benchmark files, relative to the project. Raises InputError for one that is missing."""
        folder = plugins.project_folder() or Path()
        for path in self.against:
            if not (folder / path).is_file():
                raise InputError(
                    f"there is no benchmark file {path}", hint="paths are relative to the project file", value=path
                )
        return tuple(folder / path for path in self.against)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Columns `contamination` and `contaminated_items`, and `findings`; null for null."""
        import numpy as np
        import pyarrow as pa

        from modelwright.measure.contamination import scan
        from modelwright.prepare.measure import findings_type

        texts = batch.column("text")
        covers = np.zeros(len(texts))
        found: list[tuple[int, str, int, int, float]] = []
        for stretch in scan(texts, index_of(self.files())):
            share, enough = self._judge(stretch)
            covers[stretch.row] = max(covers[stretch.row], share)
            if enough:
                found.append((stretch.row, stretch.item.name, stretch.start, stretch.stop, share))
        empty = texts.is_null().to_numpy(zero_copy_only=False)
        rows, *columns = zip(*found, strict=True) if found else [()] * 5
        items = [row for row, _ in set(zip(rows, columns[0], strict=True))]
        spans, counts = (np.bincount(np.array(these, np.int64), minlength=len(texts)) for these in (rows, items))
        kind = findings_type()
        fields = list(kind.value_type)
        values = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
        findings = pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(spans)]), pa.int32()),
            pa.StructArray.from_arrays(values, fields=fields), type=kind, mask=pa.array(empty),
        )  # fmt: skip
        return pa.record_batch(
            {
                "contamination": pa.array(covers, mask=empty),
                "contaminated_items": pa.array(counts, mask=empty),
                "findings": findings,
            }
        )

    def _judge(self, stretch: Stretch) -> tuple[float, bool]:
        """The share found of an item, and whether that suffices. One under eight words must stand there whole, and a
        short answer or choice nearly so: alone they are common knowledge."""
        from modelwright.measure.contamination_kernel import PASSAGE, STATEMENT, WHOLE

        size, share = stretch.size, max(stretch.words, stretch.cover)
        if size < WHOLE:
            return stretch.cover, stretch.cover >= 1.0
        if not stretch.item.asks and size < STATEMENT:
            return share, stretch.words >= max(self.threshold, 0.9)
        copied = stretch.cover >= self.copied and stretch.cover * size >= PASSAGE
        return share, copied or stretch.words >= self.threshold


def index_of(files: tuple[Path, ...]) -> Any:
    """The index of some benchmark files, built once for each state of them."""
    states = [path.stat() for path in files]
    return _index(files, _digests(files, tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in states)))


@lru_cache(maxsize=2)
def _digests(files: tuple[Path, ...], states: tuple[tuple[int, int, int], ...]) -> tuple[str, ...]:
    from modelwright.core.fingerprint import digest_file

    return tuple(digest_file(path) for path in files)


@lru_cache(maxsize=2)
def _index(files: tuple[Path, ...], digests: tuple[str, ...]) -> Any:
    from modelwright.measure.benchmark_items import items_of, read_rows
    from modelwright.measure.contamination import build

    names = benchmark_names(files, digests)
    distinct = dict(zip(digests, files, strict=True))
    return build([item for key, path in distinct.items() for item in items_of(read_rows(path), names[key])])


def benchmark_names(files: tuple[Path, ...], digests: tuple[str, ...]) -> dict[str, str]:
    """Digest -> the name that stands in findings: the file's own, with a part of its digest where two share it."""
    distinct = dict(zip(digests, files, strict=True))
    names = [path.name for path in distinct.values()]
    return {
        digest: path.name if names.count(path.name) == 1 else f"{path.name}@{digest[:8]}"
        for digest, path in distinct.items()
    }
