"""Numbers as people read them. The exact value stays beside the short one (HTML) or in the JSON card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_HEX = re.compile("[0-9a-f]{40,128}")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)")
_EXPONENTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_COUNTED = {"documents": ("document", "documents"), "tokens": ("token", "tokens"), "items": ("item", "items")}


def short(value: Any, unit: str = "", *, with_unit: bool = True) -> str:
    """`value` for reading: `12,345`, `1.2 MB`, `12.3 %`, `3 min 12 s`, the first letters of a digest."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(value, unit, with_unit).replace("-", "−")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {short(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(short(item) for item in value) or "none"
    text = str(value)
    if unit == "digest" or _HEX.fullmatch(text):
        return text[:12] + "…" if len(text) > 16 else text
    return f"{text[:10]} {text[11:16]} UTC" if unit == "time" and _UTC.fullmatch(text) else text


def exact(value: Any, unit: str = "") -> str:
    """The value in full, for a tooltip or for Markdown; "" where `short` says all."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, (int, float)):
        plain = f"{value:,}" if isinstance(value, int) else repr(value)
        said = short(value, unit)
        words = unit if unit in (*_COUNTED, "bytes", "seconds") else ""
        return f"{plain} {words}".strip() if plain.replace("-", "−") not in said else ""
    text = str(value)
    return text if text != short(value, unit) else ""


def _number(value: float, unit: str, with_unit: bool) -> str:
    if unit == "bytes":
        return size(value)
    if unit == "share":
        return f"{_plain(value * 100, 3)} %"
    if unit == "seconds":
        return duration(value)
    if unit == "flops":
        return power(value)
    text = f"{value:,}" if isinstance(value, int) else _plain(value, 4)
    if not unit or not with_unit:
        return text
    return f"{text} {_COUNTED[unit][value != 1] if unit in _COUNTED else unit}"


def _plain(value: float, digits: int) -> str:
    """With `digits` significant digits, never in exponents where people do not expect them."""
    if value != value or value in (float("inf"), float("-inf")):
        return "not a number"
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return power(value)
    text = f"{value:.{digits}g}"
    return f"{float(text):,.{max(0, len(text.split('.')[1]) if '.' in text else 0)}f}"


def size(value: float) -> str:
    """Decimal units, as disks are sold: `1.2 MB`."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= 0.9995 * scale:  # what rounds to a whole one counts as one
            return f"{value / scale:.3g} {unit}" if abs(value) < 999.5 * scale else f"{value / scale:,.0f} {unit}"
    return f"{value:,.0f} bytes"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def power(value: float) -> str:
    """`1.20 × 10¹⁵`."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_EXPONENTS)}"
