"""Other people's libraries are set before they load, and what the user has set stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = "from modelwright.core import libraries; libraries.settle(); "


@pytest.mark.parametrize(("said", "backend"), [("", "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_its_memory_from_the_system_unless_told_otherwise(said: str, backend: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": said} if said else {}
    code = CODE + "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == backend
