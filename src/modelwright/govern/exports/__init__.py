"""Cards in the forms of other systems. What nobody stated or measured is left out, never made up, and named."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from modelwright.core.context import Artifact
    from modelwright.govern.cards.card import Card
    from modelwright.govern.records import Records
    from modelwright.govern.stated import Stated

FORMS: Mapping[str, tuple[str, ...]] = {
    "huggingface": ("pile", "model", "adapter"),
    "croissant": ("pile",),
    "cyclonedx": ("pile", "model", "adapter"),
    "eu-summary": ("pile",),
    "eu-summary-json": ("pile",),
}
"""Form -> the kinds of artifacts that it exists for."""


@dataclass(frozen=True)
class Exported:
    """`missing`: fields that the form's standard requires and that nobody stated, each with the key that states it."""

    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """What an export is made from: the artifact, the ledger, the card for people, and what people state."""

    artifact: Artifact
    records: Records
    card: Card
    stated: Stated

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.artifact.facts

    def counted(self, name: str) -> dict[str, dict[str, int]]:
        """Value -> documents and bytes, the largest first, without what is unknown."""
        found = self.facts.get(name)
        rows = {
            str(key): {unit: int(n) for unit, n in item.items() if isinstance(n, int)}
            for key, item in (found.items() if isinstance(found, Mapping) else ())
            if isinstance(item, Mapping) and key != "unknown"
        }
        return dict(sorted(rows.items(), key=lambda pair: (-pair[1].get("bytes", 0), pair[0])))

    @property
    def description(self) -> str:
        return self.stated.card.description or self.card.summary


def export(form: str, artifact: Artifact, records: Records, card: Card, stated: Stated) -> Exported:
    """`artifact`'s card in `form`, one of FORMS.

    Raises UnknownName for another form, UsageError where the form is not meant for such an artifact.
    """
    from modelwright.govern.cards.render import FORMS as FOR_PEOPLE

    if form not in FORMS:
        raise UnknownName("form of a card", form, [*FOR_PEOPLE, *FORMS])
    if artifact.kind not in FORMS[form]:
        of_kind = [*FOR_PEOPLE, *(name for name, kinds in FORMS.items() if artifact.kind in kinds)]
        raise UsageError(
            f"there is no {form} of {artifact.ref}: it is meant for a {' or '.join(FORMS[form])}",
            hint=f"forms of a {artifact.kind}: {', '.join(of_kind)}",
            value=form,
        )
    name = form.removesuffix("-json").replace("-", "_")
    module: Any = importlib.import_module(f"{__name__}.{name}")
    made: Exported = module.export(Subject(artifact, records, card, stated), as_json=form.endswith("-json"))
    return made


def to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def without_nothing(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without keys whose value is None, "" or empty: an absent key says that nothing is known."""
    return {
        key: value for key, value in document.items() if value is not None and value != "" and value not in ([], {}, ())
    }


def absent(document: Mapping[str, Any], required: Mapping[str, str]) -> tuple[str, ...]:
    """Required keys (key -> where it is stated) that a document lacks: `creator (card.creators)`."""
    return tuple(f"{key} ({where})" for key, where in required.items() if not document.get(key))
