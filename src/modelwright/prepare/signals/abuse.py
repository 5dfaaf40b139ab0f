from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Abuse(Signal):
    """Listed profanities of the text's language, and a screening score of English sentences that hold one.

    `abuse_score` is what at least one sentence in 20 reaches (the maximum, up to 20 sentences), so that a whole book
    is not
    judged by one line. A screen, no understanding: it cannot tell quotation or counter-speech from attack.
    """

    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("text", "language", "language_confidence")
    outputs: ClassVar[dict[str, str]] = {
        "abuse_score": "float64", "abuse_sentence_share": "float64", "profanity_words": "int64",
    }  # fmt: skip

    def files(self) -> tuple[Path, ...]:
        """Hashes and weights, trained by `scripts/train_abuse.py`."""
        from modelwright.measure.model_files import ABUSE_MODEL

        return (ABUSE_MODEL,)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`abuse_score` (0 to 1), `abuse_sentence_share` (sentences over the stored threshold), `profanity_words`
        (count).

        Null where the text is null, or where the language has no model or no word list.
        """
        import pyarrow as pa

        from modelwright.measure import abuse
        from modelwright.measure.spans import float_column, integer_column

        text = batch.column("text")
        found = abuse.measure(
            text, batch.column("language").to_pylist(), batch.column("language_confidence").to_pylist()
        )
        valid = text.is_valid().to_numpy(zero_copy_only=False)
        return pa.record_batch(
            {
                "abuse_score": float_column(found.score, valid & found.modelled),
                "abuse_sentence_share": float_column(found.sentence_share, valid & found.modelled),
                "profanity_words": integer_column(found.words, valid & found.listed),
            }
        )
