"""The section `prepare:` of the project file, and the parts of it that each step depends on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from modelwright.core.errors import UnknownName, UsageError
from modelwright.core.plugins import Plugin, Plugins, parse, plugin_name
from modelwright.core.spec import Location, Options, Share, Where
from modelwright.prepare.mixing import OTHER, Mix
from modelwright.prepare.signals.personal_data import RELIABLE, PersonalKind


class Redact(Options):
    """Which kinds of personal data are edited out of the texts that stay, and what stands in their place."""

    kinds: tuple[PersonalKind, ...] = Field(
        default=RELIABLE, min_length=1, description="kinds of findings of `personal_data` to edit"
    )
    style: Plugin("styles") = Field(  # type: ignore[valid-type]
        default="tag",
        validate_default=True,
        description="what stands in their place: `tag`, `mask`, `remove`, `pseudonym`, `surrogate` or a style of yours",
    )
    styles: dict[PersonalKind, Plugin("styles")] = Field(  # type: ignore[valid-type]
        default_factory=dict, description="another style for a kind, `{email: pseudonym, card: mask}`; it is edited too"
    )
    confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="how sure a finding must be to be edited; at .3 every URL and numeric date is",
    )
    keep_authors: bool = Field(
        default=False, description="addresses of authors and copyright holders in the header of code stay"
    )

    def by_style(self) -> list[tuple[tuple[str, ...], Any]]:
        """Kinds and the style in which they are edited, each kind once."""
        rest = tuple(kind for kind in self.kinds if kind not in self.styles)
        apart = [((kind,), style) for kind, style in self.styles.items()]
        return [*([(rest, self.style)] if rest else []), *apart]

    def signal(self, given: Options) -> Options:
        """The signal `personal_data` with options `given`, made to find what is to be edited."""
        wanted = [kind for kinds, _ in self.by_style() for kind in kinds]
        found = tuple(dict.fromkeys((*given.kinds, *wanted)))  # type: ignore[attr-defined]
        least = min(given.confidence, self.confidence)  # type: ignore[attr-defined]
        authors = self.keep_authors or given.keep_authors  # type: ignore[attr-defined]
        return given.model_copy(update={"kinds": found, "confidence": least, "keep_authors": authors})


class Decontaminate(Options):
    """Which benchmarks are sought in the documents, and what becomes of a document that holds an item."""

    against: tuple[Location, ...] = Field(default=(), description="benchmark files: JSON Lines or JSON, also gzipped")
    action: Literal["drop", "cut"] = Field(
        default="drop", description="drop: the document goes; cut: the item's text is removed from it"
    )
    threshold: float = Field(
        default=0.75, ge=0.25, le=1, description="share of an item's words, in order, at which it counts as found"
    )
    copied: float = Field(
        default=0.4, ge=0.25, le=1, description="share of a long item that suffices when it was copied word for word"
    )

    @model_validator(mode="before")
    @classmethod
    def _files_alone(cls, value: Any) -> Any:
        """`[a.jsonl]` and `a.jsonl` stand for `{against: [a.jsonl]}`."""
        options = dict(value) if isinstance(value, Mapping) else {"against": value}
        if isinstance(options.get("against"), str):
            options["against"] = [options["against"]]
        return options

    def signal(self) -> Options:
        """The signal `contamination` that finds what is wanted."""
        return parse(
            "signals",
            {"contamination": {"against": self.against, "threshold": self.threshold, "copied": self.copied}},
        )


class PileSettings(Options):
    """What the pile depends on."""

    sources: Plugins("sources") = Field(min_length=1, description="where documents come from")  # type: ignore[valid-type]
    rules: Plugins("rules") = Field(default=(), description="rule sets, in order; the first that fires decides")  # type: ignore[valid-type]
    signals: Plugins("signals") = Field(  # type: ignore[valid-type]
        default=(), description="options of signals, such as `{counts: {words: space}}`; left out: the defaults"
    )
    redact: Redact | None = Field(default=None, description="personal data edited out of the texts that stay")
    decontaminate: Decontaminate | None = Field(
        default=None, description="benchmark files whose items are kept out of the pile: `[bench.jsonl]`, or options"
    )
    dedup: Plugins("dedup") = Field(default=(), description="how duplicates are found")  # type: ignore[valid-type]
    holdout: dict[str, Share] = Field(
        default_factory=lambda: {"default": 0.01},
        validate_default=True,
        description="share of the clusters kept out of training: one for all, or `{default: 1 %, SOURCE: 10 %}`",
    )
    sample: Share = Field(default=1.0, gt=0, description="share of the documents used, chosen by their digest")

    def chosen_signals(self) -> tuple[Options, ...]:
        """The signals with options: those given, `personal_data` as the redaction needs it, and `contamination`."""
        chosen = list(self.signals)
        if self.redact is not None:
            mine = [signal for signal in chosen if plugin_name(signal) == "personal_data"]
            others = [signal for signal in chosen if plugin_name(signal) != "personal_data"]
            chosen = [*others, self.redact.signal(mine[0] if mine else parse("signals", "personal_data"))]
        if self.decontaminate is not None:
            chosen = [signal for signal in chosen if plugin_name(signal) != "contamination"]
            chosen.append(self.decontaminate.signal())
        return tuple(chosen)

    def with_benchmarks(self, files: Sequence[str]) -> PileSettings:
        """The same, decontaminated against these files too: those that the project validates on."""
        wanted = self.decontaminate or Decontaminate()
        against = tuple(dict.fromkeys((*wanted.against, *files)))
        changed = wanted.model_copy(update={"against": against}) if against else self.decontaminate
        return self.model_copy(update={"decontaminate": changed})

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Files besides the sources that the pile depends on by their content: benchmarks."""
        return tuple(folder / path for path in self.decontaminate.against) if self.decontaminate else ()

    def depends(self) -> dict[str, Any]:
        """The code behind the settings: signals that rules, edits and the pile's own columns need, by version; the
        content of the model files of signals that were given options.

        Raises UnknownName for a rule on a signal that nothing measures, InputError for a model that is missing.
        """
        from modelwright.core.identity import identity
        from modelwright.prepare.decisions import signals_for
        from modelwright.prepare.measure import all_signals, model_digests

        signals = all_signals(self.chosen_signals())
        wanted = {name: signals[name] for name in sorted(signals_for(self, signals))}
        given = {name: signal for name, signal in wanted.items() if signal in self.signals}
        models = {name: model_digests(signal) for name, signal in given.items()}
        return {"signals": [identity(signal) for signal in wanted.values()], "models": models}

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
    mix: Mix | None = Field(default=None, description="shares of the training tokens; left out: as the pile has them")


class PrepareSettings(PileSettings):
    """Stage 1: sources -> documents -> signals -> decisions and edits -> duplicates -> pile -> tokens."""

    tokenizer: Tokenizer | None = Field(
        default=None, description="`{vocabulary: 16384}` or `{from: tokens@1}`; left out: tokens only when `train` asks"
    )

    mix: Mix | None = Field(
        default=None, description="shares of the training tokens, `{by: source, weights: {a: 2, b: 1}}`; else natural"
    )

    @model_validator(mode="after")
    def _mix_names_sources(self) -> PrepareSettings:
        if self.mix is not None and self.mix.by == "source":
            names = [str(getattr(source, "name", "")) for source in self.sources]
            for name in self.mix.weights or ():
                if name not in (*names, OTHER):
                    raise UnknownName("source", name, names, where="prepare.mix.weights")
        return self

    def pile(self) -> PileSettings:
        """The part that the pile depends on."""
        return PileSettings.model_construct(**{name: getattr(self, name) for name in PileSettings.model_fields})

    def tokens(self) -> TokensSettings:
        """The part that the tokens depend on; the default vocabulary when none is given."""
        return TokensSettings(tokenizer=self.tokenizer or Tokenizer(), mix=self.mix)
