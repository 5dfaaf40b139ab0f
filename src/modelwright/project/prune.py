"""Free disk: old artifacts that no release, tag or approval reaches, and leftovers of work that was given up."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import Refused, UsageError
from modelwright.core.storage import lock, own_bytes, sweep
from modelwright.formats.erased import is_erased
from modelwright.govern.records import Records
from modelwright.project.plan import Planned, work_folder
from modelwright.project.schema import Project


def prune(project: Project, records: Records, planned: list[Planned], keep: int = 1) -> dict[str, Any]:
    """Remove artifacts beyond the newest `keep` of each kind that nothing reaches; returns what went, in bytes.

    Interrupted work stays where the project as it stands (`planned`) would resume it.
    """
    if keep < 0:
        raise UsageError(f"cannot keep {keep} artifacts", hint="`--keep 0` or more", value=keep)
    current = [item.artifact for item in planned if item.artifact is not None]
    resumable = {work_folder(project, item.step, item.fingerprint) for item in planned if item.fingerprint}
    removed: list[dict[str, Any]] = []
    going: list[Path] = []
    artifacts = 0
    with lock(project.home / "lock", what=str(project.folder)):
        kept = _reached(records, current, keep)
        for artifact in records.artifacts():
            if artifact.ref in kept or not artifact.path.is_dir() or is_erased(artifact.path):
                continue
            going.append(artifact.path)
            before, artifacts = artifacts, own_bytes(*going)
            removed.append({"ref": artifact.ref, "bytes": artifacts - before, "digest": artifact.digest})
        if removed:  # on record first: what is gone and not on record would be damage
            subject = [{"name": item["ref"], "digest": item["digest"]} for item in removed]
            records.append("prune", subject, {"removed": removed})
        for path in going:  # at once, so that a kill leaves no half of an artifact in its place
            aside = project.home / "work" / f"pruned-{path.parent.name}-{path.name}"
            aside.parent.mkdir(exist_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
        work = _leftovers(project.home / "work", resumable) - artifacts + sweep(project.home)
        tables = shrink_tables(project, records)
        if work or tables:
            records.append("prune", [], {"removed": [], "work_bytes": work, "table_bytes": tables})
    return {"removed": removed, "bytes": artifacts + work + tables, "kept": sorted(kept)}


def shrink_tables(project: Project, records: Records, gone: Collection[str] = ()) -> int:
    """Rid the pile's tables of what no version on this disk holds, and write small files together; returns bytes.

    A team's tables stay as they are while the records of some versions, but for those `gone`, lie on other machines;
    where something has to go (`gone`), that is Refused.
    """
    from modelwright.engines import catalogs

    team = catalogs.shared(project.home)
    if team is None and not (project.home / "catalog.db").exists():
        return 0
    from modelwright.engines import iceberg
    from modelwright.engines.shrink import shrink
    from modelwright.project.versions import at_hand

    with iceberg.opened(project.home) as catalog, catalogs.making(project.home), catalogs.locked(project.home):
        records.refresh()
        out = {*gone, *records.removed()}
        piles = [item for item in records.artifacts() if item.kind == "pile" and item.ref not in out]
        elsewhere = [item.ref for item in piles if not (item.path / "pile.json").is_file()]
        if team is not None and elsewhere:
            if gone:
                hint = "give the team one `run.out` that everyone sees, with all of these below it, then run this again"
                said = f"the tables are shared, and the records of {', '.join(elsewhere[:5])} lie on other machines"
                raise Refused(f"{said}: nothing can be erased from them here", hint=hint, value=elsewhere)
            return 0
        return max(0, shrink(catalog, at_hand(records)))


def _reached(records: Records, current: list[Artifact], keep: int) -> set[str]:
    """What must stay: current, newest of each kind, tagged, approved, released - and the ancestors of all these."""
    artifacts = records.artifacts()
    roots = {artifact.ref for artifact in current}
    by_kind: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        by_kind.setdefault(artifact.kind, []).append(artifact)
    for of_kind in by_kind.values():
        roots |= {artifact.ref for artifact in of_kind[len(of_kind) - max(0, keep) :]}
    released = {artifact.ref for artifact in by_kind.get("release", [])}
    roots |= released | set(records.names().values()) | set(records.approved())
    parents = {artifact.ref: [parent["ref"] for parent in artifact.parents] for artifact in artifacts}
    reached: set[str] = set()
    queue = list(roots)
    while queue:
        ref = queue.pop()
        if ref not in reached:
            reached.add(ref)
            queue += parents.get(ref, [])
    return reached


def _leftovers(work: Path, resumable: set[Path]) -> int:
    """Remove work of runs that were given up; returns bytes."""
    size = 0
    for folder in sorted(set(work.glob("*/")) - resumable):
        size += own_bytes(folder)
        shutil.rmtree(folder)
    return size
