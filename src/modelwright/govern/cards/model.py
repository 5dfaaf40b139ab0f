"""The model card: what was trained on what, how, with what result, and what nobody has measured."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import (
    MEASURED,
    NOT_APPLICABLE,
    UNKNOWN,
    Card,
    Facts,
    Field,
    Picture,
    Section,
    distribution,
    environment_fields,
    facts_of,
    finished,
    identity_fields,
    planned_fields,
    present,
    settings_table,
    stated,
)
from modelwright.govern.cards.format import short
from modelwright.govern.cards.gates import approvals_table, gates_table
from modelwright.govern.cards.rights import said
from modelwright.govern.cards.scores import evaluation, metric_field, scores_of
from modelwright.govern.cards.taken_down import taken_down
from modelwright.govern.lineage import descendants, nearest
from modelwright.govern.records import Records
from modelwright.govern.stated import NOTHING, Stated

PLOTS = {"loss.png": "image/png", "loss.svg": "image/svg+xml"}
NOT_MEASURED = ("behaviour by group of people", "toxicity of what it writes", "verbatim repetition of training text")
MAX_PICTURE_BYTES = 2_000_000


def model_card(model: Artifact, records: Records, project: str, use: str = "", statements: Stated = NOTHING) -> Card:
    """The card of a model or an adapter, from the ledger and the loss plot beside the weights."""
    facts = facts_of(model)
    scores = scores_of(records, model.ref)
    base = nearest(records, model.ref, "model") if model.kind == "adapter" else None
    erased, marks = taken_down(model, records)
    sections = (
        Section("Identity", identity_fields(model, records) + _release(model, records)),
        erased,
        Section("Purpose and limits", _purpose(project, use, facts, statements)),
        _architecture(facts, base),
        _data(model, facts, records),
        _training(model, facts),
        evaluation(scores),
        _decisions(model, scores, records),
        Section("Hardware and software", environment_fields(model)),
        Section("Settings", tables=present(settings_table(model))),
        Section("Further measurements", facts.rest()),
    )
    size = facts.field(
        "parameters added" if model.kind == "adapter" else "parameters", "parameters", "trainable_parameters"
    )
    tuned = [metric_field(scores, name, name) for name in ("gain", "forgetting")] if model.kind == "adapter" else []
    quality = [metric_field(scores, "bits_per_byte", "bits per byte"), *tuned]
    seen = facts.field("tokens seen", "tokens_seen", "tokens", unit="tokens")
    headline = (
        size,
        seen,
        *(item or Field(name, None, kind=UNKNOWN) for item, name in zip(quality, _names(model), strict=True)),
    )
    return finished(
        Card(
            "model card", model.ref, f"{project} · {model.ref}", model.digest, project,
            _summary(model, facts, base), marks, headline, sections,
        ),
        records,
    )  # fmt: skip


def _names(model: Artifact) -> list[str]:
    return ["bits per byte", "gain", "forgetting"] if model.kind == "adapter" else ["bits per byte"]


def _summary(model: Artifact, facts: Facts, base: Artifact | None) -> str:
    if model.kind == "adapter":
        on = f" on {base.ref}" if base else ""
        return f"An adapter{on}: what tuning adds to the model, without changing it."
    if facts.get("adopted"):
        return "An existing model, taken over as it was; what it was trained on is not on record here."
    count = facts.get("parameters")
    words = f"{short(count)} parameters" if count is not None else "an unknown number of parameters"
    return f"A language model with {words}, trained in this project from its own data."


def _release(model: Artifact, records: Records) -> tuple[Field, ...]:
    known = records.by_ref()
    found = [known[ref] for ref in descendants(records, model.ref) if known[ref].kind == "release"]
    if not found:
        return (Field("released as", None, kind=NOT_APPLICABLE, note="no release contains it"),)
    return (Field("released as", ", ".join(item.ref for item in found), source=found[-1].record.get("seq")),)


def _purpose(project: str, use: str, facts: Facts, statements: Stated) -> tuple[Field, ...]:
    limits = tuple(Field(name, None, kind=UNKNOWN, note="not measured") for name in NOT_MEASURED)
    warnings = facts.get("warnings")
    told = [Field("warning", text, source=facts.source) for text in warnings] if isinstance(warnings, list) else []
    return (
        stated("project", project),
        stated("use", use, note="from the project file"),
        said(statements, "uses that it is fit for", "intended_uses"),
        said(statements, "uses that it is unfit for", "out_of_scope_uses"),
        said(statements, "known limits", "limitations"),
        said(statements, "provider", "provider.name"),
        said(statements, "contact", "provider.contact"),
        *limits,
        *told,
    )


def _architecture(facts: Facts, base: Artifact | None) -> Section:
    own = facts if base is None else facts_of(base)
    fields = [
        own.field("family", "family"),
        own.field("class", "architecture", "base_architecture"),
        own.field("parameters", "parameters"),
        own.field("layers", "layers"),
        own.field("width", "width"),
        own.field("vocabulary", "vocabulary"),
        own.field("context", "context", "context_length", unit="tokens"),
        own.field("number format", "dtype"),
    ]
    if base is not None:
        fields.insert(0, Field("base", base.ref, source=base.record.get("seq")))
        fields.append(facts.field("parameters added", "trainable_parameters", "added_parameters"))
    return Section("Architecture", tuple(fields))


def _data(model: Artifact, facts: Facts, records: Records) -> Section:
    pile, tokens = nearest(records, model.ref, "pile"), nearest(records, model.ref, "tokens")
    fields: list[Field] = []
    if pile is not None:
        of_pile = facts_of(pile)
        fields += [
            Field("pile", pile.ref, source=of_pile.source),
            Field("digest of the pile", pile.digest, "digest", source=of_pile.source),
            of_pile.field("root of the pile", "root", unit="digest"),
            of_pile.field("root of its texts", "text_root", unit="digest"),
        ]
    else:
        fields.append(Field("pile", None, kind=UNKNOWN, note="no pile in its ancestry"))
    if tokens is not None:
        fields.append(Field("tokens", tokens.ref, source=tokens.record.get("seq")))
        fields.append(facts_of(tokens).field("tokens in the shards", "tokens", unit="tokens"))
    if model.kind == "model":
        fields.append(facts.field("tokens seen", "tokens_seen", "tokens", unit="tokens"))
        fields.append(facts.field("epochs", "epochs"))
    seen = distribution("Tokens seen by source", "source", _tokens(facts.mapping("tokens_by_source")), facts.source)
    examples = facts.mapping("examples")
    for key in sorted(examples):
        if not isinstance(examples[key], Mapping):
            fields.append(facts.field(f"examples: {key.replace('_', ' ')}", f"examples.{key}"))
    return Section("Data", tuple(fields), present(seen))


def _tokens(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"tokens": value} if isinstance(value, (int, float)) else value for name, value in values.items()}


def _training(model: Artifact, facts: Facts) -> Section:
    fields = [
        facts.field("steps", "steps"),
        facts.field("operations", "flops", unit="flops", note="estimated from parameters and tokens"),
        facts.field("final loss", "final_loss", "loss_after", note=str(facts.get("loss_unit") or "")),
        facts.field("loss at the start", "first_loss", "loss_before"),
        *planned_fields(model),
    ]
    for path in ("loss_before", "loss_after", "planned", "actual"):
        for key in facts.mapping(path):
            unit = "seconds" if key.endswith("seconds") else ""
            found = facts.field(f"{path.replace('_', ' ')}: {key.replace('_', ' ')}", f"{path}.{key}", unit=unit)
            fields += [found] if found.value is not None else []
    hyper = facts.mapping("hyperparameters")
    fields += [facts.field(key.replace("_", " "), f"hyperparameters.{key}") for key in hyper]
    needed = ("steps", "time planned", *(["final loss"] if model.kind == "model" else []))
    fields = [item for item in fields if item.kind == MEASURED or item.name in needed]
    return Section("Training", tuple(fields), pictures=_plots(model))


def _plots(model: Artifact) -> tuple[Picture, ...]:
    recorded: Mapping[str, str] = model.record.get("files") or {}
    pictures = []
    for name, media in PLOTS.items():
        path = model.path / name
        if name in recorded and path.is_file() and path.stat().st_size <= MAX_PICTURE_BYTES:
            data = f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode()}"
            pictures.append(Picture("Loss while training", data, model.record.get("seq")))
    return tuple(pictures)


def _decisions(model: Artifact, scores: list[Artifact], records: Records) -> Section:
    refs = [model.ref, *(item.ref for item in scores)]
    shown = present(gates_table(records, refs), approvals_table(records, refs))
    return Section("Gates and approvals", tables=shown, text="" if shown else "No gate was set on this model.")
