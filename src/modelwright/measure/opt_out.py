"""Reservations against use for training that a text carries: robots and TDM metadata of pages, headers, robots files.

Sources: the W3C community group's TDM Reservation Protocol (`tdm-reservation`), the directives `noai` and `noimageai`
of DeviantArt's robots tag, robots.txt (RFC 9309) for agents that collect training data, and ai.txt of Spawning.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.measure.spans import Texts

REASONS = ("noai", "noimageai", "tdm-reservation", "robots.txt", "ai.txt")
_MARKS = rb"noai|noimageai|tdm[-.]?reservation|user-agent\s*:"
_META = re.compile(
    rb"<meta\b(?=[^>]{0,400}\bname\s*=\s*[\"']?(?:robots|googlebot|[\w-]{0,30}bot)[\"'\s>])[^>]{0,400}?\bcontent\s*=\s*"
    rb"[\"']?([^\"'>]{0,200})[^>]{0,200}>",
    re.I,
)
_TDM_META = re.compile(
    rb"<meta\b(?=[^>]{0,400}\bname\s*=\s*[\"']?tdm-reservation[\"'\s>])[^>]{0,400}?\bcontent\s*=\s*"
    rb"[\"']?\s*1\b[^>]{0,200}>",
    re.I,
)
_HEADER = re.compile(rb"(?m)^[ \t]*x-robots-tag[ \t]*:[ \t]*([^\r\n]{0,300})", re.I)
_TDM_HEADER = re.compile(rb"(?m)^[ \t]*tdm-reservation[ \t]*:[ \t]*1[ \t]*\r?$", re.I)
_TDM_FILE = re.compile(rb"[\"']tdm-reservation[\"']\s*:\s*[\"']?1\b", re.I)
_DIRECTIVE = re.compile(rb"(?<![\w-])(noai|noimageai)(?![\w-])", re.I)
_AGENTS = (
    "gptbot|ccbot|google-extended|anthropic-ai|claudebot|bytespider|applebot-extended|meta-externalagent|facebookbot|"
    "omgili|omgilibot|cohere-ai|diffbot|amazonbot|perplexitybot|ai2bot|timpibot|imagesiftbot"
)
_GROUP = re.compile(
    rb"(?mi)^[ \t]*user-agent[ \t]*:[ \t]*(?:" + _AGENTS.encode() + rb")[ \t]*(?:#[^\r\n]*)?\r?\n"
    rb"(?:[ \t]*(?:user-agent[ \t]*:|#)[^\r\n]{0,200}\r?\n){0,60}[ \t]*disallow[ \t]*:[ \t]*/[ \t]*\r?$"
)
_ALL = re.compile(
    rb"(?mi)^[ \t]*user-agent[ \t]*:[ \t]*\*[ \t]*\r?\n(?:[ \t]*#[^\r\n]{0,200}\r?\n){0,9}"
    rb"[ \t]*disallow[ \t]*:[ \t]*(?:/|\*)"
)
_NAMES = ("ai.txt", "robots.txt")


@functools.cache
def _marks() -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive, options.encoding = False, re2.Options.Encoding.LATIN1
    return re2.compile(_MARKS, options)


def find(texts: Texts, paths: Sequence[str | None]) -> list[Found]:
    """Reservations in the texts, in order of (row, start): the kind is one of REASONS."""
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    hits = [match.start() + first for match in _marks().finditer(texts.data[first:last].tobytes())]
    if not hits:
        return []
    rows = np.unique(np.searchsorted(texts.offsets, np.array(hits), side="right") - 1).tolist()
    return sorted(found for row in rows for found in _in_text(row, texts.bytes(row), paths[row] or ""))


def _in_text(row: int, text: bytes, path: str) -> list[Found]:
    found = []
    for pattern in (_META, _HEADER):
        for match in pattern.finditer(text):
            for directive in _DIRECTIVE.findall(match.group(1)):
                found.append(Found(row, directive.decode().lower(), *match.span(), 1.0))
    for pattern in (_TDM_META, _TDM_HEADER, _TDM_FILE):
        found += [Found(row, "tdm-reservation", *match.span(), 1.0) for match in pattern.finditer(text)]
    name = path.rpartition("/")[2].lower()
    if name in _NAMES:
        for pattern in (_GROUP, _ALL) if name == "ai.txt" else (_GROUP,):
            found += [Found(row, name, *match.span(), 1.0) for match in pattern.finditer(text)]
    return found
