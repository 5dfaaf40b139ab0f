"""Repeated lines and paragraphs are taken out, whatever the order in which documents arrive."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelwright.measure.lines import pieces
from modelwright.prepare.dedup.lines import Lines
from modelwright.prepare.dedup.paragraphs import Paragraphs
from modelwright.prepare.repeats import find_repeats

FOOTER = "All rights reserved by the museum, call us for tickets"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def table(documents: dict[str, str], licences: dict[str, str], clusters: dict[str, str]) -> pa.Table:
    rows = [
        {"document": sha(name), "source": "s", "origin": name, "digest": sha(text), "licence_class": licences.get(name),
         "cluster": sha(clusters.get(name, name))}
        for name, text in documents.items()
    ]  # fmt: skip
    names = ("document", "source", "origin", "digest", "licence_class", "cluster")
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


class Reader:
    def __init__(self, documents: dict[str, str]) -> None:
        self.texts = {sha(text): text for text in documents.values()}
        self.read = 0

    def __call__(self, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        self.read += rows.num_rows
        texts = pa.array([self.texts[digest] for digest in rows["digest"].to_pylist()], pa.large_string())
        yield from rows.append_column("text", texts).combine_chunks().to_batches(max_chunksize=3)


def taken(documents: dict[str, str], plugin: Any, cache: Path, **more: dict[str, str]) -> dict[str, list[str]]:
    found = find_repeats(
        table(documents, more.get("licences", {}), more.get("clusters", {})), Reader(documents), plugin, cache
    )
    spans: dict[str, list[str]] = {name: [] for name in documents}
    for row in found.to_pylist():
        spans[row["origin"]].append(documents[row["origin"]].encode()[row["start"] : row["end"]].decode())
    return spans


def test_a_line_of_many_documents_goes_from_all_of_them(tmp_path: Path) -> None:
    documents = {f"d{i}": f"Story {i}\n  {FOOTER.upper() if i % 2 else FOOTER}! \nend of é {i}" for i in range(4)}
    spans = taken(documents, Lines(min_documents=4), tmp_path)
    assert all(len(part) == 1 and part[0].strip(" !\n").lower() == FOOTER.lower() for part in spans.values())
    assert spans["d0"][0].endswith("\n")
    assert not any(taken(documents, Lines(min_documents=5), tmp_path).values())


def test_copies_of_one_document_count_once(tmp_path: Path) -> None:
    documents = {f"d{i}": f"Version {i}\n{FOOTER}\n" for i in range(6)}
    clusters = dict.fromkeys(documents, "d0")
    assert not any(taken(documents, Lines(min_documents=2), tmp_path, clusters=clusters).values())


def test_the_first_line_stays_in_the_document_with_the_best_licence_when_asked(tmp_path: Path) -> None:
    documents = {f"d{i}": f"Story {i}\n{FOOTER}\n{FOOTER}\n" for i in range(3)}
    spans = taken(documents, Lines(min_documents=2, keep="first"), tmp_path, licences={"d1": "permissive"})
    assert {name: len(part) for name, part in spans.items()} == {"d0": 2, "d1": 1, "d2": 2}


def test_second_copies_of_a_paragraph_go_and_versions_of_the_best_document_keep_theirs(tmp_path: Path) -> None:
    paragraph = "It was the best of times,\nit was the worst of times, " * 3
    documents = {
        "best": f"one\n\n{paragraph}\n\n{paragraph}\n\nend",
        "version": f"one\n\n{paragraph}\n\nanother end",
        "other": f"two\n \n{paragraph.upper()}\n\nthree",
        "short": "one",
    }
    spans = taken(
        documents, Paragraphs(), tmp_path, licences={"best": "permissive"}, clusters={"version": "best"}
    )  # fmt: skip
    assert [len(spans[name]) for name in documents] == [1, 0, 1, 0]
    assert spans["other"][0].strip() == paragraph.upper().strip()


@pytest.mark.parametrize("plugin", [Lines(min_documents=2, keep="first"), Lines(min_documents=3), Paragraphs()])
def test_neither_arrival_nor_what_was_known_before_matters(plugin: Any, tmp_path: Path) -> None:
    chosen = random.Random(4)
    some = [
        f"line number {i} that is long enough to count, surely, and then some more words to be sure" * 2
        for i in range(6)
    ]
    documents = {f"d{i}": "\n\n".join(chosen.choices(some, k=4)) for i in range(12)}
    expected = taken(documents, plugin, tmp_path / "all")
    names = list(documents)
    for trial in range(3):
        chosen.shuffle(names)
        half = {name: documents[name] for name in names[:5]}
        taken(half, plugin, tmp_path / str(trial))
        again = taken({name: documents[name] for name in names}, plugin, tmp_path / str(trial))
        assert again == expected
    assert any(expected.values())


def test_an_increment_reads_new_texts_only(tmp_path: Path) -> None:
    documents = {f"d{i}": f"Story {i}\n{FOOTER}\n" for i in range(5)}
    first = Reader(documents)
    find_repeats(table(documents, {}, {}), first, Lines(), tmp_path)
    documents["new"] = "A new one"
    second = Reader(documents)
    find_repeats(table(documents, {}, {}), second, Lines(), tmp_path)
    assert (first.read, second.read) == (5, 1)


def test_pieces_are_lines_or_blocks_between_blank_lines() -> None:
    text = "First long line here\nx\n\n \nsecond block of text\r\n\r\nthird block of text"
    lines = pieces(pa.array([text, None, ""]), False, 10)
    assert [text[a:b] for a, b in zip(lines.starts, lines.ends, strict=True)] == [
        "First long line here\n", "second block of text\r\n", "third block of text",
    ]  # fmt: skip
    blocks = pieces(pa.array([text]), True, 10)
    assert [text[a:b] for a, b in zip(blocks.starts, blocks.ends, strict=True)] == [
        "First long line here\nx\n\n \n", "second block of text\r\n\r\n", "third block of text",
    ]  # fmt: skip
    assert lines.counts.tolist() == [3, 0, 0]
