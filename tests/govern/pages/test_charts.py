"""Pictures: what they are given is what they draw."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from modelwright.govern.pages import charts

SOURCES = st.text("abc<&\"'", min_size=1, max_size=4)
ROW = st.fixed_dictionaries(
    {"source": SOURCES, "rule": SOURCES, "documents": st.integers(0, 10**7), "bytes": st.integers(0, 10**12)}
)


def drawn(picture: str) -> ElementTree.Element:
    """The SVG as XML: raises when it is none."""
    start = picture.index("<svg")
    return ElementTree.fromstring(picture[start : picture.index("</svg>") + 6])


def outcome(row: Any) -> tuple[str, str]:
    return f"dropped by {row['rule']}", "dropped"


@given(st.lists(ROW, max_size=12))
def test_a_flow_is_an_svg_whose_ends_are_as_high_as_what_flows(rows: list[dict[str, Any]]) -> None:
    picture = charts.sankey(rows, "bytes", outcome, "flow")
    total = sum(row["bytes"] for row in rows)
    if not total:
        assert picture == ""
        return
    svg = drawn(picture)
    sources = [float(rect.get("height", 0)) for rect in svg.iter("rect") if rect.get("class") == "source"]
    ends = [float(rect.get("height", 0)) for rect in svg.iter("rect") if rect.get("class") == "dropped"]
    for heights in (sources, ends):  # what is too thin to be seen is drawn 1.5 high
        assert 330 - 0.1 * len(heights) <= sum(heights) <= 330 + 1.6 * len(heights)
    assert all(
        math.isfinite(float(number)) for path in svg.iter("path") for number in re.findall(r"[\d.]+", path.get("d", ""))
    )


def test_labels_of_a_flow_never_touch() -> None:
    rows = [{"source": f"s{n}", "rule": f"r{n}", "documents": 1, "bytes": 10 ** (n % 7)} for n in range(30)]
    svg = drawn(charts.sankey(rows, "bytes", outcome, "flow"))
    for anchor in ("end", "start"):
        names = [t for t in svg.iter("text") if t.get("text-anchor") == anchor and t.get("class") == "strong"]
        heights = [float(text.get("y", 0)) for text in names]
        assert all(later - earlier >= 28 for earlier, later in itertools.pairwise(heights))
    assert "other sources" in [text.text for text in svg.iter("text")]


def test_a_histogram_draws_thresholds_that_lie_inside() -> None:
    limits = [{"value": 5.0, "comparison": "<", "rule": "a"}, {"value": 1e6, "comparison": ">", "rule": "a"}]
    bins = {"log": True, "edges": [1.0, 10.0, 100.0], "kept": [1, 2], "out": [3, 0], "beyond": 2, "limits": limits}
    picture = charts.histogram(bins, "words")
    svg = drawn(picture)
    assert [line.get("class") for line in svg.iter("line")] == ["axis", "limit"]
    assert "drops &lt; 5" in picture
    assert "100 and more" in picture
    heights = {rect.get("class"): float(rect.get("height", 0)) for rect in svg.iter("rect")}
    assert heights["away"] == 104
    assert heights["dropped"] == 78


def test_a_histogram_of_nothing_is_still_a_picture() -> None:
    bins = {"log": False, "edges": [0.0, 1.0], "kept": [0], "out": [0], "beyond": 0}
    assert drawn(charts.histogram(bins, "x")).get("role") == "img"


def test_what_a_bar_says_is_kept_from_breaking_out() -> None:
    assert drawn(charts.nested(3, 2, 1, 3, 'a "quoted" <rule>')).get("aria-label") == 'a "quoted" <rule>'
    assert "NaN" not in charts.bar(0, 0)
    assert 'width="0.00"' in charts.bar(0, 0)
