"""Duplicates that are equal byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.prepare.dedup.base import Corpus, Dedup

if TYPE_CHECKING:
    import numpy as np


class Exact(Dedup):
    """Texts that are equal byte for byte: one of them stays."""

    def components(self, corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
        import numpy as np

        return np.arange(len(corpus), dtype=np.int64)

    def similarities(self, corpus: Corpus, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        import numpy as np

        return np.array(np.equal(left, right), np.float64)
