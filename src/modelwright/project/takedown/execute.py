"""A takedown from first to last: read `finish` from top to bottom. Every phase can be repeated after a kill."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import modelwright
from modelwright.core.errors import ModelwrightError, Refused, UsageError
from modelwright.core.fingerprint import digest
from modelwright.core.storage import folder_bytes, lock, sweep
from modelwright.formats import barred
from modelwright.govern import carriers, takedowns
from modelwright.govern.records import Records
from modelwright.project import lookup, schema
from modelwright.project.schema import Project
from modelwright.project.takedown import affected, caches, certificate, erase, journal, replace
from modelwright.project.takedown.affected import WITH_COPIES, Asked, Found
from modelwright.project.takedown.journal import TEXTS, Journal
from modelwright.project.takedown.reach import reach

Reporter = Callable[[dict[str, Any]], None]
_SHOWN = 1000


def takedown(
    project: Project,
    records: Records,
    asked: Asked,
    *,
    execute: bool = False,
    yes: int | None = None,
    reason: str = "",
    report: Reporter = lambda event: None,
) -> dict[str, Any]:
    """What a takedown touches (nothing is written), or with `execute` its execution; returns the contract's object.

    Raises UnknownName when nothing is meant, Refused when it means more than half of all documents and `yes` is not
    their number, Busy while another process works on the project.
    """
    if not execute:
        return _look(project, records, asked)[1]
    with lock(project.home / "lock", what=str(project.folder)):
        finish_pending(project, records, report)
        found, shown = _look(project, records, asked)
        if shown["executed"]:
            return shown
        _confirm(found, yes)
        _check_all_at_hand(project, records)
        keys = caches.signal_keys(project, affected.versions_at_hand(project, records), found.how)
        begun = _begin(project, records, found, shown, reason, keys)
        finish(project, records, begun, report)
        ended = takedowns.done(records)[begun.takedown]
        return {**shown, "executed": True, "certificate": takedowns.certificate_of(ended), **_outcome(ended)}


def finish_pending(project: Project, records: Records, report: Reporter = lambda event: None) -> list[str]:
    """Finish what was begun and killed; returns the ids. Call it under the project's lock."""
    names = []
    for begun in journal.pending(project.home):
        report({"event": "takedown", "takedown": begun.takedown, "what": "finishing a takedown that was interrupted"})
        finish(project, records, begun, report)
        names.append(begun.takedown)
    return names


def finish(project: Project, records: Records, begun: Journal, report: Reporter = lambda event: None) -> None:
    """All phases in order: on record, barred, replaced, erased, certified."""

    def phase(what: str) -> None:
        report({"event": "takedown", "takedown": begun.takedown, "what": what})

    for folder in {project.folder, project.home}:
        sweep(folder)
    if begun.takedown not in takedowns.done(records):
        phase("putting it on record")
        _put_on_record(records, begun)
        takedowns.write_list(records)
        phase("making new versions without the documents")
        replace.replace(project, records, begun)
        replace.move_names(records, begun)
        phase("erasing")
        erase.erase(project, records, begun)
        phase("writing the certificate")
        certificate.write(project, records, begun)
    _print_cards(project, records)
    begun.close()


def _print_cards(project: Project, records: Records) -> None:
    """Cards of what the project yields now, and anew those of what carries a takedown; those of what was erased are
    gone."""
    from modelwright.project.printing import print_cards, print_carriers

    print_carriers(project, records)
    try:
        current = lookup.current(schema.load(project.file), records)
    except ModelwrightError:
        return  # the sources cannot be asked; the next run prints them
    print_cards(project, records, list(current.values()))


def _look(project: Project, records: Records, asked: Asked) -> tuple[Found, dict[str, Any]]:
    versions = affected.versions_at_hand(project, records)
    found = affected.find(project, versions, asked)
    if not found.how:
        before = _earlier(project, records, asked, versions)
        if before is not None:
            return found, before
        sources = {name for version in versions for name in version.reader.record.sources}
        affected.check_known(found, sources if asked.kind == "source" else [])
    touched = reach(records, found)
    rows = found.rows()
    return found, {
        "takedown": found.takedown,
        "asked": asked.kind,
        "documents": len(rows),
        **touched,
        "matched": rows[:_SHOWN],
        "bytes": found.bytes,
        "all_documents": found.all_documents,
        "held_elsewhere": len(found.held),
        "executed": False,
        "certificate": None,
    }


