"""Themes of texts without labels: non-negative factors of their words (Lee and Seung 1999), named by their words."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import InputError

MOST = 200_000
READ = 20_000
"""Characters that are read of a text."""
NAMING_WORDS = 3
SHOWN_WORDS = 10


@dataclass(frozen=True)
class Themes:
    """names     one a theme, of its most telling words, the largest theme first
    words     the most telling words of each theme
    shares    share of the texts whose strongest theme it is
    of        place in `names` for each text; -1 where no word of a text is known
    """

    names: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    of: tuple[int, ...]


def find(texts: Sequence[str], count: int = 12) -> Themes:
    """`count` themes, or fewer where the texts have not so many. The same texts give the same themes.

    Words in more than half of the texts or in a single one, numbers and English function words name nothing.
    Raises InputError for fewer than ten texts or without words in common.
    """
    import numpy as np
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(texts) < 10:
        raise InputError(f"{len(texts)} texts have no themes", hint="ten or more", value=str(len(texts)))
    least = 2 if len(texts) < 1000 else 5
    reader: Any = TfidfVectorizer(
        max_df=0.5, min_df=least, max_features=20_000, stop_words="english", sublinear_tf=True,
        token_pattern=r"(?u)\b[^\W\d_]{3,}\b", dtype=np.float32,
    )  # fmt: skip
    try:
        matrix = reader.fit_transform([text[:READ] for text in texts])
    except ValueError as error:  # what scikit-learn says of an empty vocabulary
        raise InputError("these texts have no words in common", hint="use another sample") from error
    wanted = min(count, *matrix.shape)
    model = NMF(wanted, init="nndsvd", max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        strength = model.fit_transform(matrix)
    strength = strength * np.linalg.norm(model.components_, axis=1)
    vocabulary = reader.get_feature_names_out()
    words = [tuple(vocabulary[np.argsort(-row, kind="stable")[:SHOWN_WORDS]].tolist()) for row in model.components_]
    best = np.where(strength.max(axis=1) > 0, strength.argmax(axis=1), -1)
    counts = np.bincount(best[best >= 0], minlength=wanted)
    order = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]]
    place_of = {old: new for new, old in enumerate(order)}
    return Themes(
        _names([words[old] for old in order]),
        tuple(words[old] for old in order),
        tuple(float(counts[old]) / len(texts) for old in order),
        tuple(place_of.get(int(old), -1) for old in best),
    )


def _names(words: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The first words of each theme, one of a stem; a name that was taken gets one more."""
    names: list[str] = []
    for row in words:
        chosen: list[str] = []
        for word in row:
            stem = re.sub(r"(?:ies|es|s|ing|ed)$", "", word)
            if not any(stem.startswith(other[:5]) or other.startswith(stem[:5]) for other in chosen):
                chosen.append(word)
        size = NAMING_WORDS
        while " ".join(chosen[:size]) in names and size < len(chosen):
            size += 1
        name = " ".join(chosen[:size])
        names.append(name if name not in names else f"{name} {len(names) + 1}")
    return tuple(names)
