"""The page of a report: from plain data, whatever it lacks, to HTML that a browser draws and nothing leaves."""

from __future__ import annotations

import copy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import chromium
from PIL import Image

from modelwright.govern.pages.remarks import remarks
from modelwright.govern.pages.report import report_page

NOTHING = {"documents": 0, "bytes": 0}
DECIDED = ("kept", "changed", "dropped", "duplicate", "quarantined")
VOID = {"meta", "br", "input", "rect", "line", "path", "img"}


def row(source: str, decision: str, rule: str | None, documents: int, size: int) -> dict[str, Any]:
    return {"source": source, "decision": decision, "rule": rule, "documents": documents, "bytes": size}


def sampled(decision: str, excerpt: str | None) -> dict[str, Any]:
    return {
        "document": "0" * 64, "source": "books", "origin": "a<b>.txt", "decision": decision, "rule": "gopher",
        "signal": "words", "value": 3.0, "value_text": None, "threshold": "50", "duplicate_of": None, "of": 7,
        "language": "en", "excerpt": excerpt, "note": "" if excerpt else "not shown: offensive",
    }  # fmt: skip


def data() -> dict[str, Any]:
    """A small pile with something of everything."""
    flow = [
        row("books", "kept", None, 6, 900),
        row("books", "dropped", "gopher", 3, 80),
        row("code", "duplicate", "exact", 1, 20),
    ]
    effect = {
        "alone": {"documents": 3, "bytes": 80},
        "first": {"documents": 3, "bytes": 80},
        "only": {"documents": 2, "bytes": 60},
    }
    part = {**effect, "predicate": "words", "condition": "words < 50", "redundant": False, "shared_with": None}
    bins = {"log": False, "edges": [0.0, 50.0, 100.0], "kept": [0, 6], "out": [3, 1], "beyond": 0, "documents": 10}
    limit = {"value": 50.0, "comparison": "<", "rule": "gopher", "drops": 3}
    return {
        "project": "demo <b>", "use": "", "pile": "pile@2", "digest": "ab" * 32, "made_at": "2026-01-01T00:00:00+00:00",
        "gone": [], "input": {"documents": 10, "bytes": 1000},
        "in_pile": {"documents": 6, "bytes": 900, "tokens": 300, "held_out": 1},
        "decisions": {**dict.fromkeys(DECIDED, NOTHING), "kept": {"documents": 6, "bytes": 900},
                      "dropped": {"documents": 3, "bytes": 80}, "duplicate": {"documents": 1, "bytes": 20}},
        "flow": flow, "sources": [{"source": "books", "documents": 9, "in_pile": {"documents": 6, "bytes": 900}}],
        "rules": [{"rule": "gopher", **effect, "redundant": False, "shared_with": None, "predicates": [part]}],
        "together": {"documents": 3, "bytes": 80}, "unmeasured": [],
        "histograms": [{"name": "words", "expression": "words", "when": {"kind": ["a"]}, "limits": [limit], **bins}],
        "composition": {"language": [{"value": "en", "documents": 6, "bytes": 900, "tokens": 300}]},
        "web_domains": {}, "contamination": {"bench.jsonl": {"items": 10, "found": 1, "share": 0.1}},
        "lengths": {**bins, "out": [0, 0], "longest": [{"source": "books", "origin": "x", "bytes": 90}],
                    "quantiles": {"shortest": 1, "tenth": 2, "median": 50, "nine_tenths": 80, "longest": 90}},
        "duplicates": {"documents": 1, "bytes": 20, "by": [{"rule": "exact", "documents": 1, "bytes": 20}],
                       "clusters": 1, "largest": [{"survivor": None, "copies": 1, "members": [
                           {"source": "code", "origin": "f" * 100, "rule": "exact", "value": 1.0}]}]},
        "personal": {"looked": True, "kinds": [
            {"kind": "email", "spans": 4, "documents": 2, "in_pile": 3, "edited": 3, "residue": 1}]},
        "kept": [sampled("kept", "Once <script>alert(1)</script>")], "out": [sampled("dropped", None)], "quoted": [],
    }  # fmt: skip


