"""modelwright from Python: what the command line says, as functions and one class.

import modelwright
project = modelwright.load(".")
project.run(to="prepare")
project["pile@1"].to_arrow()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelwright.api.base import Handle, Rows
from modelwright.api.project import Project
from modelwright.core import libraries, plugins
from modelwright.project import consent, create, schema

__all__ = [
    "Handle",
    "Project",
    "doctor",
    "keys",
    "load",
    "new",
    "plugins_or_templates",
    "verify_bundle",
    "verify_proof",
]


def new(folder: str | Path, template: str = "demo") -> Path:
    """Make a project folder that runs as it is; returns its project file."""
    return create.new(Path(folder), template)


def load(
    place: str | Path = ".", overrides: Sequence[str] = (), ask: Callable[[list[Path]], bool] = lambda files: True
) -> Project:
    """Load a project from its folder or file. `overrides` are `a.b=1`; `ask` may refuse to run its plugins."""
    libraries.settle()
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


def verify_proof(proof: Any, root: str | None = None) -> dict[str, Any]:
    """Check a proof that a text is, or is not, in a pile, against the root that you got from elsewhere."""
    from modelwright.project.proving import check

    return check(proof, root)


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
