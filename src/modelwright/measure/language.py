"""Natural-language identification: py3langid's model (BSD-3), read from its installed wheel, run by an own kernel.

The model is a byte automaton that recognises n-grams and a naive Bayes table over them (Lui and Baldwin's langid,
retrained by py3langid 0.4.0): 138 languages and `zxx`, "not a language". The scores are py3langid's; its pure-Python
loop is not.
"""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import functools
import io
import lzma
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import boolean, float32, float64, int32, int64, njit, types, uint8, uint16, uint32, void

from modelwright.measure.model_files import language_model
from modelwright.measure.spans import Texts, read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_BYTES = 1024
"""At most so many bytes of a text are read: whole when shorter, else windows spread evenly over it."""
WINDOWS = 4
NO_LANGUAGE = "zxx"
_ISO_639_1 = {"kik": "ki"}  # the one class of the model that has a two-letter code and does not use it

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)


class Model(NamedTuple):
    """The automaton (`step[row[state] * 256 + byte]`), its output feature per state (-1: none), and log weights."""

    step: NDArray[np.uint32]
    row: NDArray[np.uint16]
    feature: NDArray[np.int32]
    weights: NDArray[np.float32]
    prior: NDArray[np.float32]
    labels: tuple[str, ...]
    label_of_class: NDArray[np.int32]


@functools.lru_cache(maxsize=1)
def load_model() -> Model:
    """Read the model: 0.6 s and 100 MB, once a process. Classes that share a label (scripts of one language) are
    joined.
    """
    with lzma.open(language_model()) as stream, np.load(io.BytesIO(stream.read()), allow_pickle=False) as arrays:
        classes = [_ISO_639_1.get(str(name), str(name)) for name in arrays["classes"]]
        labels = tuple(dict.fromkeys(classes))
        return Model(
            step=read_only(arrays["nextmove"].astype(np.uint32)),
            row=read_only(arrays["nextmove_row"].astype(np.uint16)),
            feature=read_only(arrays["out_feat"].astype(np.int32)),
            weights=read_only(arrays["ptc"].astype(np.float32)),
            prior=read_only(arrays["pc"].astype(np.float32)),
            labels=labels,
            label_of_class=read_only(np.array([labels.index(name) for name in classes], np.int32)),
        )


