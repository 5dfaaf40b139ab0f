"""Train `src/modelwright/measure/data/abuse.safetensors` and write its card beside it; then run `train_hate.py`.

A logistic model by Adagrad over hashed words, pairs of words and 3 to 5 bytes inside words, on three quarters of the
tweets of Davidson et al. and of clean texts, many of them informal. The threshold (see `threshold_at`) is found inside
the training part, by a model of one half of it on the other half; the quarter that is left gives the figures.

    python scripts/train_abuse.py DATA_FOLDER
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from hate_terms import GROUPS, common_words, slurs, training_cases, variants
from numba import njit
from tensors import save_sorted

from modelwright.measure import abuse, abuse_words
from modelwright.measure.abuse import Model, screen_of
from modelwright.measure.abuse_words import BUCKET_BITS, GROUP, LEARNT, PHRASE_WORDS, STARTS_PHRASE
from modelwright.measure.model_files import ABUSE_MODEL, HATE_MODEL
from modelwright.measure.spans import read_only, texts_of
from modelwright.prepare.quality.abuse import clean_texts, evaluate, other_languages, plain, row_digests
from modelwright.prepare.quality.base import Figure, Labelled

PASSES, RATE, SEED = 4, 0.5, 7
PRECISION, CLEAN_SHARE = 0.95, 0.003
LEAST_COUNT, LEAST_SHARE = 5, 0.9
"""A word is learnt for the screen when so many training tweets hold it and so large a share of them is offensive."""


def load(path: Path) -> list[dict]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in content.decode().split("\n") if line]


def seen(text: str) -> bool:
    """Three quarters of all texts are trained on; what the rest is, is decided by the text alone."""
    return hashlib.sha256(text.encode()).digest()[0] & 3 != 0


@njit(cache=False)
def fit(row_ends, buckets, target, weight, passes, rate, seed):
    weights, squares = np.zeros(1 << BUCKET_BITS, np.float32), np.full(1 << BUCKET_BITS, 1e-2, np.float32)
    bias, bias_square = 0.0, 1e-2
    np.random.seed(seed)
    for _ in range(passes):
        for row in np.random.permutation(len(row_ends)):
            first, last = (row_ends[row - 1] if row else 0), row_ends[row]
            if first == last:
                continue
            norm = 1 / np.sqrt(last - first)
            total = bias
            for item in range(first, last):
                total += weights[buckets[item]] * norm
            slope = (1 / (1 + np.exp(-total)) - target[row]) * weight[row]
            bias_square += slope * slope
            bias -= 0.1 * rate * slope / np.sqrt(bias_square)
            for item in range(first, last):
                bucket = buckets[item]
                squares[bucket] += (slope * norm) ** 2
                weights[bucket] -= rate * slope * norm / np.sqrt(squares[bucket])
    return weights, bias


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def learn(texts: list[str], target: np.ndarray) -> tuple[np.ndarray, float, float]:
    """int8 weights, their factor and the bias."""
    buffers = texts_of(pa.compute.utf8_lower(column(texts)))
    room = np.zeros(len(buffers.data) * 4 + 64, np.int64)
    row_ends = np.zeros(len(texts), np.int64)
    used = abuse_words.training_features(buffers.data, buffers.offsets, row_ends, room)
    weights, bias = fit(row_ends, room[:used], target, np.ones(len(target)), PASSES, RATE, SEED)
    scale = float(np.quantile(np.abs(weights[weights != 0]), 0.9995)) / 127
    return np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale, float(bias)


def hashes(words: list[str]) -> np.ndarray:
    """Rows of (hash of the first word, hash of the whole, number of words)."""
    buffers = texts_of(pa.compute.utf8_lower(column(words)))
    out = np.zeros((len(words), 3), np.uint64)
    abuse_words.word_hashes(buffers.data, buffers.offsets, out)
    return out


def learnt_words(texts: list[str], target: np.ndarray, known: set[str]) -> list[str]:
    """Words outside the list that mark offensive tweets: only their hashes are kept."""
    seen, bad = Counter(), Counter()
    for text, label in zip(texts, target, strict=True):
        words = set(re.findall(r"[a-z0-9_']+", text.lower()))
        seen.update(words)
        bad.update(words if label else ())
    return sorted(
        word
        for word, count in bad.items()
        if count >= LEAST_COUNT and count / seen[word] >= LEAST_SHARE and word not in known and len(word) > 2
    )


def language_codes(name: str) -> tuple[str, ...]:
    """The codes that the language signal gives for a list's name."""
    return {"no": ("no", "nb", "nn"), "fil": ("tl",), "fr-CA-u-sd-caqc": ("fr",)}.get(name, (name,))


