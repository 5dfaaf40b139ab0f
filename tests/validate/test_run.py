"""A model and a pile with held-out documents give scores, metrics and the same digest again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pytest

from modelwright.core.context import Artifact, Machine
from modelwright.core.errors import EmptyResult, InputError, Stopped
from modelwright.formats import pairs as pairs_format
from modelwright.formats.scores import read_scores
from modelwright.validate.benchmarks.bits_per_byte import BitsPerByte
from modelwright.validate.run import estimate, run
from modelwright.validate.settings import ValidateSettings

from .conftest import context, publish_pile, rows

TEXTS = {
    "open": [f"document {i} says little: " + "word " * i for i in range(1, 25)],
    "code": [f"def f{i}():\n    return {i}\n" * 4 for i in range(24)],
}


def artifact(kind: str, path: Path, **facts: object) -> Artifact:
    return Artifact(kind, 1, "0" * 64, "0" * 64, path, facts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    train = rows({"open": ["seen in training"]}, held_out=False)
    train[0]["origin"], train[0]["document"] = "train", "f" * 64
    publish_pile(folder, rows(TEXTS) + train)
    return folder


@pytest.fixture
def inputs(folder: Path, model: Path) -> dict[str, Artifact]:
    return {"subject": artifact("model", model, parameters=30_000), "pile": artifact("pile", folder / "pile" / "out")}


def test_held_out_documents_are_scored_by_source_and_language_with_intervals(
    folder: Path, inputs: dict[str, Artifact]
) -> None:
    made = context(folder, "scores")
    output = run(ValidateSettings(), inputs, made)
    metric = output.facts["metrics"]["bits_per_byte"]
    assert 5 < metric["low"] < metric["value"] < metric["high"] < 15
    assert metric["items"] == 48
    assert metric["weight"] == sum(len(text) for many in TEXTS.values() for text in many)
    assert {name: part["items"] for name, part in metric["by_source"].items()} == {"open": 24, "code": 24}
    assert set(metric["by_language"]) == {"en", "python"}
    stored = read_scores(made.out)
    assert stored.summary["metrics"] == output.facts["metrics"]
    total = pc.sum(stored.table["numerator"]).as_py() / pc.sum(stored.table["denominator"]).as_py()
    assert metric["value"] == pytest.approx(total)
    assert run(ValidateSettings(), inputs, context(folder, "again")).digest == output.digest


def test_bits_are_those_of_the_model_asked_directly(folder: Path, inputs: dict[str, Artifact], model: Path) -> None:
    from modelwright.models.inference import load, rolling_bits

    made = context(folder, "direct")
    run(ValidateSettings(), inputs, made)
    table = read_scores(made.out).table
    wanted = {row["document"]: row["text"] for row in rows(TEXTS)}
    expected = rolling_bits(load(model), [wanted[name] for name in table["document"].to_pylist()])
    assert table["numerator"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_a_cap_takes_the_lowest_digests_of_each_source_and_whole_characters(
    folder: Path, inputs: dict[str, Artifact]
) -> None:
    made = context(folder, "capped")
    settings = ValidateSettings(benchmarks=[{"bits_per_byte": {"max_documents": 3, "max_bytes": 20}}])
    run(settings, inputs, made)
    table = read_scores(made.out).table
    for source in TEXTS:
        lowest = sorted((row["digest"], row["document"]) for row in rows({source: TEXTS[source]}))[:3]
        found = table.filter(pc.equal(table["source"], source))["document"].to_pylist()
        assert sorted(found) == sorted(document for _, document in lowest)
    assert set(table["denominator"].to_pylist()) == {20.0}


def test_gain_is_measured_on_the_new_source_and_forgetting_on_the_others(
    folder: Path, inputs: dict[str, Artifact], model: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    made = context(folder, "base")
    run(ValidateSettings(), inputs, made)
    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(model), LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    )
    tuned.save_pretrained(tmp_path)
    against = {
        **inputs,
        "model": inputs["subject"],
        "subject": artifact("adapter", tmp_path, examples={"kind": "source", "source": "code"}),
        "baseline": artifact("scores", made.out),
    }
    output = run(ValidateSettings(), against, context(folder, "tuned"))
    metrics = output.facts["metrics"]
    assert metrics["gain"]["items"] == metrics["forgetting"]["items"] == 24
    before = read_scores(made.out).summary["metrics"]["bits_per_byte"]["by_source"]
    after = metrics["bits_per_byte"]["by_source"]
    expected = 1 - after["code"]["value"] / before["code"]["value"]
    assert metrics["gain"]["value"] == pytest.approx(expected)
    assert metrics["gain"]["value"] != 0
    assert metrics["forgetting"]["value"] == pytest.approx(after["open"]["value"] / before["open"]["value"] - 1)


def test_held_out_pairs_are_a_source_of_their_own(model: Path, tmp_path: Path) -> None:
    pairs = [pairs_format.Pair(f"question {i}?", f"answer {i}") for i in range(200)]
    table = pairs_format.to_table(pairs, held_out=0.2)
    pairs_format.write(tmp_path, table)
    held_out = table["split"].to_pylist().count("held_out")
    given = {"subject": artifact("model", model), "pairs": artifact("pairs", tmp_path)}
    metric = run(ValidateSettings(), given, context(tmp_path, "scores")).facts["metrics"]["bits_per_byte"]
    assert metric["items"] == metric["by_source"]["pairs"]["items"] == held_out
    assert metric["by_language"] == {}


def test_with_nothing_held_out_the_error_says_what_to_do(model: Path, tmp_path: Path) -> None:
    publish_pile(tmp_path, rows({"open": ["only for training"]}, held_out=False))
    given = {"subject": artifact("model", model), "pile": artifact("pile", tmp_path / "pile" / "out")}
    with pytest.raises(EmptyResult) as caught:
        run(ValidateSettings(), given, context(tmp_path, "scores"))
    assert "holdout" in caught.value.hint


def test_an_adapter_without_its_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs the model"):
        run(ValidateSettings(), {"subject": artifact("adapter", tmp_path)}, context(tmp_path, "scores"))


def test_a_diverged_model_is_an_error_and_not_a_score(folder: Path, inputs: dict[str, Artifact], model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    broken = folder / "broken"
    network = AutoModelForCausalLM.from_pretrained(model)
    with torch.no_grad():
        network.model.norm.weight.fill_(float("nan"))
    network.save_pretrained(broken)
    AutoTokenizer.from_pretrained(model).save_pretrained(broken)
    with pytest.raises(InputError, match="no finite probabilities"):
        run(ValidateSettings(), {**inputs, "subject": artifact("model", broken)}, context(folder, "nan"))


def test_the_user_can_stop_it(folder: Path, inputs: dict[str, Artifact]) -> None:
    made = context(folder, "stopped")
    made.stop_requested = lambda: True
    with pytest.raises(Stopped):
        run(ValidateSettings(), inputs, made)


def test_the_estimate_knows_what_it_knows(inputs: dict[str, Artifact]) -> None:
    machine = Machine(2, 2**33, 2**33)
    known = estimate(ValidateSettings(), inputs, machine)
    assert known.seconds is not None
    assert known.seconds > 1
    assert "parameters" in known.basis
    assert estimate(ValidateSettings(), {}, machine).seconds is None


def test_the_default_is_bits_per_byte() -> None:
    assert ValidateSettings().benchmarks == (BitsPerByte(),)
    assert ValidateSettings(benchmarks="bits_per_byte") == ValidateSettings()
