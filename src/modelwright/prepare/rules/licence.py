from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from modelwright.core.errors import UnknownName
from modelwright.prepare.rule import Predicate, Rule

CLASSES = (
    "permissive", "weak_copyleft", "strong_copyleft", "no_derivatives", "non_commercial", "proprietary", "unknown",
)  # fmt: skip


class Licence(Rule):
    """Drop by licence: deny classes or SPDX expressions, or allow some and deny the rest. Unknown is kept unless
    denied.
    """

    version: ClassVar[int] = 2

    deny: tuple[str, ...] = Field(
        default=("non_commercial", "no_derivatives"),
        description=f"classes ({', '.join(CLASSES)}) or SPDX expressions that are dropped",
    )
    allow: tuple[str, ...] = Field(
        default=(),
        description="only these classes and SPDX expressions are kept, and what is unknown; wins over deny",
    )

    conflict: Literal["keep", "drop"] = Field(
        default="keep", description="documents whose text names a licence of another class than what is stated"
    )

    @field_validator("deny", "allow")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Classes may be written with a hyphen; a name that looks like a class must be one."""
        found = []
        for name in names:
            plain = name.strip().lower().replace("-", "_").replace(" ", "_").replace("noncommercial", "non_commercial")
            if plain in CLASSES:
                found.append(plain)
            elif re.fullmatch(
                r"[a-z_ -]+", name.strip()
            ):  # every SPDX id has a capital or a digit, but for a few oddities
                raise UnknownName("class of licences", name, CLASSES, where="the rule licence")
            else:
                found.append(name.strip())
        return tuple(found)

    def predicates(self) -> tuple[Predicate, ...]:
        """Denied classes and whatever an `allow` list leaves out, then denied expressions. What is allowed is never
        denied.
        """
        ids = tuple(name for name in self.allow if name not in CLASSES)
        left_out = [name for name in CLASSES if self.allow and name != "unknown"]
        dropped = tuple(name for name in CLASSES if (name in self.deny or name in left_out) and name not in self.allow)
        found = []
        if dropped and ids:
            known = tuple(name for name in dropped if name != "unknown")
            found.append(Predicate("licence", "licence_spdx", "licence_spdx", "not in", ids, {"licence_class": known}))
            dropped = tuple(name for name in dropped if name == "unknown")
        if dropped:
            found.append(Predicate("licence", "licence_class", "licence_class", "in", dropped))
        denied = tuple(name for name in self.deny if name not in CLASSES and name not in self.allow)
        if denied:
            found.append(Predicate("licence", "licence_spdx", "licence_spdx", "in", denied))
        if self.conflict == "drop":
            found.append(Predicate("licence", "licence_conflict", "licence_conflict", "!=", "none"))
        return tuple(found)
