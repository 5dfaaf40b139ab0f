"""A bundle: what someone else needs to check a project without having it - events, public keys, cards.

`bundle.json` (what and which), `ledger.jsonl` (every event, so that the chain can be walked), `keys.json`, `cards/`.
A folder, or one zip file. It holds digests and facts; no text of the pile, no prompt, no answer, no private key.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import InputError, UnknownName, UsageError
from modelwright.core.fingerprint import canonical
from modelwright.core.storage import write_atomic
from modelwright.govern import keys as keyring
from modelwright.govern.lineage import ancestors
from modelwright.govern.records import Records
from modelwright.govern.verify import MISSING, Findings, check_events

if TYPE_CHECKING:
    from modelwright.govern.ledger import Event, Ledger

FORMAT = "modelwright-bundle:v1"


def export(ledger: Ledger, home: Path, folder: Path, out: Path, ref: str | None = None) -> dict[str, Any]:
    """Write a bundle for `ref` and its ancestry (for everything without it) to `out`, a folder or a `.zip`.

    Returns `bundle.json`. The same ledger and cards give the same bytes. Raises UsageError when `out` is there already
    and is not empty.
    """
    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise UsageError(f"{out} is there already", hint="name a new folder or file", value=str(out))
    events = list(ledger.events())
    records = Records(ledger, home)
    start = records.find(ref).ref if ref else None
    files = {
        "ledger.jsonl": b"".join(canonical(event.row()) + b"\n" for event in events),
        "keys.json": canonical(list(ledger.public_keys().values())),
    }
    for name in _cards(records, start):
        if (folder / name).is_file():  # a card that is gone is named by `verify`, here and there
            files[name] = (folder / name).read_bytes()
    about = {
        "format": FORMAT,
        "ref": start,
        "head": events[-1].digest if events else None,
        "events": len(events),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    _write(out, {"bundle.json": canonical(about), **files})
    return about


def verify_bundle(
    path: Path, ref: str | None = None, *, keys: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Check a bundle by itself: chain, signatures, cards. Needs no project and no network.

    keys  key id -> public key: only these vouch (`keys.read_keys` reads them from files). Default: those in the
          bundle, which shows that it is whole and by whom, but not that you know who that is: see `signers`.
    Returns the contract's `{"ok", "checked", "problems"}`. Raises InputError when `path` holds no bundle.
    """
    files = _read(path)
    if "bundle.json" not in files:
        raise InputError(
            f"{path} is no bundle: it holds no bundle.json",
            hint="`modelwright verify --export DIR` makes one",
            value=str(path),
        )
    findings = Findings()
    about = _canonical(files.pop("bundle.json"), "bundle.json", findings)
    about = about if isinstance(about, dict) else {}
    if about.get("format") != FORMAT:
        findings.problem("file", "bundle.json", f"format {FORMAT}", about.get("format"))
    listed = about["files"] if isinstance(about.get("files"), dict) else {}
    _check_listed(files, listed, findings)
    events = _events(files.get("ledger.jsonl", b""), findings)
    bundled = _bundled_keys(files.get("keys.json", b"[]"), findings)
    own = keyring.public_keys()
    accepted = keys if keys is not None else {**bundled, **own}
    records = Records.of(check_events(events, findings, accepted, on_record=keys is None), path)
    head = {"events": len(events), "head": events[-1].digest if events else None}
    for name, found in head.items():
        if about.get(name) != found:
            findings.problem("ledger", f"its {name}", about.get(name), found)
    try:
        start = records.find(ref or about["ref"]).ref if ref or about.get("ref") else None
        for name, expected in _cards(records, start).items():
            findings.digests += 1
            found = hashlib.sha256(files[name]).hexdigest() if name in files else MISSING
            if found != expected:
                findings.problem("card", name, expected, found)
            elif listed.get(name) != expected:
                findings.problem("file", f"bundle.json: {name}", expected, listed.get(name))
    except UnknownName as error:
        if ref and not findings.problems:
            raise
        findings.problem("ledger", "bundle.json", f"an artifact {error.value}", MISSING)
    return findings.to_json(keys if keys is not None else own)


def _cards(records: Records, start: str | None) -> dict[str, str]:
    names = [start, *ancestors(records, start)] if start else [item.ref for item in records.artifacts()]
    return {path: digest for name in names for path, digest in records.card_files(name).items()}


def _check_listed(files: Mapping[str, bytes], listed: Mapping[str, str], findings: Findings) -> None:
    for name in sorted(set(files) | set(listed)):
        if name.startswith("cards/") and name in listed:
            continue  # a card is checked against the ledger, which is signed
        found = hashlib.sha256(files[name]).hexdigest() if name in files else MISSING
        if found != listed.get(name):
            findings.problem("file", name, listed.get(name, "no such file"), found)


def _events(data: bytes, findings: Findings) -> list[Event]:
    from modelwright.govern.ledger import Event

    events = []
    for number, line in enumerate(data.splitlines(), start=1):
        row = _canonical(line, f"ledger.jsonl, line {number}", findings)
        fields = ("seq", "kind", "at", "prev", "digest", "statement")
        if isinstance(row, dict) and set(row) == set(fields) and isinstance(row["seq"], int):
            events.append(Event(row["seq"], *(str(row[name]) for name in fields[1:])))
        else:
            findings.problem("event", f"event {number} (ledger.jsonl, line {number})", "an event", "no event")
    return events


def _bundled_keys(data: bytes, findings: Findings) -> dict[str, dict[str, Any]]:
    value = _canonical(data, "keys.json", findings)
    found = {}
    for item in value if isinstance(value, list) else []:
        try:
            public = keyring.check_public(item, where="keys.json")
            found[public["keyid"]] = public
        except InputError as error:
            findings.problem("key", "keys.json", "an Ed25519 public key", error.message)
    return found


def _canonical(data: bytes, where: str, findings: Findings) -> Any:
    """Parsed JSON; anything but the canonical bytes is a problem, or else a changed blank would go unseen."""
    try:
        value = json.loads(data)
        if canonical(value) == data:
            return value
        findings.problem("file", where, "canonical JSON", "other bytes")
        return value
    except (ValueError, RecursionError) as error:
        findings.problem("file", where, "JSON", str(error))
        return None


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    if out.suffix != ".zip":
        for name, data in files.items():
            write_atomic(out / name, data)
        return
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    write_atomic(out, buffer.getvalue())


def _read(path: Path) -> dict[str, bytes]:
    """Every file of a bundle by name; a zip is read in memory, so that no name in it can lead elsewhere."""
    try:
        if path.is_dir():
            from modelwright.core.storage import files_below

            return {item.relative_to(path).as_posix(): item.read_bytes() for item in files_below(path)}
        with zipfile.ZipFile(path) as archive:
            return {item.filename: archive.read(item) for item in archive.infolist() if not item.is_dir()}
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise InputError(
            f"{path} is no bundle: {error}", hint="name a bundle's folder or zip file", value=str(path)
        ) from error
