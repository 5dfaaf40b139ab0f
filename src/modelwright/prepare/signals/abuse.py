from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Abuse(Signal):
    """Listed profanities of the text's language, abusive English sentences, and hate against groups of people.

    `abuse_score` and `hate_score` are what at least one sentence in 20 reaches (the maximum, up to 20 sentences), so
    that a whole book is not judged by one line. `abuse_severity` is 0 for none, 1 for listed words alone, 2 for
    `abuse_score` and 3 for `hate_score` at its threshold. `hate_target` names the group of the most hateful sentence.
    """

    version: ClassVar[int] = 2
    inputs: ClassVar[tuple[str, ...]] = ("text", "language", "language_confidence")
    outputs: ClassVar[dict[str, str]] = {
        "abuse_score": "float64", "abuse_sentences": "int64", "abuse_sentence_share": "float64",
        "abuse_severity": "int64", "profanity_words": "int64", "profanity_share": "float64",
        "hate_score": "float64", "hate_sentences": "int64", "hate_target": "string",
    }  # fmt: skip
    finds: ClassVar[bool] = True

    encoder: str | None = Field(
        default=None,
        description="`minilm` reads the sentences about groups with the encoder of the extra `embeddings`: better and "
        "some thousand times slower for them",
        pattern="^minilm$",
    )

    def files(self) -> tuple[Path, ...]:
        """Hashes and weights, trained by `scripts/train_abuse.py` and `scripts/train_hate.py`."""
        from modelwright.measure.model_files import ABUSE_MODEL, HATE_HEAD, HATE_MODEL

        return (ABUSE_MODEL, HATE_MODEL, *((HATE_HEAD,) if self.encoder else ()))

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of `outputs`, and `findings` of the kinds `profanity` (a word or phrase), `abuse` and `hate` (a
        sentence at its threshold).

        Null where the text is null, or where the language has no model or no word list.
        """
        import pyarrow as pa

        from modelwright.measure import abuse, hate_encoder
        from modelwright.measure.abuse_results import results

        judge = hate_encoder.judge if self.encoder else None
        limit = hate_encoder.threshold() if self.encoder else None
        text = batch.column("text")
        languages, confidences = (batch.column(name).to_pylist() for name in self.inputs[1:])
        found = abuse.measure(text, languages, confidences, judge=judge)
        columns: dict[str, Any] = results(found, text.is_valid().to_numpy(zero_copy_only=False), limit)
        return pa.record_batch({name: columns[name] for name in (*self.outputs, "findings")})
