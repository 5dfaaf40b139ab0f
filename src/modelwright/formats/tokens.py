"""Tokens at the border: memory-mapped shards in order of (source, origin), with an index of their documents.

A folder holds `shard-00000.bin` ... (raw little-endian uint16 or uint32, the payload that nanoGPT, OLMo-core and
Megatron read), `ends.bin` (uint64, exclusive end of each document in the whole stream, its end-of-text token included),
`documents.parquet` (row i is document i), `tokenizer.json`, `tokenizer_config.json`, and `manifest.json`, written last.

A shard begins at a document that its id chooses (`borders.py`), so the shards of what did not change are the same files
in the next version: hard links, which are neither encoded nor copied nor hashed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.fingerprint import digest, digest_file
from modelwright.core.storage import read_json, storage_error, write_json
from modelwright.formats import erased
from modelwright.formats.borders import borders, distance, prefixes
from modelwright.formats.findings import encoded

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SHARD_TOKENS = 2**29
"""Tokens per shard file at most: 1 GiB of uint16."""
DOCUMENT_COLUMNS = ("document", "source", "origin", "split", "digest")
MIX = "mix.parquet"
"""Beside the tokens of a mix: document, tokens, group, copies, one row a training document of the pile."""
_MANIFEST, _ENDS, _DOCUMENTS = "manifest.json", "ends.bin", "documents.parquet"


def dtype_name(vocabulary: int) -> str:
    """The smallest type of token that holds every id of a vocabulary of this size."""
    return "uint16" if vocabulary <= 2**16 else "uint32"


class TokensWriter:
    """Write documents one batch after another; leaving the `with` block in peace writes the manifest, last.

    documents  how many there will be: where shards begin depends on it (`borders.distance`), and so does the digest
    """

    def __init__(
        self, folder: Path, vocabulary: int, end_of_text: int, documents: int = 0, shard_tokens: int = SHARD_TOKENS
    ) -> None:
        import numpy as np

        self.folder, self.vocabulary, self.end_of_text = folder, vocabulary, end_of_text
        self.apart, self.shard_tokens = distance(documents), shard_tokens
        self.dtype = np.dtype(dtype_name(vocabulary)).newbyteorder("<")
        self.shards: list[dict[str, Any]] = []
        self.tokens = 0
        self._lengths: list[Any] = []
        self._documents: list[pa.RecordBatch] = []
        self._stream: Any = None
        self._hash: Any = None
        self._last = np.zeros(0, np.uint64)  # the id of the last document

    def append(self, documents: pa.RecordBatch, ids: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> None:
        """Append documents (DOCUMENT_COLUMNS) with their ids, concatenated; `lengths` counts each one's ids.

        An end-of-text token is put after each document. Raises StorageError when the disk refuses.
        """
        import numpy as np

        if int(lengths.sum()) != len(ids) or len(lengths) != documents.num_rows:
            raise ValueError(f"{len(ids)} ids and {len(lengths)} lengths for {documents.num_rows} documents")
        if len(ids) and int(ids.max()) >= self.vocabulary:
            raise ValueError(f"token {int(ids.max())} is outside a vocabulary of {self.vocabulary}")
        stream = np.insert(ids, np.cumsum(lengths), self.end_of_text)
        self.copy(documents, stream, lengths + 1)

    def copy(self, documents: pa.RecordBatch, stream: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> None:
        """Append documents whose ids stand in `stream` with their end-of-text tokens, which `lengths` count too."""
        import numpy as np

        heads = prefixes(documents.column("document"))
        borders_here = borders(np.concatenate([self._last, heads]), self.apart) - len(self._last)
        stream, ends = stream.astype(self.dtype, copy=False), np.concatenate([[0], np.cumsum(lengths)])
        begins = ends[borders_here].tolist()
        try:
            for start, stop in pairwise([0, *begins, len(stream)]):
                if start in begins:
                    self._close_shard()
                self._write(stream[start:stop])
        except OSError as error:
            raise storage_error(error, self.folder) from error
        self._note(documents, heads, lengths)

    def share(
        self, documents: pa.RecordBatch, lengths: np.ndarray[Any, Any], folder: Path, shards: Sequence[dict[str, Any]]
    ) -> None:
        """Append documents that are whole `shards` of the tokens in `folder`: links, or copies where links cannot be.
        The first of the documents begins a shard here too."""
        try:
            self._close_shard()
            for shard in shards:
                self.shards.append({**shard, "file": self._next_file()})
                link(folder / shard["file"], self.folder / self.shards[-1]["file"])
                self.tokens += shard["tokens"]
        except OSError as error:
            raise storage_error(error, self.folder) from error
        self._note(documents, prefixes(documents.column("document")), lengths)

    def _note(self, documents: pa.RecordBatch, heads: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> None:
        import numpy as np

        self._last = heads[-1:] if len(heads) else self._last
        self._lengths.append(lengths.astype(np.uint64))
        self._documents.append(documents.select(list(DOCUMENT_COLUMNS)))

    def _write(self, stream: np.ndarray[Any, Any]) -> None:
        import numpy as np

        self.tokens += len(stream)
        while len(stream):
            if self._stream is not None and self.shards[-1]["tokens"] == self.shard_tokens:
                self._close_shard()
            if self._stream is None:
                self.shards.append({"file": self._next_file(), "tokens": 0})
                self._stream = (self.folder / self.shards[-1]["file"]).open("wb")
                self._hash = hashlib.sha256()
            here = np.ascontiguousarray(stream[: self.shard_tokens - self.shards[-1]["tokens"]])
            self._stream.write(here.data)
            self._hash.update(here.data)
            self.shards[-1]["tokens"] += len(here)
            stream = stream[len(here) :]

    def _next_file(self) -> str:
        return f"shard-{len(self.shards):05d}.bin"

    def _close_shard(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self.shards[-1]["digest"] = self._hash.hexdigest()

    def __enter__(self) -> TokensWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close_shard()
            if error is None:
                self._finish()
        except OSError as refused:
            raise storage_error(refused, self.folder) from refused

    def _finish(self) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, np.uint64)
        (self.folder / _ENDS).write_bytes(np.cumsum(lengths, dtype=np.uint64).astype("<u8").tobytes())
        schema = pa.schema([(name, pa.string()) for name in DOCUMENT_COLUMNS])
        table = pa.Table.from_batches([batch.cast(schema) for batch in self._documents], schema)
        pq.write_table(table, self.folder / _DOCUMENTS, compression="zstd")
        manifest = {
            "vocabulary": self.vocabulary, "dtype": dtype_name(self.vocabulary), "tokens": self.tokens,
            "documents": table.num_rows, "shards": self.shards, "end_of_text": self.end_of_text,
        }  # fmt: skip
        write_json(self.folder / _MANIFEST, manifest)


def link(old: Path, new: Path) -> None:
    """Make `new` another name of the file `old`; a copy where the file system knows no links."""
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


class Shards:
    """Several shard files as one array: a length, a dtype, and slices that may cross files."""

    def __init__(self, parts: list[np.ndarray[Any, Any]], dtype: np.dtype[Any]) -> None:
        import numpy as np

        self.parts, self.dtype, self.ndim = parts, dtype, 1
        self._ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        self.shape = (int(self._ends[-1]) if parts else 0,)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | slice) -> Any:
        import numpy as np

        if not isinstance(key, slice):
            index = key + len(self) if key < 0 else key
            if not 0 <= index < len(self):
                raise IndexError(key)
            part = int(np.searchsorted(self._ends, index, side="right"))
            return self.parts[part][index - int(self._ends[part])]  # counted from the part's end
        start, stop, step = key.indices(len(self))
        if step != 1:
            return np.asarray(self)[key]
        pieces = list(self._pieces(start, stop))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [np.empty(0, self.dtype)])

    def _pieces(self, start: int, stop: int) -> Iterator[np.ndarray[Any, Any]]:
        number = int(self._ends.searchsorted(start, side="right"))
        while start < stop:
            part, end = self.parts[number], int(self._ends[number])
            begin = end - len(part)
            yield part[start - begin : min(stop, end) - begin]
            start, number = end, number + 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        import numpy as np

        whole = np.concatenate(self.parts) if self.parts else np.empty(0, self.dtype)
        return whole if dtype is None else whole.astype(dtype)


@dataclass(frozen=True)
class Tokens:
    """A folder of tokens, opened. Nothing is read until it is used."""

    folder: Path
    manifest: dict[str, Any]

    @staticmethod
    def open(folder: Path) -> Tokens:
        """Raises InputError when `folder` holds no tokens or erased ones, IntegrityError when a file is gone or has
        another size."""
        path = folder / _MANIFEST
        erased.refuse(folder)
        if not path.is_file():
            raise InputError(f"{folder} holds no tokens", hint="name the folder of tokens", value=str(folder))
        opened = Tokens(folder, read_json(path))
        size = opened._dtype.itemsize
        expected = {shard["file"]: shard["tokens"] * size for shard in opened.manifest["shards"]}
        for name, count in {**expected, _ENDS: opened.manifest["documents"] * 8}.items():
            file = folder / name
            found = file.stat().st_size if file.is_file() else None
            if found != count:
                raise IntegrityError(f"{file} has {found} bytes instead of {count}", hint="run again", value=str(file))
        return opened

    @property
    def _dtype(self) -> np.dtype[Any]:
        import numpy as np

        dtype: np.dtype[Any] = np.dtype(self.manifest["dtype"]).newbyteorder("<")
        return dtype

    @property
    def vocabulary(self) -> int:
        """Number of ids, the end-of-text token included."""
        return int(self.manifest["vocabulary"])

    @property
    def end_of_text(self) -> int:
        """The id that follows each document."""
        return int(self.manifest["end_of_text"])

    @property
    def tokenizer_path(self) -> Path:
        """The folder's `tokenizer.json`; `AutoTokenizer.from_pretrained` takes the folder."""
        return self.folder / "tokenizer.json"

    @cached_property
    def tokens(self) -> Any:
        """All ids as one array of 1 dimension: a read-only memory map, or Shards where there are several files."""
        import numpy as np

        files = [self.folder / shard["file"] for shard in self.manifest["shards"]]
        parts = [np.memmap(path, dtype=self._dtype, mode="r") for path in files]
        return parts[0] if len(parts) == 1 else Shards(list(parts), self._dtype)

    @cached_property
    def ends(self) -> np.ndarray[Any, Any]:
        """uint64 of shape (documents,): where each document ends in `tokens`, exclusive."""
        import numpy as np

        return np.fromfile(self.folder / _ENDS, dtype="<u8").astype(np.uint64, copy=False)

    def shards_of(self, begin: int, end: int) -> list[dict[str, Any]] | None:
        """The shards that hold the tokens from `begin` to `end` and no others, of which all but the last are full;
        None when there are none, or their digests were not kept, as in the first tokens of old projects."""
        import numpy as np

        shards = self.manifest["shards"]
        ends = np.cumsum([0, *(shard["tokens"] for shard in shards)])
        first, last = (int(np.searchsorted(ends, place)) for place in (begin, end))
        if begin >= end or ends[first] != begin or ends[last] != end:
            return None
        found: list[dict[str, Any]] = shards[first:last]
        full = all(shard["tokens"] == SHARD_TOKENS for shard in found[:-1])
        return found if full and all("digest" in shard for shard in found) else None

    def documents(self, columns: Sequence[str] = DOCUMENT_COLUMNS) -> pa.Table:
        """DOCUMENT_COLUMNS, or some; row i is document i, tokens `ends[i - 1]` to `ends[i]`."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / _DOCUMENTS, columns=list(columns), partitioning=None)

    def source_ranges(self) -> dict[str, tuple[int, int]]:
        """Source -> (first token, end) of its documents, which lie together."""
        import numpy as np

        codes, names = encoded(self.documents(["source"])["source"])
        begins = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
        ends = [0, *self.ends.tolist()]
        bounds = pairwise([*begins, len(codes)])
        return {names[int(codes[first])].as_py(): (ends[first], ends[last]) for first, last in bounds}


def tokens_digest(tokens: Tokens) -> str:
    """Digest of the content: tokenizer, ids, ends and the order of documents. The ids are taken from the digests of
    shards as they were written: where these begin depends on the documents alone."""
    order = hashlib.sha256("\n".join(tokens.documents(["document"])["document"].to_pylist()).encode()).hexdigest()
    content = {
        "tokenizer": digest_file(tokens.tokenizer_path), "vocabulary": tokens.vocabulary,
        "shards": [shard["digest"] for shard in tokens.manifest["shards"]], "dtype": tokens.manifest["dtype"],
        "ends": digest_file(tokens.folder / _ENDS), "order": order, "end_of_text": tokens.end_of_text,
    }  # fmt: skip
    return digest(content)
