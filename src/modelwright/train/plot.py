"""The picture of a run: loss over tokens, as measured and smoothed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

SMOOTHING = 0.02  # share of the run that the smoothed line looks back over


def losses(metrics: Path) -> list[tuple[int, float]]:
    """(step, loss) of a `metrics.jsonl`, in order of steps; empty where there is none."""
    if not metrics.exists():
        return []
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    return sorted((row["step"], row["value"]) for row in rows if row["name"] == "loss")


def smoothed(values: Sequence[float]) -> list[float]:
    """Moving average that looks back over 2 % of the run, and over less where the curve is young and steep."""
    average, result = 0.0, []
    for count, value in enumerate(values, start=1):
        window = min(count, max(3.0, min(SMOOTHING * len(values), count / 4)))
        average += (value - average) / window
        result.append(average)
    return result


def plot(points: Sequence[tuple[int, float]], tokens_per_step: int, title: str, path: Path) -> None:
    """Write a PNG of 1,280 x 800 pixels. Without points there is no picture."""
    if not points:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    unit, name = (1e9, "billion") if points[-1][0] * tokens_per_step >= 1e9 else (1e6, "million")
    tokens = [step * tokens_per_step / unit for step, _ in points]
    values = [loss for _, loss in points]
    line = smoothed(values)
    figure = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(tokens, values, color="#9db8d9", linewidth=0.8, label="each step")
    axes.plot(tokens, line, color="#1f4e8c", linewidth=2.0, label="smoothed")
    axes.annotate(
        f"{line[-1]:.3f}",
        (tokens[-1], line[-1]),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color="#1f4e8c",
    )
    axes.set_title(f"Training loss: {title}", loc="left", fontsize=12)
    axes.set_xlabel(f"{name} tokens seen")
    axes.set_ylabel("loss (nats per token)")
    low, high = min(values), max(values)
    axes.set_ylim(low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1))
    axes.set_xlim(0, tokens[-1] * 1.08)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Software": None})
