"""Conditions of rule sets: comparisons of expressions, joined by `and`, `or`, `not` and parentheses.

    20 <= words < 50 and not (language in [en, de] or path matches "^test/")
    words < quantile(0.05)

A quantile is that of the value on its left over all documents that the rule applies to. `matches` takes RE2 regular
expressions, which need linear time. A comparison with an unknown value (null, NaN) is neither true nor false, and a
condition that is not known to be true does not fire. Nothing is evaluated as code.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError
from modelwright.prepare.expression import LONGEST_EXPRESSION, Arithmetic, names_in, value_of, walk

if TYPE_CHECKING:
    import numpy as np

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

Node = tuple[Any, ...]
"""("or" | "and", left, right) | ("not", node) | ("compare", operator, left, right) | ("in", name, list) |
("matches", name, text) | ("quantile", share) | ("text", "a") | ("list", ("a",)) | an expression's node"""

TRUE, FALSE = ("true",), ("false",)
TRUTH = ("true", "false")
ORDER = ("<=", ">=", "==", "!=", "<", ">")
WORDS = ("and", "or", "not", "in", "matches", "quantile")
MOST_PARENTHESES = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\s*%)?)|(?P<name>[A-Za-z_]\w*)|"""
    r"""(?P<text>"[^"]*"|'[^']*')|(?P<sign><=|>=|==|!=|\S))"""
)
_HINT = 'such as `words < 50 and not (language == "en")`'


def is_compound(text: str) -> bool:
    """True for what is more than one comparison of a value with a threshold."""
    signs = [(match.lastgroup, match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text)]
    compared = sum(1 for kind, sign in signs if kind == "sign" and sign in ORDER)
    names = [sign for kind, sign in signs if kind == "name"]
    alone = [after for after, (kind, sign) in enumerate(signs) if (kind, sign) == ("name", "not")]
    denied = any(after + 1 >= len(signs) or signs[after + 1][1] != "in" for after in alone)
    return compared > 1 or denied or any(word in names for word in ("and", "or", "matches", "quantile"))


@functools.cache
def parse(text: str) -> Node:
    """The tree of a condition. Raises UsageError with the place where it stops making sense."""
    if len(text) > LONGEST_EXPRESSION or text.count("(") > MOST_PARENTHESES:
        raise UsageError(
            f"the condition {text[:80]!r} is too long",
            hint=f"at most {LONGEST_EXPRESSION} characters and {MOST_PARENTHESES} parentheses; write several lines",
            value=text[:80],
        )
    tokens = [(match.lastgroup or "", match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text.rstrip())]
    node, place = _joined(tokens, 0, text, "or")
    if place < len(tokens):
        raise _wrong(text, tokens, place)
    return node


Tokens = Sequence[tuple[str, str]]


def _at(tokens: Tokens, place: int) -> str:
    return tokens[place][1] if place < len(tokens) and tokens[place][0] != "text" else ""


def _joined(tokens: Tokens, place: int, text: str, word: str) -> tuple[Node, int]:
    """`or` joins what `and` joins, which joins single conditions."""

    def read(start: int) -> tuple[Node, int]:
        return _joined(tokens, start, text, "and") if word == "or" else _single(tokens, start, text)

    node, place = read(place)
    while _at(tokens, place) == word:
        right, place = read(place + 1)
        node = (word, node, right)
    return node, place


def _single(tokens: Tokens, place: int, text: str) -> tuple[Node, int]:
    if _at(tokens, place) == "not":
        node, place = _single(tokens, place + 1, text)
        return ("not", node), place
    if _at(tokens, place) == "(":  # around a condition, unless arithmetic goes on behind it
        with contextlib.suppress(UsageError):
            node, after = _joined(tokens, place + 1, text, "or")
            if _at(tokens, after) == ")" and _at(tokens, after + 1) in ("", "and", "or", ")"):
                return node, after + 1
    return _comparison(tokens, place, text)


def _comparison(tokens: Tokens, place: int, text: str) -> tuple[Node, int]:
    left, place = _sum(tokens, place, text)
    sign = _at(tokens, place)
    if sign in ("in", "matches", "not"):
        denied = sign == "not"
        place += denied
        sign = _at(tokens, place)
        if left[0] != "name" or sign not in ("in", "matches"):
            raise _wrong(text, tokens, place)
        right, place = _operand(tokens, place + 1, text)
        node: Node = (sign, left, right)
        return (("not", node) if denied else node), place
    node = ()
    while _at(tokens, place) in ORDER:
        right, after = _operand(tokens, place + 1, text)
        one: Node = ("compare", _at(tokens, place), left, right)
        node = ("and", node, one) if node else one
        left, place = right, after
    return node or ("compare", "!=", left, ("number", 0.0)), place


