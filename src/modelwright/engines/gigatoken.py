"""gigatoken: train a byte-level BPE, encode Arrow texts without Python strings. The same ids as `tokenizers`.

Text that contains the name of a special token stays text: the encoder is loaded without special tokens, and the end
of a document is put as an id. Whoever encodes documents with transformers does the same with
`tokenizer(text, split_special_tokens=True)`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import EmptyResult, InputError
from modelwright.core.storage import write_atomic, write_json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

END_OF_TEXT = "<|endoftext|>"
BYTES = 256


def train(parquet: Path, vocabulary: int, folder: Path) -> int:
    """Train on the column `text` of a Parquet file; write `tokenizer.json` and `tokenizer_config.json` to `folder`.

    Byte-level BPE with GPT-2's split expression; `vocabulary` counts the 256 bytes and the end-of-text token, which
    comes last. The result is a function of the set of texts, not of their order. Small data yields fewer entries.
    Returns the size of the vocabulary. Raises EmptyResult when there is no text.
    """
    from gigatoken import ParquetFileSource, train_bpe

    with _quiet():
        source = ParquetFileSource([str(parquet)], column="text")
        entries, merges = train_bpe(source, vocabulary - 1, [], tie_breaking="huggingface")
    if not merges and vocabulary > BYTES + 1:
        raise EmptyResult(
            "the texts are too short to train a tokenizer", hint="add documents, or keep `{from: tokens@N}`"
        )
    write_atomic(folder / "tokenizer.json", _tokenizer_json(entries, merges))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END_OF_TEXT, "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    write_json(folder / "tokenizer_config.json", config)
    return len(entries) + 1


def _tokenizer_json(entries: dict[int, bytes], merges: list[tuple[bytes, bytes]]) -> bytes:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = _letters()

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    vocabulary = {written(token): number for number, token in entries.items()}
    model = models.BPE(vocab=vocabulary, merges=[(written(left), written(right)) for left, right in merges])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True, normalized=False)])
    return bytes(tokenizer.to_str(pretty=True).encode()) + b"\n"


@cache
def _letters() -> list[str]:
    """The printable letter that stands for each byte in a byte-level tokenizer.json (GPT-2's table)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(BYTES, 2 * BYTES))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(BYTES)]


class Encoder:
    """A tokenizer.json, ready to encode Arrow texts. `vocabulary` is the number of ids, `end_of_text` one of them."""

    def __init__(self, path: Path) -> None:
        """Raises InputError when the file is no byte-level tokenizer or has no end-of-text token."""
        from gigatoken import Tokenizer

        try:
            saved = json.loads(path.read_bytes())
            added = {token["content"]: int(token["id"]) for token in saved["added_tokens"]}
            self.end_of_text = added[_end_name(path, added)]
            self.vocabulary = 1 + max([*saved["model"]["vocab"].values(), *added.values()])
            self._tokenizer = Tokenizer.from_json(json.dumps({**saved, "added_tokens": []}))
        except (OSError, KeyError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(
                f"{path} is no tokenizer that can be used ({reason})",
                hint="a byte-level BPE tokenizer.json with an end-of-text token is needed",
                value=str(path),
            ) from error

    def encode(self, texts: pa.Array, *, parallel: bool = False) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Ids of all texts (uint32, concatenated, no end token) and the number of ids of each (int64)."""
        import awkward
        import numpy as np
        import pyarrow as pa

        if not len(texts):
            return np.empty(0, np.uint32), np.empty(0, np.int64)
        encoded = self._tokenizer.encode_batch(awkward.from_arrow(texts.cast(pa.large_string())), parallel=parallel)
        lengths = awkward.to_numpy(awkward.num(encoded)).astype(np.int64)
        return awkward.to_numpy(awkward.flatten(encoded)).astype(np.uint32, copy=False), lengths

    def decode(self, ids: np.ndarray[Any, Any]) -> str:
        """The text of ids without end-of-text tokens; bytes that are no UTF-8 become U+FFFD."""
        import numpy as np

        decoded: bytes = self._tokenizer.decode(np.ascontiguousarray(ids, dtype=np.uint32))
        return decoded.decode("utf-8", errors="replace")


def _end_name(path: Path, added: dict[str, int]) -> str:
    """The end-of-text token that the neighbouring tokenizer_config.json names, else the usual one."""
    config = path.with_name("tokenizer_config.json")
    if config.is_file():
        named = json.loads(config.read_bytes()).get("eos_token")
        name = named.get("content") if isinstance(named, dict) else named
        if name in added:
            return str(name)
    return END_OF_TEXT


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Training prints to the process's stdout and stderr, where `--json` and our own progress stand."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    try:
        with open(os.devnull, "wb") as nothing:
            for number, _ in kept:
                os.dup2(nothing.fileno(), number)
        yield
    finally:
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
