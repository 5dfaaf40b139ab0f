"""What an exporter is: it writes a release in one format and checks the result against its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.spec import Options


@dataclass(frozen=True)
class Source:
    """What is exported: a complete model folder, an adapter or None, and words about it for the folder's card.

    taken_down   takedowns that were on record at that time and whose documents it carries, by id
    """

    name: str
    model: Path
    adapter: Path | None = None
    card: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    taken_down: tuple[str, ...] = ()


class Exporter(Options):
    """Base of exporters. An exporter is one file in `deploy/exporters/`."""

    def export(self, source: Source, out: Path) -> dict[str, Any]:
        """Write into `out` and return facts (counts, bytes, the measured difference from the source).

        Raises IntegrityError when the result does not answer like its source.
        """
        raise NotImplementedError

    def digest(self, out: Path) -> str:
        """Digest of the export's content: no clock, path or machine in it."""
        from modelwright.core import fingerprint
        from modelwright.core.storage import folder_digests

        return fingerprint.digest(folder_digests(out))
