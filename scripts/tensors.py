"""Write safetensors files whose bytes are the same each time: the library orders its metadata at random."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save


def save_sorted(tensors: dict[str, np.ndarray], path: Path, facts: dict[str, str]) -> None:
    """Save `tensors` with `facts` as metadata, the header's keys in order."""
    content = save(tensors, facts)
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])
