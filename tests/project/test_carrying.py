"""What learned from a text that was taken down says so on its cards, and is not released or served in silence."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_project

import modelwright
from modelwright import cli
from modelwright.core.errors import Refused, StorageError, UsageError
from modelwright.engines import http
from modelwright.formats.tokens import Tokens

Copy = Callable[[Path], Path]
CARRIERS = ("model@1", "adapter@1", "release@1", "export@1")
PINNED = """
train: {family: {qwen3: {size: 60k, context: 64}}, sources: [open], budget: 4 steps, batch: 8, tokens: tokens@1}
deploy: {export: [huggingface]}
"""


def the_certificate(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "cards").glob("takedown-*.json")
    certificate: dict[str, Any] = json.loads(path.read_text())["certificate"]
    return certificate


def section(card: str) -> dict[str, Any]:
    """The section of a card in JSON."""
    (found,) = [item for item in json.loads(card)["sections"] if item["title"] == "Taken down"]
    return dict(found)


@pytest.fixture
def folder(taken: Path, copied: Copy) -> Path:
    return copied(taken)


def test_a_card_that_is_printed_later_names_the_takedown_and_what_was_seen(taken: Path) -> None:
    project, certificate = modelwright.load(taken), the_certificate(taken)
    (learned,) = [item for item in certificate["carriers"]["learned"] if item["ref"] == "model@1"]
    assert learned["tokens_held"] > 1000
    for ref in ("model@1", "adapter@1", "release@1"):
        takedowns, learners = section(project.card(ref, "json"))["tables"]
        (row,) = takedowns["rows"]
        assert row["cells"][0] == certificate["takedown"]
        assert row["cells"][2:4] == ["document", "the author asked"]
        assert row["cells"][4] == len(certificate["documents"])
        row, *tuned = learners["rows"]
        assert row["cells"][1] == "model@1"
        assert row["cells"][3:] == [1, learned["tokens_held"], learned["windows"], learned["of"]]
        # base data was replayed while tuning
        assert [row["cells"][1:4] for row in tuned] == (
            [] if ref == "model@1" else [["adapter@1", "what it was tuned on held them", 1]]
        )
        for form in ("md", "html", *(() if ref == "release@1" else ("huggingface", "cyclonedx"))):
            assert certificate["takedown"] in project.card(ref, form)
        assert "modelwright run" in project.card(ref)


def test_cards_on_disk_are_printed_anew_and_what_was_made_stays_as_it_was(made: Path, taken: Path) -> None:
    project, name = modelwright.load(taken), the_certificate(taken)["takedown"]
    for kind in ("model", "adapter", "release"):
        assert name in (taken / "cards" / f"{kind}-1-card.md").read_text()
        before = [entry for entry in project.records.of_kind("card") if entry.get("artifact") == f"{kind}@1"]
        assert len(before) >= 2  # the digests of the card before stay on record
    for ref in CARRIERS:
        assert project[ref].digest == modelwright.load(made)[ref].digest
    result = project.verify()
    assert result["ok"], result["problems"]


def test_the_card_of_a_model_that_no_takedown_reached_says_that_too(made: Path) -> None:
    for ref in ("model@1", "release@1"):
        found = section(modelwright.load(made).card(ref, "json"))
        assert [(field["value"], field["kind"]) for field in found["fields"]] == [(None, "not_applicable")]
        assert found["tables"] == []
    assert modelwright.load(made).show("model@1")["taken_down"] == []


def test_show_names_it_with_its_remedies(taken: Path) -> None:
    project, certificate = modelwright.load(taken), the_certificate(taken)
    for ref in CARRIERS:
        (carried,) = project.show(ref)["taken_down"]
        assert carried["takedown"] == certificate["takedown"]
        assert carried["remedies"] == certificate["carriers"]["remedies"]
        assert (taken / carried["certificate"]).is_file()
    assert project.show("tokens@1")["taken_down"] == project.show("pile@2")["taken_down"] == []


def test_it_is_served_only_when_somebody_says_so_and_the_callers_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, name = modelwright.load(folder), the_certificate(folder)["takedown"]
    for yes in (None, 2):
        with pytest.raises(Refused, match=name) as refused, project.running("release@1", yes=yes):
            pass
        assert "--yes 1" in refused.value.hint
    assert cli.invoke(["serve", "release@1", "--port", "0", "--project", str(folder)]) == 3
    assert "windows of training" in capsys.readouterr().err
    assert project.records.of_kind("deployment") == []

    heard: list[str] = []
    with project.running("release@1", yes=1, warn=heard.append) as server:
        listed = json.load(urllib.request.urlopen(f"{server.url}/v1/models"))
        answer = http.post(f"{server.url}/v1/completions", {"model": "release@1", "prompt": "x", "max_tokens": 1})
    assert [name in text for text in heard] == [True]
    assert listed["data"][0]["modelwright"]["taken_down"] == answer["modelwright"]["taken_down"] == [name]
    assert [entry.get("taken_down") for entry in project.records.of_kind("deployment")] == [[name]]


def test_servers_that_run_meanwhile_are_told(made: Path, copied: Copy, caplog: pytest.LogCaptureFixture) -> None:
    folder = copied(made)
    strict, mild = modelwright.load(folder), modelwright.load(folder, ["deploy.taken_down=warn"])
    heard: list[str] = []

    def ready(url: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{url}/readyz") as response:
            return dict(json.load(response))

    with strict.running("release@1") as first, mild.running("release@1", warn=heard.append) as second:
        asked = {"model": "release@1", "prompt": "x", "max_tokens": 1}
        assert "taken_down" not in http.post(f"{first.url}/v1/completions", asked)["modelwright"]
        assert "taken_down" not in ready(first.url)
        another_process = modelwright.load(folder)
        another_process.takedown("document", "open:json/decoder.py", execute=True, reason="nobody's business")
        name = the_certificate(folder)["takedown"]
        with pytest.raises(urllib.error.HTTPError, match="451") as refused:
            urllib.request.urlopen(
                urllib.request.Request(
                    f"{first.url}/v1/completions", json.dumps(asked).encode(), {"Content-Type": "application/json"}
                )
            )
        error = json.load(refused.value)["error"]
        assert error["code"] == "taken_down"
        assert name in error["message"]
        assert "business" not in error["message"]
        assert "business" in caplog.text
        with pytest.raises(urllib.error.HTTPError, match="503") as unready:
            ready(first.url)
        assert json.load(unready.value)["status"] == "taken down"
        assert http.post(f"{second.url}/v1/completions", asked)["modelwright"]["taken_down"] == [name]
        assert ready(second.url)["taken_down"] == [name]
        assert [name in text for text in heard] == [True]


def test_a_server_that_cannot_read_the_ledger_goes_on_as_it_was_and_says_so_once(
    made: Path, copied: Copy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = modelwright.load(copied(made))

    def refuse() -> None:
        raise StorageError("the ledger's disk is gone", hint="bring it back")

    with project.running("release@1") as server:
        monkeypatch.setattr(project.records, "refresh", refuse)
        for _ in range(3):
            answer = http.post(f"{server.url}/v1/completions", {"model": "release@1", "prompt": "x", "max_tokens": 1})
            assert "taken_down" not in answer["modelwright"]
    assert [record.message for record in caplog.records if "ledger's disk" in record.message] == [
        "whether a takedown came is not known: the ledger's disk is gone"
    ]


def test_the_project_file_may_say_that_a_warning_is_enough(folder: Path) -> None:
    project = modelwright.load(folder, ["deploy.taken_down=warn"])
    heard: list[str] = []
    with project.running("model@1", warn=heard.append):
        assert len(heard) == 1
    with pytest.raises(UsageError, match="taken_down"):
        modelwright.load(folder, ["deploy.taken_down=ignore"])


def test_asking_it_warns_and_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--max-tokens", "1", "--project", str(folder), "--json"]
    assert cli.invoke(["ask", "import", "--model", "release@1", *place]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["taken_down"] == [the_certificate(folder)["takedown"]]
    assert "still carries what was taken down" in printed.err


def test_who_approves_it_is_told_and_signs_that(folder: Path) -> None:
    project, heard = modelwright.load(folder), list[str]()
    rejected = project.approve("model@1", "model.bits_per_byte", reject=True, reason="taken down", warn=heard.append)
    assert (heard, "taken_down" in rejected) == ([], False)
    name = the_certificate(folder)["takedown"]
    assert project.approve("model@1", "model.bits_per_byte", warn=heard.append)["taken_down"] == [name]
    assert len(heard) == 1
    assert project.records.of_kind("approval")[-1].get("taken_down") == [name]
    assert "taken_down" not in project.approve("pile@2", "model.bits_per_byte")


def test_a_model_that_is_kept_by_a_pin_is_not_released_again_in_silence(folder: Path) -> None:
    (folder / "modelwright.yaml").write_text(tiny_project.PREPARE + PINNED)
    name = the_certificate(folder)["takedown"]
    with pytest.raises(Refused, match=f"model@1 still carries.*{name}.*not released") as refused:
        modelwright.load(folder).run()
    assert refused.value.exit_code == 3
    assert "deploy.taken_down=warn" in refused.value.hint
    events: list[dict[str, Any]] = []
    project = modelwright.load(folder, ["deploy.taken_down=warn"])
    steps = {step["artifact"]: step for step in project.run(report=events.append)}
    assert {"model@1", "release@2", "export@2"} <= steps.keys()
    assert steps["release@2"]["taken_down"] == steps["export@2"]["taken_down"] == [name]
    assert len([event for event in events if event["event"] == "warning"]) == 2
    assert project["release@2"].facts["taken_down"] == [name]
    assert name in (project["export@2"].path / "README.md").read_text()
    assert project.show("export@2")["taken_down"]
    again = {step["artifact"]: step for step in modelwright.load(folder).run()}  # nothing is made: nothing is refused
    assert (again["release@2"]["action"], again["release@2"]["taken_down"]) == ("unchanged", [name])
    assert project.verify()["ok"]


def test_a_model_that_was_taken_over_from_an_export_carries_it_too(folder: Path) -> None:
    (folder / "modelwright.yaml").write_text(tiny_project.PREPARE + "base: .modelwright/export/1\n")
    project = modelwright.load(folder)
    with pytest.raises(Refused, match="model@2 still carries"):
        project.run()
    (carried,) = project.show("model@2")["taken_down"]
    assert [item["ref"] for item in carried["learned"]] == ["model@1", "adapter@1"]  # the export merged the two
    rows = section(project.card("model@2", "json"))["tables"][1]["rows"]
    assert [row["cells"][1] for row in rows] == ["model@1", "adapter@1"]


def test_what_a_later_takedown_cannot_tell_any_more_is_named_as_unknown(folder: Path) -> None:
    project = modelwright.load(folder)
    later = project.takedown("document", "open:json/encoder.py")
    assert later["piles"] == ["pile@2"]  # the one that the first takedown made; model@1 learned from what it replaces
    (model,) = [item for item in later["learned"] if item["ref"] == "model@1"]
    assert (model["learned"], model["windows"]) == (None, None)
    assert set(later["carriers"]) == set(CARRIERS)
    project.takedown("document", "open:json/encoder.py", execute=True)
    first, second = section(project.card("model@1", "json"))["tables"][1]["rows"]
    assert first["cells"][2] == "its tokens held them"
    assert second["cells"][2:] == ["unknown: what it learned from is gone", *["not on record"] * 4]
    with pytest.raises(Refused, match="cannot be told") as refused, project.running("release@1", yes=1):
        pass  # there is one more takedown than was known of
    assert "--yes 2" in refused.value.hint


def test_a_takedown_of_what_came_later_leaves_older_models_alone(folder: Path) -> None:
    new = folder / "corpus" / "ours" / "new.py"
    new.write_text((tiny_project.LIBRARY / "textwrap.py").read_text())
    project = modelwright.load(folder)
    project.run(to="prepare")
    later = project.takedown("document", "ours:new.py")
    assert (later["piles"], later["carriers"]) == (["pile@3"], [])


def test_an_adapter_alone_is_named_when_it_alone_was_tuned_on_it(made: Path, copied: Copy) -> None:
    """The model is one that knows nothing of the pile; base data is not replayed."""
    folder = copied(made)
    model = folder / ".modelwright" / "model" / "1"
    base = (folder / "base").absolute()
    base.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (base / name).write_bytes((model / name).read_bytes())
    from safetensors.numpy import load_file, save_file

    weights = load_file(model / "model.safetensors")
    save_file({name: value * 0.5 for name, value in weights.items()}, base / "model.safetensors")
    tune = "tune: {method: {lora: {rank: 2, replay: 0}}, examples: ours, budget: 2 steps}\n"
    (folder / "modelwright.yaml").write_text(tiny_project.PREPARE + "base: base\n" + tune)
    project = modelwright.load(folder)
    project.run()
    documents = Tokens.open(project["tokens@1"].path).documents()
    held = dict(zip(documents["source"].to_pylist(), documents["document"].to_pylist(), strict=True))
    shown = project.takedown("document", held["ours"])
    told = {item["ref"]: item["learned"] for item in shown["learned"]}
    assert "model@2" not in told
    assert told["adapter@2"]
    assert "adapter@2" in shown["adapters"]
    assert "release@2" in shown["releases"]
    shown = project.takedown("document", held["open"])
    assert "adapter@2" not in shown["adapters"]
