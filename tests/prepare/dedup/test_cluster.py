"""Clusters of duplicates are a function of the set of documents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.measure import hashing
from modelwright.prepare.dedup.base import Dedup
from modelwright.prepare.dedup.cluster import LICENCE_CLASSES, find_duplicates
from modelwright.prepare.dedup.exact import Exact
from modelwright.prepare.dedup.minhash import Minhash

Document = dict[str, Any]
PROSE = "it was a bright cold day in april and the clocks were striking thirteen when he came home again"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def document(name: str, text: str, licence: str | None = None, removed: int = 0) -> Document:
    return {"document": sha(name), "source": "s", "origin": name, "text": text, "digest": sha(text),
            "bytes": len(text.encode()), "licence_class": licence, "removed_bytes": removed}  # fmt: skip


SCHEMA = pa.schema(
    {"document": pa.string(), "source": pa.string(), "origin": pa.string(), "digest": pa.string(), "bytes": pa.int64(),
     "licence_class": pa.string(), "removed_bytes": pa.int64()}
)  # fmt: skip


class Reader:
    """Stands for the pile's texts: gives them in small batches and counts them."""

    def __init__(self, documents: list[Document]) -> None:
        self.texts = {row["document"]: row["text"] for row in documents}
        self.read = 0

    def __call__(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        self.read += len(table)
        texts = pa.array([self.texts[name] for name in table["document"].to_pylist()], pa.large_string())
        yield from table.append_column("text", texts).to_batches(max_chunksize=7)


def cluster(documents: list[Document], plugins: list[Dedup], cache: Path) -> dict[str, Document]:
    table = pa.Table.from_pylist([{k: v for k, v in row.items() if k != "text"} for row in documents], SCHEMA)
    result = find_duplicates(table, Reader(documents), plugins, cache)
    assert result["document"].equals(table["document"])
    names = {row["document"]: row["origin"] for row in documents}
    rows = result.to_pylist()
    for row in rows:
        row["of"] = names.get(row.pop("duplicate_of"))
    return {names[row["document"]]: row for row in rows}


def edited(text: str, at: int, word: str) -> str:
    words = text.split()
    words[at] = word
    return " ".join(words)


def test_equal_texts_are_duplicates_of_one(tmp_path: Path) -> None:
    found = cluster([document("a", "x y"), document("b", "x y"), document("c", "x  y")], [Exact()], tmp_path)
    duplicates = [row for row in found.values() if row["of"]]
    assert len(duplicates) == 1
    assert duplicates[0]["rule"] == "exact"
    assert duplicates[0]["similarity"] == 1.0
    assert found["c"]["of"] is None
    assert found["c"]["rule"] is None
    assert found["c"]["similarity"] is None


def test_without_a_plugin_nothing_is_a_duplicate(tmp_path: Path) -> None:
    found = cluster([document("a", "x y"), document("b", "x y")], [], tmp_path)
    assert [row["of"] for row in found.values()] == [None, None]
    assert [row["cluster"] for row in found.values()] == [row["document"] for row in found.values()]


def test_near_texts_are_duplicates_above_the_threshold_and_not_below(tmp_path: Path) -> None:
    documents = [document("long", PROSE + " at last"), document("short", PROSE), document("other", "word " * 40)]
    found = cluster(documents, [Exact(), Minhash(threshold=0.8)], tmp_path)
    assert (found["short"]["of"], found["short"]["rule"]) == ("long", "minhash")
    assert found["short"]["similarity"] == pytest.approx(15 / 17)
    assert found["other"]["of"] is None
    strict = cluster(documents, [Exact(), Minhash(threshold=0.9)], tmp_path)
    assert [row["of"] for row in strict.values()] == [None, None, None]


@pytest.mark.parametrize("better", range(len(LICENCE_CLASSES) - 1))
def test_the_best_licence_stays(tmp_path: Path, better: int) -> None:
    documents = [
        document("long", PROSE + " at last", LICENCE_CLASSES[better + 1]),
        document("short", PROSE, LICENCE_CLASSES[better]),
    ]
    assert cluster(documents, [Minhash()], tmp_path)["long"]["of"] == "short"


def test_an_unknown_licence_is_the_worst_and_a_missing_one_is_unknown(tmp_path: Path) -> None:
    documents = [document("a", PROSE + " at last", None), document("b", PROSE, "proprietary")]
    assert cluster(documents, [Minhash()], tmp_path)["a"]["of"] == "b"


def test_at_equal_licences_the_least_edited_then_the_longest_then_the_lowest_digest_stays(tmp_path: Path) -> None:
    edits = [document("a", PROSE + " at last", "permissive", 9), document("b", PROSE, "permissive", 3)]
    assert cluster(edits, [Minhash()], tmp_path)["a"]["of"] == "b"
    equal = [document("a", PROSE + ".", "permissive"), document("b", PROSE + "!", "permissive")]
    found = cluster(equal, [Minhash()], tmp_path)
    lower = min(equal, key=lambda row: row["digest"])["origin"]
    assert found[lower]["of"] is None


def test_a_chain_is_one_cluster_and_each_duplicate_is_compared_with_the_one_that_stays(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(60)]
    chain = [document(f"d{k}", " ".join([*words[k * 6 :], *(f"v{i}" for i in range(k * 6))])) for k in range(4)]
    found = cluster(chain, [Minhash(threshold=0.7)], tmp_path)
    (survivor,) = [name for name, row in found.items() if row["of"] is None]
    assert all(row["of"] == survivor for name, row in found.items() if name != survivor)
    assert min(row["similarity"] for row in found.values() if row["of"]) < 0.7


def test_a_thousand_copies_of_one_boilerplate_are_one_cluster_by_as_many_comparisons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    connect = hashing._connect
    monkeypatch.setattr(hashing, "_connect", lambda *arguments: compared.append(connect(*arguments)))
    boilerplate = " ".join(f"w{i}" for i in range(80))
    documents = [document(f"d{i}", edited(boilerplate, i % 80, f"name{i}")) for i in range(1000)]
    plugins = [Exact(), Minhash(threshold=0.7)]
    found = cluster(documents, plugins, tmp_path / "once")
    assert len({row["cluster"] for row in found.values()}) == 1
    assert sum(compared) < 10 * len(documents)
    cluster(documents[500:], plugins, tmp_path / "parts")
    assert cluster(documents[::-1], plugins, tmp_path / "parts") == found


_texts = st.builds(
    lambda base, places: " ".join(f"x{i}" if i in places else f"{base}{i}" for i in range(24)),
    st.sampled_from(["a", "b", "c"]),
    st.sets(st.integers(0, 23), max_size=2),
)
_documents = st.lists(
    st.tuples(_texts, st.sampled_from([None, "permissive", "unknown"]), st.integers(0, 2)), max_size=25
).map(lambda rows: [document(f"n{i}", text, licence, removed) for i, (text, licence, removed) in enumerate(rows)])


@settings(max_examples=40, deadline=None)
@given(_documents, st.randoms(), st.integers(0, 25), st.sampled_from([[Exact()], [Minhash()], [Exact(), Minhash()]]))
def test_neither_order_nor_parts_change_the_result(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], random: Any, cut: int, plugins: list[Dedup]
) -> None:
    once = cluster(documents, plugins, tmp_path_factory.mktemp("once"))
    shuffled = list(documents)
    random.shuffle(shuffled)
    parts = tmp_path_factory.mktemp("parts")
    cluster(shuffled[:cut], plugins, parts)
    assert cluster(shuffled, plugins, parts) == once


