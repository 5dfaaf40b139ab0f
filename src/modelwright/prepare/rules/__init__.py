"""Rules, one file each: predicates as YAML, or a class derived from `prepare.rule.Rule`."""

from modelwright.prepare.rule import from_yaml

__all__ = ["from_yaml"]
