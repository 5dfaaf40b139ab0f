from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from modelwright.prepare.rule import Predicate, Rule


class PersonalData(Rule):
    """Drop documents that are full of personal data, such as directories; never for a single hit. `redact` edits the
    rest.
    """

    version: ClassVar[int] = 1

    max_density: float = Field(
        default=5.0,
        ge=0,
        description="findings per 1,000 bytes, the first few not counted, above which a document is dropped",
    )
    min_findings: int = Field(
        default=5, ge=2, description="documents with fewer findings are never dropped; as many less one are not counted"
    )

    def predicates(self) -> tuple[Predicate, ...]:
        """Findings from the `min_findings`-th on, per 1,000 bytes, over `max_density`; without findings it is
        unknown.
        """
        counted = f"(personal_data_count - {self.min_findings - 1}) / personal_data_count * personal_data_density"
        return (Predicate("personal_data", "personal_data_density", counted, ">", self.max_density),)
