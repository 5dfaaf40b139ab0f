"""Examples from a file: every row becomes a pair, or is quarantined with its reason. Nothing is lost."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import EmptyResult, InputError, Stopped
from modelwright.formats import chat
from modelwright.formats import pairs as format
from modelwright.formats.pairs import Pair
from modelwright.tune.settings import PairsSettings

BYTES_PER_SECOND = 20e6
"""Rows of JSON parsed and written, bytes of input per second on one core (measured)."""


@dataclass(frozen=True)
class Broken:
    """A row that cannot be used: number from 1, a fixed reason code, and the detail in words."""

    row: int
    origin: str
    error: str
    detail: str


def estimate(settings: PairsSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    """From the file's size where it can be seen from here."""
    path = Path(settings.path)
    size = path.stat().st_size if path.is_file() else None
    if size is None:
        return Estimate(seconds=1.0, basis="a file of pairs is read in seconds")
    return Estimate(
        seconds=1.0 + size / BYTES_PER_SECOND,
        memory_bytes=8 * size,
        disk_bytes=size,
        basis=f"{size} bytes at {BYTES_PER_SECOND / 1e6:g} MB/s",
    )


def run(settings: PairsSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Read, quarantine, split by digest, write. Raises InputError (no such file), EmptyResult (no usable pair)."""
    path = context.project / settings.path
    if not path.is_file():
        raise InputError(
            f"the examples {settings.path} do not exist",
            hint="check `tune.examples`; paths are relative",
            value=str(path),
        )
    pairs: list[Pair] = []
    broken: list[Broken] = []
    seen: set[str] = set()
    for number, row in enumerate(read_rows(path), start=1):
        if number % 1000 == 0:
            context.progress("reading pairs", number, unit="rows")
            if context.stopping():
                raise Stopped("stopped while reading pairs", hint="the same command reads them again")
        if isinstance(row, Pair):
            if row.digest in seen:
                row = Broken(number, _origin(path, row.digest), "duplicate", "the same pair stands further up")
            else:
                seen.add(row.digest)
                pairs.append(row)
        if isinstance(row, Broken):
            broken.append(Broken(number, row.origin, row.error, row.detail))
    pairs, taken = _allowed(pairs, context)
    _write_quarantine(broken, context)
    if not pairs:
        raise EmptyResult(_why_empty(settings.path, broken), hint=_FORMS, value=settings.path)
    table = format.to_table(pairs, settings.held_out)
    format.write(context.out, table)
    facts = _facts(pairs, broken, table["split"].to_pylist())
    return Output(format.table_digest(table), {**facts, **({"taken_down": taken} if taken else {})})


def _allowed(pairs: list[Pair], context: Context) -> tuple[list[Pair], int]:
    """The pairs that quote nothing of what a takedown barred, and how many do."""
    import pyarrow as pa

    from modelwright.formats.barred import load

    barred = load(context.home)
    if barred is None or not barred.texts or not pairs:
        return pairs, 0
    from modelwright.measure.shingles import quoting

    texts = pa.array([f"{pair.prompt}\n{pair.completion}" for pair in pairs], pa.large_string())
    hits = quoting(texts, barred.texts)
    return [pair for pair, hit in zip(pairs, hits, strict=True) if not hit], int(hits.sum())


_FORMS = 'a row is {"prompt": "...", "completion": "..."} or {"messages": [...]} that ends with the assistant'


def _facts(pairs: list[Pair], broken: list[Broken], splits: list[str]) -> dict[str, Any]:
    held_out = splits.count(format.HELD_OUT)
    return {
        "rows": len(pairs) + len(broken),
        "pairs": len(pairs),
        "train": len(pairs) - held_out,
        "held_out": held_out,
        "held_out_share": held_out / len(pairs),
        "conversations": sum(pair.messages is not None for pair in pairs),
        "prompt_bytes": sum(len(pair.prompt.encode()) for pair in pairs),
        "completion_bytes": sum(len(pair.completion.encode()) for pair in pairs),
        "quarantined": len(broken),
        "quarantined_by_reason": dict(sorted(Counter(row.error for row in broken).items())),
    }


def _why_empty(path: str, broken: list[Broken]) -> str:
    reasons = Counter(row.error for row in broken).most_common(3)
    if not reasons:
        return f"{path} holds no rows"
    return f"{path} holds no usable pair: " + ", ".join(f"{count} x {reason}" for reason, count in reasons)


def _write_quarantine(broken: list[Broken], context: Context) -> None:
    if not broken:
        return
    import pyarrow as pa

    columns = {
        "row": pa.array([row.row for row in broken], pa.int64()),
        "origin": pa.array([row.origin for row in broken], pa.string()),
        "error": pa.array([row.error for row in broken], pa.string()),
        "detail": pa.array([row.detail for row in broken], pa.string()),
    }
    context.table("quarantined", [pa.RecordBatch.from_pydict(columns)])


def read_rows(path: Path) -> Iterator[Pair | Broken]:
    """Every row of a JSONL or CSV file (gzip too). Broken rows carry number 0: the caller counts.

    Raises InputError when the file itself cannot be read.
    """
    name = path.name.removesuffix(".gz")
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
            yield from _csv_rows(stream, path) if name.endswith(".csv") else _json_rows(stream, path)
    except (gzip.BadGzipFile, EOFError) as error:
        raise InputError(
            f"{path.name} is no whole gzip file: {error}", hint="copy it again", value=str(path)
        ) from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}", value=str(path)) from error


def _json_rows(stream: Any, path: Path) -> Iterator[Pair | Broken]:
    for number, line in enumerate(stream):
        content = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        if not content.strip():
            continue
        origin = _origin(path, hashlib.sha256(content.rstrip(b"\r\n")).hexdigest())
        try:
            value = json.loads(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield Broken(0, origin, "not_utf8", f"byte {error.start} of the row")
        except (json.JSONDecodeError, RecursionError) as error:
            yield Broken(0, origin, "not_json", str(error)[:200])
        else:
            yield _pair(value, origin)


def _csv_rows(stream: Any, path: Path) -> Iterator[Pair | Broken]:
    csv.field_size_limit(2**31 - 1)
    # Bad bytes become lone surrogates, so that they spoil their own row and not the file.
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _read_csv(csv.DictReader(text), path)
    finally:
        text.detach()  # the stream is the caller's to close


def _read_csv(reader: csv.DictReader[str], path: Path) -> Iterator[Pair | Broken]:
    columns = list(reader.fieldnames or [])
    if "messages" not in columns and not {"prompt", "completion"} <= set(columns):
        raise InputError(
            f"{path.name} has the columns {', '.join(columns) or 'none'}",
            hint="the first line must name `prompt` and `completion`, or `messages` (JSON)",
            value=str(path),
        )
    for row in reader:
        values: dict[Any, Any] = row  # a short row has None as a value, a long one None as a key
        origin = _origin(path, hashlib.sha256(repr(sorted(values.items(), key=str)).encode()).hexdigest())
        if None in values or None in values.values():
            yield Broken(0, origin, "wrong_columns", f"the row has not {len(columns)} fields")
            continue
        yield _csv_pair(row, origin)


def _csv_pair(row: dict[str, str], origin: str) -> Pair | Broken:
    if not row.get("messages"):
        return _pair({"prompt": row.get("prompt", ""), "completion": row.get("completion", "")}, origin)
    try:
        return _pair({"messages": json.loads(row["messages"])}, origin)
    except (json.JSONDecodeError, RecursionError) as error:
        return Broken(0, origin, "not_json", f"messages: {error}"[:200])


def _origin(path: Path, digest: str) -> str:
    return f"{path.name}#{digest[:16]}"


def _pair(value: Any, origin: str) -> Pair | Broken:
    if not isinstance(value, dict):
        return Broken(0, origin, "not_an_object", f"found {type(value).__name__}")
    if "messages" in value:
        return _conversation(value["messages"], origin)
    for key in ("prompt", "completion"):
        if key not in value:
            return Broken(0, origin, f"no_{key}", f"the row has {', '.join(map(str, value)) or 'nothing'}"[:200])
        if not isinstance(value[key], str):
            return Broken(0, origin, "not_text", f"{key} is {type(value[key]).__name__}")
        if not _is_unicode(value[key]):
            return Broken(0, origin, "not_utf8", f"{key} holds bytes that are no text")
    if not value["completion"].strip():
        return Broken(0, origin, "empty_completion", "there is nothing to learn")
    return Pair(value["prompt"], value["completion"])


def _conversation(messages: Any, origin: str) -> Pair | Broken:
    problem = chat.check(messages)
    if problem:
        return Broken(0, origin, "bad_messages", problem[:200])
    if messages[-1]["role"] != "assistant":
        return Broken(0, origin, "no_answer", "the last message is not the assistant's")
    if not all(_is_unicode(message["content"]) for message in messages):
        return Broken(0, origin, "not_utf8", "a message holds bytes that are no text")
    if not messages[-1]["content"].strip():
        return Broken(0, origin, "empty_completion", "there is nothing to learn")
    plain = tuple({"role": message["role"], "content": message["content"]} for message in messages)
    prompt, completion = chat.prompt_and_completion(plain)
    return Pair(prompt, completion, plain)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
