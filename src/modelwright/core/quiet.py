"""The off switches of other people's telemetry, set before their libraries load."""

from __future__ import annotations

import os

OFF = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def switch_off_telemetry() -> None:
    """What the user has set stays."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
