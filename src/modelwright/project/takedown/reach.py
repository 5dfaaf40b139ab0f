"""How far a takedown reaches: by the ledger, what was made of the versions that hold the documents, and what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.formats.tokens import Tokens
from modelwright.govern import takedowns
from modelwright.govern.carriers import KINDS, lineage
from modelwright.govern.lineage import ancestors, descendants
from modelwright.govern.records import Records
from modelwright.project.takedown.affected import Found

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def reach(records: Records, found: Found) -> dict[str, Any]:
    """Lists of refs by kind (`piles` that hold rows on the documents, `tokens` and `pairs` that hold their texts, and
    what was made of these), `learned` with the windows that each model saw, `copies` that left by `pile export`."""
    piles = set(found.piles)
    rows = {ref: places for ref, places in _token_rows(records, found).items() if len(places)}
    pairs = _pairs(records, found)
    learned = _learners(records, found, rows, pairs)
    carrying = lineage(records, {item["ref"] for item in learned if item["learned"] is not False})
    by_kind = {kind: [ref for ref in carrying if ref.startswith(f"{kind}@")] for kind in KINDS}
    served = [
        {"ref": str(entry.get("artifact")), "url": entry.get("url"), "device": entry.get("device"), "at": entry.at}
        for entry in records.of_kind("deployment")
        if str(entry.get("artifact")) in carrying
    ]
    names = records.names()
    return {
        "piles": sorted(piles, key=_order),
        "tokens": sorted(rows, key=_order),
        "pairs": sorted(pairs, key=_order),
        "models": by_kind["model"],
        "adapters": by_kind["adapter"],
        "releases": by_kind["release"],
        "exports": by_kind["export"],
        "deployments": served,
        "learned": learned,
        "carriers": sorted(carrying, key=_order),
        "tags": {name: ref for name, ref in names.items() if ref in piles or ref in rows},
        "copies": _copies(records, found),
    }


def _learners(
    records: Records, found: Found, rows: dict[str, npt.NDArray[np.int64]], pairs: set[str]
) -> list[dict[str, Any]]:
    """Every model and adapter below what is erased, and those whose weights come from one that learned."""
    gone = _erased_before(records, found)
    below = {name for ref in [*found.piles, *rows, *pairs, *gone] for name in descendants(records, ref)}
    models, adapters = ([item for item in records.artifacts() if item.kind == kind] for kind in ("model", "adapter"))
    learned = {item.ref: _learned(records, item, rows) for item in models if item.ref in below}
    carrying = lineage(records, {ref for ref, item in learned.items() if item["learned"] is not False})
    for model in models:
        item = learned.get(model.ref, {**_item(model), "learned": False})
        if model.ref in carrying and item["learned"] is False:
            learned[model.ref] = {**item, "learned": True, "own": False}
    tuned = [
        _tuned(records, found, item, set(carrying), rows, pairs)
        for item in adapters
        if item.ref in below | carrying.keys()
    ]
    return [*learned.values(), *tuned]


def _erased_before(records: Records, found: Found) -> set[str]:
    """Piles that an earlier takedown erased and that may have held the documents too: what replaces them does, or
    nothing replaces them. Whoever learned from them cannot be told any more, and is named as unknown."""
    ended = takedowns.done(records).values()
    erased = {str(ref) for entry in ended for ref in entry.get("removed") or [] if str(ref).startswith("pile@")}
    replaced = {item["old"]: item["new"] for entry in ended for item in entry.get("versions") or []}

    def may_have(ref: str) -> bool:
        while ref in erased and ref in replaced:
            ref = replaced[ref]
        return ref in erased or ref in found.piles

    return {ref for ref in erased if may_have(ref)}


def _item(artifact: Artifact) -> dict[str, Any]:
    """What is told of each model and adapter. `own`: it learned by itself, not by what it was made of."""
    return {"ref": artifact.ref, "digest": artifact.digest, "tokens": None, "learned": None, "own": None,
            "windows": None, "of": None, "documents": None, "tokens_held": None}  # fmt: skip


def _order(ref: str) -> tuple[str, int]:
    kind, _, version = ref.partition("@")
    return kind, int(version or 0)


def _token_rows(records: Records, found: Found) -> dict[str, npt.NDArray[np.int64]]:
    """Tokens at hand -> the rows (documents) in them that are taken down."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(sorted(found.how), pa.string())
    rows = {}
    for artifact in records.artifacts():
        if artifact.kind == "tokens" and (artifact.path / "manifest.json").is_file():
            documents = Tokens.open(artifact.path).documents()
            rows[artifact.ref] = np.flatnonzero(pc.is_in(documents["document"], value_set=ids).to_numpy())
    return rows


