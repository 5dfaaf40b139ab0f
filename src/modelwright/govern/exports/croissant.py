"""Croissant 1.1 with the terms of its responsible-AI vocabulary: what dataset search and loaders read.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and croissant-rai-spec.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.errors import InputError
from modelwright.formats.pile import PileRecord, schema
from modelwright.govern.exports import Exported, Subject, absent, to_json, without_nothing
from modelwright.govern.exports.values import licence_address, main_languages, personal_kinds

REQUIRED: Mapping[str, str] = {
    "@context": "always written",
    "@type": "always written",
    "dct:conformsTo": "always written",
    "name": "name",
    "description": "card.description",
    "license": "card.licence",
    "url": "card.url",
    "creator": "card.creators",
    "datePublished": "card.published",
    "distribution": "the pile's files",
    "recordSet": "the pile's columns",
}
"""Required by the specification -> what states it."""

CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""The context of the specification, word for word."""

PARQUET = "application/vnd.apache.parquet"
_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "double": "sc:Float"}


def export(subject: Subject, as_json: bool = False) -> Exported:
    """The JSON-LD document of a pile."""
    document = build(subject)
    return Exported(to_json(document), absent(document, REQUIRED))


def build(subject: Subject) -> dict[str, Any]:
    """The document as a dict; keys that nobody stated and nothing measured are not in it."""
    card, artifact = subject.stated.card, subject.artifact
    files = _files(subject)
    return without_nothing(
        {
            "@context": CONTEXT,
            "@type": "sc:Dataset",
            "dct:conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
            "name": f"{subject.card.project} {artifact.ref}",
            "description": subject.description,
            "version": f"{artifact.version}.0.0",
            "identifier": artifact.digest,
            "license": licence_address(card.licence),
            "url": card.url,
            "creator": [{"@type": "sc:Organization", "name": name} for name in card.creators],
            "publisher": {"@type": "sc:Organization", "name": card.publisher} if card.publisher else None,
            "datePublished": card.published,
            "dateCreated": artifact.made_at,
            "citeAs": card.cite_as,
            "inLanguage": list(card.languages) or main_languages(subject),
            "keywords": list(card.content),
            **_responsible(subject),
            "distribution": files,
            "recordSet": _records(files),
        }
    )


def _responsible(subject: Subject) -> dict[str, Any]:
    """The RAI terms: processing and personal data as measured, the rest as stated."""
    card = subject.stated.card
    return {
        "rai:dataCollection": card.collection,
        "rai:dataCollectionType": sorted(
            {_COLLECTION[source.class_] for source in card.sources.values() if source.class_ in _COLLECTION}
        ),
        "rai:dataPreprocessingProtocol": _steps(subject),
        "rai:dataCollectionMissingData": _taken_out(subject),
        "rai:dataAnnotationProtocol": card.annotation,
        "rai:dataBiases": list(card.biases),
        "rai:dataUseCases": list(card.intended_uses),
        "rai:dataLimitations": [*card.limitations, *(f"Unsuitable: {use}" for use in card.out_of_scope_uses)],
        "rai:dataSocialImpact": card.social_impact,
        "rai:personalSensitiveInformation": personal_kinds(subject),
        "rai:dataReleaseMaintenancePlan": card.maintenance,
    }


_COLLECTION = {"crawled": "Web Scraping", "user": "User-generated content data"}
"""Classes of sources that the vocabulary has a word for."""


def _steps(subject: Subject) -> list[str]:
    """What took documents out or changed them, in numbers."""
    reasons = subject.facts.get("reasons")
    return [
        f"{item.get('decision')} by {item.get('rule')}"
        + (f" ({item['signal']})" if item.get("signal") else "")
        + f": {item.get('documents')} documents"
        for item in (reasons if isinstance(reasons, (list, tuple)) else ())
        if isinstance(item, Mapping)
    ]


def _taken_out(subject: Subject) -> str | None:
    decisions = subject.facts.get("decisions")
    if not isinstance(decisions, Mapping) or not decisions:
        return None
    return "Decisions on the documents read: " + ", ".join(f"{name} {count}" for name, count in decisions.items())


def _files(subject: Subject) -> list[dict[str, Any]]:
    """The data files of the table `documents` with their digests, and the set of files that an export consists of.

    Only files that lie in the project: those of a team's storage have no address that a reader could use.
    """
    objects, home = [], subject.records.home
    try:
        chunks = PileRecord.load(subject.artifact.path).tables["documents"].chunks
    except (InputError, KeyError):
        chunks = ()
    for index, chunk in enumerate(chunks):
        place = home / "warehouse" / "pile" / "documents" / chunk.file
        if not place.is_file():
            continue
        objects.append(
            {
                "@type": "cr:FileObject",
                "@id": f"documents-{index:05d}.parquet",
                "name": f"documents-{index:05d}.parquet",
                "description": f"{chunk.rows} rows of the table of documents, without their texts",
                "contentUrl": place.relative_to(home.parent).as_posix(),
                "encodingFormat": PARQUET,
                "sha256": chunk.digest,
            }
        )
    whole = {
        "@type": "cr:FileSet",
        "@id": "documents",
        "name": "documents",
        "description": f"The documents with their texts, as `modelwright pile export --at {subject.artifact.ref} "
        "--as huggingface` writes them",
        "encodingFormat": PARQUET,
        "includes": "data/*.parquet",
    }
    return [*objects, whole]


def _records(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record set: a row a document, with the columns of the contract and the text."""
    columns = {field.name: str(field.type) for field in schema("documents")} | {"text": "string"}
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"documents/{name}",
            "name": name,
            "description": _MEANING.get(name, name),
            "dataType": _TYPES[kind],
            "source": {"fileSet": {"@id": "documents"}, "extract": {"column": name}},
        }
        for name, kind in columns.items()
    ]
    return [{"@type": "cr:RecordSet", "@id": "records", "name": "records", "key": {"@id": "documents/document"},
             "field": fields}]  # fmt: skip


_MEANING = {
    "document": "digest of source and origin: names the document",
    "source": "name of the source",
    "origin": "where in the source it stands: path, address or row",
    "digest": "SHA-256 of the text in UTF-8",
    "split": "train or held_out",
    "licence": "as stated by the source or found in the text",
    "owner": "who holds the rights, as stated",
    "access": "open or proprietary",
    "language": "natural language, ISO 639",
    "code_language": "programming language",
    "kind": "prose, code, table, log, mail, legal, markup or data",
    "bytes": "length of the text in UTF-8",
    "text": "the text as it is trained on",
}
