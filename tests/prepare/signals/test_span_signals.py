"""What holds for every signal of categories, safety and rights."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.spans import FINDINGS
from modelwright.prepare.signals.abuse import Abuse
from modelwright.prepare.signals.code_language import CodeLanguage
from modelwright.prepare.signals.copyright import Copyright
from modelwright.prepare.signals.kind import Kind
from modelwright.prepare.signals.language import Language
from modelwright.prepare.signals.licence import Licence
from modelwright.prepare.signals.opt_out import OptOut
from modelwright.prepare.signals.personal_data import PersonalData

SIGNALS = (Language(), CodeLanguage(), Kind(), PersonalData(), Abuse(), Licence(), Copyright(), OptOut())
NUMBERS = {"code_language_confidence", "language_confidence"}
ROWS = [
    {"text": "Write to ann@example.org or call +44 20 7946 0958.", "path": None, "licence": "MIT", "language": "en"},
    {"text": None, "path": "a.py", "licence": "MIT", "language": None},
    {
        "text": "# SPDX-License-Identifier: CC-BY-NC-4.0\nx = 1\n",
        "path": "a.py",
        "licence": None,
        "code_language": "python",
    },
    {
        "text": "Ceci n'est pas une pipe, mais une phrase en français.",
        "path": "a.txt",
        "licence": "what",
        "language": "fr",
    },
    {"text": "", "path": "", "licence": "", "language": ""},
]


def batch_of(signal, rows):
    columns = {}
    for name in signal.inputs:
        values = [row.get(name) for row in rows]
        kind = pa.float64() if name in NUMBERS else pa.large_string() if name == "text" else pa.string()
        columns[name] = pa.array([0.9 if value is None and name in NUMBERS else value for value in values], kind)
    return pa.record_batch(columns)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_the_result_has_the_declared_columns_and_types_and_a_null_text_gives_nulls(signal):
    result = signal.measure(batch_of(signal, ROWS))
    assert result.num_rows == len(ROWS)
    expected = {name: pa.type_for_alias(kind) for name, kind in signal.outputs.items()}
    assert {field.name: field.type for field in result.schema} == expected | (
        {"findings": FINDINGS} if signal.finds else {}
    )
    assert set(result.slice(1, 1).to_pylist()[0].values()) == {None}


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_a_slice_gives_what_the_whole_gives(signal):
    batch = batch_of(signal, ROWS * 3)
    whole = signal.measure(batch).to_pylist()
    for start, length in ((0, 4), (3, 5), (7, 8), (2, 1), (5, 0)):
        assert signal.measure(batch.slice(start, length)).to_pylist() == whole[start : start + length]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_read_only_buffers_and_plain_strings_are_read_too(signal):
    batch = batch_of(signal, ROWS)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    read = pa.ipc.open_stream(sink.getvalue()).read_next_batch()
    assert signal.measure(read).to_pylist() == signal.measure(batch).to_pylist()
    plain = batch.set_column(0, "text", batch.column("text").cast(pa.string()))
    assert signal.measure(plain).to_pylist() == signal.measure(batch).to_pylist()


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | st.text(max_size=80), max_size=5))
def test_any_texts_are_measured_and_findings_lie_inside_them(signal, texts):
    result = signal.measure(batch_of(signal, [{"text": text} for text in texts]))
    assert result.num_rows == len(texts)
    for text, row in zip(texts, result.to_pylist(), strict=True):
        for found in row.get("findings") or []:
            assert 0 <= found["start"] < found["end"] <= len(text.encode())
            assert 0 < found["confidence"] <= 1


def test_values_are_what_a_reader_would_say():
    rows = [
        dict(zip(("text", "path", "licence"), (row["text"], row["path"], row["licence"]), strict=True)) for row in ROWS
    ]
    licence = Licence().measure(batch_of(Licence(), rows)).to_pylist()
    assert [row["licence_class"] for row in licence] == ["permissive", None, "non_commercial", "unknown", "unknown"]
    assert [row["licence_found"] for row in licence] == [None, None, "CC-BY-NC-4.0", None, None]
    personal = PersonalData().measure(batch_of(PersonalData(), rows)).to_pylist()
    assert [found["kind"] for found in personal[0]["findings"]] == ["email", "phone"]
    assert personal[0]["personal_data_density"] == 2000 / len(rows[0]["text"])
    language = Language().measure(batch_of(Language(), rows)).column("language").to_pylist()
    assert [language[row] for row in (0, 1, 3, 4)] == ["en", None, "fr", "zxx"]
    code = CodeLanguage().measure(batch_of(CodeLanguage(), rows)).column("code_language").to_pylist()
    assert code == [None, None, "python", None, None]


def test_options_limit_what_is_found():
    (row,) = PersonalData(kinds=("email",)).measure(batch_of(PersonalData(), ROWS[:1])).to_pylist()
    assert [found["kind"] for found in row["findings"]] == ["email"]
    text = [{"text": "it was 020 7946 0958 then"}]
    assert PersonalData().measure(batch_of(PersonalData(), text)).column(0).to_pylist() == [1]
    assert PersonalData(regions=("US",)).measure(batch_of(PersonalData(), text)).column(0).to_pylist() == [0]


def test_every_model_file_is_there():
    for signal in SIGNALS:
        assert all(path.is_file() for path in signal.files())


def test_signals_and_rules_are_read_without_numpy_arrow_or_numba():
    code = (
        "import sys, importlib\n"
        "for name in 'language code_language kind personal_data abuse licence'.split():\n"
        "    importlib.import_module('modelwright.prepare.signals.' + name)\n"
        "from modelwright.prepare.rules.hate import Hate\n"
        "from modelwright.prepare.rules.licence import Licence\n"
        "from modelwright.prepare.rules.personal_data import PersonalData\n"
        "from modelwright.prepare.signals.language import Language\n"
        "Hate().predicates(), Licence().predicates(), PersonalData().predicates(), Language().files()\n"
        "print([name for name in ('numpy', 'pyarrow', 'numba', 'py3langid', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
