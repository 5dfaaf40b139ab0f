"""Cards: every number is the record's, nothing is invented, nothing is fetched, no text becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import UnknownName, UsageError
from modelwright.govern import keys
from modelwright.govern.cards import card_of
from modelwright.govern.cards.card import ABSENT, MEASURED, Card, Field
from modelwright.govern.cards.format import duration, exact, short, size
from modelwright.govern.cards.render import FORMS, render
from modelwright.govern.records import Records
from tests.govern import sample
from tests.govern.sample import Sample

REFS = ("pile@1", "model@1", "adapter@1", "release@1")


def card(project: Sample, ref: str) -> Card:
    return card_of(project.records.find(ref), project.records, "handbook", "completion")


class Page(HTMLParser):
    """What a browser would load, and whether the page is well formed."""

    VOID = ("meta", "img", "br", "wbr", "link", "rect", "line", "input")

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.loaded += [str(values[name]) for name in ("src", "srcset", "data", "action", "poster") if name in values]
        self.links += [str(values["href"])] if "href" in values else []
        self.ids |= {str(values["id"])} if "id" in values else set()
        assert not any(name.startswith("on") for name in values)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(text: str) -> Page:
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    assert parsed._open == []
    return parsed


def values(card: Card) -> list[Field]:
    return [*card.headline, *(field for section in card.sections for field in section.fields)]


def test_the_numbers_of_the_records_stand_on_the_cards(project: Sample) -> None:
    pile, model, adapter, release = (
        "".join(page(render(card(project, ref), "html")).text) for ref in REFS
    )  # fmt: skip
    for number in ("23,226", "22,871", "2,893", "5,276", "1,311", "41.2 MB", "1.68 %", "810", "21.4 %"):
        assert number in pile
    for number in ("3,147,264", "7,507,968", "1.62 × 10¹⁴", "4.118", "2.134", "2.071 to 2.199", "0.02"):
        assert number in model
    for number in ("81,920", "7.13 %", "5.12 % to 9.21 %", "−0.12 % to 2.31 %", "inconclusive", "0.0004"):
        assert number in adapter
    for number in ("1 of 2", "experimental", "31,204,771", "3,147,264", "EmptyResult", "12.6 MB"):
        assert number in release


@pytest.mark.parametrize("ref", REFS)
def test_a_page_asks_for_nothing_outside_itself(project: Sample, ref: str) -> None:
    text = render(card(project, ref), "html")
    parsed = page(text)
    assert all(place.startswith("data:") for place in parsed.loaded)
    assert all(link.startswith("#") for link in parsed.links)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("ref", REFS)
def test_every_link_leads_to_the_event_that_holds_the_value(project: Sample, ref: str) -> None:
    made = card(project, ref)
    parsed = page(render(made, "html"))
    assert parsed.links
    assert {link.removeprefix("#") for link in parsed.links} <= parsed.ids
    known = {entry.seq: entry.digest for entry in project.records.entries}
    assert made.sources
    assert all(known[source.seq] == source.digest for source in made.sources)
    assert all(field.source in known for field in values(made) if field.kind == MEASURED)


@pytest.mark.parametrize("ref", REFS)
def test_the_three_forms_hold_the_same_values(project: Sample, ref: str) -> None:
    made = card(project, ref)
    as_json = json.loads(render(made, "json"))
    assert as_json["ref"] == ref
    assert as_json["sections"] == json.loads(json.dumps(asdict(made)["sections"]))
    markdown, text = render(made, "md"), "".join(page(render(made, "html")).text)
    for section in made.sections:
        assert section.title in text
        assert f"## {section.title.replace('_', chr(92) + '_')}" in markdown
    for field in values(made):
        if field.kind == MEASURED and isinstance(field.value, int | float):
            assert short(field.value, field.unit, with_unit=False) in text
            assert short(field.value, field.unit, with_unit=False) in markdown
        assert field.kind not in ABSENT or field.value is None


def test_equal_records_give_equal_bytes(project: Sample) -> None:
    again = Records(project.ledger, project.home)
    for ref in REFS:
        for form in FORMS:
            assert render(card(project, ref), form) == render(
                card_of(again.find(ref), again, "handbook", "completion"), form
            )


def test_writing_a_card_does_not_change_the_card(project: Sample) -> None:
    before = {ref: render(card(project, ref), "html") for ref in REFS}
    for ref in REFS:
        sample.write_cards(project, ref)
    assert {ref: render(card(project, ref), "html") for ref in REFS} == before


def test_what_is_not_on_record_is_said_to_be_and_never_invented(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    for kind in ("pile", "model", "adapter", "release"):
        sample.record(
            made, kind, {}, [], settings={}, estimate={}, versions={}, machine={}, seconds=None, cpu_seconds=None
        )
    for ref in REFS:
        sheet = card(made, ref)
        for field in values(sheet):
            assert (field.value is None) == (field.kind in ABSENT), field
            assert not isinstance(field.value, int | float), field
        text = "".join(page(render(sheet, "html")).text)
        assert ABSENT["blank"] in text
        assert ABSENT["unknown"] in text
        assert render(sheet, "md")
    made.ledger.close()


def test_measured_stated_blank_and_unknown_are_told_apart(project: Sample) -> None:
    kinds = {field.name: field.kind for field in values(card(project, "model@1"))}
    assert kinds["parameters"] == "measured"
    assert kinds["use"] == "stated"
    assert kinds["known limits"] == "blank"
    assert kinds["toxicity of what it writes"] == "unknown"
    assert kinds["same content as"] == "not_applicable"


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a|b", "`x` *y* [z](http://evil)", 'x" onload="y', "a\nb"]
)
def test_no_name_becomes_markup(tmp_path: Path, name: str) -> None:
    made = sample.empty(tmp_path / "p")
    facts: dict[str, Any] = {
        "by_source": {name: {"documents": 3, "bytes": 5}}, "reasons": [{"rule": name, "signal": name, "documents": 1}],
        "decisions": {"kept": 1}, "note": name, "sources": {name: {"licence": name, "owner": name, "version": name}},
    }  # fmt: skip
    sample.record(made, "pile", facts, [], settings={name: name}, reason=name)
    sheet = card_of(made.records.find("pile@1"), made.records, name, name)
    parsed = page(render(sheet, "html"))
    assert "script" not in parsed.tags
    assert not parsed.loaded
    assert name in "".join(parsed.text)
    rows = [line for line in render(sheet, "md").splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5, 6, 7, 8, 9, 10) for line in rows)
    assert not re.search(r"(?<!\\)\]\(", render(sheet, "md"))
    made.ledger.close()


def test_a_plot_is_shown_only_when_it_is_the_recorded_one(project: Sample) -> None:
    assert "data:image/png;base64," in render(card(project, "model@1"), "html")
    assert "data:image" not in render(card(project, "pile@1"), "html")


def test_a_card_names_every_evaluation_and_the_parent_really_used(project: Sample) -> None:
    sample.record(project, "scores", sample.SCORES_FACTS, [("subject", "model@1"), ("pile", "pile@1")], of="model@1")
    sample.record(project, "pile", {**sample.PILE_FACTS, "documents": 9}, [])
    text = "".join(page(render(card(project, "model@1"), "html")).text)
    assert "scores@3" in text
    assert "scores@1" in text
    assert "pile@1" in text
    assert "pile@2" not in text


def test_an_approval_stands_with_its_key_on_the_fact_sheet(project: Sample) -> None:
    sheet = card(project, "release@1")
    rows = [
        row
        for section in sheet.sections
        for table in section.tables
        if table.title == "Approvals"
        for row in table.rows
    ]
    assert [row.cells[2] for row in rows] == ["approved"]
    assert rows[0].cells[4] == keys.signer().public_key.keyid


def test_there_is_no_card_for_tokens_and_no_form_called_pdf(project: Sample) -> None:
    with pytest.raises(UsageError, match=r"tokens@1"):
        card(project, "tokens@1")
    with pytest.raises(UnknownName, match="pdf"):
        render(card(project, "pile@1"), "pdf")


def test_the_data_card_says_how_good_the_detectors_are_and_how_to_measure_it_again(tmp_path: Path) -> None:
    figure = {"detector": "abuse", "measured_on": "made rows", "metric": "f1", "value": 0.876, "low": 0.85, "high": 0.9}
    figures = [
        {**figure, "items": 1234, "left_out": 5, "at_least": 0.905, "at_most": None},
        {**figure, "metric": "share", "value": 0.0004, "items": 99, "left_out": 0, "at_least": None, "at_most": 0.001},
    ]
    entry = {
        "measures": "Abuse.",
        "measured_at": "2026-11-21",
        "versions": {"modelwright": "0.1.0"},
        "figures": figures,
    }
    made = sample.empty(tmp_path / "p")
    sheet = card(made, sample.record(made, "pile", {"detectors": {"abuse": entry}}, []))
    for form in FORMS:
        text = render(sheet, form)
        assert "modelwright benchmark prepare" in text
        assert "made rows" in text
        assert "0.876" in text
        assert "at least 0.905" in text
    section = next(item for item in sheet.sections if item.title == "Quality of the detectors")
    assert [row.cells[-1] for row in section.tables[0].rows] == ["fail", "pass"]


def fields_of(card: Card, section: str) -> dict[str, Field]:
    return {field.name: field for item in card.sections if item.title == section for field in item.fields}


def tables_of(card: Card) -> dict[str, Any]:
    return {table.title: table for section in card.sections for table in section.tables}


@pytest.mark.parametrize(
    ("redact", "residue", "kind", "value"),
    [
        (["email"], {}, "measured", "none"), (["email"], {"email": 2}, "measured", 2),
        (["email"], None, "unknown", None), (None, {}, "not_applicable", None),
    ],
)  # fmt: skip
def test_what_is_left_after_redaction_is_told_apart_from_no_redaction(
    tmp_path: Path, redact: Any, residue: Any, kind: str, value: Any
) -> None:
    made = sample.empty(tmp_path / "p")
    edited = {"documents": 1, "spans": 2, "by_kind": {"email": 2}} | (
        {"residue": residue} if residue is not None else {}
    )
    ref = sample.record(made, "pile", {"redactions": edited}, [], settings={"prepare.redact": redact})
    sheet = card(made, ref)
    field = fields_of(sheet, "Found and redacted")["still found after redaction"]
    assert (field.kind, field.value) == (kind, value)
    assert ("Still found after redaction" in tables_of(sheet)) == (value == 2)


def test_contamination_duplicates_flags_reservations_and_hosts_stand_on_the_data_card(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    facts = {
        **sample.PILE_FACTS, "signals": ["opt_out"], "opt_outs": {"noai": {"documents": 7}},
        "flags": {"ours.long": {"documents": 3, "bytes": 90}},
        "contamination": {"bench.jsonl": {"digest": "ab" * 32, "items": 100, "found": 4, "share": 0.04, "rows": [1]}},
        "by_web_domain": {"example.org": {"documents": 9, "bytes": 80}},
        "web_domains": {"domains": 250, "listed": 25, "documents": 13, "bytes": 980},
    }  # fmt: skip
    pile = sample.record(made, "pile", facts, [])
    mixed = {"by": "language", "groups": {"de": {"tokens_before": 10, "tokens": 30, "share": 0.3, "epochs": 3.0}}}
    sample.record(made, "tokens", {"tokens": 100, "mix": mixed}, [("pile", pile)])
    sheet = card(made, pile)
    tables = tables_of(sheet)
    assert tables["Benchmark items found"].rows[0].cells[:4] == ("bench.jsonl", 100, 4, 0.04)
    assert [row.cells[:2] for row in tables["Duplicates by method"].rows] == [("exact", 4001), ("minhash", 1275)]
    assert tables["Flagged"].rows[0].cells == ("ours.long", 3, 90)
    assert tables["The 25 largest of 250 web hosts"].rows[0].cells == ("example.org", 9, 80)
    assert tables["Mix for training"].rows[0].cells[0] == "de"
    assert fields_of(sheet, "Rights")["documents that reserve themselves"].value == 7
    assert fields_of(sheet, "Composition")["tokens for training"].value == 100
    assert fields_of(sheet, "Composition")["time span of the texts"].kind == "unknown"


def test_what_was_not_sought_is_unknown_and_not_none(tmp_path: Path) -> None:
    made = sample.empty(tmp_path / "p")
    sheet = card(made, sample.record(made, "pile", {**sample.PILE_FACTS, "opt_outs": {}}, []))
    assert fields_of(sheet, "Rights")["documents that reserve themselves"].kind == "unknown"
    assert fields_of(sheet, "Contamination")["benchmarks sought"].kind == "unknown"
    assert fields_of(sheet, "Identity")["version before"].kind == "not_applicable"


def test_a_long_table_is_folded_and_still_whole(project: Sample) -> None:
    facts = {**sample.PILE_FACTS, "by_language": {f"l{n}": {"documents": n, "bytes": n} for n in range(1, 21)}}
    sheet = card(project, sample.record(project, "pile", facts, []))
    text = "".join(page(render(sheet, "html")).text)
    assert "12 more" in text
    assert all(f"l{n}" in text for n in range(1, 21))
    assert "nobody stated it: " in text


json_facts = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = [*sample.PILE_FACTS, *sample.MODEL_FACTS, "metrics", "gates", "examples", "warnings", "subject", "approved_by"]


@given(kind=st.sampled_from(["pile", "model", "adapter", "release", "scores"]),
       facts=st.dictionaries(st.sampled_from(NAMES), json_facts, max_size=5))  # fmt: skip
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_facts_make_a_card(tmp_path: Path, kind: str, facts: dict[str, Any]) -> None:
    entries = tmp_path / "p"
    made = sample.empty(entries) if not entries.exists() else _again(entries)
    if kind == "scores":
        model = sample.record(made, "model", {}, [])
        sample.record(made, "scores", facts, [("subject", model)], of=model)
        sheet = card(made, model)
    else:
        sheet = card(made, sample.record(made, kind, facts, []))
    for form in FORMS:
        assert render(sheet, form)
    page(render(sheet, "html"))
    made.ledger.close()


def _again(folder: Path) -> Sample:
    from modelwright.govern.ledger import Ledger

    home = folder / ".modelwright"
    ledger = Ledger.open(home / "ledger.db")
    return Sample(ledger, Records(ledger, home), home, folder)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12_345, "", "12,345"), (1, "documents", "1 document"), (0.0155, "share", "1.55 %"), (0, "share", "0 %"),
        (1_234_567, "bytes", "1.23 MB"), (999, "bytes", "999 bytes"), (999_999, "bytes", "1 MB"),
        (192.0, "seconds", "3 min 12 s"),
        (0.0042, "", "0.0042"), (-0.0012, "share", "−0.12 %"), (True, "", "yes"), (1.5e15, "flops", "1.50 × 10¹⁵"),
        (float("nan"), "", "not a number"), ("ab" * 32, "digest", "abababababab…"), (None, "bytes", ""), (2.0, "", "2"),
        (123456.7, "", "123,457"), (99_999.6, "", "100,000"), (0.5, "seconds", "0.5 s"),
        ("2026-02-11T09:30:12Z", "time", "2026-02-11 09:30 UTC"),
    ],
)  # fmt: skip
def test_numbers_read_well(value: Any, unit: str, text: str) -> None:
    assert short(value, unit) == text


@given(st.integers(0, 10**16))
def test_sizes_and_durations_never_mislead(value: int) -> None:
    number, unit = size(value).replace(",", "").split()
    scale = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert abs(float(number) * scale - value) <= max(0.006 * value, 0.5)
    assert float(number) < 1000 or unit == "TB"
    parts = re.findall(r"(\d+) (min|s|h|d)", duration(float(value)))
    seconds = sum(int(n) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[u] for n, u in parts)
    assert abs(seconds - value) <= max(1, 0.042 * value)


def test_the_exact_value_stays_beside_the_short_one() -> None:
    assert exact(1_234_567, "bytes") == "1,234,567 bytes"
    assert exact(12_345, "documents") == ""
    assert exact("ab" * 32, "digest") == "ab" * 32
