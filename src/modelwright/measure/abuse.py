"""Abuse of a text: listed words of its language, and a linear screening model for English sentences that hold one.

The model (`data/abuse.safetensors`, with its card `abuse.md`) holds hashes and weights, no text. It screens; it does
not understand: it
cannot tell quoted or reclaimed words from attacks.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.measure.abuse_words import SCREEN_BITS, score_texts
from modelwright.measure.model_files import ABUSE_MODEL
from modelwright.measure.spans import read_only, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_CONFIDENCE = 0.5
"""Below this confidence in the language a text is treated as English."""
MODELLED = "en"


class Model(NamedTuple):
    """Listed hashes (sorted) with their masks, a bit screen before them, weights of the buckets, and the threshold."""

    screen: NDArray[np.uint64]
    listed: NDArray[np.uint64]
    masks: NDArray[np.uint32]
    weights: NDArray[np.int8]
    scale: float
    bias: float
    threshold: float
    languages: tuple[str, ...]


class Abuse(NamedTuple):
    """Per text. `modelled` is False where the language has no model, `listed` where it has no word list."""

    score: NDArray[np.float64]
    sentence_share: NDArray[np.float64]
    words: NDArray[np.int64]
    modelled: NDArray[np.bool_]
    listed: NDArray[np.bool_]


def screen_of(listed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One bit for the upper SCREEN_BITS bits of each listed hash."""
    screen = np.zeros(1 << (SCREEN_BITS - 6), np.uint64)
    slots = listed >> np.uint64(64 - SCREEN_BITS)
    np.bitwise_or.at(screen, slots >> np.uint64(6), np.uint64(1) << (slots & np.uint64(63)))
    return screen


@functools.lru_cache(maxsize=1)
def model() -> Model:
    """The model, read once a process."""
    from safetensors import safe_open

    with safe_open(ABUSE_MODEL, framework="numpy") as file:
        facts = file.metadata()
        listed = read_only(file.get_tensor("listed").view(np.uint64))
        return Model(
            read_only(screen_of(listed)),
            listed,
            read_only(file.get_tensor("masks").view(np.uint32)),
            read_only(file.get_tensor("weights")),
            float(facts["scale"]),
            float(facts["bias"]),
            float(facts["threshold"]),
            tuple(json.loads(facts["languages"])),
        )


def measure(
    column: pa.Array, languages: Sequence[str | None], confidences: Sequence[float | None], known: Model | None = None
) -> Abuse:
    """Score the texts of a string column. A language that is null or unsure (under LEAST_CONFIDENCE) counts as
    English.
    """
    known = known or model()
    rows = zip(languages, confidences, strict=True)
    spoken = [name if name and (sure or 0.0) >= LEAST_CONFIDENCE else MODELLED for name, sure in rows]
    bits = {name: np.uint32(1 << place) for place, name in enumerate(known.languages)}
    list_bits = np.array([bits.get(name, 0) for name in spoken], np.uint32)
    modelled = np.array([name == MODELLED for name in spoken], np.uint32)
    texts = texts_of(column)
    if len(texts.data) and texts.data[texts.offsets[0] : texts.offsets[-1]].max(initial=0) >= 0x80:
        texts = texts_of(pc.utf8_lower(column))  # the kernel lowers ASCII alone
    count = len(texts)
    found = Abuse(np.zeros(count), np.zeros(count), np.zeros(count, np.int64), modelled.astype(bool), list_bits > 0)
    score_texts(
        texts.data, texts.offsets, read_only(list_bits), read_only(modelled), known.screen, known.listed, known.masks,
        known.weights, known.scale, known.bias, known.threshold, found.score, found.sentence_share, found.words,
    )  # fmt: skip
    return found
