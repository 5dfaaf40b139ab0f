"""Versions of the base data pile as a line of history: the log, branches for experiments, what each takes on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.fingerprint import changes
from modelwright.core.storage import folder_bytes
from modelwright.formats.pile import TABLES, PileRecord
from modelwright.govern.records import Records
from modelwright.project.schema import Project

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader

_NAME = r"[A-Za-z][\w.-]{0,63}"


def log(records: Records) -> list[dict[str, Any]]:
    """One row a version, oldest first: when, by whom, why, what differs in the recipe from the one before, counts."""
    branches, removed = records.branches(), records.removed()
    rows: list[dict[str, Any]] = []
    before: Mapping[str, Any] = {}
    for artifact in records.artifacts():
        if artifact.kind != "pile":
            continue
        settings = artifact.record.get("settings") or {}
        rows.append(
            {
                "pile": artifact.ref,
                "digest": artifact.digest,
                "made_at": artifact.made_at,
                "reason": artifact.record.get("reason"),
                "made_by": [key[:12] for key in records.entry(artifact).keyids],
                "recipe_difference": changes(before, settings) if before else [],
                "decisions": artifact.facts.get("decisions", {}),
                "documents": artifact.facts.get("documents"),
                "bytes": artifact.facts.get("bytes"),
                "tags": records.tags_of(artifact.ref),
                "branches": sorted(name for name, branch in branches.items() if branch["ref"] == artifact.ref),
                "erased": artifact.ref in removed,
            }
        )
        before = settings
    return rows


def tag(records: Records, name: str, artifact: Artifact) -> dict[str, Any]:
    """Point a tag at an artifact; moving one is an event like any other."""
    _check(records, name, "tag", records.branches())
    before = records.tags().get(name)
    if before != artifact.ref:
        subject = [{"name": artifact.ref, "digest": artifact.digest}]
        records.append("tag", subject, {"name": name, "ref": artifact.ref, "was": before})
    return {"tag": name, "ref": artifact.ref, "was": before, "digest": artifact.digest}


def branch(records: Records, name: str, artifact: Artifact, overrides: Sequence[str]) -> dict[str, Any]:
    """Point a branch at a version made with `overrides`: a line of versions beside that of the project file."""
    _check(records, name, "branch", records.tags())
    before = records.branches().get(name)
    now = {"ref": artifact.ref, "overrides": list(overrides)}
    if before != now:
        subject = [{"name": artifact.ref, "digest": artifact.digest}]
        records.append("branch", subject, {"name": name, **now, "was": before and before["ref"]})
    return {"branch": name, **now, "was": before and before["ref"]}


def overrides_of(records: Records, name: str, given: Sequence[str]) -> list[str]:
    """The overrides of a branch (none for a new one), with those `given` now after them; a path that comes twice
    counts as given last."""
    _check(records, name, "branch", records.tags())
    before = records.branches().get(name, {"overrides": []})["overrides"]
    last = {line.partition("=")[0].strip(): line for line in [*before, *given]}
    return list(last.values())


def _check(records: Records, name: str, what: str, others: Mapping[str, Any]) -> None:
    if not re.fullmatch(_NAME, name):
        raise UsageError(f"{name!r} is no {what}", hint="letters, digits, `_`, `.` and `-`, first a letter", value=name)
    if name in {item.kind for item in records.artifacts()} or name in others:
        raise UsageError(f"{name!r} is taken and cannot be a {what}", hint="choose another name", value=name)


def tokens_of(records: Records, pile: Artifact) -> pa.Table | None:
    """(document, tokens) of the newest tokens made of a pile that lie on this disk; None when there are none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from modelwright.formats.tokens import MIX, Tokens

    for artifact in reversed(records.artifacts()):
        of = [parent["ref"] for parent in artifact.parents if parent.get("role") == "pile"]
        if artifact.kind == "tokens" and pile.ref in of and (artifact.path / "manifest.json").is_file():
            mix = artifact.path / MIX
            if mix.is_file():  # a mix repeats and leaves out; what a document has is told beside it
                return pq.read_table(mix, columns=["document", "tokens"], partitioning=None)
            tokens = Tokens.open(artifact.path)
            counts = np.diff(tokens.ends.astype(np.int64), prepend=0)
            return pa.table({"document": tokens.documents()["document"], "tokens": counts})
    return None


