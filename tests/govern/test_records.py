"""Records and lineage: references resolve to one thing or say why not; the graph goes up and down."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from modelwright.core.errors import AmbiguousReference, IntegrityError, UnknownName
from modelwright.govern import keys
from modelwright.govern.lineage import ancestors, descendants, nearest, trace
from modelwright.govern.records import Records
from tests.govern import sample
from tests.govern.sample import Sample


def test_a_reference_is_a_version_a_tag_a_kind_or_a_digest(project: Sample) -> None:
    records = project.records
    pile = records.find("pile@1")
    assert pile.path == project.home / "pile" / "1"
    assert pile.facts["documents"] == 23_226
    for ref in ("base", "pile", pile.digest, pile.digest[:8], "sha256:" + pile.digest, " pile@1 "):
        assert records.find(ref).ref == "pile@1"


def test_a_bare_kind_with_several_versions_is_never_guessed(project: Sample) -> None:
    with pytest.raises(AmbiguousReference) as raised:
        project.records.find("scores")
    assert raised.value.value == ["scores@1", "scores@2"]
    assert project.records.find("scores", {"scores": "scores@1"}).ref == "scores@1"


def test_equal_content_is_ambiguous_by_digest(project: Sample) -> None:
    digest = project.records.find("pile@1").digest
    sample.record(project, "pile", {}, [], digest=digest, equal_to="pile@1")
    with pytest.raises(AmbiguousReference, match="2 artifacts"):
        project.records.find(digest[:10])
    assert trace(project.records, "pile@2")["equal"] == [["pile@2", "pile@1"]]


@pytest.mark.parametrize("ref", ["pile@9", "modle@1", "abc1234", "", "00000000"])
def test_an_unknown_reference_says_what_is_near(project: Sample, ref: str) -> None:
    with pytest.raises(UnknownName) as raised:
        project.records.find(ref)
    assert raised.value.hint
    if ref == "modle@1":
        assert "model@1" in raised.value.hint


def test_moving_a_tag_is_an_event_and_the_last_one_counts(project: Sample) -> None:
    records = project.records
    records.append("tag", [{"name": "model@1"}], {"name": "base", "ref": "model@1"})
    assert records.find("base").ref == "model@1"
    assert records.tags_of("pile@1") == []
    records.append("tag", [], {"name": "base", "ref": None})
    assert "base" not in records.tags()


def test_records_see_what_others_appended(project: Sample) -> None:
    other = Records(project.ledger, project.home)
    other.append("tag", [{"name": "pile@1"}], {"name": "also", "ref": "pile@1"})
    assert "also" not in project.records.tags()
    project.records.refresh()
    assert project.records.find("also").ref == "pile@1"
    assert project.records.head() == other.head()


def test_an_approval_counts_once_a_key_and_only_when_its_signature_holds(project: Sample) -> None:
    digest = project.records.find("adapter@1").digest
    keys.create("officer")
    sample.approve(project, "adapter@1", "release.approve")
    sample.approve(project, "adapter@1", "release.approve", signer=keys.signer("officer"))
    sample.approve(project, "adapter@1", "release.approve", approved=False, signer=keys.signer("officer"), reason="no")
    decisions = project.records.approvals(digest, "release.approve")
    assert {decision["key"]: decision["approved"] for decision in decisions} == {
        keys.signer().public_key.keyid: True,
        keys.signer("officer").public_key.keyid: False,
    }
    assert project.records.approvals(digest, "another") == []
    assert project.records.approvals("00" * 32) == []
    entry = project.records.of_kind("approval")[0]
    forged = replace(entry, envelope=entry.envelope.replace('"sig":"', '"sig":"AA'))
    broken = Records.of([*project.records.of_kind("key"), forged], project.home)
    assert broken.approvals() == []


def test_an_unreadable_statement_is_an_error_that_names_the_cure(project: Sample) -> None:
    project.ledger.close()
    raw = sqlite3.connect(project.home / "ledger.db", isolation_level=None)
    raw.execute("DROP TRIGGER event_no_update")
    raw.execute("UPDATE event SET statement = 'x' WHERE seq = 3")
    raw.close()
    with pytest.raises(IntegrityError) as raised:
        Records(project.ledger, project.home).artifacts()
    assert "`modelwright verify`" in raised.value.hint


def test_versions_are_never_given_twice(project: Sample) -> None:
    assert project.records.next_version("pile") == 2
    assert project.records.next_version("pairs") == 1


def test_lineage_goes_up_and_down(project: Sample) -> None:
    records = project.records
    assert ancestors(records, "model@1") == ["tokens@1", "pile@1"]
    assert descendants(records, "adapter@1") == ["scores@2", "release@1", "export@1"]
    assert nearest(records, "release@1", "pile") == records.find("pile@1")
    assert nearest(records, "pile@1", "model") is None
    graph = trace(records, "tokens@1")
    refs = {node["ref"] for node in graph["nodes"]}
    assert refs == {"pile@1", "tokens@1", "model@1", "scores@1", "adapter@1", "scores@2", "release@1", "export@1"}
    assert ["model@1", "tokens@1"] in graph["edges"]
    assert all(child in refs and parent in refs for child, parent in graph["edges"])
    narrow = trace(records, "scores@1")
    assert {node["ref"] for node in narrow["nodes"]} == {"scores@1", "model@1", "tokens@1", "pile@1"}


def test_a_parent_without_a_record_is_a_node_of_its_own(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    made.records.append(
        "artifact", [], {"artifact": {"kind": "adapter", "version": 1, "digest": "cd" * 32, "fingerprint": ""},
                         "parents": [{"role": "base", "ref": None, "digest": "ef" * 32}]}
    )  # fmt: skip
    graph = trace(made.records, "adapter@1")
    assert graph["edges"] == [["adapter@1", "base:efefefefefef"]]
    assert {"ref": "base:efefefefefef", "kind": "base", "digest": "ef" * 32} in graph["nodes"]
    made.ledger.close()
