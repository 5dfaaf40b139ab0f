from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Language(Signal):
    """Natural language, always the best guess (`zxx`: none), with its confidence; source code is mostly called English.

    ISO 639-1 where a code exists, else 639-3. For `kind` code or data the guess follows comments and names: ask
    `kind` first. Texts of more than 1 kB are judged by four windows of 256 bytes.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[dict[str, str]] = {"language": "string", "language_confidence": "float64"}

    def files(self) -> tuple[Path, ...]:
        """py3langid's model, in its installed wheel."""
        from modelwright.measure.model_files import language_model

        return (language_model(),)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Columns `language` (string) and `language_confidence` (0 to 1); null where the text is null."""
        import pyarrow as pa

        from modelwright.measure.language import identify
        from modelwright.measure.spans import float_column, texts_of

        texts = texts_of(batch.column("text"))
        labels, confidence = identify(texts)
        return pa.record_batch(
            {
                "language": pa.array(labels, pa.string(), mask=~texts.valid),
                "language_confidence": float_column(confidence, texts.valid),
            }
        )
