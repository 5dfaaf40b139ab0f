"""Natural language: short sentences, paragraphs and 30 characters of 61 languages, all two-letter codes, English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelwright.prepare.quality.base import Figure, Labelled, Mistake

DETECTOR = "natural language"
CHARACTERS = 30
_CODES = """af ar az be bg bn ca cs cy da de el en eo es et eu fa fi fr ga he hi hr hu hy id is it ja ka kk ko la lt
lv mk mn mr ms nb nl pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur vi zh"""
CORE = frozenset(_CODES.split())
"""The 61 languages that lid.176, CLD2, CLD3, lingua and py3langid all know."""
_SAME = {"no": "nb", "arz": "ar", "ary": "ar"}
_SETS = {"tatoeba": ("short sentences", 0.955), "udhr": ("paragraphs", 0.94)}
_LEAST_CUT = 0.93


def _code(row: dict[str, Any]) -> str:
    return _SAME.get(row["iso1"], row["iso1"] or "")


def _found(texts: Sequence[str]) -> tuple[list[str], list[float]]:
    """Labels and confidences, as the signal gives them."""
    import pyarrow as pa

    from modelwright.prepare.signals.language import Language

    measured = Language().measure(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    labels = [_SAME.get(label, label) for label in measured.column("language").to_pylist()]
    return labels, measured.column("language_confidence").to_pylist()


def _accuracy(measured_on: str, metric: str, right: Sequence[bool], least: float | None) -> Figure:
    from modelwright.measure.statistics import wilson

    found = wilson(sum(right), len(right))
    return Figure(DETECTOR, measured_on, metric, found.value or 0.0, found.low, found.high, len(right), at_least=least)


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Accuracy by source and on texts cut to CHARACTERS, on all two-letter codes (nb taken as no), and how often a text
    that is called English is. A confident wrong answer in a core language is the worst mistake.
    """
    if not labelled.has("langid_text"):
        return
    rows = labelled.rows("langid_text")
    labels, confidence = _found([row["text"] for row in rows])
    for source, (name, least) in _SETS.items():
        core = [place for place, row in enumerate(rows) if row["source"] == source and _code(row) in CORE]
        if not core:
            continue
        right = [labels[place] == _code(rows[place]) for place in core]
        yield _accuracy(f"{name}, 61 languages", "accuracy", right, least)
        long = [rows[place] for place in core if len(rows[place]["text"]) >= CHARACTERS]
        cut, _ = _found([row["text"][:CHARACTERS] for row in long])
        right = [label == _code(row) for label, row in zip(cut, long, strict=True)]
        if right:
            yield _accuracy(f"{name}, {CHARACTERS} characters, 61 languages", "accuracy", right, _LEAST_CUT)
    coded = [place for place, row in enumerate(rows) if row["iso1"]]
    if coded:
        names = len({rows[place]["iso1"] for place in coded})
        right = [labels[place] == _code(rows[place]) for place in coded]
        yield _accuracy(f"all {names} two-letter codes", "accuracy", right, 0.88)
    english = [place for place, label in enumerate(labels) if label == "en"]
    if english:
        yield _accuracy("called English", "precision", [rows[place]["iso1"] == "en" for place in english], 0.90)
    for place, row in enumerate(rows):
        if _code(row) in CORE and labels[place] != _code(row):
            yield Mistake(DETECTOR, row["text"], _code(row), labels[place], confidence[place])
