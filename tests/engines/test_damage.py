"""Damage below the project's folder is named, with the way back; it is never read as data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_pile import BOOKS, Made, published, reader

from modelwright.core.errors import InputError, IntegrityError, ModelwrightError, StorageError
from modelwright.engines import iceberg

FILES = {
    "data of a narrow table": "warehouse/pile/documents/data/*.parquet",
    "data of texts": "warehouse/pile/texts/data/*.parquet",
    "a manifest list": "warehouse/pile/texts/metadata/snap-*.avro",
    "a manifest": "warehouse/pile/texts/metadata/*-m0.avro",
    "a table's metadata": "warehouse/pile/texts/metadata/*.metadata.json",
    "the catalogue": "catalog.db",
    "the record": "pile/1/pile.json",
}


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def garbled(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[: middle - 40] + bytes(byte ^ 0x5A for byte in data[middle - 40 : middle + 40]) + data[middle + 40 :]


def emptied(data: bytes) -> bytes:
    return b""


def everything(home: Path) -> tuple[object, ...]:
    opened = reader(home)
    tables = tuple(opened.table(name).to_pylist() for name in ("documents", "decisions", "signals", "findings"))
    texts = [row for batch in opened.texts(opened.documents()) for row in batch.to_pylist()]
    return (*tables, texts)


@pytest.mark.parametrize("damage", [cut, garbled, emptied, None])
@pytest.mark.parametrize("what", FILES)
def test_damage_is_named_with_the_way_back(tmp_path: Path, what: str, damage: Callable[[bytes], bytes] | None) -> None:
    many = [*BOOKS, *(Made("many", f"{n:03d}", f"one text of many, number {n}, not too short") for n in range(200))]
    published(tmp_path, many)
    sound = everything(tmp_path)
    for path in tmp_path.glob(FILES[what]):
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage(path.read_bytes()))
    try:
        if reader(tmp_path).problems():
            return
        read = everything(tmp_path)
    except (IntegrityError, StorageError, InputError) as error:
        hint = error.hint
    else:
        assert read == sound, "damage was read as data"
        hint = "none is needed"
    assert hint


def test_a_tag_that_another_tool_moved_or_removed_is_found_and_readers_do_not_mind(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, [*BOOKS, Made("books", "new.txt", "a new one")], version=2)
    before = reader(tmp_path).documents().to_pylist()
    assert reader(tmp_path).problems() == []
    with iceberg.opened(tmp_path) as catalog:
        table = catalog.load_table("pile.documents")
        table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "pile@1").commit()
        other = catalog.load_table("pile.signals")
        other.manage_snapshots().remove_tag("pile@2").commit()
    assert reader(tmp_path).documents().to_pylist() == before
    (moved,) = reader(tmp_path).problems()
    assert (moved["what"], moved["where"]) == ("tag", "tag pile@1 of the table documents")
    assert moved["expected"] != moved["found"]
    (gone,) = reader(tmp_path, 2).problems()
    assert gone["found"] == "no such tag"


def test_a_record_that_is_gone_is_told_with_its_way_back(tmp_path: Path) -> None:
    published(tmp_path)
    (tmp_path / "pile" / "1" / "pile.json").unlink()
    with pytest.raises(ModelwrightError, match=r"holds no pile\.json") as told:
        reader(tmp_path)
    assert "--rebuild prepare" in told.value.hint
