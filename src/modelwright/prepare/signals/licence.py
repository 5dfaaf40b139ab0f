from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Licence(Signal):
    """Licence by what is stated and by what stands in the text: tags, headers, notices, full texts, package metadata.

    What is stated wins, what a licence file above says comes last; `licence_conflict` shows where they differ in class.
    Classes: permissive, weak_copyleft, strong_copyleft, no_derivatives, non_commercial, proprietary, unknown.
    """

    version: ClassVar[int] = 3
    inputs: ClassVar[tuple[str, ...]] = ("text", "licence", "path")
    outputs: ClassVar[dict[str, str]] = {
        "licence_spdx": "string", "licence_found": "string", "licence_class": "string", "licence_source": "string",
        "licence_conflict": "string",
    }  # fmt: skip
    finds: ClassVar[bool] = True

    def files(self) -> tuple[Path, ...]:
        """Hashes of ScanCode's rules, built by `scripts/build_licence_index.py`."""
        from modelwright.measure.model_files import LICENCE_INDEX

        return (LICENCE_INDEX,)

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`licence_found` (SPDX expression of the text), `licence_spdx` (stated, else found), class, findings.

        `licence_source` is `stated`, `folder` (a licence file above), `file` or `header` (found in the text);
        `licence_conflict` is `STATED against FOUND` where both are known and their classes differ.
        All are null where the text is null; the class is `unknown` and the others null where nothing is known.
        """
        import pyarrow as pa

        from modelwright.measure import licence_verdict
        from modelwright.measure.spans import findings_array, texts_of

        texts = texts_of(batch.column("text"))
        rows, found = licence_verdict.verdicts(
            texts, batch.column("licence").to_pylist(), batch.column("path").to_pylist()
        )
        columns = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(self.outputs)}
        columns["findings"] = findings_array(found, texts.valid)
        return pa.record_batch(columns)
