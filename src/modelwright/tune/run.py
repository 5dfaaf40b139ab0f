"""Stage 4: a model and examples -> an adapter. The whole path, top to bottom."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import InputError, Stopped
from modelwright.core.storage import read_json, storage_error, write_json
from modelwright.formats import chat
from modelwright.formats import pairs as pairs_format
from modelwright.formats.tokens import Tokens
from modelwright.formats.weights import model_digest
from modelwright.tune import examples, preflight
from modelwright.tune.examples import Rows
from modelwright.tune.method import Hooks, Method, Schedule
from modelwright.tune.settings import TuneSettings

IMPORT_SECONDS = 8.0
"""Loading torch, transformers, TRL and PEFT on a cold disk (measured 6-8 s)."""
FLOPS_PER_CORE_SECOND = 2e10
"""Useful float32 operations per second and core in small models, for estimates alone (measured 1-4e10)."""
PROBE_STEPS = 4
MEASURED_ROWS = 16
CHECKPOINTS = 4


@dataclass(frozen=True)
class Material:
    """What is learned: rows of examples, rows of base data or None, rows to measure on, and facts about them."""

    rows: Rows
    base: Rows | None
    measured: Rows
    facts: dict[str, Any]


def estimate(settings: TuneSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """Without loading anything: from the budget, and from the model's size where it is known."""
    method: Method = settings.method
    parameters = inputs["model"].facts.get("parameters") if "model" in inputs else None
    parameters = parameters if isinstance(parameters, (int, float)) else None
    memory = 1_000_000_000 + int(8 * parameters) if parameters else None
    if settings.budget.unit == "seconds":
        seconds = settings.budget.amount + 3 * IMPORT_SECONDS
        basis = f"the budget of {settings.budget}, loading, a probe of {PROBE_STEPS} steps and measuring"
        return Estimate(seconds=seconds, memory_bytes=memory, disk_bytes=50_000_000, basis=basis)
    tokens = settings.budget.amount * (method.batch_tokens if settings.budget.unit == "steps" else 1)
    if parameters is None:
        return Estimate(memory_bytes=None, disk_bytes=50_000_000, basis="unknown until the model is known")
    # Forward 2 and backward 2 operations per parameter and token: the frozen weights get no gradient (Kaplan 2020).
    seconds = 3 * IMPORT_SECONDS + 4 * parameters * tokens / (FLOPS_PER_CORE_SECOND * machine.cores)
    basis = f"{tokens:g} tokens x 4 x {parameters:g} parameters at {FLOPS_PER_CORE_SECOND:g} operations per core-second"
    return Estimate(
        seconds=seconds, memory_bytes=memory, disk_bytes=50_000_000, basis=basis, details={"tokens": tokens}
    )


