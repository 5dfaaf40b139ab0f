"""Stage 2, train: tokens -> a complete Hugging Face model folder. Read `run` from top to bottom."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import InputError, UsageError
from modelwright.engines import distributed
from modelwright.formats.tokens import Tokens
from modelwright.formats.weights import model_digest
from modelwright.train import checkpoint, loop, plan
from modelwright.train.muon import MuonAdamW
from modelwright.train.order import Order, chosen_ranges
from modelwright.train.settings import TrainSettings

HYPERPARAMETERS = ("seed", "batch", "matrix_rate", "table_rate", "vector_rate", "weight_decay", "warmup", "decay")


def estimate(settings: TrainSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """What a run will need; imports no torch."""
    return plan.estimate(settings, inputs, machine)


def run(settings: TrainSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Train, or go on with an interrupted run, and write the model folder, `loss.png` and the facts.

    Raises InputError for a base that does not fit the tokens, UsageError for a budget under one step, EmptyResult
    without tokens, Stopped when asked to stop (the next call resumes and ends on the same bits).
    """
    began = time.perf_counter()
    tokens = Tokens.open(inputs["tokens"].path)
    # The base is named by a path, which says nothing later: its digest tells what the weights come from.
    base = {"base_digest": model_digest(context.project / settings.base)} if settings.base else {}
    # `run.device: cpu` holds on a machine with a GPU too.
    where = plan.device() if context.machine.device == "cuda" else "cpu"
    with distributed.ranks(where) as group:
        numerics = _numerics(settings, tokens, context, where, group, began)
        with loop.numerics_set(numerics.threads, numerics.device):
            trainer = build_trainer(settings, tokens, context, numerics.device, group)
            trainer.windows_per_pass = numerics.windows_per_pass
            first, seconds = resume(trainer, context)
            seconds = loop.train(trainer, numerics, context, settings.checkpoint_every, first, seconds)
        if group.first:
            _write(trainer.model, inputs["tokens"].path, context)
            _plot(trainer, numerics, context)
        distributed.first_says(group, 0.0, where)  # nobody reads the folder before it is written
        facts = _facts(settings, trainer, numerics, context, seconds)
    return Output(model_digest(context.out), facts | base)


def _numerics(
    settings: TrainSettings, tokens: Tokens, context: Context, where: str, group: distributed.Ranks, began: float
) -> plan.Numerics:
    """What decides bits: as written by the first attempt, else by rule and from a probe, then written."""
    path = context.work / "run.json"
    if path.exists():
        numerics = plan.Numerics.read(path)
        if numerics.device == "cuda" and where != "cuda":
            hint = "resume on a machine with a GPU, or start over with `--rebuild train`"
            raise InputError("this run was begun on a GPU, and here is none", hint=hint, value=numerics.device)
        return numerics
    if settings.batch < group.world:
        raise UsageError(f"train.batch: {settings.batch} is less than {group.world} ranks", hint="raise train.batch")
    threads, seconds = plan.threads(context.machine), plan.budget_seconds(settings, context.machine)
    with loop.numerics_set(threads, where):
        trainer = build_trainer(settings, tokens, context, where, group)
        context.progress("measuring the speed", 0, None)
        per_step = distributed.first_says(group, loop.probe(trainer, seconds), where)
    spent = distributed.first_says(group, time.perf_counter() - began, where)
    numerics = plan.Numerics(
        steps=plan.steps_for(settings, context.machine, settings.batch * trainer.order.context, per_step, spent),
        batch=settings.batch,
        windows_per_pass=trainer.windows_per_pass,
        context=trainer.order.context,
        threads=threads,
        device=where,
        dtype="bfloat16" if where == "cuda" else "float32",
        seconds_per_step=per_step,
        probe_seconds=spent,
    )
    if group.first:
        numerics.save(path)
    distributed.first_says(group, 0.0, where)
    return numerics


def build_trainer(
    settings: TrainSettings, tokens: Tokens, context: Context, where: str, group: distributed.Ranks
) -> loop.Trainer:
    """The model with its first weights (or the base's), its optimiser and the order of data, on device `where`."""
    model = _model(settings, tokens, context.project).to(where)
    tables = {
        name
        for name, parameter in model.named_parameters()
        for module in (model.get_input_embeddings(), model.get_output_embeddings())
        if module is not None and parameter is getattr(module, "weight", None)
    }
    optimizer = MuonAdamW(
        [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad],
        tables,
        matrix_rate=settings.matrix_rate,
        table_rate=settings.table_rate,
        vector_rate=settings.vector_rate,
        weight_decay=settings.weight_decay,
    )
    length = int(model.config.max_position_embeddings)
    ranges = chosen_ranges(tokens.source_ranges(), settings.sources)
    order = Order(ranges, length, settings.batch, settings.seed)
    config = model.config
    per_token = plan.pass_bytes(config.num_hidden_layers, config.hidden_size, config.intermediate_size)
    memory = plan.memory_of(where, context.machine)
    per_pass = plan.windows_per_pass(settings.batch, length, where, memory, per_token)
    return loop.Trainer(
        model, optimizer, settings.objective, order, tokens.tokens, tokens.end_of_text, group, where, per_pass,
        settings.warmup, settings.decay,
    )  # fmt: skip


