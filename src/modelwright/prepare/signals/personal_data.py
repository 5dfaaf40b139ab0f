from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa

PersonalKind = Literal[
    "email", "phone", "card", "iban", "ssn", "ip", "mac", "url", "name", "address", "birth_date", "passport",
    "national_id", "user_name", "key", "secret",
]  # fmt: skip
RELIABLE: tuple[PersonalKind, ...] = (
    "email", "phone", "card", "iban", "ssn", "ip", "mac", "url", "birth_date", "passport", "national_id", "user_name",
    "key", "secret",
)  # fmt: skip
"""The kinds that are looked for by default: those of fixed form, with check digits or behind words that name them."""

COUNTRIES = {
    "cs": ("CZ",), "da": ("DK",), "de": ("DE", "AT", "CH"), "el": ("GR",), 
    "en": ("US", "GB", "AU", "CA", "IE", "NZ", "IN"),
    "es": ("ES", "MX", "AR", "CO"), "fi": ("FI",), "fr": ("FR", "BE", "CH", "CA"), "hi": ("IN",), "hu": ("HU",),
    "it": ("IT", "CH"), "ja": ("JP",), "ko": ("KR",), "nb": ("NO",), "nl": ("NL", "BE"), "no": ("NO",), "pl": ("PL",),
    "pt": ("BR", "PT"), "ro": ("RO",), "ru": ("RU",), "sv": ("SE", "FI"), "tr": ("TR",),
    "uk": ("UA",), "zh": ("CN", "TW"),
}  # fmt: skip
"""Language of a document -> countries whose national numbers it is likely to write."""


class PersonalData(Signal):
    """Personal data and secrets as spans: byte scan, check digits, and the words before; 16 kinds, names and addresses
    only when asked for.
    """

    version: ClassVar[int] = 2
    inputs: ClassVar[tuple[str, ...]] = ("text", "language", "kind")
    outputs: ClassVar[dict[str, str]] = {"personal_data_count": "int64", "personal_data_density": "float64"}
    finds: ClassVar[bool] = True

    kinds: tuple[PersonalKind, ...] = Field(default=RELIABLE, min_length=1, description="what to look for")
    regions: tuple[str, ...] = Field(
        default=("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU"),
        description="countries (ISO 3166-1) whose national phone numbers are known, besides those of a document's "
        "language; numbers with + need none",
    )
    confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="spans below it are no findings; at .3 every URL, numeric date and @handle is one",
    )
    keep_authors: bool = Field(
        default=False,
        description="e-mail addresses of authors and holders of copyright in the header of code are no findings",
    )

    def files(self) -> tuple[Path, ...]:
        """The list of names, when names are looked for."""
        from modelwright.measure.personal_candidate import NAMES

        return (NAMES,) if "name" in self.kinds else ()

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Columns `personal_data_count`, `personal_data_density` (per 1,000 bytes of text) and `findings`; null for
        null.
        """
        import numpy as np
        import pyarrow as pa

        from modelwright.measure.authors import without_authors
        from modelwright.measure.personal_data import find_all
        from modelwright.measure.spans import findings_array, float_column, integer_column, texts_of

        texts = texts_of(batch.column("text"))
        found = find_all(texts, self.kinds, self._regions(batch), self.confidence)
        if self.keep_authors:
            found = without_authors(texts, found, _column(batch, "kind"))
        counts = np.bincount(np.array([item.row for item in found], np.int64), minlength=len(texts)).astype(np.int64)
        density = 1000 * counts / np.maximum(np.diff(texts.offsets), 1)
        return pa.record_batch(
            {
                "personal_data_count": integer_column(counts, texts.valid),
                "personal_data_density": float_column(density, texts.valid),
                "findings": findings_array(found, texts.valid),
            }
        )

    def _regions(self, batch: pa.RecordBatch) -> list[tuple[str, ...]]:
        """The countries of each row: the option's and those of its language, each once."""
        known: dict[str | None, tuple[str, ...]] = {}
        for language in set(_column(batch, "language")):
            known[language] = tuple(dict.fromkeys((*self.regions, *COUNTRIES.get(language or "", ()))))
        return [known[language] for language in _column(batch, "language")]


def _column(batch: pa.RecordBatch, name: str) -> list[str | None]:
    """Values of a column that a caller outside a pile may leave out."""
    values: list[str | None] = batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows
    return values
