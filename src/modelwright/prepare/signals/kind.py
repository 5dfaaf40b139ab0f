from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Kind(Signal):
    """What a document is: prose, code, table, log, mail, legal, markup or data, by name, language and cheap counts."""

    version: ClassVar[int] = 2
    inputs: ClassVar[tuple[str, ...]] = ("text", "path", "code_language", "code_language_confidence")
    outputs: ClassVar[dict[str, str]] = {"kind": "string"}

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Column `kind` (string); null where the text is null."""
        import pyarrow as pa

        from modelwright.measure.kind import kinds_of
        from modelwright.measure.spans import texts_of

        others = [batch.column(name).to_pylist() for name in self.inputs[1:]]
        kinds = kinds_of(texts_of(batch.column("text")), *others)
        return pa.record_batch({"kind": pa.array(kinds, pa.string())})
