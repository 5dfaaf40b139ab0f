from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class OptOut(Signal):
    """Whether a text reserves itself against training: robots tags `noai`, TDM reservation, robots.txt, ai.txt.

    Read where the text still carries it: meta tags of HTML, header lines (`X-Robots-Tag: noai`), and documents that are
    robots.txt or ai.txt themselves. A page whose tags were stripped tells nothing; null then means not known.
    """

    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("text", "path")
    outputs: ClassVar[dict[str, str]] = {"opt_out": "string"}
    finds: ClassVar[bool] = True

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`opt_out`: noai, noimageai, tdm-reservation, robots.txt or ai.txt, the first of them; else null."""
        import pyarrow as pa

        from modelwright.measure import opt_out
        from modelwright.measure.spans import findings_array, texts_of

        texts = texts_of(batch.column("text"))
        found = opt_out.find(texts, batch.column("path").to_pylist())
        reasons: list[str | None] = [None] * len(texts)
        for one in found:
            before = reasons[one.row]
            reasons[one.row] = one.kind if before is None else min(one.kind, before, key=opt_out.REASONS.index)
        return pa.record_batch(
            {"opt_out": pa.array(reasons, pa.string()), "findings": findings_array(found, texts.valid)}
        )
