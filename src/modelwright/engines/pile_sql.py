"""One SELECT over the four names of a pile's tables, and nothing else that Daft's SQL could do.

Daft reads any file that a query names (`FROM '/etc/passwd'`, `read_csv(...)`, also in quotes) and knows functions
that open files and URLs. A query is therefore checked by its tokens first: tables and functions are allowed by name,
a string never stands where a table could, and whatever the small grammar does not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError, did_you_mean
from modelwright.formats.pile import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.engines.pile_reader import PileReader

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*)|(?P<string>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")+\")"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>::|<=|>=|<>|!=|\|\||/(?!\*)|[-+*%(),.;=<>\[\]])",
    re.ASCII,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTIONS = _words(
    """
    abs avg bool_and bool_or capitalize cast cbrt ceil char clip coalesce concat concat_ws contains count count_distinct
    count_matches date date_add date_diff date_sub date_trunc day day_of_week day_of_year decimal dense_rank e
    ends_with exp explode extract fill_nan find floor greatest hamming_distance_str hash hour ilike is_inf is_nan
    jaccard_similarity jaro_similarity jaro_winkler_similarity json_array_length lag lead least left length length_bytes
    levenshtein_distance like list_contains list_count list_distinct list_get list_join list_max list_mean list_min
    list_sort list_sum ln log log10 log1p log2 lower lstrip ltrim max mean median min minhash minute month negate
    normalize not_nan nullif numeric percentile pmod pow power product quarter rank regexp_count regexp_extract
    regexp_extract_all regexp_match regexp_replace regexp_split replace reverse right round row_number rstrip rtrim
    second sign simhash slice soundex split split_part sqrt starts_with stddev stddev_pop stddev_samp strip struct_get
    substr substring substring_index sum to_date to_datetime translate trim trunc try_cast try_divide upper
    utf8_contains var_pop var_samp variance varchar year
    """
)
_BEFORE_PARENTHESIS = _words(
    """
    all and any as between by distinct else except exclude exists from having in intersect is join like not on or over
    select then union using when where with
    """
)
_AFTER_FROM = _words("except group having intersect limit offset order qualify union where window")
_HINT = "one SELECT over " + ", ".join(TABLES)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        """A bare word in lower case; empty for everything else, quoted names included."""
        return self.text.lower() if self.kind == "name" else ""

    @property
    def named(self) -> str:
        """What a bare or quoted name means."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text


def run(reader: PileReader, query: str) -> pa.Table:
    """The rows of one SELECT over `reader`'s version. Raises UsageError with the reason when it is refused or fails."""
    from modelwright.engines import daft as engine

    tokens = check(query)
    frames: dict[str, Any] = {}
    for name in {token.named.lower() for token in tokens} & set(TABLES):
        if name == "documents" and _wants_text(tokens):
            frames[name] = _with_text(reader)
        else:
            frames[name] = engine.from_arrow(getattr(reader, name)())
    try:
        table: pa.Table = engine.sql(query.strip().rstrip(";"), **frames).to_arrow()
    except UsageError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = 'the dialect is Daft\'s; give each expression its own name (`AS name`); put "end" in quotes'
        raise UsageError(f"the query failed: {reason}", hint=hint, value=query) from error
    return table


def _with_text(reader: PileReader) -> Any:
    import pyarrow as pa

    from modelwright.engines import daft as engine

    documents = reader.documents()
    if not documents.num_rows:
        return engine.from_arrow(documents.append_column("text", pa.array([], pa.large_string())))
    schema = documents.schema.append(pa.field("text", pa.large_string()))
    return engine.read([lambda: reader.texts(documents)], schema)


def _wants_text(tokens: list[Token]) -> bool:
    """Whether the query can see `text`: by its name, or by a star other than `count(*)`."""
    starred = any(
        token.text == "*" and [other.text.lower() for other in tokens[max(0, at - 2) : at]] != ["count", "("]
        for at, token in enumerate(tokens)
    )
    return starred or any(token.named.lower() == "text" for token in tokens)


