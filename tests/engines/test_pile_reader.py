from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pile import BOOKS, Made, published, reader

from modelwright.core.errors import InputError, IntegrityError, UnknownName, UsageError
from modelwright.engines.pile_reader import PileReader, open_pile
from modelwright.engines.pile_sql import check


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> PileReader:
    home = tmp_path_factory.mktemp("pile")
    published(home)
    return reader(home)


def test_documents_come_in_order_and_by_split_and_source(opened: PileReader) -> None:
    assert opened.documents()["origin"].to_pylist() == [
        "a/one.txt",
        "a/two.txt",
        "b/held.txt",
        "b/three.txt",
        "main.py",
    ]
    assert opened.documents(split="held_out")["origin"].to_pylist() == ["b/held.txt"]
    assert opened.documents(split="train", source="code")["origin"].to_pylist() == ["main.py"]
    with pytest.raises(UnknownName, match="unknown source 'book'") as caught:
        opened.documents(source="book")
    assert "books" in caught.value.hint


def test_texts_come_in_the_order_of_any_table_with_its_columns(tmp_path: Path) -> None:
    made = [Made("many", f"{number:04d}", f"{number} " * (number % 50)) for number in range(500)]
    made += [
        Made("zzz", f"{number:04d}", f"{number} " * (number % 50)) for number in range(0, 500, 7)
    ]  # the same texts
    published(tmp_path, made)
    opened = reader(tmp_path)
    order = list(range(opened.documents().num_rows))
    random.Random(1).shuffle(order)
    table = opened.documents().take(order).select(["origin", "digest", "source"])
    rows = [row for batch in opened.texts(table, batch_bytes=1_000) for row in batch.to_pylist()]
    by_origin = {(one.source, one.origin): one.text for one in made}
    assert [(row["source"], row["origin"]) for row in rows] == list(
        zip(table["source"].to_pylist(), table["origin"].to_pylist(), strict=True)
    )
    assert all(by_origin[row["source"], row["origin"]] == row["text"] for row in rows)


@pytest.mark.parametrize("window", [1, 100, 10_000])
def test_windows_and_batches_are_bounded_in_bytes_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    made = [Made("many", f"{number:03d}", "x" * number) for number in range(100)]
    published(tmp_path, made)
    monkeypatch.setattr("modelwright.engines.pile_reader.WINDOW_BYTES", window)
    opened = reader(tmp_path)
    batches = list(opened.texts(opened.documents(), batch_bytes=300))
    assert [text for batch in batches for text in batch["text"].to_pylist()] == [one.text for one in made]
    assert all(sum(map(len, batch["text"].to_pylist())) <= 300 for batch in batches)


def test_why_understands_document_digest_origin_and_source_with_origin(opened: PileReader) -> None:
    short = next(one for one in BOOKS if one.origin == "short.py")
    for name in (short.document, short.digest, "short.py", "code:short.py"):
        assert opened.why(name) == [
            {
                "document": short.document, "source": "code", "origin": "short.py", "pile": "pile@1",
                "decision": "dropped", "duplicate_of": None,
                "reasons": [{"rule": "gopher", "signal": "words", "value": 1.0, "threshold": 50.0}],
            }
        ]  # fmt: skip
    assert opened.why("a/one.txt")[0]["reasons"] == []
    assert opened.why("nothing") == []


def test_why_shows_all_documents_that_a_name_may_mean(tmp_path: Path) -> None:
    first = Made("one", "same.txt", "the same text")
    second = Made("two", "same.txt", "the same text", decision="duplicate", rule="exact", duplicate_of=first.document)
    published(tmp_path, [first, second])
    assert [row["source"] for row in reader(tmp_path).why("same.txt")] == ["one", "two"]
    assert [row["duplicate_of"] for row in reader(tmp_path).why(first.digest)] == [None, first.document]
    assert len(reader(tmp_path).why("two:same.txt")) == 1