def bare() -> dict[str, Any]:
    """One document that was kept, of which nothing else is known."""
    empty = data() | {
        "flow": [row("books", "kept", None, 1, 5)], "input": {"documents": 1, "bytes": 5},
        "in_pile": {"documents": 1, "bytes": 5, "tokens": None, "held_out": 0}, "sources": [], "rules": [],
        "decisions": {**dict.fromkeys(DECIDED, NOTHING), "kept": {"documents": 1, "bytes": 5}}, "together": NOTHING,
        "histograms": [], "composition": {}, "lengths": {}, "contamination": {}, "kept": [], "out": [],
        "duplicates": {"documents": 0, "bytes": 0, "by": [], "clusters": 0, "largest": []},
        "personal": {"looked": False, "kinds": []},
    }  # fmt: skip
    return empty


class Balanced(HTMLParser):
    """Remembers tags that were closed in another order than opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


def test_every_tag_is_closed_and_every_text_is_escaped() -> None:
    for given in (data(), bare()):
        page = report_page(given)
        parser = Balanced()
        parser.feed(page.partition("</style>")[2].partition("</head>")[2].replace("</html>", ""))
        assert parser.wrong == []
        assert parser.open == []
        assert "<script" not in page
        assert "demo <b>" not in page
        assert "a<b>" not in page


def test_nothing_is_fetched_from_outside() -> None:
    assert chromium.outside(report_page(data())) == []
    assert "default-src 'none'" in report_page(data())


def test_numbers_of_the_data_stand_on_the_page() -> None:
    page = report_page(data())
    for told in (
        "6 documents of 10 (60 %)",
        "dropped by gopher",
        "duplicates, exact",
        "drops &lt; 50",
        "words &lt; 50",
    ):
        assert told in page
    assert page.count("<svg") == page.count("</svg>") >= 6
    assert page.count('role="img"') + page.count('aria-hidden="true"') == page.count("<svg")


def test_a_section_of_which_nothing_is_known_is_left_out() -> None:
    page = report_page(bare())
    assert "Nothing was left out" in page
    assert 'id="flow"' in page
    for name in ("rules", "signals", "duplicates", "contamination", "samples", "lengths"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page


def test_links_lead_to_sections() -> None:
    page = report_page(data())
    names = [part.partition('"')[0] for part in page.split('href="#')[1:]]
    assert names
    assert all(f'id="{name}"' in page for name in names)


def test_remarks_name_what_should_be_looked_into_first() -> None:
    found = remarks(data())
    assert [look for look, _ in found] == sorted((look for look, _ in found), reverse=True)
    told = " ".join(text for _, text in found)
    assert "code loses 100 % of its documents" in told
    assert "Still found after editing: 1 × email" in told
    assert "1 items of bench.jsonl" in told
    changed = copy.deepcopy(data())
    changed["rules"][0]["redundant"] = True
    assert any("Without gopher" in text for look, text in remarks(changed) if look)


def test_what_a_takedown_barred_is_no_work_of_the_rules() -> None:
    changed = copy.deepcopy(data())
    changed["flow"].append(row("books", "dropped", "takedown", 1, 40))
    changed["decisions"]["dropped"] = {"documents": 4, "bytes": 120}
    told = " ".join(text for _, text in remarks(changed))
    assert "1 of the documents read is barred by a takedown" in told
    assert "3 of the 3 that rules drop" in told
    assert "The rules as they stand" not in told


def test_a_browser_draws_it_light_and_dark(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_page(data()))
    read = chromium.dom(page, tmp_path)
    assert 'id="samples"' in read
    assert chromium.outside(read) == []
    colours = {}
    for dark in (False, True):
        with Image.open(chromium.picture(page, tmp_path, dark=dark)) as picture:
            pixels = picture.convert("RGB").resize((64, 64))
            assert len(set(pixels.getdata())) > 50
            colours[dark] = picture.convert("L").getpixel((2, 2))
    assert colours[False] > 200 > 60 > colours[True]  # type: ignore[operator]
