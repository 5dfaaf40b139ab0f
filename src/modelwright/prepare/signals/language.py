from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from modelwright.core.spec import Location
from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Language(Signal):
    """Natural language, always the best guess (`zxx`: none), with its confidence; source code is mostly called English.

    ISO 639-1 where a code exists, else 639-3. For `kind` code or data the guess follows comments and names: ask
    `kind` first. A text of 512 bytes or more is judged by windows of 128 bytes spread over it: `language_share` is the
    share of them that agree (1 for a short text), `languages` lists all, such as `en:0.75 de:0.25`.
    """

    version: ClassVar[int] = 2
    outputs: ClassVar[dict[str, str]] = {
        "language": "string",
        "language_confidence": "float64",
        "language_share": "float64",
        "languages": "string",
    }

    windows: int = Field(default=8, ge=1, le=256, description="places of a long text that are read, 128 bytes each")
    add: Location | None = Field(
        default=None,
        description="more languages: labelled samples (.jsonl, rows text and language) or a model learnt from them",
    )

    def added(self) -> Path | None:
        """The file of added languages, if any."""
        from modelwright.core import plugins

        return None if self.add is None else (plugins.project_folder() or Path()) / self.add

    def files(self) -> tuple[Path, ...]:
        """py3langid's model, in its installed wheel, and the user's samples or model."""
        from modelwright.measure.model_files import language_model

        added = self.added()
        return (language_model(),) if added is None else (language_model(), added)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of `outputs`; null where the text is null. Raises InputError for a bad file of `add`."""
        import pyarrow as pa

        from modelwright.measure.language import identify
        from modelwright.measure.spans import float_column, texts_of

        texts = texts_of(batch.column("text"))
        found = identify(texts, self.windows)
        added = self.added()
        if added is not None:
            from modelwright.measure import language_added

            for row in language_added.refine(texts, found.labels, found.confidence, language_added.load(added)):
                found.languages[row], found.share[row] = f"{found.labels[row]}:1.00", 1.0
        empty = ~texts.valid
        return pa.record_batch(
            {
                "language": pa.array(found.labels, pa.string(), mask=empty),
                "language_confidence": float_column(found.confidence, texts.valid),
                "language_share": float_column(found.share, texts.valid),
                "languages": pa.array(found.languages, pa.string(), mask=empty),
            }
        )
