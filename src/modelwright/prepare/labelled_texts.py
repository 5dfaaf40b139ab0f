"""Texts that a user hands over with labels: folders, text files, JSON Lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, UnknownName

MOST = 200_000
"""Texts that are read of one file or folder."""


def read_texts(path: Path, text_field: str = "text") -> list[str]:
    """The texts of a folder (one a file), of JSON Lines (one a row), or of a text file (one a line).

    Raises InputError when there is none, UnknownName for a field that no row has.
    """
    if path.is_dir():
        parts: Iterator[str] = (text for file in _files(path) for text in _file(file, text_field, whole=True))
    else:
        parts = _file(_existing(path), text_field, whole=False)
    texts = [text for text, _ in zip((part for part in parts if part.strip()), range(MOST), strict=False)]
    if not texts:
        raise InputError(f"{path} holds no text", hint="a folder of texts, a text file or JSON Lines", value=str(path))
    return texts


def read_labelled(path: Path, text_field: str, label_field: str) -> tuple[list[str], list[str]]:
    """Texts and labels of JSON Lines. Raises UnknownName for a field that a row lacks, InputError for no JSON."""
    texts, labels = [], []
    for row, _ in zip(_rows(_existing(path)), range(MOST), strict=False):
        texts.append(_field(row, text_field, path))
        labels.append(_field(row, label_field, path))
    return texts, labels


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"there is no {path}", hint="a folder, a text file or JSON Lines", value=str(path))
    return path


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _file(path: Path, text_field: str, *, whole: bool) -> Iterator[str]:
    if {".jsonl", ".ndjson"} & set(path.suffixes):
        yield from (_field(row, text_field, path) for row in _rows(path))
        return
    text = _text(path)
    yield from [text] if whole else text.splitlines()


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", errors="replace")
    except (OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}", value=str(path)) from error


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number} is no JSON: {error}", value=str(path)) from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number} is no object", hint='{"text": ..., "label": ...}', value=str(path))
            yield row


def _field(row: dict[str, Any], name: str, path: Path) -> str:
    if not isinstance(row.get(name), (str, int, float)):
        raise UnknownName("field", name, row, where=str(path))
    return str(row[name])
