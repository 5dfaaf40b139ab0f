"""How well benchmark items are found that were planted in books, and how often clean texts are flagged."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

_DETECTOR = "decontamination"
_PLANTED, _PIECE = 1500, 3000
_CLEAN = ("prose_speeches", "code_labelled", "tune_gsm8k_train", "pref_hh_helpful", "tune_sms_spam")
_CLEAN_PIECES = 21_000
_MAIN = ("question", "ctx", "context", "prompt", "turns.0")
_FILES = (
    "bench_arc", "bench_bbq", "bench_gsm8k", "bench_hellaswag", "bench_humaneval", "bench_lambada",
    "bench_mmlu", "bench_mtbench_questions", "bench_openbookqa", "bench_truthfulqa",
)  # fmt: skip


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Items of the benchmarks there are, planted one by one into pieces of books by a fixed seed: as they are, in upper
    case without punctuation, with 10 % of their words edited. Items are all text fields of six words or more, and
    shorter questions with their answer. An item counts as found when its row is named in the piece that it stands in.
    """
    import pyarrow as pa

    from modelwright.measure.benchmark_items import items_of
    from modelwright.prepare.signals.contamination import Contamination

    names = [name for name in _FILES if labelled.has(name)]
    if not names or not labelled.has("prose_books"):
        return
    signal = Contamination(against=tuple(str(labelled.required(name)) for name in names))
    pieces = _pieces([row["text"] for row in labelled.rows("prose_books")])
    chosen = random.Random(0)
    items = [(labelled.required(name).name, item) for name in names for item in items_of(labelled.rows(name), name)]
    items = [(file, item) for file, item in items if _asks(item)]
    items = chosen.sample(items, min(_PLANTED, len(items)))
    hosts = chosen.sample(pieces, min(len(items), len(pieces)))
    items = items[: len(hosts)]
    for label, change, floor in _CHANGES:
        texts, wanted = [], []
        for (file, item), host in zip(items, hosts, strict=True):
            place = chosen.choice([match.end() for match in re.finditer(r"\s+", host)] or [0])
            planted = item.text if _words(item.text) > 5 else f"{item.text} {item.answers[0]}"
            texts.append(f"{host[:place]}\n{change(planted, chosen)}\n{host[place:]}")
            wanted.append(f"{file}#{item.row}.")
        found = _found(signal, pa.array(texts, pa.large_string()))
        hits = [any(kind.startswith(name) for kind in kinds) for name, kinds in zip(wanted, found, strict=True)]
        interval = wilson(sum(hits), len(hits))
        yield Figure(
            _DETECTOR, f"planted in books, {label}", "recall", interval.value or 0.0, interval.low, interval.high,
            len(hits), at_least=floor,
        )  # fmt: skip
        for (_, item), hit in zip(items, hits, strict=True):
            if not hit:
                yield Mistake(_DETECTOR, item.text[:300], f"found, {label}", "not found", float(len(item.text.split())))
    yield from _clean(signal, labelled, pieces)


def _clean(signal: Any, labelled: Labelled, pieces: Sequence[str]) -> Iterator[Figure | Mistake]:
    """Texts that hold no item: pieces of books and other files of the folder."""
    import pyarrow as pa

    texts = list(pieces)
    for name in _CLEAN:
        if labelled.has(name):
            texts += [text for row in labelled.rows(name) if (text := _text_of(row))]
    texts = random.Random(1).sample(texts, min(len(texts), _CLEAN_PIECES))
    found = _found(signal, pa.array(texts, pa.large_string()))
    flagged = [number for number, kinds in enumerate(found) if kinds]
    interval = wilson(len(flagged), len(texts))
    yield Figure(
        _DETECTOR,
        "clean texts",
        "share",
        interval.value or 0.0,
        interval.low,
        interval.high,
        len(texts),
        at_most=0.0002,
    )
    for number in flagged:
        yield Mistake(_DETECTOR, texts[number][:300], "clean", ", ".join(found[number][:3]), 1000.0)


def _text_of(row: Any) -> str:
    for name in ("text", "content", "question", "chosen"):
        if isinstance(row.get(name), str):
            return str(row[name])
    return ""


def _asks(item: Any) -> bool:
    """Whether an item is the main text of its row: what a model is asked, or the passage that it reads."""
    return item.name.rpartition("#")[2].partition(".")[2] in _MAIN and (_words(item.text) >= 6 or bool(item.answers))


def _words(text: str) -> int:
    return len(re.findall(r"[^\W_]+", text))


def _found(signal: Any, texts: Any) -> list[list[str]]:
    import pyarrow as pa

    measured = signal.measure(pa.record_batch({"text": texts}))
    return [[span["kind"] for span in spans] for spans in measured.column("findings").to_pylist()]


def _pieces(texts: Sequence[str]) -> list[str]:
    return [text[start : start + _PIECE] for text in texts for start in range(0, len(text) - _PIECE, _PIECE)]


def _plain(text: str, chosen: random.Random) -> str:
    return text


def _shouted(text: str, chosen: random.Random) -> str:
    return re.sub(r"[^\w\s]", "", text).upper()


def _edited(text: str, chosen: random.Random) -> str:
    """One word in ten replaced, removed, doubled or exchanged with the next."""
    words = text.split()
    for place in chosen.sample(range(len(words)), max(1, round(len(words) / 10))):
        how = chosen.randrange(4)
        if how == 0:
            words[place] = chosen.choice(("thing", "quickly", "several", "blue"))
        elif how == 1:
            words[place] = ""
        elif how == 2:
            words[place] += " " + words[place]
        else:
            other = min(place + 1, len(words) - 1)
            words[place], words[other] = words[other], words[place]
    return " ".join(word for word in words if word)


_CHANGES: tuple[tuple[str, Callable[[str, random.Random], str], float], ...] = (
    ("verbatim", _plain, 0.97),
    ("upper case without punctuation", _shouted, 0.95),
    ("10 % of words edited", _edited, 0.86),
)
