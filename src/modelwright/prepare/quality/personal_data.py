"""How well personal data is found: labelled sentences, messages with telephone numbers, and false alarms.

No weights were learned, so every row counts; while the rules were written, of the shared sentences only those of one
half of the templates were looked at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

DETECTOR = "personal data"
LABELS = {
    "EMAIL_ADDRESS": "email", "DOMAIN_NAME": "url", "IP_ADDRESS": "ip", "CREDIT_CARD": "card", "IBAN_CODE": "iban",
    "PHONE_NUMBER": "phone", "US_SSN": "ssn", "DATE_TIME": "birth_date",
}  # fmt: skip
FIXED = ("email", "url", "ip", "card", "iban", "ssn")
"""Kinds whose form alone says what they are."""
_NUMERIC_DATE = re.compile(r"\d+[-/.]\d+[-/.]\d+")
_BRITISH = re.compile(r"(?<![\d.])(?:\+?44|0)(?:[ -]?\d){9,10}(?!\d)")
_BOOK_BYTES, _CODE_BYTES = 10_000_000, 5_000_000
_TINY = 0.3  # confidence from which on plain URLs and dates are findings


class Span(NamedTuple):
    """A span of a kind in UTF-8 bytes of its text."""

    kind: str
    start: int
    end: int


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Figures of the files that are there: pii_spans, tune_sms_spam, prose_books, code_labelled."""
    if labelled.has("pii_spans"):
        yield from _sentences(labelled.rows("pii_spans"))
    if labelled.has("tune_sms_spam"):
        yield from _messages(labelled.rows("tune_sms_spam"))
    if labelled.has("prose_books"):
        texts = [str(row["text"]) for row in labelled.rows("prose_books")]
        yield from _alarms("books", texts, _BOOK_BYTES, 1.0, ())
    if labelled.has("code_labelled"):
        texts = [str(row["text"]) for row in labelled.rows("code_labelled")]
        yield from _alarms(
            "code, e-mail addresses and URLs with a login not counted", texts, _CODE_BYTES, 20.0, ("email", "url")
        )


def find(texts: Sequence[str], confidence: float = 0.5) -> list[list[Span]]:
    """What the shipped signal finds, secrets apart."""
    import pyarrow as pa

    from modelwright.prepare.signals.personal_data import RELIABLE, PersonalData

    kinds = tuple(kind for kind in RELIABLE if kind not in ("key", "secret"))
    signal = PersonalData(kinds=kinds, confidence=confidence)
    found: list[list[Span]] = []
    for first in range(0, len(texts), 512):
        column = pa.array(texts[first : first + 512], pa.large_string())
        lists = signal.measure(pa.record_batch({"text": column})).column("findings").to_pylist()
        found += [[Span(span["kind"], span["start"], span["end"]) for span in spans] for spans in lists]
    return found


def _sentences(rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure | Mistake]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row, found in zip(rows, find([row["text"] for row in rows], _TINY), strict=True):
        text = row["text"]
        gold = [
            Span(LABELS[span["label"]], *(len(text[: span[side]].encode()) for side in ("start", "end")))
            for span in row["spans"]
            if span["label"] in LABELS
        ]
        # A weekday or a bare year is no numeric date; finding one is no mistake either.
        loose = [span for span in gold if span.kind == "birth_date" and not _NUMERIC_DATE.search(_cut(text, span))]
        mine = [span for span in found if span.kind in LABELS.values() and not any(_same(span, one) for one in loose)]
        for span in (span for span in gold if span not in loose):
            hit = any(_same(span, one) for one in mine)
            counts[span.kind]["found" if hit else "missed"] += 1
            if not hit:
                yield Mistake(DETECTOR, text, f"{span.kind}: {_cut(text, span)}", "nothing", 1.0)
        for span in mine:
            if not any(_same(span, one) for one in gold):
                counts[span.kind]["false"] += 1
                yield Mistake(DETECTOR, text, "nothing", f"{span.kind}: {_cut(text, span)}", 2.0)
    yield from _rates(counts)


