"""What was made from what: the graph of artifacts above and below one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.records import Records


def trace(records: Records, ref: str) -> dict[str, Any]:
    """The contract's `{"nodes": [{"ref", "kind", "digest"}], "edges": [["child", "parent"]], "spans": []}` for `ref`.

    Up: everything that it was made from. Down: everything that was made from it. `equal` lists pairs of artifacts that
    were made apart and have the same content. A parent without a record (a base model) is a node of its own.
    Raises UnknownName and AmbiguousReference as `Records.find` does.
    """
    start = records.find(ref).ref
    inside = {start, *ancestors(records, start), *descendants(records, start)}
    known = records.by_ref()
    members = [item for item in known.values() if item.ref in inside]
    nodes = {item.ref: {"ref": item.ref, "kind": item.kind, "digest": item.digest} for item in members}
    edges = []
    for item in members:
        for parent in item.parents:
            name = _name(parent)
            if name not in known:
                kind, digest = str(parent.get("role", "")), str(parent.get("digest", ""))
                nodes.setdefault(name, {"ref": name, "kind": kind, "digest": digest})
            if name in nodes:
                edges.append([item.ref, name])
    return {
        "nodes": list(nodes.values()),
        "edges": _distinct(edges),
        "equal": equal_pairs(records, inside),
        "spans": [],
    }


def ancestors(records: Records, ref: str) -> list[str]:
    """Refs that `ref` was made from, directly or not, nearest first; without `ref` and without foreign parents."""
    known = records.by_ref()
    return _walk(ref, lambda at: [_name(parent) for parent in known[at].parents], known)


def descendants(records: Records, ref: str) -> list[str]:
    """Refs that were made from `ref`, directly or not, nearest first."""
    known = records.by_ref()
    return _walk(ref, lambda at: [item.ref for item in known.values() if at in map(_name, item.parents)], known)


def nearest(records: Records, ref: str, kind: str) -> Artifact | None:
    """The nearest ancestor of a kind (the pile of a model, the model of an adapter); itself when it is of that kind."""
    known = records.by_ref()
    for name in [ref, *ancestors(records, ref)]:
        if name in known and known[name].kind == kind:
            return known[name]
    return None


def equal_pairs(records: Records, inside: Iterable[str]) -> list[list[str]]:
    """Pairs `[later, earlier]` on record as having the same content."""
    wanted = set(inside)
    pairs = [[entry.get("ref"), entry.get("equal_to")] for entry in records.of_kind("equal")]
    pairs += [[item.ref, item.record.get("equal_to")] for item in records.artifacts()]
    return _distinct([[str(a), str(b)] for a, b in pairs if a and b and {a, b} & wanted])


def _walk(start: str, step: Callable[[str], list[str]], known: Mapping[str, Artifact]) -> list[str]:
    seen, queue = {start: None}, [start]
    while queue:
        for name in step(queue.pop(0)):
            if name not in seen and name in known:
                seen[name] = None
                queue.append(name)
    return [name for name in seen if name != start]


def _name(parent: Mapping[str, Any]) -> str:
    return str(parent.get("ref") or f"{parent.get('role', 'parent')}:{str(parent.get('digest', ''))[:12]}")


def _distinct(pairs: list[list[str]]) -> list[list[str]]:
    return [list(pair) for pair in dict.fromkeys(tuple(pair) for pair in pairs)]
