"""A project small enough to run all five stages in half a minute, made of the Python installation."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import modelwright

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
PREPARE = """
name: tiny
use: completion
prepare:
  sources:
    - files: {name: open, path: corpus/open, licence: PSF-2.0, owner: Python Software Foundation}
    - files: {name: ours, path: corpus/ours, licence: LicenseRef-Proprietary, owner: Example Ltd, access: proprietary}
  rules: [gopher, {code: {max_line_length: 2000}}, licence]
  redact: {kinds: [email]}
  dedup: [exact, {minhash: {threshold: 0.8}}]
  holdout: {default: 10 %, ours: 30 %}
  tokenizer: {vocabulary: 512}
"""
TRAIN = """
train: {family: {qwen3: {size: 60k, context: 64}}, sources: [open], budget: 4 steps, batch: 8}
validate: {benchmarks: [{bits_per_byte: {max_documents: 6, max_bytes: 2000}}]}
tune: {method: {lora: {rank: 2}}, examples: ours, budget: 2 steps}
deploy: {export: [huggingface]}
gates:
  - {on: model, metric: bits_per_byte, at_most: 20}
  - {on: tuned, metric: forgetting, at_most: 0.5, inconclusive: allow}
"""


def write_corpus(folder: Path) -> None:
    """Two sources of real Python files, with a copy, a broken file and an address to be found."""
    for source, packages in {"open": ("json", "email", "wsgiref"), "ours": ("html", "http")}.items():
        for package in packages:
            names = shutil.ignore_patterns("__pycache__")
            shutil.copytree(LIBRARY / package, folder / "corpus" / source / package, ignore=names)
    shutil.copyfile(LIBRARY / "json" / "decoder.py", folder / "corpus" / "open" / "copy_of_decoder.py")
    (folder / "corpus" / "open" / "odd.txt").write_bytes(b"\xff\xfe" + b"a" * 51)  # says UTF-16, has half a character
    (folder / "corpus" / "open" / "short.txt").write_text("Too short to be kept.\n")
    text = (LIBRARY / "bisect.py").read_text()
    (folder / "corpus" / "ours" / "bisect.py").write_text(f"# Written by jane.doe@example-mail.org\n{text}")


def make(folder: Path, text: str) -> Path:
    """Write the project and run it."""
    write_corpus(folder)
    (folder / "modelwright.yaml").write_text(text)
    modelwright.load(folder).run()
    return folder
