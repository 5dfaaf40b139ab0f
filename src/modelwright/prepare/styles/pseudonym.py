from __future__ import annotations

from modelwright.prepare.style import KeyedStyle, Part


class Pseudonym(KeyedStyle):
    """The kind and 8 digits that follow from the value and a secret key, `<EMAIL:1f3a90c2>`: the same for the same."""

    def keyed(self, part: Part, key: bytes) -> bytes:
        return f"<{part.kind.upper()}:{self.digest(part, key)[:8]}>".encode()
