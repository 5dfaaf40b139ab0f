"""What a takedown touches: documents in every version at hand, and by the ledger everything that was made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.fingerprint import digest
from modelwright.formats.barred import Wanted
from modelwright.formats.erased import is_erased
from modelwright.govern.records import Records
from modelwright.project.home import open_home
from modelwright.project.schema import Project

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader

KINDS = ("document", "source", "owner", "licence", "match")
WITH_COPIES = ("document", "owner", "match")
"""What takes copies elsewhere along; who takes down a source or a licence may hold the same text under another."""


@dataclass(frozen=True)
class Asked:
    """What a user asked to take down: one of KINDS, and the value."""

    kind: str
    value: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.value.strip():
            raise UsageError("nothing to take down", hint="name a DOC, or --source, --owner, --licence or --match")


@dataclass
class Found:
    """Documents to take down. `how`: document -> why (KINDS, or copy, duplicate, near); `digests` of their texts,
    inputs included; `held`: those of `digests` that stay, because a document that stays has the same text;
    `texts`: shingles to look for."""

    asked: Asked
    how: dict[str, str] = field(default_factory=dict)
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    texts: list[Wanted] = field(default_factory=list)
    piles: dict[str, set[str]] = field(default_factory=dict)
    all_documents: int = 0
    bytes: int = 0

    @property
    def takedown(self) -> str:
        """The takedown's id: a digest of what was asked and of what it hit."""
        return digest([self.asked.kind, self.asked.value, sorted(self.how), sorted(self.digests)])[:12]

    def rows(self) -> list[dict[str, Any]]:
        """The documents by name."""
        return [
            {"document": one, "source": self.names[one][0], "origin": self.names[one][1], "how": how,
             "piles": [ref for ref, ids in self.piles.items() if one in ids]}
            for one, how in sorted(self.how.items(), key=lambda item: self.names[item[0]])
        ]  # fmt: skip


@dataclass(frozen=True)
class Version:
    """One version at hand: `rows` are its decisions (but for what was taken down before), `documents` what it holds."""

    artifact: Artifact
    reader: PileReader
    rows: pa.Table
    documents: pa.Table


def versions_at_hand(project: Project, records: Records) -> list[Version]:
    """Every pile that can be read, oldest first."""
    import pyarrow.compute as pc

    from modelwright.engines.pile_reader import open_pile

    open_home(project)
    found = []
    for artifact in records.artifacts():
        if artifact.kind == "pile" and (artifact.path / "pile.json").is_file() and not is_erased(artifact.path):
            reader = open_pile(project.home, artifact.path)
            names = ["document", "source", "origin", "digest", "duplicate_of", "rule"]
            rows = reader.table("decisions", names)
            rows = rows.filter(pc.invert(pc.fill_null(pc.equal(rows["rule"], "takedown"), False)))
            found.append(Version(artifact, reader, rows, reader.table("documents")))
    return found


def find(project: Project, versions: list[Version], asked: Asked) -> Found:
    """What `asked` means. Raises UnknownName for a document or source that no version at hand has."""
    found = Found(asked)
    _add(found, versions, _named(project, versions, asked), asked.kind)
    if asked.kind in WITH_COPIES:
        _add_copies(found, versions)
        _add_near(found, versions)
    every: set[str] = set()
    for version in versions:
        ids = version.rows["document"].to_pylist()
        every.update(ids)
        mine = found.how.keys() & set(ids)
        if mine:
            found.piles[version.artifact.ref] = mine
    found.all_documents = len(every)
    found.held = _still_held(found, versions)
    found.bytes = _bytes(found, versions)
    return found


def _named(project: Project, versions: list[Version], asked: Asked) -> set[str]:
    """The documents that are named by what was asked, before copies."""
    if asked.kind == "document":
        return {one for version in versions for one in version.reader.find(asked.value)["document"].to_pylist()}
    if asked.kind == "source":
        return {one for version in versions for one in _where(version.rows, "source", asked.value)}
    if asked.kind == "match":
        return _matching(versions, asked.value)
    columns = ("licence", "licence_class") if asked.kind == "licence" else ("owner",)
    tables = [version.documents for version in versions] + [version.reader.signals() for version in versions]
    named = {
        one for table in tables for column in columns if column in table.column_names
        for one in _where(table, column, asked.value)
    }  # fmt: skip
    if asked.kind in ("owner", "licence"):
        named |= _cached(project, asked)
    return named


def _where(table: pa.Table, column: str, value: str) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = [item for item in pc.unique(table[column]).to_pylist() if isinstance(item, str)]
    meant = [item for item in known if item.strip().casefold() == value.strip().casefold()]
    ids: list[str] = table.filter(pc.is_in(table[column], value_set=pa.array(meant, pa.string())))[
        "document"
    ].to_pylist()
    return ids


