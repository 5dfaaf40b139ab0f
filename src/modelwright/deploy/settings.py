"""What a project file may say about deploying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modelwright.core.plugins import Plugin, Plugins
from modelwright.core.spec import Options
from modelwright.deploy.exporter import Exporter
from modelwright.deploy.server import Server

if TYPE_CHECKING:
    SomeExporters = tuple[Exporter, ...]
    AServer = Server
else:
    SomeExporters = Plugins("exporters")
    AServer = Plugin("servers")


class DeploySettings(Options):
    """Formats to export a release to, and how it is served."""

    export: SomeExporters = Field(default=(), description="formats to export to")
    server: AServer = Field(default="torch", validate_default=True, description="engine that answers")
    # Refused unless someone says otherwise: after a takedown, going on with the old weights is a decision to be taken
    # and to be seen, and a warning in the log of a service is read by nobody.
    taken_down: Literal["refuse", "warn"] = Field(
        default="refuse",
        description="whether a model that learned from what was taken down is released, exported and served: `refuse`, "
        "or `warn` and go on",
    )
