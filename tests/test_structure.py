"""The house rules that a machine can check: who may import whom, how long a page may be, what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "modelwright"
STAGES = ("prepare", "train", "validate", "tune", "deploy")
BELOW_STAGES = ("core", "formats", "measure", "models", "engines")
ALLOWED: dict[str, tuple[str, ...]] = {
    "core": ("core",),
    "formats": ("core", "formats"),
    "measure": ("core", "formats", "measure"),
    "engines": ("core", "formats", "measure", "engines", "models"),
    "models": ("core", "formats", "measure", "models", "engines"),
    "govern": ("core", "formats", "measure", "engines", "govern"),
    **{stage: (*BELOW_STAGES, stage) for stage in STAGES},
    "project": (*BELOW_STAGES, *STAGES, "govern", "project", "version"),
    "api": (*BELOW_STAGES, *STAGES, "govern", "project", "api"),
    "cli": ("api", "terminal", "core", "version", "commands"),
    "commands": ("api", "terminal", "core", "commands"),
    "terminal": ("core",),
}
OUTSIDE_SYSTEMS = ("daft", "pyiceberg", "trl", "peft", "gigatoken", "lm_eval", "ray", "onnx", "duckdb", "fastavro")


def modules() -> Iterator[Path]:
    yield from sorted(SOURCE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "modelwright" else []
            yield from ((node.lineno, name) for name in names or [node.module or ""])


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_every_import_follows_the_dependency_rule() -> None:
    wrong = []
    for path in modules():
        if path.name == "__init__.py" and path.parent == SOURCE:
            continue
        for line, name in imports(path):
            if name.startswith("modelwright."):
                target = name.split(".")[1].replace("__version__", "version")
                if target not in ALLOWED[room(path)]:
                    wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert wrong == []


def test_outside_systems_are_imported_in_engines_only() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line} imports {name}"
        for path in modules()
        if room(path) != "engines"
        for line, name in imports(path)
        if name.split(".")[0] in OUTSIDE_SYSTEMS
    ]
    assert wrong == []


def test_no_file_is_over_400_lines_and_no_function_over_60() -> None:
    wrong = []
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            wrong.append(f"{path.relative_to(SOURCE)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > 60:
                    wrong.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}: {length} lines")
    assert wrong == []


def test_no_pickle_is_read_or_written() -> None:
    banned = ("pickle", "dill", "joblib", "shelve")
    wrong = [str(path) for path in modules() for _, name in imports(path) if name.split(".")[0] in banned]
    assert wrong == []


def test_importing_modelwright_loads_nothing_heavy_and_takes_under_300_milliseconds() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import modelwright; print(time.perf_counter() - start);"
        "print([name for name in ('torch', 'daft', 'numpy', 'pyarrow', 'pydantic') if name in sys.modules])"
    )
    seconds, loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert loaded == "[]"
    assert float(seconds) < 0.3


def test_the_public_names_are_exactly_those_of_all() -> None:
    import modelwright

    for name in modelwright.__all__:
        assert getattr(modelwright, name) is not None
    with pytest.raises(AttributeError):
        _ = modelwright.nothing_of_this_name  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["sources", "signals", "rules", "dedup", "objectives", "benchmarks", "methods"])
def test_every_plugin_says_in_one_line_what_it_does_and_describes_its_options(kind: str) -> None:
    from modelwright.core import plugins

    described = plugins.describe(kind)
    assert described
    for item in described:
        assert item["help"], f"{kind}/{item['name']} has no help"
