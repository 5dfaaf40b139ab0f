"""Languages that the model lacks, learnt from labelled samples: hashed byte n-gram naive Bayes behind the model.

Features are byte 2- to 4-grams hashed into buckets, values log(1 + count). An added language is answered only where the
model gave a label that it also gave to samples of that language, so that nothing changes for other texts.
"""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import functools
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import float32, int64, njit, types, uint8, uint64, void

from modelwright.core.errors import InputError
from modelwright.measure.spans import Texts, read_only, texts_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

BUCKET_BITS = 15
READ_BYTES = 1024
LEAST_SAMPLES = 10
"""So many samples of a language are the least."""
LEAST_CONFUSED = 0.01
"""Share of a language's samples that the model must call X before a text that it calls X is looked at again."""
_SMOOTHING = 0.1

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BUCKET_BITS)


class Added(NamedTuple):
    """`weights` (buckets, labels): log probabilities; `instead_of`: labels of the model that each added one may
    replace.
    """

    labels: tuple[str, ...]
    added: frozenset[str]
    instead_of: dict[str, frozenset[str]]
    weights: NDArray[np.float32]


@njit(void(_BYTES, _OFFSETS, int64[::1], float32[:, ::1], float32[:, ::1]), cache=True, nogil=True)
def _grams(data: Any, offsets: Any, label: Any, table: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Where `label` is 0 or more, add the features of a text to that column of `table`; else score it into `out`."""
    counts = np.zeros(1 << BUCKET_BITS, np.int32)
    touched = np.empty(3 * READ_BYTES, np.int32)
    for text in range(len(offsets) - 1):
        start, used = offsets[text], 0
        end = min(offsets[text + 1], start + READ_BYTES)
        gram = uint64(0)
        for place in range(start, end):
            gram = (gram << uint64(8)) | uint64(data[place])
            for size in range(2, min(4, place - start + 1) + 1):
                value = gram & ((uint64(1) << uint64(8 * size)) - uint64(1))
                bucket = int64(((value + uint64(size)) * _MIX) >> _SHIFT)
                if counts[bucket] == 0:
                    touched[used] = bucket
                    used += 1
                counts[bucket] += 1
        for item in range(used):
            bucket = touched[item]
            feature = np.float32(np.log1p(np.float32(counts[bucket])))
            counts[bucket] = 0
            if label[text] >= 0:
                table[bucket, label[text]] += feature
            else:
                for column in range(table.shape[1]):
                    out[text, column] += feature * table[bucket, column]


def train(texts: Sequence[str], labels: Sequence[str]) -> Added:
    """Learn the languages of `labels` that the model lacks, from all samples; those of known languages tell them apart.

    Raises InputError when there is nothing to add, fewer than LEAST_SAMPLES samples of a language, or one language
    alone.
    """
    import pyarrow as pa

    from modelwright.measure.language import identify, load_model
    from modelwright.measure.spans import texts_of

    counts = Counter(labels)
    added = frozenset(counts) - frozenset(load_model().labels)
    if not added:
        raise InputError("the samples name no language that the model lacks", hint=f"it knows {_known()}")
    few = [name for name in sorted(counts) if counts[name] < LEAST_SAMPLES]
    if few:
        raise InputError(
            f"too few samples of {', '.join(few)}", hint=f"give at least {LEAST_SAMPLES} of each language", value=few[0]
        )
    if len(counts) < 2:
        raise InputError(
            "samples of one language alone cannot be told from anything",
            hint="add samples of the languages that it could be taken for, such as English",
            value=next(iter(counts)),
        )
    names = tuple(sorted(counts))
    column = texts_of(pa.array(texts, pa.large_string()))
    called = identify(column).labels
    totals = np.full((1 << BUCKET_BITS, len(names)), _SMOOTHING, np.float32)
    target = np.array([names.index(label) for label in labels], np.int64)
    _grams(column.data, column.offsets, target, totals, np.zeros((0, len(names)), np.float32))
    instead = {}
    for name in added:
        confused = Counter(call for call, label in zip(called, labels, strict=True) if label == name)
        least = LEAST_CONFUSED * counts[name]
        instead[name] = frozenset(call for call, count in confused.items() if count >= least)
    weights = np.log(totals / totals.sum(axis=0)).astype(np.float32)
    return Added(names, added, instead, weights)


def _known() -> str:
    from modelwright.measure.language import load_model

    return " ".join(sorted(load_model().labels))


def refine(texts: Texts, called: list[str], confidence: NDArray[np.float64], added: Added) -> list[int]:
    """Change labels and confidences in place where an added language fits better; returns the rows that changed.

    The confidence is the softmax share among the learnt languages at temperature sqrt(bytes), as the model's own.
    """
    doubtful = frozenset().union(*added.instead_of.values())
    rows = [row for row, label in enumerate(called) if label in doubtful and texts.valid[row]]
    some = texts_at(texts, rows)
    scores = np.zeros((len(rows), len(added.labels)), np.float32)
    _grams(some.data, some.offsets, np.full(len(rows), -1, np.int64), added.weights.copy(), scores)
    lengths = np.clip(np.diff(some.offsets), 1, READ_BYTES)
    scaled = (scores - scores.max(axis=1, initial=-np.inf, keepdims=True)).astype(np.float64)
    powers = np.exp(scaled / np.sqrt(lengths)[:, None])
    changed = []
    for row, power in zip(rows, powers, strict=True):
        name = added.labels[int(power.argmax())]
        if name in added.added and called[row] in added.instead_of[name]:
            called[row], confidence[row] = name, float(power.max() / power.sum())
            changed.append(row)
    return changed


def samples(path: Path) -> tuple[list[str], list[str]]:
    """Texts and languages of a JSON Lines file (rows `text`, `language`), also gzipped. Raises InputError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}", value=str(path)) from error
    texts, labels = [], []
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            texts.append(str(row["text"]))
            labels.append(str(row["language"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}:{number} is no row with `text` and `language`", hint='{"text": "...", "language": "yi"}'
            ) from error
    return texts, labels


def save(added: Added, path: Path) -> None:
    """Write the model as safetensors; it holds weights and no text."""
    from safetensors.numpy import save_file

    facts = {
        "labels": json.dumps(added.labels),
        "instead_of": json.dumps({name: sorted(labels) for name, labels in added.instead_of.items()}, sort_keys=True),
    }
    save_file({"weights": np.ascontiguousarray(added.weights)}, path, facts)


def load(path: Path) -> Added:
    """A model that `save` wrote, or one learnt now from samples; learnt once a process. Raises InputError."""
    stat = path.stat() if path.exists() else None
    if stat is None:
        raise InputError(f"there is no file {path}", hint="samples (.jsonl) or a model (.safetensors)", value=str(path))
    return _load(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=4)
def _load(path: Path, changed: int, size: int) -> Added:
    if path.suffix != ".safetensors":
        return train(*samples(path))
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata()
            instead = {name: frozenset(labels) for name, labels in json.loads(facts["instead_of"]).items()}
            labels = tuple(json.loads(facts["labels"]))
            return Added(labels, frozenset(instead), instead, read_only(file.get_tensor("weights")))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no model of added languages: {error}", value=str(path)) from error


def train_file(sources: Iterable[Path], out: Path) -> Added:
    """Learn from files of samples and write the model to `out`: what a command calls."""
    texts, labels = [], []
    for path in sources:
        more, names = samples(path)
        texts += more
        labels += names
    added = train(texts, labels)
    save(added, out)
    return added
