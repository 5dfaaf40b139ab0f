"""A real browser that opens a page: what it made of it, and a picture."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def _run(page: Path, work: Path, *options: str, dark: bool = False) -> str:
    if BROWSER is None:
        pytest.skip("needs chromium")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [BROWSER, *_QUIET, *scheme, f"--user-data-dir={work / 'profile'}", *options, page.resolve().as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def dom(page: Path, work: Path) -> str:
    """The document as the browser understood it."""
    return _run(page, work, "--dump-dom")


def picture(page: Path, work: Path, *, dark: bool = False, height: int = 1800) -> Path:
    """A PNG of the top of the page, 1280 pixels wide."""
    file = work / ("dark.png" if dark else "light.png")
    _run(page, work, f"--window-size=1280,{height}", f"--screenshot={file}", dark=dark)
    return file


def outside(html: str) -> list[str]:
    """Everything that a page could fetch: `src`, `href`, `url(`, `@import`, other than data and its own anchors."""
    named = re.findall(r"""(?:src|href|srcset|action|poster|data)\s*=\s*["']([^"']*)""", html)
    named += re.findall(r"""url\(\s*["']?([^"')]*)""", html)
    found = [address for address in named if not address.startswith(("#", "data:"))]
    return found + re.findall(r"@import[^;]*|<script[^>]*|<link[^>]*|<iframe[^>]*", html)
