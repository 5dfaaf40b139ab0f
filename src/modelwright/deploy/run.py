"""Stage 5: a release in another format. Serving is not a stage: see `serve.py`."""

from __future__ import annotations

import time
from collections.abc import Mapping

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import InputError, StorageError
from modelwright.core.storage import folder_bytes, storage_error
from modelwright.deploy.exporter import Exporter, Source

LOAD_SECONDS = 6.0
"""Loading torch and transformers (measured 4-6 s)."""
BYTES_PER_SECOND = 150e6
"""Reading, merging, writing and reading back, bytes of weights per second (measured on a small disk)."""


def estimate(settings: Exporter, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """From the size of the model's folder, where it exists already."""
    if "model" not in inputs or not inputs["model"].path.is_dir():
        return Estimate(basis="unknown until the model is made")
    size = folder_bytes(inputs["model"].path)
    return Estimate(
        seconds=LOAD_SECONDS + size / BYTES_PER_SECOND,
        memory_bytes=600_000_000 + 3 * size,
        disk_bytes=size,
        basis=f"{size} bytes of model at {BYTES_PER_SECOND / 1e6:g} MB/s",
    )


def run(settings: Exporter, inputs: Mapping[str, Artifact], context: Context, *, card: str | None = None) -> Output:
    """Export and check against the source. `card` is the text of the folder's README.

    Raises InputError without a model, IntegrityError when the export answers differently.
    """
    if "model" not in inputs:
        raise InputError("there is no model to export", hint="add `train:` or `base: path/to/model`")
    release, adapter = inputs.get("release"), inputs.get("adapter")
    subject = release or adapter or inputs["model"]
    provenance = {role: artifact.digest for role, artifact in sorted(inputs.items()) if artifact.digest}
    taken_down = tuple(context.facts.get("taken_down", ()))
    source = Source(subject.ref, inputs["model"].path, adapter.path if adapter else None, card, provenance, taken_down)
    began = time.monotonic()
    context.progress(f"exporting {subject.ref}", 0)
    try:
        facts = settings.export(source, context.out)
    except OSError as error:
        raise storage_error(error, context.out) from error
    if not any(context.out.iterdir()):
        raise StorageError(f"the exporter wrote nothing into {context.out}")
    facts["actual"] = {"seconds": round(time.monotonic() - began, 2)}
    return Output(settings.digest(context.out), facts)
