"""CycloneDX 1.7: a pile as a data component, a model with its model card and the pile that it was made from.

Source: https://cyclonedx.org/docs/1.7/json/. The document is a plain dict: the Python library drops `data` and
`modelCard`. Measured and stated are told apart by `citations`: which fields, said by whom, when.
"""

from __future__ import annotations

import importlib.metadata
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.scores import bounds, scores_of
from modelwright.govern.carriers import carried
from modelwright.govern.exports import Exported, Subject, absent, to_json, without_nothing
from modelwright.govern.exports.values import main_languages, personal_kinds, spdx, tokens_of
from modelwright.govern.lineage import nearest

SPECIFICATION = "1.7"
REQUIRED: Mapping[str, str] = {
    "name": "name",
    "description": "card.description",
    "licenses": "card.licence",
    "publisher": "card.publisher",
    "data": "the facts of the pile",
}
"""Of the main component of a pile: what the minimum elements of a bill of materials for data ask for."""
REQUIRED_OF_MODEL: Mapping[str, str] = {
    "name": "name",
    "licenses": "card.model_licence",
    "supplier": "card.provider.name",
    "modelCard": "the facts of the model",
}
_TOOL = "tool:modelwright"
_PEOPLE = "people:project"


def export(subject: Subject, as_json: bool = False) -> Exported:
    """The document, with what the minimum elements ask for and nobody stated."""
    document = build(subject)
    main = document["metadata"]["component"]
    required = REQUIRED if subject.artifact.kind == "pile" else REQUIRED_OF_MODEL
    given = {**main, "description": subject.stated.card.description}
    return Exported(to_json(document), absent(given, required))


