from __future__ import annotations

from modelwright.prepare.style import Part, Style


class Remove(Style):
    """Nothing."""

    def replace(self, part: Part) -> bytes:
        return b""
