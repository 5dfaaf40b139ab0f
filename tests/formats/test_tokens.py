from __future__ import annotations

import errno
import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.storage import digest_file
from modelwright.formats import borders
from modelwright.formats.tokens import DOCUMENT_COLUMNS, Tokens, TokensWriter, dtype_name, link, tokens_digest


def batch(sources: list[str], first: int = 0) -> pa.RecordBatch:
    rows = [
        (f"{first + n:016x}" + 48 * "0", source, f"origin{first + n}", "train", f"{first + n:064x}")
        for n, source in enumerate(sources)
    ]
    return pa.RecordBatch.from_pylist([dict(zip(DOCUMENT_COLUMNS, row, strict=True)) for row in rows])


def write(
    folder: Path, documents: list[list[int]], shard_tokens: int, per_batch: int = 2, vocabulary: int = 300
) -> Tokens:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text("{}")
    with TokensWriter(folder, vocabulary, vocabulary - 1, len(documents), shard_tokens) as writer:
        for start in range(0, len(documents), per_batch):
            part = documents[start : start + per_batch]
            sources = ["a" if start + n < len(documents) / 2 else "b" for n in range(len(part))]
            ids = np.array([token for document in part for token in document], dtype=np.uint32)
            writer.append(batch(sources, start), ids, np.array([len(document) for document in part], dtype=np.int64))
    return Tokens.open(folder)


ids = st.lists(st.lists(st.integers(0, 298), max_size=9), min_size=1, max_size=9)


@settings(deadline=None, max_examples=40)
@given(documents=ids, shard_tokens=st.integers(1, 20), per_batch=st.integers(1, 4))
def test_documents_come_back_wherever_shards_and_batches_are_cut(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], shard_tokens: int, per_batch: int
) -> None:
    tokens = write(tmp_path_factory.mktemp("tokens"), documents, shard_tokens, per_batch)
    starts = [0, *tokens.ends.tolist()]
    found = [tokens.tokens[start:end].tolist() for start, end in pairwise(starts)]
    assert found == [[*document, 299] for document in documents]
    assert len(tokens.tokens) == tokens.manifest["tokens"] == starts[-1]
    assert np.asarray(tokens.tokens).tolist() == [int(tokens.tokens[at]) for at in range(len(tokens.tokens))]
    assert [int(tokens.tokens[-1])] == tokens.tokens[-1:].tolist() == [299]
    assert tokens.tokens[1::3].tolist() == np.asarray(tokens.tokens)[1::3].tolist()
    whole = write(tmp_path_factory.mktemp("whole"), documents, shard_tokens, 10)
    assert tokens_digest(tokens) == tokens_digest(whole)


def test_the_digest_changes_with_an_id_an_end_the_order_or_the_tokenizer(tmp_path: Path) -> None:
    digest = tokens_digest(write(tmp_path / "a", [[1, 2], [3]], 100))
    assert tokens_digest(write(tmp_path / "same", [[1, 2], [3]], 100, 1)) == digest
    assert tokens_digest(write(tmp_path / "id", [[1, 4], [3]], 100)) != digest
    assert tokens_digest(write(tmp_path / "end", [[1], [2, 3]], 100)) != digest
    other = write(tmp_path / "tokenizer", [[1, 2], [3]], 100).folder
    (other / "tokenizer.json").write_text('{"another": 1}')
    assert tokens_digest(Tokens.open(other)) != digest


def test_sources_lie_together_and_their_ranges_cover_all_tokens(tmp_path: Path) -> None:
    tokens = write(tmp_path, [[1, 2], [3], [4, 5, 6], [7]], 4)
    assert tokens.source_ranges() == {"a": (0, 5), "b": (5, 11)}
    assert tokens.documents()["document"].to_pylist() == [f"{n:016x}" + 48 * "0" for n in range(4)]
    assert tokens.vocabulary, tokens.end_of_text == (300, 299)


def test_large_vocabularies_take_four_bytes(tmp_path: Path) -> None:
    assert (dtype_name(65_536), dtype_name(65_537)) == ("uint16", "uint32")
    tokens = write(tmp_path, [[70_000]], 10, vocabulary=80_000)
    assert tokens.tokens.tolist() == [70_000, 79_999]
    assert (tmp_path / "shard-00000.bin").read_bytes() == (70_000).to_bytes(4, "little") + (79_999).to_bytes(
        4, "little"
    )


def test_an_id_outside_the_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="token 300 is outside a vocabulary of 300"):
        write(tmp_path, [[300]], 10)
    with pytest.raises(InputError, match="holds no tokens"):
        Tokens.open(tmp_path)


def test_a_file_that_was_cut_or_is_gone_is_named(tmp_path: Path) -> None:
    write(tmp_path, [[1, 2, 3]], 2)
    shard = tmp_path / "shard-00001.bin"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"shard-00001\.bin has 3 bytes instead of 4"):
        Tokens.open(tmp_path)
    shard.unlink()
    with pytest.raises(IntegrityError, match="has None bytes"):
        Tokens.open(tmp_path)


def test_a_shard_begins_where_its_document_says_so_whatever_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(borders, "SMALLEST", 4)
    for per_batch in (1, 3, 10):
        folder = tmp_path / str(per_batch)
        shards = write(folder, [[n, n] for n in range(10)], 100, per_batch).manifest["shards"]
        assert [shard["tokens"] for shard in shards] == [12, 12, 6]  # the ids of documents 4 and 8 are 0 modulo 4
        assert [shard["digest"] for shard in shards] == [digest_file(folder / shard["file"]) for shard in shards]


def test_whole_shards_are_shared_as_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borders, "SMALLEST", 4)
    first = write(tmp_path / "first", [[n, n] for n in range(10)], 100)
    one, two = first.shards_of(12, 24), first.shards_of(24, 30)
    assert one is not None
    assert two is not None
    assert [*one, *two] == first.manifest["shards"][1:]
    assert first.shards_of(12, 30) is first.shards_of(11, 24) is first.shards_of(12, 12) is None
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(first.tokenizer_path, again)
    with TokensWriter(again, 300, 299, 10, 100) as writer:
        writer.append(batch(["a"] * 4), np.repeat(np.arange(4), 2), np.full(4, 2))
        writer.share(batch(["a", "b", "b", "b"], 4), np.full(4, 3), first.folder, one)
        writer.share(batch(["b", "b"], 8), np.full(2, 3), first.folder, two)
    assert tokens_digest(Tokens.open(again)) == tokens_digest(first)
    names = [shard["file"] for shard in first.manifest["shards"]]
    assert [(again / name).samefile(first.folder / name) for name in names] == [False, True, True]
    assert Tokens.open(again).tokens[:].tolist() == first.tokens[:].tolist()


def test_what_was_cut_elsewhere_is_no_whole_shard(tmp_path: Path) -> None:
    tokens = write(tmp_path, [[1, 2], [3], [4, 5]], 3)
    assert [shard["tokens"] for shard in tokens.manifest["shards"]] == [3, 3, 2]
    assert tokens.shards_of(0, 8) is None  # full at 3 tokens: today's limit would not have cut there
    assert tokens.shards_of(6, 8) == tokens.manifest["shards"][2:]
    for shard in tokens.manifest["shards"]:
        del shard["digest"]  # as written before digests were kept
    assert tokens.shards_of(6, 8) is None


def test_where_links_cannot_be_shards_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise OSError(errno.EXDEV, "across devices")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "old").write_bytes(b"tokens")
    link(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"tokens"
    assert not (tmp_path / "new").samefile(tmp_path / "old")
