"""Prints a card: Markdown, JSON or one HTML page."""

from __future__ import annotations

from modelwright.core.errors import UnknownName
from modelwright.govern.cards.card import Card

FORMS = ("md", "json", "html")


def render(card: Card, form: str) -> str:
    """`card` as text in `form` (one of FORMS). Equal cards give equal text. Raises UnknownName for another form."""
    if form == "md":
        from modelwright.govern.cards.markdown import markdown

        return markdown(card)
    if form == "html":
        from modelwright.govern.cards.html import html

        return html(card)
    if form == "json":
        import orjson

        return orjson.dumps(card, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    raise UnknownName("form of a card", form, FORMS)
