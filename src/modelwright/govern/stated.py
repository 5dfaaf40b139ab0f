"""What people say about a project's data and models: the section `card:` of the project file.

It changes no artifact and no fingerprint, for a card is a view. Each change of it is a signed `stated` event, so that
every stated value on a card names who said it and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from modelwright.core.fingerprint import digest
from modelwright.core.spec import Options

if TYPE_CHECKING:
    from modelwright.govern.records import Records

EVENT = "stated"
SourceClass = Literal["public", "licensed", "private", "crawled", "user", "synthetic", "other"]
"""The classes of sources that the public summary of training content tells apart."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""One text, or a list of them."""


class Provider(Options):
    """Who places the model on the market."""

    name: str | None = Field(None, description="legal name")
    address: str | None = Field(None, description="postal address")
    contact: str | None = Field(None, description="e-mail address or page of contact")
    representative: str | None = Field(None, description="authorised representative in the Union, with contact")


class SourceCard(Options):
    """What is known of a source beside its licence, owner and access, which its own entry states."""

    model_config = ConfigDict(populate_by_name=True)

    class_: SourceClass | None = Field(
        None, alias="class", description="public, licensed, private, crawled, user, synthetic or other"
    )
    url: str | None = Field(None, description="where it is published")
    period: str | None = Field(None, description="when it was collected: `2019-03 to 2021-12`")
    description: str | None = Field(None, description="what it holds")
    crawler: str | None = Field(None, description="name of the crawler, its purpose and how it behaves")
    generator: str | None = Field(None, description="for synthetic texts: the model that wrote them")


class CardSettings(Options):
    """What people state on cards. Everything may be left out: it then reads `nobody stated it`."""

    description: str | None = Field(None, description="what the data is, in a sentence or two")
    creators: Texts = Field((), description="who made it")
    publisher: str | None = Field(None, description="who publishes it")
    contact: str | None = Field(None, description="whom to ask")
    keeper: str | None = Field(None, description="who looks after it")
    url: str | None = Field(None, description="its page")
    cite_as: str | None = Field(None, description="citation, for example BibTeX")
    published: str | None = Field(None, description="day of publication, `2026-01-31`")
    licence: str | None = Field(None, description="licence of the collection as a whole: an SPDX expression")
    languages: Texts = Field((), description="languages meant to be in it, as ISO 639 codes")
    tasks: Texts = Field((), description="tasks, in the words of Hugging Face: `text-generation`")
    intended_uses: Texts = Field((), description="uses that it is for")
    out_of_scope_uses: Texts = Field((), description="uses that it is unfit for")
    limitations: Texts = Field((), description="known limits")
    biases: Texts = Field((), description="known biases")
    social_impact: str | None = Field(None, description="effects on people to be expected")
    content: Texts = Field((), description="types of content: fiction, scientific text, news ...")
    people: str | None = Field(None, description="regions and groups of people that are represented")
    collection: str | None = Field(None, description="how the data was collected")
    annotation: str | None = Field(None, description="who labelled what, and by which guidelines")
    acquired_until: str | None = Field(None, description="latest acquisition, `2026-01`")
    continuous: bool | None = Field(None, description="is the model trained on with new data after this?")
    legal_basis: str | None = Field(None, description="by what right personal data is processed")
    consent: str | None = Field(None, description="whose consent was asked, and how it can be withdrawn")
    confidentiality: str | None = Field(None, description="class of confidentiality")
    retention: str | None = Field(None, description="how long it is kept")
    maintenance: str | None = Field(None, description="how it is kept up to date")
    opt_out_policy: str | None = Field(None, description="how reservations of rights are respected")
    illegal_content: str | None = Field(None, description="what is done against illegal content")
    code_of_practice: bool | None = Field(None, description="has the provider signed the Code of Practice?")
    model_licence: str | None = Field(None, description="licence of the model: an SPDX expression")
    model_name: str | None = Field(None, description="name and version of the model on the market")
    model_base: str | None = Field(None, description="the model that it was made from, with its summary")
    market_date: str | None = Field(None, description="day of placement on the Union market")
    provider: Provider = Provider()
    sources: dict[str, SourceCard] = Field(
        default_factory=dict, description="by name of source: class, url, period, description"
    )


@dataclass(frozen=True)
class Stated:
    """The statements, and the event that recorded exactly these; `seq` is None before the first run after a change."""

    card: CardSettings
    seq: int | None = None
    by: str = ""
    at: str = ""


NOTHING = Stated(CardSettings())


def plain(settings: CardSettings) -> dict[str, Any]:
    """Only what was stated, as plain JSON."""
    values: dict[str, Any] = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return values


def on_record(records: Records, settings: CardSettings | None) -> Stated:
    """The statements with the event that holds them, when the latest one does."""
    card = settings or CardSettings()
    values, latest = plain(card), _latest(records)
    if values and latest is not None and latest.get("card") == values:
        return Stated(card, latest.seq, ", ".join(latest.keyids), latest.at)
    return Stated(card)


def record(records: Records, settings: CardSettings | None) -> Stated:
    """As `on_record`; what is new is signed and recorded first. Silence after silence is no event."""
    values, latest = plain(settings or CardSettings()), _latest(records)
    before: Mapping[str, Any] = latest.get("card") if latest is not None else {}
    if values != before:
        records.append(EVENT, [{"name": "card", "digest": digest(values)}], {"card": values})
    return on_record(records, settings)


def _latest(records: Records) -> Any:
    entries = records.of_kind(EVENT)
    return entries[-1] if entries else None
