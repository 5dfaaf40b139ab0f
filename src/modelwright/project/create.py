"""`modelwright new`: a project that runs as it is, from a template."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sysconfig
from pathlib import Path

from modelwright.core.errors import StorageError, UnknownName
from modelwright.core.storage import write_atomic
from modelwright.project.schema import FILE_NAME

TEMPLATES = Path(__file__).parent / "templates"

# Packages that the base installation brings, with text and code of many kinds: 100-150 MB with the standard library.
DEMO_PACKAGES = (
    "sympy", "pandas", "numpy", "numba", "matplotlib", "SQLAlchemy", "networkx", "datasets", "peft", "trl",
    "accelerate", "pyiceberg", "fastapi", "pydantic", "rich",
)  # fmt: skip

# Packages of the standard library that make a few megabytes.
SMALL_LIBRARY = (
    "asyncio",
    "concurrent",
    "ctypes",
    "email",
    "html",
    "http",
    "importlib",
    "json",
    "logging",
    "unittest",
    "xml",
)


def templates() -> list[dict[str, str]]:
    """Name and first line of every template."""
    found = []
    for folder in sorted(path.parent for path in TEMPLATES.glob(f"*/{FILE_NAME}")):
        first = (folder / FILE_NAME).read_text(encoding="utf-8").splitlines()[0]
        found.append({"kind": "templates", "name": folder.name, "help": first.lstrip("# "), "options": ""})
    return found


def new(folder: Path, template: str = "demo") -> Path:
    """Write a project file into `folder`. Raises StorageError when there is one already."""
    known = [item["name"] for item in templates()]
    if template not in known:
        raise UnknownName("template", template, known)
    path = folder / FILE_NAME
    if path.exists():
        raise StorageError(
            f"{path} exists already", hint="choose another folder; nothing is overwritten", value=str(path)
        )
    text = (TEMPLATES / template / FILE_NAME).read_text(encoding="utf-8")
    for name, value in _values(folder.resolve()).items():
        text = text.replace("{{" + name + "}}", value)
    write_atomic(path, text.encode())
    return path


def _values(folder: Path) -> dict[str, str]:
    ours, include = _own_code(folder)
    return {
        "standard_library": sysconfig.get_paths()["stdlib"],
        "packages": ", ".join(_installed(DEMO_PACKAGES)),
        "small_library": ", ".join(f"{name}/**" for name in SMALL_LIBRARY),
        "ours": ours,
        "ours_include": ", ".join(json.dumps(pattern) for pattern in include),
    }


def _installed(names: tuple[str, ...]) -> list[str]:
    have = {_normal(distribution.name) for distribution in importlib.metadata.distributions()}
    return [name for name in names if _normal(name) in have]


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _own_code(folder: Path) -> tuple[str, list[str]]:
    """modelwright's own documents: a checkout's `docs/` and `src/`, else the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1]
    if (checkout / "docs").is_dir() and (checkout / "src").is_dir():
        base, include = checkout, ["docs/*.md", "src/**/*.py", "src/**/*.yaml", "src/**/*.md"]
    else:
        base, include = package, ["**/*.py", "**/*.yaml", "**/*.md"]
    try:
        return str(Path(*[".."] * len(folder.relative_to(base).parts)) or "."), include
    except ValueError:
        return str(base), include
