"""A made project: a ledger such as the runner writes, with the folders and cards that it speaks of."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.storage import folder_digests
from modelwright.govern import keys
from modelwright.govern.cards import card_of
from modelwright.govern.cards.render import render
from modelwright.govern.ledger import Ledger
from modelwright.govern.records import Records

LICENCES = {
    "PSF-2.0": (5210, 41_200_333), "MIT": (9120, 36_781_400), "BSD-3-Clause": (4406, 22_114_980),
    "Apache-2.0": (3987, 19_870_112), "LicenseRef-Proprietary": (112, 611_204), "unknown": (391, 1_904_778),
}  # fmt: skip
LANGUAGES = {"en": (21_033, 112_400_120), "zxx": (1_790, 8_100_000), "de": (210, 1_100_333), "fr": (102, 511_002),
             "zh": (61, 260_111), "ja": (30, 111_241)}  # fmt: skip
KINDS = {
    "code": (15_320, 81_400_000),
    "prose": (5_011, 28_100_500),
    "data": (2_420, 11_500_800),
    "legal": (475, 1_481_507),
}
REASONS = [
    ("duplicate", "exact", None, 4_001, 30_100_222), ("duplicate", "minhash", None, 1_275, 9_000_713),
    ("dropped", "code", "line_length_mean", 1204, 9_120_000), ("dropped", "gopher", "stop_words", 810, 3_411_000),
    ("dropped", "gopher", "words", 644, 120_400), ("changed", "redact", "personal_data", 355, 2_204_118),
    ("dropped", "licence", "licence_class", 212, 1_900_410), ("dropped", "hate", "abuse_score", 17, 41_992),
    ("dropped", "personal_data", "personal_data_density", 6, 80_111), ("quarantined", "read", None, 12, 88_012),
]  # fmt: skip
DECISIONS = {"kept": 22_871, "changed": 355, "dropped": 2_893, "duplicate": 5_276, "quarantined": 12}


def _source(
    name: str, access: str, licence: str | None, owner: str | None, files: int, n: int, b: int
) -> dict[str, Any]:
    version = hashlib.sha256(name.encode()).hexdigest()
    return {"version": version, "files": files, "access": access, "licence": licence, "owner": owner, "documents": n,
            "bytes": b}  # fmt: skip


def _counted(values: dict[str, tuple[int, int]]) -> dict[str, dict[str, int]]:
    return {name: {"documents": n, "bytes": b} for name, (n, b) in values.items()}


PILE_FACTS: dict[str, Any] = {
    "documents": 23_226,
    "bytes": 122_482_807,
    "decisions": DECISIONS,
    "decided_bytes": {name: 1000 * n for name, n in DECISIONS.items()},
    "sources": {
        "standard_library": _source("a", "open", "PSF-2.0", "Python Software Foundation", 3_402, 3_402, 30_060_583),
        "packages": _source("b", "open", None, None, 27_901, 27_893, 130_400_010),
        "ours": _source("c", "proprietary", "LicenseRef-Proprietary", "Example Ltd", 112, 112, 611_204),
    },
    "by_source": _counted(
        {"packages": (20_144, 99_811_020), "standard_library": (2_970, 22_060_583), "ours": (112, 611_204)}
    ),
    "by_language": _counted(LANGUAGES),
    "by_code_language": _counted({"python": (14_104, 77_401_000), "c": (804, 3_104_222), "json": (412, 894_778)}),
    "by_kind": _counted(KINDS),
    "by_licence": _counted(LICENCES),
    "licence": {
        "unknown_share": 0.01683, "unknown_share_of_bytes": 0.01555,
        "by_class": _counted(
            {"permissive": (22_723, 119_966_825), "unknown": (391, 1_904_778), "proprietary": (112, 611_204)}
        ),
    },
    "reasons": [
        {"decision": d, "rule": rule, "signal": signal, "documents": n, "bytes": b} for d, rule, signal, n, b in REASONS
    ],
    "redactions": {"documents": 355, "spans": 1_518, "by_kind": {"email": 1_311, "phone": 204, "card": 3}},
    "findings": {"email": {"documents": 1_702}, "phone": {"documents": 377}, "card": {"documents": 3}},
    "holdout": {
        "documents": 258, "reached": 0.0111,
        "by_source": {"packages": {"asked": 0.01, "reached": 0.01008, "documents": 203, "bytes": 1_020_100},
                      "standard_library": {"asked": 0.01, "reached": 0.01044, "documents": 31, "bytes": 280_101},
                      "ours": {"asked": 0.2, "reached": 0.2143, "documents": 24, "bytes": 120_354}},
    },
    "signals": ["counts", "language", "code_language", "kind", "personal_data", "abuse", "licence"],
    "counts": {"input": 31_407, "documents": 23_226, "train": 22_968, "held_out": 258, "texts": 23_220, **DECISIONS},
    "seconds": {"reading": 3.1, "signals": 9.8, "decisions": 0.4, "duplicates": 2.2, "writing": 4.6},
    "text_root": hashlib.sha256(b"texts").hexdigest(),
}  # fmt: skip
TOKENS_FACTS = {"tokens": 31_204_771, "vocabulary": 16_384, "by_source": {"packages": 25_700_100, "ours": 160_441}}
MODEL_FACTS: dict[str, Any] = {
    "family": "qwen3", "architecture": "Qwen3ForCausalLM", "parameters": 3_147_264, "layers": 4, "width": 160,
    "vocabulary": 16_384, "context": 512, "steps": 611, "tokens": 7_507_968, "epochs": 0.2406, "flops": 1.62e14,
    "tokens_by_source": {"packages": 6_120_448, "standard_library": 1_349_120, "ours": 38_400},
    "seconds": 181.4, "tokens_per_second": 41_389.0, "first_loss": 9.71, "final_loss": 4.118,
    "loss_unit": "nats per token, mean of the last 50 steps", "dtype": "float32", "threads": 2,
    "planned": {"budget": "180 seconds", "seconds": 180.0}, "actual": {"seconds": 183.9},
    "hyperparameters": {"seed": 1, "batch": 24, "matrix_rate": 0.02, "warmup": 0.02, "decay": 0.4,
                        "optimizer": "Muon (hidden matrices), AdamW (embeddings, head, norms)"},
}  # fmt: skip
SCORES_FACTS: dict[str, Any] = {
    "metrics": {
        "bits_per_byte": {
            "value": 2.134, "low": 2.071, "high": 2.199, "items": 258,
            "by_source": {
                "packages": {"value": 2.112, "low": 2.04, "high": 2.181, "items": 203},
                "standard_library": {"value": 2.301, "low": 2.11, "high": 2.49, "items": 31},
                "ours": {"value": 2.71, "low": 2.41, "high": 3.02, "items": 24},
            },
            "by_language": {"en": {"value": 2.12, "low": 2.05, "high": 2.19, "items": 240},
                            "de": {"value": 3.4, "low": 2.9, "high": 3.9, "items": 8}},
        }
    },
    "documents_scored": 258,
}  # fmt: skip
TUNED_FACTS: dict[str, Any] = {
    "metrics": {
        **SCORES_FACTS["metrics"],
        "gain": {"value": 0.0713, "low": 0.0512, "high": 0.0921, "items": 24, "p": 0.0004},
        "forgetting": {"value": 0.0041, "low": -0.0012, "high": 0.0231, "items": 234, "p": 0.11},
    }
}
ADAPTER_FACTS: dict[str, Any] = {
    "trainable_parameters": 81_920, "steps": 90, "batch": 8,
    "loss_before": {"base": 4.1, "examples": 4.4}, "loss_after": {"base": 4.2, "examples": 3.9}, "replay_share": 0.5,
    "examples": {"kind": "source", "source": "ours", "tokens": 160_441}, "warnings": ["only 88 documents"],
    "planned": {"seconds": 60.0, "steps": 90, "limited_by": "time"}, "actual": {"seconds": 61.2},
}  # fmt: skip
SETTINGS = {
    "prepare.rules.gopher.min_words": 50, "prepare.rules.code.max_line_length": 1000,
    "prepare.redact.kinds": ["email", "phone", "card"], "prepare.redact.style": "tag",
    "prepare.dedup.minhash.threshold": 0.8, "prepare.holdout.default": 0.01,
    "prepare.rules.licence.deny": ["non_commercial", "no_derivatives"], "prepare.decontaminate": [],
    "version of source.ours": hashlib.sha256(b"ours").hexdigest(),
}  # fmt: skip


@dataclass
class Sample:
    ledger: Ledger
    records: Records
    home: Path
    folder: Path


def plot_png(width: int = 460, height: int = 200) -> bytes:
    """A small falling curve as PNG, made with the standard library alone."""
    rows = []
    for y in range(height):
        curve = [abs(y - (20 + (height - 40) * (1 - 1 / (1 + x / 40)))) < 1.6 for x in range(width)]
        rows.append(b"\x00" + bytes(v for on in curve for v in ((15, 107, 102) if on else (255, 255, 255))))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def record(sample: Sample, kind: str, facts: dict[str, Any], parents: list[tuple[str, str]], **more: Any) -> str:
    """Write an artifact's folder and its event, as the runner does; returns its reference."""
    records = sample.records
    version = records.next_version(kind)
    folder = sample.home / kind / str(version)
    folder.mkdir(parents=True)
    for name, data in more.pop("contents", {f"about-{kind}.json": f'{{"{kind}": {version}}}'.encode()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    ref = f"{kind}@{version}"
    digest = more.pop("digest", hashlib.sha256(ref.encode()).hexdigest())
    extra = more.pop("extra_files", {})
    predicate = {
        "stage": {
            "pile": "prepare",
            "tokens": "prepare",
            "model": "train",
            "scores": "validate",
            "adapter": "tune",
        }.get(kind, "deploy"),
        "key": kind,
        "artifact": {"kind": kind, "version": version, "digest": digest, "fingerprint": digest[::-1]},
        "of": None,
        "settings": SETTINGS if kind == "pile" else {f"{kind}.seed": 1},
        "parents": [{"role": role, "ref": p, "digest": records.find(p).digest} for role, p in parents],
        "code": {f"modelwright.{kind}": 1},
        "facts": facts,
        "files": {**folder_digests(folder), **extra},
        "seconds": 12.4,
        "cpu_seconds": 20.1,
        "estimate": {"seconds": 15.0, "memory_bytes": 1_200_000_000, "basis": "33 MB a second, measured here"},
        "versions": {"python": "3.11.2", "modelwright": "0.1.0", "torch": "2.9.0"},
        "machine": {"cores": 2, "device": "cpu", "name": ""},
        "equal_to": None,
        "reason": "not made yet",
        "made_at": "2026-02-11T09:30:12+00:00",
        **more,
    }
    records.append("artifact", [{"name": ref, "digest": {"sha256": digest}}], predicate)
    return ref


def verdict(sample: Sample, ref: str, gate: str, said: str, value: float, **more: Any) -> dict[str, Any]:
    body = {"gate": gate, "on": gate.split(".")[0], "settings": {}, "verdict": said, "value": value, "low": None,
            "high": None, "items": None, "needed_items": None, "reason": f"{gate} is {value}", **more}  # fmt: skip
    subject = [{"name": ref, "digest": {"sha256": sample.records.find(ref).digest}}]
    sample.records.append("gate", subject, {"artifact": ref, "verdict": body})
    return body


def approve(
    sample: Sample, ref: str, gate: str, *, approved: bool = True, signer: Any = None, reason: str = ""
) -> None:
    subject = [{"name": ref, "digest": {"sha256": sample.records.find(ref).digest}}]
    predicate = {"artifact": ref, "gate": gate, "approved": approved, "reason": reason or None}
    sample.records.append("approval", subject, predicate, signer)


def write_cards(sample: Sample, ref: str) -> dict[str, str]:
    artifact = sample.records.find(ref)
    card = card_of(artifact, sample.records, "handbook", "completion")
    files = {}
    for form in ("html", "md", "json"):
        path = sample.folder / "cards" / f"{artifact.kind}-{artifact.version}-card.{form}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(render(card, form).encode())
        files[f"cards/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    subject = [{"name": name, "digest": {"sha256": value}} for name, value in files.items()]
    sample.records.append("card", subject, {"artifact": ref, "files": files})
    return files


def empty(folder: Path) -> Sample:
    home = folder / ".modelwright"
    home.mkdir(parents=True)
    ledger = Ledger.open(home / "ledger.db")
    return Sample(ledger, Records(ledger, home), home, folder)


def whole(folder: Path) -> Sample:
    """pile, tokens, model, scores, adapter, its scores, release, export; gates, an approval, a tag, and cards."""
    sample = empty(folder)
    data = random.Random(7).randbytes(9_000)
    (sample.home / "warehouse" / "pile").mkdir(parents=True)
    (sample.home / "warehouse" / "pile" / "part-0.parquet").write_bytes(data)
    extra = {"warehouse/pile/part-0.parquet": hashlib.sha256(data).hexdigest()}
    sample.records.append(
        "failed", [], {"stage": "prepare", "key": "pile", "error": "EmptyResult", "message": "nothing kept"}
    )
    pile = record(sample, "pile", PILE_FACTS, [], extra_files=extra)
    sample.records.append("tag", [{"name": pile}], {"name": "base", "ref": pile})
    verdict(sample, pile, "pile.licence.unknown_share", "pass", 0.01683)
    tokens = record(sample, "tokens", TOKENS_FACTS, [("pile", pile)])
    weights = {"model.safetensors": data[:5000], "config.json": b"{}", "loss.png": plot_png()}
    model = record(sample, "model", MODEL_FACTS, [("tokens", tokens)], contents=weights)
    scores = record(sample, "scores", SCORES_FACTS, [("subject", model), ("pile", pile)], of=model)
    gates = [verdict(sample, scores, "model.bits_per_byte", "pass", 2.134, low=2.071, high=2.199, items=258)]
    adapter = record(sample, "adapter", ADAPTER_FACTS, [("model", model), ("pile", pile)])
    tuned = record(sample, "scores", TUNED_FACTS, [("subject", adapter), ("model", model), ("pile", pile)], of=adapter)
    gates.append(verdict(sample, tuned, "tuned.forgetting", "inconclusive", 0.0041, low=-0.0012, high=0.0231,
                         items=234, needed_items=120))  # fmt: skip
    approve(sample, adapter, "release.approve")
    facts = {"subject": {"ref": adapter, "digest": sample.records.find(adapter).digest},
             "model": {"ref": model, "digest": sample.records.find(model).digest},
             "adapter": {"ref": adapter, "digest": sample.records.find(adapter).digest},
             "gates": gates, "experimental": True, "approved_by": [keys.signer().public_key.keyid]}  # fmt: skip
    release = record(sample, "release", facts, [("subject", adapter), ("model", model), ("scores", tuned)])
    record(sample, "export", {"bytes": 12_599_808}, [("release", release), ("model", model), ("adapter", adapter)])
    for ref in (pile, model, adapter, release):
        write_cards(sample, ref)
    return sample
