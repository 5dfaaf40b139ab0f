"""CPU time of preparing 1 % more data, as a share of the first run's, and whether the digests are those of one run.

    python benchmarks/increment.py [--megabytes 300] [--data ../shared/data] [--profile]

Ways: a new file beside the known ones; and the known JSON Lines file written anew, its rows shuffled among the new
ones, ids and all other rows unchanged. The tokenizer is pinned. Rules, edits of personal data and duplicates are on;
texts as in `benchmarks/prepare.py`, 90 % as rows of one JSON Lines file and 10 % as files of code. CPU-seconds of this
process, in which everything is imported and compiled beforehand (start-up apart). Some minutes; `--megabytes 30` for a
quick look, in which what a run costs however little is new weighs more than it does.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import shutil
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prepare import cpu, documents, numbered

import modelwright

PROJECT = """
name: growing
use: completion
prepare:
  sources:
    - jsonl: {{name: rows, path: rows, id: id, licence: CC0-1.0}}
    - files: {{name: tree, path: tree, licence: PSF-2.0}}
  rules: [{{gopher: {{min_words: {words}}}}}, fineweb, code, licence, personal_data, hate]
  redact: {{kinds: [email, phone, card]}}
  dedup: [exact, minhash]
  tokenizer: {tokenizer}
"""
TRAINED, PINNED = "{vocabulary: 8192}", "{from: tokens@1}"
NEW_SHARE = 0.01
TIMES = 3


def write(folder: Path, megabytes: float, data: Path) -> None:
    """A project of about so many MB of text, and 1 % more beside it as `extra.jsonl`."""
    for name in ("rows", "tree"):
        (folder / name).mkdir(parents=True)
    rows = list(numbered(documents(data), int(megabytes * 0.9e6)))
    new = max(1, int(len(rows) * NEW_SHARE))
    (folder / "rows" / "a.jsonl").write_bytes(b"".join(rows[:-new]))
    (folder / "extra.jsonl").write_bytes(b"".join(rows[-new:]))
    left = megabytes * 0.1e6
    for number, path in enumerate(sorted(Path(sysconfig.get_paths()["purelib"]).glob("**/*.py"))):
        if left <= 0:
            break
        left -= path.stat().st_size
        (folder / "tree" / str(number // 1000)).mkdir(exist_ok=True)
        shutil.copyfile(path, folder / "tree" / str(number // 1000) / f"{number}.py")
    recipe(folder, TRAINED)


def recipe(folder: Path, tokenizer: str, words: int = 50) -> None:
    (folder / "modelwright.yaml").write_text(PROJECT.format(tokenizer=tokenizer, words=words))


def run(folder: Path, rebuild: str | None = None) -> tuple[str, str]:
    """Run a project; the digests of its pile and tokens."""
    steps = modelwright.load(folder).run(rebuild=rebuild)
    made = {step["artifact"].partition("@")[0]: step["digest"] for step in steps}
    return made["pile"], made["tokens"]


def warm(folder: Path, data: Path) -> None:
    """Import, compile and load everything once."""
    write(folder, 0.3, data)
    run(folder)
    recipe(folder, PINNED, 51)
    shutil.copyfile(folder / "extra.jsonl", folder / "rows" / "b.jsonl")
    run(folder)
    modelwright.load(folder, ["prepare.rules.gopher.min_words=60"]).what_if()


def timed(work: Callable[[], Any], profile: bool = False) -> tuple[float, Any]:
    """CPU-seconds of some work, and its result."""
    profiler = cProfile.Profile()
    began = cpu()
    if profile:
        profiler.enable()
    result = work()
    profiler.disable()
    seconds = cpu() - began
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    return seconds, result


def add_file(folder: Path) -> None:
    shutil.copyfile(folder / "extra.jsonl", folder / "rows" / "b.jsonl")


def rewrite(folder: Path) -> None:
    path = folder / "rows" / "a.jsonl"
    rows = [*path.read_bytes().splitlines(keepends=True), *(folder / "extra.jsonl").read_bytes().splitlines(True)]
    random.Random(0).shuffle(rows)
    path.write_bytes(b"".join(rows))


def parsed(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=300)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    return parser.parse_args()


def said(name: str, seconds: float, first: float, limit: float) -> None:
    share = seconds / first
    ratio = f"limit {limit:.0%}: ratio {share / limit:.2f}"
    print(f"{name:24} {seconds:7.2f} CPU-s  {share:6.2%} of the first run; {ratio}", flush=True)


def begun(place: Path, arguments: argparse.Namespace) -> tuple[Path, float]:
    """A project that was prepared once, with its tokenizer pinned from now on, and the CPU-seconds of that run."""
    warm(place / "warm", arguments.data)
    base = place / "base"
    write(base, arguments.megabytes, arguments.data)
    first, _ = timed(lambda: run(base))
    facts = modelwright.load(base)["pile"].facts
    size = sum(facts["decided_bytes"].values()) / 1e6
    print(f"first run                {first:7.2f} CPU-s  {size:.0f} MB, {facts['decisions']}", flush=True)
    recipe(base, PINNED)
    return base, first


def main() -> None:
    arguments = parsed(__doc__ or "")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        base, first = begun(Path(place), arguments)
        for name, change, limit in (("1 % as a new file", add_file, 0.03), ("1 % in a file rewritten", rewrite, 0.10)):
            grown, seconds = Path(place) / "grown", []
            for _ in range(TIMES):
                shutil.rmtree(grown, ignore_errors=True)
                shutil.copytree(base, grown)
                time.sleep(3)  # files younger than two seconds are read again to be sure of them
                run(grown)  # a copied project comes home, and its tokens are those of the pinned tokenizer
                change(grown)
                one, digests = timed(lambda folder=grown: run(folder), arguments.profile)  # type: ignore[misc]
                seconds.append(one)
            said(name, statistics.median(seconds), first, limit)
            print(f"{'':24} median of {', '.join(f'{one:.2f}' for one in sorted(seconds))}", flush=True)
            shutil.rmtree(grown / ".modelwright" / "cache")
            afresh = run(grown, rebuild="prepare")
            print(f"{'':24} pile and tokens {'as' if afresh == digests else 'NOT as'} prepared at once", flush=True)
            shutil.rmtree(grown)


if __name__ == "__main__":
    main()
