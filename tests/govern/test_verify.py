"""Verification: whole when nothing changed; any changed byte of a row, a file or a card is named."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError, StorageError, UnknownName, UsageError
from modelwright.govern import bundle, keys
from modelwright.govern.ledger import Ledger
from modelwright.govern.verify import verify
from tests.govern import sample
from tests.govern.sample import Sample

COLUMNS = ("seq", "kind", "at", "prev", "digest", "statement")
EVERYTHING = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def checked(project: Sample, ref: str | None = None, **more: Any) -> dict[str, Any]:
    return verify(project.ledger, project.home, project.folder, ref, **more)


def where(result: dict[str, Any]) -> list[str]:
    return [f"{problem['what']} {problem['where']}" for problem in result["problems"]]


def flipped(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position % len(data)] ^= 1 << bit
    return bytes(changed)


def forge(project: Sample, seq: int, column: str, value: Any) -> None:
    """Change one row behind the ledger's back, as someone with the file can; the triggers stand again afterwards."""
    raw = sqlite3.connect(project.home / "ledger.db", isolation_level=None)
    triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (value, seq))
    for _, text in triggers:
        raw.execute(text)
    raw.close()


def test_an_untouched_project_is_whole(project: Sample) -> None:
    result = checked(project)
    assert result["problems"] == []
    assert result["ok"]
    count = sum(1 for _ in project.ledger.events())
    artifacts = project.records.artifacts()
    files = sum(len(item.record["files"]) for item in artifacts)
    cards = sum(len(project.records.card_files(item.ref)) for item in artifacts)
    assert result["checked"] == {"events": count, "signatures": count, "digests": files + cards}
    assert result["signers"] == [{"keyid": keys.signer().public_key.keyid, "events": count, "known": True}]


def test_only_the_ancestry_of_a_reference_is_read(project: Sample) -> None:
    (project.home / "adapter" / "1" / "about-adapter.json").write_text("changed")
    assert checked(project, "model@1")["ok"]
    assert where(checked(project, "release@1")) == ["file adapter@1: adapter/1/about-adapter.json"]
    with pytest.raises(UnknownName):
        checked(project, "model@7")


@given(data=st.data())
@EVERYTHING
def test_any_changed_byte_of_a_row_is_named(project: Sample, data: st.DataObject) -> None:
    events = list(project.ledger.events())
    event = data.draw(st.sampled_from(events))
    column = data.draw(st.sampled_from(COLUMNS[1:]))
    value = event.row()[column]
    changed = flipped(value.encode(), data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(0, 7)))
    forge(project, event.seq, column, sqlite_text(changed))
    try:
        result = checked(project, "release@1")
        assert not result["ok"]
        assert any(problem["where"].startswith(f"event {event.seq} ") for problem in result["problems"])
        if column == "statement":
            named = {p["where"].split(" (")[0] for p in result["problems"] if p["what"] == "event"}
            assert named == {f"event {event.seq}"}
    finally:
        forge(project, event.seq, column, value)
    assert checked(project)["ok"]


def sqlite_text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def test_a_renumbered_or_missing_event_is_named(project: Sample) -> None:
    last = list(project.ledger.events())[-1].seq
    forge(project, last, "seq", last + 5)
    assert f"event event {last}" in where(checked(project))
    forge(project, last + 5, "seq", last)
    assert checked(project)["ok"]
    raw = sqlite3.connect(project.home / "ledger.db", isolation_level=None)
    raw.execute("DROP TRIGGER event_no_delete")
    raw.execute("DELETE FROM event WHERE seq = 5")
    raw.close()
    found = where(checked(project))
    assert "event event 5" in found
    assert any("ledger" in line for line in found), "a dropped trigger is a problem of its own"


def test_events_cut_off_at_the_end_are_missed_when_cards_noted_the_head(project: Sample) -> None:
    head = project.ledger.head()
    assert head is not None
    (project.home / "cards.head").write_text(head.digest)
    assert checked(project)["ok"]
    raw = sqlite3.connect(project.home / "ledger.db", isolation_level=None)
    raw.execute("DROP TRIGGER event_no_delete")
    raw.execute("DELETE FROM event WHERE seq = ?", (head.seq,))
    raw.close()
    assert any(problem["expected"] == f"event with digest {head.digest}" for problem in checked(project)["problems"])


def test_history_signed_anew_with_a_strange_key_is_not_accepted_by_given_keys(project: Sample, tmp_path: Path) -> None:
    good = keys.public_keys()
    keys.create("stranger")
    with Ledger.open(tmp_path / "forged.db") as forged:
        for event in project.ledger.events():
            if event.kind != "key":
                predicate = {key: value for key, value in event.predicate.items() if key != "ledger"}
                forged.append(event.kind, event.subject, predicate, keys.signer("stranger"))
        result = verify(forged, project.home, project.folder, keys=good)
    assert not result["ok"]
    assert result["checked"]["signatures"] == 0
    assert {problem["expected"] for problem in result["problems"]} == {"a signature by a known key"}


@given(data=st.data())
@EVERYTHING
def test_any_changed_byte_of_a_file_or_card_is_named(project: Sample, data: st.DataObject) -> None:
    everything = [path for path in project.folder.rglob("*") if path.is_file() and "ledger.db" not in path.name]
    path = data.draw(st.sampled_from(sorted(everything)))
    before = path.read_bytes()
    path.write_bytes(flipped(before, data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))))
    try:
        result = checked(project)
        assert len(result["problems"]) == 1
        problem = result["problems"][0]
        assert problem["what"] == ("card" if path.parent.name == "cards" else "file")
        assert problem["where"].endswith(path.name)
        assert problem["expected"] != problem["found"]
    finally:
        path.write_bytes(before)


