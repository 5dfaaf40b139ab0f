"""modelwright: from raw data to a governed, running model with one project file.

`load(folder)` gives a Project; everything else is a method of it. Importing this loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelwright.api import Handle, Project, doctor, load, new, verify_bundle

__version__ = "0.1.0"
__all__ = ["Handle", "Project", "doctor", "load", "new", "verify_bundle"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from modelwright import api

        return getattr(api, name)
    raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
