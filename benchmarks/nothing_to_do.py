"""Seconds of `modelwright run` when nothing changed, as a whole process, against its goal of 2 seconds.

    python benchmarks/nothing_to_do.py [PROJECT]

Without PROJECT the demo's project is used where there is one, else the template `quickstart` is run first.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import modelwright

GOAL_SECONDS = 2.0
RUNS = 5
PROGRAM = [sys.executable, "-c", "from modelwright.cli import main; main()", "run"]


def main(project: Path) -> None:
    subprocess.run([*PROGRAM, str(project)], check=True, capture_output=True)
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([*PROGRAM, str(project)], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    steps = modelwright.load(project).plan()
    documents = sum(modelwright.load(project)["pile"].facts["decisions"].values())
    median = statistics.median(seconds)
    print(f"{len(steps)} steps, {documents:,} documents, nothing changed: median {median:.2f} s of {RUNS} runs")
    print(f"ratio to the goal of {GOAL_SECONDS:g} s: {median / GOAL_SECONDS:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    elif Path("demo/modelwright.yaml").exists():
        main(Path("demo"))
    else:
        with tempfile.TemporaryDirectory() as folder:
            modelwright.new(folder, "quickstart")
            main(Path(folder))