def _operand(tokens: Tokens, place: int, text: str) -> tuple[Node, int]:
    if place < len(tokens) and tokens[place][0] == "text":
        return ("text", tokens[place][1][1:-1]), place + 1
    if _at(tokens, place) == "[":
        end = next((i for i in range(place, len(tokens)) if tokens[i][1] == "]"), None)
        if end is None:
            raise _wrong(text, tokens, len(tokens))
        return ("list", tuple(token.strip("\"'") for _, token in tokens[place + 1 : end] if token != ",")), end + 1
    if _at(tokens, place) == "quantile":
        if [_at(tokens, place + 1), _at(tokens, place + 3)] != ["(", ")"] or tokens[place + 2][0] != "number":
            raise _wrong(text, tokens, place)
        share = _number(tokens[place + 2][1])
        if not 0 <= share <= 1:
            raise UsageError(f"quantile({share}) in {text!r}", hint="a share from 0 to 1", value=share)
        return ("quantile", share), place + 4
    return _sum(tokens, place, text)


def _sum(tokens: Tokens, place: int, text: str) -> tuple[Node, int]:
    return Arithmetic(tokens, lambda at: _wrong(text, tokens, at), _number, WORDS).sum(place)


def _number(token: str) -> float:
    return float(token.rstrip("% ")) / 100 if token.endswith("%") else float(token)


def _wrong(text: str, tokens: Tokens, place: int) -> UsageError:
    where = f"at {tokens[place][1]!r}" if place < len(tokens) else "because it ends too early"
    return UsageError(f"the condition {text!r} cannot be read {where}", hint=_HINT, value=text)


def resolved(node: Node, options: Mapping[str, Any]) -> Node:
    """The tree with the values of options in place of their names."""
    if node[0] == "name" and node[1] in options:
        value = options[node[1]]
        if isinstance(value, str):
            return ("text", value)
        return ("list", tuple(map(str, value))) if isinstance(value, (list, tuple)) else ("number", float(value))
    if node[0] in ("name", "number", "text", "list", "quantile"):
        return node
    return tuple(resolved(part, options) if isinstance(part, tuple) else part for part in node)


def show(node: Node) -> str:
    """The condition as people write it."""
    kind = node[0]
    if kind == "number":
        return f"{node[1]:g}" if abs(node[1]) < 1e5 else repr(node[1]).removesuffix(".0")
    if kind in ("name", "text"):
        return str(node[1]) if kind == "name" else f'"{node[1]}"'
    if kind == "list":
        return f"[{', '.join(node[1])}]"
    if kind == "quantile":
        return f"quantile({node[1]:g})"
    if kind == "not":
        return f"not ({show(node[1])})"
    if kind == "compare":
        return f"{show(node[2])} {node[1]} {show(node[3])}"
    if kind in TRUTH:
        return str(kind)
    loose = {"and": ("or",), "*": ("+", "-"), "/": ("+", "-")}.get(kind, ())
    tight = {"/": ("+", "-", "*", "/"), "-": ("+", "-")}.get(kind, loose)
    left, right = (
        f"({show(part)})" if part[0] in inner else show(part)
        for part, inner in zip(node[1:], (loose, tight), strict=True)
    )
    return f"{left} {kind} {right}"


def folded(node: Node) -> Node:
    """The tree without what its constants already decide: options that switch conditions on and off."""
    if node[0] == "not":
        inner = folded(node[1])
        return {TRUE: FALSE, FALSE: TRUE}.get(inner, ("not", inner))
    if node[0] in ("and", "or"):
        left, right = folded(node[1]), folded(node[2])
        ends, neutral = (FALSE, TRUE) if node[0] == "and" else (TRUE, FALSE)
        if ends in (left, right):
            return ends
        return right if left == neutral else left if right == neutral else (node[0], left, right)
    if node[0] in ("compare", "in"):
        sign, left, right = node[-3:]
        if left[0] == "text":
            found = left[1] in right[1] if right[0] == "list" else left[1] == right[1]
            return TRUE if found == (sign != "!=") else FALSE
        if left[0] == "number" and right[0] == "number":
            a, b = left[1], right[1]
            known = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}
            return TRUE if known[sign] else FALSE
    return node


