"""What the ledger says, as plain objects: projections that can be rebuilt at any time and are never stored."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import AmbiguousReference, IntegrityError, UnknownName

if TYPE_CHECKING:
    from modelwright.govern.ledger import Event, Ledger

PREFIX_LETTERS = 8  # of a digest, at least, to mean an artifact


@dataclass(frozen=True)
class Entry:
    """One event, opened: `predicate` says what happened, the rest where and by whom it was recorded."""

    seq: int
    kind: str
    at: str
    digest: str
    keyids: tuple[str, ...]
    subject: tuple[Mapping[str, Any], ...]
    predicate: Mapping[str, Any]
    envelope: str

    def get(self, name: str, default: Any = None) -> Any:
        return self.predicate.get(name, default)

    @property
    def refs(self) -> list[str]:
        """Refs that the entry is about: its subjects, and what it calls its artifact."""
        named = [str(item.get("name")) for item in self.subject]
        artifact = self.get("artifact", self.get("ref"))
        if isinstance(artifact, Mapping):
            artifact = f"{artifact.get('kind')}@{artifact.get('version')}"
        return [*named, artifact] if isinstance(artifact, str) and artifact not in named else named


class Records:
    """Projections of a ledger: `Records(ledger, home)`, or `Records.of(entries, home)` for a bundle.

    `home` is the project's `.modelwright` folder, from which the paths of artifacts are made. Everything is read at
    first use and kept; `append` and `refresh` read on. Raises IntegrityError when a statement cannot be read.
    """

    def __init__(self, ledger: Ledger | None, home: Path) -> None:
        self.ledger = ledger
        self.home = home
        self._entries: list[Entry] = []
        self._artifacts: tuple[int, dict[str, Artifact]] | None = None
        self._damage: IntegrityError | None = None
        self._read = False
        self._lock = threading.Lock()  # a server signs receipts in several threads

    @classmethod
    def of(cls, entries: Iterable[Entry], home: Path) -> Records:
        """Records of entries that are at hand; `append` is not for them."""
        records = cls(None, home)
        records._entries, records._read = list(entries), True
        return records

    @property
    def entries(self) -> list[Entry]:
        """All entries in order. Raises IntegrityError when a statement cannot be read: a part is not the whole."""
        if not self._read:
            self.refresh()
        if self._damage is not None:
            raise self._damage
        return self._entries

    def refresh(self) -> None:
        """Read what was appended since, also by others. Damage is raised by whoever asks for entries: `verify` need
        not ask."""
        with self._lock:
            if self.ledger is not None:
                last = self._entries[-1].seq if self._entries else 0
                try:
                    self._entries += [entry_of(event) for event in self.ledger.events(after=last)]
                    self._damage = None
                except IntegrityError as error:
                    self._damage = error
            self._read = True

    def append(
        self,
        kind: str,
        subject: list[dict[str, Any]],
        predicate: Mapping[str, Any],
        signer: Any = None,
        claim: str | None = None,
    ) -> Entry:
        """Sign (by default with the user's key) and append an event; returns it as an entry.

        With `claim`, a name that must be new since these records were read. Raises Busy when someone else took it.
        """
        from modelwright.govern import keys

        assert self.ledger is not None, "records of a bundle cannot be appended to"
        after = self._entries[-1].seq if self._entries else 0
        event = self.ledger.append(kind, subject, predicate, signer or keys.signer(), claim, after)
        self.refresh()
        return next(entry for entry in reversed(self.entries) if entry.seq == event.seq)

    def head(self) -> str:
        """Digest of the last event; "" in an empty ledger."""
        return self.entries[-1].digest if self.entries else ""

    def of_kind(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def about(self, ref: str, *kinds: str) -> list[Entry]:
        """Entries of these kinds that are about `ref`, in order."""
        return [entry for entry in self.entries if entry.kind in kinds and ref in entry.refs]

    def artifacts(self) -> list[Artifact]:
        """Every artifact on record, in order; `record` is the predicate with `seq` and `at` of its event."""
        return list(self.by_ref().values())

    def by_ref(self) -> dict[str, Artifact]:
        """`kind@version` -> artifact."""
        known = len(self.entries)
        if self._artifacts is None or self._artifacts[0] != known:
            found = [_artifact(entry, self.home) for entry in self.entries[:known] if _is_artifact(entry)]
            self._artifacts = known, {artifact.ref: artifact for artifact in found}
        return self._artifacts[1]

    def entry(self, artifact: Artifact) -> Entry:
        """The event that recorded an artifact."""
        return next(entry for entry in self.entries if entry.seq == artifact.record["seq"])

    def next_version(self, kind: str) -> int:
        """The version number that the next artifact of a kind gets; a number is never given twice."""
        return 1 + max((item.version for item in self.artifacts() if item.kind == kind), default=0)

    def tags(self) -> dict[str, str]:
        """Name -> ref, as the last `tag` event of each name left it; a null ref took the name away."""
        moved = {str(entry.get("name")): entry.get("ref", entry.get("artifact")) for entry in self.of_kind("tag")}
        return {name: str(ref) for name, ref in moved.items() if ref}

    def tags_of(self, ref: str) -> list[str]:
        return sorted(name for name, target in self.tags().items() if target == ref)

    def branches(self) -> dict[str, dict[str, Any]]:
        """Name -> {ref, overrides}, as the last `branch` event of each name left it."""
        moved = {str(entry.get("name")): entry for entry in self.of_kind("branch")}
        return {
            name: {"ref": str(entry.get("ref")), "overrides": list(entry.get("overrides") or [])}
            for name, entry in moved.items()
            if entry.get("ref")
        }

    def names(self) -> dict[str, str]:
        """Tags and branches: name -> ref."""
        return {**{name: branch["ref"] for name, branch in self.branches().items()}, **self.tags()}

    def releases(self) -> list[Artifact]:
        return [artifact for artifact in self.artifacts() if artifact.kind == "release"]

    def gates(self, ref: str | None = None) -> list[dict[str, Any]]:
        """Verdicts, in order: predicates of `gate` events (`artifact`, `verdict`) with `seq` and `at`."""
        entries = self.of_kind("gate") if ref is None else self.about(ref, "gate")
        return [{**entry.predicate, "seq": entry.seq, "at": entry.at} for entry in entries]

    def approvals(self, digest: str | None = None, gate: str | None = None) -> list[dict[str, Any]]:
        """Signed decisions, in order: predicates of `approval` events with `key` (who signed), `seq` and `at`.

        Only those whose signature holds count; of a key that decided twice on one gate, the later decision does.
        """
        from modelwright.govern import keys, statements

        verifiers = keys.verifiers(self.public_keys().values())
        decided: dict[tuple[str, str, str], dict[str, Any]] = {}
        for entry in self.of_kind("approval"):
            digests = [subject.get("digest", {}).get("sha256") for subject in entry.subject]
            if (digest is not None and digest not in digests) or (gate is not None and entry.get("gate") != gate):
                continue
            for keyid in statements.verify(entry.envelope, verifiers):
                about = (str(digests[0]) if digests else "", str(entry.get("gate")), keyid)
                decided.pop(about, None)
                decided[about] = {**entry.predicate, "key": keyid, "seq": entry.seq, "at": entry.at}
        return list(decided.values())

    def approved(self) -> list[str]:
        """Refs that someone approved."""
        found = [entry.refs for entry in self.of_kind("approval") if entry.get("approved")]
        return sorted({ref for refs in found for ref in refs})

    def card_files(self, ref: str) -> dict[str, str]:
        """Path (relative to the project) -> digest of the cards last written for `ref`; empty when there are none."""
        written = [entry for entry in self.of_kind("card") if entry.get("artifact") == ref]
        return dict(written[-1].get("files") or {}) if written else {}

    def removed(self) -> set[str]:
        """Refs whose files went: pruned to free disk, or erased by a takedown."""
        gone: set[str] = set()
        for entry in self.entries:
            if entry.kind in ("prune", "takedown"):
                for item in entry.get("removed") or []:
                    gone.add(str(item.get("artifact", item.get("ref"))) if isinstance(item, Mapping) else str(item))
        return gone

    def public_keys(self) -> dict[str, dict[str, Any]]:
        """Key id -> public key: those on record (`key` events) and those in the user's configuration folder."""
        from modelwright.core.errors import InputError
        from modelwright.govern import keys

        found = dict(keys.public_keys())
        for entry in self.of_kind("key"):
            try:
                public = keys.check_public(entry.predicate, where=f"event {entry.seq}")
            except InputError:
                continue  # `verify` names the event; such a key vouches for nothing
            found[public["keyid"]] = public
        return found

    def find(self, ref: str, current: Mapping[str, str] | None = None) -> Artifact:
        """The artifact that `ref` names: `pile@3`, `pile` (by `current`), a tag, a digest.

        current  kind -> ref, what the project file as it stands yields; without it a bare kind must have one version.
        Raises UnknownName with near names, and AmbiguousReference with all that match; never guesses the newest.
        """
        text, artifacts = ref.strip(), self.by_ref()
        found = _matching(text, artifacts, self.names(), current or {})
        if len(found) == 1:
            return found[0]
        if found:
            refs = [item.ref for item in found]
            hint = "write " + " or ".join(refs[:8])
            raise AmbiguousReference(f"{text!r} means {len(refs)} artifacts", hint=hint, value=refs)
        raise UnknownName("reference", text, [*artifacts, *self.names()])


def entry_of(event: Event) -> Entry:
    """An event with its statement opened. Raises IntegrityError when it cannot be read."""
    from modelwright.govern.statements import key_ids

    signers = tuple(key_ids(event.envelope))
    subject = tuple(item for item in event.subject if isinstance(item, Mapping))
    return Entry(event.seq, event.kind, event.at, event.digest, signers, subject, event.predicate, event.envelope)


def _matching(
    text: str, artifacts: Mapping[str, Artifact], tags: Mapping[str, str], current: Mapping[str, str]
) -> list[Artifact]:
    """What `text` may mean: the first way of reading it that finds something."""
    if text in artifacts:
        return [artifacts[text]]
    if tags.get(text) in artifacts:
        return [artifacts[tags[text]]]
    if current.get(text) in artifacts:
        return [artifacts[current[text]]]
    of_kind = [item for item in artifacts.values() if item.kind == text]
    plain = text.removeprefix("sha256:").lower()
    if of_kind or len(plain) < PREFIX_LETTERS or not re.fullmatch("[0-9a-f]+", plain):
        return of_kind
    return [item for item in artifacts.values() if item.digest.startswith(plain)]


def _is_artifact(entry: Entry) -> bool:
    return entry.kind in ("artifact", "release") and isinstance(entry.get("artifact"), Mapping)


def _artifact(entry: Entry, home: Path) -> Artifact:
    named = entry.predicate["artifact"]
    kind, version = str(named["kind"]), int(named["version"])
    return Artifact(
        kind=kind,
        version=version,
        digest=str(named.get("digest", "")),
        fingerprint=str(named.get("fingerprint", "")),
        path=home / kind / str(version),
        facts=entry.get("facts") or {},
        parents=tuple(entry.get("parents") or ()),
        made_at=str(entry.get("made_at") or entry.at),
        record={**entry.predicate, "seq": entry.seq, "at": entry.at},
    )
