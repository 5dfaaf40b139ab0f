"""Programming language: table of names, then a linear classifier over the candidates, then rules for YAML and HCL.

The table (`data/code_languages.json`) gives the languages that a path or a first line allows. Where it leaves
several, or
the text has no telling name, the hashed linear model `data/code_language.safetensors` decides; it has a class
"not code", learnt from prose. Whether YAML is Ansible is decided by a rule (`ansible.py`), never by the model.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelwright.measure.ansible import READ_BYTES, is_ansible
from modelwright.measure.code_dialect import DIALECTS, dialect
from modelwright.measure.code_dialect import READ_BYTES as DIALECT_BYTES
from modelwright.measure.code_marks import MARKS, MARKS_ALONE
from modelwright.measure.model_files import CODE_MODEL, CODE_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

NOT_CODE = "not code"
LEAST_SHARE = 0.8
"""Below it, marks that only one language has may choose among the best RUNNERS_UP guesses."""
RUNNERS_UP = 6


class Table(NamedTuple):
    """What a name allows. Keys of `extensions` have no leading dot; values are in order of preference."""

    types: dict[str, str]
    extensions: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]
    interpreters: dict[str, tuple[str, ...]]


class Model(NamedTuple):
    """Weights (kept buckets, classes) int8 with a factor and bias for each class; `classes` names the columns.

    `place_of` (buckets,) is the row of a bucket in `weights`, or -1.
    """

    classes: tuple[str, ...]
    place_of: NDArray[np.int32]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]


class Guess(NamedTuple):
    """A language, or None for "not code", how sure that is (0 to 1), and the dialect of a configuration file."""

    language: str | None
    confidence: float
    dialect: str | None = None


@functools.lru_cache(maxsize=1)
def table() -> Table:
    """The table of names, read once a process."""
    content = json.loads(CODE_TABLE.read_text(encoding="utf-8"))
    lists: dict[str, dict[str, list[str]]] = {"extensions": {}, "names": {}, "interpreters": {}}
    for row in content["languages"]:
        for field, found in lists.items():
            for key in row[field]:
                found.setdefault(key, []).append(row["name"])
    for extension, first in content["preferred"].items():
        languages = lists["extensions"][extension]
        languages.sort(key=lambda name, first=first: name != first)  # type: ignore[misc]
    frozen = {field: {key: tuple(names) for key, names in found.items()} for field, found in lists.items()}
    return Table({row["name"]: row["type"] for row in content["languages"]}, **frozen)


@functools.lru_cache(maxsize=1)
def model() -> Model:
    """The classifier, read once a process."""
    from safetensors import safe_open

    from modelwright.measure.spans import read_only

    with safe_open(CODE_MODEL, framework="numpy") as file:
        classes = tuple(json.loads(file.metadata()["classes"]))
        return Model(
            classes,
            read_only(file.get_tensor("place_of")),
            read_only(file.get_tensor("weights")),
            file.get_tensor("scale").copy(),
            file.get_tensor("bias").copy(),
        )


@functools.lru_cache(maxsize=65536)
def _by_name(name: str) -> tuple[str, ...]:
    """Languages that a file name allows: the whole name, then the longest known suffix, as written and in lower
    case.
    """
    known = table()
    if name in known.names:
        return known.names[name]
    parts = name.split(".")
    for first in range(1, len(parts)):
        suffix = ".".join(parts[first:])
        found = known.extensions.get(suffix) or known.extensions.get(suffix.lower())
        if found:
            return found
    for known_name in ("Dockerfile", "Containerfile", "Makefile", "Jenkinsfile"):
        if name.startswith((known_name + ".", known_name + "-")):
            return known.names[known_name]
    if re.fullmatch(r"requirements[\w.-]*\.txt", name):
        return ("pip requirements",)
    return ()


_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?([\w.+-]+)(?:[ \t]+(?:-\S+[ \t]+|\w+=\S+[ \t]+)*(?:\S*/)?([\w.+-]+))?")


def _by_first_line(head: bytes) -> tuple[str, ...]:
    """Languages that a shebang or a telling first line allows."""
    if head.startswith(b"#!"):
        found = _SHEBANG.match(head)
        if found:
            word = found.group(2) if found.group(1) == b"env" and found.group(2) else found.group(1)
            name = word.decode("ascii")
            known = table().interpreters
            return known.get(name) or known.get(re.sub(r"[\d.]+$", "", name), ())
    start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"<"):
        return ()
    start = start.lower()
    for mark, language in ((b"<?xml", "xml"), (b"<?php", "php"), (b"<!doctype html", "html"), (b"<html", "html")):
        if start.startswith(mark):
            return (language,)
    return ()


def candidates(path: str | None, head: bytes) -> tuple[str, ...]:
    """Languages that the path and the first bytes of a text allow; empty when neither says anything.

    A first line that agrees with one of the path's languages decides between them.
    """
    named = _by_name(path.replace("\\", "/").rsplit("/", 1)[-1]) if path else ()
    if len(named) == 1:
        return named
    lines = _by_first_line(head)
    if not named:
        return lines
    common = tuple(name for name in named if name in lines)
    return common or named


def _shares(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax of each row."""
    values = np.exp((scores - scores.max(axis=1, keepdims=True, initial=-np.inf)).astype(np.float64))
    return values / values.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def _alone(shares: NDArray[np.float64], best: int, text: bytes) -> Guess:
    """The best of all classes, or of the best few one that has marks of its own, when the classifier is unsure."""
    names = model().classes
    share = float(shares[best])
    if share < LEAST_SHARE:
        for place in shares.argsort()[: -RUNNERS_UP - 1 : -1].tolist():
            mark = MARKS_ALONE.get(names[place]) or MARKS.get(names[place])
            if mark and mark.search(text):
                best, share = place, float(shares[place])
                break
    return Guess(None if names[best] == NOT_CODE else names[best], share)


