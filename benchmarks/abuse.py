"""The signal `abuse` (profanity, abuse, hate and their spans) beside better-profanity, on the same documents.

    python benchmarks/abuse.py [--megabytes 25] [--peer-kilobytes 8] [--data ../shared/data]

Prints MB (10^6 UTF-8 bytes) per CPU-second of one thread and the ratio. Documents: books in pieces of 4 kB, or the
sources of the Python standard library without the data. better-profanity gets the first pieces alone, since it needs
minutes for a megabyte; loading is timed for neither.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sysconfig
import time
from pathlib import Path

import pyarrow as pa

from modelwright.prepare.signals.abuse import Abuse

PIECE, BATCH = 4096, 1024  # characters, documents


def documents(data: Path, megabytes: float) -> list[str]:
    path, texts = data / "prose_books.jsonl.gz", []
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            texts = [json.loads(line)["text"] for line in stream]
    else:
        texts = [path.read_text("utf-8", "replace") for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    pieces = [text[first : first + PIECE] for text in texts for first in range(0, len(text), PIECE)]
    return pieces[: int(megabytes * 1e6 / PIECE)]


def ours(texts: list[str]) -> float:
    """CPU-seconds, the best of three passes."""
    batches = []
    for first in range(0, len(texts), BATCH):
        part = texts[first : first + BATCH]
        columns = {
            "text": pa.array(part, pa.large_string()),
            "language": pa.array(["en"] * len(part)),
            "language_confidence": pa.array([1.0] * len(part)),
        }
        batches.append(pa.record_batch(columns))
    signal, seconds = Abuse(), []
    signal.measure(batches[0].slice(0, 2))
    for _ in range(3):
        start = time.process_time()
        for batch in batches:
            signal.measure(batch)
        seconds.append(time.process_time() - start)
    return min(seconds)


def theirs(texts: list[str]) -> float:
    """CPU-seconds of better-profanity, its word list loaded before."""
    from better_profanity import profanity

    profanity.load_censor_words()
    start = time.process_time()
    for text in texts:
        profanity.contains_profanity(text)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=25)
    parser.add_argument("--peer-kilobytes", type=float, default=8)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments = parser.parse_args()
    texts = documents(arguments.data, arguments.megabytes)
    few = texts[: max(1, int(arguments.peer_kilobytes * 1000 / PIECE))]
    size, few_size = (sum(len(text.encode()) for text in part) / 1e6 for part in (texts, few))
    speed, peer = size / ours(texts), few_size / theirs(few)
    print(f"modelwright        {speed:.0f} MB per CPU-second ({len(texts)} documents, {size:.1f} MB; floor 250)")
    print(f"better-profanity   {peer:.4f} MB per CPU-second ({len(few)} documents)")
    print(f"ratio              {speed / peer:.0f}")


if __name__ == "__main__":
    main()
