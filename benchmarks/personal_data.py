"""Personal data and secrets: ours against presidio's recognisers and detect-secrets, on the same texts, in one run.

    python benchmarks/personal_data.py [--data ../shared/data] [--megabytes 10]

Prints MB (10^6 UTF-8 bytes) per CPU-second of this thread. Texts: books in pieces of 50 kB, and code; without the data
the Python standard library stands for both. Ours is the whole way from Arrow texts to findings, compiled before. The
peers get a part of the same texts that takes them some seconds: presidio's pattern recognisers one by one without an
NLP engine (the e-mail recogniser without its look-up of domains, which would go to the network), detect-secrets with
all its detectors, line by line as its scanner calls them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.measure import credentials, personal_data, personal_names
from modelwright.measure.spans import Texts, texts_of
from modelwright.prepare.signals.personal_data import RELIABLE

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU")
KINDS = tuple(kind for kind in RELIABLE if kind not in ("key", "secret"))


def library() -> list[str]:
    found = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        try:
            found.append(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    return found


def texts_in(data: Path, name: str, limit: float) -> list[str]:
    path = data / f"{name}.jsonl.gz"
    if not path.exists():
        return library()
    texts: list[str] = []
    size = 0
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            body = json.loads(line)["text"]
            texts += [body[first : first + 50_000] for first in range(0, len(body), 50_000)]
            size += len(body)
            if size > limit * 1e6:
                break
    return texts


def speed(run: Callable[[], Any], size: int, least: float = 0.5) -> float:
    """MB per CPU-second, over as many rounds as fill `least` seconds."""
    rounds, begun = 0, time.thread_time()
    while time.thread_time() - begun < least:
        run()
        rounds += 1
    return rounds * size / 1e6 / (time.thread_time() - begun)


def presidio() -> Callable[[str], Any]:
    from presidio_analyzer import predefined_recognizers as known

    class Mail(known.EmailRecognizer):  # type: ignore[misc]
        def validate_result(self, pattern_text: str) -> bool:
            return True

    names = ("CreditCard", "Iban", "Ip", "Url", "UsSsn", "Date", "Crypto", "UsPassport", "Phone")
    chosen = [Mail(), *(getattr(known, f"{name}Recognizer")() for name in names)]
    return lambda text: [each.analyze(text, each.supported_entities, None) for each in chosen]


def detect_secrets() -> Callable[[str], Any]:
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    def scan(text: str) -> None:
        with default_settings():
            for line in text.splitlines():
                list(scan_line(line))

    return scan


def peer(name: str, scan: Callable[[str], Any], texts: Sequence[str], seconds: float = 8.0) -> float:
    """MB per CPU-second over as many texts as fit in `seconds`."""
    scan(texts[0][:2000])
    size, begun = 0, time.thread_time()
    for text in texts:
        piece = text[:20_000]
        scan(piece)
        size += len(piece.encode())
        if time.thread_time() - begun > seconds:
            break
    return size / 1e6 / (time.thread_time() - begun)


def ours(texts: Texts) -> dict[str, Callable[[], Any]]:
    regions = [REGIONS] * len(texts)
    return {
        "personal data (without name, address)": lambda: personal_data.find_all(texts, KINDS, regions),
        "secrets": lambda: credentials.find(texts),
        "both": lambda: personal_data.find_all(texts, RELIABLE, regions),
        "names": lambda: personal_names.names(texts),
        "addresses": lambda: personal_names.addresses(texts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--megabytes", type=float, default=10)
    arguments = parser.parse_args()
    for where, name in (("books", "prose_books"), ("code", "code_labelled")):
        texts = texts_in(arguments.data, name, arguments.megabytes)
        column = texts_of(pa.array(texts, pa.large_string()))
        size = int(column.offsets[-1])
        measured = {}
        for what, run in ours(column).items():
            run()
            measured[what] = speed(run, size)
            print(f"{where:6} {what:38} {measured[what]:9.1f} MB per CPU-second")
        for what, against, scan in (
            ("presidio, pattern recognisers", "personal data (without name, address)", presidio()),
            ("detect-secrets", "secrets", detect_secrets()),
        ):
            rate = peer(what, scan, texts)
            print(
                f"{where:6} {what:38} {rate:9.3f} MB per CPU-second; ours is {measured[against] / rate:.0f} times that"
            )


if __name__ == "__main__":
    main()
