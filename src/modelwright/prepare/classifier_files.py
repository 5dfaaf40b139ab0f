"""Where classifiers of a project lie. Standard library only: identity is decided without loading one."""

from __future__ import annotations

from pathlib import Path

from modelwright.core import plugins
from modelwright.core.errors import InputError, UsageError
from modelwright.measure.model_files import metadata

FOLDER = "classifiers"
SUFFIX = ".safetensors"


def found(model: str) -> Path:
    """The file that `model` names, relative to the project. Raises InputError when it is missing, UsageError when it
    is no classifier.
    """
    path = (plugins.project_folder() or Path()) / model
    if not path.is_file():
        raise InputError(f"there is no classifier {path}", hint="`modelwright classifier train` makes one", value=model)
    try:
        known = "hashed linear" in metadata(path).get("format", "")
    except (ValueError, AttributeError, TypeError, MemoryError, OverflowError):
        known = False
    if not known:
        raise UsageError(f"{path} is no classifier", hint="`modelwright classifier train` makes one", value=model)
    return path
