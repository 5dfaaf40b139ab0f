"""Own classifiers: judged on what they did not see, calibrated, always the same; and signals like any other."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core import plugins
from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.engines import embeddings
from modelwright.measure import classifier
from modelwright.prepare import classifiers
from modelwright.prepare.classifiers import Shape, near_identical, parts_of, sparse, train
from modelwright.prepare.labelled_texts import read_labelled, read_texts
from modelwright.prepare.measure import all_signals
from modelwright.prepare.settings import PileSettings
from modelwright.project import classifying
from tests.prepare.piles import decisions, run, write

SHAPE = Shape(bits=12, read_bytes=2048)
WORDS = {
    "sea": "wave harbour sail anchor tide gull captain rope storm deck",
    "farm": "cow barn plough seed harvest fence hay tractor orchard goat",
}


def texts_about(topic: str, count: int, seed: int = 0) -> list[str]:
    choose = random.Random(f"{topic}{seed}")
    common = "the a of and was near old then they saw".split()  # noqa: SIM905
    return [" ".join(choose.choices(WORDS[topic].split() + common * 2, k=25)) for _ in range(count)]


@pytest.fixture(scope="module")
def made() -> classifiers.Trained:
    texts = [*texts_about("sea", 60), *texts_about("farm", 40)]
    return train("topic", texts, ["sea"] * 60 + ["farm"] * 40, ["sea", "farm"], SHAPE)


@pytest.fixture
def project(tmp_path: Path) -> Any:
    write(
        tmp_path / "corpus",
        {f"{topic}{i}.txt": text for topic in WORDS for i, text in enumerate(texts_about(topic, 15, 9))},
    )
    plugins.use_project(tmp_path)
    yield tmp_path
    plugins.use_project(None)


def write_examples(folder: Path) -> tuple[Path, Path]:
    write(folder, {"sea.txt": "\n".join(texts_about("sea", 40)), "farm.txt": "\n".join(texts_about("farm", 40))})
    return folder / "sea.txt", folder / "farm.txt"


def test_it_learns_and_its_figures_have_intervals(made: classifiers.Trained) -> None:
    accuracy = made.figures["accuracy"]
    assert accuracy["value"] > 0.95
    assert accuracy["low"] < accuracy["value"] <= accuracy["high"]
    assert accuracy["items"] == 100
    assert made.figures["auc"]["value"] > 0.95


def test_the_same_texts_in_any_order_give_the_same_bytes(made: classifiers.Trained) -> None:
    texts = [*texts_about("farm", 40), *texts_about("sea", 60)]
    again = train("topic", texts, ["farm"] * 40 + ["sea"] * 60, ["sea", "farm"], SHAPE)
    assert classifier.content(again.model) == classifier.content(made.model)


def test_labels_by_chance_are_not_praised() -> None:
    choose = random.Random(3)
    texts = texts_about("sea", 300)
    found = train("chance", texts, [choose.choice("ab") for _ in texts], ["a", "b"], SHAPE).figures
    assert found["auc"]["low"] < 0.5 < found["auc"]["high"] + 0.05
    assert abs(found["stated_confidence"]["mean"] - found["stated_confidence"]["right"]) < 0.1


def test_near_identical_texts_are_judged_by_no_model_that_saw_one_of_them() -> None:
    texts = texts_about("sea", 80)
    copies = [f"{text} again" for text in texts]
    groups = near_identical(sparse([*texts, *copies], Shape(bits=16, flags=0)))
    parts = parts_of(groups, [*texts, *copies], np.zeros(160, int))
    together = parts[:80] == parts[80:]
    assert len(set(groups.tolist())) < 100
    assert (together | (groups[:80] != groups[80:])).all()


def test_every_part_holds_each_class_in_its_share() -> None:
    texts = [*texts_about("sea", 50), *texts_about("farm", 50)]
    target = np.array([0] * 50 + [1] * 50)
    parts = parts_of(np.arange(100), texts, target)
    assert np.bincount(parts * 2 + target).tolist() == [10] * 10


def test_a_text_under_two_labels_teaches_nothing_and_is_counted() -> None:
    texts, both = texts_about("sea", 20) + texts_about("farm", 20), "gull on a fence"
    made = train("t", [*texts, both, both], ["s"] * 20 + ["f"] * 20 + ["s", "f"], ["s", "f"], SHAPE)
    assert made.model.facts["contradictory"] == 1
    assert made.model.facts["texts"] == {"s": 20, "f": 20}


def test_a_class_of_one_text_is_refused() -> None:
    with pytest.raises(InputError, match="'f' has 1 texts"):
        train("t", [*texts_about("sea", 5), "hay"], ["s"] * 5 + ["f"], ["s", "f"], SHAPE)


def test_texts_are_read_from_folders_lines_and_json(tmp_path: Path) -> None:
    write(tmp_path / "f", {"a.txt": "one\ntwo", "b/c.jsonl": '{"text": "three"}\n', ".hidden": "no"})
    assert read_texts(tmp_path / "f") == ["one\ntwo", "three"]
    write(tmp_path, {"l.txt": "one\n\ntwo\n", "x.jsonl": '{"body": "four", "field": 7}\n'})
    assert read_texts(tmp_path / "l.txt") == ["one", "two"]
    assert read_labelled(tmp_path / "x.jsonl", "body", "field") == (["four"], ["7"])
    with pytest.raises(UnknownName, match="bodi"):
        read_texts(tmp_path / "x.jsonl", "bodi")
    with pytest.raises(InputError, match="there is no"):
        read_texts(tmp_path / "none.txt")


def test_two_classifiers_stand_side_by_side_and_a_rule_names_their_columns(project: Path) -> None:
    good, bad = write_examples(project / "examples")
    first = classifying.train(project, good, bad, name="maritime")
    classifying.train(project, bad, good, name="rural")
    write(project, {"at_sea.yaml": 'version: 1\nhelp: ours\ndrop:\n  ashore: maritime_label == "rest"\n'})
    assert first["columns"] == ["maritime", "maritime_label"]
    settings = {
        "sources": [{"files": {"path": "corpus", "name": "c"}}],
        "signals": [{"classifier": {"model": f"classifiers/{name}.safetensors"}} for name in ("maritime", "rural")],
        "rules": ["at_sea.yaml"],
        "holdout": 0,
    }
    output, made = run(project, settings)
    from modelwright.engines.pile_reader import open_pile

    rows = open_pile(project / ".modelwright", made.out).signals().to_pylist()
    assert len(rows) == 30
    for row in rows:
        about_sea = row["origin"].startswith("sea")
        assert (row["maritime_label"] == "good") == about_sea == (row["rural_label"] == "rest")
        assert (row["maritime"] > 0.5) == about_sea
    kept = {row["origin"][:3]: row["decision"] for row in decisions(project, made).to_pylist()}
    assert kept == {"sea": "kept", "far": "dropped"}
    assert output.facts["decisions"]["dropped"] == 15


def test_another_model_in_the_same_place_is_another_pile(project: Path) -> None:
    good, bad = write_examples(project / "examples")
    signals = [{"classifier": {"model": "classifiers/quality.safetensors"}}]
    settings = PileSettings.model_validate(
        {"sources": [{"files": {"path": "corpus", "name": "c"}}], "signals": signals}
    )
    with pytest.raises(InputError, match="there is no classifier"):
        settings.depends()
    classifying.train(project, good, bad)
    first = settings.depends()
    classifying.train(project, good, bad)
    assert settings.depends() == first
    classifying.train(project, bad, good)
    assert settings.depends() != first


def test_a_file_that_is_no_classifier_and_a_name_that_is_taken_are_said(project: Path) -> None:
    write(project, {"x.safetensors": "text"})
    with pytest.raises(UsageError, match="is no classifier"):
        plugins.parse("signals", {"classifier": {"model": "x.safetensors"}}).files()
    with pytest.raises(UsageError, match="cannot name a column"):
        plugins.parse("signals", {"classifier": {"model": "My Model.safetensors"}})
    two = [
        plugins.parse("signals", {"classifier": {"model": place}}) for place in ("a/x.safetensors", "b/x.safetensors")
    ]
    with pytest.raises(UsageError, match="two signals are called classifier"):
        all_signals(two)


def test_labels_and_two_files_do_not_go_together(project: Path) -> None:
    good, bad = write_examples(project / "examples")
    with pytest.raises(UsageError, match="labels stand in one file"):
        classifying.train(project, good, bad, label_field="label")
    with pytest.raises(UsageError, match="told from"):
        classifying.train(project, good)


def test_any_labels_of_one_file_make_a_classifier_with_a_card(project: Path) -> None:
    rows = [{"text": text, "label": topic} for topic in WORDS for text in texts_about(topic, 12)]
    write(project, {"labelled.jsonl": "\n".join(json.dumps(row) for row in rows)})
    found = classifying.train(project, project / "labelled.jsonl", name="ours", label_field="label")
    assert found["labels"] == ["farm", "sea"]
    page = (project / found["card"]).read_text()
    assert found["digest"][:16] in page
    assert f"{found['figures']['accuracy']['value']:.3f}" in page


def test_more_like_these_and_themes_are_learnt_from_the_pile(project: Path) -> None:
    from modelwright.engines.pile_reader import open_pile

    good, _ = write_examples(project / "examples")
    _, made = run(project, {"sources": [{"files": {"path": "corpus", "name": "c"}}], "holdout": 0})
    pile = open_pile(project / ".modelwright", made.out)
    liked = classifying.train(project, good, pile=pile, name="liked")
    assert liked["texts"] == {"good": 40, "rest": 30}
    found = classifying.themes(project, pile, count=2, save=True)
    assert sum(row["share"] for row in found["themes"]) == pytest.approx(1)
    assert sorted(found["texts"].values()) == [15, 15]
    assert (project / "classifiers" / "theme.safetensors").is_file()


@pytest.mark.skipif(embeddings.installed() is None, reason="needs the extra `embeddings`")
def test_the_teacher_labels_the_pile_and_teaches_a_student_of_its_own(project: Path) -> None:
    from modelwright.engines.pile_reader import open_pile

    plain = {"law": "The court upheld the verdict of case {} and the judge fined the company under the statute.",
             "medicine": "The doctor treated patient {} with fever and infection in hospital."}  # fmt: skip
    write(project / "plain", {f"{name}{i}.txt": text.format(i) for name, text in plain.items() for i in range(8)})
    _, made = run(project, {"sources": [{"files": {"path": "plain", "name": "c"}}], "holdout": 0})
    found = classifying.domains(project, open_pile(project / ".modelwright", made.out))
    assert {"law", "medicine and health"} <= set(found["shares"])
    assert found["agreement"]["items"] == sum(found["texts"].values())