@pytest.mark.parametrize("place", range(3, 9))
def test_a_flipped_byte_in_a_text_is_named(tmp_path: Path, place: int) -> None:
    published(tmp_path)
    path = next((tmp_path / "warehouse" / "pile" / "texts" / "data").glob("*.parquet"))
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    damaged = bytearray(path.read_bytes())
    start, end = chunk.dictionary_page_offset, chunk.data_page_offset  # the page of the distinct texts
    damaged[start + (end - start) * place // 10] ^= 1
    path.write_bytes(damaged)
    problems = reader(tmp_path).problems()
    assert problems
    assert all(problem["where"].startswith(("text of ", "tables of pile@1")) for problem in problems)


def test_a_changed_row_in_documents_is_named(tmp_path: Path) -> None:
    from modelwright.engines import iceberg

    record = published(tmp_path)
    with iceberg.opened(tmp_path) as catalog:
        paths = iceberg.text_files(iceberg.load(catalog, record.tables["documents"]))
    table = pq.read_table(paths[0], partitioning=None)
    other = pc.replace_substring(table["licence"], "MIT", "GPL").cast(table["licence"].type)
    table = table.set_column(table.column_names.index("licence"), table.schema.field("licence"), other)
    pq.write_table(table, paths[0])
    assert [problem["what"] for problem in reader(tmp_path).problems()] == ["files", "root"]


@pytest.mark.parametrize("name", ["decisions", "signals", "findings"])
def test_a_flipped_byte_in_a_narrow_table_is_named(tmp_path: Path, name: str) -> None:
    published(tmp_path)
    path = next((tmp_path / "warehouse" / "pile" / name / "data").rglob("*.parquet"))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    named = [problem["where"] for problem in reader(tmp_path).problems()]
    assert f"{name} of pile@1: data/{path.name}" in named
    path.unlink()
    named = [problem["where"] for problem in reader(tmp_path).problems()]
    assert f"{name} of pile@1: data/{path.name}" in named


def test_a_text_that_is_gone_is_an_integrity_error(tmp_path: Path) -> None:
    published(tmp_path)
    opened = reader(tmp_path)
    with pytest.raises(IntegrityError, match="1 texts are not in the pile"):
        list(opened.texts(pa.table({"digest": ["0" * 64]})))


def test_a_folder_without_a_record_is_no_pile(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pile\.json"):
        open_pile(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select count(*) as n from documents", [{"n": 5}]),
        ("SELECT origin FROM documents WHERE text LIKE '%xylophone%';", [{"origin": "b/held.txt"}]),
        ("select decision, count(*) as n from decisions group by decision order by n desc, decision limit 1",
         [{"decision": "kept", "n": 4}]),
        ("select d.origin from documents d join decisions x on d.document = x.document where x.decision = 'changed'",
         [{"origin": "main.py"}]),
        ("with long as (select origin from documents where bytes > 1300) select count(*) as n from long", [{"n": 1}]),
        ('select "end" from findings -- the first\n where start = 0', [{"end": 5}]),
        ("select origin from decisions where document not in (select document from documents) order by origin",
         [{"origin": "broken.py"}, {"origin": "short.py"}]),
        ("select round(avg(words), 1) as w from signals where origin = 'it''s'", [{"w": None}]),
        ("select length(text) as n from documents where origin = 'main.py'", [{"n": 940}]),
        ("select x.n from (select count(*) as n from findings) x", [{"n": 1}]),
    ],
)  # fmt: skip
def test_sql_answers_a_select_over_the_four_names(opened: PileReader, query: str, expected: list[object]) -> None:
    assert opened.sql(query).to_pylist() == expected


@pytest.mark.parametrize(
    "query",
    [
        "",
        "drop table documents",
        "select 1; select 2",
        "select * from read_csv('/etc/passwd')",
        "select * from \"read_csv\"('/etc/passwd')",
        "select * from '/etc/passwd'",
        'select * from "/etc/passwd"',
        "select * from documents, '/etc/passwd'",
        "select * from documents, decisions, read_parquet('x')",
        "select * from documents d join '/etc/passwd' p on true",
        "select * from documents d join decisions e on d.document = e.document, '/etc/passwd'",
        "select * from documents d join decisions e using (document), '/etc/passwd'",
        "select * from (select * from '/etc/passwd')",
        "select * from ('/etc/passwd')",
        "select * from documents where origin in (select a from '/etc/passwd')",
        "select * from documents where origin in (from '/etc/passwd')",
        "select extract(select a from '/etc/passwd') from documents",
        "with x as (select * from '/etc/passwd') select * from x",
        "select * from documents union all select * from '/etc/passwd'",
        "select * from pile.documents",
        "select * from texts",
        "select url_download('http://localhost') from documents",
        "select file(origin) from documents",
        "select * from documents /* x */",
        "select E'\\'' from documents",
        "select $$a$$ from documents",
        "select `a` from documents",
        "show tables",
        "select * from lateral documents",
        "select * from documents tablesample(10)",
        "select nothing from documents",
        "select from",
        "select ) from documents",
        "values (1)",
        "from '/etc/passwd'",
        "select repeat(text, 1000000000) from documents",
    ],
)
def test_sql_refuses_everything_else_with_a_reason(opened: PileReader, query: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened.sql(query)
    assert caught.value.message
    assert "root:" not in caught.value.message


@given(st.lists(st.sampled_from(
    ["select", "from", "(", ")", ",", "'/tmp/x.csv'", '"/tmp/x.csv"', "documents", "join", "on", "using", "where", "in",
     "as", "with", "x", "extract", "union", "=", "a", ".", "group", "by", "distinct", "lateral", "*"]), max_size=14)
)  # fmt: skip
def test_a_checked_query_never_has_a_string_where_daft_would_read_a_file(words: list[str]) -> None:
    query = "select " + " ".join(words)
    try:
        tokens = check(query)
    except UsageError:
        return
    for before, token in pairwise(tokens):
        if token.kind == "string" and before.word == "from":
            assert any(other.word == "extract" for other in tokens)
        assert not (token.kind == "string" and before.word == "join")