def _pairs(records: Records, found: Found) -> set[str]:
    """Files of pairs at hand that quote a text that is taken down."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from modelwright.measure.shingles import quoting

    hit = set()
    for artifact in records.artifacts():
        path = artifact.path / "pairs.parquet"
        if artifact.kind == "pairs" and path.is_file() and found.texts:
            table = pq.read_table(path, columns=["prompt", "completion"], partitioning=None)
            kind = pa.large_string()
            parts = [table[name].cast(kind) for name in ("prompt", "completion")]
            texts = pc.binary_join_element_wise(*parts, pa.scalar("\n", kind)).combine_chunks()
            if quoting(texts, found.texts).any():
                hit.add(artifact.ref)
    return hit


def _learned(records: Records, model: Artifact, rows: dict[str, npt.NDArray[np.int64]]) -> dict[str, Any]:
    """Whether a model's tokens held a document, and in how many of its windows one stood; None is unknown."""
    above = ancestors(records, model.ref)
    tokens = next((ref for ref in above if ref.startswith("tokens@")), None)
    known = records.by_ref()
    at_hand = tokens is not None and (known[tokens].path / "manifest.json").is_file()
    result = {**_item(model), "tokens": tokens}
    if tokens in rows:
        shards = Tokens.open(known[tokens].path)
        seen, total = windows_seen(model, shards, rows[tokens])
        return {**result, "learned": True, "own": True, "windows": seen, "of": total, "documents": len(rows[tokens]),
                "tokens_held": tokens_held(shards, rows[tokens])}  # fmt: skip
    if at_hand:
        return {**result, "learned": False, "own": False, "windows": 0, "documents": 0, "tokens_held": 0}
    return result


def _spans(tokens: Tokens, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the documents `rows` begin and end (exclusive) in the tokens; n values each."""
    import numpy as np

    ends = tokens.ends.astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), ends[:-1]])[rows], ends[rows]


def tokens_held(tokens: Tokens, rows: npt.NDArray[np.int64]) -> int:
    """Tokens of the documents `rows`, the marks of their ends included."""
    starts, stops = _spans(tokens, rows)
    return int((stops - starts).sum())


def windows_seen(model: Artifact, tokens: Tokens, rows: npt.NDArray[np.int64]) -> tuple[int | None, int | None]:
    """(windows in which a token of `rows` stood, windows in all) over the steps that the run did; None: not on record.

    The order of data is a pure function of what is on record (`train/order.py`), so this is counted, not estimated.
    """
    import numpy as np

    from modelwright.train.order import Order, chosen_ranges, permute

    facts, settings = model.facts, model.record.get("settings") or {}
    more = facts.get("hyperparameters") or {}
    if not all(key in facts for key in ("steps", "context")) or not all(key in more for key in ("batch", "seed")):
        return None, None
    sources = settings.get("train.sources")
    ranges = chosen_ranges(tokens.source_ranges(), sources if isinstance(sources, list) else None)
    order = Order(ranges, int(facts["context"]), int(more["batch"]), int(more["seed"]))
    starts, stops = _spans(tokens, rows)
    total, seen = int(facts["steps"]) * order.batch, 0
    for first in range(0, total, 1 << 20):
        positions = np.arange(first, min(total, first + (1 << 20)), dtype=np.int64)
        epochs, places = np.divmod(positions, order.windows)
        for epoch in np.unique(epochs).tolist():
            spans = order.spans(permute(places[epochs == epoch], order.windows, order.seed, epoch))
            # documents are in order: the first that ends behind the window's begin must begin before its end
            nearest = np.searchsorted(stops, spans[:, 0], side="right")
            inside = nearest < len(stops)
            seen += int((starts[nearest[inside]] < spans[inside, 1]).sum())
    return seen, total


def _tuned(
    records: Records,
    found: Found,
    adapter: Artifact,
    carrying: set[str],
    rows: dict[str, npt.NDArray[np.int64]],
    pairs: set[str],
) -> dict[str, Any]:
    """An adapter learned from its model, from pairs that quote, or from the tokens that it was tuned on."""
    parents = {parent.get("role"): str(parent.get("ref")) for parent in adapter.parents}
    documents = _tuned_on(records, found, adapter, parents.get("tokens"), rows)
    own: bool | None = bool(documents) or parents.get("pairs") in pairs
    if not own and (documents is None or parents.get("pairs") in records.removed()):
        own = None
    by_its_model = adapter.ref in carrying
    return {**_item(adapter), "learned": by_its_model or own, "own": own, "documents": documents,
            "by_its_model": by_its_model}  # fmt: skip


def _tuned_on(
    records: Records, found: Found, adapter: Artifact, tokens: str | None, rows: dict[str, npt.NDArray[np.int64]]
) -> int | None:
    """How many of the documents an adapter was tuned on: those of its source of examples, and all in the tokens where
    base data was replayed; None where the tokens are gone."""
    examples, replayed = (adapter.record.get("settings") or {}).get("tune.examples"), adapter.facts.get("replay_share")
    possible = replayed or any(source == examples for source, _ in found.names.values())
    if tokens is None or not possible:
        return 0
    folder = records.by_ref()[tokens].path
    if not (folder / "manifest.json").is_file():
        return None
    if tokens not in rows:
        return 0
    sources: list[str] = Tokens.open(folder).documents()["source"].take(rows[tokens]).to_pylist()
    return sum(bool(replayed) or source == examples for source in sources)


def _copies(records: Records, found: Found) -> list[dict[str, Any]]:
    """Where `pile export` and `pile report` wrote versions that hold the documents, or quoted one; a place outside the
    project is named as far as it is on record."""
    return [
        {
            "ref": entry.get("ref"),
            "format": entry.get("format"),
            "place": entry.get("place"),
            "inside": bool(entry.get("inside")),
            "at": entry.at,
        }
        for entry in records.of_kind("export")
        if entry.get("ref") in found.piles or set(entry.get("quotes") or ()) & found.how.keys()
    ]