def count(reader: PileReader, records: Records, pile: Artifact, where: str, by: str | None) -> list[dict[str, Any]]:
    """{documents, bytes, tokens} of the documents that meet `where` (SQL over documents, and signals), the largest
    first; tokens are those of the training split, null where none were made of this version.

    Raises UsageError for a condition that is not understood, UnknownName for a column `by` that does not exist.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = reader.sql(_counted(reader, where, by))
    known = tokens_of(records, pile)
    counted = pa.nulls(rows.num_rows, pa.int64())
    if known is not None:
        counted = known["tokens"].take(pc.index_in(rows["document"], value_set=known["document"].combine_chunks()))
    grouped = rows.append_column("tokens", counted).group_by([by] if by else [])
    found = grouped.aggregate([("document", "count"), ("bytes", "sum"), ("tokens", "sum")]).to_pylist()
    result = [
        {
            **({by: "unknown" if row[by] is None else row[by]} if by else {}),
            "documents": row["document_count"],
            "bytes": row["bytes_sum"] or 0,
            "tokens": None if known is None else row["tokens_sum"] or 0,
        }
        for row in found
    ]
    return sorted(result, key=lambda row: (-row["bytes"], str(row.get(by or "", ""))))


def _counted(reader: PileReader, where: str, by: str | None) -> str:
    """The query of `count`: over documents, and over columns of signals where they are named."""
    columns = reader.documents().column_names
    words = {*re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "", where)), *([by] if by else [])}
    strangers, measured = sorted(words - set(columns)), []
    if strangers:
        known = reader.signals().column_names
        measured = [name for name in strangers if name in known]
        if by is not None and by not in columns and by not in known:
            raise UnknownName("column", by, {*columns, *known}, where="pile count")
    more = f", {by}" if by and by not in ("document", "bytes") else ""
    if not measured:
        return f"select document, bytes{more} from documents where {where}"
    both = ", ".join([*(f"documents.{name}" for name in columns), *(f"signals.{name}" for name in measured)])
    joined = f"select {both} from documents join signals on documents.document = signals.document"
    return f"select document, bytes{more} from ({joined}) as joined where {where}"


def stats(project: Project, records: Records) -> dict[str, Any]:
    """What lies on disk: per version its own bytes and those it shares, the texts, caches, and all in all."""
    from modelwright.engines import iceberg
    from modelwright.engines.pile_reader import open_pile

    owners: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    texts: dict[str, set[str]] = {}
    piles = [item for item in records.artifacts() if item.kind == "pile" and (item.path / "pile.json").is_file()]
    for artifact in piles:
        reader = open_pile(project.home, artifact.path)
        for name in TABLES:
            for chunk in reader.record.tables[name].chunks:
                path = iceberg.chunk_path(reader.handles[name], chunk)
                owners.setdefault(str(path), []).append(artifact.ref)
                sizes[str(path)] = path.stat().st_size
        texts[artifact.ref] = set(reader.table("documents", ["digest"])["digest"].to_pylist())
    versions = []
    for artifact in piles:
        mine = [path for path, refs in owners.items() if artifact.ref in refs]
        others = set().union(*(held for ref, held in texts.items() if ref != artifact.ref))
        versions.append(
            {
                "pile": artifact.ref,
                "own_bytes": sum(sizes[path] for path in mine if owners[path] == [artifact.ref]),
                "shared_bytes": sum(sizes[path] for path in mine if len(owners[path]) > 1),
                "texts": len(texts[artifact.ref]),
                "own_texts": len(texts[artifact.ref] - others),
                "record_bytes": folder_bytes(artifact.path),
            }
        )
    folders = {path.name: folder_bytes(path) for path in sorted(project.home.iterdir()) if path.is_dir()}
    text_bytes = folder_bytes(project.home / "warehouse" / "pile" / "texts")
    return {"versions": versions, "text_bytes": text_bytes, "folders": folders, "bytes": sum(folders.values())}


def at_hand(records: Records) -> list[PileRecord]:
    """The records of the versions that lie on this disk, newest first."""
    found = [item for item in records.artifacts() if item.kind == "pile" and (item.path / "pile.json").is_file()]
    return [PileRecord.load(Path(item.path)) for item in sorted(found, key=lambda item: -item.version)]
