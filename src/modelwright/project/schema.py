"""The project file: read from YAML 1.2, checked, overridden by `--set`, frozen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from modelwright.core import plugins
from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.spec import Budget, BudgetText, Location, Options, Secret, validated
from modelwright.deploy.settings import DeploySettings
from modelwright.govern.gates import GateSettings
from modelwright.govern.stated import CardSettings
from modelwright.prepare.settings import PrepareSettings
from modelwright.project.consent import Ask, check
from modelwright.project.fitting import Use
from modelwright.train.settings import TrainSettings
from modelwright.tune.settings import TuneSettings
from modelwright.validate.settings import ValidateSettings

FILE_NAME = "modelwright.yaml"


class Limits(Options):
    """Ceilings that `run` respects before each step; beyond them it stops with exit code 3."""

    time: BudgetText | None = Field(None, description="longest time for one `run`, for example `1 h`")
    money: BudgetText | None = Field(None, description="most money for one `run`, for example `$5`")

    @field_validator("time")
    @classmethod
    def _is_a_time(cls, value: Budget | None) -> Budget | None:
        if value and value.unit != "seconds":
            raise ValueError(f"{value} is no time; write `30 min` or `2 h`")
        return value

    @field_validator("money")
    @classmethod
    def _is_money(cls, value: Budget | None) -> Budget | None:
        if value and value.unit != "dollars":
            raise ValueError(f"{value} is no amount of money; write `$5`")
        return value


class RunSettings(Options):
    """Where and how: never part of identity."""

    engine: str = Field("native", description="`native`: this machine")
    workers: int | str = Field("auto", description="threads; `auto`: the control group's quota")
    out: Location = Field(".modelwright", description="folder for artifacts, catalogue and ledger")
    ledger: Location | None = Field(None, description="URL of a team's ledger; default: SQLite below `out`")
    catalog: Location | None = Field(
        None, description="URL of a team's Iceberg catalogue, `postgresql://...`; default: SQLite below `out`"
    )
    storage: Location | None = Field(
        None, description="folder of the tables' files, seen by the whole team; default: `warehouse` below `out`"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto`, `cpu` or `cuda`")
    host: str = Field("127.0.0.1", description="address that `serve` binds to")
    port: int = Field(8000, ge=0, le=65535, description="port that `serve` binds to")
    accept_shrink: tuple[str, ...] = Field(
        (), description="sources that may hold less than half of the documents that they held before"
    )
    api_key: Secret | None = Field(None, description="`${env:NAME}`: a key that callers of `serve` must send")

    @field_validator("workers")
    @classmethod
    def _is_a_number_of_threads(cls, value: int | str) -> int | str:
        if value != "auto" and not (isinstance(value, int) and value >= 1):
            raise ValueError("write a number of threads from 1, or `auto`")
        return value


class ProjectSettings(Options):
    """Everything that a project file may say."""

    name: str = Field(min_length=1, description="name of the project")
    use: Use | None = Field(None, description="what the model is for: text, or options")
    base: Location | None = Field(None, description="an existing model: a local Hugging Face folder")
    prepare: PrepareSettings | None = None
    train: TrainSettings | None = None
    validation: ValidateSettings | None = Field(None, alias="validate")
    tune: TuneSettings | None = None
    deploy: DeploySettings | None = None
    gates: tuple[GateSettings, ...] = ()
    card: CardSettings = CardSettings()
    limits: Limits = Limits()
    run: RunSettings = RunSettings()


@dataclass(frozen=True)
class Project:
    """A loaded project: its folder, its settings, and where its artifacts lie."""

    file: Path
    settings: ProjectSettings
    overrides: tuple[str, ...] = ()
    prepare_as_written: dict[str, Any] | None = None

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def home(self) -> Path:
        return (self.folder / self.settings.run.out).resolve()

    @property
    def ledger(self) -> str | Path:
        """A path, or the URL of a team's ledger."""
        place = self.settings.run.ledger or self.home / "ledger.db"
        return place if "://" in str(place) else self.folder / place


def find_file(place: Path) -> Path:
    """The project file meant by a folder or a file. Raises InputError with the cure."""
    path = place / FILE_NAME if place.is_dir() else place
    if not path.is_file():
        raise InputError(
            f"no project file at {path}",
            hint="`modelwright new DIR` makes a project, or name the folder of one",
            value=str(path),
        )
    return path


def load(place: str | Path = ".", overrides: Sequence[str] = (), ask: Ask = lambda files: True) -> Project:
    """Read and check a project. `overrides` are `a.b=1`, as in `--set`; `ask` may refuse to run its plugins."""
    path = find_file(Path(place)).resolve()
    check(path.parent, ask)
    values = read_yaml(path)
    for override in overrides:
        apply_override(values, override)
    plugins.use_project(path.parent)
    try:
        settings = validated(ProjectSettings, _with_secrets(values), "")
    except RecursionError as error:
        hint = "write the values out, without `&` and `*`"
        raise UsageError(f"{path}: an anchor contains itself", hint=hint) from error
    _check(settings)
    _use_catalogue(path.parent, settings)
    return Project(path, settings, tuple(overrides), values.get("prepare"))


def prepare_section(values: Mapping[str, Any]) -> PrepareSettings:
    """A section `prepare:` by itself, as a version's recipe holds it, checked and with its secrets."""
    return validated(PrepareSettings, _with_secrets(dict(values)), "prepare")


