"""Versions of the base data pile, as a project answers for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.api.base import Base, Rows
from modelwright.core import plugins
from modelwright.core.context import Artifact
from modelwright.project import lookup, schema

if TYPE_CHECKING:
    import pyarrow as pa


class Piles(Base):
    """What a project says about its piles."""

    def what_if(self) -> dict[str, Any] | None:
        """What the pile would keep and drop under overridden settings of `prepare`; None when they change nothing."""
        from modelwright.project.whatif import what_if

        pile = next((item for item in lookup.planned(self.project, self.records) if item.step.key == "pile"), None)
        if pile is None or pile.action == "unchanged" or not self.project.overrides:
            return None
        return what_if(self.project, self.records, pile.step.settings, self._pile_as_it_stands())

    def sweep(self, setting: str, values: Sequence[str], plot: Path | None = None) -> dict[str, Any]:
        """What the pile would hold at each value of a setting of `prepare`; as a plot too when a path is given."""
        from modelwright.project.whatif import draw, sweep

        swept = sweep(self.project, self.records, setting, values, self._pile_as_it_stands())
        return draw(swept, plot) if plot is not None else swept

    def _pile_as_it_stands(self) -> Artifact | None:
        """What the project file yields without overrides."""
        found = lookup.current(schema.load(self.project.file), self.records).get("pile")
        plugins.use_project(self.folder)
        return found

    def pile_log(self) -> Rows:
        """Versions of the pile, oldest first: when, by whom, why, recipe difference, counts, tags, branches."""
        from modelwright.project import versions

        return versions.log(self.records)

    def tag(self, name: str, reference: str = "pile") -> dict[str, Any]:
        """Name a version; moving a tag is an event."""
        from modelwright.project import versions

        return versions.tag(self.records, name, self[reference].artifact)

    def branches(self) -> Rows:
        """Experiments: name, version, and the overrides that made it."""
        return [{"branch": name, **branch} for name, branch in self.records.branches().items()]

    def branch_overrides(self, name: str, given: Sequence[str] = ()) -> list[str]:
        """The overrides of a branch (none for a new one) with those `given` after them."""
        from modelwright.project import versions

        return versions.overrides_of(self.records, name, given)

    def branch(self, name: str, overrides: Sequence[str]) -> dict[str, Any]:
        """Point a branch at the pile that this project, loaded with `overrides`, yields."""
        from modelwright.project import versions

        return versions.branch(self.records, name, self["pile"].artifact, overrides)

    def pile_restore(self, reference: str) -> dict[str, Any]:
        """Write the recipe of a version into the project file, which then yields that version again."""
        from modelwright.project import recipe

        return recipe.restore(self.project, self[reference].artifact)

    def pile_stats(self) -> dict[str, Any]:
        """Bytes on disk: of each version alone and shared, of texts and caches."""
        from modelwright.project import versions

        return versions.stats(self.project, self.records)

    def pile_diff(self, a: str, b: str) -> dict[str, Any]:
        """Documents, bytes and tokens in, out and changed from one version to another."""
        from modelwright.prepare.diff import diff
        from modelwright.project.versions import tokens_of

        tokens = tokens_of(self.records, self[a].artifact), tokens_of(self.records, self[b].artifact)
        return diff(self.reader(a), self.reader(b), tokens)

    def pile_report(self, reference: str = "pile", out: str | Path | None = None) -> dict[str, Any]:
        """Write one page about a version: {file, pile, bytes}; without `out` into the project's `reports/`."""
        from modelwright.project.report import write_report

        return write_report(self.project, self.records, self[reference].artifact, Path(out) if out else None)

    def pile_diff_page(self, a: str, b: str, out: str | Path | None = None) -> dict[str, Any]:
        """Write what differs between two versions as one page: {file, pile, bytes}."""
        from modelwright.project.report import write_diff

        before, after = self[a].artifact, self[b].artifact
        return write_diff(self.project, self.records, before, after, self.pile_diff(a, b), Path(out) if out else None)

    def pile_sample(self, reference: str = "pile", count: int = 10, by: str | None = None) -> Rows:
        """A repeatable sample of documents with their texts; `count` of each value of the column `by`."""
        from modelwright.prepare.piles import sample

        rows: Rows = sample(self.reader(reference), count, by).to_pylist()
        return rows

    def pile_export(self, folder: str | Path, form: str = "parquet", reference: str = "pile") -> dict[str, Any]:
        """Write a version for other tools, into a new folder; recorded, so that a takedown can name it."""
        from modelwright.project.exporting import export_pile

        return export_pile(self.project, self.records, self[reference].artifact, Path(folder), form)

    def sql(self, query: str, reference: str = "pile") -> pa.Table:
        """One SELECT over documents, decisions, signals and findings of a pile."""
        return self.reader(reference).sql(query)

    def sql_to(self, query: str, file: str | Path, reference: str = "pile") -> dict[str, Any]:
        """The rows of a SELECT as a `.csv` or `.parquet` file."""
        from modelwright.project.exporting import write_rows

        return write_rows(self.sql(query, reference), Path(file))

    def pile_count(self, where: str = "true", by: str | None = None, reference: str = "pile") -> Rows:
        """Documents, bytes and tokens (null where none were made) that meet a condition, by the values of a column."""
        from modelwright.project import versions

        return versions.count(self.reader(reference), self.records, self[reference].artifact, where, by)

    def pile_fit(self, reference: str = "pile") -> dict[str, Any]:
        """What the project's `use` names, against what a pile holds; what is missing, and what nobody named."""
        from modelwright.project.fitting import fit
        from modelwright.project.versions import tokens_of

        artifact = self[reference].artifact
        documents = self.reader(reference).documents()
        return fit(self.project.settings.use, documents, tokens_of(self.records, artifact))

    def why(self, document: str) -> Rows:
        """Every decision on a document, in every version of the pile."""
        from modelwright.project import piles

        return piles.why(self.project, self.records, document)

    def rules_show(self, reference: str = "pile", rule: str | None = None, seed: int = 0) -> dict[str, Any]:
        """What each rule drops alone, first and only, and examples near its thresholds, personal data masked."""
        from modelwright.project.ruling import rules_show

        return rules_show(self.project, self[reference].artifact, rule, seed)

    def takedown(
        self,
        kind: str,
        value: str,
        *,
        execute: bool = False,
        yes: int | None = None,
        reason: str = "",
        report: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> dict[str, Any]:
        """What holds a document (`source`, `owner`, `licence`, or text to `match`) and learned from it; with `execute`
        its erasure."""
        from modelwright.project.takedown.affected import Asked
        from modelwright.project.takedown.execute import takedown

        asked = Asked(kind, value)
        return takedown(self.project, self.records, asked, execute=execute, yes=yes, reason=reason, report=report)

    def prove(self, file: str | Path, reference: str = "pile", out: str | Path | None = None) -> dict[str, Any]:
        """A proof that the text in `file` is in a version of the pile, or that it is not; written to `out` too."""
        from modelwright.project import proving

        found = proving.prove(self.reader(reference), self[reference].artifact, Path(file))
        return proving.write(found, Path(out)) if out is not None else found
