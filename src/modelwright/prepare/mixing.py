"""How often each document is trained on in one epoch of the tokens: shares of groups, caps, a budget.

Only whole documents are repeated or left out. A document's copies are the whole part of its multiplicity, and one more
for those that come first when the group is ordered by digest over fractional part (sequential Poisson sampling, Ohlsson
1998): the same documents always, few others when a share or the data change a little, and a group's tokens end within
half a document of what was wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from modelwright.core.errors import EmptyResult, UnknownName, UsageError
from modelwright.core.spec import Options, Size

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Numbers = np.ndarray[Any, np.dtype[np.int64]]
    Reals = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

OTHER = "other"
"""The key of `weights` that stands for every value not named there."""
UNKNOWN = "unknown"
"""How a document without a value is called."""
_EXACT = 1e-9  # a fractional part below this is rounding of floats


class Mix(Options):
    """Shares of the training tokens: by group, by a weight of each document, under a cap on epochs and a budget."""

    by: str | None = Field(
        None,
        description="column whose values are the groups: source, language, code_language, domain, licence_class, kind "
        "or any other of documents, decisions and signals",
    )
    weights: dict[str, float] | None = Field(
        None, description="shares of the groups as numbers, `{a: 2, b: 1}`; `other` stands for all not named"
    )
    temperature: float | None = Field(
        None, ge=0, description="share ~ size^temperature: 1 natural, 0.5 between, 0 the same for every group"
    )
    weight: str | None = Field(
        None, description="column with a weight for each document, such as `weight`, which rules set, or a signal"
    )
    max_epochs: float | None = Field(None, gt=0, description="no document, and no group, more often than this")
    tokens: Size | None = Field(None, description="tokens of the mix, such as `50M`; left out: as many as there are")

    @field_validator("weights")
    @classmethod
    def _are_shares(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is None:
            return None
        if any(not math.isfinite(number) or number < 0 for number in value.values()) or not any(value.values()):
            raise ValueError("weights are numbers from 0, at least one above it")
        return value

    @model_validator(mode="after")
    def _agree(self) -> Mix:
        chosen = [name for name in ("weights", "temperature") if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise UsageError("prepare.mix: both `weights` and `temperature`", hint="keep one of them")
        if chosen and self.by is None:
            hint = "add `by: source`, `by: language` ..."
            raise UsageError(f"prepare.mix: `{chosen[0]}` of which groups?", hint=hint, value=chosen[0])
        return self


@dataclass(frozen=True)
class Mixed:
    """copies int64 [documents]: how often each is there; groups: what became of each group, as plain facts."""

    copies: Numbers
    names: tuple[str, ...]
    groups: Numbers
    facts: dict[str, Any]


def mixed(reader: Any, documents: pa.Table, tokens: Numbers, mix: Mix) -> Mixed:
    """The mix of `documents` (document, digest; of the training split) of `tokens` [documents] each.

    Raises UnknownName for a column or group that does not exist, UsageError for groups without a weight and for a
    weight that is no number from 0, EmptyResult when nothing is left.
    """
    import numpy as np

    from modelwright.formats.borders import prefixes

    names, groups = _groups(reader, documents, mix)
    weights = _weights(reader, documents, mix)
    wanted, capped = _targets(names, groups, tokens, weights, mix)
    heads = prefixes(documents["digest"])
    order = np.lexsort((prefixes(documents["document"]), heads))
    draws = (heads.astype(np.float64) + 0.5) / 2.0**64
    copies = np.zeros(len(tokens), np.int64)
    for group in range(len(names)):
        rows = order[groups[order] == group]
        often = _multiplicity(tokens[rows], weights[rows], wanted[group], mix.max_epochs or math.inf)
        copies[rows] = _copies(tokens[rows], often, draws[rows], bool(capped[group]))
    if not copies.any():
        raise EmptyResult("the mix leaves no document", hint="raise `prepare.mix.tokens` or the weights")
    return Mixed(copies, names, groups, _facts(mix, names, groups, tokens, copies, wanted, capped))


def rows_of(copies: Numbers, sources: pa.ChunkedArray) -> Numbers:
    """Rows of the mixed tokens, as numbers of documents: source by source, in each all first copies, then all second
    ones and so on, so that a window seldom holds a text twice."""
    import numpy as np

    positions = np.repeat(np.arange(len(copies)), copies)
    begins = np.repeat(np.cumsum(copies) - copies, copies)
    turns = np.arange(len(positions)) - begins
    codes = sources.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order: Numbers = positions[np.lexsort((positions, turns, codes[positions]))]
    return order


def expected_shares(reader: Any, mix: Mix, bytes_per_token: float) -> dict[str, float]:
    """Group -> share of the mix, from bytes: what a plan can say before anything is encoded."""
    import numpy as np

    documents = reader.documents(split="train")
    sizes = np.maximum(1, documents["bytes"].to_numpy() / bytes_per_token).astype(np.int64)
    facts = mixed(reader, documents, sizes, mix).facts
    return {name: group["share"] for name, group in facts["groups"].items()}


def column(reader: Any, name: str, documents: pa.Table) -> pa.ChunkedArray:
    """The values of a column of documents, decisions or signals for `documents`. Raises UnknownName."""
    import pyarrow.compute as pc

    for table in ("documents", "decisions", "signals"):
        rows = reader.table(table, ["document", name])
        if name in rows.column_names:
            places = pc.index_in(documents["document"], value_set=rows["document"].combine_chunks())
            return rows[name].take(places)
    known = {one for table in ("documents", "decisions", "signals") for one in reader.table(table).column_names}
    raise UnknownName("column", name, known, where="prepare.mix")


def _groups(reader: Any, documents: pa.Table, mix: Mix) -> tuple[tuple[str, ...], Numbers]:
    """Names of the groups, and the group of each document."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if mix.by is None:
        return ("all",), np.zeros(documents.num_rows, np.int64)
    values = pc.fill_null(column(reader, mix.by, documents).cast(pa.string()), UNKNOWN)
    there = sorted(pc.unique(values).to_pylist())
    if mix.weights is not None:
        for name in mix.weights:
            if name not in there and name != OTHER:
                raise UnknownName(mix.by, name, there, where="prepare.mix.weights")
        rest = [name for name in there if name not in mix.weights]
        if rest and OTHER not in mix.weights:
            said = ", ".join(rest[:5]) + (" ..." if len(rest) > 5 else "")
            hint = f"name them, or write `{OTHER}: 1`, or `{OTHER}: 0` to leave them out"
            raise UsageError(f"prepare.mix.weights says nothing of {mix.by} {said}", hint=hint, value=rest)
        values = pc.if_else(pc.is_in(values, value_set=pa.array([*mix.weights], pa.string())), values, OTHER)
    names = tuple(sorted(pc.unique(values).to_pylist()))
    groups: Numbers = pc.index_in(values, value_set=pa.array(names, pa.string())).to_numpy().astype(np.int64)
    return names, groups


