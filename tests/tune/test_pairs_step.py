"""Every row of a file of examples becomes a pair or is quarantined with its reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.context import Context, Output
from modelwright.core.errors import EmptyResult, InputError
from modelwright.core.machine import machine
from modelwright.formats import pairs
from modelwright.formats.pairs import Pair
from modelwright.tune.pairs import read_rows, run
from modelwright.tune.settings import PairsSettings, TuneSettings


def run_on(folder: Path, name: str, content: bytes) -> tuple[Output, Path]:
    (folder / name).write_bytes(content)
    out = folder / f"out-{name}"
    out.mkdir(exist_ok=True)
    context = Context(out, folder, folder, folder, 1, machine())
    return run(PairsSettings(path=name), {}, context), out


def lines(*values: object) -> bytes:
    return b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)


GOOD = {"prompt": "2 + 2 = ", "completion": "4"}


def test_broken_rows_are_quarantined_each_with_its_reason(tmp_path: Path) -> None:
    content = lines(
        GOOD,
        b"{broken\n",
        b'{"prompt": "caf\xe9", "completion": "x"}\n',
        [1, 2],
        {"prompt": "a"},
        {"completion": "a"},
        {"prompt": 1, "completion": "a"},
        {"prompt": "a", "completion": "  "},
        {"prompt": "\ud800", "completion": "a"},
        GOOD,
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [{"role": "robot", "content": "Hi"}]},
        b"\n",
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
    )
    output, out = run_on(tmp_path, "pairs.jsonl", content)
    assert (output.facts["rows"], output.facts["pairs"], output.facts["quarantined"]) == (13, 2, 11)
    rows = pq.read_table(out / "tables" / "quarantined.parquet").to_pylist()
    assert [(row["row"], row["error"]) for row in rows] == [
        (2, "not_json"),
        (3, "not_utf8"),
        (4, "not_an_object"),
        (5, "no_completion"),
        (6, "no_prompt"),
        (7, "not_text"),
        (8, "empty_completion"),
        (9, "not_utf8"),
        (10, "duplicate"),
        (11, "no_answer"),
        (12, "bad_messages"),
    ]
    assert all(row["origin"].startswith("pairs.jsonl#") and row["detail"] for row in rows)


def test_a_conversation_ends_with_the_assistants_words(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    _, out = run_on(tmp_path, "pairs.jsonl", lines({"messages": messages}))
    (pair,) = pairs.to_pairs(pairs.read(out))
    assert (pair.prompt, pair.completion) == ("### User\nHi\n\n### Assistant\n", "Hello")
    assert pair.messages == tuple(messages)


def test_the_same_pairs_in_csv_jsonl_and_gzip_have_the_same_digest(tmp_path: Path) -> None:
    rows = [{"prompt": f"line\n{n}, “quoted”", "completion": f"answer {n}"} for n in range(50)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["completion", "prompt"])
    writer.writeheader()
    writer.writerows(reversed(rows))
    contents = {
        "a.jsonl": lines(*rows),
        "b.jsonl.gz": gzip.compress(lines(*rows)),
        "c.csv": b"\xef\xbb\xbf" + stream.getvalue().encode(),
        "d.csv.gz": gzip.compress(stream.getvalue().encode()),
    }
    assert len({run_on(tmp_path, name, content)[0].digest for name, content in contents.items()}) == 1


def test_a_bad_byte_in_a_csv_spoils_its_own_row_only(tmp_path: Path) -> None:
    output, _ = run_on(tmp_path, "pairs.csv", b"prompt,completion\na,b\nc\xe9,d\ne,f\ng\n")
    assert output.facts["pairs"] == 2
    assert output.facts["quarantined_by_reason"] == {"not_utf8": 1, "wrong_columns": 1}


def test_files_that_are_no_examples_are_errors_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match=r"2 x not_json") as caught:
        run_on(tmp_path, "pairs.jsonl", b"no\nno\n")
    assert "prompt" in caught.value.hint
    with pytest.raises(EmptyResult, match="no rows"):
        run_on(tmp_path, "pairs.jsonl", b"")
    with pytest.raises(InputError, match="columns a, b"):
        run_on(tmp_path, "pairs.csv", b"a,b\n1,2\n")
    with pytest.raises(InputError, match="no whole gzip"):
        run_on(tmp_path, "pairs.jsonl.gz", gzip.compress(lines(GOOD))[:-9])
    with pytest.raises(InputError, match="do not exist"):
        run(PairsSettings(path="gone.jsonl"), {}, Context(tmp_path, tmp_path, tmp_path, tmp_path, 1, machine()))


text = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(deadline=None)
@given(st.lists(st.tuples(text, text.filter(str.strip)), min_size=1, max_size=20))
def test_any_text_survives_jsonl(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        path.write_bytes(lines(*({"prompt": prompt, "completion": completion} for prompt, completion in rows)))
        assert list(read_rows(path)) == [Pair(prompt, completion) for prompt, completion in rows]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12))
def test_on_arbitrary_bytes_every_row_ends_somewhere(rows: list[bytes]) -> None:
    content = b"\n".join([b"[]", *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        path.write_bytes(content)
        assert len(list(read_rows(path))) == sum(bool(line.strip(b" \t\r\n\x0b\x0c")) for line in content.split(b"\n"))


def test_a_file_is_told_from_a_source_by_its_ending() -> None:
    assert TuneSettings(examples="ours").pairs() is None
    assert TuneSettings(examples="tune/ours.jsonl.gz", held_out=0.2).pairs() == PairsSettings(
        path="tune/ours.jsonl.gz", held_out=0.2
    )
