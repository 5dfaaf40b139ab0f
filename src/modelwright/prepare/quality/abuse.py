"""Profanity and abuse: precision and recall on labelled tweets, false alarms on clean texts and in other languages."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.prepare.quality.base import Figure, Labelled, Mistake

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

DETECTOR = "profanity and abuse"


def plain(tweet: str) -> str:
    """Without what only tweets have: entities, user names, links, the mark of a repeated tweet."""
    return re.sub(r"@user\b|\bURL\b|^\W*RT\b", " ", html.unescape(tweet))


def sentences(text: str) -> list[str]:
    """Sentences of more than 20 characters, their white space made plain."""
    return [part for part in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if len(part) > 20]


def row_digests(texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """What stands in `trained_on` for a row: the first 8 bytes of the SHA-256 of its text, big-endian."""
    import numpy as np

    return np.array([int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts], np.uint64)


def unseen(texts: Sequence[str], model: Path) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which texts the weights in `model` did not learn from."""
    import numpy as np
    from safetensors import safe_open

    with safe_open(model, framework="numpy") as file:
        return ~np.isin(row_digests(texts), file.get_tensor("trained_on").view(np.uint64))


def measured(texts: Sequence[str], language: str = "en", encoder: str | None = None) -> pa.RecordBatch:
    """What the signal gives for texts of a known language."""
    import pyarrow as pa

    from modelwright.prepare.signals.abuse import Abuse

    rows = len(texts)
    columns = {
        "text": pa.array(texts, pa.large_string()),
        "language": pa.array([language] * rows, pa.string()),
        "language_confidence": pa.array([1.0] * rows, pa.float64()),
    }
    return Abuse(encoder=encoder).measure(pa.record_batch(columns))


