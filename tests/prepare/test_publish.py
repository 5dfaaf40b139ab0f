from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_pile import BOOKS, Made, context, published, reader, tables, texts, tree

from modelwright.core.errors import Busy, EmptyResult, IntegrityError, Stopped
from modelwright.core.storage import lock
from modelwright.engines import iceberg
from modelwright.engines.pile_reader import PileReader
from modelwright.engines.rebase import LOCK
from modelwright.formats.pile import PileRecord
from modelwright.prepare.publish import UNFINISHED, publish

CONTENT = ("documents", "decisions", "signals", "findings")


def rows(opened: PileReader) -> dict[str, list[dict[str, object]]]:
    found = {name: getattr(opened, name)().to_pylist() for name in CONTENT}
    found["texts"] = [row for batch in opened.texts(opened.documents()) for row in batch.to_pylist()]
    return found


def test_the_record_counts_every_input_document(tmp_path: Path) -> None:
    record = published(tmp_path)
    assert record == PileRecord.load(tmp_path / "pile" / "1")
    assert record.counts == {
        "input": 7, "kept": 4, "changed": 1, "dropped": 1, "duplicate": 0, "quarantined": 1, "documents": 5,
        "train": 4, "held_out": 1, "texts": 5, "bytes": sum(len(one.text.encode()) for one in BOOKS[:5]),
    }  # fmt: skip
    assert not (tmp_path / UNFINISHED).exists()


def test_another_order_of_arrival_gives_the_same_roots_and_rows(tmp_path: Path) -> None:
    shuffled = random.Random(7).sample(BOOKS, len(BOOKS))
    first, second = published(tmp_path / "a"), published(tmp_path / "b", shuffled)
    assert (first.root, first.text_root) == (second.root, second.text_root)
    assert rows(reader(tmp_path / "a")) == rows(reader(tmp_path / "b"))


@pytest.mark.parametrize("column", ["split", "licence", "owner", "digest", "bytes"])
def test_the_root_covers_text_split_and_metadata(tmp_path: Path, column: str) -> None:
    from modelwright.formats.pile import conform, content_root

    documents = conform(tables(BOOKS)[0], "documents")
    changed = documents.to_pylist()
    changed[0][column] = 7 if column == "bytes" else "held_out" if column == "split" else "0" * 64
    assert content_root(pa.Table.from_pylist(changed, documents.schema)) != content_root(documents)


@pytest.mark.parametrize("dies_after", ["texts", "documents", "decisions", "signals", "findings"])
def test_a_publish_that_died_after_a_table_is_repeated_to_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_after: str
) -> None:
    whole = published(tmp_path / "whole")
    home = tmp_path / "killed"
    real = PileRecord.save if dies_after == "findings" else iceberg.ensure
    order = ["texts", *CONTENT]

    def dies(*arguments: object) -> object:
        if dies_after == "findings" or arguments[1] == order[order.index(dies_after) + 1]:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[call-arg,arg-type]

    monkeypatch.setattr(*((PileRecord, "save") if dies_after == "findings" else (iceberg, "ensure")), dies)
    with pytest.raises(KeyboardInterrupt):
        published(home)
    assert not (home / "pile" / "1" / "pile.json").exists()
    assert (home / UNFINISHED).exists()
    monkeypatch.undo()
    again = published(home)
    assert (again.root, again.text_root, again.counts) == (whole.root, whole.text_root, whole.counts)
    assert rows(reader(home)) == rows(reader(tmp_path / "whole"))
    with iceberg.opened(home) as catalog:
        for name in CONTENT:  # nothing is doubled for engines that read the tables as they stand
            stored = catalog.load_table(iceberg.identifier(name)).scan().to_arrow().num_rows
            assert stored == again.tables[name].rows


def test_a_kill_while_texts_are_written_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from made_pile import *\n"
        "from modelwright.engines import iceberg\n"
        "real = iceberg._data_files\n"
        "def dies(*arguments):\n"
        "    real(*arguments)\n"
        "    os.kill(os.getpid(), 9)\n"
        "iceberg._data_files = dies\n"
        "published(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parents[1])], timeout=120)
    assert killed.returncode == -9
    torn = [path for path in tree(tmp_path / "warehouse") if path.endswith(".parquet")]
    assert len(torn) == 1
    published(tmp_path)
    assert not set(torn) & set(tree(tmp_path / "warehouse"))
    assert reader(tmp_path).problems() == []


