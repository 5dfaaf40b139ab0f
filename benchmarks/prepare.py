"""The whole preparation, from JSON Lines to a committed pile, against the same steps in datatrove.

    python benchmarks/prepare.py [--megabytes 60] [--data ../shared/data] [--peer-documents 150] [--profile]

Every signal and every rule set is on, personal data is redacted, duplicates are sought (exact and MinHash), and the
pile is committed to disk. Prints MB (10^6 UTF-8 bytes) per CPU-second of this process and its children: first (kernels
compiled or loaded, nothing known), and again (a new project, kernels warm). Documents: books in pieces of 4 kB,
speeches and the Python standard library's source. The peer runs Gopher quality and repetition, C4, FineWeb, e-mail and
IP formatting, and MinHash signatures on a part of the same documents; its language filter needs a download, so it is
left out, as is every detector that datatrove has not. `--profile` prints where the second run spends its time.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import itertools
import json
import os
import pstats
import random
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PIECE = 4096  # characters
RULES = ("gopher", "c4", "fineweb", "code", "licence", "personal_data", "hate")


def documents(data: Path) -> list[str]:
    """Books in pieces, speeches, source code; in an order fixed by a seed."""
    texts: list[str] = []
    for name in ("prose_books", "prose_speeches"):
        path = data / f"{name}.jsonl.gz"
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                bodies = [json.loads(line)["text"] for line in stream]
            texts += [body[i : i + PIECE] for body in bodies for i in range(0, len(body), PIECE)]
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("**/*.py")):
        if "site-packages" not in path.parts:
            texts.append(path.read_bytes().decode("utf-8", "ignore"))
    random.Random(0).shuffle(texts)
    return texts


def numbered(texts: list[str], wanted: int) -> Iterator[bytes]:
    """JSON Lines of about `wanted` bytes of text. Repeats get words of their own, so that they are no duplicates."""
    size = 0
    for turn in itertools.count():
        for index, text in enumerate(texts):
            if size >= wanted:
                return
            body = (
                text
                if not turn
                else " ".join(f"{word}{turn}" if n % 9 == 0 else word for n, word in enumerate(text.split(" ")))
            )
            size += len(body.encode())
            yield json.dumps({"text": body, "id": f"{turn}-{index}"}).encode() + b"\n"


def settings(path: Path, rules: list[str]) -> dict[str, Any]:
    return {
        "sources": [{"jsonl": {"path": str(path), "id": "id", "licence": "CC0-1.0"}}],
        "rules": rules,
        "redact": {"kinds": ["email", "phone", "card"]},
        "dedup": ["exact", "minhash"],
    }


def cpu() -> float:
    """CPU-seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def prepare(folder: Path, chosen: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """One preparation in a new project: CPU-seconds and facts."""
    from modelwright.core.context import Context
    from modelwright.core.machine import machine
    from modelwright.prepare.run import run
    from modelwright.prepare.settings import PileSettings

    home = folder / ".modelwright"
    out, work = home / "pile" / "1", home / "work" / "pile"
    for path in (out, work):
        path.mkdir(parents=True)
    context = Context(out, work, home, folder, 1, machine(home))
    began = cpu()
    output = run(PileSettings.model_validate(chosen), {}, context)
    return cpu() - began, dict(output.facts)


def datatrove_seconds(texts: list[str]) -> float:
    """CPU-seconds of the steps that datatrove has; models and tables are loaded before."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.pipeline.formatters import PIIFormatter
    from datatrove.utils.hashing import HashConfig

    filters = [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]
    formatter = PIIFormatter()
    with tempfile.TemporaryDirectory() as folder:
        minhash = MinhashDedupSignature(folder, config=MinhashConfig(hash_config=HashConfig(hash_fc="sha1")))
        for text in ("Warm words. " * 60, *texts[:2]):
            _trove(Document(text=text, id="0"), filters, formatter, minhash)
        began = time.process_time()
        for index, text in enumerate(texts):
            _trove(Document(text=text, id=str(index)), filters, formatter, minhash)
        return time.process_time() - began


def _trove(document: Any, filters: list[Any], formatter: Any, minhash: Any) -> None:
    from datatrove.utils.text import simplify_text

    for each in filters:
        each.filter(document)
    formatter.format(document.text)
    shingles = minhash.get_shingles(simplify_text(document.text, minhash.config.norm_config))
    if len(shingles):
        minhash.get_signature(shingles)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--peer-documents", type=int, default=150)
    parser.add_argument("--profile", action="store_true", help="print where the warm run spends its time")
    arguments = parser.parse_args()

    from modelwright.core import libraries, plugins

    libraries.settle()
    rules = [name for name in RULES if name in plugins.catalogue("rules")]
    texts = documents(arguments.data)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        folder = Path(place)
        path = folder / "in.jsonl"
        with path.open("wb") as stream:
            stream.writelines(numbered(texts, int(arguments.megabytes * 1e6)))
        results = {}
        for name in ("first", "warm"):
            (folder / name).mkdir()
            profile = cProfile.Profile() if arguments.profile and name == "warm" else None
            if profile:
                profile.enable()
            results[name] = prepare(folder / name, settings(path, rules))
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    facts = results["warm"][1]
    megabytes = sum(facts["decided_bytes"].values()) / 1e6
    print(f"rules              {', '.join(rules)}")
    print(f"signals            {', '.join(facts['signals'])}")
    print(f"documents          {sum(facts['decisions'].values())} ({megabytes:.1f} MB): {facts['decisions']}")
    print(f"wall seconds       {facts['seconds']}")
    for name, (seconds, _) in results.items():
        print(f"modelwright {name:6} {megabytes / seconds:.2f} MB per CPU-second ({seconds:.1f} s; floor 6, goal 10)")
    sample = texts[: arguments.peer_documents]
    seconds = datatrove_seconds(sample)
    peer = sum(len(text.encode()) for text in sample) / 1e6 / seconds
    print(f"datatrove          {peer:.3f} MB per CPU-second ({len(sample)} documents, {seconds:.1f} s)")
    print(f"ratio              {megabytes / results['warm'][0] / peer:.0f}")


if __name__ == "__main__":
    main()
