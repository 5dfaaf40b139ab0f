"""The picture of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.train.plot import losses, plot, smoothed


def test_losses_are_read_back_in_order_of_steps(tmp_path: Path) -> None:
    rows = [("loss", 2, 5.0), ("tokens_per_second", 1, 9.0), ("loss", 1, 6.0)]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(dict(zip(("name", "step", "value"), row, strict=True))) + "\n" for row in rows))
    assert losses(path) == [(1, 6.0), (2, 5.0)]
    assert losses(tmp_path / "none") == []


def test_smoothing_keeps_a_constant_and_has_no_bias_at_the_start() -> None:
    assert smoothed([3.0] * 40) == pytest.approx([3.0] * 40)
    assert smoothed([8.0, 4.0])[0] == 8.0
    assert 4.0 < smoothed([8.0, 4.0])[1] < 8.0


def test_the_picture_is_a_png_of_fixed_size_and_the_same_bytes_again(tmp_path: Path) -> None:
    points = [(step, 9 / step**0.3) for step in range(1, 200)]
    for name in ("a.png", "b.png"):
        plot(points, 4096, "Qwen3ForCausalLM, 2.9 M parameters", tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes()
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (1280, 800)
    plot([], 1, "nothing", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
