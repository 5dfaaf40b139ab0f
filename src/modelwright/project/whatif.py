"""What changed settings would keep and drop, told before anything runs and without a new version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UsageError
from modelwright.govern.records import Records
from modelwright.project import schema
from modelwright.project.schema import Project
from modelwright.project.scratch import scratch
from modelwright.project.steps import steps
from modelwright.project.versions import tokens_of


def what_if(project: Project, records: Records, settings: Any, before: Artifact | None) -> dict[str, Any]:
    """The contract's `what_if` for the pile's settings as they stand, against the current version where there is one.

    Signals measured on the way are kept in the cache: the run that follows does not measure them again.
    """
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.run import gather, judge
    from modelwright.prepare.whatif import what_if as told

    with scratch(project) as context:
        columns = ["document", "decision"]
        decisions = open_pile(project.home, before.path).table("decisions", columns) if before is not None else None
        tokens = tokens_of(records, before) if before is not None else None
        return told(judge(settings, gather(settings, context), context), decisions, tokens)


def sweep(
    project: Project, records: Records, setting: str, values: Sequence[str], before: Artifact | None
) -> dict[str, Any]:
    """What the pile would hold at each value of a setting: {setting, points: [{value, kept, ..., bytes, tokens}]}.

    Sources are read and signals measured once. Raises UsageError for a setting that is not of `prepare`, or that the
    sources or signals depend on.
    """
    from modelwright.prepare.run import gather, judge
    from modelwright.prepare.whatif import estimated_tokens, numbers

    if not setting.startswith("prepare.") or setting.startswith(("prepare.sources", "prepare.signals")):
        raise UsageError(
            f"a sweep over {setting!r} would measure anew at each value",
            hint="sweep over rules, redact, dedup, decontaminate or holdout of `prepare`",
            value=setting,
        )
    if len(values) < 2:
        raise UsageError("a sweep needs two values or more", hint=f"--sweep {setting}=20,30,50", value=list(values))
    tokens = tokens_of(records, before) if before is not None else None
    points = []
    with scratch(project) as context:
        gathered = None
        for value in values:
            changed = schema.load(project.file, [*project.overrides, f"{setting}={value}"])
            settings: Any = next(step.settings for step in steps(changed) if step.key == "pile")
            gathered = gathered or gather(settings, context)
            made = judge(settings, gathered, context)
            points.append({"value": value, **numbers(made), **estimated_tokens(made, tokens)})
    return {"setting": setting, "points": points}


def draw(swept: dict[str, Any], path: Path) -> dict[str, Any]:
    """The curve of a sweep as a picture (PNG or SVG by the name); returns `swept` with the path."""
    from matplotlib.figure import Figure

    points = swept["points"]
    labels = [str(point["value"]) for point in points]
    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    for name in ("kept", "changed", "dropped", "duplicate"):
        left.plot(labels, [point[name] for point in points], marker="o", label=name)
    left.set_xlabel(swept["setting"])
    left.set_ylabel("documents")
    right = left.twinx()
    right.plot(
        labels, [point["bytes"] / 1e6 for point in points], color="black", linestyle="--", label="MB in the pile"
    )
    right.set_ylabel("MB in the pile (dashed)")
    for axes in (left, right):  # room above, or a line that is flat at the top is hidden by the frame
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax or 1)
    left.legend(loc="best")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write the plot to {path}: {error}", hint="name a .png or .svg file") from error
    return {**swept, "plot": str(path)}
