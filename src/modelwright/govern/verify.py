"""Is everything as it was recorded? Chain, signatures, and every file and card in the ancestry of a reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import InputError, IntegrityError, StorageError, UsageError
from modelwright.core.storage import digest_file, files_below
from modelwright.govern import keys as keyring
from modelwright.govern import statements, takedowns
from modelwright.govern.lineage import ancestors
from modelwright.govern.records import Entry, Records, entry_of

if TYPE_CHECKING:
    from modelwright.govern.ledger import Event, Ledger

MISSING = "missing"
HOME_FOLDERS = ("warehouse", "blobs")  # a recorded path that begins so is below `.modelwright`, not in the artifact


@dataclass
class Findings:
    """What was checked and what is wrong; `to_json` is the contract's object."""

    events: int = 0
    signatures: int = 0
    digests: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    signers: dict[str, int] = field(default_factory=dict)

    def problem(self, what: str, where: str, expected: Any, found: Any) -> None:
        self.problems.append({"what": what, "where": where, "expected": expected, "found": found})

    def to_json(self, known: Iterable[str] = ()) -> dict[str, Any]:
        """`signers` lists who signed; `known` tells whether the reader holds that key, apart from this ledger."""
        have = set(known)
        return {
            "ok": not self.problems,
            "checked": {"events": self.events, "signatures": self.signatures, "digests": self.digests},
            "problems": self.problems,
            "signers": [{"keyid": key, "events": n, "known": key in have} for key, n in self.signers.items()],
        }