def _cached(project: Project, asked: Asked) -> set[str]:
    """Documents that were read and did not stay: their owner and stated licence are known where they were read."""
    from modelwright.prepare import cache

    found: set[str] = set()
    for path in cache.files_of_all(project.home / "cache" / "documents"):
        found.update(_where(cache.load(path), asked.kind, asked.value))
    return found


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _matching(versions: list[Version], value: str) -> set[str]:
    """Documents whose text has `value` as it stands, whatever case and white space, or nearly."""
    import pyarrow as pa

    from modelwright.measure.shingles import holding, wanted

    lists, plain = wanted([value]), _plain(value)
    digests: set[str] = set()
    for batch in texts_of(versions):
        near = holding(batch.column("text"), lists)
        for digest_of, text, hit in zip(batch["digest"].to_pylist(), batch["text"].to_pylist(), near, strict=True):
            if hit or plain in _plain(text):
                digests.add(digest_of)
    ids = pa.array(sorted(digests), pa.string())
    return {one for version in versions for one in _with_digest(version.documents, ids)}


def _with_digest(table: pa.Table, digests: pa.Array) -> list[str]:
    import pyarrow.compute as pc

    ids: list[str] = table.filter(pc.is_in(table["digest"], value_set=digests))["document"].to_pylist()
    return ids


def texts_of(versions: Iterable[Version], only: set[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Each distinct text at hand once (digest, text), of all or of some digests."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    seen: set[str] = set()
    for version in versions:
        table = version.documents.select(["digest", "bytes"])
        if only is not None:
            table = table.filter(pc.is_in(table["digest"], value_set=pa.array(sorted(only), pa.string())))
        digests = table["digest"].to_pylist()
        first = {one: place for place, one in reversed(list(enumerate(digests))) if one not in seen}
        seen.update(first)
        rows = table.take(pa.array(np.sort(np.array(list(first.values()), np.int64))))
        yield from version.reader.texts(rows)


def _add(found: Found, versions: list[Version], ids: set[str], how: str) -> None:
    """Enter documents with their names and the digests of their texts: of the input, and as the pile holds it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(ids - found.how.keys()), pa.string())
    for version in versions:
        rows = version.rows.filter(pc.is_in(version.rows["document"], value_set=wanted))
        for row in rows.to_pylist():
            found.how.setdefault(row["document"], how)
            found.names[row["document"]] = (row["source"], row["origin"])
            found.digests |= {row["digest"]} - {None}
        kept = version.documents.filter(pc.is_in(version.documents["document"], value_set=wanted))
        found.digests.update(kept["digest"].to_pylist())


def _add_copies(found: Found, versions: list[Version]) -> None:
    """Documents with the same text, and those that were found to be near-duplicates, until there are no more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    before = -1
    while len(found.how) != before:
        before = len(found.how)
        digests = pa.array(sorted(found.digests), pa.string())
        copies = {
            one for v in versions for one in [*_with_digest(v.rows, digests), *_with_digest(v.documents, digests)]
        }
        _add(found, versions, copies, "copy")
        ids = pa.array(sorted(found.how), pa.string())
        near: set[str] = set()
        for version in versions:
            rows = version.rows.filter(pc.is_valid(version.rows["duplicate_of"]))
            of, mine = pc.is_in(rows["duplicate_of"], value_set=ids), pc.is_in(rows["document"], value_set=ids)
            near.update(rows.filter(of)["document"].to_pylist())
            near.update(rows.filter(mine)["duplicate_of"].to_pylist())
        _add(found, versions, near, "duplicate")


def _add_near(found: Found, versions: list[Version]) -> None:
    """Documents that hold what is taken down under another name, lightly edited or as a part: the same question that
    every later preparation asks, so that it takes nothing that was not shown here."""
    import pyarrow as pa

    from modelwright.measure.shingles import holding, wanted

    if found.asked.kind == "match":
        found.texts = wanted([found.asked.value])
        return  # `_matching` asked it
    held = [text for batch in texts_of(versions, found.digests) for text in batch["text"].to_pylist()]
    found.texts = wanted(held)
    digests: set[str] = set()
    for batch in texts_of(versions):
        hits = batch.filter(pa.array(holding(batch.column("text"), found.texts)))["digest"].to_pylist()
        digests.update(one for one in hits if one not in found.digests)
    near = pa.array(sorted(digests), pa.string())
    _add(found, versions, {one for version in versions for one in _with_digest(version.documents, near)}, "near")
    _add_copies(found, versions)


def _still_held(found: Found, versions: list[Version]) -> set[str]:
    """Digests of texts that documents outside the takedown have too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held: set[str] = set()
    ids = pa.array(sorted(found.how), pa.string())
    for version in versions:
        others = version.documents.filter(pc.invert(pc.is_in(version.documents["document"], value_set=ids)))
        held.update(set(others["digest"].to_pylist()) & found.digests)
    return held


def _bytes(found: Found, versions: list[Version]) -> int:
    """UTF-8 bytes of the distinct texts that go."""
    sizes: dict[str, int] = {}
    for version in versions:
        for one, size in zip(*(version.documents[name].to_pylist() for name in ("digest", "bytes")), strict=True):
            if one in found.digests and one not in found.held:
                sizes[one] = size
    return sum(sizes.values())


def check_known(found: Found, known: Iterable[str]) -> None:
    """Raises UnknownName when nothing is meant."""
    if not found.how:
        error = UnknownName(found.asked.kind, found.asked.value, known, where="any version of the pile")
        error.hint = error.hint or "`modelwright pile sql` shows what is there; what was taken down is gone"
        raise error
