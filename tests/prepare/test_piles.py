from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_pile import BOOKS, Made, edited, published, reader, texts

from modelwright.core.errors import UnknownName, UsageError
from modelwright.prepare.diff import diff
from modelwright.prepare.piles import export, sample


def size(one: Made) -> int:
    return len(one.text.encode())


def test_a_diff_counts_what_came_went_and_changed_with_reasons(tmp_path: Path) -> None:
    published(tmp_path)
    new = Made("books", "new.txt", "a new text")
    second = [replace(one, decision="dropped", rule="hate") if one.origin == "a/one.txt" else one for one in BOOKS]
    second = [replace(one, decision="kept", rule=None) if one.origin == "short.py" else one for one in second]
    second = edited(edited(second, "main.py", text="def changed(): ..."), "a/two.txt", licence="CC0-1.0")
    second = [one for one in second if one.origin != "b/three.txt"]
    published(tmp_path, [*second, new], version=2)
    found = diff(reader(tmp_path), reader(tmp_path, 2))
    by = {one.origin: one for one in [*second, new]}
    out = [one for one in BOOKS if one.origin in ("a/one.txt", "b/three.txt")]
    assert found["in"] == {"documents": 2, "bytes": 11, "tokens": None}
    assert found["out"] == {"documents": 2, "bytes": sum(map(size, out)), "tokens": None}
    assert found["changed"] == {"documents": 2, "bytes": size(by["main.py"]) + size(by["a/two.txt"]), "tokens": None}
    assert {row["reason"]: row["documents"] for row in found["by_reason"]} == {
        "was dropped by gopher (words)": 1, "new in the sources": 1, "now dropped by hate (words)": 1,
        "no longer in the sources": 1, "other text": 1, "other licence": 1,
    }  # fmt: skip
    assert {(row["origin"], row["change"]) for row in found["samples"]} == {
        ("new.txt", "in"), ("short.py", "in"), ("a/one.txt", "out"), ("b/three.txt", "out"), ("main.py", "changed"),
        ("a/two.txt", "changed"),
    }  # fmt: skip
    assert {row["source"]: row["documents"] for row in found["by_source"] if row["change"] == "out"} == {"books": 2}
    json.dumps(found)


def test_a_diff_counts_tokens_where_they_were_made(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, BOOKS[1:], version=2)
    tokens = pa.table({"document": [one.document for one in BOOKS], "tokens": list(range(10, 10 + len(BOOKS)))})
    found = diff(reader(tmp_path), reader(tmp_path, 2), (tokens, None))
    assert found["out"]["tokens"] == 10
    assert found["in"]["tokens"] is None


def test_a_version_does_not_differ_from_itself_and_a_diff_backwards_mirrors_it(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, BOOKS[1:], version=2)
    nothing = {"documents": 0, "bytes": 0, "tokens": None}
    same = diff(reader(tmp_path), reader(tmp_path))
    assert {name: same[name] for name in ("in", "out", "changed")} == dict.fromkeys(("in", "out", "changed"), nothing)
    assert same["by_reason"] == same["by_language"] == same["samples"] == []
    there, back = diff(reader(tmp_path), reader(tmp_path, 2)), diff(reader(tmp_path, 2), reader(tmp_path))
    assert there["out"] == back["in"] == {"documents": 1, "bytes": size(BOOKS[0]), "tokens": None}
    assert there["in"] == back["out"] == nothing


def test_a_sample_is_the_same_each_time_and_survives_other_documents(tmp_path: Path) -> None:
    published(tmp_path)
    two = sample(reader(tmp_path), 2)
    assert two.num_rows == 2
    assert two.equals(sample(reader(tmp_path), 2))
    assert two["text"].to_pylist() == [
        next(one.text for one in BOOKS if one.document == document) for document in two["document"].to_pylist()
    ]
    assert set(two["document"].to_pylist()) <= set(sample(reader(tmp_path), 3)["document"].to_pylist())
    assert sample(reader(tmp_path), 100).num_rows == 5
    with pytest.raises(UsageError, match="cannot sample 0"):
        sample(reader(tmp_path), 0)


def test_a_stratified_sample_takes_as_many_of_each_value(tmp_path: Path) -> None:
    published(tmp_path)
    drawn = sample(reader(tmp_path), 1, "source")
    assert sorted(drawn["source"].to_pylist()) == ["books", "code"]
    assert drawn.equals(sample(reader(tmp_path), 1, "source"))
    with pytest.raises(UnknownName, match="languag"):
        sample(reader(tmp_path), 1, "languag")


def test_an_export_for_hugging_face_is_read_by_datasets(tmp_path: Path) -> None:
    from datasets import load_dataset

    published(tmp_path)
    export(reader(tmp_path), tmp_path / "out", "huggingface")
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 4, "test": 1}


def test_an_export_as_text_has_a_file_a_document(tmp_path: Path) -> None:
    published(tmp_path)
    export(reader(tmp_path), tmp_path / "out", "text")
    inside = [one for one in BOOKS if one.decision in ("kept", "changed")]
    for one in inside:
        assert (tmp_path / "out" / "texts" / f"{one.document}.txt").read_text() == one.text
    assert len((tmp_path / "out" / "documents.jsonl").read_bytes().splitlines()) == len(inside)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_an_export_holds_all_four_tables_and_the_texts(tmp_path: Path, form: str) -> None:
    published(tmp_path)
    target = tmp_path / "out" / "pile"
    written = export(reader(tmp_path), target, form)
    counts = {"documents": 5, "decisions": 7, "signals": 7, "findings": 1}
    assert written["files"] == {f"{name}.{form}": rows for name, rows in counts.items()}
    assert sorted(path.name for path in target.iterdir()) == sorted(written["files"])
    if form == "parquet":
        rows = pq.read_table(target / "documents.parquet").to_pylist()
    else:
        rows = [json.loads(line) for line in (target / "documents.jsonl").read_bytes().splitlines()]
    delivered = {row["digest"]: row["text"] for batch in texts(BOOKS) for row in batch.to_pylist()}
    assert [row["text"] for row in rows] == [delivered[row["digest"]] for row in rows]


def test_an_export_never_writes_over_anything(tmp_path: Path) -> None:
    published(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious")
    with pytest.raises(UsageError, match="is not empty"):
        export(reader(tmp_path), tmp_path / "mine", "jsonl")
    with pytest.raises(UnknownName, match="unknown format 'csv'"):
        export(reader(tmp_path), tmp_path / "new", "csv")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]
    assert not (tmp_path / "new").exists()
