"""PEFT: adapters attached, saved without a trace of where the base lay, loaded and merged."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, UnknownName
from modelwright.core.storage import read_json, write_atomic, write_json

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PEFT 0.21 asks transformers by a name that is deprecated there: nothing that a user could cure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        yield


def linear_layers(model: Any) -> list[str]:
    """Last parts of the names of all linear layers but the output layer, sorted."""
    import torch

    output = model.get_output_embeddings()
    layers = [
        name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear) and layer is not output
    ]
    return sorted({name.rpartition(".")[2] for name in layers})


def attach_lora(model: Any, rank: int, alpha: int, targets: Sequence[str] = (), seed: int = 0) -> Any:
    """A PeftModel around `model` with fresh LoRA matrices; everything else is frozen.

    `targets` are names of linear layers (all but the output layer when empty). Raises UnknownName.
    """
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    known = linear_layers(model)
    for target in targets:
        if target not in known:
            raise UnknownName("layer", target, known, where="method.lora.targets")
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=0.0,
        target_modules=list(targets) or known,
        bias="none",
        use_rslora=False,
        use_dora=False,
        init_lora_weights=True,
        modules_to_save=None,
        base_model_name_or_path=None,
    )
    torch.manual_seed(seed)
    with _quiet():
        return get_peft_model(model, config, adapter_name="default", autocast_adapter_dtype=False)


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter's weights and config: the same bytes for the same adapter, wherever its base lay.

    Raises StorageError when the disk refuses.
    """
    import safetensors.torch
    from peft import get_peft_model_state_dict

    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(model, adapter_name="default")
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in sorted(state.items())}
    write_atomic(folder / WEIGHTS, safetensors.torch.save(tensors, metadata={"format": "pt"}))
    model.peft_config["default"].save_pretrained(str(folder))
    config = read_json(folder / CONFIG)
    # Sets are written in arbitrary order, and a path would bind the adapter to this machine.
    config["target_modules"] = sorted(config["target_modules"])
    config["base_model_name_or_path"] = None
    config["inference_mode"] = True
    write_json(folder / CONFIG, config)


def load_adapter(model: Any, folder: Path) -> Any:
    """A PeftModel for inference. Raises InputError when the folder holds no adapter that fits the model."""
    from peft import PeftModel

    if not (folder / WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        raise InputError(f"{folder} holds no adapter", hint=f"it needs {WEIGHTS} and {CONFIG}", value=str(folder))
    try:
        with _quiet():
            return PeftModel.from_pretrained(model, str(folder), is_trainable=False, autocast_adapter_dtype=False)
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the adapter does not fit the model: {first}", value=str(folder)) from error


def merge(model: Any) -> Any:
    """The base model with the adapter added into its weights; fails on NaN."""
    return model.merge_and_unload(safe_merge=True)


def trainable_parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
