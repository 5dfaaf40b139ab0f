from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class CodeLanguage(Signal):
    """Programming language by name, first line and a linear classifier; null means "not code", confidence says how
    sure.

    Names are linguist's in lower case, plus `ansible` and `terraform`; markdown, HTML, JSON and YAML count too.
    `code_dialect` says what a configuration file is for (`ansible:playbook`, `kubernetes`, `github-workflow` ...) or is
    null.
    """

    version: ClassVar[int] = 2
    inputs: ClassVar[tuple[str, ...]] = ("text", "path")
    outputs: ClassVar[dict[str, str]] = {
        "code_language": "string",
        "code_language_confidence": "float64",
        "code_dialect": "string",
    }

    def files(self) -> tuple[Path, ...]:
        """The table of names and the classifier."""
        from modelwright.measure.model_files import CODE_MODEL, CODE_TABLE

        return (CODE_TABLE, CODE_MODEL)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Columns `code_language` and `code_dialect` (string), `code_language_confidence` (0 to 1); null where the text
        is null.
        """
        import numpy as np
        import pyarrow as pa

        from modelwright.measure.code_language import guesses
        from modelwright.measure.spans import float_column, texts_of

        texts = texts_of(batch.column("text"))
        found = guesses(texts, batch.column("path").to_pylist())
        return pa.record_batch(
            {
                "code_language": pa.array(found.languages, pa.string()),
                "code_language_confidence": float_column(np.array(found.confidences, np.float64), texts.valid),
                "code_dialect": pa.array(found.dialects, pa.string()),
            }
        )
