"""The bytes go: of versions, tokens, pairs, caches, work, exports, cards and answers. Every part can be done twice."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from modelwright.core.storage import files_below, folder_bytes
from modelwright.formats import barred, erased
from modelwright.govern.records import Records
from modelwright.project.prune import shrink_tables
from modelwright.project.schema import Project
from modelwright.project.takedown import caches, quotes
from modelwright.project.takedown.journal import TEXTS, Journal

TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
"""Stays of erased tokens: a vocabulary of pieces of words, without which models made of it cannot be read."""
KEPT_WORK = "model-"
"""Interrupted training: weights and no text."""


def erase(project: Project, records: Records, begun: Journal) -> None:
    """Erase what the journal names, and note what went."""
    known, home = records.by_ref(), project.home
    removed: list[dict[str, Any]] = list(begun["removed"])
    for kind in TEXTS.values():
        for ref in begun["reach"][kind]:
            artifact = known[ref]
            stays = TOKENIZER if kind == "tokens" else ()
            size = _empty(artifact.path, begun.takedown, ref, artifact.facts, stays)
            if ref not in [item["ref"] for item in removed]:
                removed.append({"ref": ref, "digest": artifact.digest, "bytes": size, **_roots(artifact.facts)})
                begun.set(removed=removed)
    _unrecorded(home, known)
    lists = [
        wanted for name in begun["files"] if name.endswith(".parquet") for wanted in barred.read_shingles(home / name)
    ]
    quoting = {
        "exports": _exports(project, begun),
        "answers": quotes.answers(home, lists),
        "cards": quotes.cards(project, records, begun, lists),
        "yours": quotes.others(project, lists),
    }
    before = begun.get("quoting") or {}
    begun.set(quoting={name: sorted({*before.get(name, []), *found}) for name, found in quoting.items()})
    shrink_tables(project, records, gone=begun["reach"]["piles"])
    caches.forget(project, begun, records)
    for folder in sorted((home / "work").glob("*/")):
        if not folder.name.startswith(KEPT_WORK):
            shutil.rmtree(folder)
    begun.set(bytes_after=folder_bytes(home))


def _unrecorded(home: Path, known: Collection[str]) -> None:
    """Remove versions that stand in their place and came on no record, because the run that made them was killed."""
    for kind in TEXTS:
        for folder in sorted((home / kind).glob("*/")):
            if f"{kind}@{folder.name}" not in known:
                shutil.rmtree(folder)


def _roots(facts: Any) -> dict[str, Any]:
    return {name: facts.get(name) for name in ("root", "text_root") if facts.get(name)}


def _empty(folder: Path, takedown: str, ref: str, facts: Any, stays: tuple[str, ...]) -> int:
    """Leave the mark and what `stays`; returns the bytes that went. The mark is first: a half-empty folder says why."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
    erased.mark(folder, takedown, {"ref": ref, **_roots(facts)})
    size = 0
    for path in files_below(folder):
        if path.name not in (erased.FILE_NAME, *stays):
            found = path.stat()
            size += found.st_size if found.st_nlink == 1 else 0  # a shard may have another name in other tokens
            path.unlink()
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        path.rmdir()
    return size


def _exports(project: Project, begun: Journal) -> list[str]:
    """Remove what `pile export` and `pile report` wrote inside the project; the certificate names what lies outside."""
    gone = []
    for copy in begun["reach"]["copies"]:
        path = project.folder / str(copy["place"])
        if not copy["inside"] or not path.resolve().is_relative_to(project.folder) or path == project.folder:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        gone.append(str(copy["place"]))
    return gone
