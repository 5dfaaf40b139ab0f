"""Train `src/modelwright/measure/data/code_language.safetensors` and write its card beside it.

Linear support vector machines over the features of `measure/code_features.py`, on labelled source files of permissive
repositories; "not code" is learnt from prose and tables. Two ways to test: A, half of the exercises and folders; B,
trained
without github-linguist/linguist and tested on its samples (odd files of foreign projects: the honest figure).

    python scripts/train_code_language.py DATA_FOLDER
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit
from scipy.stats import binomtest
from tensors import save_sorted

from modelwright.measure import code_language
from modelwright.measure.code_features import BUCKET_BITS, READ_BYTES, scores, sparse_features
from modelwright.measure.code_language import NOT_CODE, Model
from modelwright.measure.model_files import CODE_MODEL
from modelwright.measure.spans import read_only, texts_of

PASSES = 15
STRENGTH = 10.0  # C of the support vector machine
SHARPNESS = 8.0  # scores are multiplied by it before the softmax
CORE = set("python java c c++ go rust javascript typescript ruby shell sql yaml html json markdown".split())  # noqa: SIM905


def load(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def prose(data: Path) -> list[str]:
    """Texts that are not code: books, speeches, sentences of many languages, answers, messages, tables."""
    texts = []
    for row in load(data / "prose_books.jsonl.gz"):
        texts += [row["text"][start : start + 2500] for start in range(5000, len(row["text"]), 60_000)]
    for row in load(data / "prose_speeches.jsonl.gz"):
        texts += [row["text"][start : start + 1500] for start in range(0, len(row["text"]), 10_000)]
    languages = load(data / "langid_text.jsonl.gz")
    texts += [" ".join(row["text"] for row in languages[start : start + 4]) for start in range(0, len(languages), 40)]
    texts += [row["text"] for row in languages[::60]]
    texts += [
        row["chosen"][-1]["content"] if isinstance(row["chosen"], list) else row["chosen"]
        for row in load(data / "pref_hh_helpful.jsonl.gz")[::10]
    ]
    texts += [row["text"] for row in load(data / "tune_sms_spam.jsonl.gz")[::10]]
    texts += [row["text"] for row in load(data / "licence_texts_spdx.jsonl.gz")]
    for name in ("tune_ai4i2020_maintenance.csv.gz", "tune_cmapss_fd001_train.csv.gz"):
        table = gzip.decompress((data / name).read_bytes()).decode()
        texts += [table[start : start + 2000] for start in range(0, len(table), len(table) // 10)]
    return [text for text in texts if text.strip()]


@njit(cache=False)
def fit(row_ends, buckets, values, target, classes, passes, strength, seed):
    """One against the rest, squared hinge, by dual coordinate descent (Hsieh et al., ICML 2008)."""
    weights = np.zeros((1 << BUCKET_BITS, classes), np.float32)
    bias = np.zeros(classes, np.float32)
    dual = np.zeros((len(row_ends), classes), np.float32)
    ridge = 1 / (2 * strength)
    np.random.seed(seed)
    for _ in range(passes):
        for row in np.random.permutation(len(row_ends)):
            start = 0 if row == 0 else row_ends[row - 1]
            score = bias.copy()
            for item in range(start, row_ends[row]):
                score += values[item] * weights[buckets[item]]
            for column in range(classes):
                sign = 1.0 if target[row] == column else -1.0
                slope = sign * score[column] - 1 + ridge * dual[row, column]
                after = max(dual[row, column] - slope / (2.0 + ridge), 0.0)
                score[column] = (after - dual[row, column]) * sign
                dual[row, column] = after
            bias += score
            for item in range(start, row_ends[row]):
                weights[buckets[item]] += values[item] * score
    return weights, bias


def train(texts: list[str], labels: list[str]) -> Model:
    classes = tuple(sorted(set(labels)))
    row_ends, buckets, values = sparse_features(texts_of(pa.array(texts, pa.large_string())))
    target = np.array([classes.index(label) for label in labels])
    weights, bias = fit(row_ends, buckets, values.astype(np.float32), target, len(classes), PASSES, STRENGTH, 7)
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    whole = np.rint(weights / scale).astype(np.int8)
    return Model(classes, read_only(whole), (scale * SHARPNESS).astype(np.float32), bias * np.float32(SHARPNESS))


def loss(rows: list[dict], model: Model) -> float:
    """Mean negative log-likelihood of the right language, by text alone: what SHARPNESS was chosen to make small."""
    found = scores(
        texts_of(pa.array([r["text"] for r in rows], pa.large_string())), model.weights, model.scale, model.bias
    )
    found = (
        found - np.log(np.exp(found - found.max(1, keepdims=True)).sum(1, keepdims=True)) - found.max(1, keepdims=True)
    )
    return float(-np.mean([found[i, model.classes.index(label(r))] for i, r in enumerate(rows)]))


def predict(rows: list[dict], model: Model, *, named: bool) -> list[str]:
    code_language.model = lambda: model
    texts = texts_of(pa.array([row["text"] for row in rows], pa.large_string()))
    guesses = code_language.identify(texts, [row["path"] if named else None for row in rows])
    return [guess.language or NOT_CODE for guess in guesses]


def figures(rows: list[dict], found: list[str]) -> str:
    right = np.array([row["language"] == name for row, name in zip(rows, found, strict=True)])
    merged = lambda name: "yaml" if name == "ansible" else name  # noqa: E731
    joined = np.mean([merged(row["language"]) == merged(name) for row, name in zip(rows, found, strict=True)])
    core = [hit for row, hit in zip(rows, right, strict=True) if row["language"] in CORE]
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    whole = f"{right.mean():.3f} [{low:.3f}, {high:.3f}] of {len(rows)}"
    return f"{whole}; ansible as yaml {joined:.3f}; core 15 {np.mean(core):.3f}"


def part(row: dict) -> int:
    folder = row["repo"] + "/" + "/".join(row["path"].split("/")[:-1])
    return hashlib.sha256(folder.encode()).digest()[0] & 1


def report(rows: list[dict], others: list[str]) -> list[str]:
    lines = []
    tests = {
        "A: half of the folders, same repositories": ([r for r in rows if part(r)], [r for r in rows if not part(r)]),
        "B: trained without linguist's samples, tested on them": (
            [r for r in rows if r["repo"] != "github-linguist/linguist"],
            [r for r in rows if r["repo"] == "github-linguist/linguist"],
        ),
    }
    for name, (seen, unseen) in tests.items():
        model = train([r["text"] for r in seen] + others[::2], [label(r) for r in seen] + [NOT_CODE] * len(others[::2]))
        known = [r for r in unseen if label(r) in model.classes]
        for how, named in (("with the file's name", True), ("text only, languages seen in training", False)):
            subject = unseen if named else known
            found = predict(subject, model, named=named)
            lines.append(f"| {name} | {how} | {figures(subject, found)} |")
            if "-v" in sys.argv:
                for row, guess in zip(subject, found, strict=True):
                    if named and guess != row["language"]:
                        print(row["language"], "->", guess, row["path"])
        aside = [{"text": text, "path": None, "language": NOT_CODE} for text in others[1::2]]
        right = np.mean([guess == NOT_CODE for guess in predict(aside, model, named=False)])
        if "-v" in sys.argv:
            print(
                {
                    sharp: round(
                        loss(
                            known,
                            model._replace(scale=model.scale * sharp / SHARPNESS, bias=model.bias * sharp / SHARPNESS),
                        ),
                        3,
                    )
                    for sharp in (1, 2, 3, 4, 5, 6, 8, 10)
                }
            )
        lines.append(f"| {name} | text that is not code, without a name | {right:.3f} of {len(aside)} |")
    return lines


def label(row: dict) -> str:
    return "yaml" if row["language"] == "ansible" else row["language"]


CARD = """# code_language.safetensors

