"""Own classifiers: labelled texts -> a hashed linear model, figures on texts that it did not see, and a card.

Every text is judged once by a model that saw neither it nor a near-identical one (five parts by digest, each class in
each part); the shipped model is then fitted on all of them, and its scores are brought to scale by one temperature, so
that of the texts given a probability of .8 some 80 % are right. The same texts give the same bytes.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError
from modelwright.core.fingerprint import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelwright.measure.classifier import Model

PARTS = 5
ALL_PARTS_BELOW = 20_000
"""With more texts than this one part alone is held out: the figures are narrow enough, and five fits take long."""
STRENGTH = 100.0  # C of the logistic regression
LEAST = 2  # texts of a class


@dataclass(frozen=True)
class Shape:
    """What a classifier reads: 2^bits buckets, the first or four windows of `read_bytes`, features by `flags`."""

    bits: int = 16
    read_bytes: int = 8192
    flags: int = 5


@dataclass(frozen=True)
class Trained:
    """A model, the figures that its card prints, and the judgement of each text by a model that did not see it.

    held_out  probability (texts, labels), not a number where a text was never held out
    """

    model: Model
    figures: dict[str, Any]
    held_out: NDArray[np.float64] = field(repr=False)


def train(
    name: str, texts: Sequence[str], labels: Sequence[str], order: Sequence[str], shape: Shape | None = None
) -> Trained:
    """Fit a classifier on `texts` with `labels`; `order` names the labels, the one that is scored first.

    Classes count alike, however many texts each has. Raises InputError for a class of fewer than two texts.
    """
    import numpy as np

    from modelwright.measure import classifier

    shape = shape or Shape()
    texts, labels, removed = _agreed(texts, labels)
    counts = Counter(labels)
    for label in order:
        if counts[label] < LEAST:
            raise InputError(
                f"{label!r} has {counts[label]} texts of its own", hint="give each class 10 or more", value=label
            )
    target = np.array([order.index(label) for label in labels])
    features = sparse(texts, shape)
    parts = parts_of(near_identical(features), texts, target)
    held_out = np.full((len(texts), len(order)), np.nan)
    for part in range(PARTS if len(texts) <= ALL_PARTS_BELOW else 1):
        out = parts == part
        if out.any():
            weights, bias = fit(features[~out], target[~out], len(order))
            held_out[out] = features[out] @ weights + bias
    judged = ~np.isnan(held_out[:, 0])
    heat = temperature(held_out[judged], target[judged])
    held_out[judged] = classifier.softmax(held_out[judged] / heat)
    weights, bias = fit(features, target, len(order))
    found = figures(held_out[judged], target[judged], list(order))
    facts = {
        "name": name,
        "texts": {label: counts[label] for label in order},
        "contradictory": removed,
        "training_texts": digest(sorted(f"{label} {_sha(text)}" for text, label in zip(texts, labels, strict=True))),
        "figures": found,
        "options": {"bits": shape.bits, "parts": PARTS, "strength": STRENGTH, "temperature": round(heat, 6)},
    }
    marks = np.unique(np.array([classifier.text_mark(text) for text in texts], np.uint64))
    model = quantised(weights / heat, bias / heat, tuple(order), shape, marks, facts)
    return Trained(model, found, held_out)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _agreed(texts: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Each text once, in order of digest; texts that stand under two labels teach nothing and are left out."""
    said: dict[str, set[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        said.setdefault(text, set()).add(label)
    agreed = sorted((text for text, names in said.items() if len(names) == 1 and text.strip()), key=_sha)
    return agreed, [next(iter(said[text])) for text in agreed], sum(len(names) > 1 for names in said.values())


def sparse(texts: Sequence[str], shape: Shape) -> Any:
    """Features of texts as a SciPy matrix by rows (texts, 2^bits), each row of length one."""
    import numpy as np
    import pyarrow as pa
    from scipy.sparse import csr_matrix

    from modelwright.measure.classifier_kernel import sparse_features
    from modelwright.measure.spans import texts_of

    column = texts_of(pa.array(texts, pa.large_string()))
    row_ends, buckets, values = sparse_features(column, shape.bits, shape.read_bytes, shape.flags)
    starts = np.concatenate(([0], row_ends))
    return csr_matrix((values, buckets, starts), shape=(len(texts), 1 << shape.bits))


def near_identical(features: Any) -> NDArray[np.int64]:
    """A number for each text, the same for texts that are alike: of two that share 90 % of their features 97 % meet.

    MinHash over the buckets, six bands of eight (Broder 1997), and connected components.
    """
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    bands, rows_of_band, count = 6, 8, features.shape[0]
    generator = np.random.default_rng(7)
    filled = np.flatnonzero(np.diff(features.indptr))
    edges: list[tuple[Any, Any]] = []
    for _ in range(bands):
        key = np.zeros(len(filled), np.uint64)
        for _ in range(rows_of_band):
            hashes = generator.integers(0, 1 << 32, features.shape[1], dtype=np.uint64)
            least = np.minimum.reduceat(hashes[features.indices], features.indptr[filled]) if len(filled) else key
            key = key * np.uint64(0x9E3779B97F4A7C15) + least
        _, first, member = np.unique(key, return_index=True, return_inverse=True)
        edges.append((filled, filled[first[member]]))
    left = np.concatenate([a for a, _ in edges])
    right = np.concatenate([b for _, b in edges])
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    found: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def parts_of(groups: NDArray[np.int64], texts: Sequence[str], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """A part, 0 to PARTS - 1, for each text: whole groups, dealt out by digest within the class of their first text."""
    import numpy as np

    first: dict[int, tuple[int, str]] = {}
    for row, group in enumerate(groups.tolist()):
        mark = (int(target[row]), _sha(texts[row]))
        first[group] = min(first.get(group, mark), mark)
    dealt: Counter[int] = Counter()
    part = {}
    for group, (label, _) in sorted(first.items(), key=lambda item: item[1]):
        part[group] = dealt[label] % PARTS
        dealt[label] += 1
    return np.array([part[group] for group in groups.tolist()])


def fit(
    features: Any, target: NDArray[np.int64], classes: int, strength: float = STRENGTH, weights: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (buckets, classes) and bias (classes) of a logistic regression; classes that are absent get none."""
    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = np.unique(target)
    found, bias = np.zeros((features.shape[1], classes)), np.full(classes, -20.0)
    seen = np.flatnonzero(np.bincount(features.indices, minlength=features.shape[1]) > 1)  # one text teaches nothing
    if len(present) == 1 or not len(seen):
        bias[present] = 0.0
        return found, bias
    balanced = "balanced" if weights is None else None
    learner = LogisticRegression(C=strength, max_iter=60, tol=1e-3, class_weight=balanced)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # more rounds change the third decimal of a weight
        learner.fit(features[:, seen], target, sample_weight=weights)
    if len(present) == 2:  # one column says how much the second class is preferred
        found[np.ix_(seen, present)] = np.concatenate([-learner.coef_, learner.coef_]).T / 2
        bias[present] = np.array([-1, 1]) * learner.intercept_[0] / 2
    else:
        found[np.ix_(seen, present)] = learner.coef_.T
        bias[present] = learner.intercept_
    return found, bias


def temperature(scores: NDArray[np.float64], target: NDArray[np.int64]) -> float:
    """The divisor of scores that makes the right labels likeliest (Guo et al. 2017); classes count alike."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    counts = np.bincount(target, minlength=scores.shape[1])
    share = 1.0 / np.maximum(counts, 1)[target]

    def loss(power: float) -> float:
        cold = scores / np.exp(power)
        top = cold.max(axis=1)
        right = cold[np.arange(len(target)), target]
        return float((share * (top + np.log(np.exp(cold - top[:, None]).sum(axis=1)) - right)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-3}).x))


def quantised(
    weights: NDArray[np.float64], bias: NDArray[np.float64], labels: tuple[str, ...], shape: Shape,
    marks: NDArray[np.uint64], facts: dict[str, Any],
) -> Model:  # fmt: skip
    """The model with its weights as whole numbers of a 127th of the largest in each class."""
    import numpy as np

    from modelwright.measure.classifier import Model

    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    whole = np.rint(weights / scale).astype(np.int8)
    return Model(
        labels, whole, scale.astype(np.float32), bias.astype(np.float32), shape.read_bytes, shape.flags, marks, facts
    )


def figures(shares: NDArray[np.float64], target: NDArray[np.int64], labels: list[str]) -> dict[str, Any]:
    """Accuracy, macro F1, for two classes the area under the curve, each with its 95 % interval; recall by class."""
    import numpy as np

    from modelwright.measure.statistics import wilson

    best = shares.argmax(axis=1)
    size = len(labels)
    table = np.bincount(target * size + best, minlength=size * size).reshape(size, size)
    found: dict[str, Any] = {
        "accuracy": wilson(int((best == target).sum()), len(target)).to_json(),
        "macro_f1": _macro_f1(table),
    }
    if size == 2:
        found["auc"] = _area(shares[target == 0, 0], shares[target == 1, 0])
    said = shares.max(axis=1)
    found["stated_confidence"] = {
        "mean": round(float(said.mean()), 4),
        "right": round(float((best == target).mean()), 4),
    }
    found["recall"] = {label: wilson(int(table[i, i]), int(table[i].sum())).to_json() for i, label in enumerate(labels)}
    found["confusion"] = table.tolist()
    return _rounded(found)  # type: ignore[no-any-return]


def _macro_f1(table: NDArray[np.int64]) -> dict[str, Any]:
    """Mean F1 of the classes, with the interval of 2,000 tables drawn from this one."""
    import numpy as np

    size, items = len(table), int(table.sum())
    drawn = np.random.default_rng(0).multinomial(items, table.ravel() / items, 2000).reshape(-1, size, size)
    tables = np.concatenate([table[None], drawn])
    diagonal = np.einsum("tii->ti", tables)
    scores = (2 * diagonal / np.maximum(tables.sum(1) + tables.sum(2), 1)).mean(axis=1)
    low, high = np.quantile(scores[1:], [0.025, 0.975])
    return {"value": float(scores[0]), "low": float(low), "high": float(high), "items": items}


def _area(first: NDArray[np.float64], second: NDArray[np.float64]) -> dict[str, Any]:
    """Chance that a text of the first class scores above one of the second; interval by DeLong et al. (1988)."""
    import numpy as np
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([first, second]))
    above = (ranks[: len(first)] - rankdata(first)) / len(second)
    below = 1 - (ranks[len(first) :] - rankdata(second)) / len(first)
    value = float(above.mean())
    half = 1.96 * float(np.sqrt(above.var(ddof=1) / len(first) + below.var(ddof=1) / len(second)))
    return {
        "value": value, "low": max(0.0, value - half), "high": min(1.0, value + half), "items": len(ranks)
    }  # fmt: skip


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
