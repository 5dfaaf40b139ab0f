"""The runner: makes what is not up to date, alone records, survives interruption.

An artifact is written in `work/`, its outcome noted, its folder renamed into place, and the ledger's record written
last. A kill at any point leaves either nothing or something that the next run finishes.
"""

from __future__ import annotations

import contextlib
import gc
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import modelwright
from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import Busy, IntegrityError, ModelwrightError, Refused, Stopped
from modelwright.core.machine import library_versions
from modelwright.core.storage import folder_digests, lock, read_json, storage_error, write_json
from modelwright.govern.ledger import Ledger
from modelwright.govern.records import Records
from modelwright.prepare.inventory import looked_at_once
from modelwright.project import gatekeeper, pending, recipe
from modelwright.project.home import means, open_home
from modelwright.project.plan import Planned, decide, estimate, work_folder
from modelwright.project.schema import Project
from modelwright.project.steps import Step, check_stage, steps, wanted

RECORDED_LIBRARIES = ("daft", "pyiceberg", "gigatoken", "torch", "transformers", "peft", "trl", "numba", "pyarrow")

Reporter = Callable[[dict[str, Any]], None]


@dataclass
class Run:
    """One invocation of `run` and what it did."""

    project: Project
    records: Records
    machine: Machine
    report: Reporter
    stop_requested: Callable[[], bool]
    made: dict[str, Artifact | None] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)


