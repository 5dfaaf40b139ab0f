"""Duplicates that differ in case, white space and punctuation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.prepare.dedup.base import Corpus, Dedup

if TYPE_CHECKING:
    import numpy as np


class Normalised(Dedup):
    """Texts whose words are equal in order: case, white space, punctuation and forms of a character (Unicode NFKC) do
    not count; one stays. Texts without words are equal to nothing.
    """

    def components(self, corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
        import numpy as np

        from modelwright.prepare.dedup.keys import word_keys

        keys = word_keys(corpus)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        nodes = np.arange(len(keys), dtype=np.int64)
        return np.where(keys == "", nodes, first[inverse].astype(np.int64)) if len(keys) else nodes

    def similarities(self, corpus: Corpus, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """1 for equal words, else 0."""
        import numpy as np

        from modelwright.prepare.dedup.keys import word_keys

        keys = word_keys(corpus)
        same = (keys[left] == keys[right]) & (keys[left] != "")
        return np.array(same | np.equal(left, right), np.float64)
