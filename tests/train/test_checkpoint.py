"""Checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modelwright.core.errors import IntegrityError
from modelwright.train import checkpoint


def save(work: Path, step: int) -> Path:
    weights, state = {"w": torch.full((3, 2), float(step))}, {"steps": torch.tensor(step)}
    return checkpoint.save(work, step, weights, state, {"seconds": 1.5})


def test_the_newest_checkpoint_comes_back_and_only_two_stay(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    for step in (3, 9, 12):
        save(tmp_path, step)
    found = checkpoint.newest(tmp_path)
    assert found is not None
    weights, state, meta = found
    assert torch.equal(weights["w"], torch.full((3, 2), 12.0))
    assert int(state["steps"]) == 12
    assert meta == {"seconds": 1.5, "step": 12}
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-00000009", "step-00000012"]


def test_a_checkpoint_that_was_cut_off_while_written_is_not_seen(tmp_path: Path) -> None:
    save(tmp_path, 4)
    unfinished = tmp_path / "checkpoints" / ".step-00000005.99"
    unfinished.mkdir()
    (unfinished / "model.safetensors").write_bytes(b"half")
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found[2]["step"] == 4
    save(tmp_path, 6)
    assert not unfinished.exists()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path, 4)
    (folder / "optimizer.safetensors").write_bytes(b"1234567")
    with pytest.raises(IntegrityError, match="step-00000004"):
        checkpoint.newest(tmp_path)
