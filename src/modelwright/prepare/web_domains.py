"""Which web hosts the texts of a pile come from: the fact that a public summary of training content asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

LISTED_SHARE = 0.1
"""The share of the hosts, largest by bytes of text first, that is listed: the summary of the AI Office asks for it."""
LISTED_AT_LEAST = 25
_ADDRESS = r"^https?://(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^:/?#]+)"


def facts(pile: pa.Table) -> dict[str, Any]:
    """`by_web_domain`, host -> documents and bytes, and `web_domains`, how many there are and how many are listed.

    pile  columns `origin` and `bytes`. A document counts when its origin is an http or https address; its domain is the
    host's name in small letters without port, user and a leading `www.`. Without such an origin the result is empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    address = pc.utf8_lower(pc.utf8_slice_codeunits(pile["origin"], 0, 2048))
    found = pc.extract_regex(address, _ADDRESS)
    rows = pile.select(["bytes"]).append_column("host", pc.struct_field(found, "host")).filter(pc.is_valid(found))
    if not rows.num_rows:
        return {}
    host = pc.replace_substring_regex(rows["host"], r"^www\.|\.$", "")
    hosts = (
        pa.table({"host": host, "bytes": rows["bytes"]})
        .group_by("host")
        .aggregate([("bytes", "sum"), ([], "count_all")])
    )
    ordered = hosts.sort_by([("bytes_sum", "descending"), ("host", "ascending")])
    listed = min(ordered.num_rows, max(LISTED_AT_LEAST, math.ceil(LISTED_SHARE * ordered.num_rows)))
    shown = ordered.slice(0, listed).to_pylist()
    return {
        "by_web_domain": {
            row["host"]: {"documents": row["count_all"], "bytes": row["bytes_sum"] or 0} for row in shown
        },
        "web_domains": {
            "domains": ordered.num_rows,
            "listed": listed,
            "documents": rows.num_rows,
            "bytes": pc.sum(rows["bytes"]).as_py() or 0,
        },
    }
