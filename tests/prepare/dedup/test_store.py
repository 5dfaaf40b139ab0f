"""What is kept by digest is measured once, and a crash at any moment loses time and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from modelwright.measure import hashing
from modelwright.prepare.dedup import store
from modelwright.prepare.dedup.base import Corpus


class Texts:
    """Texts by digest; counts what is read and can stop after some batches, as a kill would."""

    def __init__(self, texts: list[str]) -> None:
        self.by_digest = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
        self.read = 0
        self.batches_until_killed = 10**9

    def corpus(self, cache: Path) -> Corpus:
        return Corpus(pa.array(sorted(self.by_digest), pa.string()), self, cache)

    def __call__(self, wanted: pa.Array) -> Iterator[pa.RecordBatch]:
        for first in range(0, len(wanted), 10):
            self.batches_until_killed -= 1
            if self.batches_until_killed < 0:
                raise KeyboardInterrupt
            digests = wanted[first : first + 10]
            self.read += len(digests)
            texts = pa.array([self.by_digest[digest] for digest in digests.to_pylist()], pa.large_string())
            yield pa.record_batch({"digest": digests, "text": texts})

    def expected(self) -> hashing.Signatures:
        return hashing.sign(pa.array([self.by_digest[d] for d in sorted(self.by_digest)], pa.large_string()))


def texts(first: int, last: int) -> Texts:
    return Texts([" ".join(f"word{j * i % 97}" for j in range(i % 40)) + f" {i}" for i in range(first, last)])


def same(found: hashing.Signatures, expected: hashing.Signatures) -> bool:
    gathered = [found.shingles[s : s + n] for s, n in zip(found.starts, found.lengths, strict=True)]
    return (
        bool((found.keys == expected.keys).all())
        and bool((np.concatenate(gathered) == expected.shingles).all())
        and bool((found.truncated == expected.truncated).all())
    )


def test_only_new_texts_are_read_and_signed(tmp_path: Path) -> None:
    first, more = texts(0, 300), texts(0, 303)
    assert same(store.signatures(first.corpus(tmp_path)), first.expected())
    assert first.read == 300
    assert same(store.signatures(more.corpus(tmp_path)), more.expected())
    assert more.read == 3
    again = texts(100, 200)
    assert same(store.signatures(again.corpus(tmp_path)), again.expected())
    assert again.read == 0


def test_killed_between_batches_the_next_run_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_FLUSH_BYTES", 20_000)
    killed = texts(0, 300)
    killed.batches_until_killed = 17
    with pytest.raises(KeyboardInterrupt):
        store.signatures(killed.corpus(tmp_path))
    resumed = texts(0, 300)
    assert same(store.signatures(resumed.corpus(tmp_path)), resumed.expected())
    assert 130 <= resumed.read < 300


def test_many_small_additions_are_compacted_and_stay_right(tmp_path: Path) -> None:
    for last in range(2, 60, 2):
        added = texts(0, last)
        assert same(store.signatures(added.corpus(tmp_path)), added.expected())
        assert added.read == 2
    assert len(list(tmp_path.rglob("*.arrow"))) <= store._INDICES_AT_MOST + 1


@pytest.mark.parametrize("damage", ["hashes cut", "hashes gone", "index cut", "garbage behind"])
def test_a_damaged_store_is_measured_anew(tmp_path: Path, damage: str) -> None:
    store.signatures(texts(0, 50).corpus(tmp_path))
    store.signatures(texts(0, 90).corpus(tmp_path))
    (hashes,), indices = list(tmp_path.rglob("shingles.u64")), sorted(tmp_path.rglob("*.arrow"))
    if damage == "hashes cut":
        hashes.write_bytes(hashes.read_bytes()[:1000])
    elif damage == "hashes gone":
        hashes.unlink()
    elif damage == "index cut":
        indices[0].write_bytes(indices[0].read_bytes()[:100])
    else:
        hashes.write_bytes(hashes.read_bytes() + b"\x01" * 77)
    again = texts(0, 120)
    assert same(store.signatures(again.corpus(tmp_path)), again.expected())
    assert again.read >= 30


def test_an_empty_corpus_and_texts_without_words_are_fine(tmp_path: Path) -> None:
    assert len(store.signatures(Texts([]).corpus(tmp_path))) == 0
    assert not store.signatures(Texts(["", "a b"]).corpus(tmp_path)).lengths.any()


def test_a_disk_that_refuses_is_an_error_with_its_cure(tmp_path: Path) -> None:
    limited = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[2]); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import pathlib, test_store; from modelwright.core.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "try: test_store.store.signatures(test_store.texts(0, 300).corpus(pathlib.Path(sys.argv[1])))\n"
        "except StorageError as error: print('hint:', error.hint)\n"
    )
    arguments = [sys.executable, "-c", limited, str(tmp_path), str(Path(__file__).parent)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("hint: free some space"), done.stderr
    again = texts(0, 300)
    assert same(store.signatures(again.corpus(tmp_path)), again.expected())
