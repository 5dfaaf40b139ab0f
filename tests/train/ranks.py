"""What each rank of the test of several ranks runs: TOKENS HOME."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from modelwright.core.context import Context, Machine
from modelwright.train.run import run
from modelwright.train.settings import TrainSettings
from tests.train.made import TINY, artifact

home = Path(sys.argv[2])
context = Context(home / "out", home / "work", home, home, 1, Machine(1, 1 << 33, 1 << 33))
output = run(TrainSettings(**TINY), {"tokens": artifact(Path(sys.argv[1]))}, context)
# One write: the ranks share a pipe, and the line of one must not stand in that of the other.
os.write(1, f"result {output.digest} {output.facts['final_loss']} {output.facts['ranks']}\n".encode())
