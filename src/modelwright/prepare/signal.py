"""The base of everything that is measured on a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.core.spec import Options

if TYPE_CHECKING:
    import pyarrow as pa


class Signal(Options):
    """Something measured on a document. Inputs, options, `version` and model files key its cache, and nothing else.

    The value for a row never depends on the other rows of a batch. Kernels are vectorised over Arrow buffers
    (`large_string`; honour `.offset`; buffers may be read-only), never a Python loop per word.
    """

    inputs: ClassVar[tuple[str, ...]] = ("text",)
    """Columns read: `text`, `path`, `licence`, and outputs of other signals (`language`, `kind` ...)."""
    outputs: ClassVar[dict[str, str]] = {}
    """Column -> Arrow type name: `int64`, `float64`, `string` or `bool`. Names are unique over all signals."""
    finds: ClassVar[bool] = False
    """True when the signal yields findings too."""

    several: ClassVar[bool] = False
    """True when a pile may have any number of them, each with options of its own, and none unless it is listed."""

    def columns(self) -> Mapping[str, str]:
        """`outputs`; one of `several` names its columns by its options."""
        return self.outputs

    def key(self) -> str:
        """What tells one of `several` from the others: a word."""
        return ""

    def files(self) -> tuple[Path, ...]:
        """Model files: their digests are part of the cache key."""
        return ()

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch that has the columns of `inputs`.

        The result has the same number of rows and the columns of `outputs`; a signal that `finds` adds `findings`,
        list<struct<kind: string, start: int64, end: int64, confidence: float64>>, offsets in UTF-8 bytes of the text.
        A null text gives null outputs.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no measure()")
