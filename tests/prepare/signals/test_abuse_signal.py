"""The columns of the signal `abuse`: severity, targets, shares and findings."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from modelwright.prepare.signals.abuse import Abuse

HATE = "These women are all vile vermin."
CALM = "The river runs past the old mill."


def rows(*texts: str | None, language: str | None = "en", signal: Abuse | None = None):
    count = len(texts)
    columns = {
        "text": pa.array(texts, pa.large_string()),
        "language": pa.array([language] * count, pa.string()),
        "language_confidence": pa.array([1.0] * count, pa.float64()),
    }
    return (signal or Abuse()).measure(pa.record_batch(columns)).to_pylist()


def test_hate_is_the_highest_severity_and_names_its_target_and_sentence():
    text = f"{CALM} {HATE}"
    calm, hateful, null = rows(CALM, text, None)
    assert (calm["abuse_severity"], calm["hate_target"], calm["hate_sentences"], calm["findings"]) == (0, None, 0, [])
    assert (hateful["abuse_severity"], hateful["hate_target"], hateful["hate_sentences"]) == (3, "women", 1)
    (found,) = [one for one in hateful["findings"] if one["kind"] == "hate"]
    assert text[found["start"] : found["end"]] == HATE[:-1]
    assert found["confidence"] == hateful["hate_score"]
    assert set(null.values()) == {None}


def test_the_most_hateful_sentence_names_the_target():
    (found,) = rows(f"He thinks that Muslims are wrong. {HATE}")
    assert found["hate_target"] == "women"


def test_another_language_has_words_and_no_scores():
    (german,) = rows(HATE, language="de")
    assert german["hate_score"] is None
    assert german["abuse_score"] is None
    assert german["profanity_words"] == 0
    assert german["abuse_severity"] == 0
    (georgian,) = rows(HATE, language="ka")
    assert georgian["profanity_words"] is None
    assert georgian["abuse_severity"] is None


def test_only_known_encoders_are_taken():
    assert len(Abuse(encoder="minilm").files()) == 3
    assert len(Abuse().files()) == 2
    with pytest.raises(ValidationError):
        Abuse(encoder="other")
