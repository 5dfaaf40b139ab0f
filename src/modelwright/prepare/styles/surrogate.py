from __future__ import annotations

import re

from modelwright.prepare.style import KeyedStyle, Part


class Surrogate(KeyedStyle):
    """A made value of the same shape that follows from the value and a secret key, in ranges that belong to nobody."""

    def keyed(self, part: Part, key: bytes) -> bytes:
        from modelwright.measure.surrogates import SURROGATES, anything

        text = part.text.decode("utf-8", "replace")
        # Digits to draw from: as many as a value may need, all of them from the keyed digest.
        drawn = int(self.digest(part, key), 16)
        made = SURROGATES.get(part.kind, anything)(text, drawn, part.kind)
        return re.sub(r"[\r\n]+", " ", made).encode("utf-8")
