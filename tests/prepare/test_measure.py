"""Signals are measured once per distinct input, in an order in which each finds what it reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import UnknownName, UsageError
from modelwright.prepare.documents import read_documents
from modelwright.prepare.keys import Keys
from modelwright.prepare.measure import all_signals, measure, needed, producers
from modelwright.prepare.signal import Signal
from modelwright.prepare.sources.files import Files
from tests.prepare.piles import context, write

SEEN: list[int] = []


class Length(Signal):
    """Length in bytes; counts the rows that it is asked for."""

    outputs: ClassVar[dict[str, str]] = {"length": "int64"}
    offset: int = 0

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        SEEN.append(batch.num_rows)
        return pa.record_batch({"length": pc.add(pc.cast(pc.binary_length(batch["text"]), pa.int64()), self.offset)})


class Suffix(Signal):
    """The file's suffix and whether the text is long; reads no text."""

    inputs: ClassVar[tuple[str, ...]] = ("path", "length")
    outputs: ClassVar[dict[str, str]] = {"suffix": "string"}
    finds: ClassVar[bool] = False

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        SEEN.append(batch.num_rows)
        assert batch.schema.names == ["path", "length"]
        return pa.record_batch(
            {"suffix": [f"{p.rpartition('.')[2]}{n}" for p, n in zip(*batch.to_pydict().values(), strict=True)]}
        )


class Letters(Signal):
    """Finds every x."""

    outputs: ClassVar[dict[str, str]] = {"letters": "int64"}
    finds: ClassVar[bool] = True

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        spans = [
            [
                {"kind": "x", "start": i, "end": i + 1, "confidence": 1.0}
                for i, letter in enumerate(text)
                if letter == "x"
            ]
            for text in batch["text"].to_pylist()
        ]
        kind = pa.list_(
            pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("confidence", pa.float64())])
        )
        return pa.record_batch({"letters": [len(found) for found in spans], "findings": pa.array(spans, kind)})


SIGNALS: dict[str, Signal] = {"suffix": Suffix(), "length": Length(), "letters": Letters()}


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "c", {"a.txt": "xax", "b.txt": "xax", "c.md": "xax", "d.txt": "", "e.txt": b"a\0b"})
    return tmp_path


def measured(project: Path, signals: dict[str, Signal] = SIGNALS) -> Any:
    made = context(project)
    documents = read_documents([Files(path="c")], made)
    return measure(documents, signals, needed([], signals, signals), made)


def test_a_signal_that_reads_another_comes_after_it() -> None:
    assert needed(["suffix"], [], SIGNALS) == ["length", "suffix"]
    assert needed(["letters", "bytes"], ["length"], SIGNALS) == ["length", "letters"]


def test_values_and_findings_stand_with_every_document_and_nulls_without_text(project: Path) -> None:
    result = measured(project)
    rows = {row["origin"]: row for row in result.values.to_pylist()}
    assert {origin: (row["length"], row["suffix"], row["letters"]) for origin, row in rows.items()} == {
        "a.txt": (3, "txt3", 2), "b.txt": (3, "txt3", 2), "c.md": (3, "md3", 2), "d.txt": (0, "txt0", 0),
        "e.txt": (None, None, None),
    }  # fmt: skip
    spans = [(row["origin"], row["signal"], row["start"], row["end"]) for row in result.findings.to_pylist()]
    assert spans == [(name, "letters", start, start + 1) for name in ("a.txt", "b.txt", "c.md") for start in (0, 2)]


VALUES = st.one_of(st.none(), st.sampled_from([0, 1, -1, 2**53 + 1, 2**53, 2**63 - 1]))
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 0.1, 1e300, float("inf")]))
WORDS = st.one_of(st.none(), st.sampled_from(["", "0", "a", "ä" * 40]))


@given(st.lists(st.tuples(st.sampled_from(["a" * 64, "b" * 64]), VALUES, NUMBERS, WORDS, WORDS), min_size=1))
def test_two_documents_have_one_key_just_when_all_inputs_are_the_same(rows: list[tuple[Any, ...]]) -> None:
    kinds = (pa.string(), pa.int64(), pa.float64(), pa.string(), pa.string())
    names = ["digest", "whole", "real", "word", "other"]
    values = pa.table(
        [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)], names
    )
    for inputs, width in (("text", *names[1:]), 5), (tuple(names[1:]), 4):
        keys = Keys().of(SimpleNamespace(inputs=inputs), values).to_pylist()  # type: ignore[arg-type]
        seen = dict(zip((row[-width:] for row in rows), keys, strict=True))
        assert len(set(seen.values())) == len(seen)
        assert keys == [seen[row[-width:]] for row in rows]


def test_equal_inputs_are_measured_once_and_kept(project: Path) -> None:
    measured(project)
    assert sum(SEEN) == 2 + 4  # two texts; four pairs of path and length
    SEEN.clear()
    measured(project)
    assert SEEN == []
    write(project / "c", {"f.txt": "new"})
    measured(project)
    assert sum(SEEN) == 2


def test_another_option_or_version_is_measured_anew(project: Path) -> None:
    measured(project)
    SEEN.clear()
    changed = measured(project, {"length": Length(offset=100)})
    assert changed.values["length"].to_pylist() == [103, 103, 103, 100, None]
    assert sum(SEEN) == 2
    Newer = type("Length", (Length,), {"version": 2, "__module__": __name__})
    SEEN.clear()
    measured(project, {"length": Newer()})
    assert sum(SEEN) == 2


def test_the_order_of_files_and_the_parts_of_a_batch_do_not_change_a_value(project: Path) -> None:
    every = measured(project).values["length"].to_pylist()
    assert every == [3, 3, 3, 0, None]


def test_a_column_that_nothing_gives_asks_did_you_mean() -> None:
    with pytest.raises(UnknownName, match="lenght") as raised:
        needed(["lenght"], [], SIGNALS)
    assert "length" in raised.value.hint


def test_two_signals_with_one_column_and_signals_that_need_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="'length'"):
        producers({"one": Length(), "two": Length()})
    circle = type("Circle", (Length,), {"inputs": ("suffix",)})
    with pytest.raises(UsageError, match="need each other"):
        needed(["suffix"], [], {"length": circle(), "suffix": Suffix()})


def test_every_shipped_signal_measures_a_document_and_gives_its_columns(tmp_path: Path) -> None:
    text = "The master said that we have to be with the boats. Write to ann@example.org.\n"
    write(tmp_path / "c", {"a.txt": text, "b.py": "import os\nprint(os.name)\n", "e.txt": b"a\0b"})
    signals = all_signals()
    result = measured(tmp_path, signals)
    for signal in signals.values():
        for column, kind in signal.outputs.items():
            assert result.values.schema.field(column).type == pa.type_for_alias(kind)
            assert result.values[column][2].as_py() is None
    rows = result.values.to_pylist()
    assert (rows[0]["language"], rows[1]["code_language"]) == ("en", "python")
    assert [
        (row["kind"], text[row["start"] : row["end"]]) for row in result.findings.to_pylist() if row["kind"] == "email"
    ] == [("email", "ann@example.org")]
