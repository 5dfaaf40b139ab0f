"""Pictures as inline SVG, each with a title and a description for those who do not see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from markupsafe import Markup, escape

from modelwright.govern.cards.format import short

Row = Mapping[str, Any]
_WIDTH, _LABELS, _NODE = 1000, 190, 14
_PITCH = 31  # of two lines of text
_SANKEY = 330  # height of the whole flow, without gaps
_HISTOGRAM = (320, 118, 16)  # width, height of the bars, height of the text below


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
    part = size / total
    percent = "under 0.1 %" if part < 0.001 else f"{100 * part:.3g} %"
    return f"{short(size, unit)} · {percent}"


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
        node.style, x, node.y, _NODE, height, at, middle - 2, anchor, _cut(node.name, 26), at, middle + 12, anchor, node.note
    )


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def histogram(data: Row, title: str, styles: tuple[str, str] = ("kept", "dropped"), unit: str = "") -> Markup:
    """`data` as `project.counting.binning` gives it, with `limits` [{value, comparison, rule}] drawn in where given."""
    width, tall, text = _HISTOGRAM
    edges, kept, out = data["edges"], data["kept"], data["out"]
    most = max((a + b for a, b in zip(kept, out, strict=True)), default=0) or 1
    at = _scale(edges, data["log"], width)
    bars = []
    for index, (inside, outside) in enumerate(zip(kept, out, strict=True)):
        x, wide = at(edges[index]), max(at(edges[index + 1]) - at(edges[index]) - 0.6, 0.6)
        y = float(tall)
        said = f"{_mark(edges[index], unit)} to {_mark(edges[index + 1], unit)}: {inside:,} in the pile, {outside:,} left out"
        for amount, style in ((inside, styles[0]), (outside, styles[1])):
            if amount:
                high = max(tall * amount / most, 1.5)
                y -= high
                bars.append(
                    Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
                    .format(style, x, max(y, 0.0), wide, high, said)
                )  # fmt: skip
    shades, lines = _limits(data.get("limits", ()), at, edges, width, tall, unit)
    low, high = _mark(edges[0], unit), _mark(edges[-1], unit) + (" and more" if data["beyond"] else "")
    axis = Markup(
        '<line class="axis" x1="0" x2="{0}" y1="{1}" y2="{1}"/><text class="soft" x="0" y="{2}">{3}</text>'
        '<text class="soft" x="{0}" y="{2}" text-anchor="end">{4}</text>'
    ).format(width, tall, tall + text - 2, low, high)
    content = shades + Markup("").join(bars) + axis + lines
    told = f"{sum(kept):,} documents in the pile, {sum(out):,} left out, from {low} to {high}"
    return picture("histogram", width, tall + text, title, told, content)


def _scale(edges: Sequence[float], log: bool, width: float) -> Callable[[float], float]:
    low, high = (math.log(edges[0]), math.log(edges[-1])) if log else (edges[0], edges[-1])

    def at(value: float) -> float:
        place = math.log(max(value, edges[0])) if log else value
        return min(max(width * (place - low) / ((high - low) or 1), 0.0), width)

    return at


def _limits(
    limits: Sequence[Row], at: Callable[[float], float], edges: Sequence[float], width: float, tall: float, unit: str
) -> tuple[Markup, Markup]:
    """The side that a rule drops as a shade, the threshold as a dashed line with its value."""
    shades, lines, free = [], [], count()
    for limit in limits:
        if not edges[0] <= limit["value"] <= edges[-1]:
            continue
        x = at(limit["value"])
        begin, wide = (0.0, x) if limit["comparison"].startswith("<") else (x, width - x)
        shades.append(Markup('<rect class="away" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>').format(begin, wide, tall))
        to_left = x > 0.6 * width
        lines.append(
            Markup(
                '<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/><text x="{2:.1f}" y="{3}" text-anchor="{4}">{5}</text>'
            ).format(
                x, tall, x - 5 if to_left else x + 5, 11 + 14 * next(free), "end" if to_left else "start",
                f"drops {_SIGNS.get(limit['comparison'], limit['comparison'])} {_mark(limit['value'], unit)}",
            )
        )  # fmt: skip
    return Markup("").join(shades), Markup("").join(lines)


_SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


def _mark(value: float, unit: str = "") -> str:
    if unit:
        return short(value, unit)
    return short(int(value)) if float(value).is_integer() else f"{value:.3g}".replace("-", "−")


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
