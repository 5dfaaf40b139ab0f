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
READ_BYTES = 4096
"""So many bytes of a text are read."""
LINES = 24
"""So many lines of them are looked at one by one."""
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
_HEADER_BLOCK = re.compile(rb"\A(?:From [^\n]*\n)?(?:[A-Za-z-]+:[ \t][^\n]*\n(?:[ \t][^\n]*\n)*){2,}")
_TIME = rb"(?:\d{4}[-/]\d\d[-/]\d\d[T ]|\d\d/\w{3}/\d{4}:|[A-Z][a-z]{2} [ \d]\d )\d\d:\d\d:\d\d"
_LOG_LINE = re.compile(
    rb"(?:[\[<(]?"
    + _TIME
    + rb"|\S+ \S+ \S+ \["
    + _TIME
    + rb"|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|CRITICAL)\b[\]: ])"
)
_LEGAL_SIGNS = (b"licens", b"warrant", b"liabil", b"pursuant", b"agreement", b"copyright")
"""A text without any of these is no legal text."""
_LEGAL_WORDS = (
    b"licensor", b"licensee", b"sublicens", b"herein", b"hereby", b"jurisdiction", b"plaintiff",
    b"hereof", b"hereunder", b"thereof", b"indemnif", b"notwithstanding",
    b"set forth", b"merchantability", b"infring", b"defendant", b"copyright holder", b"copyright notice", b"patent",
    b"shall not", b"the parties", b"without limitation", b"permission is", b"covered work", b"derivative work",
    b"redistribut",
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


def _is_log(lines: list[bytes]) -> bool:
    """Half of the first lines, at least three, start like a log's."""
    some = lines[:8]
    return len(some) >= 3 and sum(_LOG_LINE.match(line) is not None for line in some) >= 0.5 * len(some)


def _is_legal(head: bytes) -> bool:
    """At least three words of law, and so many in a kilobyte; most texts are settled by a few of the words."""
    lower = head.lower()
    hits = sum(map(lower.count, _LEGAL_SIGNS))
    if hits == 0:
        return False
    hits += sum(map(lower.count, _LEGAL_WORDS))
    return hits >= 3 and hits * 1000 >= _LEGAL_PER_KILOBYTE * len(head)


def _from_text(head: bytes) -> str:
    """The kind of a text that is no code, by its head alone."""
    if _is_mail(head):
        return "mail"
    lines = [line for line in head.split(b"\n", LINES + 1) if line and not line.isspace()]
    if len(lines) > 4 and (len(head) == READ_BYTES or len(lines) > LINES):
        lines.pop()  # cut, or the rest
    if _is_log(lines):
        return "log"
    if _is_table(lines):
        return "table"
    if _is_legal(head):
        return "legal"
    if head.count(b"<") < 2:
        return "prose"
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
