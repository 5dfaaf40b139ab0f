from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pile import BOOKS, MACHINE, Made, context, published, reader

from modelwright.core.context import Artifact, Output
from modelwright.core.errors import EmptyResult, InputError, UsageError
from modelwright.core.storage import digest_file
from modelwright.engines.gigatoken import END_OF_TEXT, Encoder
from modelwright.formats import borders
from modelwright.formats.tokens import Tokens, tokens_digest
from modelwright.prepare import tokens as module
from modelwright.prepare.settings import Tokenizer, TokensSettings

SMALL = TokensSettings(tokenizer=Tokenizer(vocabulary=300))
TEMPLATE = "<|endoftext|> stays text, and so do <|endoftext|><|endoftext|>"


def pile(home: Path, version: int = 1) -> Artifact:
    return Artifact("pile", version, "", "", home / "pile" / str(version))


def run(home: Path, wanted: TokensSettings = SMALL, version: int = 1, **more: Artifact) -> Output:
    return module.run(wanted, {"pile": pile(home), **more}, context(home, version, "tokens"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pile of real text, its tokens beside it."""
    folder = tmp_path_factory.mktemp("project")
    library = Path(os.__file__).parent
    names = ("abc.py", "ast.py", "bisect.py", "csv.py", "json/decoder.py", "heapq.py", "textwrap.py", "string.py")
    code = [Made("library", name, (library / name).read_text(encoding="utf-8")) for name in names]
    published(
        folder, [*BOOKS, *code, Made("odd", "name.txt", TEMPLATE), Made("odd", "ümläut", "Grüße, 世界! 🎉\r\n\t ")]
    )
    run(folder, TokensSettings(tokenizer=Tokenizer(vocabulary=1000)))
    return folder


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    return home / "tokens" / "1"


def documents(folder: Path) -> Iterator[tuple[dict[str, str], np.ndarray]]:
    tokens = Tokens.open(folder)
    start = 0
    for row, end in zip(tokens.documents().to_pylist(), tokens.ends.tolist(), strict=True):
        yield row, tokens.tokens[start:end]
        start = end


def test_every_training_document_decodes_to_its_text_and_no_held_out_one_is_there(home: Path, folder: Path) -> None:
    opened = reader(home)
    expected = [row for batch in opened.texts(opened.documents(split="train")) for row in batch.to_pylist()]
    encoder = Encoder(folder / "tokenizer.json")
    found = list(documents(folder))
    assert [row["document"] for row, _ in found] == [row["document"] for row in expected]
    assert [encoder.decode(ids[:-1]) for _, ids in found] == [row["text"] for row in expected]
    assert all(ids[-1] == encoder.end_of_text and encoder.end_of_text not in ids[:-1] for _, ids in found)
    assert {row["origin"] for row, _ in found} & {"b/held.txt", "short.py", "broken.py"} == set()


def test_ids_are_those_of_tokenizers_and_of_transformers(home: Path, folder: Path) -> None:
    from tokenizers import Tokenizer as Oracle
    from transformers import AutoTokenizer

    oracle, automatic = Oracle.from_file(str(folder / "tokenizer.json")), AutoTokenizer.from_pretrained(folder)
    oracle.encode_special_tokens = True
    opened = reader(home)
    texts = {row["document"]: row["text"] for b in opened.texts(opened.documents()) for row in b.to_pylist()}
    for row, ids in documents(folder):
        text = texts[row["document"]]
        assert oracle.encode(text).ids == ids[:-1].tolist()
        assert automatic(text, split_special_tokens=True)["input_ids"] == ids[:-1].tolist()
    assert automatic.eos_token == END_OF_TEXT
    assert automatic.eos_token_id == Tokens.open(folder).end_of_text == len(automatic) - 1 == 999
    assert automatic.decode(automatic(TEMPLATE, split_special_tokens=True)["input_ids"]) == TEMPLATE


@settings(deadline=None, max_examples=150)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from([TEMPLATE, "", " " * 50]))
def test_any_text_is_encoded_as_tokenizers_does_and_comes_back(folder: Path, text: str) -> None:
    from tokenizers import Tokenizer as Oracle

    encoder, oracle = Encoder(folder / "tokenizer.json"), Oracle.from_file(str(folder / "tokenizer.json"))
    oracle.encode_special_tokens = True
    ids, lengths = encoder.encode(pa.array(["left", text, "right"], pa.large_string()).slice(1, 1))
    assert ids.tolist() == oracle.encode(text).ids
    assert lengths.tolist() == [len(ids)]
    assert encoder.decode(ids) == text


def test_facts_count_tokens_by_source_and_the_digest_is_of_the_content(home: Path, folder: Path) -> None:
    again = run(home, TokensSettings(tokenizer=Tokenizer(vocabulary=1000)), version=7)
    facts = again.facts
    assert again.digest == tokens_digest(Tokens.open(folder))
    assert facts["tokens"] == sum(source["tokens"] for source in facts["by_source"].values())
    assert facts["tokens"] == len(Tokens.open(folder).tokens)
    assert facts["documents"] == 14
    assert (facts["vocabulary"], facts["held_out_documents"], facts["tokenizer"]) == (1000, 1, "trained here")
    assert 2 < facts["bytes_per_token"] < 6


def test_training_does_not_depend_on_order_and_never_sees_a_held_out_text(tmp_path: Path) -> None:
    held_out = next(one for one in BOOKS if one.split == "held_out")
    made = {"a": BOOKS, "b": [one for one in reversed(BOOKS) if one != held_out],
            "seen": [replace(one, split="train") for one in BOOKS]}  # fmt: skip
    digests = {}
    for name, documents_made in made.items():
        published(tmp_path / name, documents_made)
        digests[name] = run(tmp_path / name, TokensSettings(tokenizer=Tokenizer(vocabulary=500))).digest
    assert digests["a"] == digests["b"] != digests["seen"]
    learned = {
        name: "xylo" in (tmp_path / name / "tokens" / "1" / "tokenizer.json").read_text(encoding="utf-8")
        for name in made
    }
    assert learned == {"a": False, "b": False, "seen": True}


def test_a_vocabulary_larger_than_the_texts_yield_is_reported_as_it_came_out(tmp_path: Path) -> None:
    published(tmp_path, [Made("books", "one.txt", "a little text, a little text")])
    output = run(tmp_path, TokensSettings(tokenizer=Tokenizer(vocabulary=16_384)))
    assert 257 < output.facts["vocabulary"] < 300
    assert Tokens.open(tmp_path / "tokens" / "1").end_of_text == output.facts["vocabulary"] - 1


def test_a_pinned_tokenizer_is_kept_as_it_is(tmp_path: Path) -> None:
    published(tmp_path)
    run(tmp_path)
    first = Artifact("tokens", 1, "", "", tmp_path / "tokens" / "1")
    published(tmp_path, [*BOOKS, Made("new", "x", "Quite another text about zebras and xylophones. " * 50)], version=2)
    pinned = TokensSettings(tokenizer=Tokenizer.model_validate({"from": "tokens@1"}))
    output = module.run(pinned, {"pile": pile(tmp_path, 2), "tokenizer": first}, context(tmp_path, 2, "tokens"))
    same = [(tmp_path / "tokens" / version / "tokenizer.json").read_bytes() for version in ("1", "2")]
    assert same[0] == same[1]
    assert output.facts["tokenizer"] == "tokens@1"
    with pytest.raises(UsageError, match="tokens@1 do not exist"):
        module.run(pinned, {"pile": pile(tmp_path)}, context(tmp_path, 3, "tokens"))


def test_a_killed_run_goes_on_to_the_same_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path)
    whole = run(tmp_path).digest
    for dies in ("encode", "_write_texts"):
        with monkeypatch.context() as patch:

            def die(*arguments: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(module, dies, die)
            if dies == "_write_texts":  # the trained tokenizer in `work` is used; texts are not written again
                assert run(tmp_path, version=2).digest == whole
            else:
                with pytest.raises(KeyboardInterrupt):
                    run(tmp_path, version=2)


def test_training_leaves_stdout_to_json(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import pyarrow as pa, pyarrow.parquet as pq\n"
        "from modelwright.engines.gigatoken import train\n"
        "folder = Path(sys.argv[1])\n"
        "pq.write_table(pa.table({'text': ['some text, some more text'] * 9}), folder / 't')\n"
        "print(train(folder / 't', 280, folder), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip().isdigit(), done
    assert done.stderr == ""


def test_a_pile_without_training_documents_is_an_error(tmp_path: Path) -> None:
    published(tmp_path, [Made("books", "held.txt", "only this", split="held_out")])
    with pytest.raises(EmptyResult, match="no document of pile@1 is in the training split"):
        run(tmp_path)


def test_a_tokenizer_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {}}, "added_tokens": []}')
    with pytest.raises(InputError, match="no tokenizer that can be used"):
        Encoder(tmp_path / "tokenizer.json")


def test_the_estimate_is_unknown_without_a_pile_and_grows_with_it(home: Path) -> None:
    assert module.estimate(SMALL, {}, MACHINE).seconds is None
    estimate = module.estimate(SMALL, {"pile": pile(home)}, MACHINE)
    assert estimate.seconds is not None
    assert estimate.seconds >= 3
    assert estimate.basis


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(range(9)), unique=True, min_size=1), st.lists(st.sampled_from(range(9)), unique=True))
def test_tokens_copied_from_an_earlier_version_equal_tokens_made_anew(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], second: list[int]
) -> None:
    def made(numbers: list[int]) -> list[Made]:
        some = [
            Made("some", f"{number}.txt", f"text {number % 7} of some length. " * (number + 1)) for number in numbers
        ]
        return [*BOOKS, *some]

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(borders, "SMALLEST", 2)  # many shards, of which some are the same files
    home = tmp_path_factory.mktemp("grown")
    published(home, made(first))
    run(home)
    published(home, made(second), version=2)
    pinned = TokensSettings.model_validate({"tokenizer": {"from": "tokens@1"}})
    earlier = Artifact("tokens", 1, "", "", home / "tokens" / "1")
    grown = module.run(pinned, {"pile": pile(home, 2), "tokenizer": earlier}, context(home, 2, "tokens"))
    assert grown.facts["encoded_before"] >= 4
    anew = tmp_path_factory.mktemp("anew")
    published(anew, made(second))
    elsewhere = context(anew, 1, "tokens")
    assert grown.digest == module.run(pinned, {"pile": pile(anew), "tokenizer": earlier}, elsewhere).digest
    monkeypatch.undo()
    assert grown.facts["tokens"] == len(Tokens.open(home / "tokens" / "2").tokens)
    assert grown.files == {path.name: digest_file(path) for path in (home / "tokens" / "2").glob("shard-*")}
    if set(first) == set(second):
        shards = [path.name for path in (home / "tokens" / "1").glob("shard-*")]
        assert all((home / "tokens" / "1" / name).samefile(home / "tokens" / "2" / name) for name in shards)
