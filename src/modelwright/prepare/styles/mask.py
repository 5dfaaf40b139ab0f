from __future__ import annotations

import re

from modelwright.prepare.style import Part, Style

_MASKED = re.compile(rb"[A-Za-z0-9\x80-\xff]")


class Mask(Style):
    """A `*` for each letter, digit and non-ASCII byte: every byte keeps its place."""

    def replace(self, part: Part) -> bytes:
        return _MASKED.sub(b"*", part.text)
