"""Versions of the base data pile, as a project answers for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.api.base import Base, Rows
from modelwright.core import plugins
from modelwright.project import lookup, schema

if TYPE_CHECKING:
    import pyarrow as pa


class Piles(Base):
    """What a project says about its piles."""

    def what_if(self) -> dict[str, Any] | None:
        """What the pile would keep and drop under overridden settings of `prepare`; None when they change nothing."""
        from modelwright.project.whatif import what_if

        pile = next((item for item in lookup.planned(self.project, self.records) if item.step.key == "pile"), None)
        prepare = self.settings.prepare
        if pile is None or prepare is None or pile.action == "unchanged" or not self.project.overrides:
            return None
        as_it_stands = lookup.current(schema.load(self.project.file), self.records)
        plugins.use_project(self.folder)
        return what_if(self.project, prepare.pile(), as_it_stands.get("pile"))

    def pile_log(self) -> Rows:
        from modelwright.project import piles

        return piles.log(self.records)

    def tag(self, name: str, reference: str = "pile") -> dict[str, Any]:
        from modelwright.project import piles

        return piles.tag(self.records, name, self[reference].artifact)

    def pile_diff(self, a: str, b: str) -> dict[str, Any]:
        from modelwright.prepare.piles import diff

        return diff(self.reader(a), self.reader(b))

    def pile_sample(self, reference: str = "pile", count: int = 10) -> Rows:
        from modelwright.prepare.piles import sample

        rows: Rows = sample(self.reader(reference), count).to_pylist()
        return rows

    def pile_export(self, folder: str | Path, form: str = "parquet", reference: str = "pile") -> dict[str, Any]:
        from modelwright.prepare.piles import export

        return dict(export(self.reader(reference), Path(folder), form))

    def sql(self, query: str, reference: str = "pile") -> pa.Table:
        """One SELECT over documents, decisions, signals and findings of a pile."""
        return self.reader(reference).sql(query)

    def why(self, document: str) -> Rows:
        """Every decision on a document, in every version of the pile."""
        from modelwright.project import piles

        return piles.why(self.project, self.records, document)
