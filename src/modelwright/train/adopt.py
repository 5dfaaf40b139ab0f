"""An existing model becomes an artifact: copied, digested, recorded, so that what is built on it can be traced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import InputError
from modelwright.core.spec import Location, Options
from modelwright.core.storage import folder_bytes, read_json

KEPT = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")


class BaseSettings(Options):
    """An existing model: a local Hugging Face folder."""

    path: Location = Field(description="folder with config.json, safetensors weights and tokenizer.json")

    def files(self, project: Path) -> tuple[Path, ...]:
        """The folder whose content is part of identity."""
        return (project / self.path,)


def estimate(settings: BaseSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    return Estimate(seconds=1.0, basis="a copy of the folder")


def run(settings: BaseSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Copy the folder's weights, config and tokenizer. Raises InputError when one of them is missing."""
    from modelwright.formats.weights import model_digest

    source = context.project / settings.path
    for needed in ("config.json", "tokenizer.json"):
        if not (source / needed).is_file():
            raise InputError(
                f"{source} holds no {needed}", hint="`base:` names a complete Hugging Face folder", value=str(source)
            )
    if not list(source.glob("*.safetensors")):
        raise InputError(f"{source} holds no *.safetensors", hint="convert the weights: pickles are not read")
    context.out.mkdir(parents=True, exist_ok=True)
    for pattern in KEPT:
        for path in sorted(source.glob(pattern)):
            shutil.copyfile(path, context.out / path.name)
    config = read_json(context.out / "config.json")
    return Output(
        model_digest(context.out),
        {
            "adopted": True,
            "architecture": config.get("architectures", [None])[0],
            "disk_bytes": folder_bytes(context.out),
            "context": config.get("max_position_embeddings"),
        },
    )
