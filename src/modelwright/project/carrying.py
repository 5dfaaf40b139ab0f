"""What still carries a text that was taken down is not released or served in silence: `deploy.taken_down` says how."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import Refused
from modelwright.deploy.settings import DeploySettings
from modelwright.govern.carriers import REMEDIES, Carried, carried
from modelwright.govern.records import Records
from modelwright.project.schema import Project

Warn = Callable[[str], None]
log = logging.getLogger(__name__)


def told(records: Records, artifact: Artifact, warn: Warn | None = None) -> list[str]:
    """Say what `artifact` carries; returns the ids of the takedowns. Without `warn` the log says it."""
    return _say(artifact, carried(records, artifact.ref), warn)


def _say(artifact: Artifact, found: list[Carried], warn: Warn | None) -> list[str]:
    if found:
        (warn or log.warning)(f"{words(artifact, found)}. Remedies: {'; '.join(REMEDIES)}")
    return [item.takedown for item in found]


def permitted(
    project: Project, records: Records, artifact: Artifact, what: str, yes: int | None = None, warn: Warn | None = None
) -> list[str]:
    """Ids of the takedowns that `artifact` carries, which is said where the project permits it. `what`: served ...

    yes  the number of takedowns that whoever asks knows of: when there is one more, it has to be asked again
    Raises Refused (exit code 3) where `deploy.taken_down` is `refuse` and `yes` is not their number.
    """
    return _say(artifact, check(project, records, artifact, what, yes), warn)


def check(project: Project, records: Records, artifact: Artifact, what: str, yes: int | None = None) -> list[Carried]:
    """The takedowns that `artifact` carries. Raises Refused as `permitted` does; says nothing."""
    found = carried(records, artifact.ref)
    if not found or yes == len(found) or (project.settings.deploy or DeploySettings()).taken_down == "warn":
        return found
    one_time = f"`--yes {len(found)}`" if what == "served" else "`--set deploy.taken_down=warn`"
    raise Refused(
        f"{words(artifact, found)}: it is not {what}" + (f" with --yes {yes}" if yes is not None else ""),
        hint=f"{'; '.join(REMEDIES)}. To go on all the same: {one_time}, or `deploy: {{taken_down: warn}}` in the "
        "project file",
        value=[item.takedown for item in found],
    )


def words(artifact: Artifact, found: list[Carried]) -> str:
    """What an artifact carries, in one sentence without its full stop."""
    return f"{artifact.ref} still carries what was taken down: {'; '.join(_words(item) for item in found)}"


def _words(item: Carried) -> str:
    reason = f", reason given: {item.reason}" if item.reason else ""
    many = f"{item.documents} document{'s' if item.documents != 1 else ''}"
    learners = ", ".join(_learner(learner) for learner in item.learned)
    return f"takedown {item.takedown} of {item.at[:10]} ({many}{reason}; {learners})"


def _learner(learner: Mapping[str, Any]) -> str:
    ref = learner["ref"]
    if learner.get("learned") is None:
        return f"whether {ref} learned from it cannot be told any more"
    if learner.get("windows") is None or learner.get("of") is None:
        return f"{ref} learned from it"
    return f"the tokens of {ref} held it: it stood in {learner['windows']:,} of {learner['of']:,} windows of training"
