"""The ledger and its printed views: keys, statements, records, lineage, cards, receipts, gates, verification."""
