"""Pictures as inline SVG, each with a title and a description for those who do not see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import short
from modelwright.govern.pages.page import share

Row = Mapping[str, Any]
_WIDTH, _LABELS, _NODE = 1000, 190, 14
_PITCH = 31  # of two lines of text
_SANKEY = 330  # height of the whole flow, without gaps
_HISTOGRAM = (320, 104, 16)  # width, height of the bars, height of a line of text


@dataclass
class Node:
    """One end of a flow: `y` where its block begins, `taken` what links have used of it."""

    name: str
    style: str
    note: str
    size: float
    y: float = 0.0
    taken: float = 0.0


def picture(kind: str, width: float, height: float, title: str, description: str, content: Markup) -> Markup:
    """An SVG that says what it shows."""
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}. {}">{}</svg>'
    ).format(kind, width, height, title, description, content)  # fmt: skip


def sankey(
    flow: Sequence[Row], unit: str, name_of: Callable[[Row], tuple[str, str]], title: str, most: int = 9
) -> Markup:
    """Sources on the left, what became of their documents on the right, as wide as `unit` (documents or bytes).

    flow     rows with source, documents, bytes, and what `name_of` needs
    name_of  a row -> (name of the outcome, class of its colour)
    """
    total = sum(row[unit] for row in flow)
    if not total:
        return Markup("")
    sources = _few(_sums(flow, unit, lambda row: row["source"]), most)
    names = {row["source"]: row["source"] if row["source"] in sources else "other sources" for row in flow}
    left = [Node(name, "source", _note(size, total, unit), size) for name, size in sources.items()]
    ends = _sums(flow, unit, lambda row: name_of(row))
    order = {style: place for place, style in enumerate(("kept", "changed", "duplicate", "dropped", "quarantined"))}
    right = [Node(name, style, _note(size, total, unit), size) for (name, style), size in ends.items() if size]
    right.sort(key=lambda node: (order[node.style], -node.size))
    scale = _SANKEY / total
    height = max(_place(left, scale), _place(right, scale))
    pairs = _sums(flow, unit, lambda row: (names[row["source"]], name_of(row)))
    paths = []
    for node in left:
        for end in right:
            size = pairs.get((node.name, (end.name, end.style)), 0)
            if size:
                paths.append(_ribbon(node, end, size, scale, _note(size, total, unit)))
    nodes = [_block(node, scale, side) for side, group in (("left", left), ("right", right)) for node in group]
    told = "; ".join(f"{node.name} {node.note}" for node in (*left, *right))
    return Markup('<div class="scroll">{}</div>').format(
        picture("sankey", _WIDTH, height, title, told, Markup("").join([*paths, *nodes]))
    )


def _sums(rows: Sequence[Row], unit: str, key: Callable[[Row], Any]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for row in rows:
        found[key(row)] = found.get(key(row), 0) + row[unit]
    return dict(sorted(found.items(), key=lambda item: (-item[1], str(item[0]))))


def _few(sizes: Mapping[str, float], most: int) -> dict[str, float]:
    if len(sizes) <= most:
        return dict(sizes)
    first = dict(list(sizes.items())[: most - 1])
    return {**first, "other sources": sum(sizes.values()) - sum(first.values())}


def _note(size: float, total: float, unit: str) -> str:
    return f"{short(size, unit)} · {share(size, total)}"


def _place(nodes: Sequence[Node], scale: float) -> float:
    """Put nodes below each other, so far apart that their labels do not touch. Returns the height."""
    y = 0.0
    for node in nodes:
        height = max(node.size * scale, 1.5)
        slot = max(height, _PITCH)
        node.y = y + (slot - height) / 2
        y += slot + 9
    return max(y - 9, _PITCH)


def _ribbon(node: Node, end: Node, size: float, scale: float, note: str) -> Markup:
    thick = max(size * scale, 0.7)
    x0, x1 = _LABELS + _NODE, _WIDTH - _LABELS - _NODE
    y0, y1 = node.y + node.taken, end.y + end.taken
    node.taken += size * scale
    end.taken += size * scale
    bend = (x0 + x1) / 2
    path = (
        f"M{x0} {y0:.1f}C{bend} {y0:.1f} {bend} {y1:.1f} {x1} {y1:.1f}V{y1 + thick:.1f}"
        f"C{bend} {y1 + thick:.1f} {bend} {y0 + thick:.1f} {x0} {y0 + thick:.1f}Z"
    )
    return Markup('<path class="{}" d="{}"><title>{} → {}: {}</title></path>').format(
        end.style, path, node.name, end.name, note
    )


def _block(node: Node, scale: float, side: str) -> Markup:
    height = max(node.size * scale, 1.5)
    x = _LABELS if side == "left" else _WIDTH - _LABELS - _NODE
    at, anchor = (x - 8, "end") if side == "left" else (x + _NODE + 8, "start")
    middle = node.y + height / 2
    return Markup(
        '<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>'
        '<text class="strong" x="{}" y="{:.1f}" text-anchor="{}">{}</text>'
        '<text class="soft" x="{}" y="{:.1f}" text-anchor="{}">{}</text>'
    ).format(
        node.style,
        x,
        node.y,
        _NODE,
        height,
        at,
        middle - 2,
        anchor,
        _cut(node.name, 26),
        at,
        middle + 12,
        anchor,
        node.note,
    )


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def histogram(data: Row, title: str, styles: tuple[str, str] = ("kept", "dropped"), unit: str = "") -> Markup:
    """`data` as `project.counting.binning` gives it, with `limits` [{value, comparison, rule}] drawn in where given."""
    width, tall, text = _HISTOGRAM
    edges = data["edges"]
    limits = [limit for limit in data.get("limits", ()) if edges[0] <= limit["value"] <= edges[-1]]
    floor = tall + text * len(limits)  # thresholds are named above the bars
    at = _scale(edges, data["log"], width)
    low, high = _mark(edges[0], unit), _mark(edges[-1], unit) + (" and more" if data["beyond"] else "")
    axis = Markup(
        '<line class="axis" x1="0" x2="{0}" y1="{1}" y2="{1}"/><text class="soft" x="0" y="{2}">{3}</text>'
        '<text class="soft" x="{0}" y="{2}" text-anchor="end">{4}</text>'
    ).format(width, floor, floor + text - 2, low, high)
    shades, lines = _limits(limits, at, width, floor, unit)
    content = shades + _bars(data, at, floor, styles, unit) + axis + lines
    told = f"{sum(data['kept']):,} documents in the pile, {sum(data['out']):,} left out, from {low} to {high}"
    return picture("histogram", width, floor + text, title, told, content)


def _bars(data: Row, at: Callable[[float], float], floor: float, styles: tuple[str, str], unit: str) -> Markup:
    edges, kept, out = data["edges"], data["kept"], data["out"]
    most = max((a + b for a, b in zip(kept, out, strict=True)), default=0) or 1
    bars = []
    for index, (inside, outside) in enumerate(zip(kept, out, strict=True)):
        begin, end = edges[index], edges[index + 1]
        said = f"{_mark(begin, unit)} to {_mark(end, unit)}: {inside:,} in the pile, {outside:,} left out"
        y = floor
        for amount, style in ((inside, styles[0]), (outside, styles[1])):
            high = max(_HISTOGRAM[1] * amount / most, 1.5) if amount else 0
            y -= high
            shape = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
            if high:
                wide = max(at(end) - at(begin) - 0.6, 0.6)
                bars.append(Markup(shape).format(style, at(begin), y, wide, high, said))
    return Markup("").join(bars)


def _scale(edges: Sequence[float], log: bool, width: float) -> Callable[[float], float]:
    low, high = (math.log(edges[0]), math.log(edges[-1])) if log else (edges[0], edges[-1])

    def at(value: float) -> float:
        place = math.log(max(value, edges[0])) if log else value
        return min(max(width * (place - low) / ((high - low) or 1), 0.0), width)

    return at


def _limits(
    limits: Sequence[Row], at: Callable[[float], float], width: float, floor: float, unit: str
) -> tuple[Markup, Markup]:
    """The side that a rule drops as a shade, the threshold as a dashed line with its value."""
    shades, lines, text = [], [], _HISTOGRAM[2]
    top = text * len(limits)
    for place, limit in enumerate(limits):
        x, sign = at(limit["value"]), limit["comparison"]
        begin, wide = (0.0, x) if sign.startswith("<") else (x, width - x)
        shade = '<rect class="away" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>'
        shades.append(Markup(shade).format(begin, top, wide, floor - top))
        beside, anchor = (x - 5, "end") if x > 0.6 * width else (x + 5, "start")
        lines.append(
            Markup(
                '<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
                '<text x="{3:.1f}" y="{4}" text-anchor="{5}">drops {6} {7}</text>'
            ).format(
                x, text * place + 2, floor, beside, text * place + 12, anchor,
                _SIGNS.get(sign, sign), _mark(limit["value"], unit),
            )
        )  # fmt: skip
    return Markup("").join(shades), Markup("").join(lines)


_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


def _mark(value: float, unit: str = "") -> str:
    if unit:
        return short(value, unit)
    whole = float(value).is_integer() or abs(value) >= 100
    return short(round(value)) if whole else f"{value:.3g}".replace("-", "−")


def nested(alone: int, first: int, only: int, most: int, said: str) -> Markup:
    """What a rule drops: alone, of that as the first, of that it only; each bar lies in the other."""
    parts = [
        Markup('<rect class="{}" width="{:.3f}" height="10"/>').format(name, max(100 * value / most, 0.4))
        for name, value in (("alone", alone), ("first", first), ("only", only))
        if value and most
    ]
    return Markup(
        '<svg class="nested" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="track" width="100" height="10"/>{}</svg>'
    ).format(said, Markup("").join(parts))


def bar(value: float, most: float, style: str = "") -> Markup:
    """A bar beside a number that is also written; hidden from those who hear the page."""
    width = max(0.5, 100 * value / most) if value > 0 and most > 0 else 0
    return Markup(
        '<td class="drawn"><svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="10"/><rect class="{}" width="{:.2f}" height="10"/></svg></td>'
    ).format(style, width)


def stack(parts: Sequence[tuple[str, str, float]]) -> Markup:
    """(class, name, value) each: one divided bar."""
    total = sum(value for _, _, value in parts) or 1
    left, drawn = 0.0, []
    for style, name, value in parts:
        wide = 100 * value / total
        drawn.append(
            Markup('<rect class="{}" x="{:.3f}" width="{:.3f}" height="10"><title>{}</title></rect>').format(
                style, left, wide, f"{name}: {value:,}"
            )
        )
        left += wide
    told = escape(", ".join(f"{name} {value:,}" for _, name, value in parts))
    return Markup(
        '<svg class="stack" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(told, Markup("").join(drawn))
