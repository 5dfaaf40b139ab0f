"""What the benchmarks found in the sources mean for a pile: the rule, the edit, and the facts on its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import plugins
from modelwright.prepare.rule import Editing, Predicate

if TYPE_CHECKING:
    from modelwright.prepare.run import Decided
    from modelwright.prepare.settings import PileSettings

RULE, SIGNAL = "decontaminate", "contamination"


def predicates(settings: PileSettings) -> list[Predicate]:
    """Documents that hold an item are dropped, unless items are cut."""
    wanted = settings.decontaminate
    if wanted is None or wanted.action != "drop":
        return []
    return [Predicate(RULE, SIGNAL, "contaminated_items", ">", 0.0, {}, "holds items of a benchmark")]


def editings(settings: PileSettings) -> list[Editing]:
    """Items that are cut out of the documents that stay."""
    wanted = settings.decontaminate
    return [Editing(RULE, SIGNAL, (), "remove")] if wanted is not None and wanted.action == "cut" else []


def facts(settings: PileSettings, made: Decided) -> dict[str, Any]:
    """Benchmark -> its file's digest, items in it (rows), items found in the sources, their share, and which rows.

    An item counts as found wherever it stood, also in documents that were dropped for it: other copies of what was
    found there may have been edited beyond recognition.
    """
    import pyarrow.compute as pc

    from modelwright.core.fingerprint import digest_file
    from modelwright.measure.benchmark_items import read_rows
    from modelwright.prepare.signals.contamination import benchmark_names

    wanted = settings.decontaminate
    if wanted is None or not wanted.against:
        return {}
    folder = plugins.project_folder() or Path()
    files = tuple(folder / path for path in wanted.against)
    digests = tuple(digest_file(path) for path in files)
    found = made.measured.findings
    found = found.filter(pc.equal(found["signal"], SIGNAL))
    kinds = pc.unique(found["kind"]).to_pylist()
    result = {}
    names = benchmark_names(files, digests)
    for path, digest in zip(files, digests, strict=True):
        name = names[digest]
        rows = sorted({row_of(kind) for kind in kinds if kind.rpartition("#")[0] == name})
        items = len(read_rows(path))
        share = len(rows) / items if items else 0.0
        result[name] = {"digest": digest, "items": items, "found": len(rows), "share": share, "rows": rows}
    return {"contamination": result}


def row_of(kind: str) -> int:
    """The row that a finding `FILE#ROW.FIELD` names."""
    return int(kind.rpartition("#")[2].partition(".")[0])
