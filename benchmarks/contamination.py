"""Decontamination, ours against a Python set of 13-grams, on the same books.

    python benchmarks/contamination.py [--megabytes 20] [--data ../shared/data]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread for both and their ratio. Ours is the signal as a pile runs
it, from Arrow texts to columns and findings, against every text field of all benchmarks in the folder; the index is
built and the kernel compiled or loaded before.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from pathlib import Path

import pyarrow as pa

from modelwright.measure.benchmark_items import items_of, read_rows
from modelwright.prepare.signals.contamination import Contamination

PIECE, N = 4096, 13


def books(data: Path, megabytes: float) -> list[str]:
    texts: list[str] = []
    size = 0
    with gzip.open(data / "prose_books.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            body = json.loads(line)["text"]
            for start in range(0, len(body), PIECE):
                texts.append(body[start : start + PIECE])
                size += len(texts[-1].encode())
                if size > megabytes * 1e6:
                    return texts
    return texts


def sets(texts: list[str], paths: list[Path]) -> float:
    """CPU-seconds that a set of 13-grams takes for the texts."""
    grams = set()
    for path in paths:
        for item in items_of(read_rows(path), path.name):
            words = re.findall(r"\w+", item.text.lower())
            grams |= {" ".join(words[i : i + N]) for i in range(len(words) - N + 1)}
    start = time.thread_time()
    for body in texts:
        words = re.findall(r"\w+", body.lower())
        any(" ".join(words[i : i + N]) in grams for i in range(len(words) - N + 1))
    return time.thread_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments = parser.parse_args()
    texts = books(arguments.data, arguments.megabytes)
    paths = sorted(arguments.data.glob("bench_*.jsonl.gz"))
    signal = Contamination(against=tuple(map(str, paths)))
    batches = [
        pa.record_batch({"text": pa.array(texts[i : i + 2048], pa.large_string())}) for i in range(0, len(texts), 2048)
    ]
    signal.measure(batches[0].slice(0, 1))
    start = time.thread_time()
    flagged = sum(sum(value > 0 for value in signal.measure(batch).column(1).to_pylist()) for batch in batches)
    ours = time.thread_time() - start
    size = sum(len(body.encode()) for body in texts) / 1e6
    few = texts[: len(texts) // 5]
    theirs = sets(few, paths) * len(texts) / len(few)
    print(f"texts         {len(texts)} ({size:.1f} MB of books), flagged {flagged}")
    print(f"Python set    {size / theirs:.1f} MB per CPU-second (13-grams)")
    print(f"modelwright   {size / ours:.1f} MB per CPU-second")
    print(f"ratio         {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