def _model(settings: TrainSettings, tokens: Tokens, project: Path) -> Any:
    """A new model with seeded weights, or the base; float32, in training mode."""
    import torch
    from transformers import AutoModelForCausalLM

    if settings.family is not None:
        config = settings.family.config(tokens.vocabulary, tokens.end_of_text)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa").train()
    from modelwright.models import inference

    base = project / str(settings.base)
    loaded = inference.load(base)
    if (base / "tokenizer.json").read_bytes() != Path(tokens.tokenizer_path).read_bytes():
        raise InputError(
            f"the tokens were not made with the tokenizer of {settings.base}",
            hint="`prepare.tokenizer: {from: tokens@N}`, with the tokens that the base was trained on",
            value=str(settings.base),
        )
    return loaded.model.train()


def resume(trainer: loop.Trainer, context: Context) -> tuple[int, float]:
    """Take up the newest checkpoint: steps done and seconds spent so far."""
    import torch

    found = checkpoint.newest(context.work)
    if found is None:
        if trainer.group.first:
            context.rewind_metrics(0)
        return 0, 0.0
    weights, state, meta = found
    with torch.no_grad():
        for name, parameter in trainer.named():
            parameter.copy_(weights[name])
    trainer.optimizer.restore(state)
    if trainer.group.first:
        context.rewind_metrics(meta["step"])
    return int(meta["step"]), float(meta["seconds"])


def _write(model: Any, tokens: Path, context: Context) -> None:
    """The model folder, as transformers writes it, with the tokenizer of the tokens."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    with checkpoint.writing(context.out / "model.safetensors"):
        model.eval().to("cpu").save_pretrained(context.out)
    for path in context.out.glob("*.safetensors"):
        path.chmod(0o644)  # the library leaves them to their owner alone
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokens / name, context.out / name)


def _plot(trainer: loop.Trainer, numerics: plan.Numerics, context: Context) -> None:
    from modelwright.train.plot import losses, plot

    parameters = sum(parameter.numel() for _, parameter in trainer.named())
    title = f"{type(trainer.model).__name__}, {parameters / 1e6:.1f} M parameters"
    context.close()  # what was measured is on disk from here on
    plot(losses(context.work / "metrics.jsonl"), numerics.batch * numerics.context, title, context.out / "loss.png")


def _facts(
    settings: TrainSettings, trainer: loop.Trainer, numerics: plan.Numerics, context: Context, seconds: float
) -> dict[str, Any]:
    from modelwright.train.plot import losses

    config, order = trainer.model.config, trainer.order
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    seen = order.tokens_by_source(0, numerics.steps)
    count = sum(seen.values())
    measured = [loss for _, loss in losses(context.work / "metrics.jsonl")]
    last = measured[-50:]
    flops = plan.flops_per_token(parameters, config.num_hidden_layers, config.hidden_size, numerics.context)
    return {
        "family": config.model_type,
        "architecture": type(trainer.model).__name__,
        "parameters": parameters,
        "layers": config.num_hidden_layers,
        "width": config.hidden_size,
        "vocabulary": config.vocab_size,
        "context": numerics.context,
        "steps": numerics.steps,
        "tokens": count,
        "tokens_by_source": seen,
        "tokens_available": order.tokens,
        "epochs": round(numerics.steps * numerics.batch / order.windows, 4),
        "flops": flops * count,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(count / max(seconds, 1e-9), 1),
        "first_loss": measured[0] if measured else None,
        "final_loss": sum(last) / len(last) if last else None,
        "loss_unit": "nats per token, mean of the last 50 steps",
        "planned": {
            "budget": str(settings.budget),
            "seconds": round(numerics.steps * numerics.seconds_per_step + numerics.probe_seconds, 2),
            "tokens_per_second": round(numerics.batch * numerics.context / numerics.seconds_per_step, 1),
        },
        "actual": {
            "seconds": round(seconds + numerics.probe_seconds, 2),
            "tokens_per_second": round(count / max(seconds, 1e-9), 1),
        },
        "threads": numerics.threads,
        "ranks": trainer.group.world,
        "dtype": numerics.dtype,
        "device": numerics.device,
        "hyperparameters": {
            "optimizer": "Muon (hidden matrices), AdamW (embeddings, head, norms)",
            **settings.model_dump(include=set(HYPERPARAMETERS)),
        },
    }
