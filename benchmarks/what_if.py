"""CPU time of asking what another threshold would do, and of deciding anew by it, as shares of the first run's.

    python benchmarks/what_if.py [--megabytes 300] [--data ../shared/data] [--profile]

The project is that of `benchmarks/increment.py`: `plan --set` of another number of words, a sweep over three, then the
recipe is changed and run: pile and tokens. CPU-seconds of this process, start-up apart. Some minutes; `--megabytes 30`
for a quick look, in which what a run costs however little is asked weighs more than it does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from increment import PINNED, begun, parsed, recipe, run, said, timed

import modelwright

SETTING = "prepare.rules.gopher.min_words"
LIMIT = 0.05


def main() -> None:
    arguments = parsed(__doc__ or "")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        folder, first = begun(Path(place), arguments)
        run(folder)
        seconds, told = timed(lambda: modelwright.load(folder, [f"{SETTING}=80"]).what_if(), arguments.profile)
        said("what if", seconds, first, LIMIT)
        seconds, _ = timed(lambda: modelwright.load(folder).sweep(SETTING, ["80", "120", "160"]))
        print(f"{'a sweep of three':24} {seconds:7.2f} CPU-s  {seconds / first:6.2%} of the first run")
        recipe(folder, PINNED, words=80)
        seconds, _ = timed(lambda: run(folder), arguments.profile)
        said("decided anew", seconds, first, LIMIT)
        done = modelwright.load(folder)["pile"].facts["decisions"]
        names = ("kept", "changed", "dropped", "duplicate")
        print(f"{'':24} it came {'as' if all(told[name] == done[name] for name in names) else 'NOT as'} told")


if __name__ == "__main__":
    main()
