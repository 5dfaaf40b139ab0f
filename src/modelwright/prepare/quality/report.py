"""Every evaluation of a folder of labelled files: the figures, the worst mistakes, and what could not be measured.

The figures without any text are shipped as `figures.json`, so that a data card can say how good its detectors are.
"""

from __future__ import annotations

import heapq
import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, UnknownName
from modelwright.core.fingerprint import digest_file
from modelwright.core.machine import library_versions
from modelwright.core.storage import read_json, write_json
from modelwright.prepare import quality
from modelwright.prepare.quality.base import Figure, Labelled, MissingFile, Mistake

FIGURES = Path(__file__).with_name("figures.json")
WORST = 5
EXCERPT_CHARACTERS = 200

PLUGINS: Mapping[str, tuple[str, ...]] = {
    "natural_language": ("language",),
    "programming_language": ("code_language",),
    "rule_sets": ("counts", "c4_lines"),
    "hate": ("abuse",),
    "credentials": ("personal_data",),
    "near_duplicates": ("minhash",),
}
"""Evaluation -> the signal and dedup plugins that it measures, where they are not called alike."""
_LIBRARIES = ("modelwright", "numpy", "pyarrow", "numba", "scikit-learn", "py3langid", "phonenumbers")

Evaluate = Callable[[Labelled], Iterable[Figure | Mistake]]


@dataclass(frozen=True)
class Result:
    """What one evaluation gave.

    mistakes  the worst five of `mistaken`; their texts are excerpts of the labelled rows and are never shipped
    missing   labelled files that it looked for in vain; without figures it is not measured at all
    files     name of a labelled file -> hex SHA-256 of its bytes
    """

    name: str
    measures: str
    figures: tuple[Figure, ...]
    mistakes: tuple[Mistake, ...]
    mistaken: int
    missing: tuple[str, ...]
    files: Mapping[str, str]
    cpu_seconds: float

    @property
    def missed(self) -> tuple[Figure, ...]:
        """The figures whose floor is not met."""
        return tuple(figure for figure in self.figures if figure.met is False)


def evaluations() -> dict[str, Evaluate]:
    """Every module beside this one that has `evaluate`, by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(quality.__path__))
    modules = {name: importlib.import_module(f"{quality.__name__}.{name}") for name in names}
    return {name: module.evaluate for name, module in modules.items() if hasattr(module, "evaluate")}


def measure(folder: Path, only: Sequence[str] = (), every: Mapping[str, Evaluate] | None = None) -> Iterator[Result]:
    """Run the evaluations, one result each as soon as it is there; `only` names some of them.

    Raises InputError for a folder that is not there or holds no labelled file, UnknownName for a name in `only`.
    """
    every = evaluations() if every is None else every
    for name in only:
        if name not in every:
            raise UnknownName("detector", name, every, where="--only")
    if not folder.is_dir() or not any(folder.iterdir()):
        raise InputError(
            f"{folder} is no folder with labelled files",
            hint="name a folder with files such as langid_text.jsonl.gz; docs/detectors/index.md lists them",
            value=str(folder),
        )
    for name, evaluate in every.items():
        if not only or name in only:
            yield _measured(name, evaluate, Labelled(folder))


def _measured(name: str, evaluate: Evaluate, labelled: Labelled) -> Result:
    figures: list[Figure] = []
    mistakes: list[Mistake] = []
    began = time.process_time()
    try:
        for item in evaluate(labelled):
            if isinstance(item, Figure):
                figures.append(item)
            else:
                mistakes.append(item)
    except MissingFile:
        pass  # `labelled.asked` says which
    worst = heapq.nlargest(WORST, mistakes, key=lambda mistake: mistake.weight)
    asked = labelled.asked.items()
    used = sorted({path for _, path in asked if path is not None and figures})
    return Result(
        name,
        (inspect.getdoc(inspect.getmodule(evaluate)) or name).splitlines()[0],
        tuple(figures),
        tuple(worst),
        len(mistakes),
        tuple(sorted(name for name, path in asked if path is None)),
        {path.name: digest_file(path) for path in used},
        round(time.process_time() - began, 2),
    )


def excerpt(text: str, limit: int = EXCERPT_CHARACTERS) -> str:
    """The beginning of a text on one line, control and direction characters made visible."""
    line = " ".join(text[: 4 * limit].split())
    shown = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in line[:limit])
    return shown + ("…" if len(line) > limit or len(text) > 4 * limit else "")


def plain(result: Result) -> dict[str, Any]:
    """A result as plain JSON, with the excerpts of its worst mistakes."""
    return {
        "name": result.name,
        "measures": result.measures,
        "figures": [{**asdict(figure), "met": figure.met} for figure in result.figures],
        "mistaken": result.mistaken,
        "mistakes": [{**asdict(mistake), "text": excerpt(mistake.text)} for mistake in result.mistakes],
        "missing": list(result.missing),
        "files": dict(result.files),
        "cpu_seconds": result.cpu_seconds,
    }


def write(results: Iterable[Result], path: Path = FIGURES) -> None:
    """Keep the figures of the measured ones, no texts; those of other detectors stay as they are."""
    kept = read_json(path) if path.exists() else {}
    for result in results:
        if result.figures:
            kept[result.name] = {
                "measures": result.measures,
                "measured_at": f"{datetime.now(UTC):%Y-%m-%d}",
                "versions": library_versions(_LIBRARIES),
                "files": dict(result.files),
                "figures": [asdict(figure) for figure in result.figures],
            }
    write_json(path, dict(sorted(kept.items())))


def shipped(plugins: Iterable[str], path: Path = FIGURES) -> dict[str, Any]:
    """The shipped figures of the detectors behind these signal and dedup plugins: what a data card prints."""
    if not path.exists():
        return {}
    wanted = set(plugins)
    return {name: kept for name, kept in read_json(path).items() if wanted & set(PLUGINS.get(name, (name,)))}
