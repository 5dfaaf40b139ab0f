"""A complete Hugging Face folder: weights with the adapter merged in, tokenizer, generation config, card."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from modelwright.core.errors import InputError, IntegrityError, StorageError
from modelwright.core.storage import files_below, write_atomic, write_json
from modelwright.deploy.exporter import Exporter, Source

if TYPE_CHECKING:
    from modelwright.models.inference import Loaded

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
)
WEIGHT_FILES = ("*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json")
LICENCE_FILES = ("LICENSE*", "LICENCE*", "NOTICE*")
SAMPLES = (
    "The quick brown fox jumps over the lazy dog.",
    "def add(a: int, b: int) -> int:\n    return a + b\n",
    "Grüße aus Köln, 你好, здравствуйте; 3.14159 = π?",
    "{ }",
)


class Huggingface(Exporter):
    """A complete Hugging Face folder, checked to answer like its source."""

    version: ClassVar[int] = 1
    tolerance: float = Field(1e-4, gt=0, description="greatest difference of any logit from the source's")

    def export(self, source: Source, out: Path) -> dict[str, Any]:
        from modelwright.models import inference

        original = inference.load(source.model, source.adapter)
        samples = _samples(original)
        wanted = [_logits(original.model, ids) for ids in samples]
        out.mkdir(parents=True, exist_ok=True)
        if source.adapter is None:
            _copy(source.model, out, WEIGHT_FILES)
        else:
            from modelwright.engines.peft import merge

            _save(merge(original.model), out)
        if not (out / "generation_config.json").is_file():
            _write_generation_config(original, out)
        _copy(source.model, out, (*TOKENIZER_FILES, *LICENCE_FILES))
        write_atomic(out / "README.md", (source.card or minimal_card(source)).encode())
        if source.provenance:
            write_json(out / "provenance.json", dict(source.provenance))
        difference = _greatest_difference(out, samples, wanted)
        if not difference <= self.tolerance:  # NaN fails too
            raise IntegrityError(
                f"the export does not answer like {source.name}: logits differ by {difference:.3g}",
                hint=f"at most {self.tolerance:g} is accepted; run the export again, or raise `tolerance`",
                value=difference,
            )
        return {
            "format": "huggingface",
            "files": len(files_below(out)),
            "bytes": sum(path.stat().st_size for path in files_below(out)),
            "parameters": sum(parameter.numel() for parameter in original.model.parameters()),
            "adapter_merged": source.adapter is not None,
            "checked_prompts": len(samples),
            "greatest_logit_difference": difference,
            "tolerance": self.tolerance,
        }

    def digest(self, out: Path) -> str:
        """Of weights, config and tokenizer; the card may be printed again without making another model."""
        from modelwright.formats.weights import model_digest

        return model_digest(out)


def minimal_card(source: Source) -> str:
    """What is known without the ledger: the name and where it comes from."""
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation", "tags: [modelwright]", "---", ""]
    lines += [f"# {source.name}", ""]
    lines += [f"- {name}: `{value}`" for name, value in source.provenance.items()]
    if source.taken_down:
        ids = ", ".join(f"`{name}`" for name in source.taken_down)
        lines += ["", f"It learned from documents that were taken down since (takedown {ids}), and still carries them."]
    return "\n".join(lines) + "\n"


def _save(model: Any, out: Path) -> None:
    from safetensors import SafetensorError

    try:
        model.save_pretrained(str(out), safe_serialization=True)
    except SafetensorError as error:  # how safetensors says that the disk is full
        raise StorageError(f"the weights cannot be written: {error}", hint="free some disk", value=str(out)) from error


def _copy(folder: Path, out: Path, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                shutil.copyfile(path, out / path.name)
    if "config.json" in patterns and not list(out.glob("*.safetensors")):
        raise InputError(f"{folder} holds no safetensors", hint="convert the weights to safetensors", value=str(folder))


def _write_generation_config(loaded: Loaded, out: Path) -> None:
    from transformers import GenerationConfig

    GenerationConfig(eos_token_id=sorted(loaded.end_tokens)).save_pretrained(str(out))


def _samples(loaded: Loaded) -> list[list[int]]:
    """Token ids of the sample texts, cut to the context, and ids spread over the whole vocabulary."""
    from modelwright.models import inference

    limit = min(loaded.context_length, 256)
    vocabulary = int(loaded.model.config.vocab_size)
    spread = [index * vocabulary // limit % vocabulary for index in range(limit)]
    return [inference.prompt_ids(loaded, text)[:limit] for text in SAMPLES] + [spread]


def _logits(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double().cpu()


def _greatest_difference(out: Path, samples: list[list[int]], wanted: list[Any]) -> float:
    """Read back with nothing but the exported folder, as its user will."""
    from modelwright.models import inference

    exported = inference.load(out)
    return max(
        float((_logits(exported.model, ids) - logits).abs().max()) for ids, logits in zip(samples, wanted, strict=True)
    )
