"""Checkpoints: weights and optimiser state as safetensors, each a folder that is whole or absent; the last two stay.

`<work>/checkpoints/step-00000120/{model.safetensors, optimizer.safetensors, meta.json}`: written beside under a
temporary name, flushed, renamed. A run that was killed at any moment resumes from the newest.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError
from modelwright.core.storage import read_json, storage_error, write_json

if TYPE_CHECKING:
    import torch

KEPT = 2


def save(
    work: Path,
    step: int,
    weights: Mapping[str, torch.Tensor],
    state: Mapping[str, torch.Tensor],
    meta: Mapping[str, Any],
) -> Path:
    """Write the checkpoint after `step` steps; remove all but the last two. Raises StorageError."""
    from safetensors.torch import save_file

    home = work / "checkpoints"
    final = home / f"step-{step:08d}"
    if final.exists():
        return final
    unfinished = home / f".{final.name}.{os.getpid()}"
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        for name, tensors in (("model", weights), ("optimizer", state)):
            path = unfinished / f"{name}.safetensors"
            with writing(path):
                save_file({key: tensor.detach().contiguous().cpu() for key, tensor in tensors.items()}, path)
            _flush(path)
        write_json(unfinished / "meta.json", {**meta, "step": step})
        unfinished.rename(final)
        _flush(home)
        for old in found(work)[:-KEPT]:
            shutil.rmtree(old)
        for stale in home.glob(".step-*"):
            shutil.rmtree(stale, ignore_errors=True)
    except OSError as error:
        raise storage_error(error, final) from error
    return final


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what safetensors says when the disk refuses into StorageError."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise storage_error(OSError(int(number[1]) if number else 0, str(error)), path) from error


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def found(work: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted((work / "checkpoints").glob("step-*"))


def newest(work: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, Any]] | None:
    """Weights, optimiser state and meta (with `step`) of the newest checkpoint, or None.

    Raises IntegrityError when it cannot be read, naming the folder to remove.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folders = found(work)
    if not folders:
        return None
    folder = folders[-1]
    try:
        weights, state = load_file(folder / "model.safetensors"), load_file(folder / "optimizer.safetensors")
        return weights, state, read_json(folder / "meta.json")
    except (OSError, SafetensorError, ValueError) as error:
        hint = "remove this folder: the checkpoint before it is used"
        raise IntegrityError(f"the checkpoint {folder} is damaged: {error}", hint=hint, value=str(folder)) from error
