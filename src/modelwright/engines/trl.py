"""TRL's supervised trainer behind one function that passes every argument explicitly.

Its defaults are not ours: on a CPU it would turn on bf16 and gradient checkpointing (2.5-10 times slower here), and
it would ask the hub for what lies on disk.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from modelwright.core.errors import StorageError
from modelwright.core.storage import write_atomic

COMPLETE = "complete"
"""A file in a checkpoint's folder that is written last: without it the checkpoint is torn."""


TILED_LOGITS = 2**28
"""Above so many logits a batch (1 GiB in float32) TRL's loss in tiles saves memory; below it, it costs 1.6 times
the processor time of the plain loss (measured on 3.4 million parameters, 8,192 tokens), because it projects twice."""


def fine_tune(
    model: Any,
    tokenizer: Any,
    row: Callable[[int], Any],
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: str,
    padding: int,
    save_every: int,
    log_every: int,
    on_step: Callable[[int], None],
    on_metric: Callable[[int, str, float], None],
    stopping: Callable[[], bool],
    rewound: Callable[[int], None],
    folder: Path,
) -> int:
    """Train the trainable parameters of `model` in place on `row(0) .. row(steps * batch - 1)`, in this order.

    row        position -> object with `ids`, `labels` (-100: no loss), `positions`
    folder     holds checkpoints every `save_every` steps (0: none); the newest whole one is resumed from
    rewound    called with the step that training starts from
    Returns the last step done: `steps`, or less when `stopping()` said so (a checkpoint is written first).
    """
    from datasets import Dataset
    from transformers import PrinterCallback, ProgressCallback

    _quiet()
    trainer = _trainer_class()(
        model=model,
        args=_arguments(
            folder,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            seed=seed,
            device=device,
            save_every=save_every,
            log_every=log_every,
        ),
        # The dataset is only positions: a row is made when its batch is, so nothing grows with the number of steps.
        train_dataset=Dataset.from_dict({"position": range(steps * batch)}),
        data_collator=lambda items: collate([row(item["position"]) for item in items], padding),
        processing_class=tokenizer,
        callbacks=[_callback(on_step, on_metric, stopping)],
        optimizers=(None, None),
        peft_config=None,
    )
    for printer in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printer)
    checkpoint = newest_checkpoint(folder)
    rewound(int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return int(trainer.state.global_step)


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; torn ones are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in [path for path in found if not (path / COMPLETE).is_file()]:
        shutil.rmtree(path)
    whole = [path for path in found if path.exists()]
    return whole[-1] if whole else None


def collate(rows: list[Any], padding: int) -> dict[str, Any]:
    """Rows -> int64 tensors `[batch, longest]`: input_ids, labels, position_ids.

    No attention mask: positions that restart make transformers keep documents apart, and what is padded on the right
    is seen by nobody to its left.
    """
    import torch

    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), padding)
    labels = torch.full((len(rows), longest), -100)
    positions = torch.arange(longest).repeat(len(rows), 1)
    for index, row in enumerate(rows):
        length = len(row.ids)
        ids[index, :length] = torch.as_tensor(row.ids)
        labels[index, :length] = torch.as_tensor(row.labels)
        positions[index, :length] = torch.as_tensor(row.positions)
        positions[index, length:] -= length  # padding is a document of its own
    return {"input_ids": ids, "labels": labels, "position_ids": positions}


def _arguments(
    folder: Path,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    device: str,
    save_every: int,
    log_every: int,
) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=learning_rate,
        warmup_steps=max(1, steps // 20),
        seed=seed,
        data_seed=seed,
        use_cpu=device == "cpu",
        logging_steps=log_every,
        save_strategy="steps" if save_every else "no",
        save_steps=save_every or steps,
        **_OPTIMISER,
        **_NUMERICS,
        **_DATA,
        **_REPORTING,
    )


_OPTIMISER: dict[str, Any] = {
    "gradient_accumulation_steps": 1,
    "average_tokens_across_devices": False,
    "lr_scheduler_type": "linear",
    "optim": "adamw_torch",
    "weight_decay": 0.0,
    "adam_beta1": 0.9,
    "adam_beta2": 0.99,
    "adam_epsilon": 1e-8,
    "max_grad_norm": 1.0,
    "label_smoothing_factor": 0.0,
    "loss_type": "nll",
}
_NUMERICS: dict[str, Any] = {
    "bf16": False,
    "fp16": False,
    "tf32": False,
    "gradient_checkpointing": None,
    "activation_checkpointing": False,
    "torch_compile": False,
    "use_liger_kernel": False,
    "activation_offloading": False,
    "full_determinism": False,
}
_DATA: dict[str, Any] = {
    "train_sampling_strategy": "sequential",
    "dataloader_num_workers": 0,
    "dataloader_pin_memory": False,
    "dataloader_drop_last": False,
    "remove_unused_columns": False,
    "dataset_kwargs": {"skip_prepare_dataset": True},
    "completion_only_loss": False,
    "assistant_only_loss": False,
    "packing": False,
    "padding_free": False,
    "max_length": None,
}
_REPORTING: dict[str, Any] = {
    "eval_strategy": "no",
    "logging_strategy": "steps",
    "logging_first_step": True,
    "logging_nan_inf_filter": False,
    "save_total_limit": 2,
    "save_only_model": False,
    "report_to": "none",
    "disable_tqdm": True,
    "push_to_hub": False,
    "log_level": "error",
}


def _trainer_class() -> Any:
    import torch
    from safetensors import SafetensorError
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        """The stock trainer with a plain loss for small models, a mark on whole checkpoints, and no card of its own."""

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            """Ours is written from the ledger; TRL's is an empty template."""

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            try:
                super()._save_checkpoint(model, trial)
            except (OSError, RuntimeError, SafetensorError) as error:  # what torch and safetensors make of a full disk
                place = self.args.output_dir
                raise StorageError(
                    f"a checkpoint cannot be written: {error}", hint="free some disk", value=place
                ) from error
            write_atomic(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}" / COMPLETE, b"")

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs["labels"]
            vocabulary = self.model.config.get_text_config().vocab_size
            if return_outputs or labels.numel() * vocabulary > TILED_LOGITS:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            given = {name: tensor for name, tensor in inputs.items() if name != "labels"}
            logits = model(**given, use_cache=False).logits[:, :-1].flatten(0, 1).float()
            targets = labels[:, 1:].flatten()
            loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")
            count = (targets != -100).sum() if num_items_in_batch is None else num_items_in_batch
            return loss / torch.as_tensor(count).clamp(min=1)

    return Trainer


def _callback(
    on_step: Callable[[int], None], on_metric: Callable[[int, str, float], None], stopping: Callable[[], bool]
) -> Any:
    from transformers import TrainerCallback

    class Report(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            on_step(state.global_step)
            if stopping() and state.global_step < state.max_steps:
                control.should_save = args.save_strategy != "no"
                control.should_training_stop = True
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
            for name in ("loss", "learning_rate", "grad_norm"):
                if name in (logs or {}):
                    on_metric(state.global_step, name, float(logs[name]))

    return Report()


def _quiet() -> None:
    """No progress bars and no advice on stderr: progress goes through the hooks."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Run with `count` torch threads: part of what fixes the bits of a run."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
