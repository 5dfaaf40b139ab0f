"""Further training texts for `train_code_language.py`: made up from idioms, and read from this machine's packages.

`code_language_idioms.txt` holds our own idioms of each language; a text is some of them, names and numbers drawn at
random, with comments of prose in the language's own comment marks, so that neither names nor comments tell.
"""

from __future__ import annotations

import hashlib
import random
import re
import sysconfig
from pathlib import Path

IDIOMS = Path(__file__).with_name("code_language_idioms.txt")
WORDS = [
    "alpha",
    "item",
    "value",
    "result",
    "node",
    "list",
    "user",
    "data",
    "name",
    "file",
    "index",
    "count",
    "parser",
    "token",
    "server",
    "client",
    "event",
    "handler",
    "request",
    "total",
    "buffer",
    "stream",
    "config",
    "option",
    "entry",
    "field",
    "table",
    "query",
    "order",
    "price",
    "account",
    "team",
    "player",
    "game",
    "score",
    "board",
    "word",
    "line",
    "point",
    "circle",
    "shape",
    "matrix",
    "vector",
    "animal",
    "robot",
    "letter",
    "number",
    "string",
    "input",
    "output",
    "path",
    "root",
    "child",
    "parent",
    "state",
    "action",
    "model",
    "view",
    "page",
    "image",
    "color",
    "width",
    "height",
    "time",
    "date",
    "year",
    "month",
    "clock",
    "queue",
    "stack",
    "tree",
    "graph",
    "edge",
    "weight",
    "cost",
    "rate",
    "limit",
    "size",
    "offset",
    "start",
    "stop",
    "load",
    "save",
    "open",
    "close",
    "read",
    "write",
    "send",
    "update",
    "remove",
    "insert",
    "find",
    "search",
    "sort",
    "filter",
    "merge",
    "split",
    "join",
    "parse",
    "format",
    "print",
    "check",
    "test",
    "run",
    "build",
    "make",
    "init",
    "setup",
    "main",
    "helper",
    "util",
    "base",
    "core",
    "common",
    "shared",
    "local",
    "remote",
    "global",
    "temp",
    "cache",
    "session",
    "message",
    "error",
    "status",
    "code",
    "type",
    "kind",
    "group",
    "role",
    "member",
    "owner",
    "project",
    "task",
    "job",
    "step",
    "phase",
    "level",
    "map",
    "zone",
    "area",
    "region",
    "city",
    "street",
    "house",
    "room",
    "door",
    "key",
    "lock",
    "bank",
    "card",
    "store",
    "shop",
    "cart",
    "product",
    "stock",
    "plant",
    "garden",
    "river",
    "mountain",
    "weather",
    "sun",
    "moon",
    "star",
]
_BLOCK, _LINE, _HASH = ("/*", " * ", " */"), ("", "// ", ""), ("", "# ", "")
_DASHES, _SEMICOLON, _PERCENT = ("", "-- ", ""), ("", ";; ", ""), ("", "% ", "")
_COMMENTS = {
    "c c++ objective-c c# java go rust javascript typescript php scala kotlin groovy swift dart glsl apex": (
        _BLOCK,
        ("/**", " * ", " */"),
        _LINE,
        ("/*", "   ", "*/"),
    ),
    "zig": (_LINE,),
    "css": (_BLOCK,),
    "python starlark": (_HASH, ('"""', "", '"""')),
    "coffeescript": (_HASH, ("###", "", "###")),
    "ruby crystal perl shell powershell elixir r julia yaml toml ini makefile cmake dockerfile terraform nim awk tcl": (
        _HASH,
    ),
    "sql plsql": (_DASHES, _BLOCK),
    "lua": (_DASHES, ("--[[", "", "--]]")),
    "haskell": (_DASHES, ("{-", "  ", "-}")),
    "clojure|common lisp|emacs lisp": (_SEMICOLON, ("", ";;; ", "")),
    "erlang prolog matlab tex": (_PERCENT, ("", "%% ", "")),
    "ocaml": (("(*", " ", "*)"),),
    "f# pascal": (("(*", " ", "*)"), _LINE),
    "html xml": (("<!--", "  ", "-->"),),
    "fortran": (("", "! ", ""), ("", "C     ", "")),
    "vim script": (("", '" ', ""),),
    "assembly": (("", "; ", ""), _HASH, _BLOCK, ("", ";\t", "")),
    "cobol rpgle": (("", "      * ", ""),),
}
COMMENTS = {
    name: marks
    for names, marks in _COMMENTS.items()
    for name in ([names] if names == "vim script" else names.split("|") if "|" in names else names.split())
}