def build(subject: Subject) -> dict[str, Any]:
    """The bill of materials. Equal records give equal bytes: its serial number is made of the artifact's digest."""
    artifact = subject.artifact
    if artifact.kind == "pile":
        main, parts = pile_component(subject, artifact), _sources(subject)
    else:
        main = _model(subject)
        pile = nearest(subject.records, artifact.ref, "pile")
        inner = None if pile is None else Subject(pile, subject.records, subject.card, subject.stated)
        parts = [] if inner is None else [pile_component(inner, inner.artifact)]
    depends = [{"ref": main["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]}] if parts else []
    return without_nothing(
        {
            "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": SPECIFICATION,
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{artifact.ref} {artifact.digest}')}",
            "version": 1,
            "metadata": {
                "timestamp": artifact.made_at,
                "tools": {"components": [_tool(), _people(subject)]},
                "component": main,
            },
            "components": parts,
            "dependencies": depends,
            "citations": _citations(subject, main),
        }
    )


def _tool() -> dict[str, Any]:
    version = importlib.metadata.version("modelwright")
    return {"type": "application", "bom-ref": _TOOL, "name": "modelwright", "version": version}


def _people(subject: Subject) -> dict[str, Any]:
    """Whom stated values are attributed to: the project's people, by the keys that signed their statements."""
    keys = _properties({"modelwright:signed-by": subject.stated.by})
    return without_nothing(
        {"type": "application", "bom-ref": _PEOPLE, "name": f"people of {subject.card.project}", "properties": keys}
    )


def pile_component(subject: Subject, pile: Artifact) -> dict[str, Any]:
    """A pile as a component of type `data`."""
    card = subject.stated.card
    return without_nothing(
        {
            "type": "data",
            "bom-ref": f"{subject.card.project}:{pile.ref}",
            "name": f"{subject.card.project} {pile.ref}",
            "version": str(pile.version),
            "publisher": card.publisher,
            "authors": [{"name": name} for name in card.creators],
            "description": card.description or f"Base data pile {pile.ref} of the project {subject.card.project}",
            "licenses": _licences([card.licence] if card.licence else []),
            "externalReferences": [{"type": "website", "url": card.url}] if card.url else [],
            "data": [_dataset(subject, pile)],
            "properties": _properties(_measured(subject)),
        }
    )


def _dataset(subject: Subject, pile: Artifact) -> dict[str, Any]:
    card = subject.stated.card
    return without_nothing(
        {
            "type": "dataset",
            "name": pile.ref,
            "contents": {"properties": _properties(_composition(subject))},
            "classification": card.confidentiality,
            "sensitiveData": personal_kinds(subject),
            "governance": without_nothing(
                {
                    "custodians": _party(card.keeper),
                    "owners": [party for name in _owners(subject) for party in _party(name)],
                }
            ),
        }
    )


def _party(name: str | None) -> list[dict[str, Any]]:
    return [{"organization": {"name": name}}] if name else []


def _owners(subject: Subject) -> list[str]:
    sources = subject.facts.get("sources")
    items = sources.values() if isinstance(sources, Mapping) else ()
    return sorted({str(item["owner"]) for item in items if isinstance(item, Mapping) and item.get("owner")})


def _measured(subject: Subject) -> dict[str, Any]:
    facts = subject.facts
    counts = {f"modelwright:{key}": facts.get(key) for key in ("documents", "bytes", "root", "text_root")}
    return {
        "modelwright:digest": subject.artifact.digest,
        "modelwright:event": subject.artifact.record.get("seq"),
        "modelwright:tokens": tokens_of(subject)[0],
        **counts,
    }


def _composition(subject: Subject) -> dict[str, Any]:
    """Shares of bytes by licence, language and kind, as name and value."""
    found: dict[str, Any] = {"modelwright:languages": ", ".join(main_languages(subject))}
    for name in ("by_licence", "by_kind", "by_source"):
        for value, item in subject.counted(name).items():
            found[f"modelwright:{name}:{value}"] = f"{item.get('documents', 0)} documents, {item.get('bytes', 0)} bytes"
    return found


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items() if value not in (None, "")]


def _licences(stated: Iterable[str]) -> list[dict[str, Any]]:
    """SPDX names as `id`, SPDX expressions as such, other words as a `name`."""
    result: list[dict[str, Any]] = []
    for licence in stated:
        known = spdx(licence)
        if known is None:
            result.append({"license": {"name": licence}})
        else:
            result.append({"expression": known} if " " in known else {"license": {"id": known}})
    return result


def _sources(subject: Subject) -> list[dict[str, Any]]:
    """Each source of the pile as a component: its version is the digest of what was read."""
    sources, stated = subject.facts.get("sources"), subject.stated.card.sources
    parts = []
    for name, item in sorted(sources.items()) if isinstance(sources, Mapping) else ():
        said = stated.get(name)
        licence = item.get("licence")
        version = str(item.get("version") or "")
        parts.append(
            without_nothing(
                {
                    "type": "data",
                    "bom-ref": f"{subject.card.project}:source:{name}",
                    "name": str(name),
                    "version": version,
                    "supplier": {"name": item["owner"]} if item.get("owner") else None,
                    "description": said.description if said else None,
                    "licenses": _licences([str(licence)] if licence else []),
                    "externalReferences": [{"type": "website", "url": said.url}] if said and said.url else [],
                    "data": [{"type": "dataset", "name": str(name)}],
                    "properties": _properties(
                        {
                            "modelwright:access": item.get("access"),
                            "modelwright:class": said.class_ if said else None,
                            "modelwright:documents": item.get("documents"),
                            "modelwright:bytes": item.get("bytes"),
                        }
                    ),
                }
            )
        )
    return parts


def _model(subject: Subject) -> dict[str, Any]:
    """A model or adapter as a component of type `machine-learning-model` with its card."""
    artifact, card, facts = subject.artifact, subject.stated.card, subject.facts
    pile = nearest(subject.records, artifact.ref, "pile")
    considerations = {"useCases": list(card.intended_uses), "technicalLimitations": list(card.limitations)}
    parameters = without_nothing(
        {
            "approach": {"type": "self-supervised"} if artifact.kind == "model" and not facts.get("adopted") else None,
            "task": "text generation",
            "architectureFamily": facts.get("family"),
            "modelArchitecture": facts.get("architecture") or facts.get("base_architecture"),
            "datasets": [{"ref": f"{subject.card.project}:{pile.ref}"}] if pile is not None else [],
            "inputs": [{"format": "text"}],
            "outputs": [{"format": "text"}],
        }
    )
    model_card = {
        "modelParameters": parameters,
        "quantitativeAnalysis": without_nothing({"performanceMetrics": _metrics(subject)}),
        "considerations": without_nothing(considerations),
    }
    erased = [item.takedown for item in carried(subject.records, artifact.ref)]
    numbers = ("parameters", "trainable_parameters", "layers", "width", "vocabulary", "context", "steps", "flops")
    return without_nothing(
        {
            "type": "machine-learning-model",
            "bom-ref": f"{subject.card.project}:{artifact.ref}",
            "name": f"{subject.card.project} {artifact.ref}",
            "version": str(artifact.version),
            "supplier": {"name": card.provider.name} if card.provider.name else None,
            "licenses": _licences([card.model_licence] if card.model_licence else []),
            "modelCard": without_nothing(model_card),
            "properties": _properties(
                {"modelwright:digest": artifact.digest, "modelwright:event": artifact.record.get("seq")}
                | {f"modelwright:{key}": facts.get(key) for key in numbers}
                | {"modelwright:carries-takedown": ", ".join(erased)}
            ),
        }
    )


def _metrics(subject: Subject) -> list[dict[str, Any]]:
    scores = scores_of(subject.records, subject.artifact.ref)
    metrics = scores[-1].facts.get("metrics") if scores else None
    rows = []
    for name, item in metrics.items() if isinstance(metrics, Mapping) else ():
        found = item if isinstance(item, Mapping) else {"value": item}
        low, high = bounds(found)
        between = {"lowerBound": str(low), "upperBound": str(high)} if low is not None and high is not None else None
        rows.append(without_nothing({"type": name, "value": str(found.get("value")), "confidenceInterval": between}))
    return rows


_STATED_KEYS = ("publisher", "authors", "licenses", "supplier", "externalReferences")


def _citations(subject: Subject, main: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Which fields of the main component people stated, and which were measured."""
    where = "/metadata/component"
    stated = [f"{where}/{key}" for key in _STATED_KEYS if key in main]
    stated += [f"{where}/description"] if subject.stated.card.description and "description" in main else []
    measured = [f"{where}/{key}" for key in ("data", "properties", "modelCard") if key in main]
    at = subject.stated.at or subject.artifact.made_at
    cited = [{"pointers": stated, "timestamp": at, "attributedTo": _PEOPLE, "note": "stated in the project file"}]
    cited += [{"pointers": measured, "timestamp": subject.artifact.made_at, "attributedTo": _TOOL, "note": "measured"}]
    return [item for item in cited if item["pointers"]]
