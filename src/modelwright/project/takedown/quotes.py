"""Files that quote what was taken down: stored answers, cards and reports go; a user's own files are named."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelwright.formats.barred import Wanted
from modelwright.govern.records import Records
from modelwright.project.schema import Project
from modelwright.project.takedown.journal import TEXTS, Journal

PAGES = ("cards", "reports")
"""Folders of a project that hold what modelwright wrote about its artifacts."""
SUFFIXES = (".html", ".md", ".json", ".jsonl", ".csv", ".txt", ".tsv", ".xml", ".yaml", ".yml", ".parquet")
_LARGEST = 64 * 2**20
_TAG = re.compile(r"<[^>]{0,2000}>")


def answers(home: Path, lists: Sequence[Wanted]) -> list[str]:
    """Forget the answers that quote; returns their ids. The file is written anew without them."""
    from modelwright.formats import answers as store

    path = home / store.FILE_NAME
    if not path.is_file():
        return []
    with store.Answers(path) as kept:
        gone = []
        for answer, text in kept.kept():
            if _quotes([text], lists):
                kept.erase(answer)
                gone.append(answer)
        kept.compact()
    return gone


def cards(project: Project, records: Records, begun: Journal, lists: Sequence[Wanted]) -> list[str]:
    """Remove the cards of erased versions, and every page that quotes; returns their paths in the project."""
    gone = set()
    for kind in TEXTS.values():
        for ref in begun["reach"][kind]:
            gone |= _forget_card(project, records, ref)
    for name in PAGES:
        for path in _files(project.folder / name):
            if not path.name.startswith("takedown-") and _quotes(_texts(path), lists):
                path.unlink()
                gone.add(path.relative_to(project.folder).as_posix())
    for artifact in records.artifacts():
        if set(records.card_files(artifact.ref)) & gone:
            gone |= _forget_card(project, records, artifact.ref)
    (project.home / "cards.head").unlink(missing_ok=True)
    return sorted(gone)


def _forget_card(project: Project, records: Records, ref: str) -> set[str]:
    """The card's files go, and the ledger says that there are none; the next run prints what still has one."""
    files = records.card_files(ref)
    for name in files:
        (project.folder / name).unlink(missing_ok=True)
    if files:
        records.append("card", [], {"artifact": ref, "files": {}})
    return set(files)


def others(project: Project, lists: Sequence[Wanted]) -> list[str]:
    """Files of the user in the project's folder that quote, but for the sources: named, never touched."""
    sources = _source_folders(project)
    found = []
    for path in _files(project.folder):
        relative = path.relative_to(project.folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        of_source = any(path == source or path.is_relative_to(source) for source in sources)
        inside = path.is_relative_to(project.home) or relative.parts[0] in PAGES
        if not (hidden or of_source or inside) and _quotes(_texts(path), lists):
            found.append(relative.as_posix())
    return found


def _source_folders(project: Project) -> list[Path]:
    from modelwright.project import schema

    prepare = schema.load(project.file).settings.prepare
    places = [getattr(source, "path", None) for source in (prepare.pile().sources if prepare else ())]
    return [(project.folder / str(place)).resolve() for place in places if place]


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
            yield path.resolve()


def _texts(path: Path) -> list[str]:
    """What a file says, as readable text; a table's columns of strings."""
    if path.suffix == ".parquet":
        return _strings(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in (".json", ".jsonl"):
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    # a page's marks stand between words that follow one another; what is not marked up reads the same twice
    return [text, html.unescape(_TAG.sub(" ", text))] if path.suffix in (".html", ".md", ".xml") else [text]


def _strings(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowInvalid):
        return []
    columns = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
    columns += [name for name in table.column_names if pa.types.is_large_string(table.schema.field(name).type)]
    return [text for name in columns for text in table[name].to_pylist() if text]


def _quotes(texts: Sequence[str], lists: Sequence[Wanted]) -> bool:
    import pyarrow as pa

    from modelwright.measure.shingles import quoting

    return bool(texts) and bool(quoting(pa.array(list(texts), pa.large_string()), lists).any())
