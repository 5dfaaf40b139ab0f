"""Edits of spans: what a text looks like once its findings are redacted. Pure functions on Arrow arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from modelwright.prepare.settings import Redact

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Edit", "Redact", "edit_spans", "redact"]

_MASKED = re.compile(rb"[A-Za-z0-9\x80-\xff]")


class Edit(NamedTuple):
    """Bytes [start, end) of the input text that an edit replaces, and the kind of finding that names it."""

    start: int
    end: int
    kind: str


def edit_spans(text: bytes, findings: Sequence[dict[str, Any]], kinds: Sequence[str]) -> list[Edit]:
    """Findings of the `kinds` as edits: in order, widened to whole characters, overlapping and touching bytes joined.

    A joined span is named after its longest part (the earlier one among equals).
    """
    wanted = sorted((found["start"], found["end"], found["kind"]) for found in findings if found["kind"] in kinds)
    edits: list[Edit] = []
    longest = 0
    for start, end, kind in wanted:
        start, end = max(start, 0), min(end, len(text))
        while 0 < start < len(text) and text[start] & 0xC0 == 0x80:
            start -= 1
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        if start >= end:
            continue
        if edits and start < edits[-1].end:
            before = edits.pop()
            edits.append(Edit(before.start, max(before.end, end), kind if end - start > longest else before.kind))
            longest = max(longest, end - start)
        else:
            edits.append(Edit(start, end, kind))
            longest = end - start
    return edits


def _replacement(part: bytes, kind: str, style: str) -> bytes:
    if style == "tag":
        return b"<" + kind.upper().encode("utf-8") + b">"
    return _MASKED.sub(b"*", part) if style == "mask" else b""


def _apply(text: bytes, edits: Sequence[Edit], style: str) -> bytes:
    parts, place = [], 0
    for edit in edits:
        parts += [text[place : edit.start], _replacement(text[edit.start : edit.end], edit.kind, style)]
        place = edit.end
    return b"".join([*parts, text[place:]])


def redact(text: pa.Array, findings: pa.Array, settings: Redact) -> tuple[pa.Array, pa.Array]:
    """Replace the findings of `settings.kinds`: `tag` writes `<EMAIL>`, `mask` a `*` for each letter, digit and
    non-ASCII byte, `remove` nothing.

    text      strings (n,), null allowed
    findings  list<struct<kind, start, end, ...>> (n,), offsets in UTF-8 bytes of the text
    Returns the edited texts (large_string) and the number of input bytes replaced (int64), 0 where nothing is edited
    and null
    for a null text. Masking keeps every byte's place, so findings stay valid; tags and masks hold nothing that is
    found again.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = text.cast(pa.large_string())
    removed = np.zeros(len(text), np.int64)
    counts = pc.fill_null(pc.list_value_length(findings), 0).to_numpy(zero_copy_only=False)
    changed = np.zeros(len(text), np.bool_)
    edited = []
    for row in np.flatnonzero((counts > 0) & text.is_valid().to_numpy(zero_copy_only=False)).tolist():
        content = text[row].as_buffer().to_pybytes()
        edits = edit_spans(content, findings[row].as_py(), settings.kinds)
        if edits:
            changed[row] = True
            removed[row] = sum(edit.end - edit.start for edit in edits)
            edited.append(_apply(content, edits, settings.style))
    if edited:
        values = pa.array(edited, pa.large_binary()).cast(pa.large_string())
        text = pc.replace_with_mask(text, pa.array(changed), values)
    return text, pa.array(removed, pa.int64(), mask=text.is_null().to_numpy(zero_copy_only=False))
