"""The mark in the folder of an artifact that a takedown erased: what it was, and which takedown names the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError
from modelwright.core.storage import read_json, write_json

FILE_NAME = "erased.json"


def mark(folder: Path, takedown: str, more: Mapping[str, Any]) -> None:
    """Write the mark, before anything else of the folder goes."""
    write_json(folder / FILE_NAME, {**more, "takedown": takedown})


def is_erased(folder: Path) -> bool:
    return (folder / FILE_NAME).is_file()


def refuse(folder: Path) -> None:
    """Raises InputError that names the takedown when the artifact in `folder` was erased."""
    if is_erased(folder):
        saved = read_json(folder / FILE_NAME)
        name = saved.get("ref", f"{folder.parent.name}@{folder.name}")
        raise InputError(
            f"{name} was erased by the takedown {saved['takedown']}",
            hint=f"its certificate says what was erased and why: cards/takedown-{saved['takedown']}.md",
            value=saved["takedown"],
        )
