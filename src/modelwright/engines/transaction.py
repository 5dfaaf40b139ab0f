"""Commits to Iceberg tables at the price of what they change."""

from __future__ import annotations

from typing import Any


def transaction_of(table: Any) -> Any:
    """A transaction on `table` that works out its metadata once for what is staged: pyiceberg copies them deeply at
    each of a hundred looks, a quarter of the time of a small commit."""
    from pyiceberg.table import Transaction
    from pyiceberg.table.update import update_table_metadata

    class Remembering(Transaction):  # type: ignore[misc]  # pyiceberg is not typed here
        _seen: Any = None

        @property
        def table_metadata(self) -> Any:
            staged = (self._table.metadata, self._updates)
            if self._seen is None or self._seen[0] is not staged[0] or self._seen[1] is not staged[1]:
                self._seen = (*staged, update_table_metadata(*staged))
            return self._seen[2]

    return Remembering(table)
