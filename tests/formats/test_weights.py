"""The digest of a model folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from modelwright.core.errors import InputError
from modelwright.formats.weights import model_digest, tensors

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, dtype=np.float16)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    save_file(WEIGHTS, model / "model.safetensors", metadata={"format": "pt"})
    config = {"model_type": "qwen3", "hidden_size": 3, "transformers_version": "5.23.0", "_name_or_path": "/home/me"}
    (model / "config.json").write_text(json.dumps(config))
    (model / "tokenizer.json").write_text('{"model": {}}')
    return model


def edit(folder: Path, name: str, **values: object) -> None:
    (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), **values}))


def test_place_library_version_spacing_metadata_and_shards_do_not_count(folder: Path, tmp_path: Path) -> None:
    digest = model_digest(folder)
    assert len(digest) == 64
    other = tmp_path / "elsewhere"
    shutil.copytree(folder, other)
    (other / "model.safetensors").unlink()
    save_file({"b": WEIGHTS["b"]}, other / "model-00001-of-00002.safetensors")
    save_file({"a.weight": WEIGHTS["a.weight"]}, other / "model-00002-of-00002.safetensors", metadata={"x": "y"})
    edit(other, "config.json", transformers_version="9", _name_or_path="/other")
    (other / "config.json").write_text(json.dumps(json.loads((other / "config.json").read_text()), indent=4))
    (other / "loss.png").write_bytes(b"a picture")
    assert model_digest(other) == digest


@pytest.mark.parametrize("change", ["value", "name", "shape", "dtype", "config", "tokenizer", "generation"])
def test_everything_that_decides_an_answer_counts(folder: Path, change: str) -> None:
    digest = model_digest(folder)
    weights = dict(WEIGHTS)
    if change == "value":
        weights["b"] = np.array([1, 1, 1, 1.001], dtype=np.float16)
    elif change == "name":
        weights["c"] = weights.pop("b")
    elif change == "shape":
        weights["a.weight"] = weights["a.weight"].reshape(3, 2)
    elif change == "dtype":
        weights["b"] = weights["b"].view(np.int16)
    elif change == "config":
        edit(folder, "config.json", rope_theta=1e6)
    elif change == "tokenizer":
        (folder / "tokenizer.json").write_text('{"model": {"a": 1}}')
    else:
        (folder / "generation_config.json").write_text('{"temperature": 0.7}')
    save_file(weights, folder / "model.safetensors")
    assert model_digest(folder) != digest


def test_every_tensor_is_listed_with_its_own_digest(folder: Path) -> None:
    listed = dict(tensors(folder / "model.safetensors"))
    assert sorted(listed) == ["a.weight", "b"]
    assert listed["a.weight"].startswith("F32 [2, 3] ")


def test_a_pickle_is_refused(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="run code"):
        model_digest(folder)


def test_missing_doubled_and_broken_tensors_are_named(folder: Path, tmp_path: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "more.safetensors").write_bytes(data)
    with pytest.raises(InputError, match="twice"):
        model_digest(folder)
    (folder / "more.safetensors").unlink()
    for broken in (data[:-1], data[:4], b"\xff" * 64, data + b"x"):
        (folder / "model.safetensors").write_bytes(broken)
        with pytest.raises(InputError, match=r"model\.safetensors"):
            model_digest(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no tensors"):
        model_digest(folder)
