"""Train `src/modelwright/measure/data/code_language.safetensors` and write its card beside it.

Linear support vector machines over the features of `measure/code_features.py`, on labelled source files of permissive
repositories, on files of installed packages and on texts made of our own idioms (`code_language_texts.py`); "not code"
is learnt from prose and tables. Two ways to test: A, a quarter of the exercises and folders (of linguist's samples: of
the files) is kept aside, and the weights that ship are these; B, trained without github-linguist/linguist and tested on
its samples (odd files of foreign projects: the honest figure).

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
from code_language_texts import installed, made
from scipy.stats import binomtest
from tensors import save_sorted

from modelwright.measure import code_language
from modelwright.measure.classifier import text_mark
from modelwright.measure.code_features import BUCKET_BITS, READ_BYTES, scores, sparse_features
from modelwright.measure.code_language import NOT_CODE, Model
from modelwright.measure.model_files import CODE_MODEL
from modelwright.measure.spans import read_only, texts_of

STRENGTH = 2.0  # C of the support vector machine
LEAST_TEXTS = 3
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


def matrix(texts: list[str]):
    """Counts of the hashed features, a sparse matrix (texts, buckets)."""
    from scipy.sparse import csr_matrix

    row_ends, buckets, counts = sparse_features(texts_of(pa.array(texts, pa.large_string())))
    return csr_matrix((counts, buckets, np.concatenate(([0], row_ends))), shape=(len(texts), 1 << BUCKET_BITS))


def train(texts: list[str], labels: list[str]) -> Model:
    """One against the rest, squared hinge (scikit-learn's LinearSVC), on the buckets that LEAST_TEXTS texts have."""
    from scipy.sparse import diags
    from sklearn.svm import LinearSVC

    found = matrix(texts)
    kept = np.flatnonzero(np.asarray((found > 0).sum(axis=0)).ravel() >= LEAST_TEXTS)
    found = found[:, kept]
    lengths = np.maximum(np.asarray(found.sum(axis=1)).ravel(), 1.0)
    found.data = np.sqrt(found.data)
    machine = LinearSVC(C=STRENGTH, tol=0.01, random_state=0).fit(diags(lengths**-0.5) @ found, labels)
    place_of = np.full(1 << BUCKET_BITS, -1, np.int32)
    place_of[kept] = np.arange(len(kept), dtype=np.int32)
    weights = machine.coef_.T
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    return Model(
        tuple(str(name) for name in machine.classes_),
        read_only(place_of),
        read_only(np.rint(weights / scale).astype(np.int8)),
        (scale * SHARPNESS).astype(np.float32),
        (machine.intercept_ * SHARPNESS).astype(np.float32),
    )


def loss(rows: list[dict], model: Model) -> float:
    """Mean negative log-likelihood of the right language, by text alone: what SHARPNESS was chosen to make small."""
    found = scores(
        texts_of(pa.array([r["text"] for r in rows], pa.large_string())),
        model.place_of,
        model.weights,
        model.scale,
        model.bias,
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


LINGUIST = "github-linguist/linguist"


def kept_aside(row: dict) -> bool:
    """A quarter of the folders; of linguist's samples, where a folder is a language, a quarter of the files."""
    where = row["path"] if row["repo"] == LINGUIST else row["path"].rpartition("/")[0]
    return hashlib.sha256(f"{row['repo']}/{where}".encode()).digest()[0] % 4 == 0


def label(row: dict) -> str:
    return "yaml" if row["language"] == "ansible" else row["language"]


def report(name: str, model: Model, unseen: list[dict], aside: list[str]) -> list[str]:
    lines = []
    for how, named in (("with the file's name", True), ("text only", False)):
        found = predict(unseen, model, named=named)
        lines.append(f"| {name} | {how} | {figures(unseen, found)} |")
        if "-v" in sys.argv:
            for row, guess in zip(unseen, found, strict=True):
                if guess != row["language"]:
                    print(how, row["language"], "->", guess, row["path"])
    prose_rows = [{"text": text, "path": None, "language": NOT_CODE} for text in aside]
    right = np.mean([guess == NOT_CODE for guess in predict(prose_rows, model, named=False)])
    lines.append(f"| {name} | text that is not code, without a name | {right:.3f} of {len(aside)} |")
    if "-v" in sys.argv:
        for sharp in (2, 3, 4, 6, 8, 10):
            share = np.float32(sharp / SHARPNESS)
            print(sharp, round(loss(unseen, model._replace(scale=model.scale * share, bias=model.bias * share)), 3))
    return lines


CARD = """# code_language.safetensors

Linear classifier of source files: {classes} classes (one is "not code"), {kept} of {buckets} hashed buckets, int8.
Made by `scripts/train_code_language.py`; it holds weights and no text. `trained_on`: the first 8 bytes of the SHA-256
of each text that it learned from, so that an evaluation leaves them out.

Training data: {files} labelled files of permissive repositories (MIT, Apache-2.0, BSD-3-Clause, CC-BY-3.0
ansible-examples, CC0-1.0; among them exercism tracks, linguist samples, mdn/learning-area, kubernetes/examples);
{others} texts that are not code (public-domain books and speeches, Tatoeba sentences CC-BY-2.0-FR, UDHR, hh-rlhf
answers MIT, SMS messages and maintenance tables CC-BY-4.0, licence texts); {made} texts made of our own idioms
(`scripts/code_language_idioms.txt`); and files of installed packages: {places}.

| test | evidence | accuracy [95 % Wilson interval] |
|---|---|---|
{lines}

Limits: one author wrote most files of a language in test A, so its text-only figure flatters; B is the honest one.
Only the first {read} bytes are read. Languages outside the classes are known by their file name alone. Extensions of
the table and idioms were chosen while looking at kinds of mistakes on this data.
"""


def main(data: Path) -> None:
    rows, others = load(data / "code_labelled.jsonl.gz"), prose(data)
    extra, extra_labels, places = installed()
    made_texts, made_labels = made(others[::2])
    common = others[::2] + extra + made_texts
    common_labels = [NOT_CODE] * len(others[::2]) + extra_labels + made_labels

    def fitted(seen: list[dict]) -> Model:
        return train([row["text"] for row in seen] + common, [label(row) for row in seen] + common_labels)

    foreign = fitted([row for row in rows if row["repo"] != LINGUIST])
    tested = [row for row in rows if row["repo"] == LINGUIST]
    lines = report("B: trained without linguist's samples, tested on them", foreign, tested, others[1::2])
    seen = [row for row in rows if not kept_aside(row)]
    model = fitted(seen)
    aside = [row for row in rows if kept_aside(row)]
    lines += report("A: folders kept aside, same repositories", model, aside, others[1::2])
    print("\n".join(lines))
    learned = sorted(text_mark(text) for text in [row["text"] for row in seen] + common)
    tensors = {name: np.array(getattr(model, name)) for name in ("place_of", "weights", "scale", "bias")}
    tensors["trained_on"] = np.array(learned, np.uint64)
    facts = {
        "classes": json.dumps(model.classes),
        "repositories": json.dumps(sorted({row["repo"] for row in seen})),
        "licence": "Apache-2.0; see code_language.md",
    }
    save_sorted(tensors, CODE_MODEL, facts)
    card = CARD.format(
        classes=len(model.classes),
        kept=len(model.weights),
        buckets=1 << BUCKET_BITS,
        files=len(seen),
        others=len(others[::2]),
        made=len(made_texts),
        places="; ".join(places),
        lines="\n".join(lines),
        read=READ_BYTES,
    )
    CODE_MODEL.with_suffix(".md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
