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
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import boolean, float32, float64, int16, int32, int64, njit, types, uint8, uint16, uint32, void

from modelwright.measure.model_files import language_model
from modelwright.measure.spans import Texts, read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW_BYTES = 128
WINDOWS = 8
"""A text of at most so many windows is read whole, a longer one in windows spread evenly over it."""
LEAST_SPLIT = 512
"""A text under so many bytes is one window: shorter ones are judged better as a whole."""
CATCH_ALL, LEAST_CATCH_ALL = "en", 0.2
"""The model calls text in languages that it lacks English, unsurely: below this the second best is answered."""
LANES = 8
WEIGHT_STEP = np.float32(1 / 2048)
SURE = 0.5
"""A window that is less sure of another language than this counts for the language of its document."""
NO_LANGUAGE = "zxx"
_ISO_639_1 = {"kik": "ki"}  # the one class of the model that has a two-letter code and does not use it

_BYTES = types.Array(uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(int64, 1, "C", readonly=True)


class Model(NamedTuple):
    """The automaton (`step[row[state] * 256 + byte]`), its output feature per state (-1: none), and log weights.

    `weights` (features, classes) are whole numbers of WEIGHT_STEP.
    """

    step: NDArray[np.uint32]
    row: NDArray[np.uint16]
    feature: NDArray[np.int32]
    weights: NDArray[np.int16]
    prior: NDArray[np.float32]
    labels: tuple[str, ...]
    label_of_class: NDArray[np.int32]


def _whole(weights: NDArray[Any]) -> NDArray[np.int16]:
    """Weights as whole numbers, half the memory to read; the largest of a feature is taken off, which no rank sees."""
    whole = np.empty(weights.shape, np.int16)
    for start in range(0, len(weights), 1024):  # what fits a core's cache: five times as fast as all at once
        part = weights[start : start + 1024].astype(np.float64)
        part -= part.max(axis=1, keepdims=True)
        whole[start : start + 1024] = np.clip(np.rint(part / WEIGHT_STEP), -32768, 0)
    return whole


@functools.lru_cache(maxsize=1)
def load_model() -> Model:
    """Read the model: 0.6 s, most of it unpacking, and 100 MB, once a process. Classes that share a label (scripts of
    one language) are joined.
    """
    with lzma.open(language_model()) as stream, np.load(io.BytesIO(stream.read()), allow_pickle=False) as arrays:
        classes = [_ISO_639_1.get(str(name), str(name)) for name in arrays["classes"]]
        labels = tuple(dict.fromkeys(classes))
        return Model(
            step=read_only(arrays["nextmove"].astype(np.uint32, copy=False)),
            row=read_only(arrays["nextmove_row"].astype(np.uint16)),
            feature=read_only(arrays["out_feat"].astype(np.int32)),
            weights=read_only(_whole(arrays["ptc"])),
            prior=read_only(arrays["pc"].astype(np.float32)),
            labels=labels,
            label_of_class=read_only(np.array([labels.index(name) for name in classes], np.int32)),
        )


class Found(NamedTuple):
    """Of each text: best label, its probability, the share of its windows that agree, and `label:share` by share."""

    labels: list[str]
    confidence: NDArray[np.float64]
    share: NDArray[np.float64]
    languages: list[str]


@njit(
    int64(_BYTES, _OFFSETS, uint8[::1], int64[::1], int64[::1], int64[::1], boolean[::1], int64, int64, int64),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def _sample(
    data: Any, offsets: Any, sample: Any, starts: Any, stops: Any, owner: Any, odd: Any,
    width: int, windows: int, least: int,
) -> int:  # fmt: skip  # pragma: no cover - compiled
    """Copy each text's windows; `odd` marks texts that may be all upper case or not NFC. Returns the windows."""
    used, made = 0, 0
    for text in range(len(offsets) - 1):
        begin, end = offsets[text], offsets[text + 1]
        length = end - begin
        parts = 1 if length < least else min(windows, (length + width - 1) // width)
        whole = length <= width * windows
        lower, high = False, False
        for part in range(parts):
            if whole:
                start, stop = begin + length * part // parts, begin + length * (part + 1) // parts
            else:
                start = begin + (length - width) * part // max(parts - 1, 1)
                stop = start + width
            while start > begin and start < stop and (data[start] & 0xC0) == 0x80:
                start += 1
            while stop < end and stop > start and (data[stop] & 0xC0) == 0x80:
                stop += 1 if whole else -1
            starts[made] = used
            for place in range(start, stop):
                byte = data[place]
                lower |= byte >= 97 and byte <= 122
                high |= byte >= 0xCC  # U+0300 and above: below it every text is NFC
                sample[used] = byte
                used += 1
            stops[made] = used
            owner[made] = text
            made += 1
        odd[text] = high or not lower
    return made


@njit(cache=True, nogil=True)
def _winner(
    scores: Any, label_of_class: Any, folded: Any, scale: Any, catch_all: Any
) -> Any:  # pragma: no cover - compiled
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
    if winner == catch_all and folded[winner] < LEAST_CATCH_ALL * total:
        winner = 0 if catch_all > 0 else 1
        for label in range(len(folded)):
            if label != catch_all and folded[label] > folded[winner]:
                winner = label
    return winner, folded[winner] / total


@njit(cache=True, nogil=True)
def _margin(scores: Any, label_of_class: Any, scale: Any) -> Any:  # pragma: no cover - compiled
    """Label of the best class, and how much likelier it is than the best of another label: 1 - 1 / ratio."""
    first = 0
    for column in range(1, len(scores)):
        if scores[column] > scores[first]:
            first = column
    second = -np.inf
    for column in range(len(scores)):
        if label_of_class[column] != label_of_class[first]:
            second = max(second, np.float64(scores[column]))
    return label_of_class[first], 1.0 - np.exp((second - scores[first]) * scale)


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(
    data: Any, starts: Any, stops: Any, window: Any, step: Any, row: Any, feature: Any, hits: Any, found_hits: Any
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Features of up to LANES windows. The automaton waits for memory at each byte: so they wait together."""
    lanes, furthest = min(LANES, len(starts) - window), 0
    states = np.zeros(LANES, np.int64)
    for lane in range(lanes):
        found_hits[lane] = 0
        furthest = max(furthest, stops[window + lane] - starts[window + lane])
    for distance in range(furthest):
        for lane in range(lanes):
            place = starts[window + lane] + distance
            if place < stops[window + lane]:
                state = int64(step[int64(row[states[lane]]) * 256 + data[place]])
                states[lane] = state
                found = feature[state]
                if found >= 0:
                    hits[lane, found_hits[lane]] = found
                    found_hits[lane] += 1


_LOGARITHMS = np.log1p(np.arange(256)).astype(np.float32)

_SCORE = void(
    _BYTES, int64[::1], int64[::1], int64[::1], types.Array(uint32, 1, "C", readonly=True),
    types.Array(uint16, 1, "C", readonly=True), types.Array(int32, 1, "C", readonly=True),
    types.Array(int16, 2, "C", readonly=True), types.Array(float32, 1, "C", readonly=True),
    types.Array(int32, 1, "C", readonly=True), int64, int64, int32[::1], float64[::1], int32[::1], float64[::1],
)  # fmt: skip


@njit(_SCORE, cache=True, nogil=True, error_model="numpy")
def _score(
    data: Any, starts: Any, stops: Any, owner: Any, step: Any, row: Any, feature: Any, weights: Any, prior: Any,
    label_of_class: Any, labels: int, catch_all: int, window_best: Any, window_sure: Any, best: Any, confidence: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Label (-1: no n-gram known) and its softmax probability at temperature sqrt(bytes), by window and by text.

    A text's scores are the sums of those of its windows, which stand in order of `owner`.
    """
    counts = np.zeros(len(weights), np.int32)
    longest = 0
    for window in range(len(starts)):
        longest = max(longest, stops[window] - starts[window])
    touched = np.empty(longest, np.int32)
    hits, found_hits = np.empty((LANES, longest), np.int32), np.zeros(LANES, np.int64)
    scores, total = np.empty(len(prior), np.float32), np.zeros(len(prior), np.float32)
    folded = np.empty(labels, np.float64)
    size, known = 0, 0
    for window in range(len(starts)):
        lane = window % LANES
        if lane == 0:
            _walk(data, starts, stops, window, step, row, feature, hits, found_hits)
        seen = 0
        for item in range(found_hits[lane]):
            found = hits[lane, item]
            if counts[found] == 0:
                touched[seen] = found
                seen += 1
            counts[found] += 1
        for column in range(len(scores)):
            scores[column] = prior[column]
        for item in range(seen):
            found = touched[item]
            weight = _LOGARITHMS[min(counts[found], 255)] * WEIGHT_STEP
            counts[found] = 0
            line = weights[found]
            for column in range(len(line)):
                scores[column] += weight * np.float32(line[column])
        text, length = owner[window], stops[window] - starts[window]
        size += length
        known += seen
        first = window == 0 or owner[window - 1] != text
        last = window + 1 == len(starts) or owner[window + 1] != text
        if not (first and last):
            window_best[window] = -1
            if seen > 0:
                window_best[window], window_sure[window] = _margin(scores, label_of_class, 1.0 / np.sqrt(float(length)))
            for column in range(len(scores)):
                scores[column] += np.float32(0.0) if first else total[column] - prior[column]
                total[column] = scores[column]
        if last:
            best[text], confidence[text] = -1, 1.0 / labels
            if known > 0:
                best[text], confidence[text] = _winner(
                    scores, label_of_class, folded, 1.0 / np.sqrt(float(size)), catch_all
                )
            if first:
                window_best[window], window_sure[window] = best[text], confidence[text]
            size, known = 0, 0


def _normalised(sample: bytes) -> bytes | None:
    """py3langid's pre-step (lower an all-upper-case text, then NFC), or None when it changes nothing."""
    text = sample.decode("utf-8")
    after = text.lower() if text.isupper() else text
    if not unicodedata.is_normalized("NFC", after):
        after = unicodedata.normalize("NFC", after)
    return None if after == text else after.encode("utf-8")


def _replace_odd(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    owner: NDArray[np.int64],
    odd: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Put the windows that py3langid's pre-step changes behind `data`, and move their bounds there."""
    parts, end = [data], len(data)
    firsts = np.searchsorted(owner, np.flatnonzero(odd))
    for first, text in zip(firsts.tolist(), np.flatnonzero(odd).tolist(), strict=True):
        last = int(np.searchsorted(owner, text, "right"))
        if _normalised(data[starts[first] : stops[last - 1]].tobytes()) is None:
            continue
        for window in range(first, last):
            changed = _normalised(data[starts[window] : stops[window]].tobytes())
            if changed is not None:
                parts.append(np.frombuffer(changed, np.uint8))
                starts[window], end = end, end + len(changed)
                stops[window] = end
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _shares(
    model: Model, best: NDArray[np.int32], owner: NDArray[np.int64], votes: NDArray[np.int32]
) -> tuple[NDArray[np.float64], list[str]]:
    """Share of a text's windows that vote for its language, and all languages with their shares, largest first."""
    rows = len(best)
    windows = np.maximum(np.bincount(owner, minlength=rows), 1)
    agree = np.bincount(owner[votes == best[owner]], minlength=rows) / windows
    names = [NO_LANGUAGE if label < 0 else model.labels[label] for label in best.tolist()]
    languages = [f"{name}:1.00" for name in names]
    for row in np.flatnonzero(agree < 1).tolist():
        some = votes[np.searchsorted(owner, row) : np.searchsorted(owner, row, "right")].tolist()
        found = Counter(NO_LANGUAGE if vote < 0 else model.labels[vote] for vote in some)
        ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0] != names[row], pair[0]))
        languages[row] = " ".join(f"{name}:{count / len(some):.2f}" for name, count in ordered)
    return agree, languages


def identify(texts: Texts, windows: int = WINDOWS) -> Found:
    """Best label (ISO 639-1 where one exists, else 639-3), its probability, and the shares of a mixed text.

    Up to `windows` windows of WINDOW_BYTES are read. A text without any known n-gram (digits, empty) is `zxx` at the
    probability of a blind guess.
    """
    model = load_model()
    rows = len(texts)
    lengths = np.diff(texts.offsets)
    parts = np.where(lengths < LEAST_SPLIT, 1, np.minimum(windows, -(-lengths // WINDOW_BYTES)))
    room = np.where(lengths <= WINDOW_BYTES * windows, np.maximum(lengths, LEAST_SPLIT), WINDOW_BYTES * windows)
    sample = np.empty(int(np.minimum(lengths + 4 * windows, room + 4 * windows).sum()), np.uint8)
    starts, stops, owner = (np.zeros(int(parts.sum()), np.int64) for _ in range(3))
    odd = np.zeros(rows, np.bool_)
    _sample(texts.data, texts.offsets, sample, starts, stops, owner, odd, WINDOW_BYTES, windows, LEAST_SPLIT)
    data = _replace_odd(sample, starts, stops, owner, odd)
    votes, sure = np.zeros(len(starts), np.int32), np.zeros(len(starts), np.float64)
    best, confidence = np.zeros(rows, np.int32), np.zeros(rows, np.float64)
    _score(
        read_only(data), starts, stops, owner, model.step, model.row, model.feature, model.weights, model.prior,
        model.label_of_class, len(model.labels), model.labels.index(CATCH_ALL), votes, sure, best, confidence,
    )  # fmt: skip
    votes = np.where((sure < SURE) | (votes < 0), best[owner], votes).astype(np.int32)
    share, languages = _shares(model, best, owner, votes)
    return Found([NO_LANGUAGE if label < 0 else model.labels[label] for label in best], confidence, share, languages)
