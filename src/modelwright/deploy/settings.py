"""What a project file may say about deploying."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
