"""A built-in whose result changes must raise its version, so that projects run it again."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_built_in_yields_what_its_version_yielded_before() -> None:
    spec = importlib.util.spec_from_file_location("golden", ROOT / "scripts" / "golden.py")
    assert spec is not None
    assert spec.loader is not None
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    before, now = json.loads(golden.GOLDEN.read_text()), golden.build()
    assert set(now) == set(before), "run `python scripts/golden.py` for what is new"
    changed = [name for name in now if now[name] != before[name]]
    assert changed == [], f"raise the version of {changed}, then run `python scripts/golden.py`"
