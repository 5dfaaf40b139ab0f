"""Tokens of a made-up corpus with a tokenizer of its own, and a context to train in."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Context, Machine, Output
from modelwright.train.settings import TrainSettings

WORDS = [
    "the",
    "a",
    "red",
    "green",
    "blue",
    "cat",
    "dog",
    "bird",
    "house",
    "tree",
    "sees",
    "takes",
    "finds",
    "loves",
    "under",
    "over",
    "near",
    "with",
    "and",
    "then",
]
VOCABULARY = 320
TINY = {"family": {"qwen3": {"width": 32, "layers": 2, "context": 32}}, "batch": 8, "budget": "12 steps"}


def texts(source: str, count: int) -> list[str]:
    draw = random.Random(source)
    return [" ".join(draw.choices(WORDS, k=draw.randint(3, 60))) for _ in range(count)]


def make_tokens(folder: Path, sources: Mapping[str, int] | None = None) -> Path:
    """A folder of tokens: `sources` gives the number of documents of each source."""
    import numpy as np
    import pyarrow as pa
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from modelwright.formats.tokens import TokensWriter

    folder.mkdir(parents=True, exist_ok=True)
    corpus = {name: texts(name, count) for name, count in (sources or {"alpha": 60, "beta": 40}).items()}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text for some in corpus.values() for text in some], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with TokensWriter(folder, tokenizer.get_vocab_size(), 0) as writer:
        for name, some in corpus.items():
            ids = [tokenizer.encode(text).ids for text in some]
            rows = pa.RecordBatch.from_pydict(
                {
                    "document": [hashlib.sha256(f"{name}\0{i}".encode()).hexdigest() for i in range(len(some))],
                    "source": [name] * len(some),
                    "origin": [f"{i:05d}" for i in range(len(some))],
                    "split": ["train"] * len(some),
                    "digest": [f"{number:064x}" for number in range(len(some))],
                }
            )
            lengths = np.array([len(one) for one in ids])
            writer.append(rows, np.array([token for one in ids for token in one]), lengths)
    return folder


def artifact(tokens: Path) -> Artifact:
    return Artifact("tokens", 1, "", "", tokens)


def make_context(home: Path, cores: int = 1, stop: Callable[[], bool] = lambda: False) -> Context:
    """A context whose `out` is new and whose `work` is what was left there."""
    out = home / "out"
    if out.exists():
        for path in out.iterdir():
            path.unlink()
    out.mkdir(parents=True, exist_ok=True)
    (home / "work").mkdir(exist_ok=True)
    return Context(out, home / "work", home, home, 1, Machine(cores, 1 << 33, 1 << 33), stop_requested=stop)


def train(tokens: Path, home: Path, stop: Callable[[], bool] = lambda: False, **settings: Any) -> Output:
    from modelwright.train.run import run

    context = make_context(home, stop=stop)
    try:
        return run(TrainSettings(**{**TINY, **settings}), {"tokens": artifact(tokens)}, context)
    finally:
        context.close()
