from __future__ import annotations

from pathlib import Path

from modelwright.core.context import Artifact
from modelwright.project.plan import pinned


def made(kind: str, version: int, *parents: str) -> Artifact:
    named = tuple({"ref": parent} for parent in parents)
    return Artifact(kind, version, "", "", Path(), parents=named)


def test_a_pin_names_its_tokens_also_when_others_keep_their_tokenizer() -> None:
    artifacts = [made("pile", 1), made("tokens", 1, "pile@1"), made("pile", 2), made("tokens", 2, "pile@2", "tokens@1")]
    assert pinned("tokens@1", artifacts).ref == "tokens@1"
    assert pinned("pile@2", artifacts).ref == "tokens@2"
