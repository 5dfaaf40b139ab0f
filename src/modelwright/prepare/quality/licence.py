"""How well licences are recognised: common texts reflowed and edited, notices, headers, and files without a licence."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

DETECTOR = "licence"
OWNERS = ("Example Ltd", "The Sample Authors", "Jane Q. Public", "Contoso Research GmbH", "a1 Networks, Inc.")
MARKS = ("", "# ", "// ", " * ", ";; ", "-- ", "% ", "! ", "rem ")
RESTRICTED = ("weak_copyleft", "strong_copyleft", "no_derivatives", "non_commercial", "proprietary")


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """F1 over sets of licence ids (`-only` and `-or-later` folded), and how often restricted terms look permissive."""
    if labelled.has("licence_texts_spdx"):
        texts = [(row["text"], set(row["licences"])) for row in labelled.rows("licence_texts_spdx")]
        for name, share, floor in (("texts, reflowed", 0.0, 0.93), ("texts, 3 % edited", 0.03, 0.89)):
            altered = [(changed(text, place, share), gold) for place, (text, gold) in enumerate(texts)]
            yield from scored(name, altered, floor)
    if not labelled.has("licence_notices"):
        return
    rows = labelled.rows("licence_notices")
    notices = [(row["text"], set(row["licences"])) for row in rows if row["kind"] == "notice"]
    yield from scored("notices", notices, 0.88)
    yield from scored("notices, ids of SPDX only", notices, 0.93, references=False)
    headers = [
        (row["text"], set(row["licences"])) for row in rows if row["kind"] in ("header_notice", "header_spdx_tag")
    ]
    yield from scored("headers", headers, 0.99)
    nothing = [row["text"] for row in rows if row["kind"] in ("header_none", "header_copyright_only")]
    yield from clean(nothing)
    yield policy([(row["text"], set(row["licences"])) for row in rows])


def found_in(texts: Sequence[str]) -> list[set[str]]:
    """Ids that the shipped signal finds in each text."""
    import pyarrow as pa

    from modelwright.prepare.signals.licence import Licence

    nothing = pa.nulls(len(texts), pa.string())
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string()), "licence": nothing, "path": nothing})
    return [ids(found or "") for found in Licence().measure(batch).column("licence_found").to_pylist()]


def ids(expression: str) -> set[str]:
    """The ids of an expression, exceptions too."""
    return {word for word in re.findall(r"[\w.+-]+", expression) if word not in ("AND", "OR", "WITH")}


def folded(names: set[str]) -> set[str]:
    return {re.sub(r"-(?:only|or-later)$", "", name) for name in names}


def changed(text: str, seed: int, share: float) -> str:
    """A text with other years and owners, reflowed to 60 to 200 columns behind a comment mark, and lightly edited.

    `share` of the words are dropped or doubled. The same text and seed always give the same result.
    """
    chance = random.Random(seed * 1000 + round(share * 100))
    year, owner = str(chance.randrange(1995, 2026)), chance.choice(OWNERS)
    text = re.sub(r"<years?>|\[yyyy\]|\{yyyy\}|\b(?:19|20)\d\d\b(?=[^\n]*$)(?<=[cC©)] \d{4})", year, text, flags=re.M)
    text = re.sub(
        r"(?im)^(.{0,8}copyright (?:\(c\)|©)?\s*)(?:(?:19|20)\d\d[\d, -]*|<year>)[^\n]*$", rf"\g<1>{year} {owner}", text
    )
    text = re.sub(
        r"<(?:copyright holders?|owner|name of author|organization)>|\[name of copyright owner\]", owner, text
    )
    words = []
    for word in text.split():
        if chance.random() < share:
            words += [word, word] if chance.random() < 0.5 else []
        else:
            words.append(word)
    mark = chance.choice(MARKS)
    return "\n".join(mark + line for line in textwrap.wrap(" ".join(words), chance.randrange(60, 201)))


def scored(
    name: str, rows: Sequence[tuple[str, set[str]]], floor: float, references: bool = True
) -> Iterator[Figure | Mistake]:
    """F1 over ids, with an interval by bootstrap over texts, and the texts whose set is wrong."""
    answers = found_in([text for text, _ in rows])
    counts = []
    for (text, gold), answer in zip(rows, answers, strict=True):
        expected, found = folded(gold), folded(answer)
        if not references:
            expected, found = ({one for one in each if not one.startswith("LicenseRef-")} for each in (expected, found))
        counts.append((len(expected & found), len(expected), len(found)))
        if expected != found:
            yield Mistake(DETECTOR, text[:300], show(expected), show(found), len(expected ^ found))
    value, low, high = f1(counts)
    yield Figure(DETECTOR, name, "f1", value, low, high, len(rows), at_least=floor)


def show(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def f1(counts: Sequence[tuple[int, int, int]]) -> tuple[float, float, float]:
    """(value, low, high) from (right, expected, found) per text; 1,000 resamples, fixed seed."""
    import numpy as np

    table = np.array(counts, np.float64)

    def value(sums: Any) -> Any:
        return 2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1)

    draws = np.random.default_rng(0).integers(0, len(table), (1000, len(table)))
    low, high = np.percentile(value(table[draws].sum(1)), [2.5, 97.5])
    return float(value(table.sum(0))), float(low), float(high)


def clean(texts: Sequence[str]) -> Iterator[Figure | Mistake]:
    """The share of texts without a licence in which none is found."""
    answers = found_in(texts)
    for text, answer in zip(texts, answers, strict=True):
        if answer:
            yield Mistake(DETECTOR, text[:300], "none", show(answer), 2)
    right = sum(not answer for answer in answers)
    share = wilson(right, len(texts))
    value = right / max(len(texts), 1)
    yield Figure(
        DETECTOR, "headers without a licence", "accuracy", value, share.low, share.high, len(texts), at_least=0.99
    )


def policy(rows: Sequence[tuple[str, set[str]]]) -> Figure:
    """Of the texts with restricted terms, the share for which only permissive ones are found."""
    from modelwright.measure.licence import parse

    restricted = [(text, gold) for text, gold in rows if any(parse(name).category in RESTRICTED for name in gold)]
    answers = found_in([text for text, _ in restricted])
    wrong = sum(bool(answer) and all(parse(name).category == "permissive" for name in answer) for answer in answers)
    share = wilson(wrong, len(restricted))
    value = wrong / max(len(restricted), 1)
    return Figure(
        DETECTOR, "restricted taken for permissive", "share", value, share.low, share.high, len(restricted),
        at_most=0.02,
    )  # fmt: skip
