"""Benchmark items do not get into a pile, and what was found is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelwright.core import plugins
from modelwright.core.errors import InputError
from modelwright.prepare.settings import PileSettings
from tests.prepare import piles

QUESTIONS = [
    {"question": "Which large river flows through the old city of London in England today?",
     "choices": ["Thames", "Po"], "label": 0},
    {"question": "How many legs does an ordinary garden spider have in total, all counted?",
     "choices": ["6", "8"], "label": 1},
]  # fmt: skip
TEXTS = [
    "A long story about nothing at all, told by nobody in particular on a wet evening.",
    "Trivia! which LARGE river flows through the old city of London, in England today -- the Thames, of course.",
    "Another document, with words that are no trivia and that nobody would ask for in an exam.",
]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    rows = [{"id": str(number), "text": text} for number, text in enumerate(TEXTS)]
    piles.write(tmp_path, {"bench/q.jsonl": piles.lines(QUESTIONS), "a.jsonl": piles.lines(rows)})
    plugins.use_project(tmp_path)
    yield tmp_path
    plugins.use_project(None)


def settings(**more: Any) -> dict[str, Any]:
    return {"sources": [{"jsonl": {"path": "a.jsonl"}}], "holdout": 0, **more}


def test_a_document_with_an_item_is_dropped_or_the_item_is_cut(project: Path) -> None:
    output, made = piles.run(project, settings(decontaminate=["bench/q.jsonl"]))
    facts = output.facts["contamination"]["q.jsonl"]
    assert (facts["items"], facts["found"], facts["share"], facts["rows"]) == (2, 1, 0.5, [0])
    dropped = [row for row in piles.decisions(project, made).to_pylist() if row["decision"] == "dropped"]
    assert [(row["rule"], row["signal"], row["value"]) for row in dropped] == [("decontaminate", "contamination", 1.0)]
    cut = settings(decontaminate={"against": "bench/q.jsonl", "action": "cut"})
    output, made = piles.run(project, cut, version=2)
    from modelwright.engines.pile_reader import open_pile

    reader = open_pile(project / ".modelwright", made.out)
    texts = {text for batch in reader.texts(reader.documents()) for text in batch.column("text").to_pylist()}
    assert any("Trivia!" in text and "river" not in text and "the Thames" in text for text in texts)
    found = [row for row in reader.findings().to_pylist() if row["signal"] == "contamination"]
    assert {row["kind"] for row in found} == {"q.jsonl#0.question"}


def test_the_benchmarks_of_the_project_are_sought_too_and_their_content_is_part_of_the_pile(project: Path) -> None:
    plain = PileSettings.model_validate(settings())
    assert plain.with_benchmarks([]).decontaminate is None
    assert plain.files(project) == ()
    more = plain.with_benchmarks(["bench/q.jsonl", "bench/q.jsonl"])
    assert more.files(project) == (project / "bench/q.jsonl",)
    assert more.decontaminate is not None
    assert more.decontaminate.action == "drop"


def test_a_benchmark_file_that_is_missing_is_an_error_with_its_name(project: Path) -> None:
    with pytest.raises(InputError, match="there is no benchmark file"):
        piles.run(project, settings(decontaminate=["bench/missing.jsonl"]))


def test_a_benchmark_file_that_changes_is_read_again(project: Path) -> None:
    from modelwright.prepare.signals.contamination import index_of

    path = project / "bench/q.jsonl"
    before = index_of((path,))
    assert index_of((path,)) is before
    path.write_bytes(piles.lines(QUESTIONS[:1]))
    assert len(index_of((path,)).items) < len(before.items)


def test_repeated_lines_are_edits_with_findings(project: Path) -> None:
    footer = "Printed by the museum press, all rights reserved, ask at the desk."
    stories = [
        "The morning was cold and the ferry was late, so the children played on the pier until noon.",
        "My grandmother kept bees behind the house and sold the honey to the baker every autumn.",
        "When the snow came the road was closed, and we read old letters by the fire for a week.",
    ]
    rows = [{"id": str(number), "text": f"{story}\n{footer}\n"} for number, story in enumerate(stories)]
    piles.write(project, {"b.jsonl": piles.lines(rows)})
    wanted = {"sources": [{"jsonl": {"path": "b.jsonl"}}], "holdout": 0,
              "dedup": ["exact", "minhash", {"lines": {"min_documents": 3, "when": "any"}}]}  # fmt: skip
    output, made = piles.run(project, wanted, version=3)
    assert output.facts["decisions"]["changed"] == 3
    table = piles.decisions(project, made).to_pylist()
    assert {(row["decision"], row["rule"], row["signal"]) for row in table} == {("changed", "lines", "line")}
    assert output.facts["bytes"] == sum(len(story.encode()) + 1 for story in stories)
