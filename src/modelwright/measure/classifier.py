"""Hashed linear classifiers: their files, and the probabilities that they give to texts.

A file is safetensors: `weights` (buckets, classes) int8, `scale` and `bias` (classes) float32, `trained_on` uint64
(sorted first 8 bytes of the SHA-256 of each training text); facts in its metadata. No text is kept.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

FORMAT = "hashed linear 1"


class Model(NamedTuple):
    """`labels` names the columns of `weights`; `facts` is what the file says of itself."""

    labels: tuple[str, ...]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    read_bytes: int
    flags: int
    trained_on: NDArray[np.uint64]
    facts: Mapping[str, Any]


def load(path: Path) -> Model:
    """The classifier in a file; kept while the file stays as it is."""
    state = path.stat()
    return _load(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _load(path: Path, changed: int, size: int) -> Model:
    from safetensors import safe_open

    from modelwright.measure.spans import read_only

    with safe_open(path, framework="numpy") as file:
        facts = {key: json.loads(value) for key, value in file.metadata().items()}
        return Model(
            tuple(facts["labels"]), read_only(file.get_tensor("weights")), file.get_tensor("scale").copy(),
            file.get_tensor("bias").copy(), int(facts["read_bytes"]), int(facts["flags"]),
            file.get_tensor("trained_on"), facts,
        )  # fmt: skip


def content(model: Model) -> bytes:
    """The file of a model; the same model gives the same bytes (the library alone orders metadata at random)."""
    tensors = {name: getattr(model, name) for name in ("weights", "scale", "bias", "trained_on")}
    facts = {**model.facts, "format": FORMAT, "labels": model.labels}
    return packed(tensors, {**facts, "read_bytes": model.read_bytes, "flags": model.flags})


def packed(tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> bytes:
    """A safetensors file with `facts` as JSON in its metadata, keys in order."""
    from safetensors.numpy import save

    said = {key: json.dumps(value, sort_keys=True) for key, value in facts.items()}
    saved = save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, said)
    size = int.from_bytes(saved[:8], "little")
    header = json.dumps(json.loads(saved[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + saved[8 + size :]


def probabilities(texts: Texts, model: Model) -> NDArray[np.float64]:
    """Probability (texts, classes) of each label; without any known word that of an average text. Null: not a number.

    The scores were brought to scale when the model was trained, so that they mean what they say on texts like those.
    """
    from modelwright.measure import classifier_kernel

    found = classifier_kernel.scores(texts, model.weights, model.scale, model.bias, model.read_bytes, model.flags)
    shares = softmax(found.astype(np.float64))
    shares[~texts.valid] = np.nan
    return shares


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of scores -> rows that sum to 1."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def text_mark(text: str) -> int:
    """The first 8 bytes, big-endian, of the SHA-256 of a text: what `trained_on` holds."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def learnt_from(model: Model, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the texts the model was trained on, to the letter."""
    marks = np.array([text_mark(text) for text in texts], np.uint64)
    return np.isin(marks, model.trained_on)