def share(measured_on: str, metric: str, hits: int, items: int, detector: str = DETECTOR, **more: Any) -> Figure:
    """A share with Wilson's interval."""
    from modelwright.measure.statistics import wilson

    found = wilson(int(hits), int(items))
    return Figure(detector, measured_on, metric, found.value or 0.0, found.low, found.high, int(items), **more)


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Figures at the threshold of the rule `hate`; rows that the weights learned from are left out."""
    if labelled.has("hate_tweets"):
        yield from _tweets(labelled)
    for name, texts, limit in clean_texts(labelled, every=2):
        yield from _false_alarms(name, texts, limit)
    if labelled.has("langid_text"):
        yield from _other_languages(labelled)


def threshold() -> float:
    """Where the rule `hate` drops without options."""
    from modelwright.prepare.rules.hate import Hate

    return float(Hate().predicates()[0].threshold)  # type: ignore[arg-type]


def _tweets(labelled: Labelled) -> Iterator[Figure | Mistake]:
    import numpy as np

    from modelwright.measure.model_files import ABUSE_MODEL

    rows = labelled.rows("hate_tweets")
    new = unseen([row["text"] for row in rows], ABUSE_MODEL)
    left_out = int((~new).sum())
    rows = [row for row, fresh in zip(rows, new, strict=True) if fresh]
    if not rows:
        return
    wrong = np.array([row["label"] != "neither" for row in rows])
    score = measured([plain(row["text"]) for row in rows]).column("abuse_score").to_numpy()
    flagged = score >= threshold()
    both, on = int((flagged & wrong).sum()), "tweets, hate or offensive"
    yield share(on, "precision", both, int(flagged.sum()), left_out=left_out, at_least=0.95)
    yield share(on, "recall", both, int(wrong.sum()), left_out=left_out)
    yield _f1(on, flagged, wrong, left_out)
    for label in ("hate", "offensive"):
        these = np.array([row["label"] == label for row in rows])
        yield share(f"tweets, {label} alone", "recall", int((flagged & these).sum()), int(these.sum()))
    for row, value, found, bad in zip(rows, score.tolist(), flagged.tolist(), wrong.tolist(), strict=True):
        if found != bad:
            yield Mistake(DETECTOR, row["text"], row["label"], f"abuse_score {value:.3f}", abs(value - threshold()))


def _f1(on: str, flagged: np.ndarray[Any, Any], wrong: np.ndarray[Any, Any], left_out: int) -> Figure:
    """F1 is a ratio of sums over items: 2 true positives over flagged plus wrong."""
    import numpy as np

    from modelwright.measure.statistics import ratio_interval

    found = ratio_interval(2.0 * (flagged & wrong), flagged.astype(np.float64) + wrong)
    return Figure(DETECTOR, on, "f1", found.value or 0.0, found.low, found.high, len(wrong), left_out, at_least=0.905)


def clean_texts(labelled: Labelled, every: int = 12) -> Iterator[tuple[str, list[str], float | None]]:
    """Clean texts by kind, with the highest share of false alarms where there is a limit; of the sentences of books one
    in `every`.
    """
    if labelled.has("prose_books"):
        parts = [row["text"][5000:400_000] for row in labelled.rows("prose_books")]
        yield "sentences of books", [part for text in parts for part in sentences(text)[::every]], 0.001
    if labelled.has("prose_speeches"):
        parts = [row["text"] for row in labelled.rows("prose_speeches")]
        yield "sentences of speeches", [part for text in parts for part in sentences(text)[::8]], None
    if labelled.has("tune_sms_spam"):
        yield "messages (ham)", [row["text"] for row in labelled.rows("tune_sms_spam") if row["label"] == "ham"], None
    if labelled.has("pref_hh_helpful"):
        prompts = [row["prompt"] for row in labelled.rows("pref_hh_helpful")]
        yield "questions to an assistant", [p[-1]["content"] if isinstance(p, list) else str(p) for p in prompts], None
    if labelled.has("tune_sentence_polarity"):
        yield "film-review sentences", [row["text"] for row in labelled.rows("tune_sentence_polarity")][::2], None
    if labelled.has("tune_banking77"):
        yield "bank questions", [row["text"] for row in labelled.rows("tune_banking77")][::6], None
    if labelled.has("code_labelled"):
        yield "heads of code files", [row["text"][:400] for row in labelled.rows("code_labelled")][::2], None


def _false_alarms(name: str, texts: list[str], limit: float | None) -> Iterator[Figure | Mistake]:
    from modelwright.measure.model_files import ABUSE_MODEL

    new = unseen(texts, ABUSE_MODEL)
    fresh = [text for text, keep in zip(texts, new, strict=True) if keep]
    if not fresh:
        return
    score = measured(fresh).column("abuse_score").to_numpy()
    alarms = score >= threshold()
    yield share(name, "share", int(alarms.sum()), len(fresh), left_out=len(texts) - len(fresh), at_most=limit)
    for text, value in zip(fresh, score.tolist(), strict=True):
        if value >= threshold():
            yield Mistake(DETECTOR, text, f"clean ({name})", f"abuse_score {value:.3f}", value - threshold())


def other_languages(labelled: Labelled) -> Iterator[tuple[str, int, int]]:
    """(language, clean sentences in which its word list hits, sentences) of the languages that have a list."""
    import numpy as np

    by_language: dict[str, list[str]] = {}
    for row in labelled.rows("langid_text"):
        if row["iso1"]:
            by_language.setdefault(row["iso1"], []).append(row["text"])
    for language, texts in sorted(by_language.items()):
        words = measured(texts, language).column("profanity_words")
        if words.null_count == 0:
            yield language, int((np.asarray(words) > 0).sum()), len(texts)


def _other_languages(labelled: Labelled) -> Iterator[Figure]:
    found = list(other_languages(labelled))
    if found:
        hits, items = sum(one[1] for one in found), sum(one[2] for one in found)
        yield share(f"word lists, clean sentences of {len(found)} languages", "share", hits, items)
