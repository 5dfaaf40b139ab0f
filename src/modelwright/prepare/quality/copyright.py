"""How well copyright statements are read: is there one, since when, and who holds the right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake
from modelwright.prepare.quality.licence import f1

DETECTOR = "copyright"


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """F1 over years and holders of each file; a holder counts when its words overlap by half (Jaccard)."""
    if not labelled.has("copyright_statements"):
        return
    import pyarrow as pa

    from modelwright.measure.copyright import find
    from modelwright.measure.spans import texts_of

    rows = labelled.rows("copyright_statements")
    found: list[list[Any]] = [[] for _ in rows]
    for statement in find(texts_of(pa.array([row["text"] for row in rows], pa.large_string()))):
        found[statement.row].append(statement)
    years, holders, right = [], [], 0
    for row, statements in zip(rows, found, strict=True):
        expected = set(re.findall(r"(?<!\d)(?:19[5-9]|20[0-4])\d(?!\d)", " ".join(row["copyrights"])))
        answer = {year for one in statements for year in one.years}
        years.append((len(expected & answer), len(expected), len(answer)))
        names = list(dict.fromkeys(one.holder for one in statements if one.holder))
        held = list(dict.fromkeys(row["holders"]))
        same = matched(held, names)
        holders.append((same, len(held), len(names)))
        right += bool(statements) == bool(row["copyrights"])
        wrong = len(held) + len(names) - 2 * same
        if wrong or expected != answer:
            yield Mistake(
                DETECTOR, row["text"][:300], f"{'; '.join(held)} {sorted(expected)}",
                f"{'; '.join(names)} {sorted(answer)}", wrong + len(expected ^ answer),
            )  # fmt: skip
    for name, counts, floor in (("statements, years", years, 0.96), ("statements, holders", holders, 0.85)):
        value, low, high = f1(counts)
        yield Figure(DETECTOR, name, "f1", value, low, high, len(rows), at_least=floor)
    share = wilson(right, len(rows))
    value = right / max(len(rows), 1)
    yield Figure(DETECTOR, "files with and without a statement", "accuracy", value, share.low, share.high, len(rows))


def matched(expected: list[str], found: list[str]) -> int:
    """How many of `expected` have a partner of their own in `found` whose words overlap by half."""
    left = [words(name) for name in found]
    count = 0
    for name in expected:
        own = words(name)
        best = max(range(len(left)), key=lambda place: overlap(own, left[place]), default=None)
        if best is not None and overlap(own, left[best]) >= 0.5:
            left.pop(best)
            count += 1
    return count


def words(name: str) -> set[str]:
    """Words in lower case without accents: the labels have none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return set(re.findall(r"\w+", plain.lower()))


def overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
