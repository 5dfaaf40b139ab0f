"""Languages of the user's own: learnt from samples, answered only where they fit."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from modelwright.core.errors import InputError
from modelwright.measure import language_added
from modelwright.prepare.signals.language import Language

ENGLISH = [
    f"The {a} went to the {b} and was glad of it." for a in ("dog", "man", "cow", "cat") for b in ("sea", "hill", "inn")
]
MADE_UP = [
    f"Zo {a} vuxte ka {b} ent zerro glix uf." for a in ("dogu", "manu", "kovu", "katu") for b in ("sevu", "hilu", "inu")
]


def labels(signal: Language, *texts: str) -> list[str]:
    return signal.measure(pa.record_batch({"text": pa.array(texts, pa.large_string())})).column("language").to_pylist()


def test_an_added_language_is_found_and_others_stay_as_they_were(tmp_path):
    path = tmp_path / "samples.jsonl"
    rows = [{"text": text, "language": "en"} for text in ENGLISH] + [
        {"text": text, "language": "x-glix"} for text in MADE_UP
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    texts = [MADE_UP[0], "The cow was glad of the hill.", "Das Wetter war schön."]
    assert labels(Language(add=str(path)), *texts) == ["x-glix", "en", "de"]
    model = tmp_path / "glix.safetensors"
    language_added.train_file([path], model)
    assert labels(Language(add=str(model)), *texts) == ["x-glix", "en", "de"]
    assert Language(add=str(model)).files()[1] == model


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("en", ENGLISH)], "no language that the model lacks"),
        ([("x-glix", MADE_UP)], "one language alone"),
        ([("en", ENGLISH), ("x-glix", MADE_UP[:3])], "too few samples"),
    ],
)
def test_samples_that_teach_nothing_are_refused(rows, said):
    pairs = [(text, name) for name, texts in rows for text in texts]
    with pytest.raises(InputError, match=said):
        language_added.train([text for text, _ in pairs], [name for _, name in pairs])


def test_a_bad_line_and_a_missing_file_are_told(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text('{"text": "a"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"samples\.jsonl:1"):
        language_added.load(path)
    with pytest.raises(InputError, match="no file"):
        language_added.load(tmp_path / "none.jsonl")