def run(
    project: Project,
    *,
    to: str | None = None,
    rebuild: str | None = None,
    report: Reporter = lambda event: None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Make everything that is not up to date, in order; one plain dict a step. Errors carry the steps so far."""
    if rebuild is not None:
        check_stage(steps(project), rebuild)
    with lock(project.home / "lock", what=str(project.folder)):
        open_home(project)
        ledger = Ledger.open(project.ledger)
        this = Run(project, Records(ledger, project.home), means(project), report, stop_requested)
        try:
            _settle_takedowns(this)
            for step in wanted(project, to):
                _one(this, step, rebuild == step.stage)
        except ModelwrightError as error:
            error.steps = this.steps
            raise
        finally:
            gatekeeper.finish(this)
            ledger.close()
        return this.steps


def make_first(project: Project, records: Records, keys: Sequence[str], made: dict[str, Artifact | None]) -> None:
    """Make the steps `keys` (the first of a project) into `made`; whoever calls holds the project's lock."""
    this = Run(project, records, means(project), lambda event: None, lambda: False, made)
    for step in steps(project):
        if step.key in keys:
            _one(this, step, False)


def _settle_takedowns(this: Run) -> None:
    """The do-not-ingest list says what the ledger says, and a takedown that was killed is finished."""
    from modelwright.govern.takedowns import write_list

    write_list(this.records)
    if (this.project.home / "takedown").is_dir():
        from modelwright.project.takedown.execute import finish_pending

        finish_pending(this.project, this.records, this.report)


def _one(this: Run, step: Step, rebuild: bool) -> None:
    with looked_at_once():
        _plan_and_make(this, step, rebuild)
    gatekeeper.after(this, step)


def _plan_and_make(this: Run, step: Step, rebuild: bool) -> None:
    planned = decide(step, this.project, this.made, this.records.artifacts(), rebuild)
    this.report({"event": "step", "key": step.key, "action": planned.action, "reason": planned.reason})
    if planned.action == "unchanged" and planned.artifact is not None:
        this.made[step.key] = planned.artifact
        _note(this, planned, planned.artifact, "unchanged", 0.0)
    else:
        this.made[step.key] = make(this, planned)


def make(this: Run, planned: Planned) -> Artifact:
    """Run one step and record it. Finished but unrecorded work of a killed run is only recorded."""
    from modelwright.engines import catalogs

    with catalogs.making(this.project.home) if planned.step.kind == "pile" else contextlib.nullcontext():
        this.records.refresh()
        return _make(this, planned)


def _make(this: Run, planned: Planned) -> Artifact:
    step, project = planned.step, this.project
    assert planned.fingerprint is not None
    work = work_folder(project, step, planned.fingerprint)
    version = this.records.next_version(step.kind)
    # What is left of a known pile is looked up where a limit asks for it: it costs half as much as a small increment.
    limited = project.settings.limits.time is not None
    expected = pending.expected(project, planned, this.machine) if limited else estimate(planned, this.machine)
    _check_limits(this, step, expected)
    began = time.monotonic()
    outcome = _finished_outcome(work, version)
    if outcome is None:
        try:
            outcome = _execute(this, planned, version, expected)
        except Stopped:
            raise
        except ModelwrightError as error:
            _record_failure(this, planned, error)
            raise
        except OSError as error:
            failure = storage_error(error, work)
            _record_failure(this, planned, failure)
            raise failure from error
    artifact = _publish(this, planned, outcome)
    action = "resumed" if planned.action == "resume" else "made"
    _note(this, planned, artifact, action, time.monotonic() - began)
    return artifact


def _execute(this: Run, planned: Planned, version: int, expected: Estimate) -> dict[str, Any]:
    step, project = planned.step, this.project
    assert planned.fingerprint is not None
    facts = gatekeeper.facts_for(this, step)  # a refusal leaves nothing to resume
    work = work_folder(project, step, planned.fingerprint)
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (work / "state").mkdir(exist_ok=True)
    context = Context(
        out=out,
        work=work / "state",
        home=project.home,
        project=project.folder,
        version=version,
        machine=this.machine,
        on_progress=lambda event: this.report({"event": "progress", "key": step.key, **event}),
        stop_requested=this.stop_requested,
        facts=facts,
        expected=_expected(this, step),
    )
    began, cpu = time.monotonic(), time.process_time()
    stage = step.load()
    gc.freeze()  # a full collection walks 300,000 objects of imported modules: a tenth of the time of a small increment
    try:
        output: Output = stage.run(step.settings, planned.inputs, context)
    finally:
        gc.unfreeze()
        context.close()
    if step.kind == "pile":
        recipe.write(project, out)
    metrics = work / "state" / "metrics.jsonl"
    if metrics.exists():
        shutil.copyfile(metrics, out / "metrics.jsonl")
    outcome = {
        "version": version,
        "digest": output.digest,
        "facts": {**nest(context.facts), **output.facts},
        "seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "estimate": {"seconds": expected.seconds, "memory_bytes": expected.memory_bytes, "basis": expected.basis},
        "files": folder_digests(out, output.files),
    }
    write_json(work / "outcome.json", outcome)
    return outcome


def _expected(this: Run, step: Step) -> dict[str, int]:
    """Documents of each source in the pile that was made last, but for sources whose shrinking the user accepted."""
    accepted = this.project.settings.run.accept_shrink
    piles = [artifact for artifact in this.records.artifacts() if artifact.kind == step.kind == "pile"]
    sources = piles[-1].facts.get("sources", {}) if piles else {}
    return {name: facts["documents"] for name, facts in sources.items() if name not in accepted}


def _finished_outcome(work: Any, version: int) -> dict[str, Any] | None:
    """What a run wrote that was killed between its last byte and its record."""
    path = work / "outcome.json"
    if not path.exists():
        return None
    outcome: dict[str, Any] = read_json(path)
    if outcome["version"] != version:
        path.unlink()  # another artifact took the number meanwhile: publish again under the next
        return None
    return outcome


def _publish(this: Run, planned: Planned, outcome: Mapping[str, Any]) -> Artifact:
    step, project = planned.step, this.project
    assert planned.fingerprint is not None
    work = work_folder(project, step, planned.fingerprint)
    final = project.home / step.kind / str(outcome["version"])
    if (work / "out").exists():
        if final.exists():  # a folder without a record: an unfinished attempt
            shutil.rmtree(final)
        final.parent.mkdir(parents=True, exist_ok=True)
        (work / "out").rename(final)
    elif not final.is_dir():
        raise IntegrityError(f"{final} vanished before it was recorded", hint="run again", value=str(final))
    equal = next((old for old in this.records.artifacts() if _same_content(old, step, outcome)), None)
    predicate = {
        "stage": step.stage,
        "key": step.key,
        "artifact": {
            "kind": step.kind,
            "version": outcome["version"],
            "digest": outcome["digest"],
            "fingerprint": planned.fingerprint,
        },
        "of": this.made[step.parents["subject"]].ref if step.kind == "scores" else None,  # type: ignore[union-attr]
        "settings": dict(planned.flat),
        "parents": [
            {"role": role, "ref": parent.ref, "digest": parent.digest} for role, parent in planned.inputs.items()
        ],
        "code": {step.module: step.version},
        "facts": outcome["facts"],
        "files": outcome["files"],
        "seconds": outcome["seconds"],
        "cpu_seconds": outcome["cpu_seconds"],
        "estimate": outcome["estimate"],
        "versions": versions(),
        "machine": {"cores": this.machine.cores, "device": this.machine.device, "name": this.machine.device_name},
        "equal_to": equal.ref if equal else None,
        "reason": planned.reason,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    ref = f"{step.kind}@{outcome['version']}"
    subject = [{"name": ref, "digest": outcome["digest"]}]
    try:
        this.records.append("artifact", subject, predicate, claim=ref)
    except Busy:
        final.rename(work / "out")
        raise
    if equal is not None:
        this.records.append("equal", subject, {"ref": ref, "equal_to": equal.ref})
    shutil.rmtree(work, ignore_errors=True)
    return this.records.by_ref()[ref]


def _same_content(old: Artifact, step: Step, outcome: Mapping[str, Any]) -> bool:
    return old.kind == step.kind and old.digest == outcome["digest"]


def _record_failure(this: Run, planned: Planned, error: ModelwrightError) -> None:
    step = planned.step
    predicate = {
        "stage": step.stage,
        "key": step.key,
        "kind": step.kind,
        "error": type(error).__name__,
        "message": error.message,
        "settings": dict(planned.flat),
        "fingerprint": planned.fingerprint,
    }
    this.records.append("failed", [], predicate)
    entry = {"stage": step.stage, "artifact": None, "of": None, "digest": None, "action": "failed"}
    this.steps.append({**entry, "reason": error.message, "seconds": None})


def _note(this: Run, planned: Planned, artifact: Artifact, action: str, seconds: float) -> None:
    entry = {
        "stage": planned.step.stage,
        "artifact": artifact.ref,
        "of": artifact.record.get("of"),
        "digest": artifact.digest,
        "action": action,
        "reason": planned.reason,
        "seconds": round(seconds, 3),
    }
    this.steps.append(entry)
    this.report({"event": "done", "key": planned.step.key, **entry, "facts": artifact.facts})


def _check_limits(this: Run, step: Step, expected: Estimate) -> None:
    limits = this.project.settings.limits
    elapsed = time.monotonic() - this.started
    if limits.time and expected.seconds is not None and elapsed + expected.seconds > limits.time.amount:
        raise Refused(
            f"{step.key} would take about {expected.seconds:.0f} s; with {elapsed:.0f} s gone that exceeds limits.time "
            f"({limits.time})",
            hint="raise `limits: {time: ...}` or lower the budget of the stage",
            value=expected.seconds,
        )
    if limits.money and expected.money is not None and expected.money > limits.money.amount:
        raise Refused(
            f"{step.key} would cost about ${expected.money:.2f}, more than limits.money ({limits.money})",
            hint="raise `limits: {money: ...}` or lower the budget of the stage",
            value=expected.money,
        )


def nest(facts: Mapping[str, Any]) -> dict[str, Any]:
    """`{"licence.unknown_share": 0.1}` -> `{"licence": {"unknown_share": 0.1}}`."""
    nested: dict[str, Any] = {}
    for name, value in facts.items():
        target = nested
        *path, last = name.split(".")
        for part in path:
            target = target.setdefault(part, {})
        target[last] = value
    return nested


def versions() -> dict[str, str]:
    """Versions of Python, modelwright and the libraries that shape results."""
    found = {"python": platform.python_version(), "modelwright": modelwright.__version__}
    return found | library_versions(RECORDED_LIBRARIES)