def test_missing_and_additional_files_are_named(project: Sample) -> None:
    (project.home / "model" / "1" / "config.json").unlink()
    (project.home / "model" / "1" / "pytorch_model.bin").write_bytes(b"loaded before safetensors by some")
    (project.folder / "cards" / "pile-1-card.md").unlink()
    problems = {problem["where"]: (problem["expected"], problem["found"]) for problem in checked(project)["problems"]}
    assert problems["model@1: model/1/config.json"][1] == "missing"
    assert problems["model@1: model/1/pytorch_model.bin"] == ("no such file", "a file")
    assert problems["cards/pile-1-card.md"][1] == "missing"


def test_files_that_were_pruned_are_not_missed(project: Sample) -> None:
    shutil.rmtree(project.home / "export" / "1")
    assert not checked(project)["ok"]
    project.records.append("prune", [{"name": "export@1"}], {"removed": [{"artifact": "export@1", "bytes": 3}]})
    assert checked(project)["ok"]


def test_a_card_that_was_written_again_is_checked_against_its_last_event(project: Sample) -> None:
    sample.approve(project, "pile@1", "pile.approve")
    files = sample.write_cards(project, "release@1")
    assert checked(project)["ok"]
    assert project.records.card_files("release@1") == files


def test_a_path_that_leads_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    sample.record(made, "pile", {}, [], extra_files={"../../../etc/hostname": "00" * 32, "/etc/hostname": "00" * 32})
    assert len([line for line in where(checked(made)) if "etc/hostname" in line]) == 2
    assert checked(made)["checked"]["digests"] == 1
    made.ledger.close()


def test_random_damage_to_the_database_file_never_passes_as_whole(project: Sample, tmp_path: Path) -> None:
    project.ledger.close()
    before = (project.home / "ledger.db").read_bytes()
    rows = b"".join(str(value).encode() for event in sample_rows(project) for value in event.values())
    randomly = random.Random(3)
    for _ in range(25):
        position = randomly.randrange(len(before))
        window = before[max(0, position - 30) : position + 30]
        changed = flipped(before, position, randomly.randrange(8))
        (project.home / "ledger.db").write_bytes(changed)
        try:
            with Ledger.open(project.home / "ledger.db") as ledger:
                result = verify(ledger, project.home, project.folder)
        except StorageError:  # the file cannot even be opened, and that is said
            continue
        assert not result["ok"] or window not in rows, "a changed row went unseen"
    (project.home / "ledger.db").write_bytes(before)


def sample_rows(project: Sample) -> list[dict[str, Any]]:
    with Ledger.open(project.home / "ledger.db") as ledger:
        return [event.row() for event in ledger.events()]


@pytest.mark.parametrize("form", ["bundle", "bundle.zip"])
def test_a_bundle_is_checked_without_the_project(
    project: Sample, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / form
    public = keys.public_keys()
    about = bundle.export(project.ledger, project.home, project.folder, out, "release@1")
    shutil.rmtree(project.folder)
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path / "somebody_else"))
    result = bundle.verify_bundle(out)
    assert result["ok"], result["problems"]
    assert result["checked"]["events"] == about["events"]
    assert result["checked"]["digests"] == 12
    assert [signer["known"] for signer in result["signers"]] == [False]
    assert bundle.verify_bundle(out, keys=public)["signers"][0]["known"]
    assert not (tmp_path / "somebody_else").exists(), "checking makes no key"


def test_a_bundle_is_not_accepted_by_other_keys_than_those_given(project: Sample, tmp_path: Path) -> None:
    bundle.export(project.ledger, project.home, project.folder, tmp_path / "b")
    keys.create("stranger")
    stranger = keys.export("stranger")
    result = bundle.verify_bundle(tmp_path / "b", keys={stranger["keyid"]: stranger})
    assert not result["ok"]
    assert result["checked"]["signatures"] == 0


@given(data=st.data())
@EVERYTHING
def test_any_changed_byte_of_a_bundle_is_named(project: Sample, data: st.DataObject) -> None:
    out = project.folder / "bundle"
    if not out.exists():
        bundle.export(project.ledger, project.home, project.folder, out)
    path = data.draw(st.sampled_from(sorted(path for path in out.rglob("*") if path.is_file())))
    before = path.read_bytes()
    path.write_bytes(flipped(before, data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))))
    try:
        result = bundle.verify_bundle(out)
        assert not result["ok"]
        if path.parent.name == "cards":
            assert where(result) == [f"card cards/{path.name}"]
    finally:
        path.write_bytes(before)


def test_a_bundle_holds_no_private_key_and_is_the_same_each_time(project: Sample, config: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        bundle.export(project.ledger, project.home, project.folder, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    bundle.export(project.ledger, project.home, project.folder, tmp_path / "c")
    secret = (config / "keys" / "default.pem").read_text().splitlines()[1]
    assert all(secret not in path.read_text() for path in (tmp_path / "c").rglob("*") if path.is_file())
    with pytest.raises(UsageError, match="there already"):
        bundle.export(project.ledger, project.home, project.folder, tmp_path / "c")


def test_what_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    for place in (tmp_path / "x.zip", tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="no bundle"):
            bundle.verify_bundle(place)


def test_the_result_is_plain_json(project: Sample) -> None:
    result = checked(project)
    assert json.loads(json.dumps(result)) == result
    assert set(result) >= {"ok", "checked", "problems"}
