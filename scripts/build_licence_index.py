"""Build the licence index from ScanCode's rules: hashes of rules and of shingles, never their words.

    python scripts/build_licence_index.py SITE_PACKAGES/licensedcode/data            # write the index
    python scripts/build_licence_index.py SITE_PACKAGES/licensedcode/data --measure  # the whole SPDX list, changed

ScanCode's licence data (AboutCode, CC-BY-4.0) holds licence texts with their SPDX ids and some 36,000 rules: notices,
references, tags and false positives with the licence expression that they mean. Of each rule the index keeps the hash
of its first tokens, its length and its hash as a whole; of texts and notices of some length also a sample of shingles.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from license_expression import get_spdx_licensing
from tensors import save_sorted

from modelwright.measure.licence_kernel import HEAD, SHINGLE, powers, stop_table, tokenise
from modelwright.measure.model_files import LICENCE_INDEX

SHORTEST, LONGEST = 14, 20_000
"""Rules of fewer tokens are matched as a whole only; longer texts are left to their shingles."""
POSTINGS = 150
"""Rules that one shingle may point to; more would say little about which rule it is, and cost too much."""
EMPTY_CATEGORIES = ("Unstated License", "CLA")
SAYS_NOTHING = re.compile(r"unknown|warranty-disclaimer|generic-|see-license|free-unknown|cla$|-cla-|patent-disclaimer")


class Rule(NamedTuple):
    """A rule: SPDX expression ("" means that its words say nothing), text, and what its header says."""

    expression: str
    text: str
    facts: dict[str, Any]
    name: str


def split(path: Path) -> tuple[dict[str, Any], str]:
    _, header, text = re.split(
        r"^---[ \t]*$", path.read_text(encoding="utf-8", errors="replace"), maxsplit=2, flags=re.M
    )
    return yaml.load(header, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}, text


def licences(folder: Path) -> tuple[dict[str, str], set[str], list[Rule]]:
    """SPDX id of each key, keys that say nothing, and the texts as rules."""
    names, empty, texts = {}, set(), []
    for path in sorted(folder.glob("*.LICENSE")):
        facts, text = split(path)
        key = facts["key"]
        names[key] = facts.get("spdx_license_key") or f"LicenseRef-scancode-{key}"
        if facts.get("category") in EMPTY_CATEGORIES or SAYS_NOTHING.search(key):
            empty.add(key)
        if not facts.get("is_deprecated") and text.strip():
            texts.append(Rule(key, text, {**facts, "is_license_text": True, "canonical": True}, path.name))
    return names, empty, texts


@functools.cache
def algebra() -> Any:
    return get_spdx_licensing()


def spdx(expression: str, names: dict[str, str], empty: set[str]) -> str:
    """A ScanCode expression in SPDX ids; "" when all of its keys say nothing, those that do not are left out."""
    words = re.findall(r"[\w.+-]+|[()]", expression)
    keys = [word for word in words if word.upper() not in ("AND", "OR", "WITH", "(", ")")]
    if all(key.lower() in empty for key in keys):
        return ""
    if any(key.lower() in empty for key in keys):
        kept = [key for key in dict.fromkeys(keys) if key.lower() not in empty]
        return " AND ".join(names[key.lower()] for key in kept)
    text = " ".join(word if word.upper() in ("AND", "OR", "WITH", "(", ")") else names[word.lower()] for word in words)
    return str(algebra().parse(text).render())


def read(data: Path) -> list[Rule]:
    names, empty, rules = licences(data / "licenses")
    rules = [rule._replace(expression=spdx(rule.expression, names, empty)) for rule in rules]
    for path in sorted((data / "rules").glob("*.RULE")):
        facts, text = split(path)
        if facts.get("is_deprecated") or facts.get("is_license_clue"):
            continue
        said = facts.get("license_expression")
        expression = "" if facts.get("is_false_positive") or facts.get("is_license_intro") else spdx(said, names, empty)
        rules.append(Rule(expression, text, facts, path.name))
    return rules


def token_hashes(text: str, stops: np.ndarray) -> np.ndarray:
    """Prefix hashes of a text without the separator at its end."""
    data = np.frombuffer(text.encode(), np.uint8)
    prefix, *_ = tokenise(data, np.array([0]), np.array([len(data)]), stops)
    return prefix[:-1]


def run_hashes(prefix: np.ndarray, power: np.ndarray, length: int) -> np.ndarray:
    return prefix[length:] - prefix[:-length] * power[length]


def phrases(text: str, stops: np.ndarray, power: np.ndarray) -> list[tuple[int, int]]:
    """(hash, length) of the words between `{{` and `}}`: what a notice must hold to be taken for this rule."""
    found = []
    for match in re.findall(r"\{\{(.+?)\}\}", text, re.S):
        prefix = token_hashes(match, stops)
        if len(prefix) > 1:
            found.append((int(run_hashes(prefix, power, len(prefix) - 1)[0]), len(prefix) - 1))
    return list(dict.fromkeys(found))


def whole(rules: list[Rule], number: dict[str, int], stops: np.ndarray, power: np.ndarray) -> dict[str, np.ndarray]:
    """The table of whole rules; of two rules with the same words the one that says something stays."""
    table: dict[tuple[int, int], tuple[int, int]] = {}
    for rule in rules:
        prefix = token_hashes(rule.text, stops)
        length = len(prefix) - 1
        if length == 0 or length > LONGEST or too_weak(rule, length):
            continue
        size = min(length, HEAD)
        head = int(run_hashes(prefix, power, size)[0]) * (2 * size + 1) & (1 << 64) - 1
        table.setdefault((int(run_hashes(prefix, power, length)[0]), length), (head, number[rule.expression]))
    rows = sorted((head, -length, hashed, said) for (hashed, length), (head, said) in table.items())
    return {
        "rule_head": np.array([row[0] for row in rows], np.uint64),
        "rule_length": np.array([-row[1] for row in rows], np.uint16),
        "rule_hash": np.array([row[2] for row in rows], np.uint64),
        "rule_expression": np.array([row[3] for row in rows], np.uint16),
    }


def too_weak(rule: Rule, length: int) -> bool:
    """Words that say too little by themselves: short rules that ScanCode gives a low relevance."""
    relevance = int(rule.facts.get("relevance") or 100)
    return bool(rule.expression) and ((length < 3 and relevance < 90) or (length < 6 and relevance < 60))


def sample(hashes: np.ndarray, length: int) -> np.ndarray:
    """The lowest of a rule's distinct shingle hashes: all of a notice, fewer and fewer of a long text."""
    distinct = np.unique(hashes)
    mixed = distinct * np.uint32(0x9E3779B1)
    wanted = min(len(distinct), 60 + length // 8)
    return distinct[np.argsort(mixed, kind="stable")[:wanted]]


def rank(rule: Rule) -> int:
    """Which rules keep a shingle that too many share: the list's own texts before others, those before variants."""
    canonical = bool(rule.facts.get("canonical"))
    return (0 if canonical else 2) + ("LicenseRef-" in rule.expression)


def approximate(
    rules: list[Rule], number: dict[str, int], stops: np.ndarray, power: np.ndarray
) -> dict[str, np.ndarray]:
    """Long rules by sampled shingles. What nearly equals a rule of the same meaning that is in adds nothing."""
    chosen: list[tuple[Rule, int, np.ndarray, list[tuple[int, int]]]] = []
    known: dict[tuple[str, int], list[int]] = defaultdict(list)
    order = sorted(rules, key=lambda rule: (rank(rule), -len(rule.text), rule.name))
    for rule in order:
        coverage = int(rule.facts.get("minimum_coverage") or 0)
        kind = rule.facts.get("is_license_text") or rule.facts.get("is_license_notice")
        if not rule.expression or not kind or coverage >= 99 or rule.facts.get("is_continuous"):
            continue
        prefix = token_hashes(rule.text, stops)
        length = len(prefix) - 1
        if length < SHORTEST:
            continue
        hashes = sample(shingles_of(rule, stops, power), length)
        members = set(hashes.tolist())
        alike = 0.75 if length >= 60 else 0.85
        near = Counter(place for key in members for place in known[rule.expression, key])
        if any(
            shared >= alike * (len(members) + len(chosen[place][2]) - shared) for place, shared in near.most_common(20)
        ):
            continue
        for key in members:
            known[rule.expression, key].append(len(chosen))
        needed = [] if rule.facts.get("is_license_text") else phrases(rule.text, stops, power)
        chosen.append((rule, length, hashes, needed))
    return pack(chosen, number)


def shingles_of(rule: Rule, stops: np.ndarray, power: np.ndarray) -> np.ndarray:
    return (run_hashes(token_hashes(rule.text, stops), power, SHINGLE) >> np.uint64(32)).astype(np.uint32)


def pack(chosen: list[Any], number: dict[str, int]) -> dict[str, np.ndarray]:
    shingles = np.concatenate([hashes for _, _, hashes, _ in chosen])
    owners = np.repeat(np.arange(len(chosen)), [len(hashes) for _, _, hashes, _ in chosen])
    order = np.lexsort((owners, shingles))
    shingles, owners = shingles[order], owners[order]
    begins = np.flatnonzero(np.append(True, shingles[1:] != shingles[:-1]))
    place = np.arange(len(shingles)) - np.repeat(begins, np.diff(np.append(begins, len(shingles))))
    shingles, owners = shingles[place < POSTINGS], owners[place < POSTINGS]
    keys, counts = np.unique(shingles, return_counts=True)
    pairs = [pair for *_, needed in chosen for pair in needed]
    return {
        "shingle_key": keys,
        "shingle_count": counts.astype(np.uint8),
        "shingle_rule": owners.astype(np.uint16),
        "long_length": np.array([length for _, length, *_ in chosen], np.uint32),
        "long_shingles": np.bincount(owners, minlength=len(chosen)).astype(np.uint16),
        "long_expression": np.array([number[rule.expression] for rule, *_ in chosen], np.uint16),
        "long_text": np.array([bool(rule.facts.get("is_license_text")) for rule, *_ in chosen], np.uint8),
        "long_phrases": np.array([len(needed) for *_, needed in chosen], np.uint8),
        "phrase_hash": np.array([pair[0] for pair in pairs], np.uint64),
        "phrase_length": np.array([pair[1] for pair in pairs], np.uint8),
    }


def measure(data: Path) -> None:
    """Print F1 on every text and exception that has an SPDX id, reflowed and with 3 % of the words edited."""
    from modelwright.prepare.quality.licence import changed, f1, folded, found_in

    names, _, rules = licences(data / "licenses")
    listed = [(rule.text, {names[rule.expression]}) for rule in rules if is_listed(names[rule.expression])]
    for title, share in (("reflowed", 0.0), ("3 % edited", 0.03)):
        answers = found_in([changed(text, place, share) for place, (text, _) in enumerate(listed)])
        counts = []
        for (_, gold), answer in zip(listed, answers, strict=True):
            expected, found = folded(gold), folded(answer)
            counts.append((len(expected & found), len(expected), len(found)))
        value, low, high = f1(counts)
        print(f"{title}: {len(listed)} texts, F1 {value:.3f} [{low:.3f}, {high:.3f}]")


def is_listed(name: str) -> bool:
    return not name.startswith("LicenseRef-")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.data)
        return
    rules = read(arguments.data)
    expressions = ["", *sorted({rule.expression for rule in rules} - {""})]
    number = {text: place for place, text in enumerate(expressions)}
    stops, power = stop_table(), powers(LONGEST * 8)
    tensors = whole(rules, number, stops, power) | approximate(rules, number, stops, power)
    listed = "\n".join(expressions).encode()
    tensors["expressions"] = np.frombuffer(listed, np.uint8)
    facts = {"source": "ScanCode licence data (AboutCode, CC-BY-4.0)", "rules": str(len(rules))}
    save_sorted(tensors, LICENCE_INDEX, facts)
    print(json.dumps({name: len(values) for name, values in tensors.items()}, indent=1))
    print(f"{LICENCE_INDEX.stat().st_size / 1e6:.1f} MB", Counter(bool(rule.expression) for rule in rules))


if __name__ == "__main__":
    main()
