"""Verification of a project: which reference is meant, where a damaged ledger may not be able to say."""

from __future__ import annotations

from typing import Any

from modelwright.core.errors import ModelwrightError
from modelwright.govern.ledger import Ledger
from modelwright.govern.records import Records
from modelwright.govern.verify import verify as verify_ledger
from modelwright.project import lookup
from modelwright.project.schema import Project


def verify(project: Project, reference: str | None) -> dict[str, Any]:
    """The contract's `verify` object for a reference and its ancestry, or for everything."""
    with Ledger.open(project.ledger, create=False) as ledger:
        return verify_ledger(ledger, project.home, project.folder, _resolved(project, ledger, reference))


def _resolved(project: Project, ledger: Ledger, reference: str | None) -> str | None:
    """The exact reference; as it was given where a damaged ledger cannot say what is current."""
    if reference is None or "@" in reference:
        return reference
    try:
        return lookup.find(project, Records(ledger, project.home), reference).ref
    except ModelwrightError:
        return reference
