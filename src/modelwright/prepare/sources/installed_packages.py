"""The text files of installed Python packages, with licence and owner from each distribution's own metadata."""

from __future__ import annotations

import csv
import importlib.metadata
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from modelwright.core.errors import InputError, did_you_mean
from modelwright.core.spec import Location
from modelwright.prepare.source import Piece, Row, Source, SourceFile, locate, missing, nothing_in
from modelwright.prepare.sources.files import looks_like_text, matches, read_whole

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
}
"""Trove classifiers that mean one licence; the others ("BSD License") leave open which."""

_ABOUT = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)


class InstalledPackages(Source):
    """Code and texts of installed distributions; a file is a document, `DISTRIBUTION/path` its origin."""

    packages: tuple[str, ...] = Field(min_length=1, description="names of distributions, as `pip list` shows them")
    path: Location | None = Field(default=None, description="another site-packages folder; left out: this environment")
    exclude: tuple[str, ...] = Field(default=(), description="patterns of paths to leave out (`**/tests/**`)")

    @classmethod
    def default_name(cls, values: dict[str, Any]) -> str:
        """The folder that is looked at does not name the source: what is in it does."""
        return "installed_packages"

    def inventory(self, project_folder: Path) -> Iterator[SourceFile]:
        folder = None if self.path is None else locate(self.path, project_folder)
        if folder is not None and not folder.is_dir():
            raise missing(self.name, folder)
        for package in sorted(set(self.packages)):
            distribution = _distribution(self.name, package, folder)
            licence, owner = self.licence or licence_of(distribution), self.owner or owner_of(distribution)
            found, base = False, str(distribution.locate_file(""))
            for path in _recorded(distribution):
                relative, place = f"{package}/{path}", os.path.join(base, path)
                if any(matches(relative, pattern) for pattern in self.exclude):
                    continue
                status = _plain_file(place)
                if status is not None:
                    found = True
                    yield SourceFile.of(place, relative, status, licence=licence, owner=owner)
            if not found:
                raise nothing_in(self.name, f"the distribution {package}", "recorded text files (is it editable?)")

    def read(self, piece: Piece) -> Iterator[Row]:
        yield read_whole(piece.file)


def _distribution(source: str, package: str, folder: Path | None) -> importlib.metadata.Distribution:
    places: dict[str, Any] = {} if folder is None else {"path": [str(folder)]}
    found = next(iter(importlib.metadata.Distribution.discover(name=package, **places)), None)
    if found is None:
        known = {item.metadata["Name"] for item in importlib.metadata.Distribution.discover(**places)}
        near = did_you_mean(package, [name for name in known if name])
        raise InputError(
            f"source {source!r}: the distribution {package!r} is not installed",
            hint=near if near.startswith("did") else f"pip install {package}",
            value=package,
        )
    return found


def _recorded(distribution: importlib.metadata.Distribution) -> list[str]:
    """Text files that RECORD lists, below the folder of packages; of `.dist-info` the legal texts only."""
    record = distribution.read_text("RECORD") or ""
    paths = {row[0] for row in csv.reader(record.splitlines()) if row}
    return sorted(path for path in paths if _is_wanted(path))


def _is_wanted(path: str) -> bool:
    if path.startswith((".", "/")) or "/." in path:  # outside the folder of packages, or hidden
        return False
    head, _, rest = path.partition("/")
    return _ABOUT.search(rest) is not None if head.endswith(".dist-info") else looks_like_text(path)


def _plain_file(place: str) -> os.stat_result | None:
    try:
        status = os.stat(place)
    except OSError:  # recorded but removed since
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def licence_of(distribution: importlib.metadata.Distribution) -> str | None:
    """SPDX expression where the metadata has one or means one; otherwise the licence as it is written, or None."""
    metadata: Any = distribution.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    exact = sorted({_CLASSIFIERS[name] for name in classifiers if name in _CLASSIFIERS})
    if exact and len(exact) == len(set(classifiers)):
        return exact[0] if len(exact) == 1 else " OR ".join(exact)
    written = str(metadata.get("License") or "").strip()
    stated = written if written and len(written) <= 100 and "\n" not in written else (classifiers or [""])[0]
    return (_which_bsd(distribution) or stated) if stated.upper().startswith(("BSD", "NEW BSD")) else stated or None


def _which_bsd(distribution: importlib.metadata.Distribution) -> str | None:
    """Which BSD licence the distribution's own legal text is; None when that is not clear."""
    for path in _recorded(distribution):
        if ".dist-info/" in path and re.search(r"licen[cs]e|copying", path, re.IGNORECASE):
            text = Path(str(distribution.locate_file(path))).read_text(encoding="utf-8", errors="replace")
            text = " ".join(text.split())
            if "Redistribution and use in source and binary forms" in text:
                return "BSD-3-Clause" if "endorse or promote products" in text else "BSD-2-Clause"
    return None


def owner_of(distribution: importlib.metadata.Distribution) -> str | None:
    """Author or maintainer without addresses; the distribution's name where neither is given."""
    metadata: Any = distribution.metadata
    for key in ("Author", "Author-email", "Maintainer", "Maintainer-email"):
        written = str(metadata.get(key) or "").strip()
        names = [re.sub(r"<[^>]*>", "", part).strip(' "') for part in written.split(",")]
        kept = [name for name in names if name and "@" not in name]
        if kept:
            return ", ".join(kept)
    return f"authors of {metadata['Name']}"
