"""Proofs that a text or a document is, or is not, in a version of the pile: checked with its public root alone.

The roots of a pile are Merkle roots (RFC 6962 hashing) over sorted leaves. Inclusion is the path from a leaf to the
root; absence are the paths of the two leaves that stand side by side where the key would stand between them (one at
the edge, none in an empty tree). A false number of leaves or a false place changes the sides on which siblings stand,
and so the root that comes out. This file needs the standard library alone: anyone can check a proof with it.

    {"format", "kind": "inclusion" | "absence", "of": "text" | "document", "key", "root", "size",
     "leaves": [{"index", "leaf", "path": [...]}]}

`of` text: the leaf is the 32 bytes of the SHA-256 of a text, in hex, as is the key. `of` document: the leaf is the
canonical row, whose first field is the document's id, which is the key. At a million texts a path has 20 hashes:
inclusion is 672 bytes (32 + 20 * 32), absence twice that; in JSON each byte is two letters.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

FORMAT = "modelwright-proof:v1"
OF = ("text", "document")
EMPTY = hashlib.sha256(b"").hexdigest()


class Tree:
    """A Merkle tree over `leaves`, strictly sorted by `key_of`: one for any number of proofs.

    `of` is `text` (leaves of 32 bytes) or `document` (canonical rows). Building costs two hashes a leaf.
    """

    def __init__(self, of: str, leaves: Sequence[bytes]) -> None:
        self.of, self.leaves = of, leaves
        self.keys = [key_of(of, leaf) for leaf in leaves]
        if any(a >= b for a, b in pairwise(self.keys)):
            raise ValueError("leaves must be distinct and sorted by their keys")
        self.levels = [[_leaf_hash(leaf) for leaf in leaves]]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            level = [_node_hash(a, b) for a, b in zip(below[::2], below[1::2], strict=False)]
            self.levels.append(level + ([below[-1]] if len(below) % 2 else []))

    @property
    def root(self) -> str:
        """Hex; the root that the pile's record names."""
        return self.levels[-1][0].hex() if self.leaves else EMPTY

    def prove(self, key: str) -> dict[str, Any]:
        """The proof that `key` (64 hex digits) is in the tree, or that it is not."""
        place = bisect_left(self.keys, key)
        inside = place < len(self.keys) and self.keys[place] == key
        wanted = [place] if inside else [at for at in (place - 1, place) if 0 <= at < len(self.leaves)]
        return {
            "format": FORMAT,
            "kind": "inclusion" if inside else "absence",
            "of": self.of,
            "key": key,
            "root": self.root,
            "size": len(self.leaves),
            "leaves": [self._shown(index) for index in wanted],
        }

    def _shown(self, index: int) -> dict[str, Any]:
        leaf = self.leaves[index]
        path, at = [], index
        for level in self.levels[:-1]:
            if at ^ 1 < len(level):
                path.append(level[at ^ 1].hex())
            at >>= 1
        return {"index": index, "leaf": leaf.hex() if self.of == "text" else leaf.decode(), "path": path}


def key_of(of: str, leaf: bytes) -> str:
    """The key (64 hex digits) that a leaf stands for. Raises ValueError for what is no leaf."""
    if of == "text":
        if len(leaf) != 32:
            raise ValueError("a leaf of a text is 32 bytes")
        return leaf.hex()
    found = re.match(rb"64:([0-9a-f]{64}),", leaf)
    if found is None:
        raise ValueError("a leaf of a document begins with its id")
    return found[1].decode()


def problems(proof: Any, root: str | None = None) -> list[str]:
    """What is wrong with a proof, against the public `root` (by default the one it names); empty when it holds."""
    if not _well_formed(proof):
        return ["this is no proof of modelwright"]
    wanted = proof["root"] if root is None else root
    if proof["root"] != wanted:
        return [f"the proof is for the root {proof['root'][:12]}, not {wanted[:12]}"]
    keys = []
    for shown in proof["leaves"]:
        try:
            leaf = bytes.fromhex(shown["leaf"]) if proof["of"] == "text" else shown["leaf"].encode()
            keys.append(key_of(proof["of"], leaf))
            path = [bytes.fromhex(node) for node in shown["path"]]
        except ValueError as error:
            return [f"a leaf or a hash cannot be read: {error}"]
        found = _root_of(leaf, shown["index"], proof["size"], path)
        if found != wanted:
            return [f"the path of leaf {shown['index']} does not lead to the root"]
    wrong = _inclusion(proof, keys) if proof["kind"] == "inclusion" else _absence(proof, keys)
    return [wrong] if wrong else []


def holds(proof: Any, root: str | None = None) -> bool:
    """Whether a proof proves what it says, against the public `root`."""
    return not problems(proof, root)


def _inclusion(proof: Mapping[str, Any], keys: list[str]) -> str:
    return "" if keys == [proof["key"]] else "the leaf is another one than the key"


def _absence(proof: Mapping[str, Any], keys: list[str]) -> str:
    key, size, places = proof["key"], proof["size"], [shown["index"] for shown in proof["leaves"]]
    if not keys:
        empty = size == 0 and proof["root"] == EMPTY
        return "" if empty else "no neighbour is shown, and the tree is not empty"
    if len(keys) == 1:
        edge = (places[0] == 0 and key < keys[0]) or (places[0] == size - 1 and keys[0] < key)
        return "" if edge else "one neighbour is shown, and the key does not lie beyond the edge"
    between = len(keys) == 2 and keys[0] < key < keys[1] and places[1] == places[0] + 1
    return "" if between else "the neighbours do not stand side by side about the key"


def _root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> str | None:
    """RFC 9162, 2.1.3.2; None when the path does not fit the place."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, _leaf_hash(leaf)
    for node in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = _node_hash(node, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node_hash(found, node)
        at, last = at >> 1, last >> 1
    return found.hex() if last == 0 else None


def _well_formed(proof: Any) -> bool:
    if not isinstance(proof, Mapping) or proof.get("format") != FORMAT:
        return False
    named = proof.get("kind") in ("inclusion", "absence") and proof.get("of") in OF
    hashes = all(isinstance(proof.get(name), str) and len(proof[name]) == 64 for name in ("key", "root"))
    size = proof.get("size")
    shown = proof.get("leaves")
    counted = isinstance(size, int) and not isinstance(size, bool) and size >= 0 and isinstance(shown, list)
    return named and hashes and counted and all(_is_leaf(leaf) for leaf in shown or [])


def _is_leaf(shown: Any) -> bool:
    if not isinstance(shown, Mapping) or not isinstance(shown.get("leaf"), str):
        return False
    index, path = shown.get("index"), shown.get("path")
    whole = isinstance(index, int) and not isinstance(index, bool)
    return whole and isinstance(path, list) and all(isinstance(node, str) for node in path)


def _leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
