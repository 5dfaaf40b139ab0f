"""The source `installed_packages`: files from RECORD, licence and owner from the metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import InputError
from modelwright.prepare.inventory import look
from modelwright.prepare.sources.installed_packages import InstalledPackages
from tests.prepare.piles import rows_of, write

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}\n"


def install(folder: Path, name: str, files: dict[str, str], more: str = "") -> None:
    info = f"{name}-1.0.dist-info"
    files = {**files, f"{info}/METADATA": METADATA.format(name=name, more=more)}
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD", "../../bin/tool", f"{name}/gone.py"])
    write(folder, {**files, f"{info}/RECORD": record})


def source(**more: object) -> InstalledPackages:
    return InstalledPackages.model_validate({"path": "site", "packages": ["alpha"], **more})


def test_recorded_text_files_are_documents_with_licence_and_owner(tmp_path: Path) -> None:
    files = {
        "alpha/a.py": "x = 1",
        "alpha/b.so": "no",
        "alpha/c.h": "int c;",
        "alpha-1.0.dist-info/LICENSE": "MIT text",
    }
    install(tmp_path / "site", "alpha", files, "License-Expression: MIT\nAuthor-email: Ann Example <ann@example.org>")
    write(tmp_path / "site", {"alpha/not_recorded.py": "y"})
    rows = rows_of(source(), tmp_path)
    assert [row.origin for row in rows] == ["alpha/alpha-1.0.dist-info/LICENSE", "alpha/alpha/a.py", "alpha/alpha/c.h"]
    assert {(row.licence, row.owner) for row in rows} == {("MIT", "Ann Example")}


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("Classifier: License :: OSI Approved :: Apache Software License", "Apache-2.0"),
        ("License: Custom words", "Custom words"),
        ("License: BSD", "BSD-3-Clause"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD-3-Clause"),
        ("Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Other", "MIT License"),
        ("Keywords: none", None),
    ],
)
def test_the_licence_is_spdx_where_the_metadata_means_one(tmp_path: Path, metadata: str, licence: str | None) -> None:
    bsd = "Redistribution and use in source and binary\nforms ... to endorse or promote\nproducts"
    install(tmp_path / "site", "alpha", {"alpha/a.py": "x", "alpha-1.0.dist-info/LICENSE": bsd}, metadata)
    found = {file.licence for file in look(source(), tmp_path, tmp_path / "home").files}
    assert found == {licence}


def test_a_changed_licence_is_another_version_of_the_source(tmp_path: Path) -> None:
    versions = []
    for licence in ("MIT", "Apache-2.0", "MIT"):
        install(tmp_path / "site", "alpha", {"alpha/a.py": "x"}, f"License-Expression: {licence}")
        versions.append(look(source(), tmp_path, tmp_path / "home").version)
    assert versions[0] == versions[2] != versions[1]


def test_a_name_that_is_not_installed_is_an_error_with_the_nearest_one(tmp_path: Path) -> None:
    install(tmp_path / "site", "alpha", {"alpha/a.py": "x"})
    with pytest.raises(InputError, match="'alhpa' is not installed") as raised:
        rows_of(source(packages=["alhpa"]), tmp_path)
    assert "alpha" in raised.value.hint


def test_a_distribution_without_text_is_an_error(tmp_path: Path) -> None:
    install(tmp_path / "site", "alpha", {"alpha/a.so": "x"})
    with pytest.raises(InputError, match="no recorded text files"):
        rows_of(source(), tmp_path)


def test_this_environment_is_read_when_no_path_is_given(tmp_path: Path) -> None:
    found = look(InstalledPackages(packages=("pytest",)), tmp_path, tmp_path / "home")
    assert {file.licence for file in found.files} == {"MIT"}
    assert any(file.relative.startswith("pytest/_pytest/") for file in found.files)