def run(settings: TuneSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Check, decide the steps, train, measure, save. Resumes from the newest whole checkpoint in `context.work`."""
    preflight.check_budget(settings.budget)
    folder = _model_folder(settings, inputs, context)
    config = preflight.check_model(folder)
    from modelwright.engines.trl import threads
    from modelwright.models import inference

    with threads(_threads(context)):
        began = time.monotonic()
        context.progress("loading the model", 0)
        loaded = inference.load(folder, device=context.machine.device)
        material = _material(settings, inputs, loaded)
        plan = _planned(settings, material, loaded, folder, context)
        before = {name: _loss(loaded, rows) for name, rows in _measured(material).items()}
        method: Method = settings.method
        tuned = method.attach(loaded.model, settings.seed)
        facts = {"trainable_parameters": sum(p.numel() for p in tuned.parameters() if p.requires_grad)}
        try:
            seconds = _train(settings, material, tuned, loaded, plan, context)
            method.save(tuned, context.out)
        except OSError as error:
            raise storage_error(error, context.out) from error
        after = {name: _loss(loaded, rows) for name, rows in _measured(material).items()}
    facts |= _facts(settings, material, plan, config) | {"loss_before": before, "loss_after": after}
    facts["actual"] = {"training_seconds": round(seconds, 2), "seconds": round(time.monotonic() - began, 2)}
    return Output(model_digest(context.out), facts)


def _model_folder(settings: TuneSettings, inputs: Mapping[str, Artifact], context: Context) -> Path:
    if settings.base is not None:
        return context.project / settings.base
    if "model" not in inputs:
        raise InputError("there is no model to tune", hint="add `train:` or `tune: {base: path/to/model}`")
    return inputs["model"].path


def _material(settings: TuneSettings, inputs: Mapping[str, Artifact], loaded: Any) -> Material:
    tokens = Tokens.open(inputs["tokens"].path) if "tokens" in inputs else None
    if settings.pairs() is not None:
        return _pairs_material(inputs, tokens, loaded)
    if tokens is None:
        raise InputError(
            f"examples from the source {settings.examples} need tokens",
            hint="add `prepare: {tokenizer: ...}`, or name a .jsonl or .csv file",
            value=settings.examples,
        )
    folder = Path(loaded.tokenizer.name_or_path)
    preflight.check_tokens(tokens, folder)
    ranges = tokens.source_ranges()
    own = preflight.source_range(ranges, settings.examples)
    rows = examples.windows(tokens.tokens, [own], loaded.context_length, loaded.end_of_text)
    base = _base_rows(tokens, loaded, without=settings.examples)
    facts = {"kind": "source", "source": settings.examples, "count": rows.count, "tokens": rows.tokens, "too_long": 0}
    facts |= {"measured_on": "examples", "base_rows": base.count if base else 0}
    return Material(rows, base, rows, facts)


def _pairs_material(inputs: Mapping[str, Artifact], tokens: Any, loaded: Any) -> Material:
    folder = inputs["pairs"].path
    train, too_long = preflight.fitting(_encoded(folder, pairs_format.TRAIN, loaded), loaded.context_length)
    held_out, _ = preflight.fitting(_encoded(folder, pairs_format.HELD_OUT, loaded), loaded.context_length)
    if not train:
        raise InputError(
            "every pair is held out: none is left to learn from", hint="add pairs or lower `tune.held_out`"
        )
    usable = tokens is not None and _same_tokenizer(tokens, loaded)
    base = _base_rows(tokens, loaded, without=None) if usable else None
    rows = examples.pack(train, loaded.context_length, loaded.end_of_text)
    measured = examples.pack(held_out or train, loaded.context_length, loaded.end_of_text)
    facts = {"kind": "pairs", "count": len(train), "tokens": rows.tokens, "too_long": too_long}
    facts |= {"held_out": len(held_out), "measured_on": "held out pairs" if held_out else "examples"}
    facts |= {"distinct_completions": len({tuple(completion) for _, completion in train})}
    return Material(rows, base, measured, facts | {"base_rows": base.count if base else 0})


def _same_tokenizer(tokens: Any, loaded: Any) -> bool:
    try:
        preflight.check_tokens(tokens, Path(loaded.tokenizer.name_or_path))
    except InputError:
        return False
    return True


def _base_rows(tokens: Any, loaded: Any, without: str | None) -> Rows | None:
    ranges = [span for source, span in sorted(tokens.source_ranges().items()) if source != without]
    rows = examples.windows(tokens.tokens, ranges, loaded.context_length, loaded.end_of_text)
    return rows if rows.count else None


def _encoded(folder: Path, split: str, loaded: Any) -> list[tuple[list[int], list[int]]]:
    """Prompt and completion ids, encoded apart as when the model answers; conversations in the model's own template."""
    from modelwright.models import inference

    pairs = pairs_format.to_pairs(pairs_format.read(folder, split))
    encoded = []
    for pair in pairs:
        if pair.messages is not None and getattr(loaded.tokenizer, "chat_template", None):
            texts = chat.prompt_and_completion(pair.messages, loaded.tokenizer)
            ids = [loaded.tokenizer.encode(text, add_special_tokens=False) for text in texts]
        else:
            ids = inference.encode(loaded, [pair.prompt, pair.completion])
        encoded.append((ids[0], ids[1]))
    return encoded


def _measured(material: Material) -> dict[str, Rows]:
    return {"examples": material.measured} | ({"base": material.base} if material.base else {})


def _loss(loaded: Any, rows: Rows) -> float:
    """Mean loss in nats per token over the same few rows before and after, evenly spread."""
    import torch

    from modelwright.engines.trl import collate

    count = min(MEASURED_ROWS, rows.count)
    total, number = 0.0, 0
    for index in range(count):
        batch = collate([rows.get(index * rows.count // count)], loaded.end_of_text)
        labels = batch.pop("labels")[:, 1:].to(loaded.device)
        with torch.inference_mode():
            inputs = {name: tensor.to(loaded.device) for name, tensor in batch.items()}
            logits = loaded.model(**inputs, use_cache=False).logits[:, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100, reduction="sum")
        total, number = total + float(losses), number + int((labels != -100).sum())
    return total / max(1, number)


def _planned(settings: TuneSettings, material: Material, loaded: Any, folder: Path, context: Context) -> dict[str, Any]:
    """What fixes the run, written before its first step and reused on resume."""
    path = context.work / "plan.json"
    if path.is_file():
        plan: dict[str, Any] = read_json(path)
        return plan
    method: Method = settings.method
    batch = max(2, method.batch_tokens // loaded.context_length)
    share = method.replay if material.base else 0.0
    step_tokens = batch * loaded.context_length
    plan = {"batch": batch, "replay": share, "threads": _threads(context), "limited_by": "budget"}
    if settings.budget.unit == "seconds":
        step_seconds = _probe(settings, material, loaded, folder, plan, context)
        steps = max(1, int(settings.budget.amount / step_seconds))
        most = max(1, round(method.passes * material.rows.count / (batch * max(1 - share, 1e-9))))
        if 0 < most < steps:
            steps, plan["limited_by"] = most, "passes"
        plan |= {"step_seconds": round(step_seconds, 4), "planned_seconds": round(steps * step_seconds, 2)}
    else:
        steps = (
            int(settings.budget.amount) if settings.budget.unit == "steps" else settings.budget.amount // step_tokens
        )
    plan["steps"] = max(1, int(steps))
    write_json(path, plan)
    return plan


def _threads(context: Context) -> int:
    """Threads change bits: those of the plan, once there is one."""
    path = context.work / "plan.json"
    # As in training: all cores, up to 16.
    return int(read_json(path)["threads"]) if path.is_file() else min(16, context.machine.cores)


def _probe(
    settings: TuneSettings, material: Material, loaded: Any, folder: Path, plan: dict[str, Any], context: Context
) -> float:
    """Seconds per step, the median of a few real steps on a second copy of the model, which is thrown away."""
    from modelwright.models import inference

    context.progress("probing the speed", 0, PROBE_STEPS, "steps")
    copy = inference.load(folder, device=loaded.device)
    method: Method = settings.method
    tuned = method.attach(copy.model, settings.seed)
    marks: list[float] = []
    hooks = Hooks(
        lambda step: marks.append(time.monotonic()), lambda *metric: None, context.stopping, lambda step: None
    )
    schedule = _schedule(settings, plan | {"steps": PROBE_STEPS + 1}, loaded, save_every=0)
    row = examples.mix(material.rows, material.base, plan["replay"], settings.seed)
    with tempfile.TemporaryDirectory(dir=context.work) as temporary:
        method.train(tuned, copy.tokenizer, row, schedule, hooks, Path(temporary))
    _stop_if_asked(context)
    return statistics.median(after - before for before, after in itertools.pairwise(marks))


def _schedule(settings: TuneSettings, plan: Mapping[str, Any], loaded: Any, save_every: int) -> Schedule:
    return Schedule(
        steps=plan["steps"],
        batch=plan["batch"],
        seed=settings.seed,
        device=loaded.device,
        padding=loaded.end_of_text,
        save_every=save_every,
        log_every=max(1, plan["steps"] // 100),
    )


def _train(
    settings: TuneSettings, material: Material, tuned: Any, loaded: Any, plan: Mapping[str, Any], context: Context
) -> float:
    """Seconds of this attempt. Raises Stopped after saving a checkpoint when asked to stop."""
    began = time.monotonic()
    steps = plan["steps"]
    tokens = plan["batch"] * loaded.context_length

    def on_step(step: int) -> None:
        speed = tokens * (step - start[0]) / max(1e-9, time.monotonic() - began)
        context.progress(
            "tuning", step, steps, "steps", tokens_per_second=round(speed), loss=losses[-1] if losses else None
        )

    def on_metric(step: int, name: str, value: float) -> None:
        if name == "loss":
            losses.append(value)
        context.metric(name, step, value)

    def rewound(step: int) -> None:
        start[0] = step
        context.rewind_metrics(step)

    losses: list[float] = []
    start = [0]
    hooks = Hooks(on_step, on_metric, context.stopping, rewound)
    schedule = _schedule(settings, plan, loaded, save_every=max(1, -(-steps // CHECKPOINTS)))
    row = examples.mix(material.rows, material.base, plan["replay"], settings.seed)
    folder = context.work / "checkpoints"
    folder.mkdir(exist_ok=True)
    last = settings.method.train(tuned, loaded.tokenizer, row, schedule, hooks, folder)
    context.close()
    if last < steps:
        raise Stopped(
            f"stopped while tuning, after step {last} of {steps}", hint="the same command resumes", value=last
        )
    return time.monotonic() - began


def _stop_if_asked(context: Context) -> None:
    if context.stopping():
        raise Stopped("stopped before tuning", hint="the same command starts it again")


def _facts(
    settings: TuneSettings, material: Material, plan: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    positions = plan["steps"] * plan["batch"]
    own = positions - examples.replayed(positions, plan["replay"])
    return {
        "steps": plan["steps"],
        "batch": plan["batch"],
        "replay_share": (positions - own) / positions,
        "passes": own / material.rows.count,
        "examples": material.facts,
        "base_architecture": (config.get("architectures") or [None])[0],
        "warnings": preflight.warnings(material.facts, settings.method.replay),
        "planned": {"seconds": plan.get("planned_seconds"), "steps": plan["steps"], "limited_by": plan["limited_by"]},
        "probe": {"step_seconds": plan.get("step_seconds"), "threads": plan["threads"]},
    }
