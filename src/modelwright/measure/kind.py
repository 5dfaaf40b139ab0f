"""What kind of document a text is: prose, code, table, log, mail, legal, markup or data.

The name says it first (`.csv`, `.log`, `LICENSE`), then the programming language, then cheap counts on the head of
the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelwright.measure.code_language import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.measure.spans import Texts

KINDS = ("prose", "code", "table", "log", "mail", "legal", "markup", "data")
READ_BYTES = 8192
"""So many bytes of a text are read."""
LEAST_CONFIDENCE = 0.5
"""A programming language guessed from the text alone counts from here on."""

_BY_EXTENSION = {
    "csv": "table", "tsv": "table", "psv": "table", "log": "log", "eml": "mail", "mbox": "mail", "mbx": "mail",
}  # fmt: skip
_BY_TYPE = {"programming": "code", "markup": "markup", "data": "data", "table": "table"}
_LEGAL_NAME = re.compile(
    r"(?:^|/)(?:licen[cs]e|copying|eula|terms[-_ ]of[-_ ](?:use|service)|privacy[-_ ]policy|patents)(?:[-_.][^/]*)?$",
    re.I,
)
_MAIL_HEADER = re.compile(
    rb"^(?:From|To|Cc|Subject|Date|Message-I[Dd]|Received|Return-Path|Reply-To|MIME-Version|In-Reply-To|Sent):[ \t]",
    re.M,
)
_HEADER_BLOCK = re.compile(rb"\A(?:From [^\n]*\n)?(?:[A-Za-z-]+:[ \t][^\n]*\n(?:[ \t]+[^\n]*\n)*){2,}")
_TIME = rb"(?:\d{4}[-/]\d\d[-/]\d\d[T ]|\d\d/\w{3}/\d{4}:|[A-Z][a-z]{2} [ \d]\d )\d\d:\d\d:\d\d"
_LOG_LINE = re.compile(
    rb"^(?:[\[<(]?"
    + _TIME
    + rb"|\S+ \S+ \S+ \["
    + _TIME
    + rb"|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|CRITICAL)\b[\]: ])",
    re.M,
)
_LEGAL_WORDS = (
    b"licensor", b"licensee", b"sublicens", b"warrant", b"liabil", b"hereby", b"herein", b"hereof", b"hereunder",
    b"thereof",
    b"pursuant", b"indemnif", b"notwithstanding", b"set forth", b"merchantability", b"infring", b"plaintiff",
    b"defendant",
    b"jurisdiction", b"copyright holder", b"copyright notice", b"patent", b"shall not", b"the parties",
    b"this agreement", b"this license",
    b"this licence", b"without limitation", b"permission is", b"licens", b"covered work", b"derivative work",
    b"redistribut", b"copyright",
)  # fmt: skip
_LEGAL_PER_KILOBYTE = 4.0  # hits in 1,000 bytes
_MARKUP_BYTES = re.compile(rb"[^\w\s.,;:!?'\"()\x80-\xff-]")
_TAG = re.compile(rb"</?[a-zA-Z][^<>\n]{0,200}>")


def _is_mail(head: bytes) -> bool:
    block = _HEADER_BLOCK.match(head)
    return block is not None and len(set(_MAIL_HEADER.findall(block.group()))) >= 2


def _is_table(lines: list[bytes]) -> bool:
    """At least four lines, nine in ten of which have as many delimiters as the first."""
    if len(lines) < 4:
        return False
    for delimiter, least in ((b"\t", 1), (b",", 2), (b";", 2), (b"|", 2)):
        wanted = lines[0].count(delimiter)
        if wanted >= least and sum(line.count(delimiter) == wanted for line in lines) >= 0.9 * len(lines):
            return True
    return False


def _from_text(head: bytes) -> str:
    """The kind of a text that is no code, by its head alone."""
    if _is_mail(head):
        return "mail"
    lines = [line for line in head.split(b"\n") if line.strip()]
    if len(head) == READ_BYTES and len(lines) > 4:
        lines.pop()
    if len(lines) >= 3 and len(_LOG_LINE.findall(head)) >= 0.5 * len(lines):
        return "log"
    if _is_table(lines):
        return "table"
    lower = head.lower()
    hits = sum(lower.count(word) for word in _LEGAL_WORDS)
    if hits >= 3 and hits * 1000 >= _LEGAL_PER_KILOBYTE * len(head):
        return "legal"
    tags = sum(len(tag) for tag in _TAG.findall(head))
    return "markup" if tags >= 0.15 * len(head) > 0 else "prose"


def _markup_or(kind: str, head: bytes) -> str:
    """Markdown and its like are prose unless marks, links and tables outweigh the words."""
    return "markup" if kind == "prose" and len(_MARKUP_BYTES.findall(head)) > 0.15 * len(head) else kind


def kind_of(head: bytes, path: str | None, code_language: str | None, confidence: float | None) -> str:
    """One of KINDS for a text whose first READ_BYTES bytes are `head`."""
    name = (path or "").replace("\\", "/")
    extension = name.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    if extension in _BY_EXTENSION:
        return _BY_EXTENSION[extension]
    kind = "code" if code_language in ("ansible", "terraform") else ""
    if code_language and not kind:
        kind = _BY_TYPE.get(table().types.get(code_language, ""), "prose")
    if name and _LEGAL_NAME.search(name) and kind in ("", "prose"):
        return "legal"
    if kind in ("", "prose"):
        return _markup_or(_from_text(head), head) if kind else _from_text(head)
    if not name and (confidence or 0.0) < LEAST_CONFIDENCE:
        return _from_text(head)
    return kind


def kinds_of(
    texts: Texts, paths: Sequence[str | None], languages: Sequence[str | None], confidences: Sequence[float | None]
) -> list[str | None]:
    """The kind of each text; None for a null text."""
    rows = zip(texts.valid.tolist(), paths, languages, confidences, strict=True)
    return [
        kind_of(texts.bytes(row, READ_BYTES), path, language, confidence) if valid else None
        for row, (valid, path, language, confidence) in enumerate(rows)
    ]
