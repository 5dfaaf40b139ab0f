"""Public summary of training content, Article 53(1)(d) of Regulation (EU) 2024/1689, in the AI Office's template.

Each answer is measured, stated, blank, not applicable or unknown. `no` is only said where every source has a stated
class: a source whose class nobody stated may be of any.
Source: the template and explanatory notice of the AI Office, 24 July 2025, sections 1 to 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelwright.govern.cards.card import (
    BLANK,
    MEASURED,
    NOT_APPLICABLE,
    STATED,
    UNKNOWN,
    Card,
    Column,
    Facts,
    Field,
    Row,
    Section,
    Table,
    distribution,
    facts_of,
    finished,
    present,
)
from modelwright.govern.cards.render import render
from modelwright.govern.cards.rights import reservations, said
from modelwright.govern.exports import Exported, Subject
from modelwright.govern.exports.values import main_languages, tokens_of
from modelwright.govern.lineage import descendants

BILLION, LARGE_SHARE = 10**9, 0.03
"""A public dataset is large, and named, from this share of the public ones."""
REQUIRED: Mapping[str, str] = {
    "provider": "card.provider.name",
    "contact of the provider": "card.provider.contact",
    "name and version of the model": "card.model_name",
    "date of placement on the Union market": "card.market_date",
    "latest date of acquisition": "card.acquired_until",
    "measures for reservations of rights": "card.opt_out_policy",
    "measures against illegal content": "card.illegal_content",
}


def export(subject: Subject, as_json: bool = False) -> Exported:
    """Markdown, or the same sections and fields as JSON."""
    summary = build(subject)
    values = {field.name: field for section in summary.sections for field in section.fields}
    absent = [f"{name} ({where})" for name, where in REQUIRED.items() if values[name].value is None]
    unclassed = sorted(name for name, of in _classes(subject).items() if of is None)
    absent += [f"class of the source {name} (card.sources.{name}.class)" for name in unclassed]
    return Exported(render(summary, "json" if as_json else "md"), tuple(absent))


def build(subject: Subject) -> Card:
    """The summary as a card, so that it prints like one, each value with its event."""
    facts, artifact = facts_of(subject.artifact), subject.artifact
    sections = (
        _provider(subject),
        _model(subject),
        _size(subject, facts),
        _public(subject, facts),
        _private(subject),
        _crawled(subject, facts),
        _kind(subject, "2.4 User data", "user", "data of users was used"),
        _kind(subject, "2.5 Synthetic data", "synthetic", "synthetic data was used"),
        _kind(subject, "2.6 Other sources", "other", "data of other sources was used"),
        _unclassed(subject),
        _processing(subject, facts),
    )
    return finished(
        Card(
            "public summary of training content", artifact.ref, f"{subject.card.project} · {artifact.ref}",
            artifact.digest, subject.card.project,
            f"Training content of models made from {artifact.ref}, by the template of Article 53(1)(d) of the AI Act.",
            (), (), sections,
        ),
        subject.records,
    )  # fmt: skip


def _provider(subject: Subject) -> Section:
    fields = (
        said(subject.stated, "provider", "provider.name"),
        said(subject.stated, "address of the provider", "provider.address"),
        said(subject.stated, "contact of the provider", "provider.contact"),
        said(subject.stated, "authorised representative", "provider.representative"),
    )
    return Section("1.1 Provider", fields)


def _model(subject: Subject) -> Section:
    known = subject.records.by_ref()
    made = [known[ref] for ref in descendants(subject.records, subject.artifact.ref)]
    models = [item for item in made if item.kind in ("model", "adapter")]
    fields = (
        said(subject.stated, "name and version of the model", "model_name"),
        Field("models on record", ", ".join(item.ref for item in models), source=models[-1].record.get("seq"))
        if models
        else Field("models on record", None, kind=NOT_APPLICABLE, note="none was trained on this version"),
        said(subject.stated, "made from the model", "model_base"),
        said(subject.stated, "date of placement on the Union market", "market_date"),
    )
    return Section("1.2 Model", fields)


def _size(subject: Subject, facts: Facts) -> Section:
    languages = main_languages(subject)
    tokens, counted_in = tokens_of(subject)
    modalities = sorted(subject.counted("by_modality"))
    fields = (
        Field("modalities", ", ".join(modalities), source=facts.source, note="no other is in the data")
        if modalities
        else Field("modalities", None, kind=UNKNOWN),
        size_of_text(tokens, facts, counted_in),
        Field("tokens of text", tokens, "tokens", source=counted_in)
        if tokens is not None
        else Field("tokens of text", None, "tokens", UNKNOWN, note="no tokens were made of it"),
        facts.field("documents", "documents", unit="documents"),
        facts.field("text", "bytes", unit="bytes"),
        said(subject.stated, "types of content", "content"),
        said(subject.stated, "latest date of acquisition", "acquired_until"),
        said(subject.stated, "trained on after this date", "continuous"),
        Field("languages", ", ".join(languages), source=facts.source, note="with at least 1 % of the bytes each")
        if languages
        else Field("languages", None, kind=UNKNOWN),
        said(subject.stated, "regions and people", "people"),
    )
    tables = present(distribution("Languages", "language", facts.mapping("by_language"), facts.source))
    return Section("1.3 Modalities, size and characteristics", fields, tables)


def size_of_text(tokens: int | None, facts: Facts, counted_in: int | None = None) -> Field:
    """The template's bin. Without tokens a text of fewer bytes than a billion has fewer tokens too; else unknown."""
    name, size = "size of the text", facts.get("bytes")
    if tokens is None and not (isinstance(size, int) and size < BILLION):
        return Field(name, None, kind=UNKNOWN, note="no tokens were made of it")
    count = tokens or 0
    shown = "less than 1 billion tokens" if count < BILLION else "1 billion to 10 trillion tokens"
    shown = "more than 10 trillion tokens" if count > 10_000 * BILLION else shown
    note = "" if tokens is not None else "a token has at least one byte"
    return Field(name, shown, kind=MEASURED, source=counted_in or facts.source, note=note)


