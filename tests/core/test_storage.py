from __future__ import annotations

import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modelwright.core.errors import Busy, StorageError
from modelwright.core.storage import folder_digests, lock, read_json, sweep, write_atomic, write_json


def test_a_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"x": 1})
    write_json(tmp_path / "a" / "b.json", {"x": 2})
    assert read_json(tmp_path / "a" / "b.json") == {"x": 2}
    assert list(folder_digests(tmp_path)) == ["a/b.json"]


def test_a_file_size_limit_is_a_clear_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "data"
    write_atomic(target, b"old")
    code = textwrap.dedent(f"""
        import resource, signal, sys
        from pathlib import Path
        from modelwright.core.errors import StorageError
        from modelwright.core.storage import write_atomic
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomic(Path({str(target)!r}), b"x" * 5000)
        except StorageError as error:
            print(error.message, "|", error.hint)
    """)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "disk is full" in printed
    assert "prune" in printed
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_killed_write_is_absent_and_what_it_left_is_swept(tmp_path: Path) -> None:
    target = tmp_path / "below" / "page.html"
    write_atomic(target, b"old")
    mine = tmp_path / "below" / ".page.html.torn"
    mine.write_text("a user's own")
    code = (
        "import os, signal, sys; from pathlib import Path; from modelwright.core.storage import whole\n"
        "with whole(Path(sys.argv[1])) as beside: beside.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    assert len(list(target.parent.iterdir())) == 3
    assert sweep(tmp_path) == len("half")
    assert sorted(target.parent.iterdir()) == [mine, target]


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="file"):
        write_atomic(tmp_path / "file" / "below", b"x")


def test_the_second_owner_of_a_lock_is_told_and_a_killed_owner_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwright.core.storage.WAIT_SECONDS", 0.1)
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from modelwright.core.storage import lock\n"
        "with lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=f"pid {owner.pid}"), lock(path):
        pass
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    with lock(path):
        assert path.exists()
