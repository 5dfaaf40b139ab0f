"""Gopher's rules, ours against datatrove 0.10.1, on the same documents.

    python benchmarks/rules.py [--documents 2000] [--data ../shared/data]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread for both, their ratio, and the shares of equal decisions and
equal reasons. Documents: books in pieces of 4 kB, speeches, and the Python standard library's source, in this order
shuffled by a fixed seed. Ours is the whole way from Arrow texts to decisions (signal `counts`, then `decide`) with
`{gopher: {when: any}}`; compiling or loading the kernel is timed apart. datatrove's two filters share their words.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sysconfig
import time
from pathlib import Path

import pyarrow as pa

from modelwright.core import plugins
from modelwright.measure import text
from modelwright.prepare.rule import Rule, decide
from modelwright.prepare.signals.counts import Counts

PIECE = 4096  # characters

REASONS = {
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


def documents(data: Path, wanted: int) -> list[str]:
    """A fixed choice of `wanted` documents."""
    texts: list[str] = []
    for name in ("prose_books", "prose_speeches"):
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
            for line in stream:
                body = json.loads(line)["text"]
                texts += [body[i : i + PIECE] for i in range(0, len(body), PIECE)] if name == "prose_books" else [body]
    prose = random.Random(0).sample(texts, min(len(texts), wanted * 3 // 4))
    code = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        try:
            code.append(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    code = random.Random(0).sample(code, min(len(code), wanted - len(prose)))
    return random.Random(0).sample(prose + code, len(prose) + len(code))


def datatrove_reasons(texts: list[str]) -> tuple[list[str | None], float]:
    """datatrove's reason for each text (None: kept) and the CPU-seconds it took; its tokenizer is loaded before."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    filters = [GopherQualityFilter(), GopherRepetitionFilter()]
    for each in filters:
        each.filter(Document(text="Warm words. " * 60, id="0"))
    start = time.thread_time()
    reasons = []
    for index, body in enumerate(texts):
        document, reason = Document(text=body, id=str(index)), None
        for each in filters:
            result = each.filter(document)
            if result is not True:
                reason = result[1]
                break
        reasons.append(reason)
    return reasons, time.thread_time() - start


def our_decisions(texts: list[str]) -> tuple[list[tuple[str, str] | None], float, float]:
    """Predicate and threshold for each text, CPU-seconds, and CPU-seconds to load or compile the kernel."""
    rule, signal = plugins.parse("rules", {"gopher": {"when": "any"}}), Counts()
    assert isinstance(rule, Rule)
    start = time.thread_time()
    text.count(pa.array(["warm"]))
    warm = time.thread_time() - start
    batches = [
        pa.RecordBatch.from_pydict({"text": pa.array(texts[i : i + 1024], pa.large_string())})
        for i in range(0, len(texts), 1024)
    ]
    start = time.thread_time()
    decided = []
    for batch in batches:
        decisions = decide(pa.Table.from_batches([signal.measure(batch)]), rule.predicates())
        decided.append(decisions)
    seconds = time.thread_time() - start
    table = pa.concat_tables(decided)
    pairs = zip(table["signal"].to_pylist(), table["threshold"].to_pylist(), strict=True)
    return [None if name is None else (name, threshold) for name, threshold in pairs], seconds, warm


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments = parser.parse_args()
    texts = documents(arguments.data, arguments.documents)
    megabytes = sum(len(body.encode()) for body in texts) / 1e6
    ours, seconds, warm = our_decisions(texts)
    theirs, their_seconds = datatrove_reasons(texts)
    expected = [None if reason is None else REASONS[reason] for reason in theirs]
    decisions = sum((a is None) == (b is None) for a, b in zip(ours, expected, strict=True))
    reasons = sum(a == b for a, b in zip(ours, expected, strict=True))
    print(f"documents          {len(texts)} ({megabytes:.1f} MB), kept by datatrove {theirs.count(None)}")
    print(f"datatrove          {megabytes / their_seconds:.3f} MB per CPU-second ({their_seconds:.1f} s)")
    print(f"modelwright        {megabytes / seconds:.1f} MB per CPU-second ({seconds:.2f} s; kernel in {warm:.2f} s)")
    print(f"ratio              {their_seconds / seconds:.1f} (goal 50)")
    print(f"equal decisions    {decisions / len(texts):.4%} ({len(texts) - decisions} differ)")
    print(f"equal reasons      {reasons / len(texts):.4%} ({len(texts) - reasons} differ)")


if __name__ == "__main__":
    main()
