"""Which documents are held out: whole clusters, decided by the digests of their texts alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_BITS = 52  # 13 hex digits: a fraction that a float64 holds exactly


def held_out(clusters: pa.Table, shares: Mapping[str, float]) -> pa.Table:
    """The split of each document: `held_out` or `train`.

    clusters  columns document, source, digest (sha256 hex, null where there is no text), cluster
    shares    source -> share between 0 and 1; `default` for the sources that are not named (0 when absent)

    A cluster is held out when the digest of any member's text, read as a fraction of 1, falls below the share of that
    member's source. New documents can therefore move a cluster into `held_out` and never one out of it. Returns a
    table (document, split) in the order of the rows.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    default = float(shares.get("default", 0.0))
    encoded = pc.dictionary_encode(clusters["source"]).combine_chunks()
    by_source = np.array([float(shares.get(name, default)) for name in encoded.dictionary.to_pylist()], np.float64)
    limits = by_source[encoded.indices.to_numpy()] if len(encoded) else np.zeros(0)
    below = _fractions(clusters["digest"]) < limits
    chosen = pc.unique(clusters["cluster"].filter(pa.array(below)))
    split = pc.if_else(pc.is_in(clusters["cluster"], chosen), "held_out", "train")
    return pa.table({"document": clusters["document"], "split": split})


def _fractions(digests: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The first 13 hex digits of each digest as a fraction in [0, 1); 1 for null."""
    import numpy as np
    import pyarrow.compute as pc

    from modelwright.formats.borders import prefixes

    values = (prefixes(digests) >> np.uint64(64 - _BITS)).astype(np.float64)  # exact: float64 holds 52 bits
    return np.where(pc.is_null(digests).to_numpy(), 1.0, values / 2.0**_BITS)