@njit(
    int64(_BYTES, _OFFSETS, uint8[::1], int64[::1], boolean[::1], int64, int64),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def _sample(
    data: Any, offsets: Any, sample: Any, sample_offsets: Any, odd: Any, limit: int, windows: int
) -> int:  # pragma: no cover - compiled
    """Copy each text's sample; `odd` marks those that may be all upper case or not NFC. Returns the bytes used."""
    used = 0
    for text in range(len(offsets) - 1):
        sample_offsets[text] = used
        begin, end = offsets[text], offsets[text + 1]
        length = end - begin
        parts = 1 if length <= limit else windows
        width = length if parts == 1 else limit // windows
        lower, high = False, False
        for part in range(parts):
            start = begin if parts == 1 else begin + (length - width) * part // (parts - 1)
            stop = start + width
            while start > begin and start < stop and (data[start] & 0xC0) == 0x80:
                start += 1
            while stop < end and stop > start and (data[stop] & 0xC0) == 0x80:
                stop -= 1
            if part > 0:
                sample[used] = 32
                used += 1
            for place in range(start, stop):
                byte = data[place]
                lower |= byte >= 97 and byte <= 122
                high |= byte >= 0xCC  # U+0300 and above: below it every text is NFC
                sample[used] = byte
                used += 1
        odd[text] = high or not lower
    sample_offsets[len(offsets) - 1] = used
    return used


@njit(cache=True, nogil=True)
def _winner(scores: Any, label_of_class: Any, folded: Any, scale: Any) -> Any:  # pragma: no cover - compiled
    """Label with the largest softmax share, and the share; classes of one label are added."""
    top, total, winner = scores[0], 0.0, 0
    for column in range(len(scores)):
        top = max(top, scores[column])
    for label in range(len(folded)):
        folded[label] = 0.0
    for column in range(len(scores)):
        share = np.exp(np.float64(scores[column] - top) * scale)
        folded[label_of_class[column]] += share
        total += share
    for label in range(len(folded)):
        if folded[label] > folded[winner]:
            winner = label
    return winner, folded[winner] / total


_SCORE = void(
    _BYTES, _OFFSETS, types.Array(uint32, 1, "C", readonly=True), types.Array(uint16, 1, "C", readonly=True),
    types.Array(int32, 1, "C", readonly=True), types.Array(float32, 2, "C", readonly=True),
    types.Array(float32, 1, "C", readonly=True), types.Array(int32, 1, "C", readonly=True),
    int64, int32[::1], float64[::1],
)  # fmt: skip


@njit(_SCORE, cache=True, nogil=True, error_model="numpy")
def _score(
    data: Any, offsets: Any, step: Any, row: Any, feature: Any, weights: Any, prior: Any, label_of_class: Any,
    labels: int, best: Any, confidence: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Label (-1: no n-gram known) and its softmax probability at temperature sqrt(bytes), for each text."""
    counts = np.zeros(len(weights), np.int32)
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    touched = np.empty(longest, np.int32)
    scores = np.empty(len(prior), np.float32)
    folded = np.empty(labels, np.float64)
    for text in range(len(offsets) - 1):
        state, seen = 0, 0
        for place in range(offsets[text], offsets[text + 1]):
            state = step[int64(row[state]) * 256 + data[place]]
            found = feature[state]
            if found >= 0:
                if counts[found] == 0:
                    touched[seen] = found
                    seen += 1
                counts[found] += 1
        if seen == 0:
            best[text] = -1
            confidence[text] = 1.0 / labels
            continue
        for column in range(len(scores)):
            scores[column] = prior[column]
        for item in range(seen):
            found = touched[item]
            weight = np.float32(np.log1p(np.float32(counts[found])))
            counts[found] = 0
            for column in range(len(scores)):
                scores[column] += weight * weights[found, column]
        best[text], confidence[text] = _winner(
            scores, label_of_class, folded, 1.0 / np.sqrt(float(offsets[text + 1] - offsets[text]))
        )


def _normalised(sample: bytes) -> bytes | None:
    """py3langid's pre-step (lower an all-upper-case text, then NFC), or None when it changes nothing."""
    text = sample.decode("utf-8")
    after = text.lower() if text.isupper() else text
    if not unicodedata.is_normalized("NFC", after):
        after = unicodedata.normalize("NFC", after)
    return None if after == text else after.encode("utf-8")


def _classify(data: Any, offsets: Any, model: Model) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    best, confidence = np.zeros(len(offsets) - 1, np.int32), np.zeros(len(offsets) - 1, np.float64)
    _score(
        read_only(data), read_only(offsets), model.step, model.row, model.feature, model.weights, model.prior,
        model.label_of_class, len(model.labels), best, confidence,
    )  # fmt: skip
    return best, confidence


def identify(texts: Texts) -> tuple[list[str], NDArray[np.float64]]:
    """Best label and its probability for each text (ISO 639-1 where one exists, else 639-3).

    A text without any known n-gram (digits, empty) is `zxx` at the probability of a blind guess.
    """
    model = load_model()
    rows = len(texts)
    sample = np.empty(int(np.minimum(np.diff(texts.offsets), SAMPLE_BYTES + WINDOWS).sum()) + WINDOWS * rows, np.uint8)
    offsets, odd = np.zeros(rows + 1, np.int64), np.zeros(rows, np.bool_)
    used = _sample(texts.data, texts.offsets, sample, offsets, odd, SAMPLE_BYTES, WINDOWS)
    best, confidence = _classify(sample[:used], offsets, model)
    changed = {
        int(row): after
        for row in np.flatnonzero(odd)
        if (after := _normalised(sample[offsets[row] : offsets[row + 1]].tobytes())) is not None
    }
    if changed:
        again = np.frombuffer(b"".join(changed.values()), np.uint8)
        ends = np.concatenate(([0], np.cumsum([len(after) for after in changed.values()]))).astype(np.int64)
        rows_changed = list(changed)
        best[rows_changed], confidence[rows_changed] = _classify(again, ends, model)
    return [NO_LANGUAGE if label < 0 else model.labels[label] for label in best], confidence
