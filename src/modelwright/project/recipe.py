"""The recipe of a pile: the section `prepare:` as it was written, kept with the version, and put back by `restore`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import InputError
from modelwright.core.storage import write_atomic
from modelwright.project.schema import Project, read_yaml

if TYPE_CHECKING:
    from modelwright.prepare.settings import PileSettings

FILE_NAME = "recipe.yaml"


def write(project: Project, folder: Path) -> None:
    """Keep the section `prepare:` with overrides applied; secrets stay `${env:NAME}`."""
    write_atomic(folder / FILE_NAME, _text({"prepare": project.prepare_as_written or {}}).encode())


def restore(project: Project, artifact: Artifact) -> dict[str, Any]:
    """Write the recipe of `artifact` into the project file; the file as it was is kept beside it.

    Comments outside `prepare:` stay. Raises InputError when the version's folder or recipe is gone.
    """
    from ruamel.yaml import YAML

    path = artifact.path / FILE_NAME
    if not path.is_file():
        raise InputError(
            f"{artifact.ref} has no recipe on this disk", hint="it was pruned or erased; `modelwright pile log`"
        )
    writer = YAML()
    before = project.file.read_bytes()
    values = writer.load(before.decode("utf-8"))
    values["prepare"] = read_yaml(path)["prepare"]
    kept = project.file.with_suffix(".before-restore.yaml")
    write_atomic(kept, before)
    stream = io.StringIO()
    writer.dump(values, stream)
    write_atomic(project.file, stream.getvalue().encode())
    return {"restored": artifact.ref, "project": str(project.file), "before": str(kept)}


def settings(artifact: Artifact) -> PileSettings | None:
    """What `artifact` was made with, read anew with the plugins and secrets of today; None when the recipe is gone."""
    from modelwright.project.schema import prepare_section

    path = artifact.path / FILE_NAME
    return prepare_section(read_yaml(path)["prepare"]).pile() if path.is_file() else None


def _text(values: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    stream = io.StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.dump(values, stream)
    return stream.getvalue()
