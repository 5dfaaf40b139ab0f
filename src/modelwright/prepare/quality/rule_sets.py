"""How well the published rule sets agree with datatrove, which must be installed (extra `benchmarks`)."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

DETECTOR = "published rule sets"
PIECE = 4096  # characters of a book or of Wikipedia that make one document
MOST = 500  # documents of each kind: datatrove reads .3 MB in a CPU-second

GOPHER = {
    "gopher_short_doc": ("words", "50"),
    "gopher_long_doc": ("words", "100000"),
    "gopher_below_avg_threshold": ("mean_word_length", "3"),
    "gopher_above_avg_threshold": ("mean_word_length", "10"),
    "gopher_too_many_hashes": ("hash_share", "0.1"),
    "gopher_too_many_ellipsis": ("ellipsis_share", "0.1"),
    "gopher_too_many_bullets": ("bullet_line_share", "0.9"),
    "gopher_too_many_end_ellipsis": ("ellipsis_line_share", "0.3"),
    "gopher_below_alpha_threshold": ("alphabetic_word_share", "0.8"),
    "gopher_enough_stop_words": ("stop_words", "2"),
    "dup_para_frac": ("duplicate_paragraph_share", "0.3"),
    "dup_para_char_frac": ("duplicate_paragraph_character_share", "0.2"),
    "dup_line_frac": ("duplicate_line_share", "0.3"),
    "dup_line_char_frac": ("duplicate_line_character_share", "0.2"),
    **{f"top_{n}_gram": (f"top_{n}_gram_share", str(share)) for n, share in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"duplicated_{n}_n_grams": (f"duplicate_{n}_gram_share", f"0.{20 - n}") for n in range(5, 10)},
    "duplicated_10_n_grams": ("duplicate_10_gram_share", "0.1"),
}
"""datatrove's reason -> our predicate and its threshold."""
C4 = {"lorem_ipsum": "lorem_ipsum", "curly_bracket": "curly_bracket", "too_few_sentences": "sentences"}
FINEWEB = {
    "empty": "empty",
    "line_punct_ratio": "terminal_line_share",
    "short_line_ratio": "short_line_share",
    "char_dup_ratio": "repeated_line_character_share",
    "list_ratio": "newlines_per_word",
}
RULES: dict[str, tuple[Any, dict[str, Any]]] = {
    "gopher": ({"gopher": {"when": "any"}}, GOPHER),
    "c4": ({"c4": {"when": "any"}}, C4),
    "c4, unpunctuated lines kept": ({"c4": {"when": "any", "keep_unpunctuated_lines": True}}, C4),
    "fineweb": ({"fineweb": {"when": "any"}}, FINEWEB),
    "fineweb after c4": ({"fineweb": {"when": "any", "text": "c4"}}, FINEWEB),
    "fineweb after c4, unpunctuated lines kept": ({"fineweb": {"when": "any", "text": "c4_lenient"}}, FINEWEB),
}
"""What is compared: the rule as in a project, and datatrove's reason -> our predicate."""

