"""Duplicates in meaning: texts whose embeddings point the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from modelwright.prepare.dedup.base import Corpus, Dedup

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 2048


class Semantic(Dedup):
    """Texts that say the same in other words, by the cosine of their embeddings; one stays.

    The encoder is all-MiniLM-L6-v2 of the extra `embeddings`: English, the first 256 tokens of a text, some 100 short
    texts per CPU-second. All pairs are compared, so it is for piles of some 100,000 texts at most.
    """

    threshold: float = Field(0.95, ge=0.5, le=1.0, description="cosine of two embeddings that makes a duplicate")

    def components(self, corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
        import numpy as np

        from modelwright.measure.hashing import unite
        from modelwright.prepare.dedup.keys import embeddings

        vectors = embeddings(corpus)
        left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for first in range(0, len(vectors), _BLOCK):
            block = vectors[first : first + _BLOCK]
            for second in range(0, first + 1, _BLOCK):
                a, b = np.nonzero(block @ vectors[second : second + _BLOCK].T >= self.threshold)
                left.append(a + first)
                right.append(b + second)
        return unite(len(vectors), np.concatenate(left), np.concatenate(right))

    def similarities(self, corpus: Corpus, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        import numpy as np

        from modelwright.prepare.dedup.keys import embeddings

        vectors = embeddings(corpus)
        cosines = np.einsum("ij,ij->i", vectors[left], vectors[right])
        return np.array(np.clip(cosines, 0.0, 1.0), np.float64)
