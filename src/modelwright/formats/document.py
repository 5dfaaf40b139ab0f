"""Documents: what a source yields, and the fixed words for what can be wrong with one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

QUARANTINE_REASONS: dict[str, str] = {
    "unreadable": "the file cannot be opened or read",
    "damaged_archive": "the compressed file ends early or is damaged",
    "binary": "the file holds NUL bytes: it is no text",
    "not_utf8": "the bytes are not UTF-8, and of a file: no encoding gives a text",
    "not_json": "the line is not valid JSON",
    "not_an_object": "the line is valid JSON but no object",
    "missing_text": "the row has no text field, or it is null",
    "text_not_string": "the text field holds no string",
    "lone_surrogate": "the text holds half of a surrogate pair, which UTF-8 cannot express",
    "missing_id": "the row has no id field, or it is neither a string nor a number",
    "repeated_id": "an earlier row of the same source has the same id",
}
"""Every reason code of a quarantined document, with its meaning. Parsers' own messages go into `detail`."""


def document_id(source: str, origin: str) -> str:
    """Hex SHA-256 of the source's name, NUL, and the origin within the source."""
    return hashlib.sha256(source.encode() + b"\0" + origin.encode("utf-8", "surrogateescape")).hexdigest()


def document_schema(*, text: bool = True) -> pa.Schema:
    """Arrow schema of a batch of documents as a source yields them; without `text` for narrow tables.

    `digest` is the hex SHA-256 of the UTF-8 text, `bytes` its length. A quarantined document has a null digest, the
    length of its raw bytes, and one of QUARANTINE_REASONS as `error`. `path` is evidence for what it is: a file name.
    `encoding` is what the text was converted from; null where it was UTF-8.
    """
    import pyarrow as pa

    columns = [
        ("document", pa.string()), ("source", pa.string()), ("origin", pa.string()), ("path", pa.string()),
        ("modality", pa.string()), ("access", pa.string()), ("licence", pa.string()), ("owner", pa.string()),
        ("digest", pa.string()), ("bytes", pa.int64()), ("error", pa.string()), ("detail", pa.string()),
        ("encoding", pa.string()),
    ]  # fmt: skip
    if text:
        columns.insert(10, ("text", pa.large_string()))
    return pa.schema(columns)
