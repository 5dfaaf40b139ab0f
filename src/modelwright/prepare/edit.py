"""Edits of spans: what a text looks like once its findings are edited. Pure functions on Arrow arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from modelwright.formats.findings import encoded
from modelwright.prepare.style import Part, Replace

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Edit", "apply_edits", "edit_spans", "plain_styles"]


class Edit(NamedTuple):
    """Bytes [start, end) of the input text that an edit replaces; kind of the finding that names it; style."""

    start: int
    end: int
    kind: str
    style: str


def edit_spans(text: bytes, wanted: Iterable[tuple[int, int, str, str]]) -> list[Edit]:
    """Spans (start, end, kind, style) as edits: in order, widened to whole characters, overlapping ones joined.

    A joined span is named and edited after its longest part (the earlier one among equals).
    """
    edits: list[Edit] = []
    longest, size = 0, len(text)
    for start, end, kind, style in sorted(wanted):
        start, end = max(start, 0), min(end, size)
        while 0 < start < size and text[start] & 0xC0 == 0x80:
            start -= 1
        while end < size and text[end] & 0xC0 == 0x80:
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


def _apply(text: bytes, edits: Sequence[Edit], document: str, styles: Mapping[str, Replace]) -> bytes:
    parts, place = [], 0
    for edit in edits:
        part = Part(text[edit.start : edit.end], edit.kind, document)
        parts += [text[place : edit.start], styles[edit.style](part)]
        place = edit.end
    return b"".join([*parts, text[place:]])


def plain_styles(findings: pa.Array) -> dict[str, Replace]:
    """The styles that the findings name, each with its default options. Raises UnknownName for one that is none."""
    import pyarrow.compute as pc

    from modelwright.core import plugins

    names = pc.unique(pc.struct_field(pc.list_flatten(findings), "style")).drop_null().to_pylist()
    styles: dict[str, Any] = {name: plugins.parse("styles", name) for name in names}
    return {name: style.replace for name, style in styles.items()}


def _spans(findings: pa.Array) -> Iterator[list[tuple[int, int, str, str]]]:
    """(start, end, kind, style) of each row's findings, a list a row: columns are made lists at once, for a row of C4
    has dozens."""
    import pyarrow.compute as pc

    flat = pc.list_flatten(findings)
    columns = [pc.struct_field(flat, name).to_numpy(zero_copy_only=False).tolist() for name in ("start", "end")]
    for name in ("kind", "style"):
        codes, names = encoded(pc.struct_field(flat, name))
        named = names.to_pylist()
        columns.append([named[code] for code in codes.tolist()])
    every = list(zip(*columns, strict=True))
    place = 0
    for count in pc.fill_null(pc.list_value_length(findings), 0).to_pylist():
        yield every[place : place + count]
        place += count


def apply_edits(
    text: pa.Array,
    findings: pa.Array,
    documents: Sequence[str] | None = None,
    styles: Mapping[str, Replace] | None = None,
) -> tuple[pa.Array, pa.Array]:
    """Edit the findings: `tag` writes `<EMAIL>`, `mask` a `*` for each letter, digit and non-ASCII byte, `remove`
    nothing; other styles see `prepare/styles`.

    text       strings (n,), null allowed
    findings   list<struct<kind, start, end, style, ...>> (n,), offsets in UTF-8 bytes of the text
    documents  ids of the documents (n,), for styles that are consistent within a document
    styles     name in `findings` -> what replaces; left out: the plugins of these names, which must need no key
    Returns the edited texts (large_string) and the number of input bytes replaced (int64), 0 where nothing is edited
    and null for a null text. Masking keeps every byte's place, so findings stay valid; tags and masks hold nothing
    that is found again.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    styles = plain_styles(findings) if styles is None else styles
    text = text.cast(pa.large_string())
    removed = np.zeros(len(text), np.int64)
    counts = pc.fill_null(pc.list_value_length(findings), 0).to_numpy(zero_copy_only=False)
    changed = np.zeros(len(text), np.bool_)
    edited = []
    edit_it = (counts > 0) & text.is_valid().to_numpy(zero_copy_only=False)
    for row, wanted in enumerate(_spans(findings)):
        if not edit_it[row]:
            continue
        content = text[row].as_buffer().to_pybytes()
        edits = edit_spans(content, wanted)
        if edits:
            changed[row] = True
            removed[row] = sum(edit.end - edit.start for edit in edits)
            edited.append(_apply(content, edits, documents[row] if documents is not None else "", styles))
    if edited:
        values = pa.array(edited, pa.large_binary()).cast(pa.large_string())
        text = pc.replace_with_mask(text, pa.array(changed), values)
    return text, pa.array(removed, pa.int64(), mask=text.is_null().to_numpy(zero_copy_only=False))
