"""Does training work on this machine's GPU, how fast, and does a killed run end on the same bits?

    python scripts/gpu_check.py [--steps 200] [--size 100M] [--context 1024] [--batch 32] [--out FOLDER]

Trains the product's own loop on made-up tokens, once in one go and once killed (SIGKILL) in the middle and resumed,
each in a process of its own, and prints one JSON object. Needs torch, transformers, numpy, safetensors, pydantic.
Runs on a CPU too (try `--steps 12 --size 500k --context 64 --batch 8`). Exit code 1 when the digests differ.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

VOCABULARY, END_OF_TEXT, PHRASE, PHRASES = 16_384, 0, 16, 4096
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))


class MadeUpTokens:
    """Documents of 40 phrases of 16 tokens: the inside of a phrase can be learned, its choice cannot."""

    vocabulary, end_of_text = VOCABULARY, END_OF_TEXT

    def __init__(self) -> None:
        import numpy as np

        draw = np.random.default_rng(0)
        phrases = draw.integers(1, VOCABULARY, (PHRASES, PHRASE), dtype=np.uint16)
        self.tokens = phrases[draw.integers(0, PHRASES, 1_000_000)].reshape(-1)
        self.tokens[:: 40 * PHRASE] = END_OF_TEXT

    def source_ranges(self) -> dict[str, tuple[int, int]]:
        return {"made-up": (0, len(self.tokens))}


def child(arguments: argparse.Namespace) -> None:
    """Train in `--child`, or go on with what lies there; write result.json."""
    import torch

    from modelwright.core.context import Context
    from modelwright.core.machine import machine
    from modelwright.core.spec import Budget
    from modelwright.engines.distributed import Ranks
    from modelwright.formats.weights import model_digest
    from modelwright.train import loop, plan
    from modelwright.train.run import build_trainer, resume
    from modelwright.train.settings import TrainSettings

    home, where = Path(arguments.child), plan.device()
    context = Context(home / "out", home / "work", home, home, 1, machine(home))
    context.work.mkdir(parents=True, exist_ok=True)
    settings = TrainSettings.model_validate(
        {"family": {"qwen3": {"size": arguments.size, "context": arguments.context}}, "batch": arguments.batch}
    )
    with loop.numerics_set(plan.threads(context.machine), where):
        trainer = build_trainer(settings, MadeUpTokens(), context, where, Ranks())  # type: ignore[arg-type]
        numerics = plan.Numerics(
            arguments.steps, settings.batch, trainer.windows_per_pass, trainer.order.context,
            plan.threads(context.machine), where, "bfloat16" if where == "cuda" else "float32", 1.0, 0.0,
        )  # fmt: skip
        first, _ = resume(trainer, context)
        every = Budget(amount=max(2, arguments.steps // 10), unit="steps")
        seconds = loop.train(trainer, numerics, context, every, first, 0.0)
        context.close()
    trainer.model.to("cpu").save_pretrained(context.out)
    rows = [json.loads(line) for line in (context.work / "metrics.jsonl").read_text().splitlines()]
    losses = [row["value"] for row in rows if row["name"] == "loss"]
    speeds = sorted(row["value"] for row in rows if row["name"] == "tokens_per_second")
    result = {
        "device": torch.cuda.get_device_name() if where == "cuda" else context.machine.device_name,
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "windows_per_pass": numerics.windows_per_pass,
        "first_step": first,
        "seconds": round(seconds, 2),
        "tokens_per_second": round((arguments.steps - first) * settings.batch * trainer.order.context / seconds),
        "median_tokens_per_second": speeds[len(speeds) // 2],
        "peak_memory_bytes": torch.cuda.max_memory_allocated() if where == "cuda" else None,
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "digest": model_digest(context.out),
    }
    (home / "result.json").write_text(json.dumps(result))


def start(arguments: argparse.Namespace, home: Path) -> subprocess.Popen[bytes]:
    home.mkdir(parents=True, exist_ok=True)
    same = [f"--{name}={getattr(arguments, name)}" for name in ("steps", "size", "context", "batch")]
    environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    return subprocess.Popen([sys.executable, __file__, f"--child={home}", *same], env=environment, stdout=sys.stderr)


def result(process: subprocess.Popen[bytes], home: Path) -> dict[str, Any]:
    if process.wait() != 0:
        raise SystemExit(f"training in {home} failed with exit code {process.returncode}")
    read: dict[str, Any] = json.loads((home / "result.json").read_text())
    return read


def killed_in_the_middle(arguments: argparse.Namespace, home: Path) -> int:
    """Start, kill after half of the steps; the step it had reached."""
    process, metrics = start(arguments, home), home / "work" / "metrics.jsonl"
    step = 0
    while step < arguments.steps // 2:
        time.sleep(0.05)
        if process.poll() is not None:
            raise SystemExit("the run ended before it could be killed: give it more steps")
        lines = metrics.read_text().splitlines() if metrics.exists() else []
        step = json.loads(lines[-2])["step"] if len(lines) > 1 else 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    return step


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--size", default="100M")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--out", type=Path, help="also write gpu_check.json here")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        whole = result(start(arguments, Path(folder) / "whole"), Path(folder) / "whole")
        step = killed_in_the_middle(arguments, Path(folder) / "killed")
        resumed = result(start(arguments, Path(folder) / "killed"), Path(folder) / "killed")
    equal = whole["digest"] == resumed["digest"]
    report = {**whole, "killed_at_step": step, "resumed_at_step": resumed["first_step"], "resumed_equal": equal}
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.out:
        (arguments.out / "gpu_check.json").write_text(text)
    return 0 if equal else 1


if __name__ == "__main__":
    raise SystemExit(main())