def _classes(subject: Subject) -> dict[str, str | None]:
    """Source with documents in the pile -> its stated class."""
    found = subject.facts.get("sources")
    inside = {
        name: item
        for name, item in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(item, Mapping) and (not isinstance(item.get("in_pile"), Mapping) or item["in_pile"]["documents"])
    }
    stated = subject.stated.card.sources
    return {str(name): stated[name].class_ if name in stated else None for name in inside}


def _used(subject: Subject, of: str, question: str) -> Field:
    """Yes with the names; no only when the class of every source is stated."""
    classes = _classes(subject)
    names = sorted(name for name, stated in classes.items() if stated == of)
    if names:
        return Field(question, "yes: " + ", ".join(names), kind=STATED, source=subject.stated.seq)
    if classes and None not in classes.values():
        return Field(question, "no", kind=STATED, source=subject.stated.seq)
    return Field(question, None, kind=BLANK, note="the class of a source is not stated")


def _about(subject: Subject, of: str, words: Mapping[str, str]) -> Table | None:
    """What is stated of the sources of a class; `words` maps keys of a source's card to column names."""
    stated, sources = subject.stated.card.sources, subject.facts.get("sources")
    names = [name for name, found in _classes(subject).items() if found == of]
    if not names or not isinstance(sources, Mapping):
        return None
    rows = tuple(
        Row(
            (name, "text", *(getattr(stated[name], key) for key in words), sources[name].get("licence"),
             _inside(sources[name], "documents"), _inside(sources[name], "bytes")),
            subject.stated.seq,
        )
        for name in names
    )  # fmt: skip
    columns = (Column("source"), Column("modality"), *(Column(word) for word in words.values()), Column("licence"),
               Column("documents", "documents"), Column("bytes", "bytes"))  # fmt: skip
    return Table("Sources", columns, rows, STATED)


def _inside(source: Mapping[str, Any], unit: str) -> Any:
    counted = source.get("in_pile")
    return counted.get(unit) if isinstance(counted, Mapping) else None


