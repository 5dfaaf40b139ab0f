"""Copyright statements: who holds the right and since when, with the span of each statement.

A scan of linear time finds the marks (the word, the sign, `(c)`); rules for lines then read what follows: years, the
holder up to an e-mail, an address, the licence's words or the end of a sentence, and lines that continue it.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelwright.measure.spans import Texts

MOST = 200
"""Statements that are read in one text; a list of a thousand contributors is cut there."""
_WINDOW = 600
_MARKS = rb"copyright|copyrighted|copr\.|\(c\)|\xc2\xa9|&copy;|&#169;"
_SIGN = r"(?:\(\s?[cC]\s?\)|©|&copy;|&#169;|&#xA9;|\|copy\||\\\(co)"
_WORD = r"(?:(?<=\(c\))opyright|copyright(?:ed)?(?:s)?(?!\w)|copyrighttext|copr\.|copyright(?=\d{4}))"
_OPENING = re.compile(
    rf"(?P<marks>(?:{_SIGN}|{_WORD})(?:[\s:,;.*\"'|=>/-]{{0,12}}(?:{_SIGN}|{_WORD}|\bnotices?\b|\(r\)))*)"
    r"(?P<gap>[\s:,;.*\"'|=>/#-]*)",
    re.I,
)
_YEAR = r"(?:19[5-9]\d|20[0-4]\d)"
_YEARS = re.compile(
    rf"\b{_YEAR}(?!\d)(?:\s{{0,2}}(?:(?:[-–—,/&+;]|\band\b|\bto\b|\bthrough\b)\s{{0,2}}){{1,3}}"
    rf"(?:{_YEAR}(?!\d)|\d\d(?!\d)|present|today|now\b))*\+?",
    re.I,
)
_ONE_YEAR = re.compile(rf"(?<!\d){_YEAR}(?!\d)")
_STOP = re.compile(
    r"\ball +rights? +res|\brights +reserved|\bunder +(?:the +)?(?:terms|licen|mit|bsd|gpl|apache|a\b)|"
    r"\blicen[cs]ed?\b|\blicen[cs]e[sd]?\b|\breleased +(?:under|into)|"
    r"\bdistributed +(?:under|in|by|with|as|for)\b|\bavailable +under|\bpermission\b|"
    r"\bthis +(?:file|program|software|library|code|source|is|work|package|module|document|product)\b|"
    r"\bsee +(?:the|licen|copying|http)|\bredistribut|\bpublished +by|https?:|ftp:|\bwww\.|\bauthors?\s*:|"
    r"\bwritten +by|\bmaintain|\bfor +more|\bused +with|\bconfidential|\bproprietary\b|\bcontributed|"
    r"\bbased +on|\bported|\bmodified\b|\bversion\b|\bcreated +by|\bis +free\b|\bsome +rights|"
    r"\bno +warranty|\bfor +conditions|\bpowered +by|\bthe +following|\bsubject +to|"
    r"\bpart +of +the\b(?! ind)|\bmay +be\b|\bhas +been\b|\bare +met\b|\bwhich\b",
    re.I,
)
_MAIL = re.compile(r"[<(\[]?\s*(?:mailto:)?[\w.+-]+(?:@|\s+at\s+|\(at\)|\[at\])[\w.-]+\.?\w*\s*[>)\]]?|<[^>\n]{0,80}>?")
_SENTENCE = re.compile(
    r"(?<!\b[A-Z])(?<!\bInc)(?<!\bLtd)(?<!\bCo)(?<!\bCorp)(?<!\bJr)(?<!\bDr)(?<!\bSt)(?<!\bet)(?<!\bal)"
    r"\.(?:\s+(?=\S)|$)|"
    r"(?:(?<=Inc)|(?<=Ltd))\.\s+(?=[A-Z][a-z]+ [a-z])|[\"|{}\[\]]|\*/|-->|\s-{1,2}\s(?![A-Z])|\s{3,}(?=\S)"
)
_LEAD = re.compile(
    r"^(?:[\s,;:.*\"'=|>#/–-]|by\b|of\b(?! )|is\b|are\b|held by\b|owned by\b|assigned to\b|and\b(?= \d))+", re.I
)
_TAG = re.compile(r"</?(?:s|p|b|i|u|br|a|li|td|tr|div|span|font|strong|em|small|center|h\d)\b[^>\n]*>", re.I)
_EDGE = re.compile(r"^[\s*#/;!%\\|\"'-]*(?:\brem\b|\bdnl\b)?[\s*#]*|[\s*/\\\"'|]+$", re.I)
_NO_HOLDER = re.compile(
    r"^(?:notices?|holders?|owners?(?:hip)?|laws?|acts?|licen[cs]es?|statements?|information|and|or|in|of|is|as|to|on|"
    r"for|the copyright|protected|protection|infring\w*|disclaimer|material|works?|interests?|claims?|years?|"
    r"date|file|symbol|string|text|header|footer|line|message|this|that|with|if|it|its|applies|be|can|may|must|under|"
    r"messages?|false|true|none|null|int|const|char|void|page|see|other|also|not|any|your|you|each|assignment|attribution|policy|terms|"
    r"issues?|status|treaty|treaties|agent|office|above|below|from|at|by|free|section|changes?|update[sd]?|only|"
    r"l?gpl|bsd|mit|grant|patent\W+trademark)\b",
    re.I,
)
_NEXT_NAME = re.compile(r"^[\s*#/;]*((?:[A-Z][\w.'-]+ ){1,3}\s*)[<(][^>)\n]*@")


class Statement(NamedTuple):
    """A statement: row, byte span, years as written four digits long, and the holder ("" when none is named)."""

    row: int
    start: int
    end: int
    years: tuple[str, ...]
    holder: str


@functools.cache
def _marks() -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive, options.encoding = False, re2.Options.Encoding.LATIN1
    return re2.compile(_MARKS, options)


def find(texts: Texts) -> list[Statement]:
    """The statements of all texts, in order of (row, start), at most MOST in one text."""
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    data = texts.data[first:last].tobytes()
    found: list[Statement] = []
    search, place, row_before, count = _marks().search, 0, -1, 0
    while (match := search(data, place)) is not None:
        hit = match.start()
        row = int(np.searchsorted(texts.offsets, first + hit, side="right")) - 1
        begin, end = int(texts.offsets[row]) - first, int(texts.offsets[row + 1]) - first
        count = count if row == row_before else 0
        row_before, place = row, match.end()
        window = data[hit : min(end, hit + _WINDOW)].decode("utf-8", "ignore")
        read = _read(window, data[max(begin, hit - 24) : hit])
        if read is not None:
            years, holder, taken, marks = read
            size = min(len(window[:taken].encode()), end - hit)
            found.append(Statement(row, hit - begin, hit - begin + size, years, holder))
            place, count = hit + len(marks.encode()), count + 1
            if count == MOST:
                place = end
    return found


def _read(text: str, before: bytes) -> tuple[tuple[str, ...], str, int, str] | None:
    """(years, holder, length of the statement, marks) of the text from a mark on, or None when it is no statement."""
    opening = _OPENING.match(text)
    if opening is None or (before[-1:].isalnum() and not text.startswith(("©", "(")) and not before.endswith(b"File")):
        return None
    marks = opening["marks"]
    worded, signed = bool(re.search(r"cop[yr]", marks, re.I)), bool(re.search(_SIGN, marks))
    body = text[opening.end() :] if "\n" not in opening["gap"] else text[opening.end("marks") :]
    body = re.sub(r"&#\w{1,5};", " ", body.replace("\\n", "\n").replace("&lt;", "<").replace("&gt;", ">"))
    following = re.search(rf"(?<!\w)(?:{_SIGN}|{_WORD})", body, re.I)
    if following and following.start() > 0:
        body = body[: following.start()]
    lines = body.split("\n")
    line, used = lines[0].rstrip("\r"), 1
    years = _ONE_YEAR.findall(line)
    holder = _holder(line)
    while used < len(lines) and used < 4 and lines[used].strip():
        after = _EDGE.sub("", lines[used])
        broken = re.search(r"(?:,|\band|&|\bby|\bof|\bthe|-)\s*$", line) and not _stops(line)
        missing = not holder and (years or signed) and not _stops(line)
        named = _NEXT_NAME.match(lines[used])
        if not after or not (broken or missing or named) or (_stops(after) == 1 and not named):
            break
        line, used = after, used + 1
        years += _ONE_YEAR.findall(after) if missing or broken else []
        holder = f"{holder} {named[1] if named else _holder(after)}".strip()
    holder = holder[:120].strip()
    if not _is_statement(worded, signed, years, holder, line):
        return None
    length = min(len(text), (opening.end() if "\n" not in opening["gap"] else opening.end("marks")) + len(lines[0]))
    return tuple(dict.fromkeys(years)), holder, length, marks


def _stops(line: str) -> int:
    """1 when a line begins with words that end a statement, 2 when they stand later, 0 when there are none."""
    stop = _STOP.search(line)
    return 0 if stop is None else 1 if stop.start() < 4 else 2


def _holder(line: str) -> str:
    """The holder in the rest of a line."""
    line = _TAG.sub("", line)
    stop = _STOP.search(line)
    line = line[: stop.start()] if stop else line
    line = re.sub(r"[(\[<]\s*((?:19|20)\d\d[^)\]>]{0,20})[)\]>]", r" \1 ", line)
    line = _YEARS.sub(" \x00 ", line)
    line = re.sub(r"^(\W*)\[([^\]\n]{2,60})\]\([^)\n]*\)?", r"\1\2", line)  # a link of Markdown
    line = re.sub(r'^(\W*)"([^"\n]{1,30})" (?=[A-Z])', r"\1\2 ", line)
    mail = _MAIL.search(line)
    pieces = [line[: mail.start()], line[mail.end() :]] if mail else [line]
    head = _LEAD.sub("", pieces[0].replace("\x00", " "))
    if mail and not head.strip(" ,;.()") and len(pieces) > 1:
        head = _LEAD.sub("", pieces[1].replace("\x00", " "))
    end = _SENTENCE.search(head)
    head = (
        head[: end.end() if end and head[end.start() - 3 : end.start()] in ("Inc", "Ltd") else end.start()]
        if end
        else head
    )
    return " ".join(_EDGE.sub("", head).split()).strip(" ,;:-(*#<>=")


def _is_statement(worded: bool, signed: bool, years: list[str], holder: str, line: str) -> bool:
    """Whether marks and what follows make a statement: a year, or a sign or the word with a name."""
    if _NO_HOLDER.match(holder) and not (years and signed):
        return False
    if worded and signed:
        return bool(years or re.search(r"[^\W\d_]{2}", holder))
    if signed:
        return bool(years)
    if _YEARS.match(line.lstrip(" \t,:")):
        return True
    return bool(years and re.match(r"[^a-z]|the\b|by\b", holder or "X")) or bool(
        re.match(r"[A-Z][\w.&'-]+|[\w.-]+ (?:contributors|authors|developers)", holder)
    )


def summary(statements: list[Statement], rows: int, most: int = 20) -> Iterator[tuple[str | None, str | None]]:
    """(holders joined by `; `, years joined by `, `) of each row, each once; None where there are none."""
    by_row: dict[int, list[Statement]] = {}
    for one in statements:
        by_row.setdefault(one.row, []).append(one)
    for row in range(rows):
        here = by_row.get(row, [])
        holders = list(dict.fromkeys(one.holder for one in here if one.holder))[:most]
        years = sorted({year for one in here for year in one.years})
        yield "; ".join(holders) or None, ", ".join(years) or None
