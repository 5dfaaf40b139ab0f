"""`modelwright pile report` and `pile diff --as html`: what stands on the pages, gathered from the tables of a version.

Everything is counted over Arrow columns, so that a million documents take seconds. The pages themselves are drawn by
`govern/pages`, which knows nothing of tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact, Context
from modelwright.core.errors import UsageError
from modelwright.core.fingerprint import digest_bytes
from modelwright.core.storage import write_atomic
from modelwright.govern.records import Records
from modelwright.project import counting, recipe
from modelwright.project.schema import Project
from modelwright.project.scratch import scratch

if TYPE_CHECKING:
    from modelwright.engines.pile_reader import PileReader
    from modelwright.prepare.documents import Documents
    from modelwright.prepare.settings import PileSettings

FORMS = ("table", "html")
_SAMPLES = 8
_CHARACTERS = 220
_DIFF_SAMPLES = 6
FOLDER = "reports"


def write_report(project: Project, records: Records, pile: Artifact, out: Path | None = None) -> dict[str, Any]:
    """Write the report of a version as one page. Returns {file, pile, bytes}. Raises StorageError."""
    from modelwright.govern.pages.report import report_page

    data = report_data(project, records, pile)
    return _written(
        project, records, [pile], report_page(data), out, f"{pile.kind}-{pile.version}.html", data["quoted"]
    )


def write_diff(
    project: Project, records: Records, before: Artifact, after: Artifact, found: Mapping[str, Any], out: Path | None
) -> dict[str, Any]:
    """Write what differs between two versions (see `prepare.diff.diff`) as one page. Returns {file, pile, bytes}."""
    from modelwright.govern.pages.diff import diff_page

    data = diff_data(project, before, after, found)
    name = f"pile-{before.version}-to-{after.version}.html"
    return _written(project, records, [after, before], diff_page(data), out, name, data["quoted"])


def _written(
    project: Project, records: Records, piles: list[Artifact], page: str, out: Path | None, name: str, quoted: list[str]
) -> dict[str, Any]:
    """The page on disk, and an event that says which documents it quotes, so that a takedown finds it."""
    path, content = out or project.folder / FOLDER / name, page.encode()
    write_atomic(path, content)
    inside = path.resolve().is_relative_to(project.folder)
    place = str(path.resolve().relative_to(project.folder)) if inside else path.name
    told = {"format": "report", "place": place, "inside": inside, "file_digest": digest_bytes(content)}
    known = list(records.of_kind("export"))
    for pile in piles:
        event = {"ref": pile.ref, **told, "quotes": quoted}
        if not any(event == {name: entry.get(name) for name in event} for entry in known):
            records.append("export", [{"name": pile.ref, "digest": pile.digest}], event)
    return {"file": str(path), "pile": piles[0].ref, "bytes": len(content)}


def report_data(project: Project, records: Records, pile: Artifact) -> dict[str, Any]:
    """What the report says about a version, as plain JSON (the keys are those below and in `project/counting.py`).

    Rules are those of the version's own recipe. Texts of dropped documents are read from the sources while these hold
    them. Raises UsageError for what is no pile.
    """
    from modelwright.project.versions import tokens_of

    _require_pile(pile)
    settings = recipe.settings(pile)
    tokens = tokens_of(records, pile)
    with _opened(project, pile) as (reader, context):
        documents, gone = _sources_now(settings, context)
        tables = counting.Tables.of(reader, documents, tokens)
        effects = counting.rules(settings, tables, pile.facts)
        kept, out = _samples(tables, reader, documents, context)
        return {
            "project": project.settings.name,
            "use": str(project.settings.use or ""),
            "pile": pile.ref,
            "digest": pile.digest,
            "made_at": pile.made_at,
            "gone": gone,
            **counting.overview(tables),
            "sources": _sources(pile.facts),
            **effects,
            "composition": counting.composition(tables),
            "web_domains": pile.facts.get("by_web_domain") or {},
            "lengths": counting.lengths(tables),
            "duplicates": counting.duplicates(tables),
            "personal": counting.personal(tables, pile.facts),
            "contamination": pile.facts.get("contamination") or {},
            "kept": kept,
            "out": out,
            "quoted": [row["document"] for row in (*kept, *out) if row["excerpt"]],
        }


def diff_data(project: Project, before: Artifact, after: Artifact, found: Mapping[str, Any]) -> dict[str, Any]:
    """What `prepare.diff` found, with excerpts of its first samples each way."""
    from modelwright.prepare.excerpts import beginnings

    samples: list[dict[str, Any]] = []
    for change in ("in", "out", "changed"):
        rows = [dict(row) for row in found["samples"] if row["change"] == change][:_DIFF_SAMPLES]
        with _opened(project, before if change == "out" else after) as (reader, context):
            texts = beginnings([row["document"] for row in rows], reader.documents(), reader, None, context)
        samples += _with_excerpts(rows, texts)
    return {
        **found,
        "project": project.settings.name,
        "samples": samples,
        "versions": [{"pile": pile.ref, "digest": pile.digest, "made_at": pile.made_at} for pile in (before, after)],
        "quoted": [row["document"] for row in samples if row["excerpt"]],
    }


def _require_pile(artifact: Artifact) -> None:
    if artifact.kind != "pile":
        raise UsageError(f"{artifact.ref} is no pile", hint="name a pile, for example pile@1", value=artifact.ref)


@contextmanager
def _opened(project: Project, pile: Artifact) -> Iterator[tuple[PileReader, Context]]:
    """The version's tables, and a context whose folders are thrown away."""
    from modelwright.engines.pile_reader import open_pile

    with scratch(project) as context:
        yield open_pile(project.home, pile.path), context


def _sources_now(settings: PileSettings | None, context: Context) -> tuple[Documents | None, list[str]]:
    from modelwright.prepare.show import documents_now

    return documents_now(settings, context) if settings is not None else (None, ["the recipe of this version is gone"])


def _sources(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each source states of itself, and what of it is in the pile, in order of bytes read."""
    found = [{"source": name, **values} for name, values in (facts.get("sources") or {}).items()]
    return sorted(found, key=lambda row: -(row.get("bytes") or 0))


def _samples(
    tables: counting.Tables, reader: PileReader, documents: Documents | None, context: Context
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Documents of the pile by source and documents left out by reason, each with an excerpt fit to be shown."""
    from modelwright.prepare.excerpts import beginnings

    kept = counting.drawn(tables, tables.in_pile, ["source"], _SAMPLES)
    out = counting.drawn(tables, ~tables.in_pile, ["decision", "rule", "signal"], _SAMPLES)
    rows = [*kept, *out]
    texts = beginnings([row["document"] for row in rows], tables.decisions, reader, documents, context)
    shown = _with_excerpts(rows, texts)
    return shown[: len(kept)], shown[len(kept) :]


def _with_excerpts(rows: list[dict[str, Any]], texts: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The rows with `excerpt`, and with `note` where there is none."""
    from modelwright.prepare.excerpts import fit_to_show

    given = [None if row.get("rule") == "hate" else texts.get(row["document"]) for row in rows]
    excerpts = fit_to_show(given, [row.get("language") for row in rows], _CHARACTERS)
    for row, excerpt in zip(rows, excerpts, strict=True):
        there = row["document"] in texts
        row["excerpt"] = excerpt
        row["note"] = (
            "" if excerpt is not None else "not shown: offensive" if there else "the source no longer holds it"
        )
    return rows
