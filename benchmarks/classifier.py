"""The student of `domain` and an own classifier, against scikit-learn's HashingVectorizer with the same kind of model.

    python benchmarks/classifier.py [--data ../shared/data]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread and the ratio, on the same documents: books in pieces of
4 kB (else the Python standard library's source). Ours is the whole way from an Arrow column to the signal's columns;
compiling or loading the kernel is timed apart. The peer hashes words and pairs into as many buckets and multiplies by
as many classes; like ours it may read the first 4 kB of a text only.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sysconfig
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

PIECE = 4096
MOST_BYTES = 24_000_000
PEER_BYTES = 4_000_000


def documents(data: Path) -> list[str]:
    """Pieces of 4,096 characters."""
    books = data / "prose_books.jsonl.gz"
    if books.exists():
        with gzip.open(books, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for line in lines]
    else:
        paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    pieces, total = [], 0
    for text in texts:
        for place in range(0, len(text), PIECE):
            if total < MOST_BYTES:
                pieces.append(text[place : place + PIECE])
                total += len(pieces[-1].encode())
    return pieces


def speed(measure, megabytes: float, rounds: int = 3) -> float:
    """The best of some rounds, in MB per CPU-second."""
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        measure()
        times.append(time.thread_time() - start)
    return megabytes / min(times)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path(__file__).parent / ".." / ".." / "shared" / "data")
    texts = documents(arguments.parse_args().data)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6

    from modelwright.measure.classifier import content
    from modelwright.prepare.classifiers import train
    from modelwright.prepare.signals.classifier import Classifier
    from modelwright.prepare.signals.domain import Domain

    start = time.thread_time()
    from modelwright.measure import classifier_kernel  # noqa: F401

    print(f"kernel ready after {time.thread_time() - start:.1f} CPU-s; {len(texts):,} documents, {megabytes:.1f} MB")
    column = {"text": pa.array(texts, pa.large_string()), "kind": pa.array(["prose"] * len(texts))}
    batch = pa.record_batch(column)
    with tempfile.TemporaryDirectory() as folder:
        half = texts[: min(600, len(texts))]
        labels = [str(place % 2) for place in range(len(half))]
        start = time.thread_time()
        own = train("own", half, labels, ["0", "1"])
        print(f"training on {len(half)} documents of 4 kB, six fits: {time.thread_time() - start:.1f} CPU-s")
        path = Path(folder) / "own.safetensors"
        path.write_bytes(content(own.model))
        ours = {"domain, 16 fields": Domain(), "own classifier, 2 classes": Classifier(model=str(path))}
        peer_texts = [text for place, text in enumerate(texts) if place * PIECE < PEER_BYTES]
        peer_megabytes = sum(len(text.encode()) for text in peer_texts) / 1e6
        for name, signal in ours.items():
            found = speed(lambda signal=signal: signal.measure(batch), megabytes)
            theirs = speed(peer(16 if "domain" in name else 2, peer_texts), peer_megabytes, 1)
            print(f"{name}: {found:.0f} MB/CPU-s; scikit-learn {theirs:.1f}; {found / theirs:.0f} times")


def peer(classes: int, texts: list[str]):
    """HashingVectorizer with words and pairs, and a matrix product."""
    from sklearn.feature_extraction.text import HashingVectorizer

    reader = HashingVectorizer(n_features=1 << 16, ngram_range=(1, 2), alternate_sign=False)
    weights = np.random.default_rng(0).normal(size=(1 << 16, classes))
    return lambda: (reader.transform(texts) @ weights).argmax(axis=1)


if __name__ == "__main__":
    main()
