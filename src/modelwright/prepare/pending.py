"""What a preparation has left to do, looked up in the caches for a plan; nothing is read or measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.core.context import Context
from modelwright.prepare.settings import PileSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Pending:
    """files, bytes  new or changed since they were read; known_bytes  of texts that were read before
    texts  signal -> how many of those it would measure, because it is new, was changed or was never asked for
    share  of the measuring of known texts that is to be done, from 0 to 1
    """

    files: int
    bytes: int
    known_bytes: int
    texts: Mapping[str, int]
    share: float


def pending(settings: PileSettings, context: Context) -> Pending:
    """Raises InputError for a source that is missing."""
    import pyarrow.compute as pc

    from modelwright.prepare import decisions
    from modelwright.prepare.documents import known_documents, sampled
    from modelwright.prepare.measure import all_signals, unmeasured

    signals = all_signals(settings.chosen_signals())
    order = decisions.signals_for(settings, signals)
    known, unread = known_documents(settings.sources, context)
    known = sampled(known, settings.sample)
    texts = unmeasured(known, signals, order, context)
    return Pending(
        files=len({piece.file.path for piece in unread}),
        bytes=sum(piece.end - piece.start for piece in unread),
        known_bytes=pc.sum(known["bytes"]).as_py() or 0,
        texts=texts,
        share=min(1.0, sum(texts.values()) / max(1, len(order) * known.num_rows)),
    )
