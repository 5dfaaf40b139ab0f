"""The expressions that a rule set may hold: names, numbers, + - * / and parentheses. Nothing is evaluated as code."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError

if TYPE_CHECKING:
    import numpy as np

LONGEST_EXPRESSION = 500  # characters; bounds the depth of the recursion below
_TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\S))")

Node = tuple[Any, ...]
"""("number", 2.0) | ("name", "words") | (operator, left, right)"""


@functools.cache
def parse(text: str) -> Node:
    """The tree of an expression. Raises UsageError with the place where it stops making sense."""
    if len(text) > LONGEST_EXPRESSION:
        raise UsageError(f"expression of {len(text)} characters", hint=f"at most {LONGEST_EXPRESSION}", value=text[:80])
    tokens = [(match.lastgroup or "", match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text.rstrip())]
    node, rest = _sum(tokens, text)
    if rest:
        raise _wrong(text, rest)
    return node


def _sum(tokens: list[tuple[str, str]], text: str) -> tuple[Node, list[tuple[str, str]]]:
    node, tokens = _product(tokens, text)
    while tokens and tokens[0][1] in ("+", "-"):
        operator = tokens[0][1]
        right, tokens = _product(tokens[1:], text)
        node = (operator, node, right)
    return node, tokens


def _product(tokens: list[tuple[str, str]], text: str) -> tuple[Node, list[tuple[str, str]]]:
    node, tokens = _factor(tokens, text)
    while tokens and tokens[0][1] in ("*", "/"):
        operator = tokens[0][1]
        right, tokens = _factor(tokens[1:], text)
        node = (operator, node, right)
    return node, tokens


def _factor(tokens: list[tuple[str, str]], text: str) -> tuple[Node, list[tuple[str, str]]]:
    if not tokens:
        raise _wrong(text, tokens)
    kind, value = tokens[0]
    if kind == "number":
        return ("number", float(value)), tokens[1:]
    if kind == "name":
        return ("name", value), tokens[1:]
    if value == "-":
        node, tokens = _factor(tokens[1:], text)
        return ("-", ("number", 0.0), node), tokens
    if value == "(":
        if text.count("(") > 50:
            raise UsageError(f"too many parentheses in {text!r}", hint="at most 50", value=text)
        node, tokens = _sum(tokens[1:], text)
        if tokens and tokens[0][1] == ")":
            return node, tokens[1:]
    raise _wrong(text, tokens)


def _wrong(text: str, rest: list[tuple[str, str]]) -> UsageError:
    place = f"at {rest[0][1]!r}" if rest else "because it ends too early"
    return UsageError(
        f"the expression {text!r} cannot be read {place}",
        hint="write names of signals, numbers, + - * / and parentheses",
        value=text,
    )


def names(text: str) -> tuple[str, ...]:
    """The names in an expression, each once, in order of appearance."""

    def walk(node: Node) -> Iterable[str]:
        if node[0] == "name":
            yield node[1]
        elif node[0] != "number":
            yield from walk(node[1])
            yield from walk(node[2])

    return tuple(dict.fromkeys(walk(parse(text))))


def evaluate(text: str, columns: Mapping[str, np.ndarray[Any, Any]], rows: int) -> np.ndarray[Any, Any]:
    """Value of an expression for each row: float64, NaN where a column is NaN or a division has no finite result.

    `columns` holds float64 arrays of length `rows`. Raises UnknownName with the nearest names.
    """
    import numpy as np

    operations = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

    def value(node: Node) -> np.ndarray[Any, Any]:
        if node[0] == "number":
            return np.full(rows, node[1])
        if node[0] == "name":
            if node[1] not in columns:
                raise UnknownName("signal", node[1], columns, where=f"the expression {text!r}")
            return columns[node[1]]
        result: np.ndarray[Any, Any] = operations[node[0]](value(node[1]), value(node[2]))
        return result

    with np.errstate(all="ignore"):
        result = value(parse(text))
    return np.where(np.isfinite(result), result, np.nan)