def _use_catalogue(folder: Path, settings: ProjectSettings) -> None:
    """Which catalogue the tables of this project are in: its own, or that of a team."""
    from modelwright.engines import catalogs

    place = settings.run
    if place.storage and "://" in place.storage:
        hint = "name a folder that everyone sees; object stores are not supported"
        raise UsageError("run.storage is no folder", hint=hint, value=place.storage)
    if place.storage and not place.catalog:
        hint = "it is where a team's catalogue keeps its files: add `catalog: postgresql://...`"
        raise UsageError("run.storage without run.catalog", hint=hint, value=place.storage)
    warehouse = folder / place.storage if place.storage else None
    catalogs.use(folder / place.out, place.catalog, settings.name, warehouse)


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping from a YAML 1.2 file. Raises UsageError with line and column."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UsageError(f"{place}: {getattr(error, 'problem', error)}", hint="check the indentation there") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}", hint="save the file as UTF-8") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no mapping", hint="start with `name: my-project`")
    return values


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set one value in place: `prepare.rules.gopher.min_words=30`; a list entry is named by its plugin."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    path, equals, text = override.partition("=")
    parts = path.strip().split(".")
    if not equals or not all(parts):
        hint = "for example --set prepare.rules.gopher.min_words=30"
        raise UsageError(f"--set {override!r} is not of the form a.b=1", hint=hint, value=override)
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        hint = "quote the whole of it for the shell, and text with special characters once more: 'a.b=\"x: y\"'"
        raise UsageError(f"--set {override!r}: the value is no YAML", hint=hint, value=override) from error
    target: Any = values
    for index, part in enumerate(parts[:-1]):
        target = _enter(target, part, ".".join(parts[: index + 1]))
    if isinstance(target, dict):
        target[parts[-1]] = value
    elif isinstance(target, list) and value is not None:
        _set_entry(target, parts[-1], value)
    else:
        hint = "a list is set as a whole, `a.b=[x, y]`; an entry of it takes options, `a.b.x.option=1`"
        raise UsageError(f"--set {override!r}: {'.'.join(parts[:-1])} takes no such key", hint=hint, value=override)


def _set_entry(entries: list[Any], name: str, value: Any) -> None:
    """`prepare.rules.code={...}`: the options of the entry of that name, or one more entry."""
    entry = {name: value} if isinstance(value, dict) else name
    for index, old in enumerate(entries):
        if old == name or (isinstance(old, dict) and list(old) == [name]):
            entries[index] = entry
            return
    entries.append(entry)


def _enter(target: Any, part: str, path: str) -> Any:
    if isinstance(target, dict):
        if target.get(part) is None:
            target[part] = {}
        elif isinstance(target[part], str):  # a plugin named alone: `dedup: minhash`
            target[part] = {target[part]: {}}
        return target[part]
    if isinstance(target, list):
        for index, entry in enumerate(target):
            if entry == part or (isinstance(entry, str) and Path(entry).stem == part):
                target[index] = {entry: {}}
                return target[index][entry]
            if isinstance(entry, dict) and len(entry) == 1:
                key, options = next(iter(entry.items()))
                if part in (key, _source_name(options)):
                    entry[key] = options or {}
                    return entry[key]
        known = {name for entry in target for name in _names(entry)}
        raise UnknownName("entry", part, known, where=path.rpartition(".")[0])
    hint = "name the key itself, for example --set train.seed=2"
    raise UsageError(f"--set {path}: {target!r} takes no keys", hint=hint, value=path)


def _names(entry: Any) -> list[str]:
    """How an entry of a list may be called in `--set`."""
    if not isinstance(entry, dict):
        return [str(entry)]
    return [_source_name(options) or str(key) for key, options in entry.items()]


def _source_name(options: Any) -> str | None:
    if isinstance(options, dict):
        return options.get("name") or (Path(options["path"]).stem if isinstance(options.get("path"), str) else None)
    return None


def _with_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item) for item in value]
    if isinstance(value, str) and (match := re.fullmatch(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}", value.strip())):
        name = match.group(1)
        if name not in os.environ:
            raise UsageError(f"the environment variable {name} is not set", hint=f"export {name}=...", value=name)
        return Secret(name, os.environ[name])
    return value


def _check(settings: ProjectSettings) -> None:
    """What only the whole file shows."""
    if settings.prepare is None and settings.base is None and not (settings.train and settings.train.base):
        raise UsageError(
            "the project names neither a source nor a base model",
            hint="add `prepare: {sources: [...]}` or `base: path/to/model`",
        )
    if settings.train and settings.prepare is None:
        raise UsageError(
            "`train` needs `prepare`: there is nothing to train on", hint="add `prepare: {sources: [...]}`"
        )
    if settings.train and settings.prepare:
        known = [str(getattr(source, "name", "")) for source in settings.prepare.sources]
        for name in settings.train.sources or ():
            if name not in known and not (settings.train.tokens or settings.train.pile):
                raise UnknownName("source", name, known, where="train.sources")
    if settings.prepare:
        known = [str(getattr(source, "name", "")) for source in settings.prepare.sources]
        for name in settings.card.sources:
            if name not in known:
                raise UnknownName("source", name, known, where="card.sources")
    if settings.run.engine != "native":
        raise UnknownName("engine", settings.run.engine, ["native"], where="run.engine")
    if settings.tune and not (settings.train or settings.base or settings.tune.base):
        raise UsageError("`tune` needs a model", hint="add `train:` or `base: path/to/model`")
    models = {"train": settings.train, "base": settings.base, "tune.base": settings.tune and settings.tune.base}
    named = [f"`{name}`" for name, given in models.items() if given]
    if len(named) > 1:
        raise UsageError(
            f"{' and '.join(named)} each give the model to work on",
            hint="keep one of them; `train.base` continues an existing model",
        )