Reason = str | tuple[str, str] | None


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Equal decision and reason, each rule set alone, on pieces of books, speeches and pieces of Wikipedia. Nothing is
    measured where datatrove or spaCy is not installed: there is nothing to compare with.
    """
    if importlib.util.find_spec("datatrove") is None or importlib.util.find_spec("spacy") is None:
        return
    texts = documents(labelled)
    if not texts:
        return
    theirs, _ = datatrove_reasons(texts)
    ours, _ = our_reasons(texts)
    for name in RULES:
        both = [(a, b) for a, b in zip(theirs[name], ours[name], strict=True) if a != "not reached"]
        equal = sum(a == b for a, b in both)
        share = wilson(equal, len(both))
        yield Figure(
            DETECTOR, f"{name}: English prose against datatrove", "share", equal / max(len(both), 1), share.low,
            share.high, len(both), at_least=0.995,
        )  # fmt: skip
        for text, expected, found in zip(texts, theirs[name], ours[name], strict=True):
            if expected not in ("not reached", found):
                yield Mistake(DETECTOR, text[:300], f"{name}: {expected}", str(found), 1.0)


def documents(labelled: Labelled) -> list[str]:
    """Pieces of books and of Wikipedia, and speeches: every n-th, so that each source has its share."""
    texts: list[str] = []
    if labelled.has("prose_books"):
        texts += _spread([piece for row in labelled.rows("prose_books") for piece in pieces(row["text"])])
    if labelled.has("prose_speeches"):
        texts += _spread([row["text"] for row in labelled.rows("prose_speeches")])
    if labelled.has("prose_wikitext2_valid"):
        texts += _spread(pieces(labelled.text("prose_wikitext2_valid")))
    return texts


def pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _spread(texts: list[str]) -> list[str]:
    return texts[:: max(1, -(-len(texts) // MOST))]


def datatrove_filters() -> dict[str, Callable[[str], Any]]:
    """Each comparison -> a function of a text that gives datatrove's reason; C4's also keep the text they leave."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    left: dict[str, str | None] = {}

    def run(filters: Sequence[Any], text: str, keep: str | None = None) -> str | None:
        document = Document(text=text, id="0")
        result = next((found for each in filters if (found := each.filter(document)) is not True), None)
        if keep:
            left[keep] = None if result else document.text
        return None if result is None else str(result[1])

    gopher = [GopherQualityFilter(), GopherRepetitionFilter()]
    firm, lenient = C4QualityFilter(), C4QualityFilter(filter_no_terminal_punct=False)
    fineweb = [FineWebQualityFilter()]

    def after(kept: str) -> str | None:
        text = left[kept]
        return "not reached" if text is None else run(fineweb, text)

    return {
        "gopher": lambda text: run(gopher, text),
        "c4": lambda text: run([firm], text, "firm"),
        "c4, unpunctuated lines kept": lambda text: run([lenient], text, "lenient"),
        "fineweb": lambda text: run(fineweb, text),
        "fineweb after c4": lambda text: after("firm"),
        "fineweb after c4, unpunctuated lines kept": lambda text: after("lenient"),
    }


def datatrove_reasons(texts: Sequence[str], names: Sequence[str] = ()) -> tuple[dict[str, list[Reason]], float]:
    """Reasons in our words for each comparison (None: kept; `not reached`: C4 dropped the text before), CPU-seconds."""
    filters = {name: each for name, each in datatrove_filters().items() if not names or name in names}
    for each in filters.values():
        each("Warm words. " * 60)
    begun = time.thread_time()
    found = {name: [each(text) for text in texts] for name, each in _in_turn(filters, texts)}
    seconds = time.thread_time() - begun
    named = {
        name: [reason if reason in (None, "not reached") else RULES[name][1][reason] for reason in reasons]
        for name, reasons in found.items()
    }
    return named, seconds


def _in_turn(
    filters: dict[str, Callable[[str], Any]], texts: Sequence[str]
) -> Iterator[tuple[str, Callable[[str], Any]]]:
    """All filters on one text before the next one, since they hand texts on and share its words."""
    answers: dict[str, dict[int, Any]] = {name: {} for name in filters}
    for place, text in enumerate(texts):
        for name, each in filters.items():
            answers[name][place] = each(text)
    for name in filters:
        found = iter(answers[name].values())
        yield name, lambda _, found=found: next(found)  # type: ignore[misc]


def our_reasons(texts: Sequence[str], names: Sequence[str] = ()) -> tuple[dict[str, list[Reason]], float]:
    """The same by the signals and rules of this package, CPU-seconds from Arrow texts to decisions."""
    import pyarrow as pa

    from modelwright.core import plugins
    from modelwright.prepare.rule import Rule, decide
    from modelwright.prepare.signals.c4_lines import C4Lines
    from modelwright.prepare.signals.counts import Counts

    counts, lines = Counts(), C4Lines()
    chosen = {name: plugins.parse("rules", rule) for name, (rule, _) in RULES.items() if not names or name in names}
    batches = [
        pa.RecordBatch.from_pydict({"text": pa.array(texts[start : start + 1024], pa.large_string())})
        for start in range(0, len(texts), 1024)
    ]
    found: dict[str, list[Reason]] = {name: [] for name in chosen}
    begun = time.thread_time()
    for batch in batches:
        measured = [counts.measure(batch), lines.measure(batch)]
        columns = {field.name: part.column(field.name) for part in measured for field in part.schema}
        table = pa.table({name: column for name, column in columns.items() if name != "findings"})
        for name, rule in chosen.items():
            assert isinstance(rule, Rule)
            decided = decide(table, rule.predicates())
            reasons = decided["signal"].to_pylist()
            if name == "gopher":
                pairs = zip(reasons, decided["threshold"].to_pylist(), strict=True)
                found[name] += [None if reason is None else (reason, limit) for reason, limit in pairs]
            else:
                found[name] += reasons
    return found, time.thread_time() - begun
