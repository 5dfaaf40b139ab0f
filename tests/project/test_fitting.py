"""What a use names against what a pile holds, and counting by a condition."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import modelwright
from modelwright.core.errors import UnknownName, UsageError
from modelwright.project.fitting import Use, fit

DOCUMENTS = pa.table(
    {
        "document": list("abcdefg"),
        "bytes": [500, 300, 190, 5, 5, 0, 0],
        "language": ["de", "en", None, "fr", "la", "de", None],
        "code_language": [None, None, "java", None, None, None, None],
        "domain": ["law", "news", None, "law", "law", None, None],
    }
)
TOKENS = pa.table({"document": list("abcd"), "tokens": [100, 60, 40, 1]})


def test_a_use_may_be_text_or_options() -> None:
    assert str(Use.model_validate("completion")) == "completion"
    full = Use.model_validate(
        {"task": "completion", "languages": ["de", "en"], "code_languages": ["java"], "tokens": "50M"}
    )
    assert str(full) == "completion; languages: de, en; programming languages: java; 50,000,000 tokens"
    assert full.tokens == 50_000_000


def test_what_is_named_is_there_scarce_or_missing_and_what_nobody_named_is_told() -> None:
    use = Use(task="x", languages=("de", "fr", "pt"), code_languages=("java", "rust"), domains=("law",), tokens=402)
    found = fit(use, DOCUMENTS, TOKENS)
    assert {(row["what"], row["value"]): row["verdict"] for row in found["named"]} == {
        ("language", "de"): "there", ("language", "fr"): "scarce", ("language", "pt"): "missing",
        ("code_language", "java"): "there", ("code_language", "rust"): "missing", ("domain", "law"): "there",
    }  # fmt: skip
    german = found["named"][0]
    assert (german["documents"], german["bytes"], german["tokens"], german["share"]) == (2, 500, 100, 0.5)
    assert [(row["what"], row["value"]) for row in found["unnamed"]] == [
        ("language", "en"), ("language", "la"), ("domain", "news")
    ]  # fmt: skip
    assert found["missing"] == ["pt", "rust"]
    assert found["scarce"] == ["fr"]
    assert found["tokens"] == {"wanted": 402, "there": 201, "epochs": 2}
    assert any("2.0 epochs" in line for line in found["told"])


def test_without_tokens_bytes_are_told_and_a_use_that_names_nothing_is_asked_for_more() -> None:
    found = fit(Use(task="x", languages=("de",)), DOCUMENTS, None)
    assert found["named"][0]["tokens"] is None
    assert found["tokens"]["there"] is None
    for use in (None, Use(task="completion")):
        with pytest.raises(UsageError, match="names no language") as told:
            fit(use, DOCUMENTS, None)
        assert "languages: [de, en]" in told.value.hint


def test_fit_and_count_answer_for_a_project(prepared: Path) -> None:
    use = "{task: completion, languages: [en, de], code_languages: [python, java], tokens: 100M}"
    project = modelwright.load(prepared, [f"use={use}"])
    found = project.pile_fit()
    verdicts = {row["value"]: row["verdict"] for row in found["named"]}
    assert verdicts["python"] == "there"
    assert verdicts["java"] == "missing"
    assert found["tokens"]["there"] == project["tokens"].facts["tokens"]


def test_documents_bytes_and_tokens_are_counted_by_a_condition_over_documents_and_signals(prepared: Path) -> None:
    project = modelwright.load(prepared)
    (whole,) = project.pile_count()
    tokens, pile = project["tokens"].facts, project["pile"].facts
    assert (whole["documents"], whole["bytes"], whole["tokens"]) == (pile["documents"], pile["bytes"], tokens["tokens"])
    sources = project.pile_count(by="source")
    assert sum(row["tokens"] for row in sources) == whole["tokens"]
    assert {row["source"]: row["tokens"] for row in sources} == {
        name: source["tokens"] for name, source in tokens["by_source"].items()
    }
    wanted = "code_language = 'python' and licence_class = 'permissive' and kind = 'code'"
    rows = project.pile_count(wanted, "source")
    assert [row["source"] for row in rows] == ["open"]
    assert 0 < rows[0]["tokens"] < whole["tokens"]
    long = project.pile_count("words > 500 and source = 'open'")[0]["documents"]
    short = project.pile_count("not (words > 500) and source = 'open'")[0]["documents"]
    assert long + short == sum(row["documents"] for row in sources if row["source"] == "open")
    assert project.pile_count("source = 'words'")[0]["documents"] == 0
    assert {row["licence_class"] for row in project.pile_count(by="licence_class")} >= {"permissive"}
    with pytest.raises(UnknownName, match="'lisence'"):
        project.pile_count(by="lisence")
    with pytest.raises(UsageError, match="nosuch"):
        project.pile_count("nosuch > 3")


def test_a_mix_leaves_the_counts_of_the_pile_as_they_are(prepared: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(prepared, tmp_path / "mixed", symlinks=True)
    before = modelwright.load(folder).pile_count(by="source")
    mix = "prepare.mix={by: source, weights: {open: 1, ours: 3}, max_epochs: 4}"
    project = modelwright.load(folder, [mix])
    project.run()
    facts = project.show("tokens")["facts"]["mix"]
    assert facts["groups"]["ours"]["share"] == pytest.approx(0.75, abs=0.05)
    assert facts["groups"]["ours"]["epochs"] > 1
    assert project.pile_count(by="source") == before
    assert project["pile"].ref == "pile@1"
    assert project.verify()["ok"]
