"""Where the models of the signals lie. Standard library only: identity is decided without loading a kernel."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from modelwright.core.errors import MissingExtra

_DATA = Path(__file__).parent / "data"
CODE_TABLE = _DATA / "code_languages.json"
CODE_MODEL = _DATA / "code_language.safetensors"
ABUSE_MODEL = _DATA / "abuse.safetensors"
HATE_MODEL = _DATA / "hate.safetensors"
HATE_HEAD = _DATA / "hate_minilm.safetensors"
LICENCE_INDEX = _DATA / "licence.safetensors"


def language_model() -> Path:
    """The model of the installed py3langid; the package itself is not imported.

    Raises MissingExtra when py3langid is not installed.
    """
    found = importlib.util.find_spec("py3langid")
    if found is None or found.origin is None:
        raise MissingExtra("py3langid", "base")
    return Path(found.origin).parent / "data" / "model.npz.xz"


def metadata(path: Path) -> dict[str, Any]:
    """The metadata of a safetensors file (the entry `__metadata__` of its JSON header), read by the standard
    library.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(size))
    found: dict[str, Any] = header.get("__metadata__", {})
    return found
