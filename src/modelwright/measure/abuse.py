"""Abuse of a text: listed words of its language, abusive English sentences, and hate against groups of people.

Two models (`data/abuse.safetensors`, `data/hate.safetensors`, with their cards) hold hashes and weights, no text. One
pass over the bytes finds the sentences that hold a listed word or a term for a group; only those are scored. They
screen; they do not understand: see the cards for what that costs.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.measure import hate
from modelwright.measure.abuse_words import FIELDS, room_to_scan, scan_texts
from modelwright.measure.byte_masks import tail_of
from modelwright.measure.model_files import ABUSE_MODEL
from modelwright.measure.sentence_words import FIRST_BIT, SCREEN_BITS, screen_bits
from modelwright.measure.spans import Texts, read_only, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_CONFIDENCE = 0.5
"""Below this confidence in the language a text is treated as English."""
MODELLED = "en"
ONE_IN = 20
"""The score of a text is what at least one sentence in so many reaches."""


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


class Sentences(NamedTuple):
    """The sentences that were read: row of their text, bytes [start, end) in it, scores, and the group (0: none)."""

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    abuse: NDArray[np.float64]
    hate: NDArray[np.float64]
    group: NDArray[np.int64]


class Abuse(NamedTuple):
    """Per text. `modelled` is False where the language has no model, `listed` where it has no word list.

    hits   row, start and end, in bytes of the text, of each listed word or phrase
    """

    sentences: NDArray[np.int64]
    words: NDArray[np.int64]
    profanities: NDArray[np.int64]
    score: NDArray[np.float64]
    hate: NDArray[np.float64]
    read: Sentences
    hits: NDArray[np.int64]
    modelled: NDArray[np.bool_]
    listed: NDArray[np.bool_]


def screen_of(listed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """For the upper SCREEN_BITS bits of a hash: two of the lower FIRST_BIT bits set for each listed hash that has them,
    and above those the place where these hashes begin. One access says of most words that they are not listed."""
    slots = listed >> np.uint64(64 - SCREEN_BITS)
    first = np.searchsorted(slots, np.arange(1 << SCREEN_BITS, dtype=np.uint64)).astype(np.uint64)
    screen = first << np.uint64(FIRST_BIT)
    np.bitwise_or.at(screen, slots, screen_bits.py_func(listed))
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
    column: pa.Array, languages: Sequence[str | None], confidences: Sequence[float | None], known: Model | None = None,
    judge: hate.Judge | None = None,
) -> Abuse:  # fmt: skip
    """Score the texts of a string column. A language that is null or unsure (under LEAST_CONFIDENCE) counts as
    English. `judge` scores sentences for hate in place of the shipped model.
    """
    known = known or model()
    rows = zip(languages, confidences, strict=True)
    spoken = [name if name and (sure or 0.0) >= LEAST_CONFIDENCE else MODELLED for name, sure in rows]
    bits = {name: np.uint32(1 << place) for place, name in enumerate(known.languages)}
    list_bits = np.array([bits.get(name, 0) for name in spoken], np.uint32)
    modelled = np.array([name == MODELLED for name in spoken], np.uint32)
    texts = lowered(column, modelled == 0)
    sentences, words, counts = (np.zeros(len(texts), np.int64) for _ in range(3))
    kept, scores, hits = _scan(texts, list_bits, modelled, known, sentences, words, counts)
    row, start, end = (np.ascontiguousarray(column) for column in kept.T)
    hateful, group = (judge or hate.judge)(texts, start, end)
    origin = texts.offsets[row]
    read = Sentences(row, start - origin, end - origin, scores, hateful, group)
    hits[:, 1:] -= texts.offsets[hits[:, 0]][:, None]
    score, hate_score = reached(row, scores, sentences), reached(row, hateful, sentences)
    return Abuse(sentences, words, counts, score, hate_score, read, hits, modelled.astype(bool), list_bits > 0)


def lowered(column: pa.Array, rows: NDArray[np.bool_]) -> Texts:
    """The texts, in lower case in those of `rows` where that moves no byte; the kernel itself lowers ASCII alone."""
    texts = texts_of(column)
    if not rows.any() or not len(texts.data) or texts.data[texts.offsets[0] : texts.offsets[-1]].max(initial=0) < 0x80:
        return texts
    lower = pc.utf8_lower(column.cast(pa.large_string()))
    same = pc.equal(pc.binary_length(lower), pc.binary_length(column)).fill_null(False)
    return texts_of(pc.if_else(pc.and_(same, pa.array(rows)), lower, column.cast(pa.large_string())))


def _scan(
    texts: Texts, list_bits: NDArray[np.uint32], modelled: NDArray[np.uint32], known: Model,
    sentences: NDArray[np.int64], words: NDArray[np.int64], counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Run the kernel, once more with more room where the first guess was too small."""
    size = int(texts.offsets[-1] - texts.offsets[0]) if len(texts) else 0
    room = [64 + size // 1024, 64 + size // 1024]
    totals, tail = np.zeros(2, np.int64), tail_of(texts.data)
    while True:
        kept, scores = np.zeros(room[0] * FIELDS, np.int64), np.zeros(room[0])
        hits = np.zeros(room[1] * FIELDS, np.int64)
        for counter in (sentences, words, counts):
            counter[:] = 0
        scan_texts(
            texts.data, tail, texts.offsets, read_only(list_bits), read_only(modelled), known.screen, known.listed,
            known.masks, known.weights, known.scale, known.bias, sentences, words, counts, kept, scores, hits, totals,
            *room_to_scan(),
        )  # fmt: skip
        if totals[0] <= room[0] and totals[1] <= room[1]:
            used, found = int(totals[0]), int(totals[1])
            return kept.reshape(-1, FIELDS)[:used], scores[:used], hits.reshape(-1, FIELDS)[:found]
        room = totals.tolist()


def reached(row: NDArray[np.int64], values: NDArray[np.float64], sentences: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each text the value that one in ONE_IN of its sentences reaches; sentences that were not read have 0.

    row, values  (n,) of the sentences read, rows ascending;  sentences  (texts,) how many each text has
    """
    order = np.lexsort((-values, row))
    first = np.searchsorted(row, np.arange(len(sentences)))
    last = np.searchsorted(row, np.arange(len(sentences)), side="right")
    rank = np.maximum((sentences + ONE_IN - 1) // ONE_IN, 1)
    there = first + rank <= last
    found = np.zeros(len(sentences))
    found[there] = values[order][(first + rank - 1)[there]]
    return found
