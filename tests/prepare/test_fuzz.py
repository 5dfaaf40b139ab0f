"""Bad input through the real preparation, every signal and rule on: nothing crashes, everything adds up."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from modelwright.core import plugins
from modelwright.core.errors import ModelwrightError
from modelwright.engines.pile_reader import open_pile
from modelwright.formats.pile import DECISIONS
from modelwright.prepare.measure import all_signals
from tests.prepare import piles

ROWS = 10_000
SECONDS = 300
BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e"
TWENTY = (
    "the forest is quiet and the wind moves", "der Wald ist still und der Wind weht", "la forêt est calme et le vent",
    "el bosque está tranquilo y el viento", "il bosco è calmo e il vento soffia", "skogen är tyst och vinden blåser",
    "las jest cichy i wiatr wieje", "les je tichý a vítr vane", "az erdő csendes és fúj a szél",
    "orman sessiz ve rüzgar",
    "лес тихий и дует ветер", "ліс тихий і дме вітер", "το δάσος είναι ήσυχο", "היער שקט והרוח נושבת",
    "الغابة هادئة والرياح",
    "जंगल शांत है और हवा", "ป่าเงียบและลมพัด", "森は静かで風が吹いています", "森林很安静风在吹", "숲은 조용하고 바람이 분다",
)  # fmt: skip

STORY = (  # what every rule keeps: a pile without a document is none
    "The committee met in the old library, because the new building had been without heating since October.\n"
    "Two members came late and brought the minutes of a meeting that nobody else could remember.\n"
    "After a long silence the treasurer explained that most of the money was to be spent on the roof.\n"
    "Her neighbour asked whether rain would not be cheaper than slates, and for once the others laughed.\n"
    "They agreed to paint the windows in spring and to leave the garden with its apple trees as it was.\n"
    "Before they went home, someone put a bucket under the leak and switched off the lamps.\n"
)

PARTS = (
    "http://", "a.b@c.de", "4111-1111", "GB82", "::1", "127.0.0.1", "AKIA", "(c)", "SPDX-License-Identifier:",
    "-----BEGIN", "©", "...", "<td>", "\\x00", "{", "def", "ansible:", "- hosts:", "lorem ipsum", "javascript",
)  # fmt: skip


def letters(chance: random.Random, count: int) -> str:
    """Any characters but halves of surrogate pairs."""
    codes = (
        chance.choice((chance.randrange(128), chance.randrange(0x3000), chance.randrange(0x110000)))
        for _ in range(count)
    )
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code)) != "Cs")


KINDS: tuple[Callable[[random.Random, int], str], ...] = (
    letters,
    lambda chance, count: "a@" * count,
    lambda chance, count: "".join(chance.choices("0123456789 -+.()/", k=4 * count)),
    lambda chance, count: "\0" * count,
    lambda chance, count: "".join(chance.choices(" \t\n\r\x0b\x0c\x1c\x85\u2028\u2029\u3000", k=count)),
    lambda chance, count: "".join(chance.choices("word wörd" + BIDIRECTIONAL + ZERO_WIDTH, k=count)),
    lambda chance, count: "".join(chance.choices("e\u0301\u0302\u0308\u20dd\u200d👩👧🏽", k=count)),
    lambda chance, count: "".join(chance.choices("{}[]()<>;:,.=+-*/#\"'`\\|&%$!?~^_@", k=count)),
    lambda chance, count: "\n".join("".join(chance.choices("ab c", k=chance.randrange(9))) for _ in range(count // 4)),
    lambda chance, count: " ".join(chance.choices(TWENTY, k=1 + count // 40)),
    lambda chance, count: " ".join(chance.choices(PARTS, k=1 + count // 8)),
    lambda chance, count: chance.choice(("", "a", "é", "\ufeff", "a" * count, "%" * count, "A" * count + "=" * 3)),
)  # fmt: skip


def made(rows: int) -> list[Any]:
    """Rows of JSON Lines: texts of every kind and of many lengths, and some that are no text."""
    chance = random.Random(4)
    lengths = (0, 1, 2, 3, 4, 5, 7, 16, 33, 64, 100, 300)
    result: list[Any] = []
    for number in range(rows):
        count = chance.choice(lengths) if number % 500 else 20_000
        result.append({"id": str(number), "text": chance.choice(KINDS)(chance, count)})
    for number in range(0, rows, 97):
        result[number] = chance.choice(
            (b"{", b"[]", b'{"id": 1}', b'{"id": "x", "text": 7}', b"\xff\xfe", b'{"text": "\\ud800"}')
        )
    return result


def every_rule() -> list[Any]:
    """The rules that need no options."""
    names = []
    for name in sorted(plugins.catalogue("rules")):
        try:
            plugins.parse("rules", name)
        except (ModelwrightError, ValueError):
            continue
        names.append(name)
    return names


def every_column(folder: Path) -> str:
    """A rule that reads every column of every signal and drops nothing."""
    drop = {}
    for signal in all_signals().values():
        for column, kind in signal.outputs.items():
            if column == "copyright_holders":
                continue  # no rule may read names of persons
            reads = f'{column} != "no such value"' if kind == "string" else f"{column} >= 0"
            drop[column] = f'origin == "no such document" and {reads}'
    (folder / "everything.yaml").write_text(json.dumps({"help": "Reads every column.", "drop": drop}))
    return str(folder / "everything.yaml")


def checked(folder: Path, sources: list[Any], rows: int) -> pa.Table:
    """Prepare with everything on; the table of signals after the checks that hold for any input."""
    settings = {
        "sources": sources,
        "rules": [every_column(folder), *every_rule()],
        "redact": {},
        "dedup": ["exact", "minhash"],
    }
    began = time.process_time()
    output, context = piles.run(folder, settings)
    assert time.process_time() - began < SECONDS
    assert sum(output.facts["decisions"].values()) == rows
    reader = open_pile(context.home, context.out)
    decisions, signals, findings = reader.decisions(), reader.signals(), reader.findings()
    assert decisions.num_rows == len(set(decisions["document"].to_pylist())) == rows
    assert set(decisions["decision"].to_pylist()) <= set(DECISIONS)
    for name in signals.column_names:
        if pa.types.is_floating(signals[name].type):
            assert not pc.any(pc.is_nan(signals[name])).as_py(), f"{name} is NaN"
            assert not pc.any(pc.is_inf(signals[name])).as_py(), f"{name} is infinite"
    size = decisions["bytes"].take(pc.index_in(findings["document"], decisions["document"].combine_chunks()))
    assert pc.all(pc.less_equal(findings["end"], size)).as_py() is not False
    assert pc.all(pc.less(findings["start"], findings["end"])).as_py() is not False
    assert pc.all(pc.greater_equal(findings["start"], 0)).as_py() is not False
    return signals


@pytest.mark.timeout(1200)
def test_ten_thousand_bad_inputs_end_in_one_decision_each_and_no_signal_is_nan(tmp_path: Path) -> None:
    rows = made(ROWS)
    (tmp_path / "in.jsonl").write_bytes(piles.lines(rows))
    files = {
        "nul.txt": bytes(50_000), "empty.txt": b"", "wide.txt": "wide words".encode("utf-16"), "odd.txt": b"\xff\xfea",
        "line.txt": b"one line " * 250_000, "at.txt": b"a@" * 500_000, "digits.txt": b"1234567890" * 100_000,
        "twenty.txt": "\n".join(TWENTY).encode(), "noise.txt": random.Random(1).randbytes(100_000),
        "bidi.txt": (BIDIRECTIONAL * 2000).encode(), "latin.txt": "Größe und Höhe. ".encode("latin-1") * 20,
    }  # fmt: skip
    piles.write(tmp_path / "files", files)
    sources = [{"jsonl": {"path": "in.jsonl", "id": "id"}}, {"files": {"path": "files"}}]
    signals = checked(tmp_path, sources, ROWS + len(files))
    known = {column for signal in all_signals().values() for column in signal.outputs}
    assert known <= set(signals.column_names)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_200_megabytes_on_one_line_and_5_megabytes_of_at_signs_cost_bounded_time_and_memory(tmp_path: Path) -> None:
    piles.write(tmp_path / "files", {"line.txt": b"one long line " * 14_300_000, "at.txt": b"a@" * 2_500_000})
    story = json.dumps({"text": STORY}).encode()
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "' + b"many words " * 18_200_000 + b'"}\n' + story + b"\n")
    code = (
        "import resource, sys; from pathlib import Path; from tests.prepare.test_fuzz import checked\n"
        "sources = [{'jsonl': {'path': 'in.jsonl'}}, {'files': {'path': 'files'}}]\n"
        "checked(Path(sys.argv[1]), sources, 4)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert int(run.stdout.splitlines()[-1]) < 8_000_000  # kilobytes: each signal holds a text with tables beside it


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_kernel_reads_beyond_its_arrays_on_texts_of_no_to_five_bytes(tmp_path: Path) -> None:
    code = (
        "import itertools, pyarrow as pa\n"
        "from modelwright.prepare.measure import all_signals, needed\n"
        "some = lambda n: itertools.islice(itertools.product('a1@.\\n é', repeat=n), 0, None, 1 + 7**n // 400)\n"
        "texts = [''.join(letters) for n in range(6) for letters in some(n)]\n"
        "signals = all_signals(); columns = {'text': pa.array([*texts, None], pa.large_string())}\n"
        "for name in needed((), list(signals), signals):\n"
        "    signal = signals[name]\n"
        "    inputs = {c: columns.get(c, pa.nulls(len(texts) + 1, pa.string())) for c in signal.inputs}\n"
        "    made = signal.measure(pa.record_batch(inputs))\n"
        "    assert made.num_rows == len(texts) + 1, name\n"
        "    columns.update({c: made.column(c) for c in signal.outputs})\n"
    )
    bounds = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=bounds, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
