"""Cards for other systems: each passes its standard's validator, says what is required, and invents nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import UnknownName, UsageError
from modelwright.govern import exports, stated
from modelwright.govern.cards import card_of
from modelwright.govern.exports import Exported, Subject, croissant, cyclonedx, eu_summary, huggingface
from modelwright.govern.exports.values import main_languages, personal_kinds, spdx
from modelwright.govern.stated import CardSettings, Stated
from tests.govern import sample
from tests.govern.sample import Sample

WORDS = CardSettings.model_validate(
    {
        "description": "Code and prose.", "creators": ["Example Ltd"], "publisher": "Example Ltd", "keeper": "Office",
        "url": "https://example.org/handbook", "published": "2026-11-01", "licence": "Apache-2.0",
        "model_licence": "Apache-2.0", "intended_uses": ["completion"], "limitations": ["mostly English"],
        "cite_as": "@misc{handbook}", "acquired_until": "2026-10", "opt_out_policy": "noai is obeyed",
        "illegal_content": "reports are acted on", "model_name": "handbook 1", "market_date": "2026-12-01",
        "confidentiality": "internal", "social_impact": "none known", "maintenance": "monthly",
        "provider": {"name": "Example Ltd", "contact": "ai@example.org", "address": "1 Example Street"},
        "sources": {
            "packages": {"class": "public", "url": "https://example.org/packages", "description": "code"},
            "standard_library": {"class": "public"},
            "ours": {"class": "licensed"},
        },
    }
)  # fmt: skip
FACTS = {
    **sample.PILE_FACTS,
    "by_modality": {"text": {"documents": 23_226, "bytes": 122_482_807}},
    "by_web_domain": {"docs.example.org": {"documents": 4, "bytes": 900}, "example.com": {"documents": 9, "bytes": 80}},
    "web_domains": {"domains": 2, "listed": 2, "documents": 13, "bytes": 980},
    "opt_outs": {}, "signals": [*sample.PILE_FACTS["signals"], "opt_out"],
}  # fmt: skip


def subject(project: Sample, ref: str, words: Stated = stated.NOTHING) -> Subject:
    artifact = project.records.find(ref)
    card = card_of(artifact, project.records, "handbook", "completion", words)
    return Subject(artifact, project.records, card, words)


def export(project: Sample, ref: str, form: str, words: Stated = stated.NOTHING) -> Exported:
    given = subject(project, ref, words)
    return exports.export(form, given.artifact, given.records, given.card, given.stated)


@pytest.fixture
def pile(project: Sample) -> str:
    return sample.record(project, "pile", FACTS, [])


@pytest.fixture
def words(project: Sample) -> Stated:
    return stated.record(project.records, WORDS)


@pytest.fixture
def bare(tmp_path: Path) -> Any:
    """A pile of which nothing is on record, and nobody stated anything."""
    made = sample.empty(tmp_path / "bare")
    sample.record(made, "pile", {}, [], settings={}, estimate={}, versions={}, machine={})
    yield made
    made.ledger.close()


def validate_cyclonedx(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(text) is None


def validate_croissant(text: str) -> None:
    """By mlcroissant, which raises for errors; its warnings go to the log."""
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    mlcroissant.Dataset(jsonld=json.loads(text))


@pytest.mark.parametrize("ref", ["pile", "model@1", "adapter@1"])
def test_cyclonedx_is_valid_and_lacks_nothing_when_all_is_stated(
    project: Sample, pile: str, words: Stated, ref: str
) -> None:
    made = export(project, pile if ref == "pile" else ref, "cyclonedx", words)
    validate_cyclonedx(made.text)
    assert made.missing == ()
    document = json.loads(made.text)
    assert document["specVersion"] == "1.7"
    pointers = [pointer for citation in document["citations"] for pointer in citation["pointers"]]
    for pointer in pointers:
        found: Any = document
        for part in pointer.strip("/").split("/"):
            found = found[part]
        assert found
    assert {citation["note"] for citation in document["citations"]} == {"stated in the project file", "measured"}


def test_a_model_in_cyclonedx_names_its_pile_and_its_scores(project: Sample, words: Stated) -> None:
    document = json.loads(export(project, "model@1", "cyclonedx", words).text)
    parameters = document["metadata"]["component"]["modelCard"]["modelParameters"]
    assert parameters["datasets"] == [{"ref": "handbook:pile@1"}]
    assert [part["bom-ref"] for part in document["components"]] == ["handbook:pile@1"]
    metric = document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]
    assert metric == {
        "type": "bits_per_byte", "value": "2.134", "confidenceInterval": {"lowerBound": "2.071", "upperBound": "2.199"},
    }  # fmt: skip


def test_croissant_is_valid_and_lacks_nothing_when_all_is_stated(project: Sample, pile: str, words: Stated) -> None:
    made = export(project, pile, "croissant", words)
    validate_croissant(made.text)
    assert made.missing == ()
    document = json.loads(made.text)
    assert document["license"] == "https://spdx.org/licenses/Apache-2.0.html"
    assert document["rai:dataLimitations"] == ["mostly English"]
    assert "email: 1702 found in the input, 1311 redacted" in document["rai:personalSensitiveInformation"]
    assert set(croissant.REQUIRED) <= set(document)


def test_croissant_has_the_context_of_the_specification() -> None:
    from mlcroissant._src.core.context import Context, CroissantVersion
    from mlcroissant._src.core.rdf import make_context

    assert make_context(Context(conforms_to=CroissantVersion.V_1_1)) == croissant.CONTEXT


def test_the_hub_reads_the_header_and_the_card_below(project: Sample, pile: str, words: Stated) -> None:
    from huggingface_hub import DatasetCard

    made = export(project, pile, "huggingface", words)
    assert made.missing == ()
    card = DatasetCard(made.text)
    assert card.data.to_dict() == {
        "pretty_name": "handbook pile@2", "license": "apache-2.0", "language": ["en"],
        "size_categories": ["10K<n<100K"], "tags": ["modelwright"],
        "configs": [{"config_name": "default", "data_files": [
            {"split": "train", "path": "data/train.parquet"}, {"split": "test", "path": "data/test.parquet"}]}],
    }  # fmt: skip
    assert "# handbook · pile@2" in card.text


def test_the_hub_reads_the_results_of_a_model(project: Sample, words: Stated) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard(export(project, "adapter@1", "huggingface", words).text)
    assert card.data.base_model == "model@1"
    assert card.data.library_name == "peft"
    results = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert results == {"bits_per_byte": 2.134, "gain": 0.0713, "forgetting": 0.0041}


@pytest.mark.parametrize(
    "name", ["yes", "a: b", "- x", "#", "{}", "\u2028", "no", "1", "'", '"', "a\nb", "null", "---"]
)
def test_no_statement_breaks_the_header(project: Sample, pile: str, name: str) -> None:
    from huggingface_hub import DatasetCard

    given = Stated(CardSettings(licence=name, languages=(name,), tasks=(name,)))
    data = DatasetCard(export(project, pile, "huggingface", given).text).data.to_dict()
    assert (data["license_name"], data["language"], data["task_categories"]) == (name, [name], [name])


def test_the_public_summary_answers_every_section_of_the_template(project: Sample, pile: str, words: Stated) -> None:
    made = export(project, pile, "eu-summary", words)
    assert made.missing == ()
    summary = json.loads(export(project, pile, "eu-summary-json", words).text)
    titles = [section["title"][:3] for section in summary["sections"]]
    assert titles == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3 D"]
    fields = {field["name"]: field for section in summary["sections"] for field in section["fields"]}
    assert fields["size of the text"]["value"] == "less than 1 billion tokens"
    assert fields["publicly available datasets were used"]["value"] == "yes: packages, standard_library"
    assert fields["data was crawled or scraped"]["value"] == "no"
    assert fields["modalities"]["value"] == "text"
    assert fields["provider"]["kind"] == "stated"
    assert fields["web domains"]["kind"] == "measured"
    assert "docs.example.org" in made.text
    assert made.text.index("docs.example.org") < made.text.index("example.com")


def test_no_is_said_only_when_every_source_has_a_class(project: Sample, pile: str) -> None:
    known = Stated(CardSettings.model_validate({"sources": {"packages": {"class": "crawled"}}}))
    summary = eu_summary.build(subject(project, pile, known))
    fields = {field.name: field for section in summary.sections for field in section.fields}
    assert fields["data was crawled or scraped"].value == "yes: packages"
    assert fields["data of users was used"].value is None
    assert fields["data of users was used"].kind == "blank"
    assert "class of the source ours (card.sources.ours.class)" in export(project, pile, "eu-summary", known).missing
    table = next(section for section in summary.sections if section.title == "2 Sources of no stated class").tables[0]
    assert {row.cells[0] for row in table.rows} == {"ours", "standard_library"}


def test_the_size_is_unknown_where_only_tokens_could_tell(project: Sample) -> None:
    from modelwright.govern.cards.card import Facts

    def said(tokens: int | None, size: int | None) -> Any:
        return eu_summary.size_of_text(tokens, Facts({"bytes": size}, 1)).value

    assert said(None, 999_999_999) == "less than 1 billion tokens"
    assert said(None, 10**9) is None
    assert said(None, None) is None
    assert said(10**9, 10**10) == "1 billion to 10 trillion tokens"
    assert said(10**13 + 1, 10**14) == "more than 10 trillion tokens"


@pytest.mark.parametrize("form", exports.FORMS)
def test_what_nobody_stated_or_measured_is_missing_and_never_made_up(bare: Sample, form: str) -> None:
    made = export(bare, "pile@1", form)
    assert made.missing
    assert "Example" not in made.text
    if form == "cyclonedx":
        validate_cyclonedx(made.text)
        component = json.loads(made.text)["metadata"]["component"]
        assert not {"licenses", "publisher", "authors", "externalReferences"} & set(component)
        assert "description (card.description)" in made.missing
    if form == "croissant":
        document = json.loads(made.text)
        assert not {"license", "url", "creator", "datePublished", "inLanguage", "citeAs"} & set(document)
        assert not [key for key in document if key.startswith("rai:")]
        assert {"creator (card.creators)", "license (card.licence)"} <= set(made.missing)
    if form == "eu-summary-json":
        fields = [field for section in json.loads(made.text)["sections"] for field in section["fields"]]
        assert all(field["value"] is None for field in fields), [f for f in fields if f["value"] is not None]
    if form == "huggingface":
        assert huggingface.dataset_header(subject(bare, "pile@1")) == {
            "pretty_name": "handbook pile@1", "license": "unknown", "tags": ["modelwright"],
        }  # fmt: skip
        assert "license (card.licence)" in made.missing


def test_equal_records_give_equal_exports(project: Sample, pile: str, words: Stated) -> None:
    for form in exports.FORMS:
        assert export(project, pile, form, words) == export(project, pile, form, words)


def test_a_form_that_a_kind_has_not_is_refused_with_those_that_it_has(project: Sample) -> None:
    with pytest.raises(UsageError, match="no croissant of model@1") as refused:
        export(project, "model@1", "croissant")
    assert refused.value.hint == "forms of a model: md, json, html, huggingface, cyclonedx"
    with pytest.raises(UnknownName, match="pdf"):
        export(project, "pile@1", "pdf")


def test_languages_that_are_hardly_there_and_no_languages_are_not_named(project: Sample, pile: str) -> None:
    assert main_languages(subject(project, pile)) == ["en"]
    assert personal_kinds(subject(project, pile))[0] == "card: 3 found in the input, 3 redacted"


@pytest.mark.parametrize(
    ("said", "known"),
    [("mit", "MIT"), ("MIT OR Apache-2.0", "MIT OR Apache-2.0"), ("ours alone", None), ("", None), (None, None),
     ("Apache 2", None)],
)  # fmt: skip
def test_only_real_licences_are_spdx(said: str | None, known: str | None) -> None:
    assert spdx(said) == known


def test_the_sources_of_a_pile_are_components_with_their_licences(project: Sample, pile: str, words: Stated) -> None:
    document = cyclonedx.build(subject(project, pile, words))
    parts = {part["name"]: part for part in document["components"]}
    assert set(parts) == {"packages", "standard_library", "ours"}
    assert parts["standard_library"]["licenses"] == [{"license": {"id": "PSF-2.0"}}]
    assert parts["ours"]["licenses"] == [{"license": {"name": "LicenseRef-Proprietary"}}]
    assert "licenses" not in parts["packages"]
    assert parts["ours"]["supplier"] == {"name": "Example Ltd"}


def test_every_kind_of_personal_data_that_is_sought_counts_as_such() -> None:
    from typing import get_args

    from modelwright.govern.cards.measured import PERSONAL
    from modelwright.prepare.signals.personal_data import PersonalKind

    assert set(PERSONAL) == set(get_args(PersonalKind))
