"""What people see while a run goes on: numbers that mean something, on a terminal and in a log."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright import terminal


def event(done: float, at: float, what: str = "measuring counts", **more: Any) -> dict[str, Any]:
    return {"event": "progress", "what": what, "done": done, "total": 100e6, "unit": "bytes", "at": at, **more}


def test_bytes_have_a_speed_and_a_time_left_once_there_are_two_events() -> None:
    pace = terminal.Pace()
    assert pace.of(event(0, 10.0)) == {}
    assert pace.of(event(20e6, 14.0)) == {"speed": "5.0 MB/s", "seconds_left": 16.0}
    assert pace.of(event(0, 15.0, "measuring language")) == {}
    words = terminal.describe({**event(20e6, 14.0), "speed": "5.0 MB/s", "seconds_left": 16.0})
    assert words == "measuring counts  20 % (20.0 MB of 100.0 MB)  5.0 MB/s  16 s left"


def test_a_log_gets_plain_lines_at_intervals_and_what_was_decided_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = terminal.Reporter()
    decided = {"documents": 1000, "bytes": 5e6, "kept_share": 0.841, "reasons": [["gopher.short", 120], ["exact", 39]]}
    reporter(event(0, 0.0))
    reporter({**event(1000, 1.0, "decided"), **decided})
    reporter({**event(1000, 1.1, "decided"), **decided})
    monkeypatch.setattr(terminal, "LINE_EVERY_SECONDS", -1.0)
    reporter(event(50e6, 2.0))
    reporter.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "  kept 84.1 % of 1,000 documents (5.0 MB); most: gopher.short 120, exact 39"
    assert lines[1].startswith("  measuring counts  50 % (50.0 MB of 100.0 MB)")
    assert len(lines) == 2


def test_a_warning_is_printed_as_it_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.Reporter()({"event": "warning", "what": "release@1 [odd] carries it"})
    terminal.warn("once more [odd]")
    assert capsys.readouterr().err == "warning: release@1 [odd] carries it\nwarning: once more [odd]\n"


def test_facts_inside_a_list_of_facts_are_read_too() -> None:
    shown = terminal.tree({"taken_down": [{"takedown": "abc", "learned": [{"ref": "model@1", "windows": 1200}]}]})
    assert shown == ["taken_down", "  takedown abc, learned ref model@1, windows 1,200"]
