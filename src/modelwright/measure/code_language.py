"""Programming language: table of names, then a linear classifier over the candidates, then rules for YAML and HCL.

The table (`data/code_languages.json`) gives the languages that a path or a first line allows. Where it leaves
several, or the text has no telling name, the hashed linear model `data/code_language.safetensors` decides; it has a
class "not code", learnt from prose. Whether YAML is Ansible is decided by a rule (`ansible.py`), never by the model.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelwright.measure.ansible import READ_BYTES, is_ansible
from modelwright.measure.code_dialect import DIALECTS, dialect
from modelwright.measure.code_marks import MARKS, MARKS_ALONE, has_mark
from modelwright.measure.model_files import CODE_MODEL, CODE_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

NOT_CODE = "not code"
_CACHE_LINE = 64
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


def _aligned(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """A copy that begins at a line of the cache: a row of 64 classes is then one line, not two."""
    from modelwright.measure.spans import read_only

    room = np.empty(weights.nbytes + _CACHE_LINE, np.int8)
    first = -room.ctypes.data % _CACHE_LINE
    copy = room[first : first + weights.nbytes].reshape(weights.shape)
    copy[:] = weights
    return read_only(copy)


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
            _aligned(file.get_tensor("weights")),
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


HEAD_BYTES = 256
"""So many bytes of a text may hold its first line."""
_TELLING = np.isin(np.arange(256), list(b"#<\xef\xbb\xbf \t\r\n"))
"""Bytes that a telling first line begins with."""
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
    return _agreed(_by_path(path), _by_first_line(head))


def _by_path(path: str | None) -> tuple[str, ...]:
    return _by_name(path.replace("\\", "/").rsplit("/", 1)[-1]) if path else ()


def _agreed(named: tuple[str, ...], lines: tuple[str, ...]) -> tuple[str, ...]:
    """The languages of a path, those of a first line where it has none, or those that both allow."""
    if len(named) == 1 or not lines:
        return named
    if not named:
        return lines
    return tuple(name for name in named if name in lines) or named


def _allowed(texts: Texts, paths: Sequence[str | None]) -> list[tuple[str, ...]]:
    """The candidates of each text; the first line is read where it may tell."""
    from modelwright.measure.spans import heads_of

    allowed = [_by_path(path) for path in paths]
    begun = np.diff(texts.offsets) > 0
    first = texts.data[texts.offsets[:-1][begun]]
    telling = np.flatnonzero(begun)[_TELLING[first]].tolist()
    rows = [row for row in telling if len(allowed[row]) != 1]
    for row, head in zip(rows, heads_of(texts, HEAD_BYTES, rows), strict=True):
        allowed[row] = _agreed(allowed[row], _by_first_line(head))
    return allowed


def _shares(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax of each row."""
    values: NDArray[np.float64] = np.empty(scores.shape, np.float64)
    values[:] = scores - scores.max(axis=1, keepdims=True, initial=-np.inf)
    np.exp(values, out=values)
    values /= values.sum(axis=1, keepdims=True)
    return values


def _alone(shares: NDArray[np.float64], text: bytes) -> Guess:
    """The best of all classes, or of the best few one that has marks of its own, when the classifier is unsure."""
    names = model().classes
    best = int(shares.argmax())
    if shares[best] < LEAST_SHARE:
        for place in shares.argsort()[: -RUNNERS_UP - 1 : -1].tolist():
            mark = MARKS_ALONE.get(names[place]) or MARKS.get(names[place])
            if mark and has_mark(mark, text):
                best = place
                break
    return Guess(None if names[best] == NOT_CODE else names[best], float(shares[best]))


def _choose(allowed: tuple[str, ...], row: NDArray[np.float32], text: bytes) -> Guess:
    """The best of the allowed languages."""
    if len(allowed) == 1:
        return Guess(allowed[0], 1.0)
    for name in allowed:
        pattern = MARKS.get(name)
        if pattern and has_mark(pattern, text):
            return Guess(name, 0.95)
    classes = model().classes
    known = [name for name in allowed if name in classes]
    if not known:
        return Guess(allowed[0], 1.0 / len(allowed))
    shares = _shares(row[None, [classes.index(name) for name in known]])[0]
    return Guess(known[int(shares.argmax())], float(shares.max()))


_NOTHING = np.zeros(0, np.float32)
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


class Guesses(NamedTuple):
    """The fields of `Guess`, one list each."""

    languages: list[str | None]
    confidences: list[float]
    dialects: list[str | None]


def guesses(texts: Texts, paths: Sequence[str | None]) -> Guesses:
    """The language of each text. `paths` are names as evidence (None: unknown); a null text gives (None, 0.0, None).

    Most texts are settled by a name that allows one language, or by a classifier that is sure of one without dialects.
    """
    from modelwright.measure import code_features

    learnt = model()
    named = [None if name in (NOT_CODE, "text") else name for name in learnt.classes]
    allowed, valid = _allowed(texts, paths), texts.valid.tolist()
    found = Guesses([None] * len(allowed), [0.0] * len(allowed), [None] * len(allowed))
    open_rows = [row for row, names in enumerate(allowed) if len(names) != 1 and valid[row]]
    measured = code_features.scores(texts, *learnt[1:], rows=open_rows)
    shares = _shares(measured)
    best = shares.argmax(axis=1).tolist() if open_rows else []
    share = shares.max(axis=1, initial=0.0).tolist()
    unsettled = []
    for place, row in enumerate(open_rows):
        name = named[best[place]]
        if allowed[row] or share[place] < LEAST_SHARE or name in DIALECTS:
            unsettled.append((row, measured[place], shares[place]))
        else:
            found.languages[row], found.confidences[row] = name, share[place]
    for row, names in enumerate(allowed):
        if len(names) == 1 and valid[row]:
            if names[0] in DIALECTS:
                unsettled.append((row, _NOTHING, _NOTHING))
            else:
                found.languages[row], found.confidences[row] = None if names[0] == "text" else names[0], 1.0
    for row, scores, of_all in unsettled:
        guess = _settled(texts.bytes(row, READ_BYTES), paths[row], allowed[row], scores, of_all)
        found.languages[row], found.confidences[row], found.dialects[row] = guess
    return found


def _settled(
    text: bytes, path: str | None, allowed: tuple[str, ...], scores: NDArray[np.float32], shares: NDArray[np.float64]
) -> Guess:
    """The guess for a text that needs a look at its marks; `scores` and `shares` are those of all classes."""
    guess = _settle(_choose(allowed, scores, text) if allowed else _alone(shares, text), path, text)
    if guess.language in DIALECTS:
        guess = guess._replace(dialect=dialect(text, guess.language, path))
    return guess


def identify(texts: Texts, paths: Sequence[str | None]) -> list[Guess]:
    """`guesses`, a row at a time."""
    return list(map(Guess, *guesses(texts, paths)))
