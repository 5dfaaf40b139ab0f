"""The beginnings of texts as people may see them: personal data covered, offensive words too where that is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from modelwright.core import plugins

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.core.context import Context
    from modelwright.engines.pile_reader import PileReader
    from modelwright.prepare.documents import Documents

READ_BYTES = 65_536
EXCERPT_CHARACTERS = 160
_SHOWN_CHARACTERS = 700  # what is looked through for a page: an excerpt, and what a sentence around its end needs
_DOUBTFUL = 0.3  # rather too much is covered on a page than too little
_ABUSIVE = ("abuse", "hate")


def beginnings(
    wanted: Sequence[str], values: pa.Table, reader: PileReader, documents: Documents | None, context: Context
) -> dict[str, bytes]:
    """Document -> the beginning of its text: from the pile, else from its source as long as that is the same."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(list(dict.fromkeys(wanted)), pa.string())
    kept = reader.documents()
    found: dict[str, bytes] = {}
    batches = [reader.texts(kept.filter(pc.is_in(kept["document"], value_set=ids)).select(["document", "digest"]))]
    if documents is not None:
        rows = values.filter(pc.is_in(values["document"], value_set=ids)).select(["document", "digest"])
        place = pc.index_in(rows["document"], value_set=documents.table["document"].combine_chunks())
        same = pc.fill_null(pc.equal(documents.table["digest"].take(place), rows["digest"]), False)
        gone = pc.invert(pc.is_in(rows["document"], value_set=kept["document"].combine_chunks()))
        batches.append(documents.batches(rows.filter(pc.and_(same, gone)), context))
    for source in batches:
        for batch in source:
            for document, text in zip(batch.column("document").to_pylist(), batch.column("text"), strict=True):
                found[document] = text.as_buffer()[:READ_BYTES].to_pybytes()
    return found


def masked(texts: Sequence[bytes | None]) -> list[str | None]:
    """Excerpts in which every finding of personal data, secrets too, is covered by `*`."""
    import pyarrow as pa

    from modelwright.prepare.edit import apply_edits
    from modelwright.prepare.quality.report import excerpt

    column: Any = pa.array(_decoded(texts), pa.large_string())
    if "personal_data" in plugins.catalogue("signals"):
        signal: Any = plugins.load("signals", "personal_data")()
        batch = signal.measure(pa.record_batch({"text": column}))
        column, _ = apply_edits(column, _styled([spans or [] for spans in batch.column("findings").to_pylist()]))
    return [None if text is None else excerpt(text, EXCERPT_CHARACTERS) for text in column.to_pylist()]


def fit_to_show(texts: Sequence[bytes | None], languages: Sequence[str | None], characters: int) -> list[str | None]:
    """Excerpts for a page that strangers read: whatever may be personal data stands as `<KIND>`, listed profanities as
    `*`; None where a sentence is abusive, and for no text. Profanities: those that the signal `abuse` knows.
    """
    import pyarrow as pa

    from modelwright.prepare.edit import apply_edits
    from modelwright.prepare.quality.report import excerpt
    from modelwright.prepare.signals.personal_data import PersonalKind

    if not texts:
        return []
    column: Any = pa.array([text and text[:_SHOWN_CHARACTERS] for text in _decoded(texts)], pa.large_string())
    wanted = {"personal_data": {"kinds": list(get_args(PersonalKind)), "confidence": _DOUBTFUL}}
    personal, abuse = plugins.parse("signals", wanted), plugins.parse("signals", "abuse")
    spans = [list(found or []) for found in _found(personal, column, languages)]
    # A text whose language was mistaken, or that mixes two, is read as English too.
    abusive = [_found(abuse, column, languages), _found(abuse, column, ["en"] * len(languages))]
    refused = []
    for row, both in enumerate(zip(*abusive, strict=True)):
        found = [span for spans_of in both for span in spans_of or ()]
        refused.append(any(span["kind"] in _ABUSIVE for span in found))
        spans[row] += [span for span in found if span["kind"] == "profanity"]
    column, _ = apply_edits(column, _styled(spans, "tag"))
    shown = zip(column.to_pylist(), refused, strict=True)
    return [None if text is None or no else excerpt(text, characters) for text, no in shown]


def _found(signal: Any, texts: pa.Array, languages: Sequence[str | None]) -> list[Any]:
    """What a signal finds in texts of which only the language is known, as sure as can be."""
    import pyarrow as pa

    known = {"text": texts, "language": pa.array(list(languages), pa.string())}
    rest = {"language_confidence": pa.array([1.0] * len(texts)), "kind": pa.nulls(len(texts), pa.string())}
    columns = {**known, **rest}
    found: list[Any] = (
        signal.measure(pa.record_batch({name: columns[name] for name in signal.inputs})).column("findings").to_pylist()
    )
    return found


def _decoded(texts: Sequence[bytes | None]) -> list[str | None]:
    return [None if text is None else text.decode("utf-8", "ignore") for text in texts]


def _styled(findings: Sequence[Sequence[Mapping[str, Any]]], style: str = "mask") -> pa.Array:
    """Findings as `apply_edits` takes them; profanities are always masked."""
    import pyarrow as pa

    fields = [("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("style", pa.string())]
    styled = [
        [{**span, "style": "mask" if span["kind"] == "profanity" else style} for span in spans] for spans in findings
    ]
    return pa.array([[{k: s[k] for k, _ in fields} for s in spans] for spans in styled], pa.list_(pa.struct(fields)))
