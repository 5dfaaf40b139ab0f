"""A pile grows with its sources: whatever the way there, the same data gives the same pile and the same tokens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.context import Artifact, Context, Output
from modelwright.core.spec import Secret
from modelwright.prepare import tokens
from modelwright.prepare.settings import Tokenizer, TokensSettings
from modelwright.prepare.texts import TextStore
from tests.prepare.piles import context, lines, run
from tests.prepare.test_run import story

MENU = "Home About Contact Imprint Privacy Sitemap Search\n"


def gopher(min_words: int) -> dict[str, Any]:
    """Short, alike sentences are what these texts are made of."""
    shares = [f"max_top_{size}_gram_share" for size in (2, 3, 4)]
    shares += [f"max_duplicate_{size}_gram_share" for size in range(5, 11)]
    return {"gopher": {"min_words": min_words, **dict.fromkeys(shares, 1)}}


def settings_of(threshold: float = 0.8) -> dict[str, Any]:
    """Two sources, a rule, edits with and without texts of their own, duplicates."""
    return {
        "sources": [
            {"files": {"path": "tree", "licence": "MIT"}},
            {"jsonl": {"path": "rows", "id": "id", "licence": {"field": "licence"}}},
        ],
        "rules": [gopher(60)],
        "redact": {"kinds": ["email"]},
        "dedup": ["exact", {"minhash": {"threshold": threshold}}, {"lines": {"min_documents": 3}}],
        "holdout": 0.2,
    }


def text(number: int, edition: int) -> str:
    """A text of its own; another edition ends otherwise; every fourth says nearly what its neighbour says."""
    told = number - 1 if number % 4 == 1 else number
    mail = f"Write to person{told}@example-mail.org. " if number % 3 else ""
    return MENU + mail + story(told + 20) + (f"\nSeen by {number}, edition {edition}." if edition else "")


def put(project: Path, state: Mapping[int, int]) -> None:
    """Make the sources say `state` (number -> edition) and nothing else: even numbers as files, odd ones as rows."""
    for name in ("tree", "rows"):
        shutil.rmtree(project / name, ignore_errors=True)
        (project / name).mkdir(parents=True)
    (project / "tree" / "always.txt").write_text(text(0, 0))
    rows = {0: [{"id": "always", "text": text(1, 0), "licence": "MIT"}], 1: []}
    for number, edition in sorted(state.items()):
        if number % 2:
            row = {"id": f"row {number}", "text": text(number, edition), "licence": ("MIT", "GPL-3.0")[number % 3 == 0]}
            rows[number % 5 == 0].append(row)
        else:
            (project / "tree" / f"{number}.txt").write_text(text(number, edition))
    for name, listed in rows.items():
        (project / "rows" / f"{name}.jsonl").write_bytes(lines(listed))


def digests(project: Path, state: Mapping[int, int], version: int) -> tuple[str, str]:
    """Prepare pile and tokens of a state, by the tokenizer of `tokenizer.json` beside the project."""
    put(project, state)
    output, made = run(project, settings_of(), version)
    shutil.rmtree(made.work)  # as the runner does once a version is recorded
    pile = Artifact("pile", version, output.digest, "", made.out)
    before = Artifact("tokens", 0, "", "", project / "tokenizer")
    wanted = TokensSettings(tokenizer=Tokenizer.model_validate({"from": "tokens@1"}))
    home = made.home
    out, work = home / "tokens" / str(version), home / "work" / "tokens"
    for folder in (out, work):
        folder.mkdir(parents=True)
    there = Context(out, work, home, project, version, made.machine)
    encoded: Output = tokens.run(wanted, {"pile": pile, "tokenizer": before}, there)
    shutil.rmtree(work)
    return output.digest, encoded.digest


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that all tokens here are pinned to."""
    project = tmp_path_factory.mktemp("trained")
    put(project, dict.fromkeys(range(12), 0))
    output, made = run(project, settings_of())
    out, work = made.home / "tokens" / "1", made.home / "work" / "tokens"
    for folder in (out, work):
        folder.mkdir(parents=True)
    pile = Artifact("pile", 1, output.digest, "", made.out)
    wanted = TokensSettings(tokenizer=Tokenizer(vocabulary=300))
    tokens.run(wanted, {"pile": pile}, Context(out, work, made.home, project, 1, made.machine))
    return out


