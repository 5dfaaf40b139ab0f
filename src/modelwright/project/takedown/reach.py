"""How far a takedown reaches: by the ledger, what was made of the versions that hold the documents, and what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.formats.tokens import Tokens
from modelwright.govern.lineage import ancestors, descendants
from modelwright.govern.records import Records
from modelwright.project.takedown.affected import Found

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

REMEDIES = (
    "make it anew without the documents: `modelwright run`",
    "stop what is served of it, and withdraw exports of it",
    "weights cannot forget on request: unlearning is not offered",
)


def reach(records: Records, found: Found) -> dict[str, Any]:
    """Lists of refs by kind (`piles` that hold rows on the documents, `tokens` and `pairs` that hold their texts, and
    what was made of these), `learned` with the windows that each model saw, `copies` that left by `pile export`."""
    piles = set(found.piles)
    rows = {ref: places for ref, places in _token_rows(records, found).items() if len(places)}
    pairs = _pairs(records, found)
    below = {name for ref in [*piles, *rows, *pairs] for name in descendants(records, ref)}
    made = [artifact for artifact in records.artifacts() if artifact.ref in below]
    learned = [_learned(records, found, artifact, rows, pairs) for artifact in made if artifact.kind == "model"]
    carriers = {item["ref"] for item in learned if item["learned"] is not False}
    adapters = [_tuned(records, found, artifact, carriers, pairs) for artifact in made if artifact.kind == "adapter"]
    carriers |= {item["ref"] for item in adapters if item["learned"] is not False}
    for artifact in made:
        if artifact.kind in ("release", "export") and carriers & set(ancestors(records, artifact.ref)):
            carriers.add(artifact.ref)
    by_kind = {
        kind: [artifact.ref for artifact in made if artifact.kind == kind and artifact.ref in carriers]
        for kind in ("model", "adapter", "release", "export")
    }
    served = [
        {"ref": str(entry.get("artifact")), "url": entry.get("url"), "device": entry.get("device"), "at": entry.at}
        for entry in records.of_kind("deployment")
        if str(entry.get("artifact")) in carriers
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
        "learned": [*learned, *adapters],
        "carriers": sorted(carriers, key=_order),
        "tags": {name: ref for name, ref in names.items() if ref in piles or ref in rows},
        "copies": _copies(records, found),
    }


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


def _learned(
    records: Records, found: Found, model: Artifact, rows: dict[str, npt.NDArray[np.int64]], pairs: set[str]
) -> dict[str, Any]:
    """Whether a model's tokens held a document, and in how many of its windows one stood; None is unknown."""
    above = ancestors(records, model.ref)
    tokens = next((ref for ref in above if ref.startswith("tokens@")), None)
    known = {artifact.ref: artifact for artifact in records.artifacts()}
    at_hand = tokens is not None and (known[tokens].path / "manifest.json").is_file()
    result: dict[str, Any] = {"ref": model.ref, "digest": model.digest, "tokens": tokens}
    if tokens in rows:
        seen, total = windows_seen(model, Tokens.open(known[tokens].path), rows[tokens])
        return {**result, "learned": True, "windows": seen, "of": total, "documents": len(rows[tokens])}
    if at_hand:
        return {**result, "learned": False, "windows": 0, "of": None, "documents": 0}
    return {**result, "learned": None, "windows": None, "of": None, "documents": None}


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
    ends = tokens.ends.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])[rows]
    stops = ends[rows]
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


def _tuned(records: Records, found: Found, adapter: Artifact, carriers: set[str], pairs: set[str]) -> dict[str, Any]:
    """An adapter learned from its model, from pairs that quote, or from the source of the pile that it was tuned on."""
    parents = {parent.get("role"): str(parent.get("ref")) for parent in adapter.parents}
    examples = (adapter.record.get("settings") or {}).get("tune.examples")
    mine = found.piles.get(parents.get("pile", ""), set())
    own = [one for one in mine if found.names[one][0] == examples]
    of_model = parents.get("model") in carriers
    learned = of_model or bool(own) or parents.get("pairs") in pairs
    return {"ref": adapter.ref, "digest": adapter.digest, "tokens": None, "learned": learned, "windows": None,
            "of": None, "documents": len(own), "by_its_model": of_model}  # fmt: skip


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