def clean_words(data: Path) -> tuple[set[str], set[str]]:
    """Words of books and reviews, and the common ones among them."""
    rows = [*load(data / "prose_books.jsonl.gz"), *load(data / "tune_sentence_polarity.jsonl.gz")]
    return common_words([row["text"] for row in rows])


def group_words(data: Path) -> list[str]:
    """Terms for groups and slurs of the training cases of HateCheck, with variants of their spelling."""
    clean, common = clean_words(data)
    cases, _ = training_cases(load(data / "hate_hatecheck.jsonl"))
    words = {word for terms in GROUPS.values() for word in terms.split()}
    found = words | set(slurs(cases, common))
    return sorted(found | {other for word in found for other in variants(word) if other not in clean})


def listed_words(data: Path, learnt: list[str]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    rows = load(data / "profanity_words.jsonl")
    languages = tuple(sorted({name for row in rows for name in language_codes(row["lang"])}))
    masks: Counter[int] = Counter()
    pairs = [" ".join(re.findall(r"[\w']+", row["word"])[:2]) for row in rows]
    codes = zip(hashes([row["word"] for row in rows]).tolist(), hashes(pairs)[:, 1].tolist(), strict=True)
    for row, ((first, whole, words), two) in zip(rows, codes, strict=True):
        letters = len(re.sub(r"\W", "", row["word"]))
        if 1 <= words <= PHRASE_WORDS and letters > words:  # `s&m` would be the words s and m
            for name in language_codes(row["lang"]):
                masks[whole] |= 1 << languages.index(name)
            masks[first] |= STARTS_PHRASE if words > 1 else 0
            if words > 2:
                masks[two] |= STARTS_PHRASE
    for word in hashes(learnt)[:, 1].tolist():
        masks[word] |= LEARNT
    for word in hashes(group_words(data))[:, 1].tolist():
        masks[word] |= GROUP
    listed = np.array(sorted(masks), np.uint64)
    return listed, np.array([masks[int(value)] for value in listed], np.uint32), languages


def run(model: Model, texts: list[str]) -> abuse.Abuse:
    quiet = lambda _texts, start, _end: (np.zeros(len(start)), np.zeros(len(start), np.int64))  # noqa: E731
    return abuse.measure(column(texts), ["en"] * len(texts), [1.0] * len(texts), model, quiet)


def threshold_at(scores: np.ndarray, target: np.ndarray, clean: np.ndarray) -> float:
    """The lowest score at and above which PRECISION is reached and CLEAN_SHARE of the clean texts is not exceeded."""
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(target[order]) / np.arange(1, len(order) + 1)
    alarms = np.cumsum(clean[order]) / clean.sum()
    last_of_value = np.append(np.diff(scores[order]) != 0, True)
    ends = np.flatnonzero((reached >= PRECISION) & (alarms <= CLEAN_SHARE) & last_of_value)
    return float(scores[order][ends[-1]])


CARD = """# abuse.safetensors

A screen for abusive English, and hashes of profanities under {lists} language codes. Made by
`scripts/train_abuse.py`; it holds hashes and weights, no text. Threshold {threshold:.4f}: the lowest score with
precision {precision} on tweets and clean texts together, and at most {share} of the clean texts, inside the training
part.

Data, by licence: tweets of Davidson et al. 2017 (`t-davidson/hate-speech-and-offensive-language`, MIT), {train} of
them for training, {test} held aside, split by the digest of the text; word lists of LDNOOBW (CC-BY-4.0, Shutterstock
and contributors), hashed, and {learnt} words learnt from the training tweets; clean texts, three quarters of each:
public-domain books and speeches, SMS ham (CC-BY-4.0, Almeida and Hidalgo), questions of hh-rlhf (MIT, Anthropic),
film reviews (CC-BY-4.0, Pang and Lee), bank questions (CC-BY-4.0, PolyAI), source files (MIT, Apache-2.0, BSD, CC0).
`trained_on` holds the digests of the rows that were trained on.

Positive is hate or offensive; `share` is false alarms. Held aside, by `modelwright benchmark prepare`; intervals of
95 %.

| measured on | metric | value |
|---|---|---|
{lines}

Works for English. Other languages have word lists alone, without accuracy measured; this share of clean sentences
holds a listed word of its language:

| language | share | sentences |
|---|---|---|
{languages}

Not blind: how many false alarms the threshold allows was chosen after a look at the rows held aside.

Limits. A sentence is read only when it holds a listed or learnt word. Crowd labels are noisy, and they follow words
more than meaning: dialect and reclaimed words are over-flagged, quotation is not told from attack, and abuse without
such words passes. Lists do not work for languages written without spaces (ja, th, zh). No context beyond the sentence.
"""


def listing(figures: list[Figure]) -> str:
    """Rows of a card's table."""
    return "\n".join(
        f"| {one.measured_on} | {one.metric} | {one.value:.3f} [{one.low:.3f}, {one.high:.3f}] ({one.items}) |"
        for one in figures
    )


def train(data: Path, texts: list[str], target: np.ndarray, english: set[str]) -> tuple[Model, int]:
    """A model without threshold, and how many words were learnt for its screen."""
    weights, scale, bias = learn(texts, target)
    learnt = learnt_words(texts, target, english)
    listed, masks, languages = listed_words(data, learnt)
    return (
        Model(read_only(screen_of(listed)), read_only(listed), read_only(masks), read_only(weights), scale, bias, 1.0,
              languages),
        len(learnt),
    )  # fmt: skip


def main(data: Path) -> None:
    tweets = load(data / "hate_tweets.jsonl.gz")
    clean = [text for _, texts, _ in clean_texts(Labelled(data)) for text in texts]
    used = [row for row in tweets if seen(row["text"])]
    quiet = [text for text in clean if seen(text)]
    texts = [plain(row["text"]) for row in used] + quiet
    target = np.array([row["label"] != "neither" for row in used] + [False] * len(quiet), np.float64)
    english = {row["word"] for row in load(data / "profanity_words.jsonl") if row["lang"] == "en"}
    first = np.array([hashlib.sha256(text.encode()).digest()[1] & 1 for text in texts]) == 0
    trial, _ = train(data, [text for text, use in zip(texts, first, strict=True) if use], target[first], english)
    others = [text for text, use in zip(texts, first, strict=True) if not use]
    clean_part = (np.arange(len(texts)) >= len(used))[~first]
    threshold = threshold_at(run(trial, others).score, target[~first], clean_part)
    model, learnt = train(data, texts, target, english)
    trained_on = np.unique(row_digests([row["text"] for row in used] + quiet))
    tensors = {
        "weights": model.weights, "listed": model.listed.view(np.int64), "masks": model.masks.view(np.int32),
        "trained_on": trained_on.view(np.int64),
    }  # fmt: skip
    facts = {
        "scale": repr(model.scale), "bias": repr(model.bias), "threshold": repr(round(threshold, 6)),
        "languages": json.dumps(model.languages),
        "licence": "Apache-2.0; word hashes after LDNOOBW, CC-BY-4.0; see abuse.md",
    }  # fmt: skip
    save_sorted(tensors, ABUSE_MODEL, facts)
    abuse.model.cache_clear()
    print(f"threshold {threshold}, {learnt} learnt words, {len(model.listed)} listed hashes")
    if not HATE_MODEL.exists():
        print("now run train_hate.py, then this script once more for the card")
        return
    labelled = Labelled(data)
    found = [one for one in evaluate(labelled) if isinstance(one, Figure)]
    languages = [f"| {name} | {hits / of:.4f} | {of} |" for name, hits, of in other_languages(labelled)]
    card = CARD.format(
        lists=len(model.languages), threshold=threshold, precision=PRECISION, share=CLEAN_SHARE, train=len(used),
        test=len(tweets) - len(used), learnt=learnt, lines=listing(found), languages="\n".join(languages),
    )  # fmt: skip
    print(card)
    ABUSE_MODEL.with_suffix(".md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
