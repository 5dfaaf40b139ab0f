"""What every part of a project's API stands on: the project, its records, and artifacts by reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from modelwright.core.context import Artifact
from modelwright.core.errors import UsageError
from modelwright.formats import erased
from modelwright.project import lookup, schema

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader
    from modelwright.govern.records import Records

Rows: TypeAlias = list[dict[str, Any]]


class Handle:
    """An artifact of a project: `project["pile@1"]`."""

    def __init__(self, project: Base, artifact: Artifact) -> None:
        self.project = project
        self.artifact = artifact
        self.ref = artifact.ref
        self.path = artifact.path
        self.facts = artifact.facts
        self.digest = artifact.digest

    def to_arrow(self, table: str = "documents") -> pa.Table:
        """A table of a pile (`documents` with text, `decisions`, `signals`, `findings`), or the scores of a model."""
        import pyarrow.parquet as pq

        erased.refuse(self.path)
        if self.artifact.kind == "pile":
            return self.project.reader(self.ref).sql(f"select * from {table}")
        path = self.path / ("documents.parquet" if self.artifact.kind == "tokens" else f"{self.artifact.kind}.parquet")
        if not path.exists():
            raise UsageError(f"{self.ref} holds no table", hint="piles, tokens, pairs and scores do", value=self.ref)
        return pq.read_table(path)


class Base:
    """A loaded project, its ledger's records, and its artifacts."""

    def __init__(self, project: schema.Project) -> None:
        self.project = project
        self.folder = project.folder
        self.home = project.home
        self.settings = project.settings
        self._records: Records | None = None

    @property
    def records(self) -> Records:
        """What the project's ledger says; opened once, brought up to date at every look."""
        if self._records is None:
            from modelwright.govern.ledger import Ledger
            from modelwright.govern.records import Records

            self._records = Records(Ledger.open(self.project.ledger), self.home)
        self._records.refresh()
        return self._records

    def __getitem__(self, reference: str) -> Handle:
        return Handle(self, lookup.find(self.project, self.records, reference))

    def reader(self, reference: str = "pile") -> PileReader:
        """The tables of a pile at a version."""
        from modelwright.engines.pile_reader import open_pile
        from modelwright.project.home import open_home

        artifact = self[reference].artifact
        if artifact.kind != "pile":
            raise UsageError(f"{artifact.ref} is no pile", hint="name a pile, for example pile@1", value=artifact.ref)
        open_home(self.project)
        return open_pile(self.home, artifact.path)
