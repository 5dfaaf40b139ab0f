"""The page of what differs between two versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromium

from modelwright.govern.pages.diff import diff_page

NOTHING = {"documents": 0, "bytes": 0, "tokens": None}
GROUPS = ("reason", "source", "language", "code_language", "licence", "kind")


def data(**changes: Any) -> dict[str, Any]:
    versions = [{"pile": f"pile@{n}", "digest": str(n) * 64, "made_at": ""} for n in (1, 2)]
    nothing: dict[str, Any] = {f"by_{name}": [] for name in GROUPS}
    same = {"in": NOTHING, "out": NOTHING, "changed": NOTHING, "samples": [], "versions": versions, **nothing}
    return {"project": "demo", "from": "pile@1", "to": "pile@2", **same, **changes}


def changed() -> dict[str, Any]:
    def counted(name: str, value: str) -> list[dict[str, Any]]:
        return [{name: value, "change": "out", "documents": 3, "bytes": 1234}]

    shown = {"change": "out", "source": "books", "origin": "x", "reason": "now dropped by gopher (words)", "note": ""}
    return data(
        out={"documents": 3, "bytes": 1234, "tokens": 99},
        by_reason=counted("reason", "now dropped by gopher (words)"), by_language=counted("language", "de"),
        by_source=counted("source", "en"), by_kind=counted("kind", "unknown"),
        samples=[{**shown, "excerpt": "Es war <NAME>."}, {**shown, "excerpt": None, "note": "not shown: offensive"}],
    )  # fmt: skip


def test_what_went_out_is_told_by_reason_and_place() -> None:
    page = diff_page(changed())
    for told in (
        "3 documents went out",
        "now dropped by gopher (words)",
        "German",
        "1.23 kB · 99 tokens",
        "Es war &lt;NAME&gt;",
    ):
        assert told in page
    assert "<td>en</td>" in page  # a source of that name is no language
    assert "By kind" not in page  # nothing but unknown
    assert "not shown: offensive" in page
    assert chromium.outside(page) == []


def test_two_equal_versions_say_so() -> None:
    page = diff_page(data())
    assert "pile@1 and pile@2 hold the same documents" in page
    assert "<section" not in page


def test_a_browser_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "diff.html"
    file.write_text(diff_page(changed()))
    read = chromium.dom(file, tmp_path)
    assert 'id="reasons"' in read
    assert "German" in read
