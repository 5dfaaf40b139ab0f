"""The project file: read from YAML 1.2, checked, overridden by `--set`, frozen."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from modelwright.core import plugins
from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.spec import BudgetText, Location, Options, Secret, validated
from modelwright.deploy.settings import DeploySettings
from modelwright.govern.gates import GateSettings
from modelwright.prepare.settings import PrepareSettings
from modelwright.project.consent import Ask, check
from modelwright.train.settings import TrainSettings
from modelwright.tune.settings import TuneSettings
from modelwright.validate.settings import ValidateSettings

FILE_NAME = "modelwright.yaml"


class Limits(Options):
    """Ceilings that `run` respects before each step; beyond them it stops with exit code 3."""

    time: BudgetText | None = Field(None, description="longest time for one `run`, for example `1 h`")
    money: BudgetText | None = Field(None, description="most money for one `run`, for example `$5`")


class RunSettings(Options):
    """Where and how: never part of identity."""

    engine: str = Field("native", description="`native`: this machine")
    workers: int | str = Field("auto", description="threads; `auto`: the control group's quota")
    out: Location = Field(".modelwright", description="folder for artifacts, catalogue and ledger")
    ledger: Location | None = Field(None, description="URL of a team's ledger; default: SQLite below `out`")
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`")
    host: str = Field("127.0.0.1", description="address that `serve` binds to")
    port: int = Field(8000, description="port that `serve` binds to")
    api_key: Secret | None = Field(None, description="`${env:NAME}`: a key that callers of `serve` must send")


class ProjectSettings(Options):
    """Everything that a project file may say."""

    name: str = Field(min_length=1, description="name of the project")
    use: str | None = Field(None, description="what the model is for")
    base: Location | None = Field(None, description="an existing model: a local Hugging Face folder")
    prepare: PrepareSettings | None = None
    train: TrainSettings | None = None
    validation: ValidateSettings | None = Field(None, alias="validate")
    tune: TuneSettings | None = None
    deploy: DeploySettings | None = None
    gates: tuple[GateSettings, ...] = ()
    limits: Limits = Limits()
    run: RunSettings = RunSettings()


@dataclass(frozen=True)
class Project:
    """A loaded project: its folder, its settings, and where its artifacts lie."""

    folder: Path
    settings: ProjectSettings
    overrides: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def home(self) -> Path:
        return (self.folder / self.settings.run.out).resolve()

    def locate(self, location: str) -> Path:
        return self.folder / location


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
    settings = validated(ProjectSettings, _with_secrets(values), "")
    _check(settings)
    return Project(path.parent, settings, tuple(overrides), values)


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


def write_yaml(project: Project) -> str:
    """The saved form of a project's settings."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    writer = YAML()
    writer.default_flow_style = None
    writer.dump(project.settings.model_dump(mode="json", by_alias=True, exclude_defaults=True), stream)
    return stream.getvalue()


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set one value in place: `prepare.rules.gopher.min_words=30`; a list entry is named by its plugin."""
    from ruamel.yaml import YAML

    path, equals, text = override.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"--set {override!r} is not of the form a.b=1", value=override)
    value = YAML(typ="safe", pure=True).load(text)
    parts = path.strip().split(".")
    target: Any = values
    for index, part in enumerate(parts[:-1]):
        target = _enter(target, part, ".".join(parts[: index + 1]))
    if isinstance(target, dict):
        target[parts[-1]] = value
    elif isinstance(target, list) and value is not None:
        target.append({parts[-1]: value} if isinstance(value, dict) else str(parts[-1]))
    else:
        raise UsageError(f"--set {override!r}: {'.'.join(parts[:-1])} takes no keys", value=override)


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
        known = [entry if isinstance(entry, str) else next(iter(entry), "") for entry in target]
        raise UnknownName("entry", part, known, where=path)
    raise UsageError(f"--set: {path} is {target!r} and takes no keys", value=path)


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
    if settings.run.engine != "native":
        raise UnknownName("engine", settings.run.engine, ["native"], where="run.engine")
    if settings.tune and not (settings.train or settings.base or settings.tune.base):
        raise UsageError("`tune` needs a model", hint="add `train:` or `base: path/to/model`")
