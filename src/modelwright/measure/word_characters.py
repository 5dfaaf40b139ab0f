"""Which code points are word characters, and their lower-case forms: a table frozen in the package.

Python's own tables change with the Unicode version of the interpreter, and a digest must not.
`word_characters.npz` was made by `python -m modelwright.measure.word_characters` on Unicode 14 (Python 3.11).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PAGE = 256
CODE_POINTS = 0x110000
NO_WORD = -(2**31)
"""Stands in the place of a distance for code points that are no word characters."""
_PATH = Path(__file__).with_name("word_characters.npz")


def build() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32]]:
    """The table made from this interpreter's Unicode data.

    Returns `pages` (4352,), the number of the page of each 256 code points, and `distances` (pages * 256,): what to add
    to a code point to get its lower-case form, or `NO_WORD`. A code point counts as a word character when its
    lower-case form matches `\\w`. Final sigma (U+03C2) is folded into sigma, since `str.lower` chooses between them by
    context.
    """
    import numpy as np

    word = re.compile(r"\w")
    distances = np.full(CODE_POINTS, NO_WORD, np.int32)
    for code in range(CODE_POINTS):
        lower = chr(code).lower()
        if len(lower) == 1 and word.match(lower):
            distances[code] = ord(lower) - code
    distances[0x03C2] = 0x03C3 - 0x03C2
    rows, pages = np.unique(distances.reshape(-1, PAGE), axis=0, return_inverse=True)
    return pages.astype(np.uint16).reshape(-1), np.ascontiguousarray(rows.reshape(-1))


@cache
def table() -> tuple[Any, Any]:
    """The frozen `(pages, distances)`, see `build`; read-only."""
    import numpy as np

    with np.load(_PATH) as stored:
        pages, distances = stored["pages"], stored["distances"]
    pages.flags.writeable = distances.flags.writeable = False
    return pages, distances


def main() -> None:
    """Write the table anew; raise the version of every signature that uses it when it changes."""
    import numpy as np

    pages, distances = build()
    np.savez_compressed(_PATH, pages=pages, distances=distances)


if __name__ == "__main__":
    main()
