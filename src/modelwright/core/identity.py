"""Identity: what makes two runs the same run.

A fingerprint covers every setting (walked, never hand-picked), the versions of the sources, the content digests
of the parents, and the code that matters. Fields marked `Where` and secrets stay out by type.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from modelwright.core import plugins
from modelwright.core.fingerprint import plain
from modelwright.core.spec import Options, Secret, Where


def identity(value: Any) -> Any:
    """Plain JSON of everything in `value` that is part of identity.

    A plugin becomes `{name: {options}}` with its code identity under `code`.
    """
    if isinstance(value, BaseModel):
        fields = {
            name: identity(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if not _is_where(field.annotation, field.metadata) and not isinstance(getattr(value, name), Secret)
        }
        name = plugins.plugin_name(value) if isinstance(value, Options) else None
        if name and isinstance(value, Options):
            return {name: {**fields, "code": plugins.code_identity(value)}}
        return fields
    if isinstance(value, Mapping):
        return {str(key): identity(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [identity(item) for item in value]
    return plain(value)


def _is_where(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """True when the type says `Where`, also inside `X | None`."""
    if any(isinstance(mark, Where) for mark in metadata):
        return True
    if typing.get_origin(annotation) is typing.Annotated:
        return _is_where(typing.get_args(annotation)[0], typing.get_args(annotation)[1:])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_where(part) for part in typing.get_args(annotation))
    return False