def _rates(counts: Mapping[str, Counter[str]]) -> Iterator[Figure]:
    """Recall by kind, and recall, precision and F1 over all; F1's interval from those of its parts."""
    where = "labelled sentences"
    whole: Counter[str] = Counter()
    for kind, count in sorted(counts.items()):
        whole.update(count)
        gold = count["found"] + count["missed"]
        if gold:
            floor = 0.97 if kind in FIXED else None
            name = "numeric date" if kind == "birth_date" else kind
            yield _share(f"{name} in {where}", "recall", count["found"], gold, floor)
    if whole["found"]:
        said, gold = whole["found"] + whole["false"], whole["found"] + whole["missed"]
        yield _share(f"eight kinds in {where}", "precision", whole["found"], said, 0.97)
        yield _share(f"eight kinds in {where}", "recall", whole["found"], gold, None)
        # F1 is the share of found in the mean of said and gold: as for a share, with that many trials.
        yield _share(f"eight kinds in {where}", "f1", 2 * whole["found"], said + gold, 0.90)


def _messages(rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure | Mistake]:
    texts = [str(row["text"]) for row in rows]
    found = find(texts)
    hits = numbers = 0
    for text, spans in zip(texts, found, strict=True):
        for number in _BRITISH.finditer(text):
            start, end = (len(text[:place].encode()) for place in number.span())
            hit = any(span.kind == "phone" and span.start < end and span.end > start for span in spans)
            numbers, hits = numbers + 1, hits + hit
            if not hit:
                yield Mistake(DETECTOR, text, f"phone: {number.group()}", "nothing", 1.0)
    if numbers:
        yield _share("telephone numbers of the United Kingdom in messages", "recall", hits, numbers, 0.94)


def _alarms(
    where: str, texts: Sequence[str], limit: int, at_most: float, true: tuple[str, ...]
) -> Iterator[Figure | Mistake]:
    """Findings per megabyte of texts that hold none."""
    pieces, size = [], 0
    for text in texts:
        if size >= limit:
            break
        pieces += [text[first : first + 50_000] for first in range(0, min(len(text), 1_000_000), 50_000)]
        size = sum(len(piece) for piece in pieces) if len(text) > 50_000 else size + len(text)
    alarms, total = 0, sum(len(piece.encode()) for piece in pieces)
    for text, spans in zip(pieces, find(pieces), strict=True):
        for span in spans:
            if span.kind not in true:
                alarms += 1
                yield Mistake(
                    DETECTOR, _cut(text, Span("", max(0, span.start - 80), span.end + 40)), "nothing", span.kind, 0.5
                )
    yield per_megabyte(DETECTOR, where, alarms, total, at_most)


def per_megabyte(detector: str, where: str, alarms: int, size: int, at_most: float) -> Figure:
    """Alarms per 10^6 bytes with the interval of a Poisson count (exact, by the gamma distribution)."""
    from scipy.special import gammaincinv

    low = float(gammaincinv(alarms, 0.025)) if alarms else 0.0
    high = float(gammaincinv(alarms + 1, 0.975))
    value, scale = alarms / size * 1e6, 1e6 / size
    return Figure(detector, where, "hits_per_megabyte", value, low * scale, high * scale, size, at_most=at_most)


def _share(where: str, metric: str, hits: int, items: int, floor: float | None) -> Figure:
    interval = wilson(hits, items)
    return Figure(DETECTOR, where, metric, hits / items, interval.low, interval.high, items, at_least=floor)


def _same(one: Span, other: Span) -> bool:
    """Kinds agree and the spans share at least half of their union."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return one.kind == other.kind and 2 * shared >= max(one.end, other.end) - min(one.start, other.start)


def _cut(text: str, span: Span) -> str:
    return text.encode()[span.start : span.end].decode("utf-8", "replace")
