"""Licences: from what is stated, or from SPDX tags in the text, to an SPDX expression and a class of policy.

Expressions are read by `license-expression` (Apache-2.0), whose bundled LicenseDB index (CC-BY-4.0, AboutCode) gives
each licence a category; the classes below are groups of these categories, with a few reviewed by hand. Notices and full
texts are recognised in `licence_text`.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelwright.measure.spans import Texts

CLASSES = (
    "permissive", "weak_copyleft", "strong_copyleft", "unknown", "no_derivatives", "non_commercial", "proprietary",
)  # fmt: skip
"""From what allows most to what allows least: `A AND B` has the class of the later, `A OR B` that of the earlier."""
_BY_CATEGORY = {
    "Permissive": "permissive", "Public Domain": "permissive", "Copyleft Limited": "weak_copyleft",
    "Copyleft": "strong_copyleft",
    "Source-available": "proprietary", "Proprietary Free": "proprietary", "Commercial": "proprietary",
    "Free Restricted": "proprietary",
}  # fmt: skip
_REVIEWED = {
    "odbl-1.0": "weak_copyleft",  # share-alike of the database; works produced from it are free
    "json": "proprietary",  # "shall be used for Good, not Evil": a restriction of use
}
"""Where the category of the index is not what a policy means. CC-BY-SA and GFDL stay weak: they bind adaptations."""
_NON_COMMERCIAL = re.compile(r"-nc\b|noncommercial|non-commercial", re.I)
_NO_DERIVATIVES = re.compile(r"-nd\b", re.I)


class Licence(NamedTuple):
    """A licence as understood: SPDX expression (None when it is none) and class."""

    spdx: str | None
    category: str


UNKNOWN = Licence(None, "unknown")

_NAMES = {
    "mit": "MIT", "expat": "MIT", "x11": "X11", "isc": "ISC", "zlib": "Zlib", "unlicense": "Unlicense",
    "wtfpl": "WTFPL",
    "bsd": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "modified bsd": "BSD-3-Clause", "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause", "bsd-3": "BSD-3-Clause", "bsd3": "BSD-3-Clause", "simplified bsd": "BSD-2-Clause",
    "2-clause bsd": "BSD-2-Clause", "bsd 2-clause": "BSD-2-Clause", "bsd-2": "BSD-2-Clause", "freebsd": "BSD-2-Clause",
    "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache software": "Apache-2.0",
    "apache-2": "Apache-2.0", "asl 2.0": "Apache-2.0", "al2": "Apache-2.0", "psf": "PSF-2.0", "python": "PSF-2.0",
    "python software foundation": "PSF-2.0", "mpl": "MPL-2.0", "mpl 2.0": "MPL-2.0", "mozilla public 2.0": "MPL-2.0",
    "mozilla public": "MPL-2.0", "epl": "EPL-2.0", "epl 2.0": "EPL-2.0", "epl 1.0": "EPL-1.0", "boost": "BSL-1.0",
    "boost software 1.0": "BSL-1.0", "artistic 2.0": "Artistic-2.0", "gpl": "GPL-1.0-or-later",
    "gnu gpl": "GPL-1.0-or-later",
    "gnu general public": "GPL-1.0-or-later", "lgpl": "LGPL-2.0-or-later", "gnu lgpl": "LGPL-2.0-or-later",
    "agpl": "AGPL-3.0-only",
    "cc0": "CC0-1.0", "cc0 1.0": "CC0-1.0", "cc0 1.0 universal": "CC0-1.0", "odbl": "ODbL-1.0", "ogl": "OGL-UK-3.0",
    "ofl": "OFL-1.1", "sil open font": "OFL-1.1",
}  # fmt: skip
"""Plain names of package metadata, in lower case, without the words licence, the, version and v."""
_PUBLIC_DOMAIN = re.compile(r"(?:in the |dedicated to the )?public[ -]?domain\b.*|pd|no known copyright.*", re.I)
_PROPRIETARY = re.compile(
    r"(?:licenseref-)?(?:proprietary|commercial|closed|confidential|all rights reserved)\b.*", re.I
)
_GNU = re.compile(
    r"(?:gnu )?(?P<family>[al]?gpl|(?:lesser "
    r"|affero )?general public)[ -]?v?(?P<version>[123](?:\.[01])?)(?P<later>.*)",
    re.I,
)
_CREATIVE = re.compile(
    r"(?:creative commons )?(?:cc[- ]?)?(?P<parts>(?:by|attribution)(?:[- ](?:nc|nd|sa|non-?commercial|no-?derivatives|"
    r"no-?derivs|share-?alike))*)[- ]?v?(?P<version>[1-4]\.[05])?(?: (?:international|unported|generic|deed))*", re.I
)  # fmt: skip
_URLS = (
    (re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)", re.I), "CC-{0}-{1}"),
    (re.compile(r"creativecommons\.org/publicdomain/zero", re.I), "CC0-1.0"),
    (re.compile(r"creativecommons\.org/publicdomain/mark", re.I), "public domain"),
    (re.compile(r"apache\.org/licenses/license-(\d\.\d)", re.I), "Apache-{0}"),
    (
        re.compile(r"(?:opensource|spdx)\.org/licenses?/([\w.+-]+?)(?:-license)?(?:\.html|\.php|\.json)?/?$", re.I),
        "{0}",
    ),
    (re.compile(r"gnu\.org/(?:licenses/)?(?:old-licenses/)?([al]?gpl)-(\d\.\d)", re.I), "{0}-{1}-only"),
    (re.compile(r"mozilla\.org/.*mpl/(\d\.\d)", re.I), "MPL-{0}"),
)


@functools.lru_cache(maxsize=1)
def _algebra() -> tuple[Any, dict[str, tuple[str, bool]]]:
    """The parser of SPDX expressions, and category and "is an exception" of every SPDX id and `LicenseRef-scancode-`
    key.
    """
    import license_expression

    index = json.loads(
        (Path(license_expression.__file__).parent / "data" / "scancode-licensedb-index.json").read_bytes()
    )
    known = {}
    for row in index:
        fact = (row["category"], bool(row["is_exception"]))
        known[f"licenseref-scancode-{row['license_key']}"] = fact
        for key in (row.get("spdx_license_key"), *row.get("other_spdx_license_keys", ())):
            if key:
                known[key.lower()] = fact
    return license_expression.get_spdx_licensing(), known


def _class_of_id(key: str) -> str:
    if _NON_COMMERCIAL.search(key):
        return "non_commercial"
    if _NO_DERIVATIVES.search(key):
        return "no_derivatives"
    if _PROPRIETARY.fullmatch(key):
        return "proprietary"
    if key.lower() in _REVIEWED:
        return _REVIEWED[key.lower()]
    category, _ = _algebra()[1].get(key.lower(), ("", False))
    return _BY_CATEGORY.get(category, "unknown")


def _class_of(node: Any) -> str:
    """The class of a parsed expression; an exception (`WITH`) makes strong copyleft weak."""
    if hasattr(node, "license_symbol"):
        base, exception = _class_of_id(node.license_symbol.key), _class_of_id(node.exception_symbol.key)
        return "weak_copyleft" if base == "strong_copyleft" and exception in ("weak_copyleft", "permissive") else base
    if hasattr(node, "key"):
        return _class_of_id(node.key)
    ranks = [CLASSES.index(_class_of(part)) for part in node.args]
    return CLASSES[min(ranks) if type(node).__name__ == "OR" else max(ranks)]


@functools.lru_cache(maxsize=65536)
def parse(expression: str) -> Licence:
    """An SPDX expression with its class, ids in the list's spelling; UNKNOWN when it is none (LicenseRefs are
    allowed).
    """
    from license_expression import ExpressionError, ParseError

    licensing, known = _algebra()
    if not re.fullmatch(r"[\w.+:() -]{2,500}", expression, re.A):
        return UNKNOWN
    try:
        node = licensing.parse(expression)
    except (
        ExpressionError,
        ParseError,
        AttributeError,
        IndexError,
    ):  # the last two: bugs of its tokenizer on odd input
        return UNKNOWN
    if node is None:
        return UNKNOWN
    keys = [symbol.key for symbol in node.symbols if hasattr(symbol, "key")]
    keys = [part.strip() for key in keys for part in re.split(r"\bwith\b", key, flags=re.I)]
    if not all(
        key.lower() in known or re.fullmatch(r"(?:DocumentRef-[\w.-]+:)?LicenseRef-[\w.-]+", key) for key in keys
    ):
        return UNKNOWN
    return Licence(node.render(), _class_of(node))


def _creative(found: re.Match[str]) -> str:
    parts = found["parts"].lower().replace("attribution", "by")
    for long, short in (("non-?commercial", "nc"), ("no-?deriv(?:ative)?s", "nd"), ("share-?alike", "sa")):
        parts = re.sub(long, short, parts)
    return f"CC-{parts.replace(' ', '-').upper()}-{found['version'] or '4.0'}"


def _gnu(found: re.Match[str]) -> str:
    family = found["family"].lower()
    name = {"lesser general public": "LGPL", "affero general public": "AGPL", "general public": "GPL"}.get(
        family, family.upper()
    )
    version = found["version"] if "." in found["version"] else found["version"] + ".0"
    later = re.search(r"\+|or[ -](?:any )?later|or newer", found["later"], re.I)
    return f"{name}-{version}-{'or-later' if later else 'only'}"


_FROM_FILE = re.compile(r" \(from [^()]*\)$")
"""What a source adds to a licence that it read in a licence file above the document: `MIT (from LICENSE)`."""


def from_file(text: str) -> bool:
    """Whether a stated licence was read in a licence file above the document."""
    return _FROM_FILE.search(text) is not None


@functools.lru_cache(maxsize=65536)
def stated(text: str) -> Licence:
    """What a stated licence means: an SPDX expression, a plain name ("MIT License", "Apache 2.0") or a licence's
    address.

    Anything else is UNKNOWN, never an error: "MIT (samples, mixed upstream)" too, for what stands in brackets may take
    back what stands before; a word or two may not. "BSD" is read as BSD-3-Clause, "GPL" alone as GPL-1.0-or-later.
    """
    text = _FROM_FILE.sub("", " ".join(text.split()))
    direct = parse(text)
    if direct.spdx is not None:
        return direct
    name = text.rsplit("::", 1)[-1].strip()
    for pattern, form in _URLS:
        found = pattern.search(name)
        if found:
            name = form.format(*found.groups())
            break
    if _PUBLIC_DOMAIN.fullmatch(name):
        return parse("LicenseRef-scancode-public-domain")
    if _PROPRIETARY.fullmatch(name):
        return Licence("LicenseRef-Proprietary", "proprietary")
    short = re.sub(r"\([\w.+/-]+(?: [\w.+/-]+)?\)|,", " ", name.lower())
    short = re.sub(r"\b(?:licen[cs]ed?|licen[cs]es|the|version|under)\b", " ", short)
    short = " ".join(re.sub(r"\bv(?=\d)", "", short).split())
    creative, gnu = _CREATIVE.fullmatch(short), _GNU.fullmatch(short)
    for guess in (_NAMES.get(short), creative and _creative(creative), gnu and _gnu(gnu), name):
        if guess:
            licence = parse(guess)
            if licence.spdx is not None:
                return licence
    return UNKNOWN


_TAG_NAME = b"SPDX-License-Identifier:"
_TAG = re.compile(rb"SPDX-License-Identifier:[ \t]*([^\r\n]*)")
_EXPRESSION = re.compile(rb"[\w.+:()-]+(?: +[\w.+:()-]+)*", re.A)


def _tag_lines(data: bytes) -> Iterator[re.Match[bytes]]:
    place = data.find(_TAG_NAME)  # far faster than an expression on text that holds none
    while place >= 0:
        match = _TAG.match(data, place)
        if match is not None:
            yield match
        place = data.find(_TAG_NAME, place + len(_TAG_NAME))


def tags(texts: Texts) -> list[tuple[Found, Licence]]:
    """`SPDX-License-Identifier:` lines with a valid expression: spans from the tag to the expression's end, in
    order.
    """
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    found = []
    data = texts.data[first:last].tobytes()
    for match in _tag_lines(data):
        row = int(np.searchsorted(texts.offsets, first + match.start(), side="right")) - 1
        begin, end = int(texts.offsets[row]) - first, int(texts.offsets[row + 1]) - first
        if match.start(1) >= end:
            continue
        line = match.group(1)[: end - match.start(1)]
        expression = _EXPRESSION.match(line.lstrip(b"\"'"))
        if expression is None:
            continue
        skipped = len(line) - len(line.lstrip(b"\"'"))
        written = expression.group().decode("ascii").rstrip(".-: ")
        written = written[:-1] if written.endswith(")") and written.count(")") > written.count("(") else written
        licence = parse(written)
        if licence.spdx is not None:
            stop = match.start(1) + skipped + len(written)
            found.append((Found(row, licence.spdx, match.start() - begin, stop - begin, 1.0), licence))
    return found


def joined(licences: list[Licence]) -> Licence:
    """Several licences found in one text hold together: `A AND B`."""
    names = list(dict.fromkeys(licence.spdx for licence in licences if licence.spdx))
    if len(names) <= 1:
        return licences[0] if licences else UNKNOWN
    return parse(" AND ".join(f"({name})" if " OR " in name else name for name in names))
