"""What is known of a document's licence: stated against found, the class of policy, the conflict between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelwright.measure import licence, licence_metadata, licence_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.measure.spans import Found, Texts

_HEADER_BYTES = 4096


class Verdict(NamedTuple):
    """One document. All None for a null text; otherwise only the class is always there."""

    spdx: str | None
    found: str | None
    category: str | None
    source: str | None
    conflict: str | None


_NULL = Verdict(None, None, None, None, None)
_SILENT = Verdict(None, None, licence.UNKNOWN.category, None, None)


def verdicts(
    texts: Texts, stated: Sequence[str | None], paths: Sequence[str | None]
) -> tuple[list[Verdict], list[Found]]:
    """A verdict for each text, and the findings in order of (row, start)."""
    found = findings(texts, paths)
    by_row: dict[int, list[Found]] = {}
    for item in found:
        by_row.setdefault(item.row, []).append(item)
    rows = []
    for row, said in enumerate(stated):
        if not texts.valid[row]:
            rows.append(_NULL)
        else:
            rows.append(_verdict(by_row.get(row, []), said) if said or row in by_row else _SILENT)
    return rows, found


def findings(texts: Texts, paths: Sequence[str | None]) -> list[Found]:
    """Tags and fields of package metadata first; what the words say where these leave room."""
    sure = [item for item, _ in licence.tags(texts)]
    sure += licence_metadata.find(texts, paths)
    taken: dict[int, list[tuple[int, int]]] = {}
    for item in sure:
        taken.setdefault(item.row, []).append((item.start, item.end))
    spoken = [
        item
        for item in licence_text.find(texts)
        if not any(start < item.end and item.start < end for start, end in taken.get(item.row, ()))
    ]
    return sorted({*sure, *spoken})


def together(expressions: Sequence[str]) -> licence.Licence:
    """All of them hold. A GNU licence of any version says nothing beside one that names its version."""
    names = list(dict.fromkeys(expressions))
    for vague, family in (("GPL-1.0-or-later", "GPL-"), ("LGPL-2.0-or-later", "LGPL-")):
        if vague in names and any(
            part.startswith(family) for name in names if name != vague for part in name.replace("(", " ").split()
        ):
            names.remove(vague)
    inside = {part for name in names if " " in name for part in name.replace("(", " ").replace(")", " ").split()}
    return licence.joined([licence.parse(name) for name in names if name not in inside])


def of_file(text: str) -> str | None:
    """The SPDX expression of a licence file; None when nothing is recognised in it."""
    import pyarrow as pa

    from modelwright.measure.spans import texts_of

    found = findings(texts_of(pa.array([text], pa.large_string())), [None])
    return together([item.kind for item in found]).spdx


def _verdict(found: list[Found], said: str | None) -> Verdict:
    """What is stated wins over what is found; a licence of the folder is taken only where neither speaks."""
    known = together([item.kind for item in found])
    folder = said is not None and licence.from_file(said)
    named = licence.stated(said) if said else licence.UNKNOWN
    chosen, source = known, _where(found) if known.spdx else None
    says = named.spdx is not None and (named.category != "unknown" or known.spdx is None)
    if says and not (folder and known.spdx):  # what a document says of itself is nearer than its folder
        chosen, source = named, "folder" if folder else "stated"
    return Verdict(chosen.spdx, known.spdx, chosen.category, source, _conflict(named, known))


def _where(found: list[Found]) -> str:
    return "header" if all(item.start < _HEADER_BYTES for item in found) else "file"


def _conflict(named: licence.Licence, known: licence.Licence) -> str | None:
    """`STATED against FOUND` when the text is of another class than what is stated, None when either is unknown."""
    if named.spdx is None or known.spdx is None or named.category == known.category:
        return None
    if "unknown" in (named.category, known.category):
        return None
    return f"{named.spdx} against {known.spdx}"
