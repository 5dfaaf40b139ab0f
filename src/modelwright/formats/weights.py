"""A model folder's identity: the digest over its tensors, configuration and tokenizer. Standard library only.

A model folder is a Hugging Face folder with `*.safetensors`; pickles are refused, not skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError

# Written by the library about itself: says nothing about what the model computes.
IGNORED_KEYS = frozenset({"transformers_version", "_name_or_path", "_from_model_config"})
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
CHUNK = 1 << 22  # bytes


def model_digest(folder: Path) -> str:
    """Digest of a model (or PEFT adapter) folder: hex sha256 over one line per part, sorted.

    Parts: every tensor of the `*.safetensors` (name, dtype, shape, sha256 of its bytes), the JSON files
    `config.json`, `generation_config.json`, `adapter_config.json` without what the library says about itself,
    and the bytes of `tokenizer.json`. File names, sharding, clock and place do not count.
    Raises InputError for a folder without tensors, with a tensor twice, with a pickle, or a broken file.
    """
    for pattern in PICKLES:
        if pickle := next(folder.glob(pattern), None):
            raise InputError(
                f"{pickle.name} may run code when loaded", hint="convert it to safetensors", value=str(pickle)
            )
    parts: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, description in tensors(path):
            if name in parts:
                raise InputError(
                    f"tensor {name!r} stands twice in {folder.name}", hint="remove the stale shard", value=name
                )
            parts[name] = description
    if not parts:
        raise InputError(f"no tensors in {folder}", hint="a model folder holds *.safetensors", value=str(folder))
    lines = [f"tensor {name} {description}" for name, description in parts.items()]
    for name in ("config.json", "generation_config.json", "adapter_config.json"):
        if (folder / name).is_file():
            lines.append(f"{name} {_settings_digest(folder / name)}")
    if (folder / "tokenizer.json").is_file():
        lines.append(f"tokenizer.json {_file_digest(folder / 'tokenizer.json')}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def tensors(path: Path) -> Iterator[tuple[str, str]]:
    """Each tensor of a safetensors file as (name, "dtype shape sha256"); the file's metadata is not read.

    Layout (https://github.com/huggingface/safetensors#format): uint64 length of the header, JSON header, bytes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length)) if length <= size else {}
            header.pop("__metadata__", None)
            spans = {name: (info["dtype"], info["shape"], *info["data_offsets"]) for name, info in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path.name} is no safetensors file", hint="copy it again", value=str(path)) from error
        if not spans or max(end for *_, end in spans.values()) != size - 8 - length:
            raise InputError(f"{path.name} is cut short or damaged", hint="copy it again", value=str(path))
        for name, (dtype, shape, begin, end) in sorted(spans.items(), key=lambda item: item[1][2]):
            file.seek(8 + length + begin)
            yield name, f"{dtype} {shape} {_stream_digest(file, end - begin)}"


def _stream_digest(file: Any, remaining: int) -> str:
    digest = hashlib.sha256()
    while remaining > 0:
        block = file.read(min(CHUNK, remaining))
        if not block:
            raise InputError(f"{file.name} is cut short", hint="copy it again", value=file.name)
        digest.update(block)
        remaining -= len(block)
    return digest.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settings_digest(path: Path) -> str:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON: {error}", hint="copy it again", value=str(path)) from error
    kept = {key: value for key, value in settings.items() if key not in IGNORED_KEYS}
    # Not RFC 8785: a config may hold integers beyond 2^53 and must still have a digest.
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
