"""Keys: made once, readable by their owner only, never trusted when others could read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelwright.core.errors import InputError, StorageError, UnknownName, UsageError
from modelwright.govern import keys


def test_the_first_use_makes_a_key_that_only_its_owner_can_read(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = keys.signer()
    path = config / "keys" / "default.pem"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
    said = capsys.readouterr()
    assert str(path) in said.err
    assert said.out == ""
    assert keys.signer().public_key.keyid == first.public_key.keyid
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_touch_is_refused(config: Path, mode: int) -> None:
    keys.signer()
    path = config / "keys" / "default.pem"
    path.chmod(mode)
    with pytest.raises(StorageError, match="others can read") as raised:
        keys.signer()
    assert f"chmod 600 {path}" in raised.value.hint


def test_a_loose_umask_does_not_loosen_the_key(config: Path) -> None:
    before = os.umask(0)
    try:
        keys.signer()
    finally:
        os.umask(before)
    assert (config / "keys" / "default.pem").stat().st_mode & 0o077 == 0


def test_processes_that_start_at_once_agree_on_one_key(config: Path) -> None:
    code = "from modelwright.govern import keys; print(keys.signer().public_key.keyid)"
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {run.communicate()[0].strip() for run in runs}
    assert len(found) == 1
    assert found == set(keys.public_keys())
    assert sorted(path.name for path in (config / "keys").iterdir()) == ["default.pem", "default.pub"]


def test_another_name_must_have_been_made(config: Path) -> None:
    keys.create("officer")
    with pytest.raises(UnknownName, match="offcer") as raised:
        keys.signer("offcer")
    assert "officer" in raised.value.hint
    assert keys.signer("officer").public_key.keyid in keys.public_keys()


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 99])
def test_a_name_cannot_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(UsageError):
        keys.signer(name)


def test_an_exported_public_key_is_trusted_elsewhere_and_holds_no_secret(tmp_path: Path, config: Path) -> None:
    public = keys.export()
    secret = (config / "keys" / "default.pem").read_text().splitlines()[1]
    assert secret not in json.dumps(public)
    path = tmp_path / "colleague.pub"
    path.write_text(json.dumps(public))
    assert keys.read_keys(path) == {public["keyid"]: public}
    assert keys.trust("colleague", public) == public["keyid"]
    assert [key["own"] for key in keys.keys()] == [True, False]  # noqa: SIM118


def test_a_key_cannot_pose_under_another_ones_id(config: Path) -> None:
    keys.create("a")
    keys.create("b")
    forged = {**keys.export("a"), "keyid": keys.export("b")["keyid"]}
    with pytest.raises(InputError, match="does not belong"):
        keys.trust("forged", forged)


def test_a_file_that_is_no_key_is_an_error_with_its_path(config: Path) -> None:
    keys.signer()
    path = config / "keys" / "default.pem"
    path.write_text("not a key")
    with pytest.raises(InputError, match=str(path)):
        keys.signer()
