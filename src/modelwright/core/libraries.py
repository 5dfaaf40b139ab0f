"""How other people's libraries are set before they load: telemetry and progress bars off, memory from the system."""

from __future__ import annotations

import os

SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "true",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    # Arrow's own allocator asks for memory in huge pages, which the kernel fills with zeros first: a tenth of the time
    # of `modelwright run` on 1 % new data (5.9 s instead of 6.9 s at 300 MB; a first run is as fast with either).
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def settle() -> None:
    """What the user has set stays."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
