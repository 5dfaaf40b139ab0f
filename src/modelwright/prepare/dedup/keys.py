"""What is known of each distinct text, kept by digest: the digest of its words, its embedding."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelwright.prepare import cache
from modelwright.prepare.dedup.base import Corpus

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

KEYS = 1
"""Version of what is computed here; what was kept under another version is not used."""


def word_keys(corpus: Corpus) -> npt.NDArray[np.str_]:
    """The digest of each text's words in order (n,), empty for a text without words."""
    import numpy as np
    import pyarrow as pa

    kept = _kept(corpus, f"words-{KEYS}", pa.string(), _word_keys)
    return np.array(kept.to_pylist(), np.str_)


def _word_keys(texts: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.measure.word_hashes import hash_words

    plain = pc.string_is_ascii(texts)
    if not pc.all(plain).as_py():
        folded = [unicodedata.normalize("NFKC", text) for text in texts.filter(pc.invert(plain)).to_pylist()]
        texts = pc.replace_with_mask(texts, pc.invert(plain), pa.array(folded, texts.type))
    words = hash_words(texts)
    edges = words.firsts.tolist()
    spans = itertools.pairwise(edges)
    return pa.array(
        [hashlib.blake2b(words.values[a:b].tobytes(), digest_size=16).hexdigest() if b > a else "" for a, b in spans],
        pa.string(),
    )


def embeddings(corpus: Corpus) -> npt.NDArray[np.float32]:
    """Unit vectors of the texts (n, width). Raises MissingExtra without the extra `embeddings`."""
    import numpy as np
    import pyarrow as pa

    from modelwright.engines.embeddings import WIDTH, embed, required

    required()

    def measured(texts: pa.Array) -> pa.Array:
        flat = embed(texts.to_pylist()).astype(np.float32).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), WIDTH)

    kept = _kept(corpus, f"minilm-{KEYS}", pa.list_(pa.float32(), WIDTH), measured)
    return np.asarray(kept.flatten().to_numpy(zero_copy_only=False)).reshape(-1, WIDTH)


def _kept(corpus: Corpus, name: str, kind: pa.DataType, measured: Callable[[pa.Array], Any]) -> pa.Array:
    """One value for each text of the corpus, in its order; only texts that are new are read and measured."""
    import pyarrow as pa
    import pyarrow.compute as pc

    folder, schema = corpus.cache / name, pa.schema([("key", pa.string()), ("value", kind)])
    kept = cache.rows(folder, schema)
    missing = cache.missing(kept, "key", corpus.digests)
    parts = (
        pa.table([batch.column("digest").cast(pa.string()), measured(batch.column("text"))], schema=schema)
        for batch in (corpus.read(missing) if len(missing) else ())
    )
    rows = cache.extend(folder, kept, "key", parts).combine_chunks()
    places = pc.index_in(corpus.digests, value_set=rows["key"].combine_chunks())
    taken = rows["value"].take(places)
    return pa.concat_arrays(taken.chunks) if taken.num_chunks else pa.array([], kind)
