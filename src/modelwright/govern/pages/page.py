"""The skeleton of a page about piles, in the style of the cards: sections, tiles, tables, and the share of a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import exact, short

_CARD_STYLE = Path(__file__).parent.parent / "cards" / "templates" / "card.css"
_STYLE = Path(__file__).with_name("page.css")
_SAFE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(kicker: str, title: str, summary: Markup | str, head: Markup, sections: Sequence[Markup], foot: Markup) -> str:
    """The whole page. Everything given as plain text is escaped."""
    style = Markup(_CARD_STYLE.read_text(encoding="utf-8") + _STYLE.read_text(encoding="utf-8"))  # our own files
    return Markup(
        '<!doctype html>\n<html lang="en" class="page">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="{safe}">\n<title>{title} – {kicker}</title>\n'
        "<style>\n{style}</style>\n</head>\n<body>\n<main>\n<header>\n"
        '<p class="kicker">{kicker}</p>\n<h1>{title}</h1>\n<p class="summary">{summary}</p>\n{head}</header>\n'
        "{body}<footer>{foot}</footer>\n</main>\n</body>\n</html>\n"
    ).format(
        safe=Markup(_SAFE), title=title, kicker=kicker, style=style, summary=summary, head=head, foot=foot,
        body=Markup("").join(sections),
    )  # fmt: skip


def section(name: str, title: str, lede: Markup | str, *parts: Markup) -> Markup:
    """`name` is the anchor of the section; nothing at all when it has no parts."""
    content = Markup("\n").join(part for part in parts if part)
    if not content:
        return Markup("")
    told = Markup('<p class="lede">{}</p>\n').format(lede) if lede else Markup("")
    return Markup('<section id="{}">\n<h2>{}</h2>\n{}{}\n</section>\n').format(name, title, told, content)


def tiles(items: Iterable[tuple[Any, str, str]]) -> Markup:
    """(value as shown, what it is, small print) each."""
    shown = [
        Markup("<div class=tile><b>{}</b><span>{}</span>{}</div>").format(
            value, name, Markup("<small>{}</small>").format(note) if note else ""
        )
        for value, name, note in items
    ]
    return Markup('<div class="tiles">{}</div>\n').format(Markup("").join(shown))


def links(items: Iterable[tuple[str, str]]) -> Markup:
    """(anchor, title) each: the way to the sections."""
    shown = Markup("").join(Markup('<a href="#{}">{}</a>').format(name, title) for name, title in items)
    return Markup('<nav aria-label="Sections">{}</nav>\n').format(shown)


def remarks(items: Iterable[tuple[bool, str]]) -> Markup:
    """(whether to look into it, the sentence) each."""
    shown = [Markup("<li{}>{}</li>").format(Markup(' class="look"') if look else "", text) for look, text in items]
    return Markup('<ul class="remarks">{}</ul>\n').format(Markup("").join(shown)) if shown else Markup("")


def details(summary: str, content: Markup, *, under: bool = False) -> Markup:
    """What one may open; `under` for something small below a picture."""
    if not content:
        return Markup("")
    name = Markup(' class="under"') if under else ""
    return Markup("<details{}><summary>{}</summary>{}</details>").format(name, summary, content)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Sequence[str] = ()) -> Markup:
    """A table; cells are texts (escaped), markup, or numbers. `numeric` columns stand to the right."""
    right = [column in numeric for column in columns]
    head = Markup("").join(
        Markup("<th{}>{}</th>").format(Markup(' class="n"') if numbers else "", column)
        for column, numbers in zip(columns, right, strict=True)
    )
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(_cell(cell, numbers) for cell, numbers in zip(row, right, strict=True))
        )
        for row in rows
    )
    if not body:
        return Markup("")
    return Markup('<div class="scroll"><table><thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table></div>').format(
        head, body
    )


def _cell(cell: Any, numbers: bool) -> Markup:
    if isinstance(cell, Markup) and cell.startswith("<td"):
        return cell
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return Markup("<td{}>{}</td>").format(
        Markup(' class="n"') if numbers or number else "", short(cell) if number else cell
    )


def amount(value: float | None, unit: str) -> Markup:
    """A number for reading, the exact one in its title; a dash where it is not known."""
    if value is None:
        return Markup('<span class="absent" title="not counted">–</span>')
    whole = exact(value, unit)
    if not whole:
        return escape(short(value, unit, with_unit=unit == "bytes"))
    return Markup('<span title="{}">{}</span>').format(whole, short(value, unit, with_unit=unit == "bytes"))


def share(part: float, whole: float) -> str:
    """`12.3 %`, and never 0 % or 100 % of what is not quite that."""
    if not whole:
        return "–"
    if 0 < part / whole < 0.001:
        return "under 0.1 %"
    if 0.999 < part / whole < 1:
        return "over 99.9 %"
    return f"{100 * part / whole:.1f}".removesuffix(".0") + " %"


def legend(*items: tuple[str, str]) -> Markup:
    """(class, text) each."""
    shown = Markup("").join(Markup('<li><i class="{}"></i>{}</li>').format(name, text) for name, text in items)
    return Markup('<ul class="legend">{}</ul>').format(shown)
