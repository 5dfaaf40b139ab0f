"""Gopher's rules (quality and repetition), C4's and FineWeb's, ours against datatrove 0.10.1, on the same documents.

    python benchmarks/rules.py [--documents 2000] [--data ../shared/data]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread for both, their ratio, and the shares of equal decisions and
reasons. Documents: prose (books in pieces of 4 kB, speeches), the source of the standard library. Ours is the whole
way from Arrow texts to decisions and to the lines that C4 removes (signals `counts` and `c4_lines`, then `decide`);
compiling or loading the kernel is timed apart. datatrove's filters share their words; all rules see every document.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import operator
import random
import sysconfig
import time
from pathlib import Path

import pyarrow as pa

from modelwright.measure import text
from modelwright.prepare.quality import rule_sets


def documents(data: Path, wanted: int) -> dict[str, list[str]]:
    """A fixed choice of prose (where the data is there) and of code."""
    prose: list[str] = []
    for name in ("prose_books", "prose_speeches"):
        if (data / f"{name}.jsonl.gz").exists():
            with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
                for line in stream:
                    body = json.loads(line)["text"]
                    prose += rule_sets.pieces(body) if name == "prose_books" else [body]
    code = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        with contextlib.suppress(UnicodeDecodeError):
            code.append(path.read_text(encoding="utf-8"))
    chosen = {"prose": prose, "code": code}
    return {
        label: random.Random(0).sample(texts, min(len(texts), wanted // (1 if label == "prose" else 20)))
        for label, texts in chosen.items()
        if texts
    }


def warm_up() -> float:
    """CPU-seconds to load or compile the kernel."""
    start = time.thread_time()
    text.count(pa.array(["warm"]))
    return time.thread_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments = parser.parse_args()
    names = ("gopher", "c4", "fineweb")
    print(f"kernel in {warm_up():.2f} CPU-seconds")
    for label, texts in documents(arguments.data, arguments.documents).items():
        megabytes = sum(len(body.encode()) for body in texts) / 1e6
        first, fresh = rule_sets.our_reasons(texts, names)
        ours, seconds = min((rule_sets.our_reasons(texts, names) for _ in range(3)), key=lambda pair: pair[1])
        theirs, their_seconds = rule_sets.datatrove_reasons(texts, names)
        equal = {name: sum(map(operator.eq, ours[name], theirs[name])) / len(texts) for name in names}
        assert first == ours
        print(f"{label}: {len(texts)} documents, {megabytes:.1f} MB")
        print(f"  datatrove    {megabytes / their_seconds:.3f} MB per CPU-second ({their_seconds:.1f} s)")
        print(f"  modelwright  {megabytes / seconds:.1f} MB per CPU-second ({megabytes / fresh:.1f} the first time)")
        print(f"  ratio        {their_seconds / seconds:.1f} (goal 100)")
        print("  equal        " + ", ".join(f"{name} {share:.4%}" for name, share in equal.items()))


if __name__ == "__main__":
    main()