def check(query: str) -> list[Token]:
    """The tokens of `query`. Raises UsageError unless it is one SELECT over the four names, UnknownName for a table."""
    tokens = list(_tokens(query))
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens or tokens[0].word not in ("select", "with"):
        raise UsageError("only a SELECT is allowed", hint=_HINT, value=query)
    if any(token.text == ";" for token in tokens):
        raise UsageError("only one statement is allowed", hint="remove what follows the `;`", value=query)
    _check_calls(tokens)
    _check_tables(tokens)
    return tokens


def _tokens(query: str) -> Iterator[Token]:
    position, before = 0, ""
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise UsageError(f"{query[position : position + 10]!r} is not understood in a query", value=query)
        kind = str(match.lastgroup)
        if kind in ("string", "quoted") and before in ("name", "string", "quoted", "number"):
            raise UsageError(f"{match.group()[:20]} follows a word without a blank", hint="E'', U&'' are not allowed")
        if kind != "space":
            yield Token(kind, match.group())
        position, before = match.end(), kind


def _check_calls(tokens: list[Token]) -> None:
    """A name before a parenthesis is a known function or keyword, or a CTE's `AS (`."""
    for name, parenthesis in pairwise(tokens):
        if parenthesis.text != "(" or name.kind not in ("name", "quoted", "string", "number"):
            continue
        if name.word not in _FUNCTIONS and name.word not in _BEFORE_PARENTHESIS:
            hint = did_you_mean(name.named, _FUNCTIONS)
            raise UsageError(f"the function {name.named!r} is not allowed in a query", hint=hint, value=name.named)


@dataclass
class Frame:
    """One parenthesis: the clause it is in ("", select, from, on, rest), and whether a table must come next."""

    clause: str = ""
    table_next: bool = False
    is_extract: bool = False


def _check_tables(tokens: list[Token]) -> None:
    """Follow the clauses, one frame per parenthesis: where a table can stand only a known name may."""
    ends = zip(tokens, tokens[1:], tokens[2:], strict=False)
    known = {*TABLES, *(name.named.lower() for name, word, after in ends if word.word == "as" and after.text == "(")}
    frames, before = [Frame()], ""
    for token in tokens:
        frame = frames[-1]
        if token.text == "(":
            frames.append(Frame("from" if frame.table_next else "", frame.table_next, before == "extract"))
        elif token.text == ")":
            if len(frames) == 1:
                raise UsageError("the query has a `)` too many", value=token.text)
            frames.pop()
            frames[-1].table_next = False
        else:
            _step(frame, token, known)
        before = token.word


def _step(frame: Frame, token: Token, known: set[str]) -> None:
    """Move `frame` on by one token that is no parenthesis."""
    if token.word in ("select", "with"):
        frame.clause, frame.table_next = "select", False
    elif token.word in ("from", "join"):
        if frame.clause == "" and not frame.is_extract:
            raise UsageError(f"{token.text.upper()} without SELECT is not allowed", hint=_HINT, value=token.text)
        if frame.clause:
            frame.clause, frame.table_next = "from", True
    elif token.text == "," and frame.clause in ("from", "on"):
        frame.clause, frame.table_next = "from", True
    elif frame.table_next:
        if token.kind not in ("name", "quoted") or token.named.lower() not in known:
            raise UnknownName("table", token.text.strip("'\""), TABLES, where="the query")
        frame.table_next = False
    elif token.word in ("on", "using"):
        frame.clause = "on" if frame.clause == "from" else frame.clause
    elif token.word in _AFTER_FROM:
        frame.clause = "rest" if frame.clause else ""
    elif frame.clause == "from" and token.kind not in ("name", "quoted"):
        raise UsageError(f"{token.text[:40]} cannot stand in FROM", hint=_HINT, value=token.text)
