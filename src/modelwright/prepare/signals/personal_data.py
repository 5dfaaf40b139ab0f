from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class PersonalData(Signal):
    """E-mail addresses, phone numbers and payment cards as spans: byte scan, check digits, then the rules of phone
    numbers.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[dict[str, str]] = {"personal_data_count": "int64", "personal_data_density": "float64"}
    finds: ClassVar[bool] = True

    kinds: tuple[Literal["email", "phone", "card"], ...] = Field(
        default=("email", "phone", "card"), min_length=1, description="what to look for"
    )
    regions: tuple[str, ...] = Field(
        default=("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU"),
        description="countries (ISO 3166-1) whose national phone numbers are known; numbers with + need none",
    )

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Columns `personal_data_count`, `personal_data_density` (per 1,000 bytes of text) and `findings`; null for
        null.
        """
        import numpy as np
        import pyarrow as pa

        from modelwright.measure.personal_data import find
        from modelwright.measure.spans import findings_array, float_column, integer_column, texts_of

        texts = texts_of(batch.column("text"))
        found = find(texts, self.kinds, self.regions)
        counts = np.bincount(np.array([item.row for item in found], np.int64), minlength=len(texts)).astype(np.int64)
        density = 1000 * counts / np.maximum(np.diff(texts.offsets), 1)
        return pa.record_batch(
            {
                "personal_data_count": integer_column(counts, texts.valid),
                "personal_data_density": float_column(density, texts.valid),
                "findings": findings_array(found, texts.valid),
            }
        )
