"""Values that several exports need, from the facts of a pile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.govern.exports import Subject
from modelwright.govern.lineage import descendants

LANGUAGE_SHARE = 0.01
"""A language counts as one of the data from this share of the bytes: below, detectors err more than they find."""
PERSONAL = (
    "email", "phone", "card", "iban", "ssn", "ip", "mac", "url", "name", "address", "birth_date", "passport",
    "national_id", "user_name", "key", "secret",
)  # fmt: skip
"""Kinds of findings that are personal data."""
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
    """A licence as a normalised SPDX expression, None where it is none: `LicenseRef-...` is no SPDX licence."""
    if not licence:
        return None
    from license_expression import get_spdx_licensing

    licensing = get_spdx_licensing()
    checked = licensing.validate(licence)
    return None if checked.errors else str(checked.normalized_expression)


def licence_address(licence: str | None) -> str | None:
    """The page of a single SPDX licence; else the words as stated."""
    known = spdx(licence)
    return f"https://spdx.org/licenses/{known}.html" if known and " " not in known else licence


def tokens_of(subject: Subject) -> int | None:
    """Tokens last made of the pile for training; None when there are none."""
    known = subject.records.by_ref()
    made = [known[ref] for ref in descendants(subject.records, subject.artifact.ref) if known[ref].kind == "tokens"]
    counts = [item.facts.get("tokens") for item in made]
    numbers = [count for count in counts if isinstance(count, int)]
    return numbers[-1] if numbers else None
