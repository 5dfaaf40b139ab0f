"""What people see: progress on stderr, results as short tables, errors with their cure."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

LINE_EVERY_SECONDS = 10.0
WARNING = "[yellow]warning[/yellow]: {}"
PIPED_COLUMNS = 160
"""Width of a table that no terminal shows: a row stays one line for `grep`."""


def out() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, soft_wrap=True, width=PIPED_COLUMNS)


def err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def warn(text: str) -> None:
    """One warning on stderr."""
    err().print(WARNING.format(escape(text)))


def seconds(value: float | None) -> str:
    """Seconds in words: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None:
        return "unknown"
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    minutes = int(value // 60)
    return f"{minutes} min {value % 60:.0f} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def size(value: float | None) -> str:
    """Bytes in decimal units."""
    if value is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


def number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, title: str = "") -> Table:
    """Rows of plain dicts as a table."""
    columns = columns or (list(rows[0]) if rows else [])
    view = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = all(isinstance(row.get(column), (int, float)) for row in rows)
        view.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        view.add_row(*(_cell(row.get(column)) for column in columns))
    return view


def _cell(value: Any) -> str:
    if isinstance(value, str) and len(value) == 25 and value[10] == "T" and value.endswith("+00:00"):
        return value[:16].replace("T", " ")  # UTC, to the minute
    if isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef"):
        return value[:12]  # a digest; --json prints all of it
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(item) if isinstance(item, Mapping) else str(item) for item in value)
    if isinstance(value, Mapping):
        inner = {key: _cell(item) if isinstance(item, (list, Mapping)) else number(item) for key, item in value.items()}
        return ", ".join(f"{key} {item}" for key, item in inner.items())
    return number(value)


def tree(value: Mapping[str, Any], indent: str = "") -> list[str]:
    """Nested facts as indented lines."""
    lines = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            lines += [f"{indent}{key}", *tree(item, indent + "  ")]
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            lines += [f"{indent}{key}", *(f"{indent}  {_cell(entry)}" for entry in item[:10])]
        else:
            lines.append(f"{indent}{key}: {_cell(item)}")
    return lines


