"""The certificate of a takedown: what went, what replaces it, proofs of absence, and what still carries it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from modelwright.formats.pile import content_leaves, text_leaves
from modelwright.formats.proofs import Tree
from modelwright.govern import takedowns
from modelwright.govern.carriers import REMEDIES
from modelwright.govern.records import Records
from modelwright.project.schema import Project
from modelwright.project.takedown.journal import Journal

PROOFS = 1000
"""Proofs that a certificate carries at most; `modelwright verify --document` gives any other."""


def write(project: Project, records: Records, begun: Journal) -> None:
    """Write and sign the certificate, and end the takedown on record."""
    from modelwright.project.takedown.execute import tools

    known = records.by_ref()
    value = {
        "takedown": begun.takedown,
        "project": project.settings.name,
        "asked": begun["asked"]["kind"],
        "reason": begun["reason"],
        "begun_at": begun["begun_at"],
        "done_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "documents": begun["documents"],
        "how": begun["how"],
        "texts": {"erased": len(begun["digests"]), "held_by_others": begun["held"], "bytes": begun["bytes"]},
        "erased": begun["removed"],
        "versions": [_version(project, records, begun, old, new) for old, new in begun["replaced"].items()],
        "notes": begun["notes"],
        "removed": {name: begun["quoting"][name] for name in ("exports", "answers", "cards")},
        "bytes": {"before": begun["bytes_before"], "after": begun["bytes_after"]},
        "not_touched": {
            "your_files_that_quote": begun["quoting"]["yours"],
            "copies_outside": [copy for copy in begun["reach"]["copies"] if not copy["inside"]],
            "sources": "the sources are yours: what still lies there is dropped by the rule `takedown`",
            "tokenizers": "a tokenizer that was trained on the texts keeps pieces of words, and no text",
        },
        "carriers": {
            "learned": begun["reach"]["learned"],
            "adapters": begun["reach"]["adapters"],
            "releases": begun["reach"]["releases"],
            "exports": begun["reach"]["exports"],
            "deployments": begun["reach"]["deployments"],
            "remedies": list(REMEDIES) if begun["reach"]["carriers"] else [],
        },
        "do_not_ingest": begun["files"],
        "tools": tools(),
    }
    written = takedowns.write_certificate(project.folder, begun.takedown, value, read(value))
    predicate = {
        "takedown": begun.takedown, "phase": "done", "certificate": written,
        "removed": [item["ref"] for item in begun["removed"]],
        "versions": [{"old": item["old"], "new": item["new"]} for item in value["versions"]],
    }  # fmt: skip
    subject = [{"name": item["ref"], "digest": known[item["ref"]].digest} for item in begun["removed"]]
    records.append(takedowns.KIND, subject, predicate)


def _version(project: Project, records: Records, begun: Journal, old: str, new: str) -> dict[str, Any]:
    """What replaced a version: roots, the exact difference, and proofs that what went is not in it."""
    from modelwright.engines.pile_reader import open_pile

    known = records.by_ref()
    if not new.startswith("pile@"):
        return {"old": old, "new": new, "root": known[new].digest, "proofs": []}
    documents = open_pile(project.home, known[new].path).table("documents")
    texts, ids = Tree("text", text_leaves(documents)), Tree("document", content_leaves(documents))
    proofs = [texts.prove(one) for one in begun["digests"]] + [ids.prove(one) for one in begun["documents"]]
    wrong = [proof["key"] for proof in proofs if proof["kind"] != "absence"]
    assert not wrong, f"{new} still holds {wrong[0]}"
    return {
        "old": old,
        "new": new,
        "root": ids.root,
        "text_root": texts.root,
        "old_roots": {key: known[old].facts.get(key) for key in ("root", "text_root")},
        "difference": next((item for item in begun["differences"] if item["new"] == new and item["old"] == old), None),
        "proofs": proofs[:PROOFS],
        "proved": len(proofs),
    }


def read(value: dict[str, Any]) -> str:
    """The certificate in Markdown, for people."""
    count = len(value["documents"])
    lines = [
        f"# Takedown {value['takedown']}",
        "",
        f"{count} document{'s' if count != 1 else ''} of the project {value['project']} (asked by {value['asked']}) "
        f"{'were' if count != 1 else 'was'} erased; begun {value['begun_at']}, done {value['done_at']}.",
        *([f"Reason given: {value['reason']}"] if value["reason"] else []),
        "",
        "## Versions",
        "",
        *(f"- {item['ref']}: erased, {item['bytes']:,} bytes of its folder; digest `{item['digest']}`"
          for item in value["erased"]),
        *(f"- {item['old']} is replaced by {item['new']}, root `{item['root']}`"
          + (f", {item['proved']} proofs of absence" if item["proofs"] else "") for item in value["versions"]),
        *(f"- {note}" for note in value["notes"]),
        "",
        "## What still carries it",
        "",
        *(_carrier(item) for item in value["carriers"]["learned"]),
        *([] if value["carriers"]["learned"] else ["No model was made of these versions."]),
        *(f"- {ref}: made of a model that carries it" for ref in
          [*value["carriers"]["releases"], *value["carriers"]["exports"]]),
        *([f"\nRemedies: {'; '.join(value['carriers']['remedies'])}."] if value["carriers"]["remedies"] else []),
        "",
        "## What was not touched",
        "",
        *(f"- your file {name} quotes it" for name in value["not_touched"]["your_files_that_quote"]),
        *(f"- {copy['ref']} was exported to {copy['place']}, outside of the project"
          for copy in value["not_touched"]["copies_outside"]),
        f"- {value['not_touched']['sources']}",
        f"- {value['not_touched']['tokenizers']}",
        "",
        "The JSON beside this page holds the proofs and the signature; `modelwright verify` checks both.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _carrier(item: dict[str, Any]) -> str:
    if item["learned"] is False:
        return f"- {item['ref']}: did not learn from it"
    if item["learned"] is None:
        return f"- {item['ref']}: unknown, what it learned from is gone"
    if item["windows"] is None:
        return f"- {item['ref']}: carries it; how often it saw it is not on record"
    return f"- {item['ref']}: its tokens held it; it stood in {item['windows']:,} of {item['of']:,} windows of training"
