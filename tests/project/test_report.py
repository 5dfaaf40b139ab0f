"""The report of a pile and the page of a diff: what is counted, what is shown, what is never shown."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright
from modelwright import cli
from modelwright.core.errors import UsageError
from modelwright.prepare.rule import Predicate
from modelwright.project import counting
from modelwright.project.report import report_data

PLAIN = (
    "The report was read by nobody who had a minute to spare. It tells which of all documents were kept, and for what "
    "reason others had to go. Whoever asks will find numbers, pictures and short sentences there. None of them needs "
    "a network, since everything that is shown lies inside one page. That page prints well, too, on any old machine."
)
ADDRESS = "jane.doe@example-mail.org"


def data_of(folder: Path, reference: str = "pile") -> dict[str, Any]:
    project = modelwright.load(folder)
    return report_data(project.project, project.records, project[reference].artifact)


def small(folder: Path, rows: list[str], prepare: str) -> modelwright.Project:
    """A project over one file of texts, prepared."""
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))
    source = "sources: [{jsonl: {name: rows, path: rows.jsonl, licence: CC0-1.0}}]"
    (folder / "modelwright.yaml").write_text(f"name: small\nprepare:\n  {source}\n  {prepare}\n")
    project = modelwright.load(folder)
    project.run()
    return project


def test_the_counts_of_a_report_are_those_of_the_tables(prepared: Path) -> None:
    data = data_of(prepared)
    project = modelwright.load(prepared)
    facts = project["pile"].facts
    assert {name: count["documents"] for name, count in data["decisions"].items()} == facts["decisions"]
    assert (
        sum(row["documents"] for row in data["flow"]) == data["input"]["documents"] == sum(facts["decisions"].values())
    )
    assert (
        data["in_pile"]["documents"] == facts["documents"] == sum(r["documents"] for r in data["composition"]["kind"])
    )
    assert data["in_pile"]["bytes"] == facts["bytes"] == sum(row["bytes"] for row in data["composition"]["language"])
    assert data["in_pile"]["tokens"] == project["tokens"].facts["tokens"]
    assert data["duplicates"]["documents"] == sum(item["copies"] for item in data["duplicates"]["largest"])
    shown = project.rules_show()["rules"]
    for row in data["rules"]:
        same = next((item for item in shown if item["rule"] == row["rule"]), None)
        assert same is None or same["alone"] == row["alone"]
    for item in data["histograms"]:
        assert sum(item["kept"]) + sum(item["out"]) == item["documents"]
        assert len(item["edges"]) == len(item["kept"]) + 1


def test_rules_are_shown_as_the_version_had_them_whatever_the_project_says_now(prepared: Path) -> None:
    now = modelwright.load(prepared, ["prepare.rules=[{gopher: {min_words: 5000}}]"])
    assert now.rules_show("pile@1") == modelwright.load(prepared).rules_show("pile@1")


def test_a_report_is_a_page_that_a_browser_reads_and_that_shows_no_address(
    prepared: Path, copied: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = copied(prepared)
    written = modelwright.load(folder).pile_report()
    page = Path(written["file"])
    text = page.read_text()
    assert page == folder / "reports" / "pile-1.html"
    assert ADDRESS not in text
    assert chromium.outside(text) == []
    read = chromium.dom(page, tmp_path)
    for name in ("flow", "rules", "signals", "content", "lengths", "duplicates", "personal", "samples", "sources"):
        assert f'id="{name}"' in read


def test_the_ledger_says_once_which_documents_a_page_quotes(prepared: Path, copied: Callable[[Path], Path]) -> None:
    project = modelwright.load(copied(prepared))
    for _ in range(2):
        project.pile_report()
    events = [entry for entry in project.records.entries if entry.kind == "export"]
    assert [(event.get("ref"), event.get("place")) for event in events] == [("pile@1", "reports/pile-1.html")]
    known = set(project["pile"].to_arrow("decisions")["document"].to_pylist())
    assert events[0].get("quotes")
    assert set(events[0].get("quotes")) <= known


def test_texts_of_dropped_documents_are_left_out_where_their_source_is_gone(
    prepared: Path, copied: Callable[[Path], Path]
) -> None:
    folder = copied(prepared)
    shutil.rmtree(folder / "corpus" / "open")
    data = data_of(folder, "pile@1")
    assert len(data["gone"]) == 1
    lost = [row for row in data["out"] if row["source"] == "open"]
    assert lost
    assert all(row["note"] == "the source no longer holds it" for row in lost)
    assert any(row["excerpt"] for row in data["kept"])
    assert modelwright.load(folder).pile_report("pile@1")["bytes"] > 10_000


def test_what_offends_or_is_personal_is_not_quoted(tmp_path: Path) -> None:
    insult = "".join(map(chr, (115, 104, 105, 116)))
    rows = ["My name is Jane Doe, write to jane@example.org soon.", f"This is {insult}, said the man.", "A quiet day."]
    project = small(tmp_path / "p", rows, "rules: [hate]")
    page = Path(project.pile_report()["file"]).read_text()
    assert "jane@example.org" not in page
    assert "Jane Doe" not in page
    assert insult not in page
    assert "&lt;EMAIL&gt;" in page
    assert "A quiet day." in page


@pytest.mark.parametrize("prepare", ["rules: []", "rules: [gopher, {gopher: {min_words: 1}}]", "dedup: [exact]"])
def test_a_pile_of_one_document_has_a_report(tmp_path: Path, prepare: str) -> None:
    project = small(tmp_path / "p", [PLAIN], prepare)
    text = Path(project.pile_report(out=tmp_path / "deep" / "r.html")["file"]).read_text()
    assert "1 document of 1 (100 %) from 1 source" in text
    assert "Nothing was left out." in text


def test_a_version_whose_recipe_is_gone_is_told_without_its_rules(
    prepared: Path, copied: Callable[[Path], Path]
) -> None:
    folder = copied(prepared)
    (folder / ".modelwright" / "pile" / "1" / "recipe.yaml").unlink()
    data = data_of(folder)
    assert data["rules"] == []
    assert data["gone"] == ["the recipe of this version is gone"]
    assert data["decisions"]["dropped"]["documents"] > 0


def test_rules_are_those_of_the_version_and_not_of_the_file_as_it_stands(
    prepared: Path, copied: Callable[[Path], Path]
) -> None:
    folder = copied(prepared)
    before = data_of(folder)["rules"]
    file = folder / "modelwright.yaml"
    file.write_text(file.read_text().replace("rules: [gopher,", "rules: [{gopher: {min_words: 5000}},"))
    assert data_of(folder, "pile@1")["rules"] == before


def test_what_is_no_pile_has_no_report(prepared: Path) -> None:
    with pytest.raises(UsageError, match="is no pile"):
        modelwright.load(prepared).pile_report("tokens")


def test_two_versions_are_compared_as_a_page_and_as_tables(
    prepared: Path, copied: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(prepared)
    modelwright.load(folder, ["prepare.rules.code.max_line_length=60"]).run()
    page = tmp_path / "diff.html"
    at = ["--project", str(folder)]
    assert cli.invoke(["pile", "diff", "pile@1", "pile@2", "--as", "html", "--out", str(page), *at]) == 0
    read = chromium.dom(page, tmp_path)
    assert "now dropped by code" in read
    assert ADDRESS not in read
    assert chromium.outside(read) == []
    capsys.readouterr()
    assert cli.invoke(["pile", "diff", "pile@1", "pile@2", *at]) == 0
    assert "by reason" in capsys.readouterr().out
    assert cli.invoke(["pile", "diff", "pile@1", "pile@2", "--as", "htlm", *at]) != 0
    assert cli.invoke(["pile", "report", "--at", "pile@2", "--out", str(tmp_path / "r.html"), *at]) == 0
    assert (tmp_path / "r.html").is_file()


NUMBERS = st.lists(st.floats(-1e9, 1e9) | st.integers(0, 50).map(float) | st.just(0.0), min_size=1, max_size=60)


@given(NUMBERS, st.lists(st.floats(-1e6, 1e6), max_size=2))
def test_every_number_falls_into_a_bin(numbers: list[float], limits: list[float]) -> None:
    values = np.array(numbers)
    kept = values > np.median(values)
    found = counting.binning(values, kept, limits)
    assert sum(found["kept"]) == int(kept.sum())
    assert sum(found["out"]) == len(values) - int(kept.sum())
    assert all(low < high for low, high in zip(found["edges"], found["edges"][1:], strict=False))
    assert found["edges"][0] > 0 or not found["log"]


def million(rows: int) -> counting.Tables:
    """Tables of a large pile, made of numbers alone."""
    draw = np.random.default_rng(0)
    ids = pa.array(draw.permutation(rows)).cast(pa.string())
    source = pa.array(["web", "books", "code"]).take(pa.array(draw.integers(0, 3, rows)))
    decision = pa.array(["kept", "dropped", "duplicate"]).take(pa.array(draw.integers(0, 3, rows)))
    size = pa.array(draw.integers(1, 9999, rows))
    texts = pa.nulls(rows, pa.string())
    key = {"document": ids, "source": source, "origin": ids}
    decisions = pa.table(
        {**key, "decision": decision, "rule": source, "signal": source, "value": pa.array(draw.random(rows)),
         "value_text": texts, "threshold": texts, "duplicate_of": ids.take(pa.array(draw.integers(0, 999, rows))),
         "bytes": size}
    )  # fmt: skip
    counts = {name: pa.array(draw.integers(0, 900, rows)) for name in ("words", "lines")}
    values = pa.table({**key, "language": source, "bytes": size, "digest": ids, "kind": source, **counts})
    kept = pa.compute.equal(decision, "kept")
    documents = pa.table({**key, "bytes": size, "language": source, "split": texts, "tokens": size}).filter(kept)
    spans = pa.table({"document": ids, "signal": pa.array(["personal_data"] * rows), "kind": source})
    return counting.Tables(decisions, values, documents, spans, kept.to_numpy(zero_copy_only=False), True)


def test_a_million_documents_take_seconds() -> None:
    tables = million(1_000_000)
    predicates = [Predicate("r", f"s{n}", "words / lines", "<", n / 10, {"kind": ("web",)}) for n in range(40)]
    begun = time.process_time()
    counting.overview(tables)
    counting.composition(tables)
    counting.lengths(tables)
    counting.duplicates(tables)
    counting.personal(tables, {})
    drawn = counting.drawn(tables, ~tables.in_pile, ["decision", "rule", "signal"], 8)
    told = counting.tried(predicates, tables)
    seconds = time.process_time() - begun
    assert len(drawn) == 8
    assert told["rules"][0]["alone"]["documents"] > 0
    assert len(told["histograms"]) == 1
    assert seconds < 15, seconds
