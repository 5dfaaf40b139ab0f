"""Hate against groups of people: a linear model over what a sentence says about a group, in English.

`data/hate.safetensors` holds hashes of words with a short vector each (from the embeddings of all-MiniLM-L6-v2), terms
for groups, slurs, and weights; no text. A sentence that names no group and holds no slur has the score 0.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelwright.measure.hate_words import COUNTS, hate_features, prefixes, room_for_words
from modelwright.measure.model_files import HATE_MODEL
from modelwright.measure.spans import Texts, read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

Judge = Callable[[Texts, "NDArray[np.int64]", "NDArray[np.int64]"], "tuple[NDArray[np.float64], NDArray[np.int64]]"]
"""(texts, first bytes, ends) -> scores and groups of the sentences."""


class Model(NamedTuple):
    """Sorted hashes of words with the rows of their vectors and their marks, and a weight for each feature."""

    vocabulary: NDArray[np.uint64]
    prefixes: NDArray[np.uint32]
    places: NDArray[np.uint16]
    marks: NDArray[np.uint8]
    vectors: NDArray[np.int8]
    dimensions: int
    weights: NDArray[np.float32]
    bias: float
    threshold: float
    groups: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def model() -> Model:
    """The model, read once a process."""
    from safetensors import safe_open

    with safe_open(HATE_MODEL, framework="numpy") as file:
        facts = file.metadata()
        vectors = file.get_tensor("vectors")
        vocabulary = read_only(file.get_tensor("vocabulary").view(np.uint64))
        return Model(
            vocabulary,
            read_only(prefixes(vocabulary)),
            read_only(file.get_tensor("places").view(np.uint16)),
            read_only(file.get_tensor("marks")),
            read_only(vectors.reshape(-1)),
            vectors.shape[1],
            file.get_tensor("weights"),
            float(facts["bias"]),
            float(facts["threshold"]),
            tuple(json.loads(facts["groups"])),
        )


def features(
    texts: Texts, start: NDArray[np.int64], end: NDArray[np.int64], known: Model
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (n, 2 * dimensions + COUNTS) of sentences [start, end) of the buffer of `texts`; their groups (n,)."""
    out = np.zeros(len(start) * (2 * known.dimensions + COUNTS), np.float32)
    groups = np.zeros(len(start), np.int64)
    spans = read_only(np.stack([start, end], axis=1).reshape(-1))
    hate_features(
        texts.data, spans, known.vocabulary, known.prefixes, known.places, known.marks,
        known.vectors, known.dimensions, out, groups, *room_for_words(known.dimensions),
    )  # fmt: skip
    return out.reshape(len(start), 2 * known.dimensions + COUNTS), groups


def judge(
    texts: Texts, start: NDArray[np.int64], end: NDArray[np.int64], known: Model | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores (0 to 1) of sentences [start, end) of the buffer of `texts`, 0 where no group is named; their groups, an
    index into `Model.groups` plus 1, 0 for none.
    """
    known = known or model()
    found, groups = features(texts, start, end, known)
    # in float64 and row by row, so that a sentence's score does not depend on how many there are
    total = (found.astype(np.float64) * known.weights.astype(np.float64)).sum(axis=1) + known.bias
    return np.where(groups > 0, 1 / (1 + np.exp(-total)), 0.0), groups
