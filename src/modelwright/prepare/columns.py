"""The columns of a table as predicates read them, and where a predicate holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import UsageError
from modelwright.prepare import condition, expression

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from modelwright.prepare.rule import Predicate

    Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Columns:
    """The columns of a table as NumPy arrays, converted once each, and what predicates say of its rows."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._numbers: dict[str, np.ndarray[Any, Any]] = {}
        self._texts: dict[str, pa.Array] = {}
        self._matches: dict[Any, Mask] = {}

    def holds(self, predicate: Predicate, here: Mask) -> tuple[Mask, np.ndarray[Any, Any] | None, pa.Array | None]:
        """Where a predicate holds of the rows `here`, and the numbers or texts that it compared."""
        applies = self.matching(predicate.when)
        rows = self.table.num_rows
        if predicate.condition is not None:
            values = condition.Values(rows, lambda name: self.number(name, predicate), self.text, applies)
            if predicate.comparison == "best":
                scores = condition.number(predicate.condition, values)
                return self._beyond(scores, float(predicate.threshold), here & applies), scores, None  # type: ignore[arg-type]
            return condition.holds(predicate.condition, values)[0] & here & applies, None, None
        if predicate.textual:
            texts = self.text(predicate.expression.strip())
            return _compare_text(texts, predicate) & here & applies, None, texts
        numbers = expression.evaluate(predicate.expression, self.numbers(predicate), rows)
        fires = _compare(numbers, predicate.comparison, float(predicate.threshold))  # type: ignore[arg-type]
        return fires & here & applies, numbers, None

    def _beyond(self, scores: np.ndarray[Any, Any], share: float, here: Mask) -> Mask:
        """The rows `here` that are not among the share with the highest scores; the digest decides between equals."""
        import numpy as np

        rows = np.flatnonzero(here & ~np.isnan(scores))
        names = self.table.column_names
        ties = next((name for name in ("digest", "document") if name in names), None)
        digests = np.asarray(self.text(ties).to_pylist(), dtype=str)[rows] if ties else rows
        order = rows[np.lexsort((digests, -scores[rows]))]
        beyond = np.zeros(len(here), dtype=bool)
        beyond[order[math.ceil(share * len(order) - 1e-9) :]] = True
        return beyond

    def number(self, name: str, predicate: Predicate) -> np.ndarray[Any, Any]:
        import pyarrow as pa

        if name not in self._numbers:
            column = self.table.column(name)
            if pa.types.is_null(column.type) or pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                raise UsageError(
                    f"{predicate.rule}.{predicate.signal}: the signal {name!r} is {column.type}, not a number",
                    hint="compare a text with == != in `not in` and a text or a list",
                    value=name,
                )
            self._numbers[name] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return self._numbers[name]

    def numbers(self, predicate: Predicate) -> Mapping[str, np.ndarray[Any, Any]]:
        return {name: self.number(name, predicate) for name in expression.names(predicate.expression)}

    def text(self, name: str) -> pa.Array:
        import pyarrow as pa

        if name not in self._texts:
            column = self.table.column(name)
            if pa.types.is_boolean(column.type) or not pa.types.is_string(column.type):
                column = column.cast(pa.string())
            chunks = column.combine_chunks()
            self._texts[name] = pa.concat_arrays(chunks.chunks) if isinstance(chunks, pa.ChunkedArray) else chunks
        return self._texts[name]

    def matching(self, when: Mapping[str, tuple[str, ...]]) -> Mask:
        """Rows where every column of `when` has one of its accepted values."""
        import numpy as np

        key = tuple(sorted(when.items()))
        if key not in self._matches:
            mask = np.ones(self.table.num_rows, dtype=bool)
            for name, accepted in key:
                mask &= _member(self.text(name), accepted)
            self._matches[key] = mask
        return self._matches[key]


def _member(texts: pa.Array, accepted: Sequence[str]) -> Mask:
    """True where the text is one of `accepted`; null is none of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_in(texts, value_set=pa.array(list(accepted), type=texts.type), skip_nulls=True)
    return np.array(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _compare_text(texts: pa.Array, predicate: Predicate) -> Mask:
    import numpy as np

    threshold = predicate.threshold
    accepted = threshold if isinstance(threshold, tuple) else (str(threshold),)
    found = _member(texts, accepted)
    if predicate.comparison in ("!=", "not in"):
        present: Mask = np.array(texts.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        return present & ~found
    return found


def _compare(values: np.ndarray[Any, Any], comparison: str, threshold: float) -> Mask:
    """NaN compares false with everything, `!=` too."""
    import numpy as np

    operations = {
        "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
        "==": np.equal, "in": np.equal, "!=": np.not_equal, "not in": np.not_equal,
    }  # fmt: skip
    fires: Mask = operations[comparison](values, threshold) & ~np.isnan(values)
    return fires
