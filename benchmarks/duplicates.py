"""Near-duplicates, whole clustering, ours against rensa and datasketch, on the same documents.

    python benchmarks/duplicates.py [--documents 20000] [--data ../shared/data]

Documents of 900 bytes of books, and for a third of them a copy: exact, or with 1 % of its words dropped. Prints MB
(10^6 UTF-8 bytes) per CPU-second of this process for each, and the share of planted copies that are in one cluster with
their original. Ours is the whole way from texts by digest to clusters, signatures written to a cold cache; the others
are given the same 5-word shingles by Python, as they are used.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from modelwright.prepare.dedup.cluster import find_duplicates
from modelwright.prepare.dedup.minhash import Minhash

PIECE = 900


def documents(data: Path, wanted: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Texts, and the pairs (copy, original) among them."""
    chosen = random.Random(0)
    texts: list[str] = []
    with gzip.open(data / "prose_books.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            body = json.loads(line)["text"]
            texts += [body[i : i + PIECE] for i in range(0, len(body) - PIECE, PIECE)]
    texts = chosen.sample(texts, min(len(texts), wanted * 3 // 4))
    pairs = []
    for original in chosen.sample(range(len(texts)), len(texts) // 3):
        dropped = " ".join(word for word in texts[original].split() if chosen.random() > 0.01)
        copy = dropped if chosen.random() < 0.5 else texts[original]
        pairs.append((len(texts), original))
        texts.append(copy)
    return texts, pairs


def table_of(texts: list[str]) -> pa.Table:
    """The documents as a pile has them when the search begins."""
    names = [f"{number:064x}" for number in range(len(texts))]
    return pa.table(
        {
            "document": names, "source": ["s"] * len(texts), "origin": names,
            "digest": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
            "bytes": [len(text.encode()) for text in texts], "licence_class": pa.nulls(len(texts), pa.string()),
            "removed_bytes": [0] * len(texts), "text": pa.array(texts, pa.large_string()),
        }
    )  # fmt: skip


def ours(table: pa.Table) -> Callable[[int], object]:
    def read(rows: pa.Table) -> Iterator[pa.RecordBatch]:
        yield from rows.to_batches(max_chunksize=8192)

    with tempfile.TemporaryDirectory() as folder:
        clusters = find_duplicates(table, read, [Minhash()], Path(folder))["cluster"]
    return clusters.to_pylist().__getitem__


def shingles(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + 5]) for i in range(len(words) - 4)]


class Forest:
    """Clusters of what an index offers."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def __call__(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, a: int, b: int) -> None:
        self.parent[self(a)] = self(b)


def rensa(texts: list[str]) -> Callable[[int], object]:
    from rensa import RMinHash, RMinHashLSH

    forest, index = Forest(len(texts)), RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    for number, text in enumerate(texts):
        signature = RMinHash(num_perm=128, seed=42)
        signature.update(shingles(text))
        for other in index.query(signature):
            forest.join(number, other)
        index.insert(number, signature)
    return forest


def datasketch(texts: list[str]) -> Callable[[int], object]:
    from datasketch import MinHash, MinHashLSH

    forest, index = Forest(len(texts)), MinHashLSH(threshold=0.8, num_perm=128)
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=128)
        signature.update_batch([shingle.encode() for shingle in shingles(text)])
        for other in index.query(signature):
            forest.join(number, other)
        index.insert(number, signature)
    return forest


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments = parser.parse_args()
    texts, pairs = documents(arguments.data, arguments.documents)
    few = min(len(texts), 3000)
    ours(table_of(texts[:10]))
    table = table_of(texts)
    print(f"documents     {len(texts)} ({sum(len(text.encode()) for text in texts) / 1e6:.1f} MB), copies {len(pairs)}")
    for name, way, some in (
        ("modelwright", ours, texts),
        ("rensa", rensa, texts),
        ("datasketch", datasketch, texts[:few]),
    ):
        size = sum(len(text.encode()) for text in some) / 1e6
        start = time.process_time()
        cluster = way(table) if way is ours else way(some)
        seconds = time.process_time() - start
        planted = [(a, b) for a, b in pairs if a < len(some)]
        found = f"{sum(cluster(a) == cluster(b) for a, b in planted) / len(planted):.3f}" if planted else "-"
        print(f"{name:13} {size / seconds:.1f} MB per CPU-second, copies found {found}")


if __name__ == "__main__":
    main()
