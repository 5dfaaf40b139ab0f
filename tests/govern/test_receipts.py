"""Receipts: they prove what was answered by what, and say no word of it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from modelwright.core.errors import InputError, UnknownName
from modelwright.govern import keys
from modelwright.govern.receipts import receipt, receipt_maker, verify_receipt
from tests.govern.sample import Sample

PROMPT, TEXT = "Is Jane Doe ill?", "yes, her number is 555-0100"


@pytest.fixture
def given(project: Sample) -> dict[str, Any]:
    return receipt(project.records, "release@1", answer="a-1", prompt=PROMPT, text=TEXT, at="2026-02-11T10:00:00Z",
                   parameters={"temperature": 0.0})  # fmt: skip


def test_a_receipt_walks_back_from_the_answer_to_the_pile(project: Sample, given: dict[str, Any]) -> None:
    result = verify_receipt(given, prompt=PROMPT, text=TEXT, records=project.records)
    assert result["ok"], result["problems"]
    assert result["answer"] == "a-1"
    assert result["release"] == {"ref": "release@1", "digest": project.records.find("release@1").digest}
    assert result["pile"]["digest"] == project.records.find("pile@1").digest
    assert result["pile"]["text_root"] == project.records.find("pile@1").facts["text_root"]
    assert result["checked"]["digests"] == 7


def test_no_word_and_no_key_of_it_stands_in_the_ledger(project: Sample, given: dict[str, Any]) -> None:
    ledger = json.dumps([entry.predicate for entry in project.records.entries])
    for secret in (PROMPT, TEXT, "Jane", "555-0100", given["key"]):
        assert secret not in ledger


def test_a_server_hands_over_everything_and_only_what_may_be_published_is(project: Sample) -> None:
    said = {"id": "a-2", "at": "2026-02-11T10:00:00Z", "kind": "completion", "release": "release@1", "prompt": PROMPT,
            "text": TEXT, "prompt_digest": "x", "text_digest": "y", "user": "jane@example.org", "tokens": 7,
            "parameters": {"temperature": 0.5}}  # fmt: skip
    made = receipt_maker(project.records, "release@1")(said)
    assert verify_receipt({"receipt": made}, prompt=PROMPT, text=TEXT, records=project.records)["ok"]
    predicate = project.records.of_kind("receipt")[-1].predicate
    assert predicate["about"] == {"kind": "completion", "tokens": 7}
    assert predicate["parameters"] == {"temperature": 0.5}
    assert "jane" not in json.dumps(predicate).lower()


def test_equal_answers_cannot_be_told_from_their_receipts(project: Sample) -> None:
    both = [receipt(project.records, "release@1", answer=str(n), prompt="yes", text="no", at="") for n in range(2)]
    digests = [entry.predicate["digests"]["text"] for entry in project.records.of_kind("receipt")]
    assert len(set(digests)) == 2
    assert both[0]["key"] != both[1]["key"]


@pytest.mark.parametrize(("field", "words"), [("prompt", PROMPT + " "), ("text", TEXT.upper())])
def test_other_words_do_not_belong_to_it(project: Sample, given: dict[str, Any], field: str, words: str) -> None:
    result = verify_receipt(given, **{field: words}, records=project.records)
    assert [problem["where"] for problem in result["problems"]] == [field]


def test_a_changed_statement_is_found_by_the_public_key_alone(given: dict[str, Any]) -> None:
    assert verify_receipt(given, text=TEXT, keys=keys.public_keys())["ok"]
    changed = copy.deepcopy(given)
    signature = changed["statement"]["signatures"][0]["sig"]
    changed["statement"]["signatures"][0]["sig"] = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert [p["where"] for p in verify_receipt(changed, keys=keys.public_keys())["problems"]] == ["signature"]
    assert not verify_receipt(given, keys={})["ok"]


def test_a_receipt_that_the_ledger_does_not_hold_is_not_accepted(project: Sample, given: dict[str, Any]) -> None:
    from modelwright.govern.records import Records

    others = Records.of([entry for entry in project.records.entries if entry.kind != "receipt"], project.home)
    assert [problem["where"] for problem in verify_receipt(given, records=others)["problems"]] == ["event"]


def test_what_is_no_receipt_is_an_error(project: Sample, given: dict[str, Any]) -> None:
    event = next(project.ledger.events("artifact"))
    for value in ({}, {"statement": {}}, {"statement": "x"}, {"statement": json.loads(event.envelope)}):
        with pytest.raises(InputError, match="no receipt"):
            verify_receipt(value)
    with pytest.raises(InputError, match="without the key"):
        verify_receipt({**given, "key": None}, text=TEXT)
    with pytest.raises(UnknownName):
        receipt(project.records, "release@9", answer="a", prompt="", text="", at="")
