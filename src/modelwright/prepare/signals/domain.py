from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from modelwright.core.spec import Location, Share
from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa

OTHER = "other"


class Domain(Signal):
    """What a text is about: one of 16 broad fields, or of your own labels; null for code and data.

    The model that ships is a linear one over hashed words, taught by an encoder; it reads 4 kB of a text, and knows
    English alone: other languages are null, unless `model` names one of your own.
    """

    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("text", "kind", "language")
    outputs: ClassVar[dict[str, str]] = {"domain": "string", "domain_confidence": "float64"}

    model: Location | None = Field(
        default=None, description="a classifier of your own, e.g. classifiers/domain.safetensors; left out: as shipped"
    )
    threshold: Share = Field(default=0.0, description="a text whose best field is less likely than this is `other`")

    def files(self) -> tuple[Path, ...]:
        """The model: as shipped (trained by `scripts/train_domain.py`), or the project's own."""
        from modelwright.measure.model_files import CODE_MODEL
        from modelwright.prepare.classifier_files import found

        return (found(self.model) if self.model else CODE_MODEL.with_name("domain.safetensors"),)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`domain` and `domain_confidence` (its probability); null where the text is null, `kind` is code or data,
        or the model does not know the language."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        from modelwright.measure import classifier
        from modelwright.measure.spans import float_column, texts_of

        model = classifier.load(self.files()[0])
        words = pc.invert(pc.is_in(batch.column("kind"), value_set=pa.array(["code", "data"])))
        if self.model is None:
            words = pc.and_(words, pc.fill_null(pc.equal(batch.column("language"), "en"), False))
        texts = texts_of(pc.if_else(words, batch.column("text"), pa.scalar(None, pa.large_string())))
        shares = classifier.probabilities(texts, model)
        sure = shares.max(axis=1, initial=0.0)
        best = np.where(sure < self.threshold, len(model.labels), shares.argmax(axis=1))
        names = pa.array([*model.labels, OTHER], pa.string())
        return pa.record_batch(
            {
                "domain": names.take(pa.array(best, mask=~texts.valid)),
                "domain_confidence": float_column(sure, texts.valid),
            }
        )
