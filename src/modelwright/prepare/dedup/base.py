"""What a way of finding duplicates is: it joins distinct texts into components and says how alike two of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from modelwright.core.spec import Options
from modelwright.prepare.rule import When

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Corpus:
    """The distinct texts that duplicates are sought among.

    digests   sha256 hex of each text (n,), sorted and distinct; a text is known by its place here
    read      texts(wanted) -> batches with the columns `digest` and `text`, each wanted digest at least once
    cache     a folder that survives runs: what was measured on a text is kept here by its digest
    known     what a way of finding duplicates has read for this corpus and needs again
    """

    digests: pa.Array
    read: Callable[[pa.Array], Iterator[pa.RecordBatch]]
    cache: Path
    known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.digests)


class Dedup(Options):
    """Base of the plugins of kind `dedup`. Equal texts are duplicates for each of them."""

    def components(self, corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The lowest place of the component that each text belongs to (n,): a function of the set of texts alone,
        neither of their order nor of what the cache holds."""
        raise NotImplementedError(f"{type(self).__name__} must define components")

    def similarities(self, corpus: Corpus, left: Any, right: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How alike the texts at the places left[i] and right[i] are, 0 to 1 (m,)."""
        raise NotImplementedError(f"{type(self).__name__} must define similarities")


class Repeats(Options):
    """Base of the plugins of kind `dedup` that take pieces out of texts instead of whole documents: edits.

    `paragraphs` says which pieces, `least` how many characters one has at least, `documents` in how many documents it
    stands before it counts, `keeps` whether its first copy in the best document stays.
    """

    when: When = Field(
        default_factory=lambda: {"kind": ("prose", "mail", "legal")},
        validate_default=True,
        description="documents that take part: {column: [values]}, or any; code repeats its lines rightly",
    )

    def shape(self) -> tuple[bool, int]:
        """(paragraphs, least)."""
        raise NotImplementedError(f"{type(self).__name__} must define shape")

    def policy(self) -> tuple[int, bool]:
        """(documents, keeps)."""
        raise NotImplementedError(f"{type(self).__name__} must define policy")
