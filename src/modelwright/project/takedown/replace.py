"""New versions without the documents: the project's own is made anew, named ones are derived; names move to them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact, Context
from modelwright.core.errors import ModelwrightError
from modelwright.core.fingerprint import digest
from modelwright.core.storage import folder_digests
from modelwright.formats.pile import TABLES
from modelwright.govern.records import Records
from modelwright.project import recipe, schema, versions
from modelwright.project.schema import Project
from modelwright.project.takedown.journal import Journal

if TYPE_CHECKING:
    import pyarrow as pa

COUNTED = {"by_source": "source", "by_language": "language", "by_code_language": "code_language", "by_kind": "kind",
           "by_licence": "licence"}  # fmt: skip


def replace(project: Project, records: Records, begun: Journal) -> None:
    """Make what replaces the versions that will be erased, and note the exact difference of each."""
    if begun.get("replaced_all"):
        return
    piles, current = begun["reach"]["piles"], begun["current"]
    replaced: dict[str, str] = dict(begun["replaced"])
    notes = list(begun["notes"])
    if current.get("pile") in piles:
        made, wrong = _make_anew(project, records)
        notes += [wrong] if wrong else []
        replaced |= {current[kind]: made[kind].ref for kind in made if kind in current}
        if "pile" in made:
            begun.set(replaced=replaced)
    for ref in _wanted(records, begun):
        if ref not in replaced:
            derived = _derive(project, records, records.by_ref()[ref], begun)
            if derived is None:
                notes.append(f"{ref} held nothing else: no version replaces it")
            else:
                replaced[ref] = derived.ref
    replaced = {old: new for old, new in replaced.items() if old != new}
    differences = [_difference(project, records, old, new) for old, new in replaced.items() if old.startswith("pile@")]
    begun.set(replaced=replaced, differences=differences, notes=notes, replaced_all=True)


def _wanted(records: Records, begun: Journal) -> list[str]:
    """The versions that get one that replaces them: the current, those with a name, and at least the newest."""
    piles, current = begun["reach"]["piles"], begun["current"].get("pile")
    named = set(records.names().values())
    newest = piles[-1:] if current is None else [current]
    return [ref for ref in piles if ref in named or ref in newest]


def _make_anew(project: Project, records: Records) -> tuple[dict[str, Artifact], str]:
    """The project's pile and tokens as a run would make them now; what could not be made, in words."""
    from modelwright.project import runner

    made: dict[str, Artifact | None] = {}
    try:
        runner.make_first(schema.load(project.file), records, ("pile", "tokens"), made)
    except ModelwrightError as error:
        wrong = f"the pile could not be made anew from its sources ({error.message}); it was derived from the old one"
        return {key: item for key, item in made.items() if item is not None}, wrong if not made else error.message
    return {key: item for key, item in made.items() if item is not None}, ""


def _derive(project: Project, records: Records, old: Artifact, begun: Journal) -> Artifact | None:
    """`old` without the documents, as a new version; None when nothing would be left of it."""
    from modelwright.engines import catalogs
    from modelwright.engines.pile_reader import open_pile

    for artifact in records.artifacts():
        if artifact.record.get("takedown") == begun.takedown and artifact.record.get("replaces") == old.ref:
            return artifact
    reader = open_pile(project.home, old.path)
    tables = {name: _without(reader.table(name), begun["documents"]) for name in TABLES}
    if not tables["documents"].num_rows:
        return None
    with catalogs.making(project.home):
        records.refresh()
        return _publish(project, records, old, tables, begun.takedown)


def _publish(
    project: Project, records: Records, old: Artifact, tables: Mapping[str, pa.Table], takedown: str
) -> Artifact:
    from modelwright.core.machine import machine
    from modelwright.prepare.publish import publish

    version = records.next_version("pile")
    work, final = project.home / "work" / f"takedown-{takedown}", project.home / "pile" / str(version)
    for leftover in (work, final):  # of a killed attempt; neither is on record
        shutil.rmtree(leftover, ignore_errors=True)
    (work / "out").mkdir(parents=True)
    context = Context(
        out=work / "out", work=work, home=project.home, project=project.folder, version=version,
        machine=machine(project.home),
    )  # fmt: skip
    documents, decisions, signals, findings = (tables[name] for name in TABLES)
    record = publish(context, documents, decisions, signals, findings, lambda missing: ())
    if (old.path / recipe.FILE_NAME).is_file():
        shutil.copyfile(old.path / recipe.FILE_NAME, work / "out" / recipe.FILE_NAME)
    final.parent.mkdir(parents=True, exist_ok=True)
    (work / "out").rename(final)
    facts = _facts(old.facts, documents, decisions, dict(record.counts))
    facts |= {"root": record.root, "text_root": record.text_root, "counts": dict(record.counts)}
    _record(records, old, final, record.root, facts, takedown)
    shutil.rmtree(work, ignore_errors=True)
    return records.by_ref()[f"pile@{version}"]


