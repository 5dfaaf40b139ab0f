"""Cards for the Hugging Face Hub: a YAML header that it reads, and the card for people below.

Source: https://github.com/huggingface/hub-docs/blob/main/datasetcard.md and modelcard.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.govern.cards.markdown import markdown
from modelwright.govern.cards.scores import bounds, scores_of
from modelwright.govern.exports import Exported, Subject, absent, without_nothing
from modelwright.govern.exports.values import main_languages, spdx
from modelwright.govern.lineage import nearest

REQUIRED: Mapping[str, str] = {"license": "card.licence", "language": "card.languages", "pretty_name": "name"}
LICENCES = (
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
    "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2",
    "afl-3.0", "isc", "lgpl-lr", "ms-pl", "mpl-2.0", "odc-by", "odbl", "osl-3.0", "postgresql", "ofl-1.1", "ncsa",
    "unlicense", "zlib", "pddl", "artistic-2.0",
)  # fmt: skip
"""The Hub's names of licences that are SPDX names in small letters; others are `other` with a name."""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"),
          (10**12, "100B<n<1T"))  # fmt: skip
_SPLITS = {"train": "train", "held_out": "test"}


def export(subject: Subject, as_json: bool = False) -> Exported:
    """Header and card; `missing` names what the Hub shows as not given."""
    is_pile = subject.artifact.kind == "pile"
    header = dataset_header(subject) if is_pile else model_header(subject)
    required = REQUIRED if is_pile else {"license": "card.model_licence", "language": "card.languages"}
    stated = {key: value for key, value in header.items() if not (key == "license" and value == "unknown")}
    return Exported(f"---\n{_yaml(header)}---\n\n{markdown(subject.card)}", absent(stated, required))


def dataset_header(subject: Subject) -> dict[str, Any]:
    """Keys of the dataset card: licence and tasks as stated, languages, size, columns and splits as measured."""
    card = subject.stated.card
    documents = subject.facts.get("documents")
    return without_nothing(
        {
            "pretty_name": f"{subject.card.project} {subject.artifact.ref}",
            **_licence(card.licence),
            "language": list(card.languages) or main_languages(subject),
            "task_categories": list(card.tasks),
            "size_categories": [_size(documents)] if isinstance(documents, int) else None,
            "tags": ["modelwright"],
            "configs": _configs(subject),
        }
    )


def model_header(subject: Subject) -> dict[str, Any]:
    """Keys of the model card: what it was made from and how it did, from the ledger."""
    artifact, card = subject.artifact, subject.stated.card
    pile = nearest(subject.records, artifact.ref, "pile")
    base = nearest(subject.records, artifact.ref, "model") if artifact.kind == "adapter" else None
    languages = [] if pile is None else main_languages(Subject(pile, subject.records, subject.card, subject.stated))
    return without_nothing(
        {
            **_licence(card.model_licence),
            "language": list(card.languages) or languages,
            "library_name": "peft" if artifact.kind == "adapter" else "transformers",
            "pipeline_tag": "text-generation",
            "base_model": base.ref if base is not None else subject.facts.get("base"),
            "datasets": [pile.ref] if pile is not None else None,
            "tags": ["modelwright"],
            "model-index": _results(subject, pile.ref if pile is not None else None, pile.digest if pile else None),
        }
    )


def _licence(stated: str | None) -> dict[str, Any]:
    """`unknown` is the Hub's own word for a licence that nobody stated."""
    if stated is None:
        return {"license": "unknown"}
    known = (spdx(stated) or "").lower()
    return {"license": known} if known in LICENCES else {"license": "other", "license_name": stated}


def _size(documents: int) -> str:
    return next((name for limit, name in _SIZES if documents < limit), "n>1T")


def _parts(subject: Subject) -> dict[str, int]:
    """Split of the Hub -> documents, those that are not empty."""
    counts = subject.facts.get("counts")
    found: Mapping[str, Any] = counts if isinstance(counts, Mapping) else {}
    return {theirs: found[ours] for ours, theirs in _SPLITS.items() if isinstance(found.get(ours), int) and found[ours]}


def _configs(subject: Subject) -> list[dict[str, Any]]:
    files = [{"split": split, "path": f"data/{split}.parquet"} for split in _parts(subject)]
    return [{"config_name": "default", "data_files": files}] if files else []


def _results(subject: Subject, pile: str | None, revision: str | None) -> list[dict[str, Any]]:
    """The latest scores as the Hub's `model-index`; bounds stand in the metric's arguments."""
    scores = scores_of(subject.records, subject.artifact.ref)
    metrics = scores[-1].facts.get("metrics") if scores else None
    if not isinstance(metrics, Mapping) or not metrics or pile is None:
        return []
    shown = []
    for name, item in metrics.items():
        found = item if isinstance(item, Mapping) else {"value": item}
        if isinstance(found.get("value"), (int, float)):
            low, high = bounds(found)
            entry = {"type": name, "value": found["value"], "name": name.replace("_", " ")}
            shown.append(entry | ({"args": {"low": low, "high": high}} if low is not None else {}))
    dataset = without_nothing({"type": pile, "name": f"{pile}, held-out documents", "revision": revision})
    result = {"task": {"type": "text-generation"}, "dataset": dataset, "metrics": shown}
    return [{"name": f"{subject.card.project} {subject.artifact.ref}", "results": [result]}] if shown else []


def _yaml(header: Mapping[str, Any]) -> str:
    """In the order given, as the Hub's own library writes it: YAML 1.1, where `no` is Norwegian only in quotes."""
    from huggingface_hub import CardData

    return f"{CardData(**header).to_yaml()}\n"
