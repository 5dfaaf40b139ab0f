"""Reading a rule set: YAML -> a class of its own, whose pydantic fields are the options of the file."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, create_model

from modelwright.core import plugins
from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.spec import Share, validated
from modelwright.prepare import condition, expression
from modelwright.prepare.possible import impossible
from modelwright.prepare.rule import RuleSet, When, read_when

_KEYS = ("version", "help", "when", "options", "drop", "keep", "flag", "weight", "edit")
_OPTION_KEYS = ("type", "default", "help")
_TYPES: dict[str, Any] = {
    "truth": bool, "integer": int, "number": float, "share": Share, "text": str, "list": tuple[str, ...],
}  # fmt: skip
_CONDITION = re.compile(r"^(.+?)\s*(<=|>=|==|!=|<|>|\bnot\s+in\b|\bin\b)\s*(.+)$", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RESERVED = frozenset(RuleSet.model_fields) | {name for name in dir(RuleSet) if not name.startswith("_")}


def rule_set(name: str, text: str, options: Mapping[str, Any]) -> RuleSet:
    """The rule set `name` from the text of its file, with `options` as written in the project.

    Raises UsageError with the place, UnknownName for an option that the file does not declare.
    """
    cls = _class_of(name, text)
    allowed = [option for option in cls.model_fields if option != "content"]
    for option in options:
        if option not in allowed:
            raise UnknownName("option", str(option), allowed, where=f"rule {name}")
    return validated(cls, options, f"rule {name}")


@functools.cache
def _class_of(name: str, text: str) -> type[RuleSet]:
    """One class for one text, so that two readings of a file compare equal."""
    where = f"rule set {name}"
    parsed = _mapping(_load(text, where), where)
    for key in parsed:
        if key not in _KEYS:
            raise UnknownName("key", str(key), _KEYS, where=where)
    declared = {
        str(option): _option(str(option), spec, where)
        for option, spec in _mapping(parsed.get("options"), where).items()
    }
    drop, labels = _conditions("drop", parsed, declared, where)
    content: dict[str, Any] = {"version": parsed.get("version", 1), "drop": drop}
    more = {"keep": _keep(parsed, declared, where), "edit": _edits(parsed, declared, where)}
    for section in ("flag", "weight"):
        more[section], named = _conditions(section, parsed, declared, where)
        labels |= named
    content |= {section: specs for section, specs in more.items() if specs}
    if not drop and len(content) == 2:
        raise UsageError(f"{where} drops nothing", hint="add `drop:` with lines such as `short: words < 50`")
    when = _when(parsed, where)
    _never_both(drop, where)
    described = RuleSet.model_fields["when"].description
    fields: dict[str, Any] = {
        "when": (When, Field(default_factory=lambda: dict(when), description=described)),
        "content": (dict[str, Any], Field(default_factory=lambda: content, exclude=True)),
        **declared,
    }
    cls = create_model("RuleSet", __base__=RuleSet, __module__=RuleSet.__module__, **fields)
    cls.plugin, cls.help, cls.labels, cls.source_text = name, str(parsed.get("help") or ""), labels, text
    cls.__doc__ = cls.help
    return cls


def _load(text: str, where: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UsageError(f"{where} is no YAML: {error}", hint="see prepare/rules/gopher.yaml for the form") from error


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{where} must be a mapping, not {value!r}", hint="write `name: value` lines", value=repr(value)
        )
    return value


def _option(name: str, spec: Any, where: str) -> tuple[Any, Any]:
    """Type and default of an option: `50`, or `{type: integer, default: 50, help: ...}`."""
    place = f"{where}, option {name}"
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in _RESERVED:
        raise UsageError(f"{place}: this name cannot be used", hint="take another word in letters and _", value=name)
    if not isinstance(spec, Mapping):
        spec = {"default": spec}
    for key in spec:
        if key not in _OPTION_KEYS:
            raise UnknownName("key", str(key), _OPTION_KEYS, where=place)
    if "default" not in spec:
        raise UsageError(f"{place} has no default", hint=f"write `{name}: {{default: 50}}`", value=name)
    default = tuple(spec["default"]) if isinstance(spec["default"], list) else spec["default"]
    kind = spec.get("type") or _type_of(default, place)
    if kind not in _TYPES:
        raise UnknownName("type", str(kind), _TYPES, where=place)
    try:
        default = TypeAdapter(_TYPES[kind]).validate_python(default)
    except ValidationError as error:
        raise UsageError(f"{place}: {default!r} is no {kind}", value=repr(default)) from error
    return Annotated[_TYPES[kind], Field(description=spec.get("help"))], default


def _type_of(default: Any, place: str) -> str:
    if isinstance(default, bool):
        return "truth"
    if isinstance(default, int) and not isinstance(default, bool):
        return "integer"
    names: dict[type, str] = {float: "number", str: "text", tuple: "list"}
    if type(default) not in names:
        raise UsageError(f"{place}: no type for {default!r}", hint="a number, a text or a list", value=repr(default))
    return names[type(default)]


def _conditions(
    section: str, parsed: Mapping[str, Any], options: Mapping[str, Any], where: str
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """The predicates of a section, and apart from them the labels, which are no part of identity."""
    keys = ("if", "when", "label", *(("weight",) if section == "weight" else ()))
    predicates: dict[str, list[dict[str, Any]]] = {}
    labels: dict[str, str] = {}
    for name, specs in _mapping(parsed.get(section), f"{where}, {section}").items():
        place, name = f"{where}, {name}", str(name)
        predicates[name] = []
        for spec in specs if isinstance(specs, list) else [specs]:
            spec = spec if isinstance(spec, Mapping) else {"if": spec}
            _known(spec, keys, place)
            read = {**_condition(str(spec.get("if", "")), options, place), "when": _when(spec, place)}
            if section == "weight":
                read["weight"] = _amount(spec, "weight", options, place)
            predicates[name].append(read)
            labels[name] = str(spec.get("label", "")) or labels.get(name, "")
    return predicates, labels


def _keep(parsed: Mapping[str, Any], options: Mapping[str, Any], where: str) -> dict[str, list[dict[str, Any]]]:
    """`best: {share: 50 %, by: expression}`."""
    kept = {}
    for name, spec in _mapping(parsed.get("keep"), f"{where}, keep").items():
        place = f"{where}, {name}"
        _known(_mapping(spec, place), ("share", "by", "when", "label"), place)
        by = " ".join(str(spec.get("by", "")).split())
        expression.parse(by)
        kept[str(name)] = [{"share": _amount(spec, "share", options, place), "by": by, "when": _when(spec, place)}]
    return kept


def _edits(parsed: Mapping[str, Any], options: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """`signal: style`, or one or several `{style:, kinds:, if: option, when:}`; `if: not option` turns it round."""
    styles = plugins.catalogue("styles")
    edits = []
    for signal, specs in _mapping(parsed.get("edit"), f"{where}, edit").items():
        place = f"{where}, edit {signal}"
        for spec in specs if isinstance(specs, list) else [specs]:
            spec = spec if isinstance(spec, Mapping) else {"style": spec}
            _known(spec, ("style", "kinds", "if", "when"), place)
            style = str(spec.get("style", "remove"))
            if style not in styles:
                raise UnknownName("style", style, styles, where=place)
            kinds = list(spec.get("kinds", ()))
            edit: dict[str, Any] = {"signal": str(signal), "style": style, "kinds": kinds, "when": _when(spec, place)}
            if "if" in spec:
                option = str(spec["if"]).removeprefix("not ").strip()
                if option not in options:
                    raise UnknownName("option", option, options, where=place)
                edit |= {"if": option, "wanted": not str(spec["if"]).startswith("not ")}
            edits.append(edit)
    return edits


def _known(spec: Mapping[str, Any], keys: tuple[str, ...], place: str) -> None:
    for key in spec:
        if key not in keys:
            raise UnknownName("key", str(key), keys, where=place)


def _amount(spec: Mapping[str, Any], key: str, options: Mapping[str, Any], place: str) -> float | str:
    """A number or the name of an option; a share lies between 0 and 1, a weight is not negative."""
    value = spec.get(key)
    if isinstance(value, str) and value in options:
        return value
    try:
        amount = float(TypeAdapter(Share if key == "share" else float).validate_python(value))
        if not 0 <= amount < float("inf"):
            raise ValueError("not negative")
    except (ValidationError, ValueError) as error:
        hint = "write `share: 50 %`" if key == "share" else "write `weight: 2`, or an option"
        raise UsageError(f"{place}: {value!r} is no {key}", hint=hint, value=repr(value)) from error
    return amount


def _never_both(drop: Mapping[str, list[dict[str, Any]]], where: str) -> None:
    """Raises UsageError for `x < a` and `x > b` with a > b, which drop everything."""
    for specs in drop.values():
        numbers = [spec for spec in specs if isinstance(spec.get("threshold"), float) and not spec["when"]]
        for low in (spec for spec in numbers if spec["comparison"] in ("<", "<=")):
            for high in (spec for spec in numbers if spec["comparison"] in (">", ">=")):
                if low["expression"] == high["expression"] and low["threshold"] > high["threshold"]:
                    raise UsageError(
                        f"{where} drops every document: {low['expression']} {low['comparison']} {low['threshold']:g} "
                        f"or {high['comparison']} {high['threshold']:g}",
                        hint="the least must not be above the most",
                        value=low["expression"],
                    )


def _condition(text: str, options: Mapping[str, Any], place: str) -> dict[str, Any]:
    """`words / lines < min_words` -> expression, comparison, and an option or a threshold."""
    match = _CONDITION.match(text.strip())
    if match is None or condition.is_compound(text) or _has_option(match.group(1), options):
        tree = condition.parse(text) if condition.is_compound(text) or match else None
        if tree is not None:
            _possible(tree, place)
            return {"condition": " ".join(text.split())}
    if not match:
        raise UsageError(
            f"{place}: {text!r} is no condition",
            hint="write `expression comparison threshold`, such as `words < min_words`",
            value=text,
        )
    left, comparison, right = match.group(1), " ".join(match.group(2).split()), match.group(3).strip()
    left = " ".join(left.split())
    expression.parse(left)
    if _NUMBER.fullmatch(right):
        _possible(("compare", comparison, expression.parse(left), ("number", float(right))), place)
    return {"expression": left, "comparison": comparison, **_threshold(right, options, place)}


def _has_option(left: str, options: Mapping[str, Any]) -> bool:
    return any(name in options for name in re.findall(r"[A-Za-z_]\w*", left))


def _possible(tree: Any, place: str) -> None:
    reason = impossible(tree)
    if reason:
        raise UsageError(f"{place}: nothing can meet this condition: {reason}", hint="change or delete it")


def _threshold(text: str, options: Mapping[str, Any], place: str) -> dict[str, Any]:
    if _NUMBER.fullmatch(text):
        return {"threshold": float(text)}
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return {"threshold": text[1:-1]}
    if text[0] == "[" and text[-1] == "]":
        return {"threshold": [item.strip().strip("\"'") for item in text[1:-1].split(",") if item.strip()]}
    if text not in options:
        raise UnknownName("option", text, options, where=place)
    return {"option": text}


def _when(spec: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    try:
        return {key: tuple(values) for key, values in read_when(spec.get("when")).items()}
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where}: when: {error}", value=repr(spec.get("when"))) from error
