"""Takedowns on record: what was begun and what is done, the do-not-ingest list, and certificates that close the gap.

A takedown is two events: `begun` names by digest what is barred from then on, `done` names what was erased and the
certificate. An erased version is a gap that `verify` accepts only while its certificate is there, unchanged and signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.fingerprint import canonical, digest_file
from modelwright.core.storage import write_atomic
from modelwright.formats import barred, proofs
from modelwright.govern import keys, statements
from modelwright.govern.records import Entry, Records

KIND = "takedown"
Problem = tuple[str, Any, Any]  # where, expected, found


def begun(records: Records) -> dict[str, Entry]:
    """Id -> the event that began a takedown."""
    return {str(entry.get("takedown")): entry for entry in records.of_kind(KIND) if entry.get("phase") == "begun"}


def done(records: Records) -> dict[str, Entry]:
    """Id -> the event that ended a takedown."""
    return {str(entry.get("takedown")): entry for entry in records.of_kind(KIND) if entry.get("phase") == "done"}


def write_list(records: Records) -> None:
    """Make the project's do-not-ingest list say what the ledger says."""
    entries = [{"takedown": name, "files": entry.get("files") or {}} for name, entry in begun(records).items()]
    barred.write_list(records.home, entries)


def certificate_of(entry: Entry | None) -> str | None:
    """Path of the certificate in the project, by the event that ended the takedown."""
    written = (entry.get("certificate") or {}) if entry is not None else {}
    return next((name for name in written if name.endswith(".json")), None)


def certificate_path(folder: Path, takedown: str) -> Path:
    return folder / "cards" / f"takedown-{takedown}.json"


def write_certificate(folder: Path, takedown: str, certificate: Mapping[str, Any], text: str) -> dict[str, str]:
    """Sign `certificate` and write it as JSON, and `text` (its reading in Markdown) beside it; path -> SHA-256.

    The JSON is {"certificate", "envelope"}: the envelope (DSSE) holds the same words under a signature.
    """
    named = [{"name": new["new"], "digest": new["root"]} for new in certificate["versions"] if new["new"]]
    statement = statements.statement("takedown-certificate", named, certificate)
    envelope = json.loads(statements.sign(statement, keys.signer()))
    path = certificate_path(folder, takedown)
    body = {"certificate": statement["predicate"], "envelope": envelope}
    write_atomic(path, json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    write_atomic(path.with_suffix(".md"), text.encode())
    return {f"cards/{one.name}": digest_file(one) for one in (path, path.with_suffix(".md"))}


def problems(records: Records, folder: Path, public: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """What is wrong with takedowns on record: unfinished, or a certificate or list that is not as it was written."""
    ended = done(records)
    for takedown, entry in begun(records).items():
        for name, expected in (entry.get("files") or {}).items():
            yield from _file(records.home / name, name, expected)
        if takedown not in ended:
            yield f"takedown {takedown}", "done", "begun and not finished: `modelwright run` finishes it"
    for entry in ended.values():
        for name, expected in (entry.get("certificate") or {}).items():
            wrong = list(_file(folder / name, name, expected))
            if not wrong and name.endswith(".json"):
                wrong = list(_certificate(folder / name, name, entry, records, public))
            yield from wrong


def _file(path: Path, name: str, expected: str) -> Iterator[Problem]:
    found = digest_file(path) if path.is_file() else "missing"
    if found != expected:
        yield name, expected, found


def _certificate(
    path: Path, name: str, entry: Entry, records: Records, public: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    """Signature, versions and proofs of a certificate whose bytes are those on record."""
    body = json.loads(path.read_bytes())
    envelope = canonical(body["envelope"]).decode()
    if not statements.verify(envelope, keys.verifiers(public.values())):
        yield name, "a signature by a known key", "none"
        return
    certificate = statements.decode(envelope).get("predicate", {})
    if certificate != body["certificate"]:
        yield name, "the words that were signed", "others"
    erased = {item["ref"] for item in certificate.get("erased", [])}
    for ref in entry.get("removed") or []:
        if ref not in erased:
            yield name, f"{ref} among what was erased", "it is not named"
    known = records.by_ref()
    for version in certificate.get("versions", []):
        made = known.get(str(version.get("new")))
        if made is None:
            continue
        roots = {"text": made.facts.get("text_root"), "document": made.digest}
        for proof in version.get("proofs", []):
            wrong = proofs.problems(proof, roots.get(proof.get("of")))
            if wrong or proof.get("kind") != "absence":
                yield f"{name}: {made.ref}", "a proof of absence", (wrong or ["a proof of inclusion"])[0]
