"""What a reader of a report should not overlook, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelwright.formats import barred
from modelwright.govern.pages.names import LANGUAGES
from modelwright.govern.pages.page import share

Data = Mapping[str, Any]
_MUCH = 0.5
_UNKNOWN = 0.05
_BINDING = ("proprietary", "non_commercial", "no_derivatives", "strong_copyleft")


def remarks(data: Data) -> list[tuple[bool, str]]:
    """(whether somebody should look into it, the sentence) each: what stands out first, then what is in order."""
    found = [*_losses(data), *_rules(data), *_composition(data), *_personal(data), *_contamination(data)]
    return sorted(found, key=lambda item: not item[0])


def _losses(data: Data) -> Iterator[tuple[bool, str]]:
    by_source: dict[str, list[int]] = {}
    for row in data["flow"]:
        counts = by_source.setdefault(row["source"], [0, 0])
        counts[0] += row["documents"]
        counts[1] += row["documents"] if row["decision"] in ("kept", "changed") else 0
    for name, (read, kept) in by_source.items():
        if read and kept / read < 1 - _MUCH:
            yield True, f"{name} loses {share(read - kept, read)} of its documents."
    broken = data["decisions"]["quarantined"]["documents"]
    if broken:
        yield True, f"{broken:,} documents could not be read."
    totals = _dropped(data)
    taken = sum(row["documents"] for row in data["flow"] if row["rule"] == barred.RULE)
    if taken:
        yield False, f"{taken:,} of the documents read {'are' if taken > 1 else 'is'} barred by a takedown."
    if totals:
        most = max(totals, key=lambda name: (totals[name], name))
        yield False, f"{most} drops most: {totals[most]:,} of the {sum(totals.values()):,} that rules drop."


def _dropped(data: Data) -> dict[str, int]:
    """Rule -> documents that it dropped; what a takedown barred was not for rules to decide."""
    totals: dict[str, int] = {}
    for row in data["flow"]:
        if row["decision"] == "dropped" and row["rule"] != barred.RULE:
            totals[row["rule"]] = totals.get(row["rule"], 0) + row["documents"]
    return totals


def _rules(data: Data) -> Iterator[tuple[bool, str]]:
    redundant = [row["rule"] for row in data["rules"] if row["redundant"]]
    if redundant:
        yield True, f"Without {', '.join(redundant)} the same documents would be dropped by other rules."
    silent = [row["rule"] for row in data["rules"] if not row["alone"]["documents"]]
    if silent:
        yield False, f"No document meets {', '.join(silent)}."
    if data["unmeasured"]:
        yield True, f"Not measured in this version, so not tried again: {', '.join(data['unmeasured'])}."
    dropped = sum(_dropped(data).values())
    if data["rules"] and abs(data["together"]["documents"] - dropped) > 0:
        yield (
            True,
            (
                f"The rules as they stand drop {data['together']['documents']:,} documents, this version {dropped:,}: "
                "edits emptied some, or a rule has changed since."
            ),
        )


def _composition(data: Data) -> Iterator[tuple[bool, str]]:
    total = data["in_pile"]["bytes"]
    for name, words in (("language", "of the text is in the language"), ("code_language", "")):
        rows = [row for row in data["composition"].get(name, ()) if row["value"] not in ("unknown", "no code", "zxx")]
        first = rows[0]["value"] if rows else ""
        if rows and total and words:
            yield (
                False,
                f"{share(rows[0]['bytes'], total)} {words} {LANGUAGES.get(first, first)}; {len(rows)} were found.",
            )
        elif rows and total:
            part = sum(row["bytes"] for row in rows)
            yield False, f"{share(part, total)} is code or markup in {len(rows)} programming languages."
    for row in data["composition"].get("licence_class", ()):
        if row["value"] == "unknown" and total and row["bytes"] / total > _UNKNOWN:
            yield True, f"The licence of {share(row['bytes'], total)} of the text is unknown."
        elif row["value"] in _BINDING and row["bytes"]:
            words = row["value"].replace("_", " ")
            yield True, f"Licences of the class {words} hold for {share(row['bytes'], total)} of the text."


def _personal(data: Data) -> Iterator[tuple[bool, str]]:
    kinds = data["personal"]["kinds"]
    left = [f"{row['residue']:,} × {row['kind']}" for row in kinds if row["residue"]]
    unedited = [row["kind"].replace("_", " ") for row in kinds if row["in_pile"] and not row["edited"]]
    if left:
        yield True, f"Still found after editing: {', '.join(left)}."
    if unedited:
        yield True, f"Personal data that stands in the pile as it was: {', '.join(unedited)}."
    if not data["personal"]["looked"]:
        yield True, "Personal data was not looked for."


def _contamination(data: Data) -> Iterator[tuple[bool, str]]:
    found = {name: item["found"] for name, item in data["contamination"].items() if item["found"]}
    if found:
        yield (
            True,
            "Benchmarks stood in the sources: "
            + ", ".join(f"{n:,} items of {name}" for name, n in found.items())
            + ".",
        )
    elif data["contamination"]:
        yield False, f"No item of {len(data['contamination'])} benchmarks was found in the sources."