STATES = st.lists(st.dictionaries(st.integers(2, 21), st.integers(0, 1), max_size=16), min_size=1, max_size=4)


def same_in_parts_and_at_once(tokenizer: Path, states: list[dict[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, steps in (("parts", states), ("once", states[-1:])):
            project = Path(folder) / name
            shutil.copytree(tokenizer, project / "tokenizer")
            found.append([digests(project, state, version) for version, state in enumerate(steps, start=1)][-1])
        assert found[0] == found[1]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(STATES)
def test_in_parts_in_any_order_gives_what_once_gives(tokenizer: Path, states: list[dict[int, int]]) -> None:
    same_in_parts_and_at_once(tokenizer, states)


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(STATES)
def test_in_many_parts_in_any_order_gives_what_once_gives(tokenizer: Path, states: list[dict[int, int]]) -> None:
    same_in_parts_and_at_once(tokenizer, states)


def test_added_grown_changed_and_vanished_in_five_parts_gives_what_once_gives(tokenizer: Path) -> None:
    states = [
        dict.fromkeys(range(2, 8), 0),
        dict.fromkeys(range(2, 14), 0),
        {number: int(number in (3, 4)) for number in range(2, 14)},
        {number: int(number == 4) for number in range(5, 14)},
        {number: int(number in (9, 10)) for number in range(4, 18)},
    ]
    same_in_parts_and_at_once(tokenizer, states)


def test_a_changed_rule_and_a_question_read_no_text_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, dict.fromkeys(range(2, 20), 0))
    _, made = run(tmp_path, settings_of())
    shutil.rmtree(made.work)

    def refuse(*_: Any) -> None:
        raise AssertionError("a text was read")

    monkeypatch.setattr(TextStore, "batches", refuse)
    from modelwright.prepare.run import decide
    from modelwright.prepare.settings import PileSettings

    again = decide(PileSettings.model_validate(settings_of(0.7)), context(tmp_path, 2))
    assert again.edits.num_rows
    stricter = settings_of() | {"rules": [gopher(120)]}
    run(tmp_path, stricter, 3)


def test_an_edited_text_is_made_again_where_it_is_wanted(tmp_path: Path) -> None:
    """What an edit comes to is known from before; its text is not, and a version without it has to hold it now."""
    put(tmp_path, dict.fromkeys(range(2, 8), 0))
    strict = settings_of() | {"rules": [gopher(5000)]}
    from modelwright.core.errors import EmptyResult
    from modelwright.prepare.run import decide
    from modelwright.prepare.settings import PileSettings

    asked = context(tmp_path)
    decided = decide(PileSettings.model_validate(settings_of()), asked)
    assert decided.edits.num_rows
    shutil.rmtree(asked.work)
    with pytest.raises(EmptyResult):
        run(tmp_path, strict)
    output, _ = run(tmp_path, settings_of(), 2)
    other = tmp_path / "afresh"
    put(other, dict.fromkeys(range(2, 8), 0))
    assert output.digest == run(other, settings_of())[0].digest


def test_another_key_makes_other_pseudonyms(tmp_path: Path) -> None:
    put(tmp_path, dict.fromkeys(range(2, 8), 0))
    roots = []
    for version, key in enumerate(("one key of sixteen", "another of sixteen", "one key of sixteen"), start=1):
        style = {"pseudonym": {"key": Secret("PSEUDONYMS", key)}}
        wanted = settings_of() | {"redact": {"kinds": ["email"], "style": style}}
        output, made = run(tmp_path, wanted, version)
        shutil.rmtree(made.work)
        roots.append(output.digest)
    assert roots[0] == roots[2] != roots[1]
