from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Copyright(Signal):
    """Copyright statements: holders and years, with the span of each.

    Holders are names that a work states of itself. They stand in the table of signals, so that an attribution list can
    be written, and nowhere else: neither in findings, reasons or logs nor in the ledger.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[dict[str, str]] = {"copyright_holders": "string", "copyright_years": "string"}
    finds: ClassVar[bool] = True

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`copyright_holders` (up to 20, joined by `; `), `copyright_years` (`2019, 2021`), findings `copyright`.

        Null where the text is null or holds no statement.
        """
        import pyarrow as pa

        from modelwright.measure.copyright import find, summary
        from modelwright.measure.spans import Found, findings_array, texts_of

        texts = texts_of(batch.column("text"))
        statements = find(texts)
        rows = list(summary(statements, len(texts)))
        found = [Found(one.row, "copyright", one.start, one.end, 1.0 if one.holder else 0.7) for one in statements]
        return pa.record_batch(
            {
                "copyright_holders": pa.array([holders for holders, _ in rows], pa.string()),
                "copyright_years": pa.array([years for _, years in rows], pa.string()),
                "findings": findings_array(found, texts.valid),
            }
        )
