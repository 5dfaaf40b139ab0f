"""The signal `c4_lines`: which lines C4 removes, and the counts of what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class C4Lines(Signal):
    """Lines, citation marks and white space that C4 removes, as findings; counts of the lines that stay.

    Each count is there twice: for the lines that C4 keeps, and (`lenient`) for those that it keeps when lines may end
    in anything, as FineWeb's recipe has it. Kinds and definitions: `C4_KINDS` and `C4_COLUMNS` of measure/text.py.
    """

    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    outputs: ClassVar[dict[str, str]] = dict.fromkeys(
        (
            "c4_lorem_ipsum_line", "c4_curly_bracket_line", "c4_text_lines", "c4_terminal_lines", "c4_short_lines",
            "c4_repeated_line_characters", "c4_characters", "c4_newlines", "c4_words", "c4_sentences",
            "c4_lenient_lorem_ipsum_line", "c4_lenient_curly_bracket_line", "c4_lenient_text_lines",
            "c4_lenient_terminal_lines", "c4_lenient_short_lines", "c4_lenient_repeated_line_characters",
            "c4_lenient_characters", "c4_lenient_newlines", "c4_lenient_words", "c4_lenient_sentences",
        ),
        "int64",
    )  # fmt: skip
    finds: ClassVar[bool] = True

    words: Literal["spacy-en", "space"] = Field(
        default="spacy-en",
        description="what a word is: a token of spaCy's English rules (datatrove), or what stands between white space",
    )

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """int64 columns in the order of `outputs`, null for a null text; findings in order of their rows."""
        import numpy as np
        import pyarrow as pa

        from modelwright.measure import text
        from modelwright.measure.spans import FINDINGS

        texts = batch.column("text")
        counts, spans = text.edit_lines(texts, spaces=self.words == "space")
        spans = spans[np.lexsort((spans[:, 3], spans[:, 2], spans[:, 0]))]
        kinds = pa.array(text.C4_KINDS, pa.string()).take(pa.array(spans[:, 1]))
        sure = pa.array(np.ones(len(spans)))
        offsets = pa.array(np.searchsorted(spans[:, 0], np.arange(len(texts) + 1)).astype(np.int32))
        structs = pa.StructArray.from_arrays(
            [kinds, pa.array(spans[:, 2]), pa.array(spans[:, 3]), sure], fields=list(FINDINGS.value_type)
        )
        findings = pa.ListArray.from_arrays(offsets, structs, type=FINDINGS, mask=texts.is_null())
        columns = [pa.array(column, mask=column < 0) for column in counts]
        return pa.RecordBatch.from_arrays([*columns, findings], names=[*self.outputs, "findings"])
