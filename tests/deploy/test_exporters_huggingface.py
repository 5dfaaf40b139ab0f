"""An export answers like its source, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tune.tiny import make_model

from modelwright.core.context import Artifact, Context
from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.machine import machine
from modelwright.deploy import run as deploy
from modelwright.deploy.exporters.huggingface import Huggingface
from modelwright.formats.weights import model_digest


def make_context(folder: Path) -> Context:
    for name in ("out", "work"):
        (folder / name).mkdir(parents=True)
    return Context(folder / "out", folder / "work", folder, folder, 1, machine())


def artifact(kind: str, path: Path) -> Artifact:
    return Artifact(kind, 1, "d" * 64, "f" * 64, path)


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes every answer."""
    import torch
    from transformers import AutoModelForCausalLM

    from modelwright.engines.peft import attach_lora, save_adapter

    tuned = attach_lora(AutoModelForCausalLM.from_pretrained(tiny_model), rank=4, alpha=8, seed=1)
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(2))
    folder = tmp_path_factory.mktemp("adapter")
    save_adapter(tuned, folder)
    return folder


def test_a_model_is_exported_whole_and_loads_without_any_code_of_ours(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    context = make_context(tmp_path)
    output = deploy.run(Huggingface(), {"model": artifact("model", tiny_model)}, context, card="# Card\n")
    names = {path.name for path in context.out.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "README.md"} <= names
    assert (context.out / "README.md").read_text() == "# Card\n"
    assert output.digest == model_digest(context.out) == model_digest(tiny_model)
    assert output.facts["greatest_logit_difference"] == 0.0
    tokenizer = AutoTokenizer.from_pretrained(context.out)
    ids = AutoModelForCausalLM.from_pretrained(context.out).generate(
        **tokenizer("Hello", return_tensors="pt"), max_new_tokens=3, do_sample=False
    )
    assert ids.shape[1] <= 8


def test_an_adapter_is_merged_into_the_weights(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    inputs = {"model": artifact("model", tiny_model), "adapter": artifact("adapter", adapter)}
    inputs["release"] = artifact("release", tmp_path)
    output = deploy.run(Huggingface(), inputs, context)
    assert output.facts["adapter_merged"]
    assert 0 < output.facts["greatest_logit_difference"] <= 1e-4
    assert output.digest != model_digest(tiny_model)
    assert not list(context.out.glob("adapter_*"))
    card = (context.out / "README.md").read_text()
    assert "release@1" in card
    assert str(tiny_model) not in card + (context.out / "config.json").read_text()


def test_the_same_release_exported_twice_has_the_same_digest(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    inputs = {"model": artifact("model", tiny_model), "adapter": artifact("adapter", adapter)}
    digests = {deploy.run(Huggingface(), inputs, make_context(tmp_path / name)).digest for name in ("a", "b")}
    assert len(digests) == 1


def test_an_export_that_answers_differently_is_refused(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    inputs = {"model": artifact("model", tiny_model), "adapter": artifact("adapter", adapter)}
    with pytest.raises(IntegrityError, match="logits differ"):
        deploy.run(Huggingface(tolerance=1e-12), inputs, make_context(tmp_path))


def test_without_a_model_the_cure_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        deploy.run(Huggingface(), {}, make_context(tmp_path))


def test_an_adapter_of_another_model_is_refused(adapter: Path, tmp_path: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    folder = make_model(tmp_path / "other")
    config = Qwen3Config.from_pretrained(folder)
    config.hidden_size = 64
    Qwen3ForCausalLM(config).save_pretrained(folder)
    inputs = {"model": artifact("model", folder), "adapter": artifact("adapter", adapter)}
    with pytest.raises(InputError, match="does not fit"):
        deploy.run(Huggingface(), inputs, make_context(tmp_path / "run"))
