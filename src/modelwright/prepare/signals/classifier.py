from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from modelwright.core.errors import UsageError
from modelwright.core.spec import Location
from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Classifier(Signal):
    """A classifier of your own, made by `modelwright classifier train`: NAME (score of its first label), NAME_label.

    Any number may stand side by side, each with a file and a name of its own.
    """

    version: ClassVar[int] = 1
    several: ClassVar[bool] = True

    model: Location = Field(description="the file, e.g. classifiers/quality.safetensors")
    name: str = Field(default="", description="name of the columns; left out: that of the file")

    @model_validator(mode="after")
    def _name_is_a_word(self) -> Classifier:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.key()):
            raise UsageError(
                f"classifier: {self.key()!r} cannot name a column",
                hint="give it a `name:` of lower-case letters, digits and `_`",
                value=self.key(),
            )
        return self

    def key(self) -> str:
        """The name of its columns."""
        return self.name or Path(self.model).name.partition(".")[0]

    def columns(self) -> Mapping[str, str]:
        """`NAME`: probability of the first label, 0 to 1; `NAME_label`: the likeliest label."""
        return {self.key(): "float64", f"{self.key()}_label": "string"}

    def files(self) -> tuple[Path, ...]:
        """The model. Raises InputError when it is missing, UsageError when it is no classifier."""
        from modelwright.prepare.classifier_files import found

        return (found(self.model),)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of `columns()`; null where the text is null."""
        import pyarrow as pa

        from modelwright.measure import classifier
        from modelwright.measure.spans import float_column, texts_of

        model = classifier.load(self.files()[0])
        texts = texts_of(batch.column("text"))
        shares = classifier.probabilities(texts, model)
        labels = pa.array(model.labels, pa.string()).take(pa.array(shares.argmax(axis=1), mask=~texts.valid))
        return pa.record_batch([float_column(shares[:, 0], texts.valid), labels], names=list(self.columns()))
