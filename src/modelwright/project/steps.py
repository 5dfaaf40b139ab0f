"""The order of things, written once: which artifacts a project makes, from what, by which module."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from modelwright.core.errors import UsageError
from modelwright.core.spec import Options
from modelwright.project.schema import Project, ProjectSettings

STAGES = ("prepare", "train", "validate", "tune", "deploy")


@dataclass(frozen=True)
class Step:
    """One artifact to be made. `parents` maps a role to the key of another step, or to a pinned reference `kind@N`.

    `version` is the built-in code's version: a change of results raises it and re-runs the step. `due` is the stage
    that a user must ask for to get it, where that is not `stage`: scores of what was tuned are due with tune.
    """

    key: str
    stage: str
    kind: str
    module: str
    settings: Options
    parents: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    version: int = 1
    of: str | None = None
    due: str = ""

    def load(self) -> ModuleType:
        return importlib.import_module(self.module)


def steps(project: Project) -> list[Step]:
    """All steps of a project, parents before children."""
    settings = project.settings
    result = _prepare(settings) + _train(settings)
    result += _tune_and_validate(settings, {step.key for step in result})
    result += _deploy(settings, {step.key for step in result})
    return result


def _prepare(settings: ProjectSettings) -> list[Step]:
    prepare = settings.prepare
    if prepare is None:
        return []
    benchmarks = settings.validation.benchmarks if settings.validation is not None else ()
    pile = prepare.pile().with_benchmarks([name for benchmark in benchmarks for name in benchmark.files()])
    result = [Step("pile", "prepare", "pile", "modelwright.prepare.run", pile, where="prepare")]
    if prepare.tokenizer is not None or prepare.mix is not None or settings.train is not None:
        tokens = prepare.tokens()
        parents = {"pile": "pile"}
        if tokens.tokenizer.pinned:
            parents["tokenizer"] = tokens.tokenizer.pinned
        result.append(Step("tokens", "prepare", "tokens", "modelwright.prepare.tokens", tokens, parents, "prepare"))
    return result


def _train(settings: ProjectSettings) -> list[Step]:
    if settings.train is not None:
        tokens = settings.train.tokens or settings.train.pile or "tokens"
        return [
            Step("model", "train", "model", "modelwright.train.run", settings.train, {"tokens": tokens}, where="train")
        ]
    base = settings.base or (settings.tune.base if settings.tune else None)
    if base is None:
        return []
    from modelwright.train.adopt import BaseSettings

    return [Step("model", "train", "model", "modelwright.train.adopt", BaseSettings(path=base), where="base")]


def _tune_and_validate(settings: ProjectSettings, have: set[str]) -> list[Step]:
    result: list[Step] = []
    tune, validation = settings.tune, settings.validation
    evidence = {"pile": "pile"} if "pile" in have else {}
    pairs = tune.pairs() if tune is not None else None
    if pairs is not None:
        result.append(Step("pairs", "tune", "pairs", "modelwright.tune.pairs", pairs, where="tune"))
        evidence["pairs"] = "pairs"
    if validation is not None and "model" in have:
        parents = {"subject": "model", **evidence}
        result.append(_scores("scores", "model", validation, parents))
    if tune is not None:
        parents = {"model": "model", **evidence, **({"tokens": "tokens"} if "tokens" in have else {})}
        result.append(Step("adapter", "tune", "adapter", "modelwright.tune.run", tune, parents, where="tune"))
        if validation is not None:
            parents = {"subject": "adapter", "model": "model", "baseline": "scores", **evidence}
            result.append(_scores("tuned_scores", "adapter", validation, parents, "tune"))
    return result


def _scores(key: str, of: str, settings: Options, parents: Mapping[str, str], due: str = "validate") -> Step:
    return Step(key, "validate", "scores", "modelwright.validate.run", settings, parents, "validate", of=of, due=due)


def _deploy(settings: ProjectSettings, have: set[str]) -> list[Step]:
    if "model" not in have:
        return []
    from modelwright.project.release import ReleaseSettings

    subject = "adapter" if "adapter" in have else "model"
    parents = {"subject": subject, **({"model": "model"} if subject == "adapter" else {})}
    scores = "tuned_scores" if "tuned_scores" in have else "scores"
    if scores in have:
        parents["scores"] = scores
    release = ReleaseSettings(gates=settings.gates)
    result = [Step("release", "deploy", "release", "modelwright.project.release", release, parents, where="gates")]
    if settings.deploy is not None:
        for exporter in settings.deploy.export:
            name = type(exporter).__module__.rpartition(".")[2]
            inputs = {
                "release": "release",
                "model": "model",
                **({"adapter": "adapter"} if subject == "adapter" else {}),
            }
            module = "modelwright.deploy.run"
            result.append(Step(f"export_{name}", "deploy", "export", module, exporter, inputs, where="deploy.export"))
    return result


def check_stage(all_steps: list[Step], stage: str) -> None:
    """Raises UsageError for a stage that does not exist, or that the project does not have."""
    if stage not in STAGES:
        raise UsageError(f"unknown stage {stage!r}", hint="stages: " + ", ".join(STAGES), value=stage)
    if not any(step.stage == stage for step in all_steps):
        raise UsageError(f"the project has no stage {stage!r}", hint=f"add `{stage}:` to the project file", value=stage)


def wanted(project: Project, to: str | None) -> list[Step]:
    """The steps up to and including the stage `to`, with what they need; None: all of them. Raises UsageError."""
    all_steps = steps(project)
    if to is None:
        return all_steps
    check_stage(all_steps, to)
    last = STAGES.index(to)
    keys = {step.key for step in all_steps if STAGES.index(step.due or step.stage) <= last}
    for step in reversed(all_steps):  # what a wanted step is made from is wanted too
        if step.key in keys:
            keys |= set(step.parents.values())
    return [step for step in all_steps if step.key in keys]


def external(step: Step, project: Project) -> dict[str, Any]:
    """Versions of what a step reads from outside the project: its sources, a file of pairs, a base model."""
    from modelwright.formats.barred import list_digest
    from modelwright.prepare.inventory import path_version, source_version

    sources: Any = getattr(step.settings, "sources", ()) if step.key == "pile" else ()
    versions = {source.name: source_version(source, project.folder, project.home) for source in sources}
    barred = list_digest(project.home) if step.key in ("pile", "pairs") else None
    if barred is not None:
        versions["do not ingest"] = barred
    files: Any = step.settings.files(project.folder) if hasattr(step.settings, "files") else ()
    return versions | {f"file {number}": path_version(path, project.home) for number, path in enumerate(files)}
