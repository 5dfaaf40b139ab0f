"""What a text is about: plain cases, no field for code, the user's own labels, `other` below a threshold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from modelwright.engines import embeddings
from modelwright.measure.classifier import content
from modelwright.prepare import domains
from modelwright.prepare.classifiers import train
from modelwright.prepare.quality.base import Figure, Labelled
from modelwright.prepare.quality.domain import evaluate
from modelwright.prepare.signals.domain import Domain

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
PLAIN = {
    "mathematics": "Find the derivative of the polynomial and solve the quadratic equation for its real roots. " * 3,
    "medicine and health": "The patient's symptoms, fever and infection, were treated by the physician in hospital. "
    * 3,
    "law": "The court held that the plaintiff's claim for damages under the contract was barred by the statute. " * 3,
    "computing": "The program's function takes an argument and returns a list; the module raises an exception. " * 3,
}


def measured(
    signal: Domain, texts: list[str | None], kinds: list[str | None], languages: list[str | None] | None = None
) -> dict[str, list[object]]:
    columns = {"text": pa.array(texts, pa.large_string()), "kind": pa.array(kinds, pa.string())}
    batch = pa.record_batch({**columns, "language": pa.array(languages or ["en"] * len(texts), pa.string())})
    found: dict[str, list[object]] = signal.measure(batch).to_pydict()
    return found


def test_plain_texts_get_the_field_that_a_person_would_name() -> None:
    found = measured(Domain(), list(PLAIN.values()), ["prose"] * len(PLAIN))
    assert found["domain"] == list(PLAIN)


def test_code_data_and_missing_texts_have_no_field() -> None:
    found = measured(Domain(), ["x = 1", "{}", None, "a word"], ["code", "data", None, None])
    assert [name is None for name in found["domain"]] == [True, True, True, False]
    assert [sure is None for sure in found["domain_confidence"]] == [True, True, True, False]


def test_a_text_below_the_threshold_is_other() -> None:
    assert measured(Domain(threshold=1.0), ["it was so"], ["prose"])["domain"] == ["other"]


def test_own_labels_take_the_place_of_the_fields(tmp_path: Path) -> None:
    texts = [f"sail wave {i}x harbour" for i in "abcdefghij"] + [f"cow barn {i}x hay" for i in "abcdefghij"]
    made = train("domain", texts, ["sea"] * 10 + ["farm"] * 10, ["farm", "sea"])
    path = tmp_path / "domain.safetensors"
    path.write_bytes(content(made.model))
    assert measured(Domain(model=str(path)), ["a wave, a harbour"], ["prose"])["domain"] == ["sea"]


def test_windows_cover_a_long_text_from_its_beginning_to_its_end() -> None:
    text = "".join(f"{i:04d} " for i in range(2000))
    parts = domains.windows(text)
    assert len(parts) == domains.WINDOWS
    assert text.startswith(parts[0])
    assert text.endswith(parts[-1])
    assert domains.windows("short") == ["short"]


def test_there_are_16_fields_and_every_subject_belongs_to_one() -> None:
    assert len(domains.FIELDS) == 16
    assert len(domains.FIELD_OF) == 55


@pytest.mark.skipif(embeddings.installed() is None, reason="needs the extra `embeddings`")
def test_the_teacher_names_the_field_of_plain_texts() -> None:
    fields, sure = domains.label(list(PLAIN.values()))
    assert fields == list(PLAIN)
    assert sure.min() > 0.2


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists() or embeddings.installed() is None, reason="needs the shared data and the extra")
def test_the_floors_of_quality_are_met() -> None:
    figures = [item for item in evaluate(Labelled(DATA)) if isinstance(item, Figure)]
    assert [figure.measured_on for figure in figures if figure.met is False] == []
    assert sum(figure.met is True for figure in figures) == 2


def test_the_shipped_model_says_nothing_of_languages_that_it_does_not_know() -> None:
    found = measured(Domain(), ["The court held that the contract was void."] * 3, ["prose"] * 3, ["en", "de", None])
    assert [name is None for name in found["domain"]] == [False, True, True]