def _weights(reader: Any, documents: pa.Table, mix: Mix) -> Reals:
    """The weight of each document: 1 where there is none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if mix.weight is None:
        return np.ones(documents.num_rows)
    values = column(reader, mix.weight, documents)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)):
        hint = "name a column of numbers, such as `weight`"
        raise UsageError(f"prepare.mix.weight: {mix.weight} is {values.type}, not a number", hint=hint)
    numbers = pc.fill_null(values.cast(pa.float64()), 1.0).to_numpy()
    numbers = np.where(np.isnan(numbers), 1.0, numbers)
    if (numbers < 0).any() or np.isinf(numbers).any():
        raise UsageError(
            f"prepare.mix.weight: {mix.weight} holds {numbers.min():g}", hint="weights are finite numbers from 0"
        )
    return numbers


def _targets(names: tuple[str, ...], groups: Numbers, tokens: Numbers, weights: Reals, mix: Mix) -> tuple[Reals, Mask]:
    """Tokens wanted of each group, and which groups their cap holds back; what these lack goes to the others."""
    import numpy as np

    count = len(names)
    mass = np.bincount(groups, weights=tokens * weights, minlength=count)
    some = np.bincount(groups, weights=tokens * (weights > 0), minlength=count)
    if mix.weights is not None:
        shares = np.array([mix.weights[name] for name in names])
    elif mix.temperature is not None:
        shares = np.where(mass > 0, mass, 1.0) ** mix.temperature * (mass > 0)
    else:
        shares = mass
    limits = some * mix.max_epochs if mix.max_epochs else np.where(some > 0, np.inf, 0.0)
    total = float(mix.tokens if mix.tokens is not None else mass.sum())
    wanted, capped = np.zeros(count), np.zeros(count, dtype=bool)
    while (open_ := ~capped & (shares > 0)).any():
        wanted[open_] = (total - wanted[capped].sum()) * shares[open_] / shares[open_].sum()
        beyond = open_ & (wanted > limits)
        if not beyond.any():
            break
        wanted[beyond], capped = limits[beyond], capped | beyond
    return wanted, capped


def _multiplicity(tokens: Numbers, weights: Reals, wanted: float, limit: float) -> Reals:
    """How often each document of a group should be there, in proportion to its weight and at most `limit` times."""
    import numpy as np

    full = np.zeros(len(tokens), dtype=bool)
    result = np.zeros(len(tokens))
    while True:
        free = ~full & (weights > 0)
        mass = float((tokens * weights)[free].sum())
        if mass <= 0:
            return result
        left = max(0.0, wanted - limit * float(tokens[full].sum())) if full.any() else wanted
        result[free] = weights[free] * (left / mass)
        beyond = free & (result > limit * (1 + _EXACT))
        if not beyond.any():
            return np.minimum(result, limit)
        result[beyond], full = limit, full | beyond


def _copies(tokens: Numbers, multiplicity: Reals, draws: Reals, at_most: bool) -> Numbers:
    """Copies of each document (in order of draws from 0 to 1) whose tokens come nearest to what the multiplicities
    say, or not above it."""
    import numpy as np

    copies: Numbers = np.floor(multiplicity + _EXACT).astype(np.int64)
    parts = np.maximum(0.0, multiplicity - copies)
    rows = np.flatnonzero(parts > _EXACT)
    if not rows.size:
        return copies
    rows = rows[np.argsort(draws[rows] / parts[rows], kind="stable")]
    missing = float((tokens[rows] * parts[rows]).sum())
    filled = np.cumsum(tokens[rows])
    count = int(np.searchsorted(filled, missing * (1 + _EXACT), side="right"))
    if count < len(rows) and not at_most:
        before = float(filled[count - 1]) if count else 0.0
        count += int(filled[count] - missing < missing - before)
    copies[rows[:count]] += 1
    return copies


def _facts(
    mix: Mix, names: tuple[str, ...], groups: Numbers, tokens: Numbers, copies: Numbers, wanted: Reals, capped: Mask
) -> dict[str, Any]:
    """Per group: documents, tokens and share before and after, share wanted, epochs, what is repeated or left out."""
    import numpy as np

    before, after = int(tokens.sum()), int((tokens * copies).sum())
    told = {}
    for number, name in enumerate(names):
        mine = groups == number
        had, has = int(tokens[mine].sum()), int((tokens * copies)[mine].sum())
        told[name] = {
            "documents_before": int(mine.sum()), "documents": int(copies[mine].sum()),
            "tokens_before": had, "tokens": has, "share_before": had / before, "share": has / after,
            "share_wanted": float(wanted[number] / wanted.sum()), "epochs": has / had if had else 0.0,
            "repeated": int((copies[mine] > 1).sum()), "left_out": int((copies[mine] == 0).sum()),
            "capped": bool(capped[number]),
        }  # fmt: skip
    most = int(np.max(copies))
    return {"by": mix.by, "tokens_before": before, "tokens": after, "most_copies": most, "groups": told}
