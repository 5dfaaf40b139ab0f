"""The section `prepare:` of the project file, and the parts of it that each step depends on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.plugins import Plugins
from modelwright.core.spec import Options, Share, Where


class Redact(Options):
    """Which kinds of personal data are edited out of the texts that stay, and what stands in their place."""

    kinds: tuple[Literal["email", "phone", "card"], ...] = Field(
        default=("email", "phone", "card"), min_length=1, description="kinds of findings of `personal_data` to edit"
    )
    style: Literal["tag", "mask", "remove"] = Field(
        default="tag", description="tag: `<EMAIL>`; mask: `*` for each letter and digit; remove: nothing stays"
    )


class PileSettings(Options):
    """What the pile depends on."""

    sources: Plugins("sources") = Field(min_length=1, description="where documents come from")  # type: ignore[valid-type]
    rules: Plugins("rules") = Field(default=(), description="rule sets, in order; the first that fires decides")  # type: ignore[valid-type]
    signals: Plugins("signals") = Field(  # type: ignore[valid-type]
        default=(), description="options of signals, such as `{counts: {words: space}}`; left out: the defaults"
    )
    redact: Redact | None = Field(default=None, description="personal data edited out of the texts that stay")
    dedup: Plugins("dedup") = Field(default=(), description="how duplicates are found")  # type: ignore[valid-type]
    holdout: dict[str, Share] = Field(
        default_factory=lambda: {"default": 0.01},
        validate_default=True,
        description="share of the clusters kept out of training: one for all, or `{default: 1 %, SOURCE: 10 %}`",
    )
    sample: Share = Field(default=1.0, gt=0, description="share of the documents used, chosen by their digest")

    def depends(self) -> dict[str, Any]:
        """The code behind the settings: signals that rules, edits and the pile's own columns need, by version.

        Raises UnknownName for a rule on a signal that nothing measures.
        """
        from modelwright.core.identity import identity
        from modelwright.prepare.decisions import signals_for
        from modelwright.prepare.measure import all_signals

        signals = all_signals(self.signals)
        return {"signals": [identity(signals[name]) for name in sorted(signals_for(self, signals))]}

    @field_validator("holdout", mode="before")
    @classmethod
    def _one_share_for_all(cls, value: Any) -> Any:
        return {"default": 0.01, **value} if isinstance(value, Mapping) else {"default": value}

    @model_validator(mode="after")
    def _names_agree(self) -> PileSettings:
        names = [str(getattr(source, "name", "")) for source in self.sources]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise UsageError(
                f"two sources are called {twice[0]!r}", hint="give one of them another `name:`", value=twice[0]
            )
        for name in self.holdout:
            if name != "default" and name not in names:
                raise UnknownName("source", name, names, where="prepare.holdout")
        return self


class Tokenizer(Options):
    """A tokenizer to train on the pile, or an earlier one to keep."""

    model_config = ConfigDict(populate_by_name=True)
    vocabulary: int = Field(default=16384, ge=257, le=1_000_000, description="entries of the tokenizer to train")
    pinned: Annotated[str | None, Where()] = Field(
        default=None, alias="from", description="keep the tokenizer of these tokens, e.g. `tokens@1`"
    )

    @field_validator("pinned")
    @classmethod
    def _is_a_reference(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"tokens@\d+", value):
            raise ValueError(f"{value!r} names no tokens; write `tokens@1`")
        return value


class TokensSettings(Options):
    """What the tokens depend on besides the pile."""

    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="the tokenizer: trained, or kept")


class PrepareSettings(PileSettings):
    """Stage 1: sources -> documents -> signals -> decisions and edits -> duplicates -> pile -> tokens."""

    tokenizer: Tokenizer | None = Field(
        default=None, description="`{vocabulary: 16384}` or `{from: tokens@1}`; left out: tokens only when `train` asks"
    )

    def pile(self) -> PileSettings:
        """The part that the pile depends on."""
        return PileSettings.model_construct(**{name: getattr(self, name) for name in PileSettings.model_fields})

    def tokens(self) -> TokensSettings:
        """The part that the tokens depend on; the default vocabulary when none is given."""
        return TokensSettings(tokenizer=self.tokenizer or Tokenizer())
