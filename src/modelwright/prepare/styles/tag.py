from __future__ import annotations

from modelwright.prepare.style import Part, Style


class Tag(Style):
    """The kind in angle brackets: `<EMAIL>`."""

    def replace(self, part: Part) -> bytes:
        return b"<" + part.kind.upper().encode("utf-8") + b">"
