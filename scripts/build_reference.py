"""Write docs/reference.md from the schema, the plugins and the commands. `--check` only says whether it is current."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
KINDS = (
    "sources",
    "signals",
    "rules",
    "dedup",
    "models",
    "objectives",
    "benchmarks",
    "methods",
    "exporters",
    "servers",
)


def build() -> str:
    """The whole page."""
    return "\n".join([HEAD, *project_file(), *plugin_kinds(), *commands(), TAIL])


HEAD = """# Reference

Made from the code by `scripts/build_reference.py`; a test compares. Defaults stand behind the types.

## The project file
"""
TAIL = """
## Exit codes
0 done · 1 failed · 2 wrong use · 3 a gate, limit or approval said no
"""


def project_file() -> Iterator[str]:
    from modelwright.project.schema import ProjectSettings

    seen: set[type[BaseModel]] = set()
    queue: list[tuple[str, type[BaseModel]]] = [("", ProjectSettings)]
    while queue:
        path, cls = queue.pop(0)
        if cls in seen:
            continue
        seen.add(cls)
        if path:
            yield f"\n### `{path}`\n"
        yield from options_of(cls)
        for name, field in cls.model_fields.items():
            key = field.alias or name
            queue += [(f"{path}.{key}".strip("."), inner) for inner in classes(field.annotation)]


def classes(annotation: Any) -> list[type[BaseModel]]:
    """Settings classes inside an annotation; plugins stand in their own part."""
    from modelwright.core.spec import Budget, Options

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [] if annotation in (Budget, Options) else [annotation]
    return [cls for part in typing.get_args(annotation) for cls in classes(part)]


def options_of(cls: type[BaseModel]) -> Iterator[str]:
    for name, field in cls.model_fields.items():
        if field.exclude:
            continue
        default = "" if field.is_required() else f" ({shown(field)})"
        yield f"- `{field.alias or name}`{default}: {field.description or 'see below'}"


def shown(field: Any) -> str:
    value = field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        value = str(value) if type(value).__str__ is not BaseModel.__str__ else "as below"
    return f"`{value}`"


def plugin_kinds() -> Iterator[str]:
    from modelwright.core import plugins

    for kind in KINDS:
        yield f"\n## Plugins: {kind}\n"
        for name, plugin in plugins.catalogue(kind).items():
            if plugin.path.suffix == ".yaml":
                options = plugins.parse(kind, name)
                yield f"\n### `{name}`\n{getattr(options, 'help', '')}\n"
                yield from options_of(type(options))
                continue
            cls = plugins.load(kind, name)
            yield f"\n### `{name}`\n{' '.join((cls.__doc__ or '').split())}\n"
            yield from options_of(cls)


def commands() -> Iterator[str]:
    from modelwright import cli

    yield "\n## Commands\n\nEvery command takes `--help`; those that print a result take `--json`.\n"
    groups = [(f"{group.name} ", group.typer_instance) for group in cli.app.registered_groups]
    for prefix, app in (("", cli.app), *groups):
        for command in app.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__
            words = command.help or (command.callback.__doc__ or "").strip()
            example = (command.epilog or "").removeprefix("Example: ")
            yield f"- `modelwright {prefix}{name}`: {words} Example: `{example}`"


def main() -> int:
    text = build()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is not current: run python scripts/build_reference.py")
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
