"""Classifiers of a project: trained on a user's labels, taught the broad fields, or fixed from themes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError, UsageError
from modelwright.core.fingerprint import digest_bytes
from modelwright.core.storage import storage_error, write_atomic
from modelwright.prepare.classifier_files import FOLDER, SUFFIX

if TYPE_CHECKING:
    from modelwright.engines.pile_reader import PileReader
    from modelwright.prepare.classifiers import Trained

SAMPLE = 2_000
"""Documents of the pile that stand against the good texts, at least; five for each good one otherwise."""
LEAST_OF_FIELD = 2


def train(
    folder: Path,
    good: Path,
    bad: Path | None = None,
    *,
    pile: PileReader | None = None,
    name: str = "quality",
    text_field: str = "text",
    label_field: str | None = None,
) -> dict[str, Any]:
    """Train on `good` against `bad`, or against a sample of the pile, or on the labels of one JSON Lines file.

    Writes `classifiers/NAME.safetensors` and its card into the project. Raises InputError, UnknownName, UsageError.
    """
    from modelwright.prepare.labelled_texts import read_labelled, read_texts

    _check_name(name)
    if label_field is not None:
        if bad is not None or pile is not None:
            raise UsageError("labels stand in one file", hint="leave out the second, or `--label`", value=label_field)
        texts, labels = read_labelled(good, text_field, label_field)
        return _write(folder, name, texts, labels, sorted(set(labels)), f"Labels from `{good.name}`.")
    liked = read_texts(good, text_field)
    if bad is not None:
        others, made_by = read_texts(bad, text_field), f"`{good.name}` against `{bad.name}`."
    elif pile is not None:
        known = set(liked)
        others = [text for text in sample(pile, max(SAMPLE, 5 * len(liked))) if text not in known]
        made_by = f"`{good.name}` against a sample of {pile.pile}."
    else:
        raise UsageError("what are they to be told from?", hint="name a second file, or `--against pile`")
    labels = ["good"] * len(liked) + ["rest"] * len(others)
    return _write(folder, name, [*liked, *others], labels, ["good", "rest"], made_by)


def domains(
    folder: Path,
    pile: PileReader,
    *,
    name: str = "domain",
    count: int = 2_000,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Label a sample of the pile by the teacher, train the project's own student, and say how far they agree.

    Raises MissingExtra without the extra `embeddings`, InputError when the pile is about one thing.
    """
    from modelwright.prepare.domains import label

    _check_name(name)
    texts = sample(pile, count, prose=True)
    fields, _ = label(texts, tell)
    counts = Counter(fields)
    order = sorted(field for field, items in counts.items() if items >= LEAST_OF_FIELD)
    if len(order) < 2:
        raise InputError("the sample is about one thing", hint=f"`--count` above {count}", value=", ".join(counts))
    kept = [(text, field) for text, field in zip(texts, fields, strict=True) if field in order]
    made_by = f"Labelled by the teacher (all-MiniLM-L6-v2) on {len(texts):,} documents of {pile.pile}."
    made = _write(folder, name, [text for text, _ in kept], [field for _, field in kept], order, made_by)
    return {**made, "agreement": made["figures"]["accuracy"], "shares": _shares(counts)}


def themes(
    folder: Path, pile: PileReader, *, count: int = 12, save: bool = False, name: str = "theme", most: int = 20_000
) -> dict[str, Any]:
    """Themes of a sample of the pile, largest first; `save` fixes them as a classifier. Raises InputError."""
    from modelwright.prepare.themes import MOST, find

    _check_name(name)
    texts = sample(pile, min(most, MOST), prose=True)
    found = find(texts, count)
    rows = [
        {"theme": theme, "share": round(share, 4), "words": list(words)}
        for theme, share, words in zip(found.names, found.shares, found.words, strict=True)
    ]
    result: dict[str, Any] = {"documents": len(texts), "themes": rows}
    if save:
        labels = [found.names[place] for place in found.of if place >= 0]
        counts = Counter(labels)
        order = [theme for theme in found.names if counts[theme] >= LEAST_OF_FIELD]
        known = [(text, found.names[place]) for text, place in zip(texts, found.of, strict=True) if place >= 0]
        kept = [pair for pair in known if pair[1] in order]
        made_by = f"Themes found in {len(texts):,} documents of {pile.pile}."
        result |= _write(folder, name, [text for text, _ in kept], [theme for _, theme in kept], order, made_by)
    return result


def sample(pile: PileReader, count: int, *, prose: bool = False) -> list[str]:
    """Up to `count` texts of the pile, chosen by the digest of their document; with `prose` no code and no data."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pile.documents()
    if prose:
        rows = rows.filter(pc.invert(pc.is_in(rows["kind"], value_set=pa.array(["code", "data"]))))
    chosen = rows.take(pc.sort_indices(rows, [("document", "ascending")])[:count]).sort_by(
        [("source", "ascending"), ("origin", "ascending")]
    )
    return [text for batch in pile.texts(chosen) for text in batch["text"].to_pylist()]


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"{name!r} cannot name a column", hint="lower-case letters, digits and `_`", value=name)


def _write(
    folder: Path, name: str, texts: Sequence[str], labels: Sequence[str], order: Sequence[str], made_by: str
) -> dict[str, Any]:
    from modelwright.measure.classifier import content
    from modelwright.prepare.classifier_card import card
    from modelwright.prepare.classifiers import train as fit

    made: Trained = fit(name, texts, labels, order)
    packed = content(made.model)
    place = Path(FOLDER) / f"{name}{SUFFIX}"
    file_digest = digest_bytes(packed)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    write_atomic(folder / place, packed)
    page = card(name, made.model.facts, file_digest, made_by)
    write_atomic((folder / place).with_suffix(".md"), page.encode())
    return {
        "name": name,
        "file": str(place),
        "card": str(place.with_suffix(".md")),
        "digest": file_digest,
        "labels": list(order),
        "texts": made.model.facts["texts"],
        "figures": made.figures,
        "columns": [name, f"{name}_label"],
    }


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {field: round(items / counts.total(), 4) for field, items in counts.most_common()}


def languages(folder: Path, samples: Sequence[Path], name: str) -> dict[str, Any]:
    """Learn languages from files of samples, into `classifiers/NAME.safetensors`; {file, digest, languages}."""
    from modelwright.core.fingerprint import digest_file
    from modelwright.measure.language_added import train_file

    out = folder / "classifiers" / f"{name}.safetensors"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        learnt = train_file(samples, out)
    except OSError as error:
        raise storage_error(error, out) from error
    return {"file": str(out.relative_to(folder)), "digest": digest_file(out), "languages": sorted(learnt.labels)}
