from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import fingerprint, plugins
from modelwright.core.errors import UsageError
from modelwright.core.identity import identity
from modelwright.core.spec import Location, Options, Secret

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Settings(Options):
    path: Location = "here"
    fallback: Location | None = None
    words: int = 50
    key: Secret | None = None


@given(st.dictionaries(st.text(), plain, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert fingerprint.digest(value) == fingerprint.digest(dict(reversed(list(value.items()))))


def test_where_things_lie_and_secrets_are_not_identity() -> None:
    first = Settings(path="a", fallback="b", key=Secret("K", "1"))
    second = Settings(path="c", fallback="d", key=Secret("K", "2"))
    assert identity(first) == identity(second) == {"words": 50}


def test_large_integers_become_text_so_that_no_digit_is_lost() -> None:
    assert fingerprint.digest({"snapshot": 2**62}) != fingerprint.digest({"snapshot": 2**62 + 1})


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=20, unique=True))
def test_a_merkle_root_changes_with_the_order_and_with_any_leaf(leaves: list[bytes]) -> None:
    root = fingerprint.merkle_root(leaves)
    assert root == fingerprint.merkle_root(leaves)
    assert root != fingerprint.merkle_root(leaves[::-1])
    assert root != fingerprint.merkle_root([*leaves[:-1], leaves[-1] + b"x"])


def test_changes_name_the_setting_and_both_values() -> None:
    old = fingerprint.flatten({"rules": [{"gopher": {"min_words": 30}}]}, "prepare")
    new = fingerprint.flatten({"rules": [{"gopher": {"min_words": 50}}]}, "prepare")
    assert fingerprint.changes(old, new) == ["prepare.rules.gopher.min_words: 30 -> 50"]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins" / "rules"
    folder.mkdir(parents=True)
    (tmp_path / "plugins" / "helper.py").write_text("LIMIT = 3\n")
    (folder / "shouting.py").write_text(
        "from helper import LIMIT\nfrom modelwright.core.spec import Options\n\n"
        'class Shouting(Options):\n    """Upper case."""\n    limit: int = LIMIT\n'
    )
    return tmp_path


def code_of(project: Path) -> Any:
    plugins.use_project(project)
    try:
        return plugins.code_identity(plugins.parse("rules", "shouting"))
    finally:
        plugins.use_project(None)


def test_a_comment_in_a_plugin_changes_nothing_and_an_edited_helper_does(plugin: Path) -> None:
    path, helper = plugin / "plugins" / "rules" / "shouting.py", plugin / "plugins" / "helper.py"
    before = code_of(plugin)
    path.write_text("# a remark\n" + path.read_text() + "\n\n# another\n")
    assert code_of(plugin) == before
    helper.write_text("LIMIT = 4\n")
    assert code_of(plugin) != before


def test_a_project_plugin_is_found_by_its_file_name_and_a_second_of_the_name_is_an_error(plugin: Path) -> None:
    plugins.use_project(plugin)
    try:
        assert plugins.catalogue("rules")["shouting"].origin == "project"
        assert plugins.plugin_name(plugins.parse("rules", {"shouting": {"limit": 9}})) == "shouting"
        (plugin / "plugins" / "rules" / "hate.py").write_text("class Hate(Options):\n    pass\n")
        plugins.use_project(plugin)
        with pytest.raises(UsageError, match="exists twice"):
            plugins.catalogue("rules")
    finally:
        plugins.use_project(None)