_DATASET = {"url": "address", "period": "collected", "description": "what it is"}
_WRITTEN = {"generator": "written by", "period": "collected", "description": "what it is"}
_CRAWLER = {"crawler": "crawler, purpose, behaviour", "period": "collected", "description": "what it is"}


def _public(subject: Subject, facts: Facts) -> Section:
    table = _about(subject, "public", _DATASET)
    fields = [_used(subject, "public", "publicly available datasets were used")]
    if table is not None:
        total = sum(row.cells[-1] or 0 for row in table.rows)
        large = [str(row.cells[0]) for row in table.rows if total and (row.cells[-1] or 0) > LARGE_SHARE * total]
        fields.append(Field("large ones", ", ".join(large), source=facts.source, note="over 3 % of their bytes"))
    return Section("2.1 Publicly available datasets", tuple(fields), present(table))


def _private(subject: Subject) -> Section:
    fields = (
        _used(subject, "licensed", "commercially licensed datasets were used"),
        _used(subject, "private", "other private datasets of third parties were used"),
    )
    licensed, private = (_about(subject, of, _DATASET) for of in ("licensed", "private"))
    tables = present(
        replace(licensed, title="2.2.1 Licensed by rightsholders") if licensed else None,
        replace(private, title="2.2.2 Of other third parties") if private else None,
    )
    return Section("2.2 Private datasets of third parties", fields, tables)


def _crawled(subject: Subject, facts: Facts) -> Section:
    table = _about(subject, "crawled", _CRAWLER)
    used = _used(subject, "crawled", "data was crawled or scraped")
    counted, found = facts.mapping("web_domains"), facts.mapping("by_web_domain")
    fields = [used]
    if counted:
        note = "from origins that are web addresses, of crawled and other sources"
        fields.append(Field("web domains", counted.get("domains"), source=facts.source, note=note))
    title = "Most relevant domain names: the top 10 % by size, or the 25 largest where these are more"
    domains = distribution(title, "domain", found, facts.source, top=len(found)) if found else None
    return Section("2.3 Data crawled and scraped from online sources", tuple(fields), present(table, domains))


def _kind(subject: Subject, title: str, of: str, question: str) -> Section:
    words = _WRITTEN if of == "synthetic" else _DATASET
    return Section(title, (_used(subject, of, question),), present(_about(subject, of, words)))


def _unclassed(subject: Subject) -> Section:
    """Sources that nobody put into a class: a reader must see that the answers above are not complete."""
    sources = subject.facts.get("sources")
    names = [name for name, of in _classes(subject).items() if of is None]
    columns = (Column("source"), Column("access"), Column("licence"), Column("documents", "documents"),
               Column("bytes", "bytes"))  # fmt: skip
    seq = subject.artifact.record.get("seq")
    rows = tuple(
        Row((name, item.get("access"), item.get("licence"), _inside(item, "documents"), _inside(item, "bytes")), seq)
        for name in names
        if isinstance(sources, Mapping) and isinstance(item := sources[name], Mapping)
    )
    table = Table("Sources of no stated class", columns, rows) if rows else None
    return Section("2 Sources of no stated class", tables=present(table))


def _processing(subject: Subject, facts: Facts) -> Section:
    dropped = _dropped(facts, "opt_out")
    fields = (
        said(subject.stated, "signatory of the Code of Practice", "code_of_practice"),
        said(subject.stated, "measures for reservations of rights", "opt_out_policy"),
        reservations(facts),
        Field("documents dropped for it", dropped, "documents", source=facts.source)
        if dropped is not None
        else Field("documents dropped for it", None, "documents", UNKNOWN),
        said(subject.stated, "measures against illegal content", "illegal_content"),
    )
    return Section("3 Data processing", fields)


def _dropped(facts: Facts, rule: str) -> int | None:
    """Documents that a rule dropped; None where no reasons are on record."""
    reasons = facts.get("reasons")
    if not isinstance(reasons, (list, tuple)):
        return None
    mine = [item for item in reasons if isinstance(item, Mapping) and item.get("rule") == rule]
    return sum(item.get("documents") or 0 for item in mine)
