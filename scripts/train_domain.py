"""Train `domain_teacher.safetensors` and `domain.safetensors` of `src/modelwright/measure/data`, with their cards.

The teacher is a linear head over the embeddings of all-MiniLM-L6-v2: three in four questions of MMLU (with their
choices), by digest; parts of books, speeches, licences and manuals, whose field is plain; sentences written for it
(`domain_sentences.py`). The student is a hashed linear model taught by the teacher's probabilities on windows of texts
of other kinds too, and on longer texts made of several windows of one document. A quarter of the documents, by digest,
and all of WikiText (share-alike) are kept for the figures.

    python scripts/train_domain.py DATA_FOLDER [--cache EMBEDDINGS.npz]
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import sysconfig
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from domain_sentences import SENTENCES
from sklearn.linear_model import LogisticRegression

from modelwright.core.fingerprint import digest
from modelwright.measure import classifier
from modelwright.measure.spans import texts_of
from modelwright.measure.statistics import wilson
from modelwright.prepare import classifiers, domains
from modelwright.prepare.domains import FIELD_OF, FIELDS, WINDOW, Teacher, field_shares
from modelwright.prepare.quality.base import Labelled
from modelwright.prepare.quality.domain import long_texts, question

TAUGHT = {
    "book": "literature and arts", "speech": "politics and government", "licence": "law", "manual": "computing",
    "thought": "philosophy and religion", "activity": "sports, games and everyday life",
    "review": "literature and arts",
}  # fmt: skip
PLAIN = 60  # windows of each of these
THOUGHT = ("Leviathan", "The Republic")
SHAPE = classifiers.Shape(bits=16, read_bytes=4096, flags=2)
STRENGTH = 30.0  # C of the teacher's logistic regression
STUDENT_STRENGTH = 30.0
REPEATED = 4  # times that the student sees a sentence written for a field: there are few
LEAST_SHARE = 0.05  # fields that the teacher thinks less likely are not taught


class Piece(NamedTuple):
    """`document` is the mark of the whole text that `text` is a window of."""

    kind: str
    document: int
    text: str


def rows(data: Path, name: str) -> list[dict]:
    return list(Labelled(data).rows(name))


def pieces(data: Path) -> list[Piece]:
    """Windows of texts, in a fixed order."""
    choose, found = random.Random(1), []

    def add(kind: str, text: str, most: int = 1, read: int = 10_000_000) -> None:
        cut = [text[i : i + WINDOW] for i in range(0, max(1, len(text) - WINDOW // 2), WINDOW)]
        parts = choose.sample(cut, min(most, len(cut))) if most > 1 else [text[:read]]
        found.extend(Piece(kind, classifier.text_mark(text), part.strip()) for part in parts)

    for row in rows(data, "prose_books"):
        add("thought" if row["title"] in THOUGHT else "book", row["text"], 35)
    for row in rows(data, "prose_speeches"):
        add("speech", row["text"], 5)
    for row in rows(data, "licence_texts_spdx"):
        add("licence", row["text"], 4)
    for row in rows(data, "neardup_versions"):
        if row["kind"] == "docs" and row["version"] in ("8.4.2", "v2.32.5", "trpl-v0.3.0", "v0.22.0"):
            add("manual", row["text"], 2)
    for row in rows(data, "pref_hh_helpful")[:2600]:
        said = [row[name][-1]["content"] if isinstance(row[name], list) else row[name] for name in ("prompt", "chosen")]
        add("answer", "\n".join(said), read=700)
    for row in rows(data, "instruct_tasks"):
        add("task", f"{row['instruction']} {row['input'] or ''} {row['output'] or ''}", read=700)
    for row in rows(data, "bench_hellaswag")[:700]:
        add("activity", f"{row['ctx']} {row['endings'][row['label']]}")
    for row in rows(data, "bench_openbookqa"):
        add("science", question(row))
    for row in rows(data, "bench_gsm8k")[:250]:
        add("arithmetic", f"{row['question']} {row['answer'][:300]}")
    for row in rows(data, "tune_sentence_polarity")[:240]:
        add("review", row["text"])
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:160]:
        add("manual", ast.get_docstring(ast.parse(path.read_bytes())) or "", read=WINDOW)
    return found


def kept_apart(document: int) -> bool:
    """One document in four is never learnt from."""
    return document % 4 == 0


def embedded(texts: list[str], cache: Path | None) -> np.ndarray:
    """Embeddings of texts; those that the cache holds are not made again."""
    from modelwright.engines.embeddings import embed

    marks = [classifier.text_mark(text) for text in texts]
    known: dict[int, np.ndarray] = {}
    if cache and cache.exists():
        saved = np.load(cache)
        known = dict(zip(saved["marks"].tolist(), saved["embeddings"], strict=True))
    new = [text for text, mark in zip(texts, marks, strict=True) if mark not in known]
    for first in range(0, len(new), 512):
        part = new[first : first + 512]
        known |= zip((classifier.text_mark(text) for text in part), embed(part), strict=True)
        print(f"embedded {first + len(part)} of {len(new)}", flush=True)
        if cache:
            np.savez(cache, marks=np.array(list(known), np.uint64), embeddings=np.stack(list(known.values())))
    return np.stack([known[mark] for mark in marks])


def train_teacher(data: Path, parts: list[Piece], cache: Path | None) -> Teacher:
    """Fit the head, print its accuracy on the questions kept apart, and write its file and card."""
    asked = [row for row in rows(data, "bench_mmlu") if row["subject"] in FIELD_OF]
    examples = [
        (question(row), row["subject"], 1.0) for row in asked if not kept_apart(classifier.text_mark(question(row)))
    ]
    examples += [(line, f"own {name}", 2.0) for name, text in SENTENCES.items() for line in text.strip().split("\n")]
    taken: Counter[str] = Counter()
    for part in parts:
        if part.kind in TAUGHT and not kept_apart(part.document) and taken[part.kind] < PLAIN:
            taken[part.kind] += 1
            examples.append((part.text, part.kind, 1.0))
    texts, names, weights = zip(*examples, strict=True)
    learner = LogisticRegression(C=STRENGTH, max_iter=1000)
    learner.fit(embedded(list(texts), cache), names, sample_weight=weights)
    known = {**FIELD_OF, **TAUGHT, **{f"own {name}": name for name in FIELDS}}
    fields = [known[name] for name in learner.classes_]
    marks = np.unique(np.array([classifier.text_mark(text) for text in texts], np.uint64))
    tensors = {"weights": learner.coef_.T.astype(np.float32), "bias": learner.intercept_.astype(np.float32)}
    facts = {"format": "domain teacher 1", "subjects": list(learner.classes_), "fields": fields}
    domains.TEACHER.write_bytes(classifier.packed({**tensors, "trained_on": marks}, facts))
    domains.teacher.cache_clear()
    head = domains.teacher()
    kept = [row for row in asked if kept_apart(classifier.text_mark(question(row)))]
    found = field_shares(embedded([question(row) for row in kept], cache), head).argmax(axis=1)
    right = sum(FIELDS[place] == FIELD_OF[row["subject"]] for place, row in zip(found, kept, strict=True))
    line = said("questions of MMLU kept apart, the right field of 16", right, len(kept))
    domains.TEACHER.with_suffix(".md").write_text(TEACHER_CARD.format(examples=len(texts), figures=line))
    return head


def lessons(parts: list[Piece], shares: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The windows, and texts of two to five windows of one document with the mean of what they are taught."""
    texts, taught = [part.text for part in parts], list(shares)
    members = defaultdict(list)
    for place, part in enumerate(parts):
        members[part.document].append(place)
    mixed = random.Random(2)
    for places in members.values():
        for _ in range(len(places) // 2):
            group = mixed.sample(places, mixed.randint(2, min(5, len(places))))
            texts.append("\n".join(parts[place].text for place in group))
            taught.append(shares[group].mean(axis=0))
    return texts, np.stack(taught)


def train_student(parts: list[Piece], data: Path, head: Teacher, cache: Path | None) -> None:
    """Fit the student to the teacher's probabilities; its temperature and figures come from documents kept apart."""
    extra = [
        Piece("sentence", classifier.text_mark(line), line)
        for text in SENTENCES.values()
        for line in text.strip().split("\n")
    ] * REPEATED
    asked = [row for row in rows(data, "bench_mmlu") if row["subject"] in FIELD_OF]
    extra += [Piece("question", classifier.text_mark(question(row)), question(row)) for row in asked]
    parts = [*parts, *extra]
    shares = field_shares(embedded([part.text for part in parts], cache), head)
    learn = [place for place, part in enumerate(parts) if not kept_apart(part.document)]
    texts, taught = lessons([parts[place] for place in learn], shares[learn])
    rest = [place for place, part in enumerate(parts) if kept_apart(part.document)]
    others, expected = lessons([parts[place] for place in rest], shares[rest])
    taught = taught**2 / (taught**2).sum(axis=1, keepdims=True)  # nearer to its best field: that is what is asked
    row, field = np.nonzero(taught >= LEAST_SHARE)
    features = classifiers.sparse(texts, SHAPE)
    mass = np.bincount(field, weights=taught[row, field], minlength=len(FIELDS))
    weight = taught[row, field] * np.sqrt(mass.mean() / mass[field])  # halfway to fields that count alike
    weights, bias = classifiers.fit(features[row], field, len(FIELDS), STUDENT_STRENGTH, weight)
    scores = classifiers.sparse(others, SHAPE) @ weights + bias
    heat = classifiers.temperature(scores, expected.argmax(axis=1))
    seen = [classifier.text_mark(text) for text in texts] + [parts[place].document for place in learn]
    marks = np.unique(np.array(seen, np.uint64))
    facts = {"name": "domain", "texts": len(texts), "training_texts": digest(sorted(marks.tolist()))}
    model = classifiers.quantised(weights / heat, bias / heat, FIELDS, SHAPE, marks, facts)
    domains.STUDENT.write_bytes(classifier.content(model))
    report(model, data, head, cache, len(texts))


def report(model: classifier.Model, data: Path, head: Teacher, cache: Path | None, count: int) -> None:
    """Agreement with the teacher on long texts of documents kept apart, by kind; written to the card."""
    lines, agreed, total = [], 0, 0
    for kind, found in long_texts(Labelled(data)).items():
        cut = [domains.windows(text) for text in found]
        shares = field_shares(embedded([part for parts in cut for part in parts], cache), head)
        ends = np.cumsum([len(parts) for parts in cut])
        taught = np.stack([part.mean(axis=0) for part in np.split(shares, ends[:-1])])
        own = classifier.probabilities(texts_of(pa.array(found, pa.large_string())), model)
        right = int((taught.argmax(axis=1) == own.argmax(axis=1)).sum())
        agreed, total = agreed + right, total + len(found)
        lines.append(said(f"{kind}: student and teacher agree", right, len(found)))
    lines.append(said("all: student and teacher agree", agreed, total))
    domains.STUDENT.with_suffix(".md").write_text(STUDENT_CARD.format(texts=count, figures="\n".join(lines)))


def said(what: str, right: int, items: int) -> str:
    interval = wilson(right, items)
    line = f"- {what}: {interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f}, {items})"
    print(line)
    return line


TEACHER_CARD = """# `domain_teacher.safetensors`

A linear head over the embeddings of all-MiniLM-L6-v2 (Apache-2.0, Sentence Transformers; it comes with the extra
`embeddings`): it labels texts with one of 16 broad fields and teaches `domain.safetensors`. Made by
`scripts/train_domain.py` from {examples} texts: three in four questions of MMLU (MIT, Hendrycks et al. 2021), windows
of books and speeches in the public domain, of licences, manuals, HellaSwag (MIT) and film reviews (CC-BY-4.0, Pang and
Lee 2005), and sentences written for it. No text is kept; `trained_on` holds hashes.

{figures}

English only. Short or mixed texts are often near two fields; a confidence below .3 says little.
"""
STUDENT_CARD = """# `domain.safetensors`

A linear model over hashed words and beginnings of words: one of 16 broad fields for a text. Made by
`scripts/train_domain.py` from {texts} windows of texts, labelled by `domain_teacher.safetensors`: public domain books
and speeches, licences, manuals, MMLU, HellaSwag, HH-RLHF, GSM8K (MIT), OpenBookQA, self-instruct and InstructLab
(Apache-2.0), film reviews (CC-BY-4.0, Pang and Lee 2005). No text is kept; `trained_on` holds hashes.

Agreement with the teacher on texts of 3,600 characters of documents kept apart; it is no measure of truth.

{figures}

English only. On encyclopaedic texts it agrees less: retrain it on your own pile by `modelwright classifier domains`.
"""

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--cache", type=Path)
    chosen = arguments.parse_args()
    every = [part for part in pieces(chosen.data) if len(re.findall(r"\w+", part.text)) >= 4]
    taught_by = train_teacher(chosen.data, every, chosen.cache)
    train_student(every, chosen.data, taught_by, chosen.cache)
