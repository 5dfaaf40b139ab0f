"""Options: the one kind of configuration object, and the small types that it is made of.

Options are frozen pydantic objects that forbid unknown keys. A field that says *where* or *how* (a path, a
device, a number of workers) carries the mark `Where` in its type and stays out of identity; a `Secret` stays
out of everything that is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import ErrorDetails, core_schema

from modelwright.core.errors import ModelwrightError, UnknownName, UsageError


class Options(BaseModel):
    """Base of every settings and plugin class. `version` forces a re-run when a built-in's result changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    version: ClassVar[int] = 1


class Where:
    """Marks a field as a matter of place or means: never part of identity."""


Location = Annotated[str, Where()]
"""A path or URL; relative paths are relative to the project file. Not part of identity: the content is."""


class Secret:
    """A value from `${env:NAME}`. It prints as its name; `reveal()` gives the value."""

    CURE: ClassVar = "write a secret as ${env:NAME}, never as text in the project file"

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"${{env:{self.name}}}"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        serializer = core_schema.plain_serializer_function_ser_schema(repr)
        return core_schema.no_info_plain_validator_function(cls._validate, serialization=serializer)

    @classmethod
    def _validate(cls, value: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        raise ValueError(cls.CURE)


def parse_share(value: Any) -> Any:
    """`"1 %"` -> 0.01; numbers pass."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value)
        if match:
            return float(match.group(1)) / 100
    return value


Share = Annotated[float, BeforeValidator(parse_share), Field(ge=0, le=1)]
"""A share between 0 and 1; `1 %` is understood."""

_UNITS = {
    "s": ("seconds", 1.0), "sec": ("seconds", 1.0), "second": ("seconds", 1.0), "seconds": ("seconds", 1.0),
    "min": ("seconds", 60.0), "minute": ("seconds", 60.0), "minutes": ("seconds", 60.0),
    "h": ("seconds", 3600.0), "hour": ("seconds", 3600.0), "hours": ("seconds", 3600.0),
    "d": ("seconds", 86400.0), "day": ("seconds", 86400.0), "days": ("seconds", 86400.0),
    "step": ("steps", 1.0), "steps": ("steps", 1.0),
    "token": ("tokens", 1.0), "tokens": ("tokens", 1.0),
    "kwh": ("kwh", 1.0), "$": ("dollars", 1.0),
}  # fmt: skip
_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


class Budget(BaseModel):
    """An amount of one of: seconds, steps, tokens, dollars, kwh. Written `3 min`, `300 steps`, `50M tokens`, `$2`."""

    model_config = ConfigDict(frozen=True)
    amount: float = Field(gt=0)
    unit: str

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"


def parse_budget(value: Any) -> Any:
    """Text -> Budget. Raises ValueError with the forms that are understood."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    match = re.fullmatch(r"\$\s*([0-9.]+)", text)
    if match:
        return Budget(amount=float(match.group(1)), unit="dollars")
    # `kWh` is tried whole before `k` is read as a thousand.
    for pattern in (r"([0-9.]+)\s*()([A-Za-z]+)", r"([0-9.]+)\s*([kMBT])\s*([A-Za-z]+)"):
        match = re.fullmatch(pattern, text)
        name = match.group(3).lower() if match else ""
        if match and name in _UNITS:
            unit, factor = _UNITS[name]
            return Budget(amount=float(match.group(1)) * _SCALES[match.group(2)] * factor, unit=unit)
    raise ValueError(f"{value!r} is no budget; write `3 min`, `2 h`, `300 steps`, `50M tokens`, `$2` or `0.5 kWh`")


BudgetText = Annotated[Budget, BeforeValidator(parse_budget)]
"""A budget as written in YAML, parsed."""


def parse_size(value: Any) -> Any:
    """`"3M"` -> 3_000_000 (parameters or tokens); numbers pass."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*([kMBT]?)\s*", value)
        if match:
            return int(float(match.group(1)) * _SCALES[match.group(2)])
    return value


Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
"""A count written as `3M`, `50k` or a plain number."""


SomeOptions = TypeVar("SomeOptions", bound=BaseModel)


def validated(cls: type[SomeOptions], values: Mapping[str, Any], where: str) -> SomeOptions:
    """`cls` from plain values; what is wrong becomes one UsageError that names the place, the value and the cure."""
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors()  # a misspelt key goes before the key that is missing because of it
        first = next((detail for detail in found if detail["type"] == "extra_forbidden"), found[0])
        raise _explain(first, cls, where) from error


_PLAIN_WORDS = {
    "model_type": "must be a mapping of keys and values",
    "dict_type": "must be a mapping of keys and values",
    "tuple_type": "must be a list, `[...]`; leave the key out when there is nothing to say",
    "list_type": "must be a list, `[...]`; leave the key out when there is nothing to say",
    "too_short": "must name at least one",
}
"""What pydantic says in terms of Python, said in terms of YAML."""


def _explain(detail: ErrorDetails, cls: type[BaseModel], where: str) -> ModelwrightError:
    path = [str(part) for part in detail["loc"]]
    place = ".".join([where, *path]) if where else ".".join(path)
    if detail["type"] == "extra_forbidden":
        return UnknownName("key", path[-1], _keys(cls, path[:-1]), where=".".join([where, *path[:-1]]).strip("."))
    if detail["type"] == "missing":
        return UsageError(f"{place} is missing", hint=f"add `{path[-1]}:`", value=path[-1])
    message = _PLAIN_WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    if message == Secret.CURE:  # what was found there may be one: it is not repeated
        return UsageError(f"{place}: {message}", hint="export NAME=..., then `${env:NAME}` in the project file")
    return UsageError(f"{place}: {message}", hint=f"found {detail['input']!r}", value=repr(detail["input"]))


def _keys(cls: type[BaseModel], path: list[str]) -> list[str]:
    """The keys that are allowed at `path` below `cls`."""
    for part in path:
        named = {field.alias or name: field for name, field in cls.model_fields.items()}
        field = named.get(part)
        inner = [kind for kind in _classes(field.annotation) if field] if field else []
        if not inner:
            break
        cls = inner[0]
    return [field.alias or name for name, field in cls.model_fields.items()]


def _classes(annotation: Any) -> list[type[BaseModel]]:
    import typing

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [cls for part in typing.get_args(annotation) for cls in _classes(part)]
