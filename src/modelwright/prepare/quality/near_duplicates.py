"""How well versions of one file are joined, and different files kept apart, against their true Jaccard similarity."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

_DETECTOR = "near-duplicates"
_FLOORS = ((0.7, 0.97, 0.985), (0.8, 0.97, 0.96))
"""Jaccard threshold, least precision, least recall."""


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Pairs of versions that `minhash` judges near, at thresholds .7 and .8: precision and recall of the pairs.

    A pair is judged as the plugin does it: it shares a band and its verified similarity reaches the threshold. Pairs of
    different families count as wrong.
    """
    import numpy as np

    from modelwright.measure.hashing import similarities
    from modelwright.prepare.dedup.minhash import Minhash
    from modelwright.prepare.dedup.store import signatures

    if not labelled.has("neardup_versions", "neardup_pairs"):
        return
    rows, pairs = labelled.rows("neardup_versions"), labelled.rows("neardup_pairs")
    with tempfile.TemporaryDirectory() as folder:
        corpus, places = _corpus(rows, Path(folder))
        signed = signatures(corpus)
        labels = {threshold: Minhash(threshold=threshold).components(corpus) for threshold, *_ in _FLOORS}
    truth = {frozenset((places[row["id_a"]], places[row["id_b"]])): float(row["jaccard5"]) for row in pairs}
    truth = {pair: value for pair, value in truth.items() if len(pair) == 2}
    offered = _offered(signed)
    left, right = (np.array(column, np.int64) for column in zip(*offered, strict=True))
    measured = dict(zip(offered, similarities(signed, left, right).tolist(), strict=True))
    texts = {places[row["id"]]: str(row["text"]) for row in rows}
    for threshold, least_precision, least_recall in _FLOORS:
        near = {frozenset(pair) for pair, value in measured.items() if value >= threshold}
        joined = {pair for pair in near if len({int(labels[threshold][place]) for place in pair}) == 1}
        true = {pair for pair, value in truth.items() if value >= threshold}
        right_pairs = len(joined & true)
        for metric, items, floor in (("precision", len(joined), least_precision), ("recall", len(true), least_recall)):
            interval = wilson(right_pairs, items)
            yield Figure(
                _DETECTOR, f"versions of files, Jaccard {threshold:g}", metric, interval.value or 0.0, interval.low,
                interval.high, items, at_least=floor,
            )  # fmt: skip
        for pair in sorted(joined ^ true, key=sorted):
            value = truth.get(pair, 0.0)
            expected, found = ("near", "apart") if pair in true else ("apart", "near")
            excerpt = " | ".join(texts[place][:150] for place in sorted(pair))
            yield Mistake(
                _DETECTOR, excerpt, f"{expected} ({value:.2f} at {threshold:g})", found, abs(value - threshold)
            )


def _corpus(rows: Any, cache: Path) -> tuple[Any, dict[str, int]]:
    """The distinct texts as the pile gives them, and the place of each row's."""
    import pyarrow as pa

    from modelwright.prepare.dedup.base import Corpus

    by_digest = {hashlib.sha256(row["text"].encode()).hexdigest(): row["text"] for row in rows}
    digests = sorted(by_digest)

    def read(wanted: Any) -> Iterator[Any]:
        names = wanted.to_pylist()
        texts = pa.array([by_digest[name] for name in names], pa.large_string())
        yield pa.record_batch({"digest": pa.array(names, pa.string()), "text": texts})

    place = {digest: number for number, digest in enumerate(digests)}
    places = {row["id"]: place[hashlib.sha256(row["text"].encode()).hexdigest()] for row in rows}
    return Corpus(pa.array(digests, pa.string()), read, cache), places


def _offered(signed: Any) -> list[tuple[int, int]]:
    """The pairs that share a band."""
    found: set[tuple[int, int]] = set()
    for band in range(signed.keys.shape[1]):
        buckets: dict[int, list[int]] = {}
        for place, key in enumerate(signed.keys[:, band].tolist()):
            if signed.lengths[place]:
                buckets.setdefault(key, []).append(place)
        for members in buckets.values():
            found |= {(a, b) for a in members for b in members if a < b}
    return sorted(found)
