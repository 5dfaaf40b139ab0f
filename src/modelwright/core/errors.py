"""Every error a user can meet, with the value that is wrong and a hint that cures it.

ModelwrightError                 exit code 1
+-- UsageError                   2   the command or the project file is wrong
|   +-- UnknownName              2   a key, plugin, source or reference that does not exist
|   +-- AmbiguousReference       2   a reference that means several things
+-- InputError                   1   a source, file or base model is missing, empty or unreadable
+-- EmptyResult                  1   a stage made nothing; never a warning
+-- Busy                         1   another process works on this project
+-- IntegrityError               1   bytes differ from what the ledger says
+-- StorageError                 1   disk full, no permission, catalogue damaged
+-- MissingExtra                 1   an optional dependency is not installed
+-- Stopped                      1   interrupted on request; the next run resumes
+-- Refused                      3   a gate, a limit or an approval said no
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class ModelwrightError(Exception):
    """Base of all errors shown to users without a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", value: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.value = value
        self.steps: list[dict[str, Any]] = []  # what a run had done before it failed

    def to_json(self) -> dict[str, Any]:
        """The contract's `error` object."""
        return {"error": {"kind": type(self).__name__, "message": self.message, "hint": self.hint, "value": self.value}}


class UsageError(ModelwrightError):
    exit_code = 2


class UnknownName(UsageError):
    """A name that does not exist, with the nearest ones that do."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        known = sorted(known)
        place = f" in {where}" if where else ""
        super().__init__(f"unknown {what} {name!r}{place}", hint=did_you_mean(name, known), value=name)


class AmbiguousReference(UsageError):
    pass


class InputError(ModelwrightError):
    pass


class EmptyResult(ModelwrightError):
    pass


class Busy(ModelwrightError):
    pass


class IntegrityError(ModelwrightError):
    pass


class StorageError(ModelwrightError):
    pass


class MissingExtra(ModelwrightError):
    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed", hint=f"pip install 'modelwright[{extra}]'", value=module)


class Stopped(ModelwrightError):
    pass


class Refused(ModelwrightError):
    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known names, or all of them when few."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    return "known: " + ", ".join(known[:20]) + (" ..." if len(known) > 20 else "") if known else ""
