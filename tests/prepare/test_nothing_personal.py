"""Nothing personal leaves the texts: values are planted, and every file of the project but its sources is searched."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import modelwright
from tests.tiny_project import LIBRARY, write_corpus

VALUES = {
    "email": "quentin.overholt@veldkamp-mail.de",
    "phone": "+44 20 8123 4597",
    "card": "5425 2334 3010 9903",
    "iban": "DE89370400440532013000",
    "ssn": "536-22-8714",
    "ip": "185.244.25.171",
    "mac": "3c:22:fb:9a:41:d7",
    "url": "https://overholt:Zk3vVq81xPa@files.veldkamp.de/in",
    "national_id": "RSSMRA85T10A562S",
    "secret": "ghp_Qm3kVb72LxTzPa94RnWcYd61HsJuEf05GiKo",
    "birth_date": "14 March 1971",
}
LINES = "\n".join(
    [
        f"# Copyright (c) 2019 Quentin Overholt <{VALUES['email']}>",
        f"# Written by {VALUES['email']}, call {VALUES['phone']}",
        f"# card {VALUES['card']}, account {VALUES['iban']}",
        f"# SSN {VALUES['ssn']}, codice fiscale {VALUES['national_id']}",
        f"# server {VALUES['ip']} {VALUES['mac']} {VALUES['url']}",
        f"TOKEN = '{VALUES['secret']}'  # he was born on {VALUES['birth_date']}",
    ]
)
PROJECT = """
name: planted
use: completion
prepare:
  sources: [{files: {name: open, path: corpus/open, licence: PSF-2.0}}, {jsonl: {name: rows, path: corpus/rows.jsonl}}]
  rules: [{code: {max_line_length: 2000}}, personal_data, licence]
  redact: {styles: {email: pseudonym, phone: surrogate, card: mask, ip: remove}}
  dedup: [exact, {minhash: {threshold: 0.8}}]
  tokenizer: {vocabulary: 512}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    write_corpus(folder)
    text = (LIBRARY / "textwrap.py").read_text()
    (folder / "corpus" / "open" / "json" / "planted.py").write_text(f"{LINES}\n{text}")
    (folder / "corpus" / "open" / "only.py").write_text(f"{LINES}\n")  # dropped by a rule
    broken = "\n".join(
        [json.dumps({"text": [LINES]}), '{"text": "' + VALUES["email"], json.dumps({"text": f"{text} 2\n{LINES}"})]
    )
    (folder / "corpus" / "rows.jsonl").write_text(broken + "\n")
    shutil.rmtree(folder / "corpus" / "ours")
    (folder / "modelwright.yaml").write_text(PROJECT)
    modelwright.load(folder).run()
    return folder


def contents(path: Path) -> Iterator[str]:
    """What a file holds: its bytes, the cells of a Parquet file with its bounds, the rows of a database."""
    data = path.read_bytes()
    yield data.decode("utf-8", "replace")
    if data[:4] == b"PAR1":
        file = pq.ParquetFile(path)
        yield str(file.metadata.metadata)
        for group in range(file.metadata.num_row_groups):
            for column in range(file.metadata.num_columns):
                yield str(file.metadata.row_group(group).column(column).statistics)
        for column in file.read().columns:
            yield "\n".join(str(value) for value in column.to_pylist())
    if data[:16] == b"SQLite format 3\0":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
            tables = [row[0] for row in base.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                yield "\n".join(map(str, base.execute(f'select * from "{table}"')))


def test_planted_values_are_in_no_file_but_the_sources(project: Path) -> None:
    places = []
    for path in sorted(project.rglob("*")):
        if path.is_file() and (project / "corpus") not in path.parents:
            for content in contents(path):
                places += [f"{kind}: {path.relative_to(project)}" for kind, value in VALUES.items() if value in content]
    assert sorted(set(places)) == []


def test_each_kind_is_edited_in_its_style(project: Path) -> None:
    from modelwright.engines.pile_reader import open_pile

    home = project / ".modelwright"
    pile = open_pile(home, home / "pile" / "1")
    texts = [text for batch in pile.texts(pile.documents()) for text in batch.column("text").to_pylist()]
    (text,) = (text for text in texts if "<SECRET>" in text and "class TextWrapper" in text)
    for tag in ("<EMAIL:", "**** ****", "<IBAN>", "<SSN>", "<MAC>", "<URL>", "<NATIONAL_ID>", "<BIRTH_DATE>"):
        assert tag in text
