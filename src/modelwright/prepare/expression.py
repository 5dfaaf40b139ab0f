"""The expressions that a rule set may hold: names, numbers, + - * / and parentheses. Nothing is evaluated as code."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError

if TYPE_CHECKING:
    import numpy as np

LONGEST_EXPRESSION = 500  # characters; bounds the depth of the recursion below, as the next does
MOST_PARENTHESES = 50
_TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\S))")

Node = tuple[Any, ...]
"""("number", 2.0) | ("name", "words") | (operator, left, right)"""


@functools.cache
def parse(text: str) -> Node:
    """The tree of an expression. Raises UsageError with the place where it stops making sense."""
    if len(text) > LONGEST_EXPRESSION:
        raise UsageError(f"expression of {len(text)} characters", hint=f"at most {LONGEST_EXPRESSION}", value=text[:80])
    if text.count("(") > MOST_PARENTHESES:
        raise UsageError(f"too many parentheses in {text!r}", hint=f"at most {MOST_PARENTHESES}", value=text)
    tokens = [(match.lastgroup or "", match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text.rstrip())]
    reading = Arithmetic(tokens, lambda place: _wrong(text, tokens[place:]))
    node, place = reading.sum(0)
    if place < len(tokens):
        raise _wrong(text, tokens[place:])
    return node


@dataclass(frozen=True)
class Arithmetic:
    """Sums, products and what they are made of, read from tokens (kind, text) of the kinds number, name, text, sign.

    wrong  the error for what stands at a place;  number  the value of a number;  reserved  words that are no names
    """

    tokens: Sequence[tuple[str, str]]
    wrong: Callable[[int], UsageError]
    number: Callable[[str], float] = float
    reserved: Sequence[str] = ()

    def at(self, place: int) -> str:
        """The token at a place; empty for a quoted text and behind the end."""
        return self.tokens[place][1] if place < len(self.tokens) and self.tokens[place][0] != "text" else ""

    def sum(self, place: int, signs: str = "+-") -> tuple[Node, int]:
        """The tree that begins at `place`, and the place behind it."""

        def read(start: int) -> tuple[Node, int]:
            return self.sum(start, "*/") if signs == "+-" else self._factor(start)

        node, place = read(place)
        while self.at(place) and self.at(place) in signs:
            right, after = read(place + 1)
            node, place = (self.at(place), node, right), after
        return node, place

    def _factor(self, place: int) -> tuple[Node, int]:
        if place >= len(self.tokens):
            raise self.wrong(place)
        kind, token = self.tokens[place]
        if kind == "number":
            return ("number", self.number(token)), place + 1
        if kind == "name" and token not in self.reserved:
            return ("name", token), place + 1
        if kind == "sign" and token == "-":
            node, place = self._factor(place + 1)
            return ("-", ("number", 0.0), node), place
        if kind == "sign" and token == "(":
            node, place = self.sum(place + 1)
            if self.at(place) == ")":
                return node, place + 1
        raise self.wrong(place)


def _wrong(text: str, rest: Sequence[tuple[str, str]]) -> UsageError:
    place = f"at {rest[0][1]!r}" if rest else "because it ends too early"
    return UsageError(
        f"the expression {text!r} cannot be read {place}",
        hint="write names of signals, numbers, + - * / and parentheses",
        value=text,
    )


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes below it."""
    yield node
    for part in node[1:]:
        if isinstance(part, tuple) and part and isinstance(part[0], str) and node[0] != "list":
            yield from walk(part)


def names_in(node: Node) -> tuple[str, ...]:
    """The names in a tree, each once, in order of appearance."""
    return tuple(dict.fromkeys(part[1] for part in walk(node) if part[0] == "name"))


def names(text: str) -> tuple[str, ...]:
    """The names in an expression, each once, in order of appearance."""
    return names_in(parse(text))


def evaluate(text: str, columns: Mapping[str, np.ndarray[Any, Any]], rows: int) -> np.ndarray[Any, Any]:
    """Value of an expression for each row: see `value_of`.

    `columns` holds float64 arrays of length `rows`. Raises UnknownName with the nearest names.
    """

    def column(name: str) -> np.ndarray[Any, Any]:
        if name not in columns:
            raise UnknownName("signal", name, columns, where=f"the expression {text!r}")
        return columns[name]

    return value_of(parse(text), column, rows)


def value_of(node: Node, column: Callable[[str], Any], rows: int) -> np.ndarray[Any, Any]:
    """Value of a tree for each row: float64, NaN where a column is NaN or a division has no finite result.

    `column` gives the float64 array (rows,) of a name.
    """
    import numpy as np

    operations = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

    def value(part: Node) -> Any:
        if part[0] == "number":
            return np.full(rows, part[1])
        if part[0] == "name":
            return column(part[1])
        return operations[part[0]](value(part[1]), value(part[2]))

    with np.errstate(all="ignore"):
        result = value(node)
    return np.where(np.isfinite(result), result, np.nan)
