"""Bytes of a text file -> UTF-8, whatever encoding they came in: byte order marks, then UTF-8, then statistics.

What UTF-8 cannot be is nearly always an older encoding, each of which accepts nearly any bytes; so a guess is taken
only where the text that it gives is coherent (charset-normalizer), among the encodings that files really have.
"""

from __future__ import annotations

import codecs
import re

SAMPLE_BYTES = 6_144
_AROUND = 512  # bytes taken about each place that is not ASCII
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "mac_roman", "cp437")
OTHERS = (
    "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949", "tis_620",
)  # fmt: skip
"""Encodings that are looked for, in Python's names: in Latin letters most bytes are ASCII, in others few are."""
_IN_RUNS = 0.4  # share of the bytes beyond ASCII that stand beside another: Latin letters with marks stand alone
_FEW = 4  # bytes beyond ASCII; with fewer the most usual encoding is the best guess
_HIGH = re.compile(rb"[\x80-\xff]")
_RUN = re.compile(rb"[\x80-\xff]{2,}")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b")) + b"\x7f"
_MOST_CONTROL = 0.002


def to_utf8(data: bytes, known: str | None = None) -> tuple[bytes, str | None] | None:
    """(UTF-8 without a byte order mark, name of the encoding or None when it was UTF-8); None when it is no text.

    `known` is the encoding where something else told it.
    The same bytes give the same answer. Costs a few milliseconds where the bytes are not UTF-8, whatever their number.
    """
    if known is not None:
        return _decoded(data, known)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], name)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError:
        guessed = _guess(data)
        return None if guessed is None else _decoded(data, guessed)
    return data, None


def wide_without_mark(data: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` where every second byte is mostly NUL and the others never are: ASCII in 16 bits."""
    probe = data[:4096]
    if len(probe) < 16 or len(data) % 2:
        return None
    for name, nul, other in (("utf-16-le", probe[1::2], probe[::2]), ("utf-16-be", probe[::2], probe[1::2])):
        if nul.count(0) > 0.7 * len(nul) and not other.count(0):
            return name
    return None


def _decoded(data: bytes, name: str) -> tuple[bytes, str] | None:
    try:
        return data.decode(name).encode(), name
    except UnicodeError:  # also half a surrogate pair, which UTF-8 cannot express
        return None


def _guess(data: bytes) -> str | None:
    """The encoding whose text is most coherent; None where control bytes or statistics say that there is none."""
    from charset_normalizer import from_bytes

    sample = _sample(data)
    if sum(sample.count(byte) for byte in _CONTROL) > _MOST_CONTROL * len(sample):
        return None
    high = len(_HIGH.findall(sample))
    together = sum(len(run) for run in _RUN.findall(sample))
    candidates = (*LATIN, *OTHERS) if together > _IN_RUNS * high else LATIN
    found = list(from_bytes(sample, cp_isolation=list(candidates), preemptive_behaviour=False))
    best = found[0].encoding if found and (candidates != LATIN or high >= _FEW) else LATIN[0]
    if found and LATIN[0] in found[0].could_be_from_charset:  # the same text; the sample cannot tell them apart
        best = LATIN[0]
    for name in (best, LATIN[0], "latin_1"):
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return None


def _sample(data: bytes) -> bytes:
    """Whole lines about the first bytes that are not ASCII: only these tell encodings apart."""
    if len(data) <= SAMPLE_BYTES:
        return data
    parts, size, place = [], 0, 0
    while size < SAMPLE_BYTES and (found := _HIGH.search(data, place)):
        start = max(place, data.rfind(b"\n", max(place, found.start() - _AROUND), found.start()) + 1)
        start = max(start, found.start() - _AROUND)
        end = min(len(data), found.start() + _AROUND)
        parts.append(data[start:end])
        size += end - start
        place = end
    return b"\n".join(parts)
