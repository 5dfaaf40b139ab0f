"""Commits to Iceberg tables at the price of what they change."""

from __future__ import annotations

from typing import Any


def transaction_of(table: Any) -> Any:
    """A transaction on `table` that works out its metadata once for what is staged, and shares what did not change:
    pyiceberg copies them deeply, all snapshots there ever were, at each of a hundred looks."""
    from pyiceberg.table import Transaction
    from pyiceberg.table.update import _apply_table_update, _TableMetadataUpdateContext

    class Remembering(Transaction):  # type: ignore[misc]  # pyiceberg is not typed here
        _seen: Any = None

        @property
        def table_metadata(self) -> Any:
            staged = (self._table.metadata, self._updates)
            if self._seen is None or self._seen[0] is not staged[0] or self._seen[1] is not staged[1]:
                context, metadata = _TableMetadataUpdateContext(), staged[0]
                for update in staged[1]:
                    metadata = _apply_table_update(update, metadata, context)
                self._seen = (*staged, metadata)
            return self._seen[2]

    return Remembering(table)
