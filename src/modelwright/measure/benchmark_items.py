"""The items of a benchmark file: each text field of a row is one, named `FILE#ROW.FIELD`; and a row as a question with
choices.

Rows are read from JSON Lines or a JSON list, also gzipped; rows are numbered from 0.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelwright.core.errors import InputError

_ANSWERS = (
    "answer", "answers", "best_answer", "correct_answer", "correct_answers", "target", "output", "completion",
    "response", "solution",
)  # fmt: skip
_LABELS = ("label", "answer", "answerkey", "answer_key", "answer_index", "gold", "correct", "target")
_CHOICES = ("choices", "options", "endings", "mc1_choices")
_NUMBERED = re.compile(r"(?:ans|answer|choice|option|ending|sol)_?([0-9]|[a-e])")
_NO_QUESTION = {
    "id", "uid", "category", "subject", "topic", "domain", "split", "set", "source", "type", "language", "field",
    "name", "url", "license", "licence", "task", "task_id", "entry_point", "author",
}  # fmt: skip
_QUESTIONS = ("question", "query", "prompt", "ctx", "context", "instruction", "problem", "sentence", "text", "input")
_ANSWERS_AT_MOST = 16


class Item(NamedTuple):
    """A text of a benchmark, `row` its row there; `answers` are what stands near it when it is short. `asks` is False
    for answers and choices, which say little alone."""

    name: str
    row: int
    text: str
    answers: tuple[str, ...] = ()
    asks: bool = True


class Choice(NamedTuple):
    """A row as a question: what is asked, the answers to choose from, the place of the right one."""

    question: str
    choices: tuple[str, ...]
    right: int


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a benchmark file. Raises InputError when it cannot be read or a row is no object."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        text = content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            f"there is no benchmark file {path}", hint="paths are relative to the project file", value=str(path)
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the benchmark file {path}: {error}", value=str(path)) from error
    if text.lstrip().startswith("["):
        lines = [(1, text)]
    else:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    rows: list[Any] = []
    for number, line in lines:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(
                f"{path}:{number} is no JSON: {error}", hint="one object a line, UTF-8", value=str(path)
            ) from error
        rows += row if isinstance(row, list) else [row]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"row {number} of {path} is no object", hint="one object a line", value=str(path))
    return rows


def items_of(rows: Sequence[Mapping[str, Any]], name: str) -> Iterator[Item]:
    """Each text field of each row, at any depth; of equal texts in a row the first."""
    for number, row in enumerate(rows):
        answers = _answers(row)
        seen: set[str] = set()
        for field, text in _texts(row, ""):
            if text.strip() and text not in seen:
                seen.add(text)
                asks = _may_ask(field.partition(".")[0]) and text not in answers
                yield Item(f"{name}#{number}.{field}", number, text, answers if asks else (), asks)


def choice_of(row: Mapping[str, Any]) -> Choice | None:
    """The question, choices and right answer of a row; None when it has no such form."""
    choices, right = _choices(row), _right(row)
    lower = {key.lower(): value for key, value in row.items()}
    asked = [str(lower[name]) for name in ("context", "question") if isinstance(lower.get(name), str)]
    asked = asked or [str(lower[name]) for name in _QUESTIONS if isinstance(lower.get(name), str)][:1]
    return None if right is None or not asked or len(choices) < 2 else Choice(" ".join(asked), choices, right)


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{field}.{key}" if field else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{field}.{number}" if field else str(number))


def _may_ask(field: str) -> bool:
    lower = field.lower()
    if lower in _NO_QUESTION or lower in _CHOICES or _NUMBERED.fullmatch(lower):
        return False
    return not any(name in lower for name in ("answer", "solution", "choice", "target", "output", "test", "completion"))


def _choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    lower = {key.lower(): value for key, value in row.items()}
    for name in _CHOICES:
        value = lower.get(name)
        value = value.get("text") if isinstance(value, Mapping) else value
        if isinstance(value, list) and len(value) > 1 and all(isinstance(item, (str, int, float)) for item in value):
            return tuple(str(item) for item in value)
    numbered = sorted(key for key in lower if _NUMBERED.fullmatch(key) and isinstance(lower[key], str))
    return tuple(lower[key] for key in numbered) if len(numbered) > 1 else ()


def _right(row: Mapping[str, Any]) -> int | None:
    """The place of the right choice."""
    choices = _choices(row)
    lower = {key.lower(): value for key, value in row.items()}
    for name in _LABELS:
        value = lower.get(name)
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, int) and 0 <= value < len(choices):
            return value
        if isinstance(value, str) and value in choices:
            return choices.index(value)
        marks = lower.get("choices", {}).get("label") if isinstance(lower.get("choices"), Mapping) else None
        marks = marks or [*"ABCDEFGHIJ"][: len(choices)]
        if isinstance(value, str) and value.strip().upper() in marks[: len(choices)]:
            return int(marks.index(value.strip().upper()))
    return None


def _answers(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands near a short question when it has been copied: the named answer, the right choice, else any other
    short text of the row."""
    found: list[str] = []
    right = _right(row)
    if right is not None:
        found.append(_choices(row)[right])
    else:
        lower = {key.lower(): value for key, value in row.items()}
        for name in _ANSWERS:
            value = lower.get(name)
            values = value if isinstance(value, list) else [value]
            found += [str(item) for item in values if isinstance(item, (str, int, float)) and str(item).strip()]
    if not found:
        found = [
            text for field, text in _texts(row, "") if len(text.split()) <= 5 and field.lower() not in _NO_QUESTION
        ]
    return tuple(dict.fromkeys(found))[:_ANSWERS_AT_MOST]
