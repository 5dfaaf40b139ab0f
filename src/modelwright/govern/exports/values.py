"""Values that several exports need, from the facts of a pile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.govern.cards.measured import PERSONAL
from modelwright.govern.exports import Subject
from modelwright.govern.lineage import descendants

LANGUAGE_SHARE = 0.01
"""A language counts as one of the data from this share of the bytes: below, detectors err more than they find."""
_NO_LANGUAGE = ("zxx", "und", "mul", "unknown")


def main_languages(subject: Subject) -> list[str]:
    """Measured languages with at least LANGUAGE_SHARE of the bytes, the largest first."""
    counted = subject.counted("by_language")
    total = sum(item.get("bytes", 0) for item in counted.values())
    return [
        name
        for name, item in counted.items()
        if name not in _NO_LANGUAGE and total and item.get("bytes", 0) >= LANGUAGE_SHARE * total
    ]


def personal_kinds(subject: Subject) -> list[str]:
    """Kinds of personal data that were found in the input, with what became of them."""
    redactions = subject.facts.get("redactions")
    edited: Mapping[str, Any] = redactions.get("by_kind") or {} if isinstance(redactions, Mapping) else {}
    found = subject.facts.get("findings")
    rows = []
    for kind, item in sorted(found.items()) if isinstance(found, Mapping) else ():
        count = item.get("documents") if isinstance(item, Mapping) else item
        if kind in PERSONAL and count:
            rows.append(f"{kind}: {count} found in the input, {edited.get(kind, 0)} redacted")
    return rows


def spdx(licence: str | None) -> str | None:
    """A licence as an SPDX expression in the list's spelling; None for words that are none, and for `LicenseRef-...`,
    which names a licence that the list does not hold."""
    from modelwright.measure.licence import parse

    found = parse(licence or "").spdx
    return None if found is None or "licenseref-" in found.lower() else found


def licence_address(licence: str | None) -> str | None:
    """The page of a single SPDX licence; else the words as stated."""
    known = spdx(licence)
    return f"https://spdx.org/licenses/{known}.html" if known and " " not in known else licence


def tokens_of(subject: Subject) -> tuple[int | None, int | None]:
    """Tokens last made of the pile for training, and the event that holds their number; None where there are none."""
    known = subject.records.by_ref()
    made = [known[ref] for ref in descendants(subject.records, subject.artifact.ref) if known[ref].kind == "tokens"]
    for item in reversed(made):
        if isinstance(item.facts.get("tokens"), int):
            return item.facts["tokens"], item.record.get("seq")
    return None, None
