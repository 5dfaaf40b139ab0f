"""Edits of spans: what a text looks like once its findings are edited. Pure functions on Arrow arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["STYLES", "Edit", "apply_edits", "edit_spans"]

_MASKED = re.compile(rb"[A-Za-z0-9\x80-\xff]")


class Edit(NamedTuple):
    """Bytes [start, end) of the input text that an edit replaces; kind of the finding that names it; style."""

    start: int
    end: int
    kind: str
    style: str


def _tag(part: bytes, kind: str) -> bytes:
    return b"<" + kind.upper().encode("utf-8") + b">"


def _mask(part: bytes, kind: str) -> bytes:
    return _MASKED.sub(b"*", part)


def _remove(part: bytes, kind: str) -> bytes:
    return b""


STYLES: Mapping[str, Callable[[bytes, str], bytes]] = {"tag": _tag, "mask": _mask, "remove": _remove}
"""Name of a style -> what stands in place of the bytes of a finding of a kind."""


def edit_spans(text: bytes, findings: Sequence[Mapping[str, Any]]) -> list[Edit]:
    """Findings (kind, start, end, style) as edits: in order, widened to whole characters, overlapping ones joined.

    A joined span is named and edited after its longest part (the earlier one among equals).
    """
    wanted = sorted((found["start"], found["end"], found["kind"], found["style"]) for found in findings)
    edits: list[Edit] = []
    longest = 0
    for start, end, kind, style in wanted:
        start, end = max(start, 0), min(end, len(text))
        while 0 < start < len(text) and text[start] & 0xC0 == 0x80:
            start -= 1
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        if start >= end:
            continue
        if edits and start < edits[-1].end:
            before = edits.pop()
            named = (kind, style) if end - start > longest else (before.kind, before.style)
            edits.append(Edit(before.start, max(before.end, end), *named))
            longest = max(longest, end - start)
        else:
            edits.append(Edit(start, end, kind, style))
            longest = end - start
    return edits


def _apply(text: bytes, edits: Sequence[Edit]) -> bytes:
    parts, place = [], 0
    for edit in edits:
        parts += [text[place : edit.start], STYLES[edit.style](text[edit.start : edit.end], edit.kind)]
        place = edit.end
    return b"".join([*parts, text[place:]])


def apply_edits(text: pa.Array, findings: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Edit the findings: `tag` writes `<EMAIL>`, `mask` a `*` for each letter, digit and non-ASCII byte, `remove`
    nothing.

    text      strings (n,), null allowed
    findings  list<struct<kind, start, end, style, ...>> (n,), offsets in UTF-8 bytes of the text
    Returns the edited texts (large_string) and the number of input bytes replaced (int64), 0 where nothing is edited
    and null for a null text. Masking keeps every byte's place, so findings stay valid; tags and masks hold nothing
    that is found again.
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
        edits = edit_spans(content, findings[row].as_py())
        if edits:
            changed[row] = True
            removed[row] = sum(edit.end - edit.start for edit in edits)
            edited.append(_apply(content, edits))
    if edited:
        values = pa.array(edited, pa.large_binary()).cast(pa.large_string())
        text = pc.replace_with_mask(text, pa.array(changed), values)
    return text, pa.array(removed, pa.int64(), mask=text.is_null().to_numpy(zero_copy_only=False))
