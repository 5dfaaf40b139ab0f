"""The interim store of texts: any order, bounded batches, nothing half-written is seen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import IntegrityError
from modelwright.prepare.texts import TextStore, writing


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keep(folder: Path, name: str, texts: list[str]) -> None:
    with writing(folder, name) as writer:
        for text in texts:
            writer.add(digest(text), text.encode())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text(max_size=40), max_size=10), min_size=1, max_size=4), st.randoms(), st.integers(1, 60))
def test_texts_come_back_in_any_order_and_in_bounded_batches(tmp_path: Path, parts, random, limit: int) -> None:
    folder = tmp_path / hashlib.sha256(repr((parts, limit)).encode()).hexdigest()
    for number, texts in enumerate(parts):
        keep(folder, str(number), texts)
    wanted = [text for texts in parts for text in texts] * 2
    random.shuffle(wanted)
    table = pa.table({"digest": pa.array([digest(text) for text in wanted], pa.string()), "row": range(len(wanted))})
    batches = list(TextStore(folder).batches(table, limit_bytes=limit))
    assert [text for batch in batches for text in batch["text"].to_pylist()] == wanted
    assert [row for batch in batches for row in batch["row"].to_pylist()] == list(range(len(wanted)))
    for batch in batches:
        assert batch.num_rows == 1 or sum(len(text.encode()) for text in batch["text"].to_pylist()) <= limit


def test_a_file_that_was_cut_off_is_not_seen_and_an_unfinished_one_neither(tmp_path: Path) -> None:
    keep(tmp_path, "whole", ["one"])
    keep(tmp_path, "torn", ["two", "three"])
    (tmp_path / "torn.bin").write_bytes(b"tw")
    (tmp_path / "begun.bin").write_bytes(b"four")
    store = TextStore(tmp_path)
    wanted = pa.array([digest(text) for text in ("one", "two", "three", "four")])
    assert len(store.missing(wanted)) == 3
    with pytest.raises(IntegrityError):
        list(store.batches(pa.table({"digest": [digest("two")]})))


def test_writing_that_fails_leaves_nothing_to_be_seen(tmp_path: Path) -> None:
    with pytest.raises(TypeError), writing(tmp_path, "a") as writer:
        writer.add(digest("one"), 1)  # type: ignore[arg-type]
    assert len(TextStore(tmp_path).missing(pa.array([digest("one")]))) == 1


def test_more_files_than_may_be_open_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.prepare.texts._OPEN_FILES", 2)
    texts = [f"text {i}" for i in range(7)]
    for text in texts:
        keep(tmp_path, text, [text])
    wanted = texts + texts[::-1]
    table = pa.table({"digest": [digest(text) for text in wanted]})
    assert [text for batch in TextStore(tmp_path).batches(table) for text in batch["text"].to_pylist()] == wanted
