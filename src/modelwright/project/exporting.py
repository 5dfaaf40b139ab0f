"""A version of the pile written for other tools, and the event that says where it went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UsageError
from modelwright.core.storage import storage_error, write_atomic
from modelwright.govern.records import Records
from modelwright.project.home import open_home
from modelwright.project.schema import Project

if TYPE_CHECKING:
    import pyarrow as pa


def export_pile(project: Project, records: Records, artifact: Artifact, folder: Path, form: str) -> dict[str, Any]:
    """Write `artifact` into the new folder, with its card for a Hugging Face dataset; record that it left.

    The path goes into the ledger relative to the project where it lies inside, else as its name alone.
    """
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.piles import export
    from modelwright.project import printing

    open_home(project)
    written = export(open_pile(project.home, artifact.path), folder, form)
    if form == "huggingface":
        card = printing.rendered(project, records, artifact, "huggingface")
        write_atomic(folder / "README.md", card.encode())
    inside = folder.resolve().is_relative_to(project.folder)
    place = str(folder.resolve().relative_to(project.folder)) if inside else folder.name
    subject = [{"name": artifact.ref, "digest": artifact.digest}]
    records.append("export", subject, {"ref": artifact.ref, "format": form, "place": place, "inside": inside})
    return written


def write_rows(table: pa.Table, file: Path) -> dict[str, Any]:
    """Write the rows of a query; the name's ending says how. Raises UsageError for another ending, StorageError."""
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    writers = {".csv": csv.write_csv, ".parquet": parquet.write_table}
    if file.suffix not in writers:
        raise UsageError(f"cannot write {file.name}", hint="name a .csv or .parquet file", value=str(file))
    try:
        writers[file.suffix](table, str(file))
    except OSError as error:
        raise storage_error(error, file) from error
    return {"file": str(file), "rows": table.num_rows, "columns": table.column_names}
