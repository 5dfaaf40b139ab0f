"""Digests: canonical JSON, Merkle roots, the syntax of code, and what differs between two flat identities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.storage import digest_file

__all__ = ["canonical", "changes", "digest", "digest_bytes", "digest_file", "flatten", "merkle_root", "plain"]


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON; integers beyond 2**53 and paths become strings."""
    import rfc8785

    return rfc8785.dumps(plain(value))


def digest(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def plain(value: Any) -> Any:
    """What JSON can say: integers beyond 2**53 and anything unknown become text, sets sorted lists."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= 2**53 else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def merkle_root(leaves: Iterable[bytes]) -> str:
    """Root (hex) of a Merkle tree over `leaves` in the given order, after RFC 6962 (domain-separated)."""
    sha256 = hashlib.sha256
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    if not level:
        return sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested identity -> `{"prepare.rules.gopher.min_words": 30}`; list entries by plugin name where they have one."""
    if isinstance(value, Mapping):
        flat: dict[str, Any] = {}
        for key, item in value.items():
            flat.update(flatten(item, f"{prefix}.{key}" if prefix else str(key)))
        return flat or {prefix: "{}"}
    if isinstance(value, (list, tuple)):
        if all(not isinstance(item, (Mapping, list, tuple)) for item in value):
            return {prefix: list(value)}
        flat = {}
        for index, item in enumerate(value):
            if isinstance(item, Mapping) and len(item) == 1:
                label, options = next(iter(item.items()))
                inner = options.get("name") if isinstance(options, Mapping) else None
                flat.update(flatten(options, f"{prefix}.{inner or label}"))
            else:
                flat.update(flatten(item, f"{prefix}.{index}"))
        return flat
    return {prefix: value}


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Human lines for what differs between two flat identities: `a.b: 30 -> 50`."""
    lines = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key, "absent"), new.get(key, "absent")
        if before != after:
            lines.append(f"{key}: {_short(before)} -> {_short(after)}")
    return lines


def _short(value: Any) -> str:
    text = str(value)
    if len(text) == 64 and all(letter in "0123456789abcdef" for letter in text):
        return text[:12]
    return text if len(text) <= 60 else text[:57] + "..."


def code_closure(path: Path, folder: Path) -> str:
    """Digest of a plugin's syntax tree and of every module below `folder` that it imports, transitively.

    A comment or a blank line changes nothing; an edited helper does.
    """
    import ast

    seen: dict[str, str] = {}
    queue = [path.resolve()]
    while queue:
        current = queue.pop()
        label = current.relative_to(folder.resolve()).as_posix()
        if label in seen:
            continue
        tree = ast.parse(current.read_bytes(), filename=str(current))
        seen[label] = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
        queue.extend(_imported(tree, current, folder.resolve()))
    return digest(seen)


def _imported(tree: Any, current: Path, folder: Path) -> list[Path]:
    import ast

    found: list[Path] = []
    for node in ast.walk(tree):
        names: list[tuple[Path, str]] = []
        if isinstance(node, ast.Import):
            names = [(folder, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder
            if node.level:
                base = current.parents[node.level - 1]
            module = node.module or ""
            names = [(base, module)] if module else []
            names += [(base, f"{module}.{alias.name}".strip(".")) for alias in node.names]
        for base, name in names:
            stem = base.joinpath(*name.split("."))
            found.extend(p.resolve() for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file())
    return found
