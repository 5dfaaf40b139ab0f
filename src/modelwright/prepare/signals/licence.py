from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa


class Licence(Signal):
    """Licence by what is stated, else by SPDX tags in the text, with its class of policy.

    Classes: permissive, weak_copyleft, strong_copyleft, no_derivatives, non_commercial, proprietary, unknown.
    """

    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("text", "licence")
    outputs: ClassVar[dict[str, str]] = {
        "licence_spdx": "string", "licence_found": "string", "licence_class": "string",
    }  # fmt: skip
    finds: ClassVar[bool] = True

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`licence_found` (SPDX expression of the text's tags), `licence_spdx` (stated, else found), `licence_class`,
        findings.

        All are null where the text is null; the expressions are null where nothing is known, the class is then
        `unknown`.
        """
        import pyarrow as pa

        from modelwright.measure import licence
        from modelwright.measure.spans import findings_array, texts_of

        texts = texts_of(batch.column("text"))
        tags = licence.tags(texts)
        by_row: dict[int, list[licence.Licence]] = {}
        for finding, known in tags:
            by_row.setdefault(finding.row, []).append(known)
        rows: list[tuple[str | None, str | None, str | None]] = []
        for row, stated in enumerate(batch.column("licence").to_pylist()):
            if not texts.valid[row]:
                rows.append((None, None, None))
                continue
            found = licence.joined(by_row.get(row, []))
            said = licence.stated(stated) if stated else licence.UNKNOWN
            chosen = found if said.category == "unknown" and found.spdx else said
            rows.append((chosen.spdx, found.spdx, chosen.category))
        columns = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(self.outputs)}
        columns["findings"] = findings_array([finding for finding, _ in tags], texts.valid)
        return pa.record_batch(columns)
