"""Licences in texts: notices, references and full texts, also with other years and owners, reflowed or edited.

The index (`data/licence.safetensors`, built by `scripts/build_licence_index.py`) holds hashes of ScanCode's rules. Only
the surroundings of words such as `licen` or `redistribut` are looked at. There, whole rules are found by their hash,
and longer texts and notices by the share of their sampled shingles (containment, Broder 1997); what explains the most
words wins, and nothing overlaps. Rules that mean nothing (false positives) take their words away from the others.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelwright.measure import licence_kernel as kernel
from modelwright.measure.model_files import LICENCE_INDEX
from modelwright.measure.spans import Found, read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

    Integers = NDArray[np.int64]

_WORDS = (
    "licen[cs]|copyright|copyleft|gpl|public.domain|redistribut|creative.?commons|warrant[yi]|copying|"
    "permission (?:is|to)|proprietary|trade secret|freely (?:u|d|c|r)|free software|open.source"
)
_BEFORE, _AFTER, _GAP = 800, 1600, 8000
"""Bytes around such a word that are looked at; a long text may go without one for some pages."""
_CONTAINMENT_OF_TEXT, _CONTAINMENT_OF_NOTICE = 0.62, 0.72
_STEP, _MOST = 48, 4_000_000
"""Bytes from one such word to the next that counts; bytes of one text that are looked at."""
_FEWEST = 6
"""Shingles of a rule that make a share mean something."""
_STRETCH = 1.6
_KINDRED, _RARE = 0.7, 0.97
"""Candidates that share this much of their tokens are versions or variants of one text: the likeliest stays, and one
without an id of SPDX, being rarer, must be a little likelier."""
_TEXT = 120
"""Tokens from which on a match is a licence's own text."""


class Index(NamedTuple):
    """The tensors of the index with what is derived from them once."""

    tensors: dict[str, NDArray[Any]]
    expressions: tuple[str, ...]
    stops: NDArray[np.uint64]
    powers: NDArray[np.uint64]
    head_buckets: Integers
    shingle_buckets: Integers
    shingle_firsts: Integers
    phrase_firsts: Integers
    rare: NDArray[np.bool_]
    needed: Integers


class Candidate(NamedTuple):
    """Tokens [start, end) that one expression would explain, and how well: words explained, and confidence."""

    start: int
    end: int
    expression: int
    score: float
    confidence: float


@functools.cache
def index() -> Index:
    """The index, read once a process (some 20 ms)."""
    from safetensors.numpy import load_file

    tensors = {name: read_only(tensor) for name, tensor in load_file(LICENCE_INDEX).items()}
    expressions = tuple(tensors.pop("expressions").tobytes().decode().split("\n"))

    sizes = tensors["long_shingles"]
    share = np.where(tensors["long_text"], _CONTAINMENT_OF_TEXT, _CONTAINMENT_OF_NOTICE)
    needed = np.where(sizes >= _FEWEST, np.ceil(sizes * share), 1 << 40).astype(np.int64)

    def firsts(counts: NDArray[Any]) -> Integers:
        return read_only(np.concatenate(([0], np.cumsum(counts.astype(np.int64)))))

    return Index(
        tensors,
        expressions,
        read_only(kernel.stop_table()),
        read_only(kernel.powers(int(tensors["rule_length"].max()) + kernel.SHINGLE)),
        read_only(kernel.buckets(tensors["rule_head"], 48)),
        read_only(kernel.buckets(tensors["shingle_key"], 16)),
        firsts(tensors["shingle_count"]),
        firsts(tensors["long_phrases"]),
        np.array([text.startswith("LicenseRef-") for text in expressions]),
        read_only(needed),
    )


@functools.cache
def _prefilter() -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive, options.encoding = False, re2.Options.Encoding.LATIN1
    return re2.compile(_WORDS.encode(), options)


def regions(texts: Texts) -> tuple[Integers, Integers, Integers]:
    """(rows, starts, ends): the surroundings of words that licences use, merged where they touch."""
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    data = texts.data[first:last].tobytes()
    hits = np.array(list(_hits(data)), np.int64) + first
    if not len(hits):
        return hits, hits, hits
    rows = np.searchsorted(texts.offsets, hits, side="right") - 1
    starts = np.maximum(hits - _BEFORE, texts.offsets[rows])
    ends = np.minimum(hits + _AFTER, texts.offsets[rows + 1])
    opens = np.ones(len(hits), np.bool_)
    opens[1:] = (rows[1:] != rows[:-1]) | (starts[1:] > ends[:-1] + _GAP)
    closes = np.append(opens[1:], True)
    rows, starts, ends = rows[opens], starts[opens], ends[closes]
    ends = np.minimum(ends, starts + _MOST)
    through = np.cumsum(ends - starts)
    of_row = through - (through - (ends - starts))[np.searchsorted(rows, rows)]  # bytes of the row up to here
    within = of_row <= _MOST
    return rows[within], starts[within], ends[within]


def _hits(data: bytes) -> Iterator[int]:
    """Where licence words stand, at most one in _STEP bytes: a text of nothing else shall not cost more."""
    search, place = _prefilter().search, 0
    while (match := search(data, place)) is not None:
        yield match.start()
        place = match.start() + _STEP


def find(texts: Texts) -> list[Found]:
    """Licences in the texts, in order of (row, start): kind is the SPDX expression, spans in bytes of each text."""
    rows, starts, ends = regions(texts)
    if not len(rows):
        return []
    known = index()
    prefix, begins, finishes, owners = kernel.tokenise(texts.data, starts, ends, known.stops)
    candidates = [*_whole(prefix, known), *_approximate(prefix, owners, known)]
    found = []
    for best in _chosen(candidates, owners):
        expression = known.expressions[best.expression]
        if expression:
            row = int(rows[owners[best.start]])
            begin = int(texts.offsets[row])
            span = int(begins[best.start]) - begin, int(finishes[best.end - 1]) - begin
            found.append(Found(row, expression, *span, best.confidence))
    return found