def verify(
    ledger: Ledger,
    home: Path,
    folder: Path,
    ref: str | None = None,
    *,
    keys: Mapping[str, Mapping[str, Any]] | None = None,
    current: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Check the ledger, and files and cards of `ref` and of all that it was made from (of everything without `ref`).

    home     the project's `.modelwright` folder
    folder   the project's folder, to which the paths of cards are relative
    keys     key id -> public key: only these vouch. Default: the user's own and trusted keys, and those on record
    current  kind -> ref, for a `ref` without version
    Returns the contract's `{"ok", "checked", "problems"}`. Raises UnknownName or AmbiguousReference for `ref`.
    """
    from modelwright.govern.ledger import keys_on_record

    findings = Findings()
    try:
        events = list(ledger.events())
        for line in ledger.damage():
            findings.problem("ledger", str(ledger.engine.url.database), "sound", line)
    except StorageError as error:
        findings.problem("ledger", str(ledger.engine.url.database), "a ledger that can be read", error.message)
        return findings.to_json()
    own = keyring.public_keys()
    entries = check_events(events, findings, keys if keys is not None else own, on_record=keys is None)
    _check_end(home / "cards.head", events, findings)
    records = Records.of(entries, home)
    vouching = keys if keys is not None else {**keys_on_record(e for e in events if e.kind == "key"), **own}
    for where, expected, found in takedowns.problems(records, folder, vouching):
        findings.problem("takedown", where, expected, found)
    for artifact in _reached(records, ref, current, findings):
        _check_parents(artifact, records, findings)
        if artifact.ref not in records.removed():
            _check_files(artifact, home, findings)
            if (artifact.path / "pile.json").is_file():
                _check_pile(artifact, home, findings)
        _check_cards(records.card_files(artifact.ref), folder, findings)
    return findings.to_json(keys if keys is not None else own)


def check_events(
    events: Iterable[Event], findings: Findings, keys: Mapping[str, Mapping[str, Any]], *, on_record: bool
) -> list[Entry]:
    """Check chain and signatures; names each event that is not as it was. Returns the entries of the others."""
    from modelwright.govern.ledger import event_digest, keys_on_record
    from modelwright.govern.schema import GENESIS

    events = list(events)
    public = {**(keys_on_record(event for event in events if event.kind == "key") if on_record else {}), **keys}
    verifiers = keyring.verifiers(public.values())
    entries: list[Entry] = []
    # An event whose `digest` was changed still has the digest that its successor remembers: blame it, not both.
    seq, acceptable = 0, {GENESIS}
    for event in events:
        findings.events += 1
        if event.seq != seq + 1:
            findings.problem("event", f"event {seq + 1}", "an event", MISSING)
            acceptable = {event.prev}  # what went before is gone; the rest is judged on its own
        recomputed = event_digest(event.prev, event.envelope)
        wrong = _wrong(event, recomputed, acceptable)
        signed: list[str] = []
        if not wrong:
            entries.append(entry_of(event))
            signed = statements.verify(event.envelope, verifiers)
            wrong = None if signed else ("a signature by a known key", _signer(event))
        findings.signatures += bool(signed)
        for keyid in signed:
            findings.signers[keyid] = findings.signers.get(keyid, 0) + 1
        if wrong:
            findings.problem("event", _where(event), *wrong)
        seq, acceptable = event.seq, {event.digest, recomputed}
    return entries


def _wrong(event: Event, recomputed: str, acceptable: set[str]) -> tuple[Any, Any] | None:
    """The first thing in which an event differs from what was signed and chained: (expected, found)."""
    if recomputed != event.digest:
        return recomputed, event.digest
    if event.prev not in acceptable:
        return f"prev {min(acceptable)}", f"prev {event.prev}"
    try:
        statement = event.statement
    except IntegrityError as error:
        return "a statement", error.message
    predicate = statement.get("predicate")
    place = predicate.get("ledger", {}) if isinstance(predicate, Mapping) else {}
    signed = {
        "seq": place.get("seq"),
        "prev": place.get("prev"),
        "at": place.get("at"),
        "kind": statements.kind_of(statement),
    }
    for name, value in signed.items():
        if getattr(event, name) != value:
            return f"{name} {value}", f"{name} {getattr(event, name)}"
    if event.kind == "key":
        try:
            keyring.check_public(predicate, where="the event")
        except InputError as error:
            return "a public key", error.message
    return None


def _where(event: Event) -> str:
    """`event 12 (artifact pile@1)`, as far as it can be read."""
    try:
        names = ", ".join(str(subject.get("name")) for subject in event.subject[:2])
    except (IntegrityError, AttributeError, TypeError):
        names = ""
    return f"event {event.seq} ({' '.join(part for part in (str(event.kind), names) if part)})"


def _signer(event: Event) -> str:
    try:
        return "key " + ", ".join(key[:12] for key in statements.key_ids(event.envelope))
    except IntegrityError:
        return "an unreadable signature"


def _check_end(stamp: Path, events: list[Event], findings: Findings) -> None:
    """Events cut off at the end leave a sound chain, but not the head that was noted when cards were last written."""
    if stamp.is_file():
        noted = stamp.read_text(errors="replace").strip()
        if noted and all(event.digest != noted for event in events):
            findings.problem("ledger", "its end", f"event with digest {noted}", MISSING)


def _reached(
    records: Records, ref: str | None, current: Mapping[str, str] | None, findings: Findings
) -> list[Artifact]:
    known = records.by_ref()
    if ref is None:
        return list(known.values())
    try:
        start = records.find(ref, current).ref
    except UsageError:
        if not findings.problems:
            raise
        return list(known.values())  # a damaged ledger may have lost the very name: check all that is left
    return [known[name] for name in [start, *ancestors(records, start)]]


def _check_parents(artifact: Artifact, records: Records, findings: Findings) -> None:
    known = records.by_ref()
    for parent in artifact.parents:
        named = known.get(str(parent.get("ref")))
        if named is not None and parent.get("digest") != named.digest:
            findings.problem("edge", f"{artifact.ref} -> {named.ref}", named.digest, parent.get("digest"))


def _check_files(artifact: Artifact, home: Path, findings: Findings) -> None:
    files: Mapping[str, str] = artifact.record.get("files") or {}
    prefix = f"{artifact.kind}/{artifact.version}/"
    paths: dict[Path, str] = {}
    for name, expected in files.items():
        below_home = name.startswith(prefix) or PurePosixPath(name).parts[0] in HOME_FOLDERS
        path = (home if below_home else artifact.path) / name
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            findings.problem("file", f"{artifact.ref}: {name}", "a path inside the project", name)
            continue
        paths[path] = expected
    with ThreadPoolExecutor(4) as pool:
        for (path, expected), found in zip(paths.items(), pool.map(_digest, paths), strict=True):
            findings.digests += 1
            if found != expected:
                findings.problem("file", f"{artifact.ref}: {_relative(path, home)}", expected, found)
    if files and artifact.path.is_dir():
        for path in files_below(artifact.path):
            if path not in paths:
                findings.problem("file", f"{artifact.ref}: {_relative(path, home)}", "no such file", "a file")


def _check_pile(pile: Artifact, home: Path, findings: Findings) -> None:
    """The tables lie in the warehouse: their bytes, the roots over their rows, and every text against its digest."""
    from modelwright.engines.pile_reader import open_pile

    try:
        reader = open_pile(home, pile.path)
        problems = reader.problems()
        findings.digests += len(reader.record.tables) + 2 + int(reader.record.counts.get("documents", 0))
        if reader.record.root != pile.digest:
            findings.problem("file", f"{pile.ref}: pile.json", f"root {pile.digest}", f"root {reader.record.root}")
    except Exception as error:  # damaged tables make readers fail in any way, and each of them is a finding
        findings.problem("file", f"{pile.ref}: its tables in the warehouse", "readable", f"{error}")
        return
    for problem in problems:
        found = {key: problem.get(key) for key in ("expected", "found")}
        findings.problem("file", f"{pile.ref}: {problem['what']} of {problem['where']}", **found)


def _check_cards(files: Mapping[str, str], folder: Path, findings: Findings) -> None:
    for name, expected in files.items():
        findings.digests += 1
        found = _digest(folder / name)
        if found != expected:
            findings.problem("card", name, expected, found)


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _relative(path: Path, home: Path) -> str:
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
