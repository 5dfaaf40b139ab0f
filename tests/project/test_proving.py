"""`verify --document`: in, in but changed, or absent, each with a proof that anyone checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright import api, cli
from modelwright.core.errors import InputError


@pytest.fixture(scope="module")
def project(prepared: Path) -> api.Project:
    return api.load(prepared)


def test_a_document_that_was_kept_is_in(project: api.Project) -> None:
    found = project.prove(project.folder / "corpus" / "open" / "json" / "scanner.py", "pile@1")
    assert found["result"] == "in"
    assert found["root"] == project["pile@1"].facts["text_root"]
    assert [proof["kind"] for proof in found["proofs"]] == ["inclusion"]
    assert api.verify_proof(found, found["root"])["ok"]


def test_a_document_that_was_edited_is_in_under_the_digest_of_what_was_kept(project: api.Project) -> None:
    found = project.prove(project.folder / "corpus" / "ours" / "bisect.py")
    assert found["result"] == "in, changed"
    assert [proof["kind"] for proof in found["proofs"]] == ["absence", "inclusion"]
    assert found["decisions"][0]["decision"] == "changed"
    assert api.verify_proof(found, found["root"])["ok"]


def test_a_document_that_was_dropped_or_never_seen_is_absent(project: api.Project, tmp_path: Path) -> None:
    dropped = project.prove(project.folder / "corpus" / "open" / "short.txt")
    assert (dropped["result"], dropped["decisions"][0]["decision"]) == ("absent", "dropped")
    stranger = tmp_path / "stranger.txt"
    stranger.write_text("Nobody has read this.\n")
    found = project.prove(stranger, "pile@1")
    assert (found["result"], found["decisions"]) == ("absent", [])
    assert api.verify_proof(found, found["root"])["ok"]
    assert not api.verify_proof(found, "0" * 64)["ok"]


def test_a_proof_in_a_file_is_checked_without_the_project(
    project: api.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, proof = project.folder / "corpus" / "open" / "json" / "scanner.py", tmp_path / "proof.json"
    arguments = ["verify", "--document", str(file), "--pile", "pile@1", "--out", str(proof)]
    assert cli.invoke([*arguments, "--project", str(project.folder), "--json"]) == 0
    root = json.loads(capsys.readouterr().out)["root"]
    monkeypatch.chdir(tmp_path)
    assert cli.invoke(["verify", str(proof), "--root", root]) == 0
    assert cli.invoke(["verify", str(proof), "--root", "0" * 64]) == 1
    body = json.loads(proof.read_text())
    body["proofs"][0]["key"] = "0" * 64
    proof.write_text(json.dumps(body))
    assert cli.invoke(["verify", str(proof)]) == 1


def test_what_is_no_text_is_said(project: api.Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        project.prove(tmp_path / "none.txt")
