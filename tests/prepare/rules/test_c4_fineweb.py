"""`c4` and `fineweb` decide as datatrove does, for the same reason, and C4's edits leave the same text."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from modelwright.core import plugins
from modelwright.measure import text
from modelwright.prepare.edit import apply_edits
from modelwright.prepare.quality.base import Figure, Labelled
from modelwright.prepare.quality.rule_sets import RULES, datatrove_reasons, evaluate, our_reasons
from modelwright.prepare.rule import Rule
from modelwright.prepare.signals.c4_lines import C4Lines

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
ATOMS = [
    "Hello world again.", "one two three", "a", "b.", "?", "!", "...", "…", '"', "'", "\n", "\n", "\r\n", "\r", "\x85",
    " ", "  ", "\t", "[1]", "[]", "[٣]", "[edit]", "[citation needed]", "[12", "{", "javaScript", "java", "script",
    "Lorem Ipsum", "privacy policy", "use of coo\u212aies", "terms of use", "a.m.", ")", ":)", "é", "漢。", "(x)", "--",
    "。", "\u2028", "\x1c", "x" * 1001, "x" * 1000, "a b c d.", "Mr. X said so.", " ; ", " . ", "!?", "\u00a0", "-",
]  # fmt: skip
BREAKS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def made_up(seed: int, count: int) -> list[str]:
    choose = random.Random(seed)
    return [
        "".join(choose.choice(ATOMS) + choose.choice(["", " "]) for _ in range(choose.randint(0, 40)))
        for _ in range(count)
    ]


def datatrove_text(body: str, lenient: bool) -> str:
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter

    document = Document(text=body, id="0")
    kept = C4QualityFilter(
        filter_no_terminal_punct=not lenient, min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False
    ).filter(document)
    # Without a least number of sentences datatrove counts 0 of them, which is no fewer than -1.
    assert kept is True
    return document.text


def edited(bodies: list[str], lenient: bool) -> list[str]:
    rule = plugins.parse("rules", {"c4": {"when": "any", "keep_unpunctuated_lines": lenient}})
    assert isinstance(rule, Rule)
    kinds = {kind: editing.style for editing in rule.edits() for kind in editing.kinds}
    texts = pa.array(bodies, pa.large_string())
    found = C4Lines().measure(pa.record_batch({"text": texts})).column("findings").to_pylist()
    chosen = [[{**one, "style": kinds[one["kind"]]} for one in spans if one["kind"] in kinds] for spans in found]
    kind = pa.list_(
        pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("style", pa.string())])
    )
    return apply_edits(texts, pa.array(chosen, kind))[0].to_pylist()


def test_decisions_and_reasons_on_made_up_texts_equal_datatroves():
    bodies = made_up(1, 1500)
    theirs, _ = datatrove_reasons(bodies, [name for name in RULES if name != "gopher" and "fineweb" not in name])
    ours, _ = our_reasons(bodies)
    for name, expected in theirs.items():
        wrong = [(body, a, b) for body, a, b in zip(bodies, expected, ours[name], strict=True) if a != b]
        assert not wrong, (name, len(wrong), wrong[:3])
        assert len(set(expected)) >= 3


def test_fineweb_on_made_up_texts_equals_datatrove_before_and_after_c4():
    bodies = [body for body in made_up(2, 1500) if body.split()]
    names = [name for name in RULES if name != "gopher"]
    theirs, _ = datatrove_reasons(bodies, names)
    ours, _ = our_reasons(bodies, names)
    for name in names:
        both = [(a, b) for a, b in zip(theirs[name], ours[name], strict=True) if a != "not reached"]
        assert all(a == b for a, b in both), name
        assert len({a for a, _ in both}) >= 2


@pytest.mark.parametrize("lenient", [False, True])
def test_the_edited_text_is_datatroves_but_for_what_ends_lines(lenient):
    bodies = made_up(3, 1500)
    for body, mine in zip(bodies, edited(bodies, lenient), strict=True):
        for letter in BREAKS:
            mine = mine.replace(letter, "\n")
        assert mine.strip() == datatrove_text(body, lenient), repr(body)


def test_speeches_are_edited_as_datatrove_edits_them():
    path = DATA / "prose_speeches.jsonl.gz"
    if not path.exists():
        pytest.skip("shared data is not there")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        bodies = [json.loads(line)["text"] for line, _ in zip(stream, range(20), strict=False)]
    for body, mine in zip(bodies, edited(bodies, False), strict=True):
        assert mine.strip() == datatrove_text(body, False)


@pytest.mark.slow
def test_all_rule_sets_decide_as_datatrove_on_prose():
    if not DATA.exists():
        pytest.skip("shared data is not there")
    figures = [found for found in evaluate(Labelled(DATA)) if isinstance(found, Figure)]
    assert len(figures) == len(RULES)
    assert all(figure.met for figure in figures)


def test_findings_lie_in_the_text_in_order_and_rows_do_not_depend_on_each_other():
    bodies = ["", None, "short\nA line that ends well.\n", "x", *made_up(4, 50), "A longer line stands here. " * 9]
    signal = C4Lines()
    whole = signal.measure(pa.record_batch({"text": pa.array(["skipped", *bodies], pa.large_string()).slice(1)}))
    assert whole.schema.names == [*C4Lines.outputs, "findings"]
    for row, body in enumerate(bodies):
        alone = signal.measure(pa.record_batch({"text": pa.array([body], pa.large_string())}))
        assert whole.slice(row, 1).to_pydict() == alone.to_pydict()
        spans = whole.column("findings")[row].as_py()
        assert (spans is None) == (body is None)
        assert spans == sorted(spans or [], key=lambda one: (one["start"], one["end"])) or spans is None
        size = len((body or "").encode())
        assert all(0 <= one["start"] < one["end"] <= size for one in spans or [])
        assert {one["kind"] for one in spans or []} <= set(text.C4_KINDS)


def test_fineweb_reads_the_text_that_its_option_names_and_nothing_else():
    rules = {name: plugins.parse("rules", {"fineweb": {"text": name}}) for name in ("raw", "c4", "c4_lenient")}
    assert not any(column.startswith("c4_") for column in rules["raw"].signals())
    assert "c4_text_lines" in rules["c4"].signals()
    assert "c4_lenient_text_lines" in rules["c4_lenient"].signals()


def test_mc4s_paragraphs_are_an_option():
    rule = plugins.parse("rules", {"c4": {"min_paragraph_length": 200}})
    assert rule.predicates()[-1].threshold == 200
    bodies = ["\n".join("x" * size for size in sizes) for sizes in ((200, 3, 200, 200), (200, 200), (200, 200, 199))]
    counts = dict(zip(text.COLUMNS, text.count(pa.array(bodies)).tolist(), strict=True))
    assert counts["third_longest_line"] == [200, 0, 199]


def test_the_option_of_the_project_file_by_example_is_the_default():
    assert plugins.parse("rules", {"fineweb": {"short_line_share": 0.67}}) == plugins.parse("rules", "fineweb")