Linear classifier of source files: {classes} classes (one is "not code"), {buckets} hashed buckets, int8. Made by
`scripts/train_code_language.py`; it holds weights and no text.

Training data: {files} labelled files of permissive repositories (MIT, Apache-2.0, BSD-3-Clause, CC-BY-3.0
ansible-examples, CC0-1.0; among them exercism tracks, linguist samples, mdn/learning-area, kubernetes/examples) and
{others} texts that are not code (public-domain books and speeches, Tatoeba sentences CC-BY-2.0-FR, UDHR, hh-rlhf
answers MIT, SMS messages and maintenance tables CC-BY-4.0, licence texts).

| test | evidence | accuracy [95 % Wilson interval] |
|---|---|---|
{lines}

Limits: one author wrote most files of a language in test A, so its text-only figure flatters; B is the honest one.
Only the first {read} bytes are read. Languages outside the classes are known by their file name alone. Extensions of
the table were chosen while looking at this data.
"""


def main(data: Path) -> None:
    rows, others = load(data / "code_labelled.jsonl.gz"), prose(data)
    lines = report(rows, others)
    print("\n".join(lines))
    model = train([r["text"] for r in rows] + others, [label(r) for r in rows] + [NOT_CODE] * len(others))
    tensors = {"weights": np.array(model.weights), "scale": model.scale, "bias": model.bias}
    save_sorted(
        tensors, CODE_MODEL, {"classes": json.dumps(model.classes), "licence": "Apache-2.0; see code_language.md"}
    )
    card = CARD.format(
        classes=len(model.classes),
        buckets=1 << BUCKET_BITS,
        files=len(rows),
        others=len(others),
        lines="\n".join(lines),
        read=READ_BYTES,
    )
    CODE_MODEL.with_suffix(".md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
