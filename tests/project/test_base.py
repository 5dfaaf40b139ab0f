"""An existing model as the beginning: adopted, tuned on a file of pairs, released."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import InputError

PROJECT = """
name: adapted
base: base
validate: {}
tune: {method: {lora: {rank: 2}}, examples: pairs.jsonl, budget: 2 steps}
deploy: {export: [huggingface]}
"""


@pytest.fixture
def adapted(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / ".modelwright" / "model" / "1", tmp_path / "base")
    pairs = [{"prompt": f"{number} plus one is", "completion": f" {number + 1}"} for number in range(60)]
    lines = [json.dumps(pair) for pair in pairs] + ["{broken", json.dumps({"prompt": "no completion"})]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    (tmp_path / "modelwright.yaml").write_text(PROJECT)
    return tmp_path


def test_a_base_model_is_adopted_tuned_on_pairs_and_released_without_a_pile(adapted: Path) -> None:
    project = modelwright.load(adapted)
    refs = [step["artifact"] for step in project.run()]
    assert refs == ["model@1", "pairs@1", "scores@1", "adapter@1", "scores@2", "release@1", "export@1"] or refs == [
        "model@1", "pairs@1", "adapter@1", "scores@1", "scores@2", "release@1", "export@1"
    ]  # fmt: skip
    assert project["pairs"].facts["quarantined"] == 2
    assert project["scores@2"].facts["metrics"]["gain"]["items"] > 0
    assert {step["action"] for step in project.run()} == {"unchanged"}


def test_a_changed_base_retrains_and_a_moved_one_does_not(adapted: Path) -> None:
    modelwright.load(adapted).run(to="tune")
    (adapted / "base").rename(adapted / "elsewhere")
    steps = modelwright.load(adapted, ["base=elsewhere"]).plan(to="tune")
    assert {step["action"] for step in steps} == {"unchanged"}
    config = json.loads((adapted / "elsewhere" / "config.json").read_text())
    (adapted / "elsewhere" / "config.json").write_text(json.dumps({**config, "rope_scaling": None, "note": 1}))
    assert modelwright.load(adapted, ["base=elsewhere"]).plan(to="tune")[0]["action"] == "run"


def test_a_base_without_weights_is_named_with_its_cure(adapted: Path) -> None:
    (adapted / "base" / "model.safetensors").unlink()
    with pytest.raises(InputError, match="safetensors") as missing:
        modelwright.load(adapted).run()
    assert "pickle" in missing.value.hint
