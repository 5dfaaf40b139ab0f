"""The card of a classifier: what it was made of, how good it is on texts that it did not see, how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def card(name: str, facts: Mapping[str, Any], file_digest: str, made_by: str) -> str:
    """Markdown. `facts` are those of the model (see `classifiers.train`); no text of the training data is quoted."""
    found = facts["figures"]
    labels = list(facts["texts"])
    counts = ", ".join(f"{label} ({facts['texts'][label]:,} texts)" for label in labels)
    stated = found["stated_confidence"]
    lines = [
        f"# Classifier `{name}`",
        "",
        f"Labels: {counts}. {made_by}",
        "",
        "A linear model (logistic regression, classes weighted alike) over hashed words, pairs of words and pieces of",
        f"words. File {file_digest[:16]}, training texts {facts['training_texts'][:16]} (SHA-256); the same texts give",
        f"the same file. {facts['contradictory']} texts stood under two labels and were left out.",
        "",
        "## How good it is",
        "",
        "Each text was judged by a model that saw neither it nor a near-identical one. 95 % intervals.",
        "",
        "| figure | value | low | high | texts |",
        "|---|---|---|---|---|",
        *(_row(key, found[key]) for key in ("accuracy", "macro_f1", "auc") if key in found),
        *(_row(f"recall of {label}", found["recall"][label]) for label in labels),
        "",
        f"Stated confidence {stated['mean']:.3f} on average, right {stated['right']:.3f}.",
        "",
        f"Agreement with your labels says nothing on texts of another kind. `{name}` is the probability of"
        f" `{labels[0]}`.",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, figure: Mapping[str, Any]) -> str:
    numbers = ["-" if figure[key] is None else f"{figure[key]:.3f}" for key in ("value", "low", "high")]
    return f"| {name} | {' | '.join(numbers)} | {figure['items']:,} |"
