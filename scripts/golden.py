"""What every built-in yields on fixed documents, as digests beside their versions, in tests/golden.json.

A test compares. When a result changes, raise the `version` of what changed - it makes projects run it again - and then
write the file anew: `python scripts/golden.py`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from modelwright.core import plugins
from modelwright.core.fingerprint import digest

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden.json"
WORDS = re.findall(
    r"\w+",
    """the of and to that have with be in was harbour ship captain morning evening letter people town river
    winter summer garden story remember answer question window market children mountain journey library
    teacher promise weather quiet narrow ancient bright careful distant early gentle honest likely modern
    patient silent steady walked spoke waited carried followed believed opened closed returned noticed""",
)


def sentences(count: int, seed: int) -> str:
    """Made prose: the same for the same seed, on every machine."""
    words, state = [], seed
    for number in range(count * 12):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        words.append(WORDS[(state >> 33) % len(WORDS)] + (".\n" if number % 12 == 11 else ""))
    return " ".join(words)


TOOL = "# SPDX-License-Identifier: MIT\nimport os\n\n\ndef names(folder):\n    return sorted(os.listdir(folder))\n"
FRENCH = "Les bateaux sont revenus au port ce soir, et les gens du village sont descendus à leur rencontre. "
DOCUMENTS = {
    "letter.txt": sentences(20, 1) + "Please write to anna@example.com or call +44 20 7946 0958 before Monday.",
    "story.md": sentences(40, 2),
    "story_again.md": sentences(40, 2).replace("harbour", "port", 1),
    "card.txt": sentences(15, 3) + " The number 4111 1111 1111 1111 is known to every tester of shops.",
    "short.txt": "Too short.",
    "tool.py": TOOL,
    "copy.py": TOOL,
    "wide.py": "x = [" + "1, " * 900 + "]\n",
    "play.yml": "- hosts: all\n  tasks:\n    - name: install\n      apt: {name: nginx, state: present}\n",
    "histoire.txt": FRENCH * 5,
    "data.json": json.dumps({"rows": list(range(60))}),
}
PROJECT = """
name: golden
prepare:
  sources: [{files: {name: documents, path: documents, licence: MIT}}]
  rules: [gopher, code, personal_data, hate, licence]
  redact: {kinds: [email, phone, card]}
  dedup: [exact, {minhash: {threshold: 0.7}}]
  holdout: 20 %
  tokenizer: {vocabulary: 300}
"""


def build() -> dict[str, Any]:
    """`{"signal counts": {"version": 1, "digest": ...}, ..., "pile": ..., "tokens": ...}`."""
    import modelwright

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "documents").mkdir()
        for path, text in DOCUMENTS.items():
            (folder / "documents" / path).write_text(text, encoding="utf-8")
        (folder / "modelwright.yaml").write_text(PROJECT, encoding="utf-8")
        project = modelwright.load(folder)
        project.run()
        signals = project["pile"].to_arrow("signals").to_pylist()
        decisions = project["pile"].to_arrow("decisions").to_pylist()
        found = {"pile": {"digest": project["pile"].digest}, "tokens": {"digest": project["tokens"].digest}}
        found |= {f"signal {name}": _signal(name, signals) for name in plugins.catalogue("signals")}
        for kind in ("rules", "dedup"):
            found |= {f"{kind} {name}": _decided(kind, name, decisions) for name in plugins.catalogue(kind)}
    return dict(sorted(found.items()))


def _signal(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    signal: Any = plugins.load("signals", name)
    columns = sorted(signal.outputs)
    values = sorted([row["origin"], *(_rounded(row.get(column)) for column in columns)] for row in rows)
    return {"version": signal.version, "digest": digest(values)}


def _decided(kind: str, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    options: Any = plugins.parse(kind, name)
    content = getattr(options, "content", None)
    version = content["version"] if content else options.version
    columns = ("origin", "decision", "signal", "value", "threshold")
    values = sorted([str(_rounded(row[column])) for column in columns] for row in rows if row["rule"] == name)
    return {"version": version, "digest": digest(values)}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(build(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {GOLDEN}", file=sys.stderr)
