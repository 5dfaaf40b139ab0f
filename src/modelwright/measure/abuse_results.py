"""Columns and findings of the signal `abuse`, from what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from modelwright.measure import abuse, hate
from modelwright.measure.spans import FINDING, FINDINGS, float_column, integer_column

if TYPE_CHECKING:
    from numpy.typing import NDArray


def results(found: abuse.Abuse, valid: NDArray[np.bool_], hate_threshold: float | None = None) -> dict[str, pa.Array]:
    """A column for each output, and `findings`; null where `valid` is False or nothing could be measured.

    hate_threshold  of the scorer that judged the sentences; None: of the shipped model
    """
    limits = abuse.model().threshold, hate.model().threshold if hate_threshold is None else hate_threshold
    rows, read = len(found.sentences), found.read
    abusive, hateful = read.abuse >= limits[0], read.hate >= limits[1]
    counts = [np.bincount(read.row[these], minlength=rows).astype(np.int64) for these in (abusive, hateful)]
    severity = (found.profanities > 0).astype(np.int64)
    severity[found.score >= limits[0]] = 2
    severity[found.hate >= limits[1]] = 3
    judged, listed = valid & found.modelled, valid & found.listed
    return {
        "abuse_score": float_column(found.score, judged),
        "abuse_sentences": integer_column(counts[0], judged),
        "abuse_sentence_share": float_column(counts[0] / np.maximum(found.sentences, 1), judged),
        "abuse_severity": integer_column(severity, valid & (found.modelled | found.listed)),
        "profanity_words": integer_column(found.profanities, listed),
        "profanity_share": float_column(found.profanities / np.maximum(found.words, 1), listed),
        "hate_score": float_column(found.hate, judged),
        "hate_sentences": integer_column(counts[1], judged),
        "hate_target": _targets(read, hateful, rows),
        "findings": _findings(found, abusive, hateful, valid),
    }


def _targets(read: abuse.Sentences, hateful: NDArray[np.bool_], rows: int) -> pa.Array:
    """The group of each text's most hateful sentence, null where none reaches the threshold."""
    names = np.array([None, *hate.model().groups], object)
    chosen = np.zeros(rows, np.int64)
    places = np.flatnonzero(hateful)
    worst_last = places[np.argsort(read.hate[places], kind="stable")]
    chosen[read.row[worst_last]] = read.group[worst_last]
    return pa.array(names[chosen].tolist(), pa.string())


def _findings(
    found: abuse.Abuse, abusive: NDArray[np.bool_], hateful: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> pa.Array:
    """Listed words, and sentences at their thresholds, in order of place; a list for each text."""
    read = found.read
    sentences = np.stack([read.row, read.start, read.end], axis=1)
    spans = np.concatenate([found.hits, sentences[abusive], sentences[hateful]])
    kinds = np.repeat(np.arange(3), [len(found.hits), abusive.sum(), hateful.sum()])
    confidences = np.concatenate([np.ones(len(found.hits)), read.abuse[abusive], read.hate[hateful]])
    order = np.lexsort((kinds, spans[:, 2], spans[:, 1], spans[:, 0]))
    counts = np.bincount(spans[:, 0], minlength=len(valid))
    fields: dict[str, Any] = {
        "kind": pa.array(["profanity", "abuse", "hate"]).take(pa.array(kinds[order])),
        "start": pa.array(spans[order, 1], pa.int64()),
        "end": pa.array(spans[order, 2], pa.int64()),
        "confidence": pa.array(confidences[order], pa.float64()),
    }
    values = pa.StructArray.from_arrays(list(fields.values()), fields=list(FINDING))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=FINDINGS, mask=pa.array(~valid))
