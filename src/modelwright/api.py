"""modelwright from Python: what the command line says, as functions and one class.

import modelwright
project = modelwright.load(".")
project.run(to="prepare")
project["pile@1"].to_arrow()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from modelwright.core import plugins, quiet
from modelwright.core.context import Artifact
from modelwright.core.errors import UnknownName, UsageError
from modelwright.project import consent, create, lookup, schema

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from modelwright.deploy.serve import Running
    from modelwright.engines.pile_reader import PileReader
    from modelwright.govern.ledger import Ledger
    from modelwright.govern.records import Records

Rows: TypeAlias = list[dict[str, Any]]

__all__ = ["Handle", "Project", "doctor", "keys", "load", "new", "plugins_or_templates", "verify_bundle"]


def new(folder: str | Path, template: str = "demo") -> Path:
    """Make a project folder that runs as it is; returns its project file."""
    return create.new(Path(folder), template)


def load(
    place: str | Path = ".", overrides: Sequence[str] = (), ask: Callable[[list[Path]], bool] = lambda files: True
) -> Project:
    """Load a project from its folder or file. `overrides` are `a.b=1`; `ask` may refuse to run its plugins."""
    quiet.switch_off_telemetry()
    return Project(schema.load(place, overrides, ask))


def doctor(folder: str | Path = ".") -> dict[str, Any]:
    """What this machine has and what is missing."""
    from modelwright.project.doctor import doctor as examine

    return examine(Path(folder))


def verify_bundle(bundle: str | Path, keys_in: str | Path | None = None) -> dict[str, Any]:
    """Verify an exported bundle alone: with the keys in it, or with those in a file or folder that you trust."""
    from modelwright.govern.bundle import verify_bundle as verify
    from modelwright.govern.keys import read_keys

    return verify(Path(bundle), keys=read_keys(Path(keys_in)) if keys_in else None)


def keys(make: str | None = None) -> Rows:
    """The signing keys of this user, made by name when asked; private halves never leave their files."""
    from modelwright.govern import keys as store

    store.create(make) if make else store.signer()
    return [{field: key[field] for field in ("name", "keyid", "public", "own", "path")} for key in store.keys()]  # noqa: SIM118


def plugins_or_templates(
    kind: str, place: str | Path = ".", ask: Callable[[list[Path]], bool] = lambda files: True
) -> Rows | None:
    """What `list` says about plugins of a kind or templates, with no project needed; None for artifacts."""
    if kind == "templates":
        return list(create.templates())
    if kind not in plugins.kinds():
        return None
    path = Path(place) / schema.FILE_NAME if Path(place).is_dir() else Path(place)
    if path.is_file():
        folder = path.resolve().parent
        consent.check(folder, ask)  # to describe a plugin is to run its file
        plugins.use_project(folder)
    return plugins.describe(kind)


class Handle:
    """An artifact of a project: `project["pile@1"]`."""

    def __init__(self, project: Project, artifact: Artifact) -> None:
        self.project = project
        self.artifact = artifact
        self.ref = artifact.ref
        self.path = artifact.path
        self.facts = artifact.facts
        self.digest = artifact.digest

    def to_arrow(self, table: str = "documents") -> pa.Table:
        """A table of a pile (`documents` with text, `decisions`, `signals`, `findings`), or the scores of a model."""
        import pyarrow.parquet as pq

        if self.artifact.kind == "pile":
            return self.project.reader(self.ref).sql(f"select * from {table}")
        path = self.path / ("documents.parquet" if self.artifact.kind == "tokens" else f"{self.artifact.kind}.parquet")
        if not path.exists():
            raise UsageError(f"{self.ref} holds no table", hint="piles, tokens, pairs and scores do", value=self.ref)
        return pq.read_table(path)


class Project:
    """A project and everything that can be asked of it. Every method returns the contract's plain objects."""

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

    def run(
        self,
        to: str | None = None,
        rebuild: str | None = None,
        report: Callable[[dict[str, Any]], None] = lambda event: None,
        stop_requested: Callable[[], bool] = lambda: False,
    ) -> Rows:
        """Make everything that is not up to date; one plain dict a step."""
        from modelwright.project import runner

        return runner.run(self.project, to=to, rebuild=rebuild, report=report, stop_requested=stop_requested)

    def plan(self, to: str | None = None, rebuild: str | None = None) -> Rows:
        """Per step: what would happen and why, with time, memory, disk, money, energy and their basis."""
        from modelwright.project.plan import estimate
        from modelwright.project.runner import means, wanted

        machine, keys = means(self.project), {step.key for step in wanted(self.project, to)}
        rows = []
        for item in lookup.planned(self.project, self.records, rebuild):
            if item.step.key in keys:
                expected = estimate(item, machine)
                rows.append(
                    {
                        "stage": item.step.stage,
                        "artifact": item.artifact.ref if item.artifact else item.step.kind,
                        "of": item.step.of,
                        "action": item.action,
                        "reason": item.reason,
                        "seconds": expected.seconds,
                        "memory_bytes": expected.memory_bytes,
                        "disk_bytes": expected.disk_bytes,
                        "money": expected.money,
                        "energy_kwh": expected.energy_kwh,
                        "basis": expected.basis,
                        "details": dict(expected.details),
                    }
                )
        return rows

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

    def list(self, kind: str | None = None) -> Rows:
        return lookup.items(self.records, kind)

    def show(self, reference: str) -> dict[str, Any]:
        if reference.startswith("run@"):
            return lookup.view_run(self.records, reference)
        return lookup.view(self.records, self[reference].artifact)

    def compare(self, a: str, b: str) -> dict[str, Any]:
        """Settings, facts and (for scores or models) a paired comparison of two artifacts of one kind."""
        from modelwright.project import comparing

        return comparing.compare(self.records, self[a].artifact, self[b].artifact)

    def card(self, reference: str, form: str = "md") -> str:
        from modelwright.project import printing

        forms = printing.rendered(self.project, self.records, self[reference].artifact)
        if form not in forms:
            raise UnknownName("card format", form, forms)
        return forms[form]

    def reader(self, reference: str = "pile") -> PileReader:
        """The tables of a pile at a version."""
        from modelwright.engines.pile_reader import open_pile
        from modelwright.project.runner import open_home

        artifact = self[reference].artifact
        if artifact.kind != "pile":
            raise UsageError(f"{artifact.ref} is no pile", hint="name a pile, for example pile@1", value=artifact.ref)
        open_home(self.project)
        return open_pile(self.home, artifact.path)

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

    def trace(self, reference: str) -> dict[str, Any]:
        from modelwright.govern.lineage import trace

        return trace(self.records, self[reference].ref)

    def verify(self, reference: str | None = None) -> dict[str, Any]:
        """Check the chain, the signatures and every file and card in the ancestry of a reference (default: all)."""
        from modelwright.project import verifying

        return verifying.verify(self.project, reference)

    def bundle(self, target: str | Path, reference: str | None = None) -> dict[str, Any]:
        """Export the ledger, public keys and cards to a folder or `.zip` that verifies on its own."""
        from modelwright.govern.bundle import export

        records = self.records
        return export(_ledger(records), self.home, self.folder, Path(target), reference and self[reference].ref)

    def approve(
        self, reference: str, gate: str, reject: bool = False, reason: str = "", key: str = "default"
    ) -> dict[str, Any]:
        """A signed decision on an artifact at a gate."""
        known = [item.label for item in self.settings.gates]
        if gate not in known:
            raise UnknownName("gate", gate, known)
        from modelwright.govern.keys import signer

        artifact = self[reference].artifact
        decision = {"artifact": artifact.ref, "gate": gate, "approved": not reject, "reason": reason}
        entry = self.records.append(
            "approval", [{"name": artifact.ref, "digest": artifact.digest}], decision, signer(key)
        )
        return {**decision, "digest": artifact.digest, "key": entry.keyids[0]}

    def ask(self, prompt: str, reference: str = "release", **options: Any) -> dict[str, Any]:
        """One answer, with the name and digest of what gave it. Options: max_tokens, temperature."""
        from modelwright.project import serving

        return serving.ask(self.project, self.records, prompt, reference, **options)

    def serve(
        self,
        reference: str = "release",
        host: str | None = None,
        port: int | None = None,
        announce: Callable[[str], None] = lambda url: None,
    ) -> None:
        """Answer over HTTP until interrupted."""
        from modelwright.project import serving

        serving.serve(self.project, self.records, reference, host, port, announce)

    def running(self, reference: str = "release", port: int = 0) -> AbstractContextManager[Running]:
        """A server on loopback for the time of a `with` block."""
        from modelwright.project import serving

        return serving.running(self.project, self.records, reference, port)

    def verify_receipt(
        self, receipt: dict[str, Any], prompt: str | None = None, text: str | None = None
    ) -> dict[str, Any]:
        """Check the receipt of an answer against the ledger, and that it belongs to these texts."""
        from modelwright.govern.receipts import verify_receipt

        return verify_receipt(receipt, prompt=prompt, text=text, records=self.records)

    def prune(self, keep: int = 1) -> dict[str, Any]:
        from modelwright.project.prune import prune

        return prune(self.project, self.records, lookup.planned(self.project, self.records), keep)


def _ledger(records: Records) -> Ledger:
    assert records.ledger is not None, "a project's records have their ledger"
    return records.ledger
