"""Languages: the kernel says what py3langid says, and the accuracy that was promised holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.language import CATCH_ALL, LEAST_CATCH_ALL, LEAST_SPLIT, identify, load_model
from modelwright.measure.spans import texts_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CODES = """af ar az be bg bn ca cs cy da de el en eo es et eu fa fi fr ga he hi hr hu hy id is it ja ka kk ko la lt lv
mk mn mr ms nb nl pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur vi zh"""
CORE = frozenset(CODES.split())


def label(*texts: str) -> list[str]:
    return identify(texts_of(pa.array(texts, pa.large_string()))).labels


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    path = SHARED / "langid_text.jsonl.gz"
    if not path.exists():
        pytest.skip("needs the shared data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_labels_and_scores_equal_those_of_py3langid(rows):
    from py3langid.langid import LanguageIdentifier

    reference = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    some = [row["text"] for row in rows[::12] if len(row["text"].encode()) < LEAST_SPLIT]
    some += [text.upper() for text in some[:100]] + ["Ångström and cafe\u0301 in decomposed form"]
    labels, confidence, *_ = identify(texts_of(pa.array(some, pa.large_string())))
    for text, name, sure in zip(some, labels, confidence, strict=True):
        expected, score = reference.classify(text)
        if expected == CATCH_ALL and score < LEAST_CATCH_ALL:
            assert name != CATCH_ALL  # English is what the model calls languages that it lacks
            continue
        assert name == {"kik": "ki"}.get(expected, expected), text
        assert sure == pytest.approx(score, abs=5e-3)


def test_nineteen_in_twenty_short_texts_of_the_core_languages_are_named_right(rows):
    alias = {"no": "nb", "arz": "ar", "ary": "ar"}
    core = [
        row for row in rows if alias.get(row["iso1"], row["iso1"]) in CORE and row["lang"] not in ("yue", "wuu", "grc")
    ]
    found = label(*[row["text"] for row in core])
    right = [
        alias.get(name, name) == alias.get(row["iso1"], row["iso1"]) for row, name in zip(core, found, strict=True)
    ]
    assert len(core) > 6000
    assert sum(right) / len(right) > 0.94


def test_a_text_without_letters_has_no_language():
    assert label("", "12345 67890", "   ") == ["zxx"] * 3


def test_a_long_text_is_judged_by_windows_over_all_of_it():
    english, german = "The weather was fine and we went for a walk. ", "Das Wetter war schön und wir gingen spazieren. "
    assert label(english * 200, german * 200, english * 2 + german * 400) == ["en", "de", "de"]


def test_codes_have_two_letters_where_there_are_any():
    assert "kik" not in load_model().labels
    assert {"en", "no", "zh", "zxx", "grc"} <= set(load_model().labels)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=400), min_size=1, max_size=5))
def test_any_text_gets_a_label_that_depends_on_it_alone(texts):
    together = identify(texts_of(pa.array(texts, pa.large_string())))
    for row, text in enumerate(texts):
        alone = identify(texts_of(pa.array([text], pa.large_string())))
        assert alone[0][0] == together[0][row]
        assert alone[1][0] == together[1][row]
        assert 0 < alone[1][0] <= 1
        assert alone.languages[0] == together.languages[row]
        assert 0 <= alone.share[0] <= 1


def test_a_mixed_text_says_which_languages_it_has_and_how_much_of_each():
    english, german = "The weather was fine and we went for a walk. ", "Das Wetter war schön und wir gingen spazieren. "
    texts = [english * 30 + german * 10, english * 40, german]
    found = identify(texts_of(pa.array(texts, pa.large_string())))
    assert found.languages == ["en:0.75 de:0.25", "en:1.00", "de:1.00"]
    assert found.share.tolist() == [0.75, 1.0, 1.0]


def test_more_windows_see_more_of_a_text_in_twenty_languages(rows):
    codes = sorted(CORE)[:20]
    parts = [" ".join(row["text"] for row in rows if row["iso1"] == code)[:1500] for code in codes]
    texts = texts_of(pa.array([" ".join(parts)], pa.large_string()))
    few, many = identify(texts), identify(texts, windows=100)
    assert len(few.languages[0].split()) <= 8
    assert len(many.languages[0].split()) >= 15
    assert many.share[0] < 0.3


def test_sizes_about_the_bounds_of_windows_are_read_without_error():
    for size in [*range(6), LEAST_SPLIT - 1, LEAST_SPLIT, LEAST_SPLIT + 1, 1023, 1024, 1025, 5000]:
        for windows in (1, 2, 8, 256):
            for letter in ("a", "д", "語"):
                found = identify(texts_of(pa.array([letter * size], pa.large_string())), windows)
                assert len(found.labels) == 1
