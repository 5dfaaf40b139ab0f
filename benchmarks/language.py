"""Natural language, programming language and kind: MB of UTF-8 per CPU-second beside py3langid and magika.

    python benchmarks/language.py [--data ../shared/data]

One thread, the same documents for both sides of a row. Language: books in pieces of 4 kB, of which at most 1 kB is
read; peer py3langid on the first 1,000 characters. Programming language: source files without a name, so that the
classifier reads each one; peer magika on every 20th. Kind: the pieces of books without a name.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.prepare.signals.code_language import CodeLanguage
from modelwright.prepare.signals.kind import Kind
from modelwright.prepare.signals.language import Language

PIECE = 4096


def prose(data: Path) -> list[str]:
    """Pieces of books, or the documentation strings of the standard library when there is no data."""
    path = data / "prose_books.jsonl.gz"
    if not path.exists():
        return [text[:PIECE] for text in code(data)]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        books = [json.loads(line)["text"] for line in lines]
    return [book[start : start + PIECE] for book in books for start in range(0, len(book), 4 * PIECE)]


def code(data: Path) -> list[str]:
    """Labelled source files, or those of the Python standard library."""
    path = data / "code_labelled.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [json.loads(line)["text"] for line in lines]
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths]


def seconds_of(work: Callable[[], Any]) -> float:
    """CPU-seconds of this thread, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best


def megabytes(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def row(name: str, speed: float, least: float, peer: str, peer_speed: float | None) -> None:
    beside = f"{peer} {peer_speed:.2f}, ratio {speed / peer_speed:.0f}" if peer_speed else "no peer"
    print(f"{name:24} {speed:8.1f} MB per CPU-second (at least {least:.0f}); {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    data = parser.parse_args().data
    texts, files = prose(data), code(data)
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    speed = megabytes(texts) / seconds_of(lambda: Language().measure(batch))
    row("language (1 kB sample)", speed, 70, "py3langid", langid(texts[::10]))
    names = pa.nulls(len(files), pa.string())
    batch = pa.record_batch({"text": pa.array(files, pa.large_string()), "path": names})
    speed = megabytes(files) / seconds_of(lambda: CodeLanguage().measure(batch))
    row("programming language", speed, 100, "magika", magika(files[::20]))
    columns = {"text": pa.array(texts, pa.large_string())}
    columns |= {name: pa.nulls(len(texts), pa.string()) for name in ("path", "code_language")}
    columns["code_language_confidence"] = pa.nulls(len(texts), pa.float64())
    speed = megabytes(texts) / seconds_of(lambda: Kind().measure(pa.record_batch(columns)))
    row("kind", speed, 100, "", None)


def langid(texts: list[str]) -> float:
    from py3langid.langid import LanguageIdentifier

    model = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    return megabytes(texts) / seconds_of(lambda: [model.classify(text[:1000]) for text in texts])


def magika(files: list[str]) -> float | None:
    try:
        from magika import Magika
    except ImportError:
        return None
    model = Magika()
    start = time.process_time()  # its run-time has threads of its own
    for text in files:
        model.identify_bytes(text.encode())
    return megabytes(files) / (time.process_time() - start)


if __name__ == "__main__":
    main()
