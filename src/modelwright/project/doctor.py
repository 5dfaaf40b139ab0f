"""What this machine has, what is missing, and the line that installs it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from pathlib import Path
from typing import Any

from modelwright.core.machine import machine
from modelwright.project.runner import RECORDED_LIBRARIES

EXTRAS = {"psycopg": "postgres"}


def doctor(folder: Path) -> dict[str, Any]:
    """Machine, versions and missing extras. `ok` is false when a needed library is missing."""
    means = machine(folder)
    libraries = {name: _version(name) for name in RECORDED_LIBRARIES}
    extras = [
        {
            "extra": extra,
            "installed": bool(importlib.util.find_spec(module)),
            "install": f"pip install 'modelwright[{extra}]'",
        }
        for module, extra in EXTRAS.items()
    ]
    missing = [name for name, version in libraries.items() if version is None]
    return {
        "ok": not missing,
        "python": platform.python_version(),
        "cores": means.cores,
        "memory_bytes": means.memory_bytes,
        "disk_free_bytes": means.disk_free_bytes,
        "device": means.device,
        "processor": means.device_name,
        "libraries": libraries,
        "missing": [{"library": name, "install": f"pip install {name}"} for name in missing],
        "extras": extras,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
