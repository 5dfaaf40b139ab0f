"""E-mail addresses that name who wrote a file: in the header of code, on a line of authors or of copyright."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.measure.spans import Found, Texts

HEADER_BYTES = 4000
_AUTHOR = re.compile(
    r"\bauthors?\b|\bmaintainers?\b|\bmaintained by\b|\bcontributors?\b|\bwritten by\b|\bcreated by\b"
    r"|copyright|\(c\)|©|@author",
    re.IGNORECASE,
)


def without_authors(texts: Texts, found: Sequence[Found], kinds: Sequence[str | None]) -> list[Found]:
    """`found` without e-mail addresses on such a line, or the line below it, in the first HEADER_BYTES of texts whose
    kind is `code`."""
    return [item for item in found if not (item.kind == "email" and kinds[item.row] == "code" and _named(texts, item))]


def _named(texts: Texts, item: Found) -> bool:
    if item.start >= HEADER_BYTES:
        return False
    begin = int(texts.offsets[item.row])
    before = texts.data[begin : begin + item.start].tobytes().decode("utf-8", "replace")
    return bool(_AUTHOR.search("\n".join(before.split("\n")[-2:])))
