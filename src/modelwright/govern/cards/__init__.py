"""Cards: printed views of the ledger. `card_of` gives the card that belongs to an artifact; `render` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.core.context import Artifact
    from modelwright.govern.cards.card import Card
    from modelwright.govern.records import Records
    from modelwright.govern.stated import Stated


def card_of(
    artifact: Artifact, records: Records, project: str, use: object = None, stated: Stated | None = None
) -> Card:
    """Data card of a pile, model card of a model or adapter, fact sheet of a release. Raises UsageError for others.

    use     what the project is for; stated  what people say about data and model, the section `card:` of its file
    """
    from modelwright.core.errors import UsageError
    from modelwright.govern.cards.data import data_card
    from modelwright.govern.cards.fact_sheet import fact_sheet
    from modelwright.govern.cards.model import model_card
    from modelwright.govern.stated import NOTHING

    makers = {"pile": data_card, "model": model_card, "adapter": model_card, "release": fact_sheet}
    if artifact.kind not in makers:
        raise UsageError(
            f"there is no card for {artifact.ref}",
            hint=f"cards: {', '.join(makers)}; `modelwright show {artifact.ref}` shows its facts",
            value=artifact.kind,
        )
    return makers[artifact.kind](artifact, records, project, str(use or ""), stated or NOTHING)
