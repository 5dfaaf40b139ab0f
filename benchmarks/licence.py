"""Licences and copyright statements, ours against ScanCode, on books and on code.

    python benchmarks/licence.py [--data ../shared/data] [--scancode /work/tools/scancode/bin/python]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread for the signals `licence` and `copyright`, from Arrow texts
to columns and findings; loading the index and compiling or loading the kernels is timed apart. ScanCode does not live
beside modelwright's dependencies: it is timed in its own environment on a sample of the same documents when that is
there, else the figure measured with release 32.5.0 is printed as such.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.prepare.signal import Signal
from modelwright.prepare.signals.copyright import Copyright
from modelwright.prepare.signals.licence import Licence

PIECE = 4096  # characters of a book in one document
FLOORS = {("licence", "books"): 300, ("licence", "code"): 120, ("copyright", "code"): 70}
MEASURED = {"licence": 0.005, "copyright": 0.20}
"""ScanCode 32.5.0 on code, MB per CPU-second, measured on the machine on which the prototype was measured."""
PEER = """
import json, os, sys, tempfile, time
from scancode.api import get_copyrights, get_licenses
texts = json.load(sys.stdin)
paths = []
for text in texts:
    handle, path = tempfile.mkstemp(suffix=".txt")
    os.write(handle, text.encode())
    os.close(handle)
    paths.append(path)
get_licenses(paths[0]); get_copyrights(paths[0])
found = {}
for name, function in (("licence", get_licenses), ("copyright", get_copyrights)):
    start = time.process_time()
    for path in paths:
        function(path)
    found[name] = time.process_time() - start
print(json.dumps(found))
"""


def corpora(data: Path) -> dict[str, list[str]]:
    """Books in pieces and code in files; without the shared data, the standard library's modules."""
    code = [path.read_text(encoding="utf-8", errors="replace") for path in stdlib()]
    books = ["\n".join(line for line in text.split("\n") if '"' not in line) for text in code]
    if (data / "prose_books.jsonl.gz").exists():
        with gzip.open(data / "prose_books.jsonl.gz", "rt", encoding="utf-8") as stream:
            texts = [json.loads(line)["text"] for line in stream]
        books = [text[i : i + PIECE] for text in texts for i in range(0, len(text), PIECE)]
    if (data / "code_labelled.jsonl.gz").exists():
        with gzip.open(data / "code_labelled.jsonl.gz", "rt", encoding="utf-8") as stream:
            code = [json.loads(line)["text"] for line in stream]
    return {"books": books, "code": code}


def stdlib() -> list[Path]:
    return sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))


def batches(texts: list[str]) -> list[pa.RecordBatch]:
    made = []
    for start in range(0, len(texts), 1024):
        part = texts[start : start + 1024]
        nothing = pa.nulls(len(part), pa.string())
        made.append(pa.record_batch({"text": pa.array(part, pa.large_string()), "licence": nothing, "path": nothing}))
    return made


def seconds(signal: Signal, prepared: list[pa.RecordBatch], rounds: int = 3) -> float:
    """CPU-seconds of this thread for one pass, the best of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        for batch in prepared:
            signal.measure(batch.select(list(signal.inputs)))
        best = min(best, time.thread_time() - start)
    return best


def scancode(python: Path, texts: list[str]) -> dict[str, float] | None:
    """CPU-seconds of ScanCode for licences and copyright; None where it is not installed."""
    if not python.is_file():
        return None
    done = subprocess.run([python, "-c", PEER], input=json.dumps(texts), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(name: str, corpus: str, rate: float, peer: float, how: str) -> None:
    floor = FLOORS.get((name, corpus))
    goal = f"(at least {floor})" if floor else ""
    print(f"{name:9} {corpus:5} {rate:7.1f} MB/CPU-s {goal:14} ScanCode {peer:.4f} {how} ratio {rate / peer:,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--scancode", type=Path, default=Path("/work/tools/scancode/bin/python"))
    arguments = parser.parse_args()
    signals: dict[str, Any] = {"licence": Licence(), "copyright": Copyright()}
    for name, signal in signals.items():
        start = time.thread_time()
        signal.measure(
            batches(["Copyright 2020 Example. Licensed under the MIT license."])[0].select(list(signal.inputs))
        )
        print(f"{name}: index and kernels in {time.thread_time() - start:.2f} CPU-s")
    for corpus, texts in corpora(arguments.data).items():
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        print(f"{corpus}: {len(texts)} documents, {megabytes:.1f} MB")
        sample = random.Random(0).sample(texts, min(12, len(texts)))
        sampled = sum(len(text.encode()) for text in sample) / 1e6
        theirs = scancode(arguments.scancode, sample)
        prepared = batches(texts)
        for name, signal in signals.items():
            rate = megabytes / seconds(signal, prepared)
            peer = sampled / theirs[name] if theirs else MEASURED[name]
            how = (
                f"(run on {len(sample)} of them)"
                if theirs
                else "(32.5.0 on code, measured elsewhere; not installed here)"
            )
            report(name, corpus, rate, peer, how)


if __name__ == "__main__":
    main()
