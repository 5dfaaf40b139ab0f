"""Programming language by content alone and with the file's name, and Ansible against other YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from modelwright.prepare.quality.base import Figure, Labelled, Mistake

DETECTOR = "programming language"
ANSIBLE = "Ansible"
NOT_CODE = "not code"


def _found(rows: Sequence[dict[str, Any]], *, named: bool) -> tuple[list[str], list[float]]:
    """Languages and confidences, as the signal gives them."""
    import pyarrow as pa

    from modelwright.prepare.signals.code_language import CodeLanguage

    columns = {
        "text": pa.array([row["text"] for row in rows], pa.large_string()),
        "path": pa.array([row["path"] if named else None for row in rows], pa.string()),
    }
    measured = CodeLanguage().measure(pa.record_batch(columns))
    labels = [label or NOT_CODE for label in measured.column("code_language").to_pylist()]
    return labels, measured.column("code_language_confidence").to_pylist()


def _share(detector: str, measured_on: str, metric: str, hits: Sequence[bool], left_out: int, **floor: float) -> Figure:
    from modelwright.measure.statistics import wilson

    found = wilson(sum(hits), len(hits))
    return Figure(
        detector, measured_on, metric, found.value or 0.0, found.low, found.high, len(hits), left_out, **floor
    )


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Accuracy on files that the weights did not learn from, apart for repositories of which they saw other files and
    for all others; Ansible found and false alarms on all files, since a rule decides it.
    """
    if not labelled.has("code_labelled"):
        return
    from safetensors import safe_open

    from modelwright.measure.classifier import text_mark
    from modelwright.measure.model_files import CODE_MODEL

    with safe_open(CODE_MODEL, framework="numpy") as file:
        learned = set(file.get_tensor("trained_on").tolist())
        known = set(json.loads(file.metadata()["repositories"]))
    rows = labelled.rows("code_labelled")
    fresh = [row for row in rows if text_mark(row["text"]) not in learned]
    parts = {
        "same repositories": ([row for row in fresh if row["repo"] in known], 0.93, 0.985),
        "other repositories": ([row for row in fresh if row["repo"] not in known], 0.85, 0.96),
    }
    left_out = len(rows) - len(fresh)
    for name, (part, least_alone, least_named) in parts.items():
        for how, named, least in (("content alone", False, least_alone), ("with file name", True, least_named)):
            if not part:
                continue
            labels, confidence = _found(part, named=named)
            right = [label == row["language"] for label, row in zip(labels, part, strict=True)]
            yield _share(DETECTOR, f"{name}, {how}", "accuracy", right, left_out, at_least=least)
            for row, label, sure in zip(part, labels, confidence, strict=True):
                if label != row["language"]:
                    yield Mistake(DETECTOR, row["text"], row["language"], f"{label}, {how}", sure + named)
    yield from _ansible(rows)


def _ansible(rows: Sequence[dict[str, Any]]) -> Iterator[Figure | Mistake]:
    labels, confidence = _found(rows, named=True)
    pairs = list(zip(rows, labels, strict=True))
    found = [label == "ansible" for row, label in pairs if row["language"] == "ansible"]
    alarms = [label == "ansible" for row, label in pairs if row["language"] == "yaml"]
    if found:
        yield _share(ANSIBLE, "Ansible files", "recall", found, 0, at_least=0.95)
    if alarms:
        yield _share(ANSIBLE, "other YAML", "share", alarms, 0, at_most=0.005)
    for (row, label), sure in zip(pairs, confidence, strict=True):
        if (row["language"] == "ansible") != (label == "ansible"):
            yield Mistake(ANSIBLE, row["text"], row["language"], label, sure)
