"""The whole way: raw files to a released model, and that nothing is repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import modelwright

Copy = Callable[[Path], Path]


def test_one_run_makes_every_artifact_in_order_and_a_second_run_repeats_nothing(made: Path, copied: Copy) -> None:
    project = modelwright.load(copied(made))
    steps = project.run()
    refs = ["pile@1", "tokens@1", "model@1", "scores@1", "adapter@1", "scores@2", "release@1", "export@1"]
    assert [step["artifact"] for step in steps] == refs
    assert {step["action"] for step in steps} == {"unchanged"}
    assert [step["of"] for step in steps if step["stage"] == "validate"] == ["model@1", "adapter@1"]


def test_every_input_document_ends_in_exactly_one_decision(made: Path, copied: Copy) -> None:
    project = modelwright.load(copied(made))
    decisions = project["pile"].to_arrow("decisions").to_pylist()
    files = [path for path in (project.folder / "corpus").rglob("*") if path.is_file()]
    assert len(decisions) == len({row["document"] for row in decisions}) == len(files)
    by_name = {row["origin"]: row["decision"] for row in decisions}
    assert by_name["odd.txt"] == "quarantined"
    assert by_name["short.txt"] == "dropped"
    assert by_name["bisect.py"] == "changed"
    assert {by_name["copy_of_decoder.py"], by_name["json/decoder.py"]} in ({"kept", "duplicate"}, {"duplicate"})
    counted = project["pile"].facts["decisions"]
    assert sum(counted.values()) == len(files)


def test_the_redacted_address_is_in_no_text_of_the_pile(made: Path, copied: Copy) -> None:
    project = modelwright.load(copied(made))
    texts = project["pile"].to_arrow("documents").column("text").to_pylist()
    assert not any("jane.doe" in text for text in texts)
    assert any("<EMAIL>" in text for text in texts)


def test_nothing_changed_is_found_without_a_heavy_import(made: Path, copied: Copy) -> None:
    folder = copied(made)
    modelwright.load(folder).run()  # brings the copied tables home once
    code = (
        "import sys, json, modelwright\n"
        f"steps = modelwright.load({str(folder)!r}).run()\n"
        "heavy = [name for name in ('daft', 'pyiceberg', 'torch', 'pyarrow', 'numba') if name in sys.modules]\n"
        "print(json.dumps([sorted({step['action'] for step in steps}), heavy]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [["unchanged"], []]


def test_the_model_loads_in_transformers_alone_and_the_export_answers_like_model_and_adapter(made: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in ("model", "export"):
        model = AutoModelForCausalLM.from_pretrained(made / ".modelwright" / name / "1")
        tokenizer = AutoTokenizer.from_pretrained(made / ".modelwright" / name / "1")
        ids = tokenizer("import json", return_tensors="pt")
        assert model.generate(**ids, max_new_tokens=3, do_sample=False).shape[1] > ids["input_ids"].shape[1]


def test_the_release_is_experimental_only_when_a_gate_was_inconclusive(made: Path) -> None:
    release = modelwright.load(made)["release"].facts
    inconclusive = [gate for gate in release["gates"] if gate["verdict"] != "pass"]
    assert release["experimental"] == bool(inconclusive)
    assert release["adapter"]["ref"] == "adapter@1"


def test_cards_are_written_recorded_and_verified(made: Path, copied: Copy) -> None:
    folder = copied(made)
    names = {path.name for path in (folder / "cards").glob("*.html")}
    assert names == {f"{kind}-1-card.html" for kind in ("pile", "model", "adapter", "release")}
    assert modelwright.load(folder).verify("release")["ok"]


def test_lineage_leads_from_the_release_to_the_pile(made: Path, copied: Copy) -> None:
    trace = modelwright.load(copied(made)).trace("release@1")
    assert {"release@1", "adapter@1", "model@1", "tokens@1", "pile@1"} <= {node["ref"] for node in trace["nodes"]}
    assert ["tokens@1", "pile@1"] in trace["edges"]


def test_planned_and_actual_time_stand_side_by_side(made: Path) -> None:
    shown = modelwright.load(made).show("model@1")
    assert shown["seconds"] > 0
    assert shown["estimate"]["seconds"] > 0
    assert shown["estimate"]["basis"]
