"""Proofs of inclusion and absence: every member verifies, no stranger does, and nothing forged holds."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import made_pile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.fingerprint import merkle_root
from modelwright.formats.pile import content_leaves, content_root, text_leaves, text_root
from modelwright.formats.proofs import EMPTY, Tree, holds, problems

DIGESTS = st.sets(st.binary(min_size=32, max_size=32), max_size=40).map(sorted)


def tree_of(count: int) -> Tree:
    return Tree("text", sorted(hashlib.sha256(str(number).encode()).digest() for number in range(count)))


@given(DIGESTS)
def test_every_member_is_proved_against_the_root_of_the_pile(leaves: list[bytes]) -> None:
    tree = Tree("text", leaves)
    assert tree.root == merkle_root(leaves)
    for leaf in leaves:
        proof = tree.prove(leaf.hex())
        assert proof["kind"] == "inclusion"
        assert holds(proof, merkle_root(leaves))


@given(DIGESTS, st.binary(min_size=32, max_size=32))
def test_every_stranger_is_proved_to_be_absent(leaves: list[bytes], stranger: bytes) -> None:
    others = [leaf for leaf in leaves if leaf != stranger]
    proof = Tree("text", others).prove(stranger.hex())
    assert proof["kind"] == "absence"
    assert holds(proof, merkle_root(others))


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=40).map(sorted), st.data())
def test_no_member_can_be_shown_to_be_absent_with_neighbours_that_are_there(leaves: list[bytes], data: Any) -> None:
    """Any two honest paths, any claimed places and number of leaves: a key that is in never seems to be out."""
    tree = Tree("text", leaves)
    member = data.draw(st.sampled_from(leaves)).hex()
    shown = [tree._shown(data.draw(st.integers(0, len(leaves) - 1))) for _ in range(data.draw(st.integers(0, 2)))]
    for leaf in shown:
        leaf["index"] = data.draw(st.one_of(st.just(leaf["index"]), st.integers(0, 64)))
    size = data.draw(st.one_of(st.just(len(leaves)), st.integers(0, 65)))
    forged = {**tree.prove(member), "kind": "absence", "leaves": shown, "size": size}
    assert not holds(forged, tree.root)


@given(st.integers(1, 40), st.data())
def test_a_changed_proof_does_not_hold(count: int, data: Any) -> None:
    tree = tree_of(count)
    key = data.draw(st.one_of(st.sampled_from(tree.keys), st.binary(min_size=32, max_size=32).map(bytes.hex)))
    proof = tree.prove(key)
    forged = copy.deepcopy(proof)
    places: list[tuple[Any, Any]] = [(forged, "key"), (forged, "root")]
    for leaf in forged["leaves"]:
        places += [(leaf, "leaf"), *((leaf["path"], number) for number in range(len(leaf["path"])))]
    holder, name = data.draw(st.sampled_from(places))
    digit = data.draw(st.integers(0, 63))
    old = holder[name]
    holder[name] = old[:digit] + ("0" if old[digit] != "0" else "1") + old[digit + 1 :]
    if name == "key" and proof["kind"] == "absence":  # between the same neighbours other keys are absent too
        assert holds(forged, tree.root) == (tree.prove(forged["key"])["leaves"] == proof["leaves"])
    else:
        assert not holds(forged, tree.root)


def test_a_proof_is_for_one_root() -> None:
    proof = tree_of(7).prove(tree_of(7).keys[3])
    assert holds(proof)
    assert "not" in problems(proof, tree_of(8).root)[0]


def test_an_empty_tree_has_nothing_and_proves_it() -> None:
    proof = Tree("text", []).prove("0" * 64)
    assert holds(proof, EMPTY)
    assert merkle_root([]) == EMPTY
    assert not holds({**proof, "root": tree_of(3).root})


@pytest.mark.parametrize("odd", [None, [], {}, {"format": "other"}, {"format": "modelwright-proof:v1", "kind": 3}])
def test_what_is_no_proof_is_said_to_be_none(odd: Any) -> None:
    assert problems(odd) == ["this is no proof of modelwright"]


def test_a_true_place_written_as_truth_is_no_number() -> None:
    proof = tree_of(2).prove(tree_of(2).keys[1])
    proof["leaves"][0]["index"] = True
    assert not holds(proof)


def test_documents_are_proved_by_their_canonical_rows() -> None:
    documents = made_pile.tables(made_pile.BOOKS)[0]
    tree = Tree("document", content_leaves(documents))
    assert tree.root == content_root(documents)
    assert Tree("text", text_leaves(documents)).root == text_root(documents)
    inside, outside = made_pile.BOOKS[0].document, made_pile.BOOKS[-1].document
    assert tree.prove(inside)["kind"] == "inclusion"
    assert holds(tree.prove(inside), content_root(documents))
    assert tree.prove(outside)["kind"] == "absence"
    assert holds(tree.prove(outside), content_root(documents))


def test_leaves_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted"):
        Tree("text", [b"\x02" * 32, b"\x01" * 32])


@pytest.mark.slow
def test_a_proof_among_a_million_texts_has_20_hashes() -> None:
    tree = tree_of(1_000_000)
    proof = tree.prove(tree.keys[123_456])
    path = proof["leaves"][0]["path"]
    assert 32 + 32 * len(path) == 672
    assert len(json.dumps(proof)) < 2_000
    assert holds(proof, tree.root)
