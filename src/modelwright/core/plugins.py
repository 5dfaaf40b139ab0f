"""Adding a thing is adding one file.

A plugin is a file `<kind>/<name>.py` in any package of modelwright, in a project's `plugins/` folder, or an installed
entry point of the group `modelwright.<kind>`. It holds one class, named like the file in CamelCase, whose pydantic
fields are the options and whose docstring is the help. A YAML file in such a folder is read by the folder's own
`from_yaml(path, options)`. Nothing is imported to list names; no decorators, no tables.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from modelwright.core import fingerprint
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.spec import Options, validated

_ROOT = Path(__file__).resolve().parent.parent
_project_folder: Path | None = None
_entered: list[str] = []
_PACKAGE = "modelwright_project"


@dataclass(frozen=True)
class PluginFile:
    """Where a plugin is: `origin` is `built-in`, `project` or the name of an installed distribution."""

    kind: str
    name: str
    path: Path
    origin: str
    module: str


def use_project(folder: Path | None) -> None:
    """From now on names are also looked up in `folder/plugins`."""
    global _project_folder
    _project_folder = folder
    catalogue.cache_clear()
    _module_names.cache_clear()
    _leave_project()
    if folder is not None and (folder / "plugins").is_dir():
        # A plugin imports its helpers as plain modules of the plugins folder.
        sys.path.append(str(folder / "plugins"))
        _entered.append(str(folder / "plugins"))
        # As a package, so that an engine that sends functions to its workers can import them by name.
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(folder / "plugins")]
        sys.modules[_PACKAGE] = package


def _leave_project() -> None:
    """Forget the modules and the import path of the project that was loaded before, whose names may be the same."""
    for path in _entered:
        sys.path[:] = [entry for entry in sys.path if entry != path]
        for name, module in list(sys.modules.items()):
            inside = (getattr(module, "__file__", None) or "").startswith(path + "/")
            if inside or name.partition(".")[0] == _PACKAGE:
                del sys.modules[name]
    _entered.clear()


def project_folder() -> Path | None:
    return _project_folder


def project_plugins() -> list[Path]:
    """The Python files that loading the current project may run."""
    if _project_folder is None:
        return []
    return sorted((_project_folder / "plugins").rglob("*.py"))


@functools.cache
def catalogue(kind: str) -> Mapping[str, PluginFile]:
    """All plugins of a kind by name. Raises UsageError when one name exists twice."""
    found: dict[str, PluginFile] = {}
    for plugin in [*_built_in(kind), *_of_project(kind), *_installed(kind)]:
        if plugin.name in found:
            first = found[plugin.name]
            raise UsageError(
                f"{kind} {plugin.name!r} exists twice: {first.path} and {plugin.path}", hint="rename one of the files"
            )
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


@functools.cache
def kinds() -> tuple[str, ...]:
    """The kinds of plugin that this installation knows: folders that hold plugin files."""
    # Model families belong to no stage: their folder is the only one of plugins at the top.
    folders = [path for path in [_ROOT / "models", *_ROOT.glob("*/*")] if path.is_dir()]
    return tuple(sorted({folder.name for folder in folders if any(_python_plugins(folder))}))


def _built_in(kind: str) -> Iterable[PluginFile]:
    for folder in [_ROOT / kind, *sorted(_ROOT.glob(f"*/{kind}"))]:
        if folder.is_dir():
            package = ".".join(("modelwright", *folder.relative_to(_ROOT).parts))
            yield from _plugins_in(folder, kind, "built-in", package)


def _of_project(kind: str) -> Iterable[PluginFile]:
    if _project_folder is not None:
        yield from _plugins_in(_project_folder / "plugins" / kind, kind, "project", f"{_PACKAGE}.{kind}")


def _plugins_in(folder: Path, kind: str, origin: str, package: str) -> Iterable[PluginFile]:
    for path in _python_plugins(folder):
        yield PluginFile(kind, path.stem, path, origin, f"{package}.{path.stem}")
    for path in sorted(folder.glob("*.yaml")):
        yield PluginFile(kind, path.stem, path, origin, package)


def _python_plugins(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.glob("*.py")):
        if re.search(rf"^class {camel(path.stem)}\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path


def _installed(kind: str) -> Iterable[PluginFile]:
    for entry in _entry_points().select(group=f"modelwright.{kind}"):
        origin = entry.dist.name if entry.dist else "installed"
        yield PluginFile(kind, entry.name, Path(entry.value), origin, entry.value)


@functools.cache
def _entry_points() -> Any:
    """What the installed distributions announce, by `select(group=...)`; to find it, every one of them is read."""
    return importlib.metadata.entry_points()


def camel(name: str) -> str:
    """`bits_per_byte` -> `BitsPerByte`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def find(kind: str, name: str) -> PluginFile:
    """Raises UnknownName with the nearest names."""
    known = catalogue(kind)
    if name not in known:
        raise UnknownName(f"{singular(kind)}", name, known, where=f"the plugins of kind {kind}")
    return known[name]


def singular(kind: str) -> str:
    return kind.removesuffix("s") if kind != "dedup" else "dedup method"


def load(kind: str, name: str) -> type[Options]:
    """Import the class of a plugin (built-in, project or installed)."""
    plugin = find(kind, name)
    if plugin.origin == "built-in":
        return _class(importlib.import_module(plugin.module), plugin)
    if plugin.origin == "project":
        return _class(_import_project(plugin), plugin)
    module, _, attribute = plugin.module.partition(":")
    loaded: type[Options] = getattr(importlib.import_module(module), attribute or camel(name))
    return loaded


