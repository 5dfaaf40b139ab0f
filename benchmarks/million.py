"""A pile of a million documents: what publishing costs, `why`, `diff`, and the disk of a version that shares 99 %.

    python benchmarks/million.py [--documents 100000]

Documents are made up (800 bytes of words each, decisions and five signals); version 2 holds 1 % more, from a source
that sorts behind the others, as a new file does. `why` and `diff` are timed in this process, start-up apart, against
0.3 s and 5 s; the disk of version 2 against 2 % of the whole. `--documents 1000000` for the real one.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TEXT_BYTES = 800
A_BATCH = 5000


def text(number: int, pool: str) -> str:
    start = number * 7919 % (len(pool) - TEXT_BYTES)
    return f"{number} {pool[start : start + TEXT_BYTES]}"


def tables(numbers: range, new_from: int, pool: str) -> tuple[Any, Any, Any, Any]:
    """documents, decisions, signals, findings: of ten documents one is dropped."""
    import pyarrow as pa

    from modelwright.formats.document import document_id
    from modelwright.formats.pile import schema

    sources = ["zz-new" if number >= new_from else f"part-{number % 4}" for number in numbers]
    origins = [f"{number:08d}" for number in numbers]
    bodies = [text(number, pool).encode() for number in numbers]
    columns: dict[str, Any] = {
        "document": [document_id(source, origin) for source, origin in zip(sources, origins, strict=True)],
        "source": sources,
        "origin": origins,
        "digest": [hashlib.sha256(body).hexdigest() for body in bodies],
        "bytes": [len(body) for body in bodies],
        "split": ["held_out" if number % 100 == 1 else "train" for number in numbers],
        "decision": ["dropped" if number % 10 == 0 else "kept" for number in numbers],
        "rule": ["gopher" if number % 10 == 0 else None for number in numbers],
    }
    fixed = {"modality": "text", "access": "open", "licence": "CC0-1.0", "language": "en", "kind": "prose"}
    every = pa.table({**columns, **{name: [value] * len(numbers) for name, value in fixed.items()}})
    kept = every.filter(pa.compute.equal(every["decision"], "kept")).drop(["decision", "rule"])
    ids = every.select(["document", "source", "origin"])
    measured = {f"signal_{i}": [random.Random(number * 5 + i).random() for number in numbers] for i in range(5)}
    signals = pa.table({**{name: ids[name] for name in ids.column_names}, **measured})
    decisions = every.select(["document", "source", "origin", "digest", "bytes", "decision", "rule"])
    return kept, decisions, signals, schema("findings").empty_table()


def batches(numbers: range, pool: str) -> Iterator[Any]:
    """(digest, text) of all documents that stay."""
    import pyarrow as pa

    for start in range(0, len(numbers), A_BATCH):
        bodies = [text(number, pool) for number in numbers[start : start + A_BATCH] if number % 10]
        digests = [hashlib.sha256(body.encode()).hexdigest() for body in bodies]
        yield pa.record_batch({"digest": pa.array(digests), "text": pa.array(bodies, pa.large_string())})


def disk(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def published(home: Path, version: int, count: int, new_from: int, pool: str) -> float:
    """Publish a version of `count` documents; seconds of that alone."""
    from modelwright.core.context import Context
    from modelwright.core.machine import machine
    from modelwright.prepare.publish import publish

    out, work = home / "pile" / str(version), home / "work" / "pile"
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    context = Context(out, work, home, home.parent, version, machine(home))
    made = tables(range(count), new_from, pool)
    first = 0 if version == 1 else new_from
    return timed(lambda: publish(context, *made, lambda missing: batches(range(first, count), pool)))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    count = parser.parse_args().documents
    from modelwright.core import libraries
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.diff import diff

    libraries.settle()
    words = [f"{random.Random(number).getrandbits(40):x}"[: 2 + number % 9] for number in range(20_000)]
    pool = " ".join(random.Random(0).choices(words, k=400_000))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        home, more = Path(place) / ".modelwright", count // 100
        published(Path(place) / "warm" / ".modelwright", 1, 2000, 2000, pool)
        seconds = published(home, 1, count, count, pool)
        before = disk(home)
        print(f"publish {count:,} documents   {seconds:.1f} s, {before / 1e6:.0f} MB", flush=True)
        seconds = published(home, 2, count + more, count, pool)
        share = (disk(home) - before) / before
        print(f"publish 1 % more       {seconds:.1f} s, {share:.2%} more disk; limit 2 %: ratio {share / 0.02:.2f}")
        first, second = open_pile(home, home / "pile" / "1"), open_pile(home, home / "pile" / "2")
        open_pile(home, home / "pile" / "1").why("part-1:00000001")
        seconds, _ = timed(lambda: [second.why(f"part-{n % 4}:{n:08d}") for n in range(0, count, count // 20)])
        print(f"why                    {seconds / 20:.3f} s; limit 0.3 s: ratio {seconds / 20 / 0.3:.2f}")
        seconds, found = timed(lambda: diff(first, second))
        print(f"diff                   {seconds:.2f} s, {found['in']['documents']:,} came in; ratio {seconds / 5:.2f}")
        files = sorted(path.stat().st_size for path in (home / "warehouse").rglob("*.parquet"))
        metadata = sum(path.stat().st_size for path in (home / "warehouse").rglob("*") if "metadata" in path.parts)
        sizes = [f"{size / 1e3:.0f}" for size in (files[0], files[len(files) // 2], files[-1])]
        print(f"data files             {len(files)}: smallest, median and largest {', '.join(sizes)} kB")
        print(f"Iceberg's metadata     {metadata / 1e6:.2f} MB for both versions, {metadata / disk(home):.2%} of all")


if __name__ == "__main__":
    main()
