"""What would go wrong, said in plain words before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.spec import Budget
from modelwright.core.storage import digest_file, read_json

FEW_PAIRS = 20
FEW_TOKENS = 20_000


def check_budget(budget: Budget) -> None:
    """Raises UsageError for a budget that nothing here can turn into steps."""
    if budget.unit not in ("seconds", "steps", "tokens"):
        raise UsageError(
            f"tune.budget: {budget} cannot be turned into steps: no price or power is known here",
            hint="give a time, steps or tokens, for example `1 min`, `300 steps`, `2M tokens`",
            value=str(budget),
        )


def check_model(folder: Path) -> dict[str, Any]:
    """The model's config. Raises InputError for a folder that cannot be tuned, with the cure."""
    for name, cure in (
        ("config.json", "name the folder of a Hugging Face model"),
        ("tokenizer.json", "save its tokenizer there too (`tokenizer.save_pretrained`)"),
    ):
        if not (folder / name).is_file():
            raise InputError(f"the model to tune has no {name}: {folder}", hint=cure, value=str(folder))
    config: dict[str, Any] = read_json(folder / "config.json")
    if config.get("eos_token_id") is None:
        raise InputError(
            f"{folder / 'config.json'} names no end token: the tuned model would never stop",
            hint="set `eos_token_id` to the id of the token that ends a text",
            value=str(folder),
        )
    return config


def check_tokens(tokens: Any, model: Path) -> None:
    """Raises InputError when the shards were made with another tokenizer than the model's."""
    if digest_file(Path(tokens.tokenizer_path)) != digest_file(model / "tokenizer.json"):
        raise InputError(
            "the tokens were made with another tokenizer than the model's",
            hint="give examples as a file of pairs, or make the tokens with the model's tokenizer",
            value=str(model),
        )


def source_range(ranges: Mapping[str, tuple[int, int]], source: str) -> tuple[int, int]:
    """The source's tokens. Raises UnknownName, or InputError when nothing of it is left to learn from."""
    if source not in ranges:
        raise UnknownName("source", source, ranges, where="tune.examples")
    start, end = ranges[source]
    if end <= start:
        raise InputError(
            f"the source {source} has no document to train on",
            hint="its documents were dropped or held out: lower `holdout` or look at `modelwright why`",
            value=source,
        )
    return start, end


def fitting(
    encoded: Sequence[tuple[Sequence[int], Sequence[int]]], context: int
) -> tuple[list[tuple[Sequence[int], Sequence[int]]], int]:
    """Pairs that fit the context with their end-of-text tokens, and how many do not.

    Raises InputError when none fits: a trainer would say `num_samples=0`.
    """
    kept = [pair for pair in encoded if len(pair[0]) + len(pair[1]) + 2 <= context]
    if encoded and not kept:
        shortest = min(len(prompt) + len(completion) + 2 for prompt, completion in encoded)
        raise InputError(
            f"no pair fits the model's context of {context} tokens: the shortest needs {shortest}",
            hint="shorten the prompts, or train a model with a longer context",
            value=shortest,
        )
    return kept, len(encoded) - len(kept)


def warnings(facts: Mapping[str, Any], wanted_replay: float) -> list[str]:
    """What may disappoint but does not stop the run, as sentences."""
    found = []
    if facts["kind"] == "pairs" and facts["count"] < FEW_PAIRS:
        found.append(f"only {facts['count']} pairs to learn from: expect the model to repeat them, not to generalise")
    if facts["kind"] == "source" and facts["tokens"] < FEW_TOKENS:
        found.append(f"only {facts['tokens']} tokens to learn from: expect little gain")
    if facts["too_long"]:
        found.append(f"{facts['too_long']} pairs are longer than the context and were left out")
    if wanted_replay and not facts["base_rows"]:
        found.append("there is no base data to mix in: the model may forget what it knew")
    if facts["kind"] == "pairs" and facts["distinct_completions"] == 1 and facts["count"] > 1:
        found.append("every completion is the same: the model will learn to say it always")
    return found
