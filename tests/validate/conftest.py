"""A tiny random Qwen3 and a real pile, made here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelwright.core.context import Context, Machine


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """258 byte-level tokens, two layers, a context of 64."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import Qwen3Config, Qwen3ForCausalLM, logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("model")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={"<|end|>": 0} | {c: i + 1 for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"})
    )
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=64, tie_word_embeddings=True, eos_token_id=0,
        bos_token_id=None, pad_token_id=None, initializer_range=0.1,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def context(folder: Path, name: str) -> Context:
    for part in ("out", "work"):
        (folder / name / part).mkdir(parents=True, exist_ok=True)
    home = folder / ".modelwright"
    home.mkdir(exist_ok=True)
    return Context(folder / name / "out", folder / name / "work", home, folder, 1, Machine(1, 2**33, 2**33))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows(texts: dict[str, list[str]], held_out: bool = True) -> list[dict[str, Any]]:
    """source -> texts, as rows of `documents` with `text`."""
    return [
        {"document": sha(f"{source}\0{i}"), "source": source, "origin": f"{i:04}", "digest": sha(text),
         "split": "held_out" if held_out else "train", "modality": "text", "access": "open", "licence": None,
         "owner": None, "language": "en", "code_language": "python", "kind": "code" if source == "code" else "prose",
         "domain": None, "bytes": len(text.encode()), "text": text}
        for source, many in texts.items()
        for i, text in enumerate(many)
    ]  # fmt: skip


def publish_pile(folder: Path, documents: list[dict[str, Any]]) -> Path:
    """A pile of these documents, published as `prepare` does; returns the artifact's folder."""
    from modelwright.formats.pile import schema
    from modelwright.prepare.publish import publish

    made = context(folder, "pile")
    narrow = pa.Table.from_pylist([{k: v for k, v in row.items() if k != "text"} for row in documents])
    decisions = narrow.select(["document", "source", "origin", "digest"]).append_column(
        "decision", pa.array(["kept"] * len(narrow))
    )
    signals = narrow.select(["document", "source", "origin", "language", "code_language", "kind"])
    texts = {row["digest"]: row["text"] for row in documents}
    batch = pa.record_batch({"digest": list(texts), "text": pa.array(texts.values(), pa.large_string())})
    publish(made, narrow, decisions, signals, schema("findings").empty_table(), lambda missing: [batch])
    return made.out
