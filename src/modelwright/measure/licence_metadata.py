"""The licence that a package states in its metadata: pyproject.toml, setup.py, package.json, POM and others.

The file's name says how its field is written; the field is found by one expression of linear time, not by parsing the
format, so that its span is known and a broken file still tells.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from modelwright.measure import licence
from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.measure.spans import Texts

_LIMIT = 200_000
_QUOTED = r"""["']([^"'\r\n]{1,200})["']"""
_FIELDS = {
    "pyproject.toml": (rf"(?m)^[ \t]*license[ \t]*=[ \t]*(?:\{{[ \t]*text[ \t]*=[ \t]*)?{_QUOTED}",
                       r"""["'](License :: [^"'\r\n]{1,200})["']"""),
    "cargo.toml": (rf"(?m)^[ \t]*license[ \t]*=[ \t]*{_QUOTED}",),
    "setup.py": (rf"\blicense[ \t]*=[ \t]*{_QUOTED}", r"""["'](License :: [^"'\r\n]{1,200})["']"""),
    "setup.cfg": (r"(?m)^[ \t]*license[ \t]*=[ \t]*([^\r\n]{1,200})", r"(?m)^[ \t]*(License :: [^\r\n]{1,200})"),
    "package.json": (r'"license"\s*:\s*"([^"\r\n]{1,200})"', r'"license"\s*:\s*\{\s*"type"\s*:\s*"([^"\r\n]{1,200})"',
                     r'"licenses"\s*:\s*\[\s*\{[^}]{0,300}?"type"\s*:\s*"([^"\r\n]{1,200})"'),
    "composer.json": (r'"license"\s*:\s*\[?\s*"([^"\r\n]{1,200})"',),
    "pom.xml": (r"<license>\s*<name>\s*([^<]{1,200}?)\s*</name>",),
    "metadata": (r"(?m)^License-Expression:[ \t]*([^\r\n]{1,200})", r"(?m)^License:[ \t]*([^\r\n]{1,200})",
                 r"(?m)^Classifier:[ \t]*(License :: [^\r\n]{1,200})"),
    ".gemspec": (rf"\blicenses?[ \t]*=[ \t]*\[?[ \t]*{_QUOTED}",),
    ".cabal": (r"(?mi)^license:[ \t]*([^\r\n]{1,200})",),
    ".spec": (r"(?m)^License:[ \t]*([^\r\n]{1,200})",),
    "description": (r"(?m)^License:[ \t]*([^|+\r\n]{1,200})",),
}  # fmt: skip
"""File name, or suffix with its dot -> expressions whose group is the licence as written."""
_NAMES = {"pkg-info": "metadata", "package-lock.json": ""}
_FILE_POINTERS = ("see licen", "file:", "licence.", "license.", "unlicensed")


@functools.cache
def _compiled(pattern: str) -> Any:
    import re2

    return re2.compile(pattern.encode())


def patterns_for(path: str) -> tuple[str, ...]:
    """The expressions for a path; none for a file that is no package's metadata."""
    name = path.rpartition("/")[2].lower()
    name = _NAMES.get(name, name)
    return _FIELDS.get(name) or _FIELDS.get("." + name.rpartition(".")[2], ())


def find(texts: Texts, paths: Sequence[str | None]) -> list[Found]:
    """The stated licence of each file of metadata, with the span of the value; the first expression that finds wins."""
    found = []
    for row, path in enumerate(paths):
        if path is None or not texts.valid[row]:
            continue
        for pattern in patterns_for(path):
            matches = [
                (match.group(1), *match.span(1)) for match in _compiled(pattern).finditer(texts.bytes(row, _LIMIT))
            ]
            known = [
                Found(row, spdx, start, end, 1.0)
                for value, start, end in matches[:8]
                if (spdx := meant(value.decode("utf-8", "replace"))) is not None
            ]
            if known:
                found += known
                break
    return found


def meant(value: str) -> str | None:
    """The SPDX expression of a field's value; `UNLICENSED` is proprietary, a pointer to a file says nothing."""
    if value.strip() == "UNLICENSED":
        return "LicenseRef-Proprietary"
    if any(value.strip().lower().startswith(pointer) for pointer in _FILE_POINTERS):
        return None
    return licence.stated(value.strip().replace("/", " OR ") if " " not in value else value.strip()).spdx
