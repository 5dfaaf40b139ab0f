"""The report of a version of the pile: one page that can be read in a minute, its details a click away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import short
from modelwright.govern.pages import charts, page
from modelwright.govern.pages.names import known
from modelwright.govern.pages.remarks import remarks
from modelwright.govern.pages.samples import OUTCOMES, STYLES, brief, outcome, reason, sample, words

Data = Mapping[str, Any]
Parts = tuple[str, str, Markup | str, tuple[Markup, ...]]

NAMES = {
    "language": "Languages",
    "code_language": "Programming languages",
    "kind": "Kinds of text",
    "domain": "Domains",
    "licence_class": "Classes of licence",
    "licence": "Licences, as stated",
    "access": "Access",
}
_ROWS = 8
_PREDICATES = 12
_PERSONAL = ("spans", "documents", "in_pile", "edited", "residue")


def report_page(data: Data) -> str:
    """The page from what `project.report.report_data` gathered."""
    parts = [
        _flow(data), _rules(data), _histograms(data), _composition(data), _lengths(data), _duplicates(data),
        _personal(data), _contamination(data), _samples(data), _sources(data),
    ]  # fmt: skip
    there = [part for part in parts if any(part[3])]
    sections = [page.section(name, title, lede, *content) for name, title, lede, content in there]
    head = _tiles(data) + page.remarks(remarks(data)) + page.links((name, title) for name, title, _, _ in there)
    foot = Markup(
        'Report of {0}, digest <span class="mono">{1}</span>, counted by modelwright from the tables of this version; '
        '<span class="mono">modelwright verify {0}</span> checks them. '
        "What is personal or offends is covered as far as it was found."
    ).format(data["pile"], data["digest"])
    return page.page("pile report", f"{data['project']} · {data['pile']}", _summary(data), head, sections, foot)


def _summary(data: Data) -> Markup:
    read, kept, decided = data["input"], data["in_pile"], data["decisions"]
    left = [
        f"{decided[name]['documents']:,} {word}"
        for name, word in (("dropped", "dropped by rules"), ("duplicate", "duplicates"), ("quarantined", "unreadable"))
        if decided[name]["documents"]
    ]
    told = f" Left out: {', '.join(left)}." if left else " Nothing was left out."
    edited = decided["changed"]["documents"]
    count = len({row["source"] for row in data["flow"]})
    return escape(
        f"{short(kept['documents'], 'documents')} of {read['documents']:,} "
        f"({page.share(kept['documents'], read['documents'])}) from {count} {'source' if count == 1 else 'sources'} "
        f"are in this pile{f', {edited:,} of them edited' if edited else ''}.{told}"
    )


def _tiles(data: Data) -> Markup:
    kept, read = data["in_pile"], data["input"]
    personal = sum(row["edited"] for row in data["personal"]["kinds"])
    part, copied = page.share(kept["documents"], read["documents"]), data["duplicates"]["clusters"]
    items = [
        (short(kept["documents"]), "documents in the pile", f"{part} of {read['documents']:,} read"),
        (short(kept["bytes"], "bytes"), "of text in the pile", f"of {short(read['bytes'], 'bytes')} read"),
        (short(data["duplicates"]["documents"]), "duplicates left out", f"{copied:,} texts had copies"),
    ]  # fmt: skip
    if kept["tokens"] is not None:
        items.insert(2, (_rounded(kept["tokens"]), "tokens to train on", f"{kept['held_out']:,} documents held out"))
    if data["personal"]["looked"]:
        items.append((short(personal), "spans of personal data edited", ""))
    return page.tiles(items)


def _rounded(value: int) -> str:
    for scale, word in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= scale:
            return f"{value / scale:.3g} {word}"
    return f"{value:,}"


def _flow(data: Data) -> Parts:
    panes = Markup("").join(
        Markup('<div class="pane"><h3 class="printed">By {}</h3>{}</div>').format(
            unit, charts.sankey(data["flow"], unit, outcome, f"From the sources to the pile, by {unit}")
        )
        for unit in ("bytes", "documents")
    )
    choice = Markup(
        '<fieldset class="choice"><legend class="hidden">measured by</legend>'
        '<input type="radio" name="unit" id="unit-bytes" checked><label for="unit-bytes">by bytes of text</label>'
        '<input type="radio" name="unit" id="unit-documents"><label for="unit-documents">by documents</label>'
        "{}</fieldset>"
    ).format(panes)
    rows = [
        (row["source"], outcome(row)[0], row["documents"], page.amount(row["bytes"], "bytes"))
        for row in sorted(data["flow"], key=lambda row: (row["source"], -row["documents"]))
    ]
    numbers = page.table(("source", "what became of it", "documents", "bytes"), rows, ("documents", "bytes"))
    lede = "Left the sources, right what became of them. Texts count as they were read."
    key = page.legend(*((name, OUTCOMES[name]) for name in OUTCOMES if data["decisions"][name]["documents"]))
    kept = sum(data["decisions"][name]["bytes"] for name in ("kept", "changed"))
    if kept > data["in_pile"]["bytes"]:
        lede += f" Edits then took {short(kept - data['in_pile']['bytes'], 'bytes')} out of the texts that stay."
    return "flow", "From the sources to the pile", lede, (key, choice, page.details("The same as a table", numbers))


def _rules(data: Data) -> Parts:
    fired = [row for row in data["rules"] if row["alone"]["documents"]]
    silent = [row["rule"] for row in data["rules"] if not row["alone"]["documents"]]
    most = max((row["alone"]["documents"] for row in fired), default=0)
    table = page.table(
        ("rule", "", "fires on", "is the reason for", "nobody else drops", "of the text read"),
        [_rule_row(row["rule"], row, most, data["input"]["bytes"]) for row in fired],
        ("fires on", "is the reason for", "nobody else drops", "of the text read"),
    )
    together = data["together"]
    said = escape(
        f"Together they drop {short(together['documents'], 'documents')}, "
        f"{page.share(together['documents'], data['input']['documents'])} of those read."
    )
    if silent:
        said += escape(f" No document meets: {', '.join(silent)}.")
    key = page.legend(
        ("alone", "fires, whatever other rules do"), ("first", "is the first to fire, so the reason"),
        ("only", "nothing else fires: these would come back without it"),
    )  # fmt: skip
    conditions = [
        (
            row["rule"],
            part["condition"],
            part["alone"]["documents"],
            part["first"]["documents"],
            part["only"]["documents"],
        )
        for row in fired
        for part in sorted(row["predicates"], key=lambda part: -part["alone"]["documents"])[:_PREDICATES]
        if part["alone"]["documents"]
    ]
    columns = ("rule", "drops when", "fires on", "is the reason for", "nobody else drops")
    inside = page.details("Each condition of the rules", page.table(columns, conditions, columns[2:]))
    return "rules", "What each rule does", said, (key, table, inside) if fired else ()


def _rule_row(name: str, row: Data, most: int, read: int) -> tuple[Any, ...]:
    alone, first, only = (row[part]["documents"] for part in ("alone", "first", "only"))
    drawn = charts.nested(alone, first, only, most, f"{name}: {alone:,}, {first:,}, {only:,}")
    bar = Markup('<td class="drawn">{}</td>').format(drawn)
    return name, bar, alone, first, only, page.share(row["alone"]["bytes"], read)


def _histograms(data: Data) -> Parts:
    figures = [
        Markup("<figure><h3>{}</h3>{}<figcaption>{}</figcaption></figure>").format(
            words(item["name"]), charts.histogram(item, item["expression"]), _caption(item)
        )
        for item in data["histograms"]
    ]
    key = page.legend(
        ("kept", "in the pile"), ("dropped", "left out, for whatever reason"), ("limit", "threshold of a rule")
    )
    lede = "The signals on which rules drop most. The shaded side is what a rule drops."
    drawn = Markup('<div class="thirds">{}</div>').format(Markup("").join(figures))
    return "signals", "Signals and their thresholds", lede, (key, drawn) if figures else ()


def _caption(item: Data) -> str:
    rules = [f"{limit['rule']} drops {limit['drops']:,}" for limit in item["limits"] if limit["drops"]]
    when = " and ".join(f"{words(name)} is {', '.join(values)}" for name, values in item["when"].items())
    of = f"of {item['documents']:,} documents" + (f" where {when}" if when else "")
    told = [f"{', '.join(rules) or 'drops none'} {of}"]
    if item["expression"] != item["name"]:
        told.append(item["expression"])
    return "; ".join([*told, *(["logarithmic scale"] if item["log"] else [])])


def _composition(data: Data) -> Parts:
    blocks = [
        Markup("<div><h3>{}</h3>{}</div>").format(NAMES[name], composition_table(name, rows, NAMES[name].lower()))
        for name, rows in data["composition"].items()
        if len(rows) > 1 or name not in ("access", "domain", "kind")
    ]
    hosts = [{"value": name, "tokens": None, **count} for name, count in data["web_domains"].items()]
    if hosts:
        blocks.append(Markup("<div><h3>Web hosts</h3>{}</div>").format(composition_table("host", hosts, "hosts")))
    grid = Markup('<div class="columns">{}</div>').format(Markup("").join(blocks))
    return (
        "content",
        "What is in the pile",
        "By bytes of text; tokens are those to train on.",
        (grid,) if blocks else (),
    )


def composition_table(name: str, rows: Sequence[Data], what: str) -> Markup:
    """The largest values with bars; the others are added up, and listed in full when opened."""
    total = sum(row["bytes"] for row in rows)
    most = max((row["bytes"] for row in rows), default=0)
    tokens = any(row["tokens"] is not None for row in rows)
    columns = ("value", "", "share", "bytes", "documents", *(("tokens",) if tokens else ()))

    def line(row: Data) -> tuple[Any, ...]:
        cells = (
            known(name, row["value"]),
            charts.bar(row["bytes"], most),
            page.share(row["bytes"], total),
        )
        counts = (page.amount(row["bytes"], "bytes"), page.amount(row["documents"], ""))
        return (*cells, *counts, *((page.amount(row["tokens"], ""),) if tokens else ()))

    shown = page.table(columns, [line(row) for row in rows[:_ROWS]], columns[2:])
    rest = page.table(columns, [line(row) for row in rows[_ROWS:]], columns[2:])
    return shown + page.details(f"{len(rows) - _ROWS} more {what}", rest, under=True)


def _lengths(data: Data) -> Parts:
    found = data["lengths"]
    if not found:
        return "lengths", "", "", ()
    marks = {"shortest": "shortest", "tenth": "one in ten is shorter than", "median": "half are shorter than",
             "nine_tenths": "nine in ten are shorter than", "longest": "longest"}  # fmt: skip
    numbers = page.table(
        ("documents", "bytes"),
        [(marks[name], page.amount(value, "bytes")) for name, value in found["quantiles"].items()],
        ("bytes",),
    )
    longest = page.table(
        ("longest", "source", "bytes"),
        [(row["origin"], row["source"], page.amount(row["bytes"], "bytes")) for row in found["longest"]],
        ("bytes",),
    )
    scale = ", on a logarithmic scale" if found["log"] else ""
    drawn = Markup("<figure>{}<figcaption>Documents by bytes of text{}</figcaption></figure>").format(
        charts.histogram(found, "Lengths of documents", ("plain", "plain"), "bytes"), scale
    )
    grid = Markup('<div class="columns"><div>{}</div><div>{}</div></div>').format(drawn, numbers)
    return "lengths", "How long documents are", "", (grid, page.details("The longest documents", longest))


def _duplicates(data: Data) -> Parts:
    found = data["duplicates"]
    if not found["documents"]:
        return "duplicates", "", "", ()
    ways = ", ".join(f"{row['documents']:,} by {row['rule']}" for row in found["by"])
    size = f"{short(found['documents'], 'documents')} ({short(found['bytes'], 'bytes')})"
    lede = f"{size} are copies of {found['clusters']:,} others: {ways}. The largest clusters:"
    rows = [(_place(item["survivor"]), item["copies"], _members(item)) for item in found["largest"]]
    return (
        "duplicates",
        "Duplicates",
        lede,
        (page.table(("stays", "copies left out", "such as"), rows, ("copies left out",)),),
    )


def _place(row: Data | None) -> Markup:
    if row is None:
        return Markup('<span class="absent">not on record</span>')
    return Markup('<span class="away">{}</span> <span class="mono">{}</span>').format(
        row["source"], brief(row["origin"])
    )


def _members(item: Data) -> Markup:
    shown = [
        _place(row)
        + escape(f" ({row['value']:.2f})" if row["value"] is not None and row["rule"] != "exact" else " (equal)")
        for row in item["members"]
    ]
    rest = item["copies"] - len(shown)
    return Markup("<br>").join([*shown, *([escape(f"and {rest:,} more")] if rest > 0 else [])])


def _personal(data: Data) -> Parts:
    found = data["personal"]
    if not found["looked"]:
        return (
            "personal",
            "Personal data",
            "Nothing in this project asked for it: no rule and no redaction reads it.",
            (Markup(" "),),
        )
    if not found["kinds"]:
        return "personal", "Personal data", "Looked for, none found.", (Markup(" "),)
    most = max(row["spans"] for row in found["kinds"])
    columns = ("kind", "", "found", "documents with it", "in documents of the pile", "edited", "left after editing")
    rows = [
        (words(row["kind"]), charts.bar(row["spans"], most), *(row[name] for name in _PERSONAL))
        for row in found["kinds"]
    ]  # fmt: skip
    lede = "Spans found in all texts read, and how many were edited, also in duplicates that were left out later."
    return "personal", "Personal data", lede, (page.table(columns, rows, columns[2:]),)


def _contamination(data: Data) -> Parts:
    rows = [
        (name, item["items"], item["found"], page.share(item["found"], item["items"]))
        for name, item in data["contamination"].items()
    ]
    columns = ("benchmark", "items", "found in the sources", "share")
    lede = "Items of benchmarks that stood in the sources; documents that hold one are dropped, or the item is cut out."
    return "contamination", "Contamination", lede, (page.table(columns, rows, columns[1:]),) if rows else ()


def _samples(data: Data) -> Parts:
    sides = [
        Markup("<div><h3>{}</h3>{}</div>").format(
            title,
            Markup("").join(
                sample(STYLES.get(row["decision"], row["decision"]), reason(row), row) for row in data[side]
            ),
        )
        for side, title in (("kept", "In the pile"), ("out", "Left out, the commonest reasons first"))
        if data[side]
    ]
    lede = (
        "Beginnings of documents, drawn by their id. What may be personal stands as <KIND>, what offends is not shown."
    )
    gone = [
        Markup('<p class="lede">Texts of some sources cannot be read: {}.</p>').format(text) for text in data["gone"]
    ]
    grid = Markup('<div class="columns">{}</div>').format(Markup("").join(sides))
    return "samples", "Kept and left out, side by side", lede, (grid, *gone) if sides else ()


def _sources(data: Data) -> Parts:
    columns = ("source", "access", "licence", "owner", "files", "documents read", "in the pile", "bytes in the pile")
    rows = [
        (
            row["source"], row.get("access") or "", row.get("licence") or "each document’s own", row.get("owner") or "",
            row.get("files"), row.get("documents", 0), row.get("in_pile", {}).get("documents", 0),
            page.amount(row.get("in_pile", {}).get("bytes", 0), "bytes"),
        )
        for row in data["sources"]
    ]  # fmt: skip
    lede = "Access, licence and owner as the project file states them."
    return "sources", "Sources", lede, (page.table(columns, rows, columns[4:]),)