def _choose(allowed: tuple[str, ...], row: NDArray[np.float32], classes: dict[str, int], text: bytes) -> Guess:
    """The best of the allowed languages."""
    if len(allowed) == 1:
        return Guess(allowed[0], 1.0)
    for name in allowed:
        pattern = MARKS.get(name)
        if pattern and pattern.search(text):
            return Guess(name, 0.95)
    known = [name for name in allowed if name in classes]
    if not known:
        return Guess(allowed[0], 1.0 / len(allowed))
    shares = _shares(row[None, [classes[name] for name in known]])[0]
    return Guess(known[int(shares.argmax())], float(shares.max()))


_RULED = (("yaml",), ("hcl",), ("terraform",))
_HCL_BLOCK = re.compile(rb'^(?:terraform\s*\{|(?:resource|data|provider|module|variable|output)\s+"|locals\s*\{)', re.M)


def _settle(guess: Guess, path: str | None, text: bytes) -> Guess:
    """The rules behind the classifier: Ansible or other YAML, Terraform or other HCL, plain text is no code."""
    if guess.language == "yaml" and is_ansible(text, path):
        return Guess("ansible", guess.confidence)
    if guess.language == "terraform" and path and path.endswith(".hcl") and ".terraform" not in path:
        return Guess("terraform" if _HCL_BLOCK.search(text) else "hcl", guess.confidence)
    if guess.language == "text":
        return Guess(None, guess.confidence)
    return guess


def identify(texts: Texts, paths: Sequence[str | None]) -> list[Guess]:
    """The language of each text. `paths` are names as evidence (None: unknown); a null text gives Guess(None, 0.0)."""
    from modelwright.measure import code_features
    from modelwright.measure.spans import heads_of, texts_at

    learnt = model()
    classes = {name: column for column, name in enumerate(learnt.classes)}
    allowed = [candidates(path, head) for path, head in zip(paths, heads_of(texts, 256), strict=True)]
    valid = texts.valid.tolist()
    open_rows = [row for row, names in enumerate(allowed) if len(names) != 1 and valid[row]]
    measured = code_features.scores(texts_at(texts, open_rows, code_features.READ_BYTES), *learnt[1:])
    shares = _shares(measured)
    best = shares.argmax(axis=1).tolist() if open_rows else []
    sure = (shares.max(axis=1, initial=0.0) >= LEAST_SHARE).tolist()
    place_of = {row: place for place, row in enumerate(open_rows)}
    nothing = np.zeros(len(learnt.classes), np.float32)
    guesses = []
    for row, names in enumerate(allowed):
        if not valid[row]:
            guesses.append(Guess(None, 0.0))
            continue
        place = place_of.get(row, -1)
        plain = not names and sure[place] and learnt.classes[best[place]] != "yaml"
        text = texts.bytes(row, READ_BYTES) if not plain and (len(names) != 1 or names in _RULED) else b""
        if names:
            guess = _choose(names, measured[place] if place >= 0 else nothing, classes, text)
        else:
            guess = _alone(shares[place], best[place], text)
        if guess.language == "yaml" and not text:
            text = texts.bytes(row, READ_BYTES)
        guess = _settle(guess, paths[row], text)
        if guess.language in DIALECTS:
            head = text or texts.bytes(row, DIALECT_BYTES)
            guess = guess._replace(dialect=dialect(head, guess.language, paths[row]))
        guesses.append(guess)
    return guesses
