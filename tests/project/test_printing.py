"""Cards of a project: what its file states stands on them, is signed, and makes nothing again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import modelwright
from modelwright import cli
from modelwright.core.errors import UsageError

WORDS = """
card:
  creators: Example Ltd
  intended_uses: [completing code, reading]
  sources:
    ours: {class: licensed}
    open: {class: public, url: https://example.org}
"""


@pytest.fixture
def folder(prepared: Path, copied: Callable[[Path], Path]) -> Path:
    return copied(prepared)


def state(folder: Path, words: str = WORDS) -> modelwright.api.Project:
    file = folder / "modelwright.yaml"
    file.write_text(file.read_text() + words)
    return modelwright.load(folder)


def test_words_are_signed_and_printed_by_the_next_run_and_make_nothing_again(folder: Path) -> None:
    project = state(folder)
    before = [item["ref"] for item in project.list()]
    assert "completing code; reading" in project.card("pile")
    assert {step["action"] for step in project.run()} == {"unchanged"}
    assert [item["ref"] for item in project.list()] == before
    said = project.records.of_kind("stated")
    assert [entry.get("card")["creators"] for entry in said] == [["Example Ltd"]]
    written = json.loads((folder / "cards" / "pile-1-card.json").read_text())
    fields = {field["name"]: field for section in written["sections"] for field in section["fields"]}
    assert (fields["made by"]["value"], fields["made by"]["source"]) == ("Example Ltd", said[0].seq)
    assert project.verify()["ok"]
    project.run()
    assert len(project.records.of_kind("stated")) == 1


def test_every_form_of_a_real_pile_is_printed_and_says_what_is_missing(folder: Path) -> None:
    project = state(folder)
    project.run()
    for form in ("md", "html", "json", "huggingface", "croissant", "cyclonedx"):
        assert "Example Ltd" in project.card("pile", form)
    assert "yes: open" in project.card("pile", "eu-summary")
    assert project.card_missing("pile", "html") == ()
    assert "license (card.licence)" in project.card_missing("pile", "croissant")
    files = [item for item in json.loads(project.card("pile", "croissant"))["distribution"] if "sha256" in item]
    assert files
    for item in files:
        data = (folder / item["contentUrl"]).read_bytes()
        assert modelwright.core.fingerprint.digest_bytes(data) == item["sha256"]
    with pytest.raises(UsageError, match="no card"):
        project.card("tokens", "cyclonedx")


def test_the_command_prints_the_form_and_names_what_is_missing_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state(folder)
    place = ["--project", str(folder)]
    assert cli.invoke(["card", "pile", "--as", "cyclonedx", *place]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["specVersion"] == "1.7"
    assert "card.licence" in printed.err
    assert cli.invoke(["card", "pile", "--as", "eu-summary", "--json", *place]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "public summary of training content"
    assert cli.invoke(["card", "pile", "--as", "pdf", *place]) == 2
    assert "croissant" in capsys.readouterr().err


def test_two_versions_are_compared_by_their_cards(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = modelwright.load(folder, ["prepare.rules.gopher.min_words=60"])
    project.run()
    difference = json.loads(project.card("pile@2", "json", against="pile@1"))
    rows = {row["cells"][0]: row["cells"] for s in difference["sections"] for t in s["tables"] for row in t["rows"]}
    assert rows["reference"][1][0] == "pile@1"
    assert rows["Settings: prepare.rules.gopher.min_words: value"][1:3] == [[50, None, None, ""], [60, None, None, ""]]
    assert cli.invoke(["card", "pile@2", "--against", "pile@1", "--project", str(folder)]) == 0
    assert "pile@1 → pile@2" in capsys.readouterr().out


def test_an_export_for_the_hub_carries_the_card_with_its_header(folder: Path, tmp_path: Path) -> None:
    from datasets import load_dataset
    from huggingface_hub import DatasetCard

    project = state(folder, WORDS + "  licence: PSF-2.0\n")
    project.pile_export(tmp_path / "hub", "huggingface")
    card = DatasetCard.load(tmp_path / "hub" / "README.md")
    assert card.data.to_dict()["license_name"] == "PSF-2.0"
    loaded = load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows + loaded["test"].num_rows == project["pile"].facts["documents"]
