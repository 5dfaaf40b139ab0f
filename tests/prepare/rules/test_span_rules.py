"""The rules hate, personal_data and licence decide as their options say."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from modelwright.core.errors import UnknownName
from modelwright.measure.abuse import model
from modelwright.measure.hate import model as hate_model
from modelwright.prepare.rule import decide
from modelwright.prepare.rules.hate import Hate
from modelwright.prepare.rules.licence import CLASSES, Licence
from modelwright.prepare.rules.personal_data import PersonalData


def decisions(rule, **columns):
    return decide(pa.table(columns), rule.predicates()).column("decision").to_pylist()


def test_hate_drops_from_the_tested_threshold_on():
    at = model().threshold
    scores = [0.0, at - 1e-6, at, 1.0, None]
    assert decisions(Hate(), abuse_score=scores) == ["kept", "kept", "dropped", "dropped", "kept"]
    assert decisions(Hate(threshold=0.9), abuse_score=[0.5, 0.95]) == ["kept", "dropped"]


def test_hate_can_limit_listed_words_too():
    rule = Hate(threshold=0.9, max_words=2)
    assert rule.signals() == ("abuse_score", "profanity_words")
    assert decisions(rule, abuse_score=[0.0, 0.0], profanity_words=[2, 3]) == ["kept", "dropped"]


def test_hate_against_groups_alone_has_its_own_threshold():
    rule, at = Hate(target="group"), hate_model().threshold
    assert rule.signals() == ("hate_score",)
    assert decisions(rule, hate_score=[at - 1e-6, at, None]) == ["kept", "dropped", "kept"]


def test_hate_can_mask_and_keep():
    rule = Hate(action="mask", languages=("en",))
    assert rule.predicates() == ()
    (editing,) = rule.edits()
    assert (editing.signal, editing.kinds, editing.style) == ("abuse", ("profanity", "abuse", "hate"), "mask")
    assert editing.when == {"language": ("en",)}
    assert Hate(action="mask", target="group").edits()[0].kinds == ("hate",)
    assert Hate().edits() == ()


def test_hate_can_be_limited_to_languages():
    rule = Hate(languages=("de",), max_words=0, threshold=1.0)
    found = decisions(rule, abuse_score=[0.0, 0.0], profanity_words=[1, 1], language=["de", "en"])
    assert found == ["dropped", "kept"]


def test_personal_data_drops_above_a_density_and_never_for_a_few_hits():
    counts, sizes = [0, 1, 4, 5, 50, None], [10, 10, 10, 50, 1000, 10]
    density = [None if count is None else 1000 * count / size for count, size in zip(counts, sizes, strict=True)]
    found = decisions(PersonalData(), personal_data_count=counts, personal_data_density=density)
    assert found == ["kept", "kept", "kept", "dropped", "dropped", "kept"]
    assert decisions(PersonalData(), personal_data_count=[50], personal_data_density=[0.5]) == ["kept"]
    assert decisions(PersonalData(min_findings=60), personal_data_count=[59], personal_data_density=[900.0]) == ["kept"]
    with pytest.raises(ValidationError):
        PersonalData(min_findings=1)


CLASS_AND_SPDX = [
    ("permissive", "MIT"),
    ("weak_copyleft", "MPL-2.0"),
    ("strong_copyleft", "GPL-2.0-only"),
    ("non_commercial", "CC-BY-NC-4.0"),
    ("no_derivatives", "CC-BY-ND-4.0"),
    ("proprietary", "LicenseRef-Proprietary"),
    ("unknown", None),
    (None, None),
]
ROWS = {
    "licence_class": [name for name, _ in CLASS_AND_SPDX],
    "licence_spdx": [spdx for _, spdx in CLASS_AND_SPDX],
}


def kept(rule: Licence) -> list[str | None]:
    found = decisions(rule, **ROWS)
    return [name for name, decision in zip(ROWS["licence_class"], found, strict=True) if decision == "kept"]


def test_a_licence_is_denied_by_class_and_unknown_is_kept():
    assert kept(Licence()) == ["permissive", "weak_copyleft", "strong_copyleft", "proprietary", "unknown", None]
    assert "unknown" not in kept(Licence(deny=("unknown",)))
    assert kept(Licence(deny=("non-commercial",))) == kept(Licence(deny=("non_commercial",)))


def test_a_licence_is_denied_by_expression():
    assert kept(Licence(deny=("GPL-2.0-only",))) == [
        name for name in ROWS["licence_class"] if name != "strong_copyleft"
    ]


def test_an_allow_list_keeps_what_it_names_and_what_is_unknown():
    assert kept(Licence(allow=("permissive",))) == ["permissive", "unknown", None]
    assert kept(Licence(allow=("MIT",))) == ["permissive", "unknown", None]
    assert kept(Licence(allow=("CC-BY-NC-4.0", "permissive"))) == ["permissive", "non_commercial", "unknown", None]
    assert "unknown" not in kept(Licence(allow=("MIT",), deny=("unknown",)))


def test_a_misspelt_class_is_an_error_with_a_hint():
    with pytest.raises(UnknownName) as error:
        Licence(deny=("permisive",))
    assert "permissive" in error.value.hint


def test_classes_are_those_of_the_measure():
    from modelwright.measure.licence import CLASSES as MEASURED

    assert set(CLASSES) == set(MEASURED)


def test_the_reason_names_the_rule_and_the_signal():
    table = decide(pa.table({"licence_class": ["non_commercial"]}), Licence().predicates())
    assert table.select(["rule", "signal", "value_text"]).to_pylist() == [
        {"rule": "licence", "signal": "licence_class", "value_text": "non_commercial"}
    ]


def test_a_conflict_between_stated_and_found_is_kept_unless_the_policy_drops_it():
    rows = {
        "licence_class": ["permissive", "permissive", None], "licence_spdx": ["MIT", "MIT", None],
        "licence_conflict": ["MIT against GPL-2.0-only", None, None],
    }  # fmt: skip
    assert decisions(Licence(), **rows) == ["kept", "kept", "kept"]
    assert decisions(Licence(conflict="drop"), **rows) == ["dropped", "kept", "kept"]