class Reporter:
    """Shows the events of a run: a live line on a terminal, else a plain line every ten seconds."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = err()
        self.live = self.console.is_terminal and not quiet
        self.quiet = quiet
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        self.last_line = time.monotonic()
        self.pace = Pace()
        self.said = ""

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "step" and event["action"] != "unchanged":
            self._say(f"[bold]{event['key']}[/bold]  {event['action']}: {event['reason']}")
            self.last_line = time.monotonic()
        elif event["event"] == "progress":
            self._progress(event)
        elif event["event"] == "warning":
            self._say(WARNING.format(escape(event["what"])))
        elif event["event"] == "done":
            self._stop()
            if event["action"] == "unchanged":
                self._say(f"[dim]{event['artifact']}  unchanged[/dim]")
            else:
                self._say(f"  [green]{event['artifact']}[/green]  {event['action']} in {seconds(event['seconds'])}")

    def _say(self, text: str) -> None:
        if not self.quiet:
            (self.progress.console if self.progress else self.console).print(text)

    def _progress(self, event: Mapping[str, Any]) -> None:
        if "kept_share" in event:
            self._say_decided(event)
        words = describe({**event, **self.pace.of(event)})
        if self.live:
            if self.progress is None:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
                self.progress = Progress(*columns, console=self.console, transient=True)
                self.progress.start()
                self.task = self.progress.add_task(words, total=None)
            assert self.task is not None
            self.progress.update(self.task, description=words, completed=event["done"], total=event.get("total"))
        elif not self.quiet and time.monotonic() - self.last_line > LINE_EVERY_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(f"  {words}")

    def _say_decided(self, event: Mapping[str, Any]) -> None:
        """What the decisions come to so far stays on the screen: kept share, and what takes most."""
        most = ", ".join(f"{name} {count:,}" for name, count in event.get("reasons", ()))
        words = f"  kept {100 * event['kept_share']:.1f} % of {event['documents']:,} documents"
        words += f" ({size(event['bytes'])}); most: {most}" if most else f" ({size(event['bytes'])})"
        if words != self.said:
            self._say(escape(words))
            self.said = words

    def _stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def close(self) -> None:
        self._stop()


_SHOWN_APART = ("event", "key", "what", "done", "total", "unit", "at", "kept_share", "reasons", "documents", "bytes")


class Pace:
    """Speed and time left of what is counted in bytes, from the first event of the same name on."""

    def __init__(self) -> None:
        self.what, self.began, self.first = "", 0.0, 0.0

    def of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """{} until there is something to tell; else `speed` in words and `seconds_left`."""
        done, at = event["done"], event.get("at", 0.0)
        if event["what"] != self.what or done < self.first:
            self.what, self.began, self.first = event["what"], at, done
        passed, moved = at - self.began, done - self.first
        if event.get("unit") != "bytes" or passed <= 0 or moved <= 0:
            return {}
        rest = (event.get("total") or done) - done
        left = {"seconds_left": passed / moved * rest} if rest > 0 else {}
        return {"speed": f"{size(moved / passed)}/s", **left}


def describe(event: Mapping[str, Any]) -> str:
    """One progress event in words."""
    parts = [str(event["what"])]
    unit = event.get("unit") or ""
    show = size if unit == "bytes" else number
    done, total = event["done"], event.get("total")
    if total:
        parts.append(
            f"{100 * done / total:.0f} % ({show(done)} of {show(total)}{'' if unit == 'bytes' else ' ' + unit})"
        )
    else:
        parts.append(f"{show(done)} {'' if unit == 'bytes' else unit}".rstrip())
    for key, value in event.items():
        if key not in _SHOWN_APART and value is not None:
            if key == "seconds_left":
                parts.append(f"{seconds(value)} left")
            elif key == "speed":
                parts.append(value)
            else:
                words = seconds(value) if key.startswith("seconds") else number(value)
                parts.append(f"{key.replace('_', ' ')} {words}")
    return "  ".join(parts)


def show_plan(data: Any) -> None:
    rows = [
        {
            "step": row["artifact"] + (f" of {row['of']}" if row["of"] else ""),
            "action": row["action"],
            "why": row["reason"],
            "time": seconds(row["seconds"]),
            "memory": size(row["memory_bytes"]),
            "disk": size(row["disk_bytes"]),
        }
        for row in data["steps"]
    ]
    out().print(table(rows))
    bases = {row["basis"]: row["artifact"] for row in reversed(data["steps"]) if row["seconds"]}
    for basis, artifact in sorted(bases.items(), key=lambda item: item[1]):
        out().print(f"[dim]{artifact}: {basis}[/dim]")
    for shares in (row["details"].get("shares") for row in data["steps"] if row.get("details")):
        if shares:
            out().print("[dim]mix expected: " + ", ".join(f"{k} {100 * v:.1f} %" for k, v in shares.items()) + "[/dim]")
    if "what_if" in data:
        show_what_if(data["what_if"])


def show_fit(data: Any) -> None:
    for name, columns in (("named", ["what", "value", "verdict"]), ("unnamed", ["what", "value"])):
        rows = [{**row, "bytes": size(row["bytes"]), "share": f"{100 * row['share']:.1f} %"} for row in data[name][:20]]
        if rows:
            out().print(table(rows, [*columns, "documents", "bytes", "tokens", "share"], title=name))
    for line in data["told"]:
        print(line)


def show_sweep(data: Any) -> None:
    rows = [{**point, "bytes": size(point["bytes"])} for point in data["points"]]
    columns = ["value", "kept", "changed", "dropped", "duplicate", "bytes", "tokens"]
    out().print(table(rows, columns, title=data["setting"]))
    if "plot" in data:
        print(f"drawn: {data['plot']}")


def show_what_if(data: Any) -> None:
    numbers = {name: data[name] for name in ("kept", "changed", "dropped", "duplicate")}
    print(f"\nthe pile would hold {size(data['bytes'])}: {', '.join(f'{number(v)} {k}' for k, v in numbers.items())}")
    if data["tokens"] is not None:
        print(f"tokens for training: about {number(data['tokens'])} ({data['tokens_basis']})")
    for by in ("by_rule", "by_source", "by_language", "by_licence"):
        if data.get(by):
            columns = ["value", "from", "to", "documents", "bytes"]
            out().print(table(data[by][:10], columns, title=f"what would move {by.replace('_', ' ')}"))
    if data["moved"]:
        out().print(table(data["moved"], ["from", "to", "rule", "origin"], title="of those that would move"))


def show_why(data: Any) -> None:
    for document in data["documents"]:
        print(f"{document['source']}:{document['origin']}  ({document['document'][:12]})")
        for version in document["versions"]:
            words = [version["decision"]]
            words += [
                f"by {r['rule']}: {r['signal']} = {number(r['value'])} (threshold {r['threshold']})"
                for r in version["reasons"]
            ]
            words += [f"duplicate of {version['duplicate_of'][:12]}"] if version["duplicate_of"] else []
            print(f"  {version['pile']}: {'; '.join(words)}")


def show_verify(data: Any) -> None:
    print(
        "verified" if data["ok"] else "NOT verified",
        " ".join(f"{value} {key}" for key, value in data["checked"].items()),
    )
    for problem in data["problems"]:
        print(f"  {problem['what']}: {problem['where']}; expected {problem['expected']}, found {problem['found']}")