def _import_project(plugin: PluginFile) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(plugin.module)
    except Exception as error:
        raise UsageError(f"the plugin {plugin.path} fails to import: {error}", value=str(plugin.path)) from error


def _class(module: ModuleType, plugin: PluginFile) -> type[Options]:
    found = getattr(module, camel(plugin.name), None)
    if not (isinstance(found, type) and issubclass(found, Options)):
        raise UsageError(f"{plugin.path} holds no class {camel(plugin.name)} derived from Options")
    return found


def parse(kind: str, value: Any) -> Options:
    """`name`, `{name: {options}}`, `path.yaml` or a ready object -> the plugin's options object."""
    if isinstance(value, Options):
        return value
    if isinstance(value, str):
        name, options = value, dict[str, Any]()
    elif isinstance(value, Mapping) and len(value) == 1:
        name, options = next(iter(value.items()))
        options = {} if options is None else options
    else:
        said = "an empty entry" if value is None else repr(value)
        raise UsageError(
            f"{kind}: {said} names no {singular(kind)}",
            hint="write `name` or `{name: {option: value}}`",
            value=repr(value),
        )
    if not isinstance(options, Mapping):
        raise UsageError(
            f"{kind}.{name}: options must be a mapping, not {options!r}", hint=f"{{{name}: {{option: value}}}}"
        )
    if str(name).endswith((".yaml", ".yml")):
        return _from_yaml(_yaml_reader(kind), (_project_folder or Path()) / str(name), dict(options))
    plugin = find(kind, str(name))
    if plugin.path.suffix == ".yaml":
        return _from_yaml(_yaml_reader(kind), plugin.path, dict(options))
    return validated(load(kind, str(name)), dict(options), f"{singular(kind)} {name}")


def _yaml_reader(kind: str) -> ModuleType:
    for folder in [_ROOT / kind, *sorted(_ROOT.glob(f"*/{kind}"))]:
        if folder.is_dir():
            return importlib.import_module(".".join(("modelwright", *folder.relative_to(_ROOT).parts)))
    raise UsageError(f"no plugins of kind {kind} can be written as YAML")


def _from_yaml(package: ModuleType, path: Path, options: dict[str, Any]) -> Options:
    if not hasattr(package, "from_yaml"):
        raise UsageError(f"{path}: this kind of plugin cannot be written as YAML", value=str(path))
    result: Options = package.from_yaml(path, options)
    return result


def dump(options: Options) -> Any:
    """The shortest YAML form: `name`, or `{name: {options that differ from the defaults}}`."""
    changed = options.model_dump(mode="json", exclude_defaults=True)
    name = plugin_name(options) or type(options).__name__
    return {name: changed} if changed else name


def plugin_name(options: Options) -> str | None:
    """The name in YAML of a plugin object, or None when the object is no plugin."""
    named = getattr(options, "plugin", None)
    if isinstance(named, str):  # read from YAML: the object carries its name
        return named
    module = type(options).__module__.rpartition(".")[2]
    return module if type(options).__name__ == camel(module) and module in _module_names() else None


@functools.cache
def _module_names() -> frozenset[str]:
    return frozenset(name for kind in kinds() for name in catalogue(kind)) | frozenset(
        path.stem for path in project_plugins()
    )


def code_identity(options: Options) -> Any:
    """What stands for a plugin's code: the built-in's version, or the syntax of a project's own files."""
    cls = type(options)
    if cls.__module__.startswith(f"{_PACKAGE}.") and _project_folder is not None:
        path = Path(sys.modules[cls.__module__].__file__ or "")
        return fingerprint.code_closure(path, _project_folder / "plugins")
    if cls.__module__.startswith("modelwright."):
        return cls.version
    distribution = cls.__module__.partition(".")[0]
    owners = importlib.metadata.packages_distributions().get(distribution, [])
    return {owner: importlib.metadata.version(owner) for owner in owners} or cls.version


def Plugin(kind: str) -> Any:
    """A pydantic field type: one plugin of `kind`."""
    return Annotated[Options, BeforeValidator(lambda value: parse(kind, value)), PlainSerializer(dump)]


def Plugins(kind: str) -> Any:
    """A pydantic field type: a list of plugins of `kind`; one alone is understood too."""

    def many(value: Any) -> tuple[Options, ...]:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(parse(kind, item) for item in items)

    serializer = PlainSerializer(lambda items: [dump(item) for item in items])
    return Annotated[tuple[Options, ...], BeforeValidator(many), serializer]


def describe(kind: str) -> list[dict[str, Any]]:
    """Name, one-line help and options of every plugin of a kind, for `list` and the reference."""
    items = []
    for name, plugin in catalogue(kind).items():
        if plugin.path.suffix == ".yaml":
            options = parse(kind, name)
            help_text, schema = getattr(options, "help", ""), options.model_dump(mode="json")
            items.append({"kind": kind, "name": name, "help": help_text, "options": schema, "origin": plugin.origin})
            continue
        cls = load(kind, name)
        properties = cls.model_json_schema(mode="serialization").get("properties", {})
        lines = (cls.__doc__ or "").strip().splitlines()
        items.append(
            {
                "kind": kind,
                "name": name,
                "help": lines[0] if lines else "",
                "options": {key: value.get("default") for key, value in properties.items()},
                "origin": plugin.origin,
            }
        )
    return items