def _whole(prefix: NDArray[np.uint64], known: Index) -> Iterator[Candidate]:
    tensors = known.tensors
    at, rules = kernel.whole_rules(
        prefix, known.powers, tensors["rule_head"], known.head_buckets, tensors["rule_length"], tensors["rule_hash"]
    )
    lengths = tensors["rule_length"][rules].astype(np.int64)
    for start, length, expression in zip(
        at.tolist(), lengths.tolist(), tensors["rule_expression"][rules].tolist(), strict=True
    ):
        yield Candidate(start, start + length, expression, length, 1.0)


def _approximate(prefix: NDArray[np.uint64], owners: NDArray[np.int32], known: Index) -> Iterator[Candidate]:
    """The best window of each long rule of which a region holds enough, without what is kindred to better ones."""
    tensors = known.tensors
    at, rules = kernel.shingle_hits(
        prefix, known.powers, owners, tensors["shingle_key"], known.shingle_buckets, known.shingle_firsts,
        tensors["shingle_rule"], known.needed,
    )  # fmt: skip
    if not len(at):
        return
    sizes = tensors["long_shingles"].astype(np.int64)
    keys = owners[at].astype(np.int64) * len(sizes) + rules
    order = np.argsort(keys, kind="stable")
    at, keys = at[order], keys[order]
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    counts = np.diff(np.append(firsts, len(keys)))
    rules = keys[firsts] % len(sizes)
    starts, ends, hits = _windows(at, firsts, counts, tensors["long_length"].astype(np.int64)[rules])
    shares = np.minimum(hits / np.maximum(sizes[rules], 1), 1.0)
    good = hits >= known.needed[rules]
    starts, ends, shares, rules = starts[good], ends[good], shares[good], rules[good]
    lengths = tensors["long_length"].astype(np.int64)[rules]
    likeness = shares * np.minimum(lengths / (ends - starts), 1.0)
    scores = np.minimum(lengths, ends - starts) * shares * likeness**2
    expressions = tensors["long_expression"][rules]
    ranks = scores * likeness**6 * np.where(known.rare[expressions], _RARE, 1.0)
    kept: list[Candidate] = []
    region = -1
    for place in np.lexsort((rules, -ranks, owners[starts])).tolist():
        start, end, rule = int(starts[place]), int(ends[place]), int(rules[place])
        if int(owners[start]) != region:
            yield from kept
            kept, region = [], int(owners[start])
        kindred = any(
            min(end, other.end) - max(start, other.start) >= _KINDRED * max(end - start, other.end - other.start)
            for other in kept
        )
        if kindred or not (tensors["long_text"][rule] or _phrases_stand(prefix, start, end, rule, known)):
            continue
        confidence = round(float(likeness[place]), 4)
        kept.append(Candidate(start, end, int(expressions[place]), float(scores[place]), confidence))
    yield from kept


def _windows(
    at: Integers, firsts: Integers, counts: Integers, lengths: Integers
) -> tuple[Integers, Integers, Integers]:
    """(starts, ends, hits): of each group of tokens `at` the window of a rule's length and some that holds most."""
    starts, ends, hits = at[firsts].copy(), at[firsts + counts - 1] + kernel.SHINGLE, counts.copy()
    widest = (_STRETCH * lengths).astype(np.int64) + 8
    for group in np.flatnonzero(ends - starts > widest).tolist():
        places = at[firsts[group] : firsts[group] + counts[group]]
        stops = np.searchsorted(places, places + widest[group])
        spans = places[stops - 1] - places + kernel.SHINGLE
        best = int(np.lexsort((spans, np.arange(len(places)) - stops))[0])
        starts[group], hits[group] = places[best], stops[best] - best
        ends[group] = starts[group] + spans[best]
    return starts, ends, hits


def _phrases_stand(prefix: NDArray[np.uint64], start: int, end: int, rule: int, known: Index) -> bool:
    """Whether every phrase that a notice must hold stands in tokens [start, end) or just beside them."""
    begin, stop = max(start - 8, 0), min(end + 8, len(prefix) - 1)
    for phrase in range(int(known.phrase_firsts[rule]), int(known.phrase_firsts[rule + 1])):
        length = int(known.tensors["phrase_length"][phrase])
        if stop - begin < length:
            return False
        runs = prefix[begin + length : stop + 1] - prefix[begin : stop + 1 - length] * known.powers[length]
        if not (runs == known.tensors["phrase_hash"][phrase]).any():
            return False
    return True


def _chosen(candidates: list[Candidate], owners: NDArray[np.int32]) -> list[Candidate]:
    """Candidates that do not overlap, those that explain most first; a tenth of a long text may overlap.

    A text of some length keeps the words beside it from being taken for references: its edges may be edited.
    """
    taken = np.zeros(len(owners), np.bool_)
    kept = []
    for item in sorted(candidates, key=lambda one: (-one.score, -one.confidence, one)):
        span = taken[item.start : item.end]
        if span.sum() <= (0.1 * len(span) if item.confidence < 1 else 0):
            margin = min(len(span) // 20 + 8, 60) if len(span) >= _TEXT and item.confidence < 1 else 0
            first, last = np.searchsorted(owners, (owners[item.start], owners[item.start] + 1))
            taken[max(item.start - margin, first) : min(item.end + margin, last)] = True
            kept.append(item)
    return sorted(kept)
