"""Pairs go round: table, file, pairs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.formats import pairs
from modelwright.formats.pairs import Pair

text = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": text}), min_size=1
)
some_pairs = st.lists(
    st.builds(Pair, text, text, st.none() | messages.map(tuple)), unique_by=lambda pair: pair.digest, max_size=20
)


@settings(deadline=None)
@given(some_pairs)
def test_pairs_survive_table_and_file(found: list[Pair]) -> None:
    table = pairs.to_table(found, 0.1)
    with tempfile.TemporaryDirectory() as folder:
        pairs.write(Path(folder), table)
        back = pairs.read(Path(folder))
        parts = [pairs.read(Path(folder), split).num_rows for split in (pairs.TRAIN, pairs.HELD_OUT)]
    assert sorted(pairs.to_pairs(back), key=lambda pair: pair.digest) == sorted(found, key=lambda pair: pair.digest)
    assert sum(parts) == len(found)
    assert pairs.table_digest(back) == pairs.table_digest(table)


@settings(deadline=None)
@given(some_pairs, st.randoms(use_true_random=False))
def test_neither_digest_nor_split_depends_on_order(found: list[Pair], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pairs.to_table(shuffled, 0.3) == pairs.to_table(found, 0.3)


@settings(deadline=None)
@given(some_pairs, some_pairs)
def test_more_pairs_move_no_pair_to_another_split(first: list[Pair], more: list[Pair]) -> None:
    known = {pair.digest for pair in first}
    whole = pairs.to_table([*first, *(pair for pair in more if pair.digest not in known)], 0.3)
    before = dict(zip(*pairs.to_table(first, 0.3).select(["digest", "split"]).to_pydict().values(), strict=True))
    after = dict(zip(*whole.select(["digest", "split"]).to_pydict().values(), strict=True))
    assert before.items() <= after.items()


def test_about_the_asked_share_is_held_out_and_one_prompt_stands_on_one_side() -> None:
    table = pairs.to_table([Pair(f"prompt {n // 2}", f"completion {n}") for n in range(4000)], 0.1)
    held_out = table["split"].to_pylist().count(pairs.HELD_OUT)
    assert 300 <= held_out <= 500
    sides: dict[str, set[str]] = {}
    for prompt, split in zip(table["prompt"].to_pylist(), table["split"].to_pylist(), strict=True):
        sides.setdefault(prompt, set()).add(split)
    assert all(len(side) == 1 for side in sides.values())
