"""A folder of text files: one document a file."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from modelwright.core.fingerprint import digest_file
from modelwright.core.spec import Location
from modelwright.prepare.encoding import to_utf8, wide_without_mark
from modelwright.prepare.source import Piece, Row, Source, SourceFile, locate, missing, nothing_in, read_bytes, walk

TEXT_SUFFIXES = frozenset(
    """
    .adb .ads .asm .awk .bash .bat .bib .bzl .c .c++ .cc .cfg .cjs .clj .cljs .cmake .cob .coffee .conf .cpp .cr .cs
    .css .csv .cu .cuh .cxx .d .dart .diff .dockerfile .el .elm .eml .erl .ex .exs .f .f03 .f77 .f90 .f95 .fish .for .fs
    .fsi .fsx .glsl .go .gradle .graphql .groovy .h .h++ .hcl .hh .hlsl .hpp .hrl .hs .htm .html .hxx .ini .ipynb .java
    .jl .js .json .json5 .jsx .kt .kts .less .lhs .lisp .log .lua .m .m4 .mak .markdown .md .mdx .mjs .mk .ml .mli .mm
    .nim .nix .org .pas .patch .php .pl .pm .po .pod .pp .pro .properties .proto .ps1 .psm1 .pxd .pxi .py .pyi .pyx .r
    .rake .rb .rkt .rmd .rs .rst .sas .sass .sc .scala .scm .scss .sh .sol .sql .srt .st .sv .svelte .swift .t .tcl .tex
    .textile .tf .tfvars .thrift .toml .ts .tsv .tsx .txt .v .vb .vhd .vhdl .vim .vue .wat .wsdl .xml .xsd .xsl .xslt
    .yaml .yml .zig .zsh
    """.split()  # noqa: SIM905
)
TEXT_NAMES = frozenset(
    """
    authors build changelog changes cmakelists contributing contributors copying copyright credits dockerfile gemfile
    history install jenkinsfile justfile licence license makefile manifest news notice patents procfile rakefile readme
    thanks todo vagrantfile version
    """.split()  # noqa: SIM905
)

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_BINARY_PROBE_BYTES = 8000  # where git looks for a NUL

LICENCE_FILE = re.compile(
    r"(?:un)?licen[cs]e(?:[-_][a-z0-9-]+(?:\.\d+)*)?(?:\.(?:txt|md|rst|markdown|mit|apache|bsd))?|"
    r"copying(?:[-_.][a-z0-9-]+(?:\.\d+)*)?(?:\.(?:txt|md|rst))?",
    re.I,
)
"""Names of files that state the licence of the folder in which they lie."""
_LICENCE_BYTES = 1_000_000


class Files(Source):
    """Text files below a folder, or one file; each is a document, its path within the folder its origin.

    Files in other encodings are converted to UTF-8; the column `encoding` says from which.
    """

    version: ClassVar[int] = 2

    path: Location = Field(description="folder, or one file")
    include: tuple[str, ...] = Field(
        default=(), description="patterns of paths to take (`**/*.md`); left out: files with a usual text suffix"
    )
    exclude: tuple[str, ...] = Field(default=(), description="patterns of paths to leave out (`tests/**`)")

    def inventory(self, project_folder: Path) -> Iterator[SourceFile]:
        path = locate(self.path, project_folder)
        if path.is_file():
            yield SourceFile.of(str(path), path.name, path.stat())
            return
        if not path.is_dir():
            raise missing(self.name, path)
        entries = list(walk(str(path), self.enters))
        above = {} if self.licence else folder_licences(entries)
        found = False
        for place, relative, status in entries:
            if self.takes(relative):
                found = True
                yield SourceFile.of(place, relative, status, licence=governing(relative, above))
        if not found:
            raise nothing_in(self.name, path, "files that match" if self.include else "text files")

    def takes(self, relative: str) -> bool:
        """Whether a path within the folder is a document of this source."""
        if self.exclude and any(matches(relative, pattern) for pattern in self.exclude):
            return False
        if self.include:
            return any(matches(relative, pattern) for pattern in self.include)
        return looks_like_text(relative)

    def enters(self, folder: str) -> bool:
        """Whether anything below a folder within the source can be a document."""
        if folder.endswith("__pycache__"):
            return False
        return not any(pattern.endswith("**") and matches(f"{folder}/-", pattern) for pattern in self.exclude)

    def read(self, piece: Piece) -> Iterator[Row]:
        row = read_whole(piece.file)
        if row.licence is not None:
            row.licence = licence_of_file(piece.file)
        yield row


def folder_licences(entries: list[tuple[str, str, os.stat_result]]) -> dict[str, str]:
    """Folder -> `path#digest` of its licence files (LICENSE, COPYING and the like), joined by newlines.

    Only names and digests are taken here; what they say is read with the documents.
    """
    above: dict[str, list[str]] = {}
    for place, relative, status in entries:
        folder, _, name = relative.rpartition("/")
        if LICENCE_FILE.fullmatch(name) and status.st_size <= _LICENCE_BYTES:
            with contextlib.suppress(OSError):  # what cannot be read governs nothing
                above.setdefault(folder, []).append(f"{relative}#{digest_file(Path(place))}")
    return {folder: "\n".join(files) for folder, files in above.items()}


def governing(relative: str, above: dict[str, str]) -> str | None:
    """The licence files of the nearest folder above a file that has some; a licence file is governed by none."""
    if not above:
        return None
    folder, _, name = relative.rpartition("/")
    if LICENCE_FILE.fullmatch(name):
        return None
    while folder and folder not in above:
        folder = folder.rpartition("/")[0]
    return above.get(folder)


def licence_of_file(file: SourceFile) -> str:
    """What the licence files that govern a file say, as `MIT OR Apache-2.0 (from LICENSE-MIT, LICENSE-APACHE)`.

    Several files in one folder are a choice. One that is not recognised makes the whole unknown.
    """
    root = file.path[: len(file.path) - len(file.relative)]
    found = []
    names = [entry.rpartition("#")[::2] for entry in (file.licence or "").split("\n")]
    for relative, digest in names:
        expression = _read_licence(root + relative, digest)
        if expression is None:
            expression = "unknown"
        found.append(f"({expression})" if " AND " in expression and len(names) > 1 else expression)
    expression = " OR ".join(dict.fromkeys(found))
    return f"{expression} (from {', '.join(name.rpartition('/')[2] for name, _ in names)})"


@functools.lru_cache(maxsize=1024)
def _read_licence(path: str, digest: str) -> str | None:
    """The expression of one licence file; the digest keys the cache."""
    from modelwright.measure.licence_verdict import of_file

    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return of_file(text)


def read_whole(file: SourceFile) -> Row:
    """A file as one document; a failure becomes its reason."""
    row = Row(0, origin=file.relative, path=file.relative, licence=file.licence, owner=file.owner)
    try:
        data = read_bytes(file)
    except OSError as error:
        row.error, row.detail, row.raw = "unreadable", error.strerror, b""
        return row
    wide = None
    if b"\0" in data[:_BINARY_PROBE_BYTES] and not data.startswith(_WIDE_MARKS):
        wide = wide_without_mark(data)
        if wide is None:
            row.error, row.raw = "binary", data
            return row
    converted = to_utf8(data, wide)
    if converted is None:
        row.error, row.detail, row.raw = "not_utf8", "no encoding gives a text", data
    else:
        row.text, row.encoding = converted
    return row


def looks_like_text(relative: str) -> bool:
    """By suffix, or by name where there is none (README, Makefile)."""
    name = relative.rpartition("/")[2].lower()
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix}" in TEXT_SUFFIXES if dot and stem else name in TEXT_NAMES


def matches(relative: str, pattern: str) -> bool:
    """Whether a POSIX path fits a pattern of `include` or `exclude`."""
    return _pattern(pattern).match(relative) is not None


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """`**/` is any folders or none, `*` and `?` stay within a name; a pattern without `/` is a name at any depth."""
    pattern = pattern.removeprefix("./")
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    if pattern.endswith("/"):
        pattern += "**"
    parts = []
    for token in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?|\[[^\]]+\])", pattern):
        if token == "**/":
            parts.append(r"(?:[^/]+/)*")
        elif token in ("/**", "**"):
            parts.append(r"/.*" if token == "/**" else r".*")
        elif token in ("*", "?"):
            parts.append("[^/]*" if token == "*" else "[^/]")
        elif token.startswith("[") and token.endswith("]"):
            parts.append(fnmatch.translate(token).removeprefix("(?s:").rpartition(")")[0])
        else:
            parts.append(re.escape(token))
    return re.compile("".join(parts) + r"\Z", re.DOTALL)
