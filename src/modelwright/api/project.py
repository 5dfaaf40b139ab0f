"""A project and everything that can be asked of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.api.base import Rows
from modelwright.api.classifiers import Classifiers
from modelwright.api.piles import Piles
from modelwright.core.errors import UnknownName
from modelwright.project import lookup

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from modelwright.deploy.serve import Running
    from modelwright.govern.ledger import Ledger
    from modelwright.govern.records import Records


class Project(Piles, Classifiers):
    """A project and everything that can be asked of it. Every method returns the contract's plain objects."""

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
        from modelwright.project.home import means
        from modelwright.project.pending import expected
        from modelwright.project.steps import wanted

        machine, keys = means(self.project), {step.key for step in wanted(self.project, to)}
        rows = []
        for item in lookup.planned(self.project, self.records, rebuild):
            if item.step.key in keys:
                told = expected(self.project, item, machine)
                rows.append(
                    {
                        "stage": item.step.stage,
                        "artifact": item.artifact.ref if item.artifact else item.step.kind,
                        "of": item.step.of,
                        "action": item.action,
                        "reason": item.reason,
                        "seconds": told.seconds,
                        "memory_bytes": told.memory_bytes,
                        "disk_bytes": told.disk_bytes,
                        "money": told.money,
                        "energy_kwh": told.energy_kwh,
                        "basis": told.basis,
                        "details": dict(told.details),
                    }
                )
        return rows

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

    def card(self, reference: str, form: str = "md", against: str | None = None) -> str:
        """The card of an artifact in one form (md, html, json, and what `modelwright card --help` names), or with
        `against` what differs from the card of that one."""
        from modelwright.project import printing

        artifact = self[reference].artifact
        if against is not None:
            return printing.compared(self.project, self.records, self[against].artifact, artifact, form)
        return printing.rendered(self.project, self.records, artifact, form)

    def card_missing(self, reference: str, form: str) -> tuple[str, ...]:
        """What the standard of a form requires and nobody stated, each with the key of the project file for it."""
        from modelwright.project import printing

        return printing.exported(self.project, self.records, self[reference].artifact, form).missing

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
        self,
        reference: str,
        gate: str,
        reject: bool = False,
        reason: str = "",
        key: str = "default",
        warn: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """A signed decision on an artifact at a gate. It says which takedowns the signer was told of by `warn`."""
        known = [item.label for item in self.settings.gates]
        if gate not in known:
            raise UnknownName("gate", gate, known)
        from modelwright.govern.keys import signer
        from modelwright.project import carrying

        artifact = self[reference].artifact
        decision = {"artifact": artifact.ref, "gate": gate, "approved": not reject, "reason": reason}
        taken_down = [] if reject else carrying.told(self.records, artifact, warn)
        decision |= {"taken_down": taken_down} if taken_down else {}
        entry = self.records.append(
            "approval", [{"name": artifact.ref, "digest": artifact.digest}], decision, signer(key)
        )
        return {**decision, "digest": artifact.digest, "key": entry.keyids[0]}

    def ask(self, prompt: str, reference: str = "release", **options: Any) -> dict[str, Any]:
        """One answer, with the name and digest of what gave it. Options: max_tokens, temperature, and `warn`, which is
        told what it still carries of what was taken down."""
        from modelwright.project import serving

        return serving.ask(self.project, self.records, prompt, reference, **options)

    def serve(
        self,
        reference: str = "release",
        host: str | None = None,
        port: int | None = None,
        announce: Callable[[str], None] = lambda url: None,
        yes: int | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        """Answer over HTTP until interrupted. What carries what was taken down is refused, or told to `warn`, as
        `deploy.taken_down` says; `yes` is the number of takedowns with which it is served all the same."""
        from modelwright.project import serving

        serving.serve(self.project, self.records, reference, host, port, announce, yes, warn)

    def running(
        self,
        reference: str = "release",
        port: int = 0,
        yes: int | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> AbstractContextManager[Running]:
        """A server on loopback for the time of a `with` block; `yes` and `warn` as for `serve`."""
        from modelwright.project import serving

        return serving.running(self.project, self.records, reference, port, yes, warn)

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
