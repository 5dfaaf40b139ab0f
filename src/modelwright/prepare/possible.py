"""Which conditions nothing can meet: told when a run is planned, since such a rule would silently do nothing.

Counts are 0 and more, shares and confidences lie between 0 and 1; of other signals nothing is known. Thresholds that
are options may well switch a condition off, so that only what is written as a number in the file is judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from modelwright.prepare.condition import Node, show

Bounds = tuple[float, float]
_SHARES = ("_share", "_confidence", "_probability")
_COUNTS = (
    "characters", "words", "lines", "paragraphs", "bytes", "hashes", "ellipses", "newlines", "_count", "_markers",
    "_line", "_run", "sentences",
)  # fmt: skip


def bounds(node: Node) -> Bounds:
    """The least and the greatest value that an expression over signals can have."""
    if node[0] == "number":
        return node[1], node[1]
    if node[0] == "name":
        if node[1].endswith(_SHARES):
            return 0.0, 1.0
        return (0.0 if node[1].endswith(_COUNTS) else -math.inf), math.inf
    if node[0] not in ("+", "-", "*", "/"):
        return -math.inf, math.inf
    (a, b), (c, d) = bounds(node[1]), bounds(node[2])
    if node[0] == "+":
        return a + c, b + d
    if node[0] == "-":
        return a - d, b - c
    if a >= 0 and c >= 0:  # the only products and quotients of which something is known
        return (a * c if node[0] == "*" else 0.0), math.inf
    return -math.inf, math.inf


def impossible(node: Node) -> str | None:
    """Why nothing can meet a condition whose options have not been filled in, or None."""
    if node[0] == "or":
        one, other = impossible(node[1]), impossible(node[2])
        return one if one and other else None
    if node[0] == "and":
        return impossible(node[1]) or impossible(node[2]) or _apart(_comparisons(node))
    if node[0] == "in" and node[2] == ("list", ()):
        return f"the list in `{show(node)}` is empty"
    if node[0] == "compare" and node[3][0] not in ("text", "list", "quantile"):
        return _never(node)
    return None


def _never(node: Node) -> str | None:
    _, sign, left, right = node
    (a, b), (c, d) = bounds(left), bounds(right)
    never = {"<": a >= d, "<=": a > d, ">": b <= c, ">=": b < c, "==": b < c or a > d}.get(sign, False)
    if not never:
        return None
    return f"`{show(left)}` is never {sign} {show(right)}: it lies between {_short(a)} and {_short(b)}"


def _comparisons(node: Node) -> Iterable[Node]:
    if node[0] == "and":
        yield from _comparisons(node[1])
        yield from _comparisons(node[2])
    elif node[0] == "compare":
        yield node


def _apart(nodes: Iterable[Node]) -> str | None:
    """Comparisons of one expression with numbers that no value meets together: `50 <= words < 20`."""
    ranges: dict[str, tuple[float, float, bool]] = {}
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
    for _, sign, left, right in nodes:
        if left[0] == "number":
            sign, left, right = mirrored.get(sign, sign), right, left
        if right[0] != "number" or sign == "!=":
            continue
        low, high, open_end = ranges.get(show(left), (-math.inf, math.inf, False))
        value = right[1]
        if sign in (">", ">=", "==") and value >= low:
            low, open_end = value, open_end or sign == ">"
        if sign in ("<", "<=", "==") and value <= high:
            high, open_end = value, open_end or sign == "<"
        if low > high or (low == high and open_end):
            return f"no `{show(left)}` lies between {_short(low)} and {_short(high)}"
        ranges[show(left)] = (low, high, open_end)
    return None


def _short(value: float) -> str:
    return f"{value:g}"
