"""A project's own plugins are code. Loading them says so the first time, and asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelwright.core.errors import UsageError
from modelwright.core.storage import read_json, write_json
from modelwright.govern import keys

Ask = Callable[[list[Path]], bool]


def check(folder: Path, ask: Ask) -> None:
    """Ask once for each project folder with plugins. Raises UsageError when the answer is no."""
    files = sorted((folder / "plugins").rglob("*.py")) if (folder / "plugins").is_dir() else []
    if not files:
        return
    store = keys.folder().parent / "trusted_projects.json"
    trusted: list[str] = read_json(store) if store.exists() else []
    if str(folder) in trusted:
        return
    if not ask(files):
        raise UsageError(
            f"{folder} brings {len(files)} plugin files, whose code runs with your rights: not loaded",
            hint="read them, then `modelwright --trust-plugins ...`",
            value=[path.name for path in files],
        )
    write_json(store, sorted({*trusted, str(folder)}))