def _earlier(
    project: Project, records: Records, asked: Asked, versions: list[affected.Version]
) -> dict[str, Any] | None:
    """What an earlier takedown did, where one took down just this."""
    ids = {asked.value} | {
        one for version in versions for one in version.reader.find(asked.value)["document"].to_pylist()
    }
    meant = {barred.selector(asked.kind, asked.value)} if asked.kind in barred.SELECTORS else set()
    for name, entry in takedowns.done(records).items():
        mine = takedowns.begun(records)[name]
        same = mine.get("asked", {}).get("value") == _value_digest(asked)
        listed = barred.read_ids(project.home, mine.get("files") or {})
        if same or (asked.kind == "document" and ids & listed["documents"]) or meant & listed["selectors"]:
            return {"takedown": name, "asked": asked.kind, "documents": 0, "piles": [], "tokens": [],
                    **carriers.of_takedown(records, name), "deployments": [], "matched": [], "executed": True,
                    "certificate": takedowns.certificate_of(entry), **_outcome(entry)}  # fmt: skip
    return None


def _value_digest(asked: Asked) -> str:
    return digest([asked.kind, asked.value])


def _confirm(found: Found, yes: int | None) -> None:
    count = len(found.how)
    if count * 2 > found.all_documents and yes != count:
        raise Refused(
            f"this takes down {count} of {found.all_documents} documents"
            + (f", not {yes}" if yes is not None else ", more than half"),
            hint=f"if that is meant: `--yes {count}`",
            value=count,
        )
    if yes is not None and yes != count:
        raise UsageError(f"--yes {yes}, and {count} documents are affected", hint="look again without --execute")


def _check_all_at_hand(project: Project, records: Records) -> None:
    """A team's tables serve versions on several machines; what is not here cannot be made without the documents."""
    from modelwright.engines import catalogs

    away = [
        item.ref for item in records.artifacts()
        if item.kind == "pile" and item.ref not in records.removed() and not (item.path / "pile.json").is_file()
    ]  # fmt: skip
    if away and catalogs.shared(project.home) is not None:
        raise Refused(
            f"{', '.join(away)} lie on other machines of the team",
            hint="copy their folders here, or prune them there, then run the takedown again",
            value=away,
        )


def _begin(
    project: Project, records: Records, found: Found, shown: dict[str, Any], reason: str, keys: dict[str, list[str]]
) -> Journal:
    """Write what is barred and the journal; from here on the takedown will be finished."""
    asked = found.asked
    copies = asked.kind in WITH_COPIES
    ids: dict[str, Any] = {"documents": found.how, "digests": found.digests - found.held if copies else ()}
    if asked.kind in barred.SELECTORS:
        ids["selectors"] = [barred.selector(asked.kind, asked.value)]
    files = barred.write_part(project.home, found.takedown, ids, found.texts)
    begun = journal.new(project.home, found.takedown)
    reached = ("piles", "tokens", "pairs", "models", "adapters", "releases", "exports", "deployments", "learned",
            "carriers", "tags", "copies")  # fmt: skip
    begun.set(
        asked={"kind": asked.kind, "value": _value_digest(asked)},
        reason=reason,
        documents=sorted(found.how),
        how={how: sum(value == how for value in found.how.values()) for how in sorted(set(found.how.values()))},
        digests=sorted(found.digests - found.held),
        held=sorted(found.held),
        files=files,
        reach={key: shown[key] for key in reached},
        cache_keys=keys,
        current=_current(project, records),
        bytes=found.bytes,
        bytes_before=folder_bytes(project.home),
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
        replaced={},
        differences=[],
        removed=[],
        notes=[],
    )
    return begun


def _current(project: Project, records: Records) -> dict[str, str]:
    """pile and tokens that the project file yields; where its sources cannot be asked, the newest pile at hand."""
    try:
        current = lookup.current(project, records)
    except ModelwrightError:
        piles = [item for item in records.artifacts() if item.kind == "pile" and (item.path / "pile.json").is_file()]
        return {"pile": piles[-1].ref}
    return {kind: current[kind].ref for kind in ("pile", "tokens") if kind in current}


def _put_on_record(records: Records, begun: Journal) -> None:
    if begun.takedown in takedowns.begun(records):
        return
    known = records.by_ref()
    touched = [ref for kind in TEXTS.values() for ref in begun["reach"][kind]]
    predicate = {
        "takedown": begun.takedown, "phase": "begun", "asked": begun["asked"], "reason": begun["reason"],
        "documents": len(begun["documents"]), "files": begun["files"], "erases": touched,
        "learned": carriers.noted(begun["reach"]["learned"]),
    }  # fmt: skip
    records.append(takedowns.KIND, [{"name": ref, "digest": known[ref].digest} for ref in touched], predicate)


def _outcome(entry: Any) -> dict[str, Any]:
    return {"erased": list(entry.get("removed") or []), "versions": list(entry.get("versions") or [])}


def tools() -> dict[str, str]:
    """Versions of what carried a takedown out."""
    libraries = ("pyarrow", "pyiceberg", "numpy", "sqlalchemy")
    return {"modelwright": modelwright.__version__, **{name: importlib.metadata.version(name) for name in libraries}}