_HERE = Path(sysconfig.get_paths()["purelib"])
_STANDARD = Path(sysconfig.get_paths()["stdlib"])
_CLOUD = Path("/usr/lib/google-cloud-sdk")
_NODE = Path("/usr/lib/node_modules")
PLACES = (
    ("Python standard library (PSF-2.0)", _STANDARD, "python:*.py;c:*.h;makefile:Makefile*;ini:*.cfg;tex:*.tex"),
    ("numpy (BSD-3-Clause)", _HERE / "numpy", "python:*.py;c:*.h;fortran:*.f90;fortran:*.f"),
    ("scipy (BSD-3-Clause)", _HERE / "scipy", "python:*.py;fortran:*.f90"),
    ("torch (BSD-3-Clause)", _HERE / "torch", "c++:*.h;c++:*.hpp;cmake:*.cmake;yaml:*.yaml;python:*.py"),
    ("pyarrow (Apache-2.0)", _HERE / "pyarrow", "c++:*.h;c++:*.cc;cmake:*.cmake"),
    ("npm (Artistic-2.0, MIT, ISC, BSD)", _NODE, "javascript:*.js;json:*.json;markdown:*.md;html:*.html;shell:*.sh"),
    (
        "Google Cloud SDK (Apache-2.0)",
        _CLOUD / "platform",
        "php:*.php;yaml:*.yaml;toml:*.toml;ini:*.cfg;ini:*.ini;xml:*.xml;makefile:Makefile*;makefile:*.mk;shell:*.sh",
    ),
    ("Tk (TCL)", Path("/usr/share/tcltk"), "tcl:*.tcl"),
    ("PostgreSQL (PostgreSQL)", Path("/usr/share/postgresql"), "sql:*.sql"),
    ("CMake (BSD-3-Clause)", Path("/usr/share/cmake-3.25"), "cmake:*.cmake"),
    ("LLVM (Apache-2.0 WITH LLVM-exception)", Path("/usr/lib/llvm-14"), "cmake:*.cmake;ini:*.ini"),
    ("Vim (Vim)", Path("/usr/share/vim/vim90"), "vim script:*.vim"),
    ("Perl (Artistic-1.0-Perl)", Path("/usr/share/perl/5.36.0"), "perl:*.pm"),
    ("site-packages (MIT, BSD, Apache-2.0)", _HERE / "notebook", "css:*.css;html:*.html;javascript:*.js"),
)
"""Package and licence, folder, and which files are of which language. A place that is missing gives nothing."""


def fill(text: str, chance: random.Random) -> str:
    """Placeholders: `§n` a number, `§s` a phrase, `§C` and `§D` CamelCase, `§K` UPPER_CASE, `§a` to `§d` a name."""

    def one(found: re.Match[str]) -> str:
        kind, word = found.group(1), chance.choice(WORDS)
        if kind == "n":
            return str(chance.choice((0, 1, 2, 3, 5, 8, 10, 16, 42, 64, 100, 255, 1024, chance.randrange(9999))))
        if kind == "s":
            return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 6)))
        if kind in "CD":
            return word.title() + (chance.choice(WORDS).title() if kind == "C" and chance.random() < 0.5 else "")
        if kind == "K":
            return word.upper() + chance.choice(("", "_" + chance.choice(WORDS).upper()))
        return word if chance.random() < 0.7 else word + chance.choice(("_", "")) + chance.choice(WORDS)

    return re.sub("§([nsCDKabcd])", one, text)


def idioms() -> dict[str, list[str]]:
    """Blocks of each language, as the file has them."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^=== ", IDIOMS.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name, _, body = section.partition("\n")
        blocks = [block for block in re.split(r"\n\n+", body.strip("\n")) if block.strip()]
        if blocks:
            found.setdefault(name.strip(), []).extend(blocks)
    return found


def comment(language: str, prose: list[list[str]], chance: random.Random) -> str:
    """Some lines of prose in one of the language's comment marks; empty where it has none."""
    if language not in COMMENTS:
        return ""
    before, mark, after = chance.choice(COMMENTS[language])
    words = chance.choice(prose)
    place, lines = chance.randrange(len(words)), []
    for _ in range(chance.randint(1, 12) if chance.random() < 0.6 else 1):
        width = chance.randint(3, 14)
        lines.append((mark + " ".join(words[place : place + width])).rstrip())
        place += width
    return "\n".join([before] * bool(before) + lines + [after] * bool(after))


def made(prose_texts: list[str], each: int = 120, seed: int = 1) -> tuple[list[str], list[str]]:
    """`each` texts a language made of its idioms, and their languages."""
    chance = random.Random(seed)
    prose = [words for words in map(str.split, prose_texts) if len(words) > 5]
    texts, labels = [], []
    for language, blocks in sorted(idioms().items()):
        for _ in range(each):
            parts = [comment(language, prose, chance)] if chance.random() < 0.35 else []
            for block in chance.choices(blocks, k=chance.randint(1, max(3, min(10, len(blocks))))):
                lines = fill(block, chance).split("\n")
                if len(lines) > 4 and chance.random() < 0.3:
                    lines = lines[chance.randrange(len(lines) - 2) :]
                if chance.random() < 0.15:
                    lines.insert(chance.randrange(len(lines) + 1), comment(language, prose, chance))
                parts.append("\n".join(lines))
            texts.append(chance.choice(("\n", "\n\n")).join(parts) + "\n")
            labels.append(language)
    return texts, labels


def installed(most: int = 40) -> tuple[list[str], list[str], list[str]]:
    """Up to `most` files of each language of each place, their languages, and a line for each place that gave some."""
    texts, labels, places, seen = [], [], [], set()
    for name, folder, wanted in PLACES:
        before = len(texts)
        for language, pattern in (pair.rsplit(":", 1) for pair in wanted.split(";")):
            found, folders = 0, {}
            for path in sorted(folder.rglob(pattern), key=lambda path: hashlib.sha256(str(path).encode()).digest()):
                if found == most or not path.is_file() or folders.get(path.parent, 0) == 2:
                    continue
                try:
                    text = path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue
                if 150 <= len(text) <= 60_000 and text not in seen:
                    seen.add(text)
                    folders[path.parent] = folders.get(path.parent, 0) + 1
                    found += 1
                    texts.append(text[:6000])
                    labels.append(language)
        if len(texts) > before:
            places.append(f"{name}: {len(texts) - before} files")
    return texts, labels, places