@settings(max_examples=40, deadline=None)
@given(_documents)
def test_every_duplicate_points_at_a_document_that_stays_and_is_no_worse(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document]
) -> None:
    found = cluster(documents, [Exact(), Minhash()], tmp_path_factory.mktemp("cache"))
    by_name = {row["origin"]: row for row in documents}
    ranks = {name: i for i, name in enumerate(LICENCE_CLASSES)}
    for name, row in found.items():
        assert row["cluster"] == by_name[row["of"] or name]["document"]
        if row["of"]:
            assert found[row["of"]]["of"] is None
            key: Callable[[Document], tuple[int, int]] = lambda d: (  # noqa: E731
                ranks[d["licence_class"] or "unknown"], d["removed_bytes"]
            )  # fmt: skip
            assert key(by_name[row["of"]]) <= key(by_name[name])
            assert (row["rule"] == "exact") == (by_name[row["of"]]["digest"] == by_name[name]["digest"])


def test_a_document_without_a_text_is_refused(tmp_path: Path) -> None:
    row = document("a", "x")
    row["digest"] = None
    with pytest.raises(ValueError, match="without a text"):
        cluster([row], [Exact()], tmp_path)


def test_a_text_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    documents = [document("a", PROSE), document("b", PROSE + " x")]
    table = pa.Table.from_pylist([{k: v for k, v in row.items() if k != "text"} for row in documents], SCHEMA)
    with pytest.raises(InputError, match="1 texts could not be read") as caught:
        find_duplicates(table, lambda rows: Reader(documents)(rows.slice(0, 1)), [Minhash()], tmp_path)
    assert caught.value.value in table["digest"].to_pylist()
