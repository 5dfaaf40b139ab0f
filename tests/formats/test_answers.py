"""Answers are kept for their time and then forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from modelwright.core.errors import StorageError
from modelwright.formats.answers import Answer, Answers, expiry, keyed_digest, new_key, now, stamp


def make(number: int, retention_days: int = 30) -> Answer:
    key = new_key()
    return Answer(
        id=f"cmpl-{number}",
        at=stamp(now()),
        kind="completion",
        release="release@1",
        digest="ab" * 32,
        prompt_digest=keyed_digest("a rare prompt", key),
        text_digest=keyed_digest("a rare answer", key),
        key=key,
        prompt="a rare prompt",
        text="a rare answer",
        template=None,
        prompt_tokens=3,
        tokens=4,
        seconds=0.5,
        finish_reason="stop",
        expires_at=expiry(now(), retention_days),
        receipt='{"event": 1}',
    )


def test_an_answer_comes_back_as_it_went_in_also_after_reopening(tmp_path: Path) -> None:
    answer = make(1)
    with Answers(tmp_path / "answers.db") as store:
        store.add(answer)
    with Answers(tmp_path / "answers.db") as store:
        assert store.get("cmpl-1") == answer
        assert store.get("cmpl-2") is None


def test_what_is_past_its_time_is_forgotten_and_its_digest_stays(tmp_path: Path) -> None:
    with Answers(tmp_path / "answers.db") as store:
        store.add(make(1, retention_days=1))
        store.add(make(2, retention_days=9))
        assert store.expire(now() + timedelta(days=2)) == 1
        forgotten, kept = store.get("cmpl-1"), store.get("cmpl-2")
    assert forgotten is not None
    assert kept is not None
    assert (forgotten.prompt, forgotten.text, forgotten.key, forgotten.receipt) == (None, None, None, None)
    assert len(forgotten.text_digest) == 64
    assert kept.text == "a rare answer"


def test_an_erased_text_is_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    with Answers(path) as store:
        store.add(make(1))
        assert store.erase("cmpl-1")
        assert not store.erase("cmpl-2")
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert files
    assert all(b"a rare" not in file.read_bytes() for file in files)


def test_the_newest_answer_comes_first(tmp_path: Path) -> None:
    with Answers(tmp_path / "answers.db") as store:
        for number in range(5):
            store.add(make(number))
        assert [answer.id for answer in store.recent(2)] == ["cmpl-4", "cmpl-3"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Answers(tmp_path / "file" / "answers.db")
