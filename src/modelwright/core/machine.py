"""What this machine has. Cores and memory are the control group's limits, never the host's."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from modelwright.core.context import Machine

_CGROUP = Path("/sys/fs/cgroup")


def machine(folder: Path = Path(".")) -> Machine:
    """Measure without importing anything heavy; `folder` names the disk that matters."""
    existing = folder.resolve()
    while not existing.exists():
        existing = existing.parent
    cuda = Path("/dev/nvidia0").exists()
    return Machine(
        cores=_cores(),
        memory_bytes=_memory_bytes(),
        disk_free_bytes=shutil.disk_usage(existing).free,
        device="cuda" if cuda else "cpu",
        device_name=_processor_name(),
    )


def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _read(_CGROUP / "cpu.max").split()
    if len(limit) == 2 and limit[0].isdigit():
        return max(1, min(available, round(int(limit[0]) / int(limit[1]))))
    return available


def _memory_bytes() -> int:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(_CGROUP / "memory.max").strip()
    return min(physical, int(limit)) if limit.isdigit() else physical


def _processor_name() -> str:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Distribution -> version, of those of `names` that are installed."""
    found = {name: _version(name) for name in names}
    return {name: version for name, version in found.items() if version is not None}


@functools.cache
def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
