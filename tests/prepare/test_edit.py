"""Redaction: spans become tags or masks, nothing else changes, and a second pass finds nothing."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.prepare.edit import apply_edits, edit_spans
from modelwright.prepare.signals.personal_data import PersonalData

KINDS = ("email", "phone", "card")
EDITED = pa.list_(
    pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("style", pa.string())])
)


def finding(start: int, end: int, kind: str = "email") -> dict:
    return {"kind": kind, "start": start, "end": end, "confidence": 1.0}


def styled(findings, style="tag", kinds=KINDS):
    """Findings as `edits.chosen` hands them on."""
    return [found and [{**one, "style": style} for one in found if one["kind"] in kinds] for found in findings]


def run(texts, findings, **options):
    edited, removed = apply_edits(pa.array(texts, pa.large_string()), pa.array(styled(findings, **options), EDITED))
    return edited.to_pylist(), removed.to_pylist()


def test_a_span_becomes_its_tag_and_the_rest_stays():
    assert run(["to a@b.org, é"], [[finding(3, 10)]]) == (["to <EMAIL>, é"], [7])


def test_a_mask_keeps_length_and_punctuation():
    assert run(["to a@b.org!"], [[finding(3, 10)]], style="mask") == (["to *@*.***!"], [7])
    assert run(["é漢x"], [[finding(0, 6)]], style="mask") == (["******"], [6])


def test_a_removed_span_leaves_nothing():
    assert run(["a b@c.de d"], [[finding(2, 8)]], style="remove") == (["a  d"], [6])


def test_overlapping_spans_are_one_named_after_the_longest():
    spans = [finding(0, 4), finding(2, 10, "phone"), finding(10, 12, "card")]
    assert run(["0123456789AB"], [spans]) == (["<PHONE><CARD>"], [12])


def test_a_span_inside_a_character_takes_the_whole_character():
    assert run(["aéb"], [[finding(2, 3)]]) == (["a<EMAIL>b"], [2])


def test_kinds_that_are_not_asked_for_stay_and_nulls_stay_null():
    texts, removed = run(["a@b.org", None, "x"], [[finding(0, 7)], None, []], kinds=("phone",))
    assert texts == ["a@b.org", None, "x"]
    assert removed == [0, None, 0]


def test_slices_are_honoured():
    text = pa.array(["zero", "to a@b.org", "two"], pa.large_string()).slice(1, 2)
    findings = pa.array(styled([None, [finding(3, 10)], []]), EDITED).slice(1, 2)
    edited, removed = apply_edits(text, findings)
    assert (edited.to_pylist(), removed.to_pylist()) == (["to <EMAIL>", "two"], [7, 0])


SPANS = st.lists(
    st.builds(finding, st.integers(0, 40), st.integers(0, 60), st.sampled_from([*KINDS, "name"])), max_size=6
)


@settings(max_examples=200)
@given(st.text(max_size=30), SPANS, st.sampled_from(["tag", "mask", "remove"]))
def test_what_lies_outside_the_spans_never_changes(text, spans, style):
    content = text.encode()
    found = styled([spans], style)[0]
    edits = edit_spans(content, [(one["start"], one["end"], one["kind"], one["style"]) for one in found])
    (edited,), (removed,) = run([text], [spans], style=style)
    assert removed == sum(edit.end - edit.start for edit in edits)
    assert all(one.end <= other.start for one, other in pairwise(edits))
    rest, place = edited.encode(), 0
    for edit in edits:
        before = content[place : edit.start]
        assert rest.startswith(before)
        rest = rest[len(before) :]
        gone = {"tag": len(edit.kind) + 2, "mask": edit.end - edit.start, "remove": 0}[style]
        rest, place = rest[gone:], edit.end
    assert rest == content[place:]


@settings(max_examples=100)
@given(st.text(max_size=30), SPANS)
def test_masking_twice_is_masking_once(text, spans):
    (once,), _ = run([text], [spans], style="mask")
    (twice,), _ = run([once], [spans], style="mask")
    assert once == twice


PARTS = st.lists(
    st.sampled_from(
        [
            "ann@example.org",
            "4111 1111 1111 1111",
            "+44 20 7946 0958",
            "call 0301234567",
            " ",
            "-",
            ", ",
            "(",
            ")",
            "é",
            "1",
        ]
    ),
    max_size=10,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=3), st.sampled_from(["tag", "mask"]))
def test_nothing_is_found_in_a_redacted_text(texts, style):
    signal = PersonalData()
    column = pa.array(texts, pa.large_string())
    found = signal.measure(pa.record_batch({"text": column})).column("findings")
    edited, _ = apply_edits(column, pa.array(styled(found.to_pylist(), style), EDITED))
    again = signal.measure(pa.record_batch({"text": edited}))
    assert again.column("personal_data_count").to_pylist() == [0] * len(texts), edited.to_pylist()
