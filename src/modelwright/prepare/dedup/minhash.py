"""Near-duplicates: texts that share most of their 5-word shingles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from modelwright.prepare.dedup.base import Corpus, Dedup

if TYPE_CHECKING:
    import numpy as np


class Minhash(Dedup):
    """Texts whose 5-word shingles overlap by `threshold` (Jaccard), found by MinHash and verified exactly; one stays.

    25 bands of 5 rows offer a pair at Jaccard .7 with probability .99, at .5 with .55. Texts of fewer than five words
    are no near-duplicates of anything.
    """

    threshold: float = Field(0.8, ge=0.5, le=1.0, description="share of common 5-word shingles that makes a duplicate")

    def components(self, corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
        from modelwright.measure import hashing
        from modelwright.prepare.dedup.store import signatures

        return hashing.components(signatures(corpus), self.threshold)

    def similarities(self, corpus: Corpus, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        import numpy as np

        from modelwright.measure import hashing
        from modelwright.prepare.dedup.store import signatures

        measured = hashing.similarities(signatures(corpus), left, right)
        return np.where(np.asarray(left) == np.asarray(right), 1.0, measured)
