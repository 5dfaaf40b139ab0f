"""`gopher` decides as datatrove's GopherQualityFilter and GopherRepetitionFilter do, for the same reason."""

from __future__ import annotations

import gzip
import json
import random
import sysconfig
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import plugins
from modelwright.prepare.rule import Rule, decide
from modelwright.prepare.signals.counts import Counts

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
REASONS = {
    "gopher_short_doc": ("words", "<"),
    "gopher_long_doc": ("words", ">"),
    "gopher_below_avg_threshold": ("mean_word_length", "<"),
    "gopher_above_avg_threshold": ("mean_word_length", ">"),
    "gopher_too_many_hashes": ("hash_share", ">"),
    "gopher_too_many_ellipsis": ("ellipsis_share", ">"),
    "gopher_too_many_bullets": ("bullet_line_share", ">"),
    "gopher_too_many_end_ellipsis": ("ellipsis_line_share", ">"),
    "gopher_below_alpha_threshold": ("alphabetic_word_share", "<"),
    "gopher_enough_stop_words": ("stop_words", "<"),
    "dup_para_frac": ("duplicate_paragraph_share", ">"),
    "dup_para_char_frac": ("duplicate_paragraph_character_share", ">"),
    "dup_line_frac": ("duplicate_line_share", ">"),
    "dup_line_char_frac": ("duplicate_line_character_share", ">"),
    **{f"top_{n}_gram": (f"top_{n}_gram_share", ">") for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": (f"duplicate_{n}_gram_share", ">") for n in range(5, 11)},
}
LOW = {
    "min_words": 3, "max_words": 40, "min_mean_word_length": 2.5, "max_mean_word_length": 6, "max_hash_share": 0.2,
    "max_ellipsis_share": 0.2, "min_alphabetic_word_share": 0.6, "min_stop_words": 1,
}  # fmt: skip
"""Thresholds under which short texts reach the later reasons."""


def filters(low: bool):
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    if not low:
        return GopherQualityFilter(), GopherRepetitionFilter()
    quality = GopherQualityFilter(
        min_doc_words=3, max_doc_words=40, min_avg_word_length=2.5, max_avg_word_length=6, max_symbol_word_ratio=0.2,
        max_non_alpha_words_ratio=0.6, min_stop_words=1,
    )  # fmt: skip
    return quality, GopherRepetitionFilter()


def datatrove(bodies: list[str], low: bool = False) -> list[tuple[str, str] | None]:
    from datatrove.data import Document

    reasons = []
    both = filters(low)
    for body in bodies:
        results = (each.filter(Document(text=body, id="0")) for each in both)
        reason = next((result[1] for result in results if result is not True), None)
        reasons.append(None if reason is None else REASONS[reason])
    return reasons


def ours(bodies: list[str], low: bool = False) -> list[tuple[str, str] | None]:
    rule = plugins.parse("rules", {"gopher": {"when": "any", **(LOW if low else {})}})
    assert isinstance(rule, Rule)
    batch = pa.RecordBatch.from_pydict({"text": pa.array(bodies, pa.large_string())})
    table = decide(pa.Table.from_batches([Counts().measure(batch)]), rule.predicates())
    assert table.num_rows == len(bodies)
    first = {(p.signal, show): p.comparison for p in rule.predicates() for show in [float(p.threshold)]}
    return [
        None if row["decision"] == "kept" else (row["signal"], first[row["signal"], float(row["threshold"])])
        for row in table.to_pylist()
    ]


def assert_equal(bodies: list[str], low: bool = False) -> list[tuple[str, str] | None]:
    expected = datatrove(bodies, low)
    for body, theirs, mine in zip(bodies, expected, ours(bodies, low), strict=True):
        assert mine == theirs, repr(body[:300])
    return expected


def shared(name: str, limit: int) -> list[str]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip("shared data is not there")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line, _ in zip(stream, range(limit), strict=False)]


def test_decisions_and_reasons_on_prose_equal_datatroves():
    bodies = [
        body[i : i + 4000] for body in shared("prose_speeches", 79) for i in range(0, min(len(body), 16000), 4000)
    ]
    expected = assert_equal(bodies)
    assert None in expected


def test_decisions_and_reasons_on_code_equal_datatroves():
    expected = assert_equal(shared("code_labelled", 250))
    assert len(set(expected)) > 5, "the sample reaches several reasons"


def test_decisions_and_reasons_on_python_source_equal_datatroves():
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:30]
    assert_equal([path.read_text(encoding="utf-8")[:20_000] for path in paths])


PIECES = [
    "the", "be", "and", "have", "with", "of", "Hello", "world", "don't", "Mr.", "e.g.", "x-ray", "http://a.org/b?c=1",
    "me@example.com", "$5", "10km", "5°C.", ":)", "):", "...", "…", "#", "##", "- item", "• point", "🙂", "漢字",
    "a.m.", "\n", "\n\n", "\r\n", "\x85", "\u2028", "\t", "  ", ",", ".", "—", "“quoted”", "it’s", "1,000", "___",
    "=" * 8,
]  # fmt: skip


def test_decisions_and_reasons_on_made_up_texts_equal_datatroves():
    choose = random.Random(7)
    bodies = []
    for _ in range(1500):
        few = choose.sample(PIECES, choose.randint(2, 14))  # few pieces repeat, many do not
        glue = choose.choice([" ", " ", "", "\n"])
        bodies.append(glue.join(choose.choice(few) for _ in range(choose.randint(1, 150))))
    bodies = [body for body in bodies if body.split()]
    seen = set(assert_equal(bodies)) | set(assert_equal(bodies, low=True))
    assert len(seen) >= 14, f"only {len(seen)} of {len(REASONS)} reasons were reached: {seen}"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=5).filter(str.split))
def test_decisions_on_texts_of_five_characters_and_less_equal_datatroves(body):
    assert_equal([body])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=4, max_size=90).map(" ".join).filter(str.split))
def test_decisions_on_texts_that_pass_the_first_rules_equal_datatroves(body):
    assert_equal([body], low=True)


def test_an_empty_text_is_dropped_for_its_words_as_datatrove_does():
    assert ours(["", " \n"]) == [("words", "<"), ("words", "<")] == datatrove(["", " \n"])


def test_gopher_leaves_code_alone_unless_told():
    table = pa.table({"kind": ["code", "prose"], **{name: [0, 0] for name in Counts.outputs}})
    rule = plugins.parse("rules", "gopher")
    assert isinstance(rule, Rule)
    assert decide(table, rule.predicates())["decision"].to_pylist() == ["kept", "dropped"]
