"""Styles of redaction: pseudonyms agree where they should, keys stay out of the project, own styles are one file."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from modelwright.core import plugins
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.identity import identity
from modelwright.core.spec import Secret
from modelwright.prepare.settings import PileSettings, Redact
from modelwright.prepare.signals.personal_data import RELIABLE, PersonalData
from modelwright.prepare.style import Part, project_key
from modelwright.prepare.styles.pseudonym import Pseudonym
from modelwright.prepare.styles.surrogate import Surrogate

KEY = Secret("PSEUDONYMS", "0123456789abcdef0123456789abcdef")
MAIL = Part(b"Ann@Veldkamp.de", "email", "d1")


def test_a_pseudonym_is_the_same_for_the_same_value_however_it_is_written(tmp_path: Path) -> None:
    replace = Pseudonym(key=KEY).ready(tmp_path)
    made = replace(MAIL)
    assert re.fullmatch(rb"<EMAIL:[0-9a-f]{8}>", made)
    assert replace(MAIL._replace(text=b"ann@veldkamp.DE", document="d2")) == made
    assert replace(MAIL._replace(text=b"bob@veldkamp.de")) != made
    phone = Part(b"+44 20 8123 4597", "phone", "d1")
    assert replace(phone) == replace(phone._replace(text=b"+44-20-8123-4597"))


def test_within_a_document_means_that_another_document_gets_another_one(tmp_path: Path) -> None:
    replace = Pseudonym(key=KEY, consistent="document").ready(tmp_path)
    assert replace(MAIL) == replace(MAIL)
    assert replace(MAIL) != replace(MAIL._replace(document="d2"))


def test_another_key_gives_other_pseudonyms_and_a_short_one_is_refused(tmp_path: Path) -> None:
    other = Pseudonym(key=Secret("OTHER", "f" * 32)).ready(tmp_path)
    assert other(MAIL) != Pseudonym(key=KEY).ready(tmp_path)(MAIL)
    with pytest.raises(UsageError, match="shorter"):
        Pseudonym(key=Secret("SHORT", "abc")).ready(tmp_path)


def test_the_key_of_a_project_lies_in_the_users_folder_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path / "config"))
    project = tmp_path / "project"
    project.mkdir()
    key = project_key(project)
    assert len(key) == 32
    assert project_key(project) == key
    assert list(project.iterdir()) == []
    (path,) = (tmp_path / "config" / "pseudonyms").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert project_key(tmp_path / "other") != key


def test_a_secret_key_is_no_part_of_identity_and_prints_as_its_variable() -> None:
    style = Pseudonym(key=KEY)
    assert "0123456789abcdef" not in repr(plugins.dump(style)) + repr(identity(style)) + repr(style)


def test_a_surrogate_follows_from_value_and_key(tmp_path: Path) -> None:
    replace = Surrogate(key=KEY).ready(tmp_path)
    assert replace(MAIL) == replace(MAIL)
    assert replace(MAIL).endswith(b"@example.org")


def test_redact_names_kinds_and_a_style_for_each() -> None:
    redact = Redact.model_validate(
        {"kinds": ["email", "ip"], "style": "remove", "styles": {"email": "pseudonym", "card": "mask"}}
    )
    by_style = [(kinds, plugins.plugin_name(style)) for kinds, style in redact.by_style()]
    assert by_style == [(("ip",), "remove"), (("email",), "pseudonym"), (("card",), "mask")]
    with pytest.raises(UnknownName, match="masc"):
        Redact.model_validate({"style": "masc"})


def test_kinds_that_are_off_by_default_are_measured_when_they_are_to_be_redacted() -> None:
    sources = [{"files": {"path": "."}}]
    settings = PileSettings.model_validate({"sources": sources, "redact": {"kinds": ["name"], "keep_authors": True}})
    (signal,) = settings.chosen_signals()
    assert isinstance(signal, PersonalData)
    assert set(signal.kinds) == {*RELIABLE, "name"}
    assert signal.keep_authors
    assert PileSettings.model_validate({"sources": sources}).chosen_signals() == ()


def test_authors_in_the_header_of_code_stay_when_the_policy_says_so() -> None:
    text = (
        "# Copyright 2020 Ann <ann@veldkamp.de>\nimport os\n"
        + "x = 1\n" * 1000
        + "# author: bob@veldkamp.de\nmail = 'eve@veldkamp.de'\n"
    )
    for kind, kept in (("code", 2), ("prose", 3)):
        batch = pa.record_batch({"text": pa.array([text], pa.large_string()), "kind": pa.array([kind])})
        assert PersonalData(keep_authors=True).measure(batch).column("personal_data_count").to_pylist() == [kept]


def test_an_own_style_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "styles").mkdir(parents=True)
    (tmp_path / "plugins" / "styles" / "initial.py").write_text(
        "from modelwright.prepare.style import Part, Style\n\n\n"
        'class Initial(Style):\n    """The first letter."""\n\n'
        "    def replace(self, part: Part) -> bytes:\n        return part.text[:1]\n"
    )
    plugins.use_project(tmp_path)
    try:
        redact = Redact.model_validate({"kinds": ["email"], "style": "initial"})
        ((_, style),) = redact.by_style()
        assert style.ready(tmp_path)(MAIL) == b"A"
    finally:
        plugins.use_project(None)


def test_the_residue_counts_what_is_still_found_of_the_edited_kinds() -> None:
    from modelwright.prepare.edits import residue
    from modelwright.prepare.rule import Editing

    editings = [Editing("redact", "personal_data", ("email", "ip"), "tag")]
    batch = pa.record_batch({"language": pa.array(["en", None]), "kind": pa.array(["prose", "code"])})
    texts = pa.array(["ann@veldkamp.de, bob@veldkamp.de, card 4111 1111 1111 1111", "<EMAIL>"], pa.large_string())
    assert residue(editings, batch, texts, PersonalData()) == [{"email": 2}, {}]
    assert residue(editings, batch, texts, None) == [{}, {}]
