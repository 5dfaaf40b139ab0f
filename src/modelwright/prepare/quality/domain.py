"""How good `domain` is: the teacher on questions of MMLU, the student that ships against its teacher on long texts.

The teacher needs the extra `embeddings`; without it nothing is measured, and the harness says so by the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.prepare.quality.base import Figure, Labelled, Mistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

DETECTOR = "domain"
LONG = 3600
"""Characters of a long text: four windows of the teacher."""
LEAST_LONG = 1800
MOST = 40
"""Long texts of a kind; the encoder is slow."""
MOST_QUESTIONS = 600


def question(row: Mapping[str, Any]) -> str:
    """What the teacher reads of a question: the question and its choices."""
    return " ".join([str(row["question"]), *(str(choice) for choice in row["choices"])])


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Accuracy of the teacher and agreement of the student, on texts that neither learnt from.

    Raises MissingFile when there are no questions, MissingExtra without the encoder.
    """
    from modelwright.engines.embeddings import required

    required()
    yield from _teacher(labelled)
    yield from _student(labelled)


def _teacher(labelled: Labelled) -> Iterator[Figure | Mistake]:
    from modelwright.measure.classifier import text_mark
    from modelwright.prepare.domains import FIELD_OF, FIELDS, teach, teacher

    rows = [row for row in labelled.rows("bench_mmlu") if row["subject"] in FIELD_OF]
    kept = [row for row in rows if not _known(question(row), teacher().trained_on)]
    left_out = len(rows) - len(kept)
    kept = sorted(kept, key=lambda row: text_mark(question(row)))[:MOST_QUESTIONS]
    if not kept:
        return
    shares = teach([question(row) for row in kept])
    best = shares.argmax(axis=1)
    right = [FIELDS[place] == FIELD_OF[row["subject"]] for place, row in zip(best, kept, strict=True)]
    yield _figure("teacher: MMLU questions not trained on, 16 fields", "accuracy", right, left_out, 0.75)
    for row, place, share, good in zip(kept, best, shares.max(axis=1), right, strict=True):
        if not good:
            expected = f"{FIELD_OF[row['subject']]} ({row['subject']})"
            yield Mistake(DETECTOR, question(row)[:200], expected, FIELDS[place], float(share))


def _student(labelled: Labelled) -> Iterator[Figure | Mistake]:
    from modelwright.prepare.domains import FIELDS, teach
    from modelwright.prepare.signals.domain import Domain

    signal = Domain()
    agreed: list[bool] = []
    left_out = 0
    for kind, (texts, without) in _long_texts(labelled).items():
        left_out += without
        if not texts:
            continue
        shares = teach(texts)
        found = _measured(signal, texts)
        taught = [FIELDS[place] for place in shares.argmax(axis=1)]
        same = [a == b for a, b in zip(taught, found, strict=True)]
        agreed += same
        yield _figure(f"student against teacher: {kind}, 3,600 characters", "accuracy", same, without, None)
        for text, expected, name, share, good in zip(texts, taught, found, shares.max(axis=1), same, strict=True):
            if not good:
                yield Mistake(DETECTOR, text[:200], f"{expected} (teacher)", f"{name} (student)", float(share) - 1)
    if agreed:
        yield _figure("student against teacher: all long texts", "accuracy", agreed, left_out, 0.85)


def _measured(signal: Any, texts: Sequence[str]) -> list[str]:
    import pyarrow as pa

    columns = {"text": pa.array(texts, pa.large_string()), "kind": pa.array(["prose"] * len(texts))}
    columns["language"] = pa.array(["en"] * len(texts))
    found: list[str] = signal.measure(pa.record_batch(columns))["domain"].to_pylist()
    return found


def long_texts(labelled: Labelled) -> dict[str, list[str]]:
    """Long texts by kind, of documents that the student did not learn from."""
    return {kind: texts for kind, (texts, _) in _long_texts(labelled).items()}


def _long_texts(labelled: Labelled) -> dict[str, tuple[list[str], int]]:
    """By kind: the texts, and how many documents were left out because the student learnt from them."""
    from modelwright.measure import classifier
    from modelwright.prepare.domains import STUDENT

    known = classifier.load(STUDENT).trained_on if STUDENT.exists() else None
    kinds: dict[str, tuple[str, Callable[[str], list[str]]]] = {
        "books": ("prose_books", lambda name: _texts(labelled, name)),
        "speeches": ("prose_speeches", lambda name: _texts(labelled, name)),
        "encyclopaedia": ("prose_wikitext2_valid", lambda name: articles(labelled.text(name))),
        "licences": ("licence_texts_spdx", lambda name: _texts(labelled, name)),
    }
    found = {}
    for kind, (name, read) in kinds.items():
        documents = read(name) if labelled.has(name) else []
        new = [text for text in documents if not _known(text, known)]
        found[kind] = (_spread(new), len(documents) - len(new))
    return found


def _texts(labelled: Labelled, name: str) -> list[str]:
    return [row["text"] for row in labelled.rows(name)]


def articles(text: str) -> list[str]:
    """The articles of WikiText, with its marks of tokens taken back."""
    for mark, plain in ((" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."), (" <unk>", "")):
        text = text.replace(mark, plain)
    parts = re.split(r"\n = [^=\n]+ = \n", f"\n{text}")
    return [part.strip() for part in parts if part.strip()]


def _spread(documents: Sequence[str]) -> list[str]:
    """Up to MOST long texts, as many of each document as of any other, from its beginning, middle and end."""
    documents = [text for text in documents if len(text) >= LEAST_LONG]
    each = max(1, MOST // max(1, len(documents)))
    parts = []
    for text in documents:
        count = max(1, min(each, len(text) // LONG))
        parts += [text[len(text) * i // count :][:LONG] for i in range(count)]
    return parts[:: max(1, -(-len(parts) // MOST))]


def _known(text: str, trained_on: NDArray[Any] | None) -> bool:
    import numpy as np

    from modelwright.measure.classifier import text_mark

    return trained_on is not None and bool(np.isin(np.uint64(text_mark(text)), trained_on))


def _figure(what: str, metric: str, right: Sequence[bool], left_out: int, at_least: float | None) -> Figure:
    from modelwright.measure.statistics import wilson

    found = wilson(sum(right), len(right))
    return Figure(
        DETECTOR, what, metric, found.value or 0.0, found.low, found.high, len(right), left_out, at_least=at_least
    )