def test_texts_are_not_read_when_none_is_missing(tmp_path: Path) -> None:
    published(tmp_path)

    def never(missing: pa.Array) -> list[pa.RecordBatch]:
        raise AssertionError(f"asked for {len(missing)} texts")

    again = publish(context(tmp_path, 2), *tables(BOOKS), never)
    assert again.root == PileRecord.load(tmp_path / "pile" / "1").root


def test_a_text_that_is_not_delivered_or_not_what_it_says_stops_the_publish(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="1 of 5 new texts were not delivered"):
        publish(context(tmp_path), *tables(BOOKS), lambda missing: texts(BOOKS[1:]))
    false = pa.RecordBatch.from_pydict({"digest": [BOOKS[0].digest], "text": ["another text"]})
    with pytest.raises(IntegrityError, match="not what their digests say"):
        publish(context(tmp_path), *tables(BOOKS), lambda missing: [false])
    assert not (tmp_path / "pile" / "1" / "pile.json").exists()


def test_decisions_that_do_not_add_up_stop_the_publish_before_anything_is_written(tmp_path: Path) -> None:
    documents, decisions, signals, findings = tables(BOOKS)
    twice = pa.concat_tables([decisions, decisions.slice(0, 1)])
    copies = tables([*BOOKS, Made("code", "copy.py", "x", decision="duplicate")])
    for broken, message in (
        ((documents, twice, signals, findings), "more than one decision"),
        ((documents.slice(1), decisions, signals, findings), "5 documents are decided to be kept or changed"),
        ((documents, decisions, signals.slice(1), findings), "6 rows for 7 input documents"),
        ((documents, decisions.slice(1), signals.slice(1), findings), "4 documents are decided"),
        (copies, "1 duplicates do not say of which"),
    ):
        with pytest.raises(IntegrityError, match=message):
            publish(context(tmp_path), *broken, lambda missing: texts(BOOKS))
    assert not (tmp_path / "warehouse").exists()


def test_an_empty_pile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult):
        published(tmp_path, [Made("code", "short.py", "x", decision="dropped", rule="gopher")])


def test_two_writers_at_once_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.core.storage.WAIT_SECONDS", 0.1)
    with lock(tmp_path / LOCK), pytest.raises(Busy, match=str(os.getpid())):
        published(tmp_path)


def test_a_stop_is_heard_while_texts_are_written_and_the_next_run_goes_on(tmp_path: Path) -> None:
    stopping = context(tmp_path)
    stopping.stop_requested = lambda: True
    with pytest.raises(Stopped):
        publish(stopping, *tables(BOOKS), lambda missing: texts(BOOKS))
    assert published(tmp_path).counts["documents"] == 5


anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=0, max_size=40)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(
        st.builds(Made, source=st.sampled_from(["a", "b:c", "ä"]), origin=anything, text=anything),
        min_size=1, max_size=12, unique_by=lambda one: (one.source, one.origin),
    )
)  # fmt: skip
def test_whatever_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, made: list[Made]) -> None:
    home = tmp_path_factory.mktemp("pile")
    published(home, made)
    opened = reader(home)
    found = [row for batch in opened.texts(opened.documents(), batch_bytes=20) for row in batch.to_pylist()]
    expected = sorted(made, key=lambda one: (one.source.encode(), one.origin.encode()))
    assert [(row["source"], row["origin"], row["text"]) for row in found] == [
        (one.source, one.origin, one.text) for one in expected
    ]
    assert opened.problems() == []
    asked: list[pa.Array] = []
    another = Made("z", "of its own", "a text that was not there")
    with pytest.raises(IntegrityError, match="1 of 1 new texts"):
        publish(context(home, 2), *tables([*made, another]), lambda missing: asked.append(missing) or ())  # type: ignore[func-returns-value]
    assert asked[0].to_pylist() == [another.digest]
