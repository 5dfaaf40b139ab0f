"""A folder of text files: one document a file."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from modelwright.core.spec import Location
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

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BINARY_PROBE_BYTES = 8000  # where git looks for a NUL


class Files(Source):
    """Text files below a folder, or one file; each is a document, its path within the folder its origin."""

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
        found = False
        for place, relative, status in walk(str(path), self.enters):
            if self.takes(relative):
                found = True
                yield SourceFile.of(place, relative, status)
        if not found:
            raise nothing_in(self.name, path, "files that match" if self.include else "text files")

    def takes(self, relative: str) -> bool:
        """Whether a path within the folder is a document of this source."""
        if any(matches(relative, pattern) for pattern in self.exclude):
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
        yield read_whole(piece.file)


def read_whole(file: SourceFile) -> Row:
    """A file as one document; a failure becomes its reason."""
    row = Row(0, origin=file.relative, path=file.relative, licence=file.licence, owner=file.owner)
    try:
        data = read_bytes(file)
    except OSError as error:
        row.error, row.detail, row.raw = "unreadable", error.strerror, b""
        return row
    if b"\0" in data[:_BINARY_PROBE_BYTES] and not data.startswith(_WIDE_MARKS):
        row.error, row.raw = "binary", data
        return row
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        row.error, row.detail, row.raw = "not_utf8", f"byte {error.start}: {error.reason}", data
        return row
    row.text = data
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