def _without(table: pa.Table, documents: list[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table["document"], value_set=pa.array(documents, pa.string()))))


def _facts(
    old: Mapping[str, Any], documents: pa.Table, decisions: pa.Table, counts: Mapping[str, int]
) -> dict[str, Any]:
    """Counts over the rows that are left; what cannot be counted from them is left out."""
    import pyarrow.compute as pc

    facts: dict[str, Any] = {
        "decisions": {name: counts[name] for name in ("kept", "changed", "dropped", "duplicate", "quarantined")},
        "documents": counts["documents"],
        "bytes": counts["bytes"],
        "signals": old.get("signals", []),
        "detectors": old.get("detectors", {}),
    }
    for name, column in COUNTED.items():
        groups = documents.group_by(column).aggregate([("document", "count"), ("bytes", "sum")]).to_pylist()
        facts[name] = {
            "unknown" if group[column] is None else group[column]: {
                "documents": group["document_count"], "bytes": group["bytes_sum"]
            }
            for group in sorted(groups, key=lambda group: (-group["document_count"], str(group[column])))
        }  # fmt: skip
    left = set(pc.unique(decisions["source"]).to_pylist())
    nothing = {"documents": 0, "bytes": 0}
    facts["sources"] = {
        name: {**source, "in_pile": facts["by_source"].get(name, nothing)}
        for name, source in (old.get("sources") or {}).items()
        if name in left
    }
    return facts


def _record(records: Records, old: Artifact, final: Any, root: str, facts: dict[str, Any], takedown: str) -> None:
    from modelwright.project.runner import versions as libraries

    predicate = {
        "stage": "prepare",
        "key": "takedown",
        "artifact": {
            "kind": "pile",
            "version": int(final.name),
            "digest": root,
            "fingerprint": digest({"derived": old.fingerprint, "takedown": takedown}),
        },
        "of": None,
        "settings": dict(old.record.get("settings") or {}),
        "parents": [{"role": "before", "ref": old.ref, "digest": old.digest}],
        "code": dict(old.record.get("code") or {}),
        "facts": facts,
        "files": folder_digests(final),
        "seconds": None,
        "versions": libraries(),
        "equal_to": None,
        "takedown": takedown,
        "replaces": old.ref,
        "reason": f"{old.ref} without what the takedown {takedown} named",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    records.append("artifact", [{"name": f"pile@{final.name}", "digest": root}], predicate)


def _difference(project: Project, records: Records, old: str, new: str) -> dict[str, Any]:
    """Exactly what left, came and changed from one version to the other; counts, no samples."""
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.diff import diff

    known = records.by_ref()
    before, after = (open_pile(project.home, known[ref].path) for ref in (old, new))
    found = diff(before, after)
    kept = {key: value for key, value in found.items() if key not in ("samples", "clusters")}
    return {"old": old, "new": new, **kept}


def move_names(records: Records, begun: Journal) -> None:
    """Tags and branches on what will be erased go to what replaces it; the name of what nothing replaces is freed."""
    replaced, known = begun["replaced"], records.by_ref()
    gone = {ref for kind in ("piles", "tokens") for ref in begun["reach"][kind]}
    for name, ref in records.tags().items():
        if ref in replaced:
            versions.tag(records, name, known[replaced[ref]])
        elif ref in gone and ref.startswith("pile@"):
            subject = [{"name": ref, "digest": known[ref].digest}]
            records.append("tag", subject, {"name": name, "ref": None, "was": ref, "takedown": begun.takedown})
    for name, branch in records.branches().items():
        ref = branch["ref"]
        if ref in replaced:
            versions.branch(records, name, known[replaced[ref]], branch["overrides"])
        elif ref in gone:
            subject = [{"name": ref, "digest": known[ref].digest}]
            records.append("branch", subject, {"name": name, "ref": None, "was": ref, "takedown": begun.takedown})