class Values:
    """What a condition reads: `numbers(name)` float64 with NaN, `texts(name)` an Arrow array of strings."""

    def __init__(self, rows: int, numbers: Callable[[str], Any], texts: Callable[[str], Any], applies: Any) -> None:
        self.rows, self.numbers, self.texts, self.applies = rows, numbers, texts, applies


def holds(node: Node, values: Values) -> tuple[Mask, Mask]:
    """Where a condition is true, and where it is known to be true or false."""
    kind = node[0]
    if kind in TRUTH:
        always = (~values.applies & False) | (kind == "true")
        return always, always | True
    if kind == "not":
        true, known = holds(node[1], values)
        return known & ~true, known
    if kind in ("and", "or"):
        (one, known), (other, too) = holds(node[1], values), holds(node[2], values)
        if kind == "and":
            return one & other, (known & too) | (known & ~one) | (too & ~other)
        return one | other, (known & too) | one | other
    if kind == "compare" and node[3][0] not in ("text", "list"):
        return _ordered(node, values)
    return _textual(node, values)


def number(node: Node, values: Values) -> np.ndarray[Any, Any]:
    """Value of an expression for each row, NaN where it is unknown or not finite."""
    return value_of(node, values.numbers, values.rows)


def _ordered(node: Node, values: Values) -> tuple[Mask, Mask]:
    import numpy as np

    _, sign, left, right = node
    one = number(left, values)
    if right[0] == "quantile":
        seen = one[values.applies & ~np.isnan(one)]
        other = np.full(values.rows, np.quantile(seen, right[1]) if len(seen) else np.nan)
    else:
        other = number(right, values)
    operations = {
        "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
    }  # fmt: skip
    known = ~(np.isnan(one) | np.isnan(other))
    return operations[sign](one, other) & known, known


def _textual(node: Node, values: Values) -> tuple[Mask, Mask]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    name, right = (node[2], node[3]) if node[0] == "compare" else (node[1], node[2])
    texts = values.texts(name[1])
    known = np.array(texts.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    if node[0] == "matches":
        found = _matches(texts, right[1])
    else:
        accepted = list(right[1]) if right[0] == "list" else [right[1]]
        found = pc.is_in(texts, value_set=pa.array(accepted, texts.type))
    true = np.array(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool) & known
    return (known & ~true if node[0] == "compare" and node[1] == "!=" else true), known


def _matches(texts: Any, pattern: str) -> Any:
    """Where google-re2 finds the pattern, once for each distinct text."""
    import pyarrow as pa

    coded = texts.dictionary_encode()
    search = expression_of(pattern).search
    found = pa.array([search(text) is not None for text in coded.dictionary.to_pylist()], pa.bool_())
    return found.take(coded.indices)


def expression_of(pattern: str) -> Any:
    """The compiled RE2 expression. Raises UsageError for what RE2 refuses, such as references back."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise UsageError(
            f"the regular expression {pattern!r} cannot be used: {error}",
            hint="RE2 has no references back and no looking around",
            value=pattern,
        ) from error


def check(node: Node, known: Sequence[str], where: str) -> None:
    """Raises UnknownName for a column that no signal gives, UsageError for a regular expression or a comparison that
    cannot be."""
    for name in names_in(node):
        if name not in known:
            raise UnknownName("signal", name, known, where=where)
    for part in walk(node):
        if part[0] in ("in", "matches") and part[1][0] != "name":
            raise UsageError(f"{where}: left of `{part[0]}` stands a signal", hint=_HINT, value=show(part))
        if part[0] in "+-*/" and any(side[0] in ("text", "list") for side in part[1:]):
            raise UsageError(f"{where}: a text cannot be counted with", hint=_HINT, value=show(part))
        if part[0] == "matches":
            if part[2][0] != "text":
                raise UsageError(f"{where}: `matches` needs a quoted text", hint='path matches "^src/"')
            expression_of(part[2][1])
        if part[0] == "in" and part[2][0] not in ("list", "text"):
            raise UsageError(f"{where}: `in` needs a list", hint="language in [en, de]", value=show(part))
        if part[0] == "compare" and part[3][0] in ("text", "list") and part[1] not in ("==", "!="):
            raise UsageError(f"{where}: {part[1]!r} cannot compare texts", hint="== != in matches", value=show(part))
        if part[0] == "compare" and part[3][0] in ("text", "list") and part[2][0] != "name":
            raise UsageError(f"{where}: a text is compared with a signal", hint=_HINT, value=show(part))
