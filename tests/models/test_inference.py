"""Asking a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.models import inference
from modelwright.models.inference import Loaded, Piece, completion_bits, encode, generate, rolling_bits, windows
from modelwright.models.qwen3 import Qwen3
from tests.train.made import make_tokens

CONTEXT = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with large weights, so that its answers vary."""
    from transformers import AutoModelForCausalLM

    home = make_tokens(tmp_path_factory.mktemp("model"))
    torch.manual_seed(3)
    config = Qwen3(width=32, layers=2, context=CONTEXT).config(320, 0)
    config.initializer_range = 0.3
    AutoModelForCausalLM.from_config(config).save_pretrained(home)
    return home


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    return inference.load(folder)


class Spelling:
    """A 'model' that says given tokens one after another, whatever it was asked."""

    def __init__(self, tokens: list[int], vocabulary: int = 320) -> None:
        self.tokens, self.vocabulary = list(tokens), vocabulary

    def __call__(self, **arguments: Any) -> Any:
        logits = torch.zeros(1, 1, self.vocabulary)
        logits[0, 0, self.tokens.pop(0)] = 50.0
        return type("Output", (), {"logits": logits, "past_key_values": None})()


def say(loaded: Loaded, tokens: list[int], stop: tuple[str, ...] = (), max_tokens: int | None = None) -> list[Piece]:
    speaker = Loaded(Spelling(tokens), loaded.tokenizer, 10_000, loaded.end_of_text, "cpu", loaded.end_tokens)
    return list(generate(speaker, [1], max_tokens=len(tokens) if max_tokens is None else max_tokens, stop=stop))


def direct_bits(loaded: Loaded, ids: list[int]) -> list[float]:
    """Bits of each token but the first of one sequence that fits the context."""
    if len(ids) < 2:
        return []
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([ids[:-1]])).logits[0].double()
    chosen = torch.log_softmax(logits, -1)[range(len(ids) - 1), ids[1:]]
    return (-chosen / math.log(2)).tolist()


def test_a_loaded_model_knows_its_context_and_end(loaded: Loaded) -> None:
    assert (loaded.context_length, loaded.end_of_text, loaded.end_tokens) == (CONTEXT, 0, frozenset({0}))


def test_what_is_no_model_is_said_plainly(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json is missing"):
        inference.load(tmp_path)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    torch.save({"w": torch.ones(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be loaded"):
        inference.load(tmp_path)


def test_bits_of_short_texts_are_those_of_one_direct_pass_from_end_of_text(loaded: Loaded) -> None:
    texts = ["the red cat", "", "a dog sees the bird near", "x"]
    bits = rolling_bits(loaded, texts)
    for text, found in zip(texts, bits, strict=True):
        assert found == pytest.approx(sum(direct_bits(loaded, [0, *encode(loaded, [text])[0]])), rel=1e-5)
    assert bits.dtype == np.float64
    assert bits[1] == 0.0


def test_bits_of_a_long_text_are_those_of_its_windows(loaded: Loaded) -> None:
    text = "the red cat sees a blue bird and then a green dog takes the house over near " * 4
    ids = [0, *encode(loaded, [text])[0]]
    wanted, done = 0.0, 1
    while done < len(ids):
        begin = max(0, done - 1 - CONTEXT // 2) if done > 1 else 0
        part = ids[begin : begin + CONTEXT + 1]
        wanted += sum(direct_bits(loaded, part)[done - 1 - begin :])
        done = begin + len(part)
    calls: list[tuple[int, int]] = []
    found = rolling_bits(loaded, [text], progress=lambda some, total: calls.append((some, total)))
    assert found[0] == pytest.approx(wanted, rel=1e-5)
    assert calls[-1][0] == calls[-1][1] == len(windows(len(ids), 1, CONTEXT))


@settings(deadline=None)
@given(st.integers(2, 300), st.integers(1, 40), st.data())
def test_windows_predict_every_token_once_with_at_least_half_a_context(length: int, context: int, data: Any) -> None:
    first = data.draw(st.integers(1, min(length - 1, context)))
    found = windows(length, first, context)
    assert [token for _, scored, end in found for token in range(scored, end)] == list(range(first, length))
    for number, (start, scored, end) in enumerate(found):
        assert 0 < end - 1 - start <= context
        assert start < scored < end
        if number:
            assert scored - start >= context // 2


def test_the_order_and_company_of_texts_changes_no_bits_beyond_rounding(loaded: Loaded) -> None:
    texts = [" ".join(["cat", "dog", "the"] * n) for n in (1, 9, 4, 30, 2)]
    together = rolling_bits(loaded, texts)
    assert np.allclose(together, rolling_bits(loaded, texts[::-1])[::-1], rtol=1e-6)
    assert np.allclose(together, [rolling_bits(loaded, [text])[0] for text in texts], rtol=1e-6)
    assert np.array_equal(together, rolling_bits(loaded, texts))


def test_completion_bits_are_what_the_completion_adds(loaded: Loaded) -> None:
    prompts, completions = ["the red", "", "a dog sees"], [" cat", "the house", " under the tree"]
    found = completion_bits(loaded, prompts, completions)
    for prompt, completion, bits in zip(prompts, completions, found, strict=True):
        before, after = encode(loaded, [prompt, completion])
        assert bits == pytest.approx(sum(direct_bits(loaded, [0, *before, *after])[-len(after) :]), rel=1e-5)


def test_a_prompt_that_is_too_long_is_cut_from_the_left(loaded: Loaded) -> None:
    prompt, completion = "the red cat sees " * 20, " a dog"
    before, after = encode(loaded, [prompt, completion])
    kept = [0, *before, *after][-(CONTEXT + 1) :]
    wanted = sum(direct_bits(loaded, kept)[-len(after) :])
    assert completion_bits(loaded, [prompt], [completion])[0] == pytest.approx(wanted, rel=1e-5)
    long = completion_bits(loaded, [prompt], [completion * 30])
    assert np.isfinite(long[0])
    assert long[0] > 10 * wanted / len(after)


def test_a_special_token_in_a_text_stays_text(loaded: Loaded) -> None:
    assert 0 not in encode(loaded, ["a <|endoftext|> b"])[0]
    assert rolling_bits(loaded, ["<|endoftext|>"])[0] > 0


def test_greedy_generation_with_the_cache_equals_taking_the_likeliest_token_again_and_again(loaded: Loaded) -> None:
    ids = inference.prompt_ids(loaded, "the red")
    pieces = list(generate(loaded, ids, max_tokens=6))
    wanted = list(ids)
    for _ in range(6):
        with torch.no_grad():
            wanted.append(int(loaded.model(input_ids=torch.tensor([wanted])).logits[0, -1].argmax()))
        if wanted[-1] == 0:
            break
    text = loaded.tokenizer.decode(wanted[len(ids) :], skip_special_tokens=True)
    assert "".join(piece.text for piece in pieces) == text
    assert sum(piece.tokens for piece in pieces) == len(wanted) - len(ids)
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish_reason == ("stop" if wanted[-1] == 0 else "length")


def test_sampling_is_a_function_of_the_seed(loaded: Loaded) -> None:
    def sample(seed: int, top_p: float = 1.0) -> str:
        pieces = generate(loaded, [0], max_tokens=12, temperature=1.5, top_p=top_p, seed=seed)
        return "".join(piece.text for piece in pieces)

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(6)}) > 1
    greedy = "".join(piece.text for piece in generate(loaded, [0], max_tokens=12))
    assert sample(1, top_p=1e-9) == sample(2, top_p=1e-9) == greedy


def test_the_nucleus_keeps_the_likeliest_tokens_up_to_top_p() -> None:
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).double().log()
    generator = torch.Generator().manual_seed(0)
    drawn = {inference._choose(logits, 1.0, 0.7, generator) for _ in range(200)}
    assert drawn == {0, 1}


def test_an_answer_ends_at_max_tokens_or_where_the_context_is_full(loaded: Loaded) -> None:
    pieces = list(generate(loaded, [5] * 10, max_tokens=100))
    assert sum(piece.tokens for piece in pieces) <= CONTEXT - 10
    with pytest.raises(InputError, match="16 tokens"):
        generate(loaded, [5] * CONTEXT, max_tokens=1)
    assert list(generate(loaded, [5], max_tokens=0)) == [Piece("", 0, "length")]


def test_an_end_token_stops_and_is_counted_but_not_shown(loaded: Loaded) -> None:
    ids = encode(loaded, ["the cat"])[0]
    pieces = say(loaded, [*ids, 0, *ids])
    assert "".join(piece.text for piece in pieces) == "the cat"
    assert sum(piece.tokens for piece in pieces) == len(ids) + 1
    assert pieces[-1].finish_reason == "stop"


@pytest.mark.parametrize("text", ["naïve café", "日本語 text", "a 🦜 and 👩‍👩‍👧 end", "\u00e9"])
def test_characters_of_several_tokens_come_whole(loaded: Loaded, text: str) -> None:
    pieces = say(loaded, encode(loaded, [text])[0])
    assert "".join(piece.text for piece in pieces) == text
    assert all("\ufffd" not in piece.text for piece in pieces)


def test_an_unfinished_character_at_the_end_is_shown_as_such(loaded: Loaded) -> None:
    ids = encode(loaded, ["cat 🦜"])[0]
    assert "".join(piece.text for piece in say(loaded, ids[:-1])).startswith("cat \ufffd")


@settings(deadline=None, max_examples=200)
@given(st.text("ab日 c", max_size=20), st.lists(st.text("ab日 ", min_size=1, max_size=4), max_size=3))
def test_a_stop_sequence_over_token_borders_never_shows_any_part(loaded: Loaded, text: str, stop: list[str]) -> None:
    found = [(text.find(one) + len(one), text.find(one)) for one in stop if one in text]
    wanted = text[: min(found)[1]] if found else text  # the sequence that is complete first
    pieces = say(loaded, encode(loaded, [text])[0] or [0], tuple(stop))
    assert "".join(piece.text for piece in pieces) == wanted
    if text:
        assert pieces[-1].finish_reason == ("stop" if found else "length")


def test_text_is_given_out_as_it_comes_and_not_only_at_the_end(loaded: Loaded) -> None:
    pieces = say(loaded, encode(loaded, ["the red cat sees a dog"])[0], stop=("\n",))
    assert len(pieces) > 4


def test_an_adapter_changes_the_answer(loaded: Loaded, folder: Path, tmp_path: Path) -> None:
    from modelwright.engines import peft

    base = inference.load(folder)
    tuned = peft.attach_lora(base.model, rank=4, alpha=8)
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.2)
    peft.save_adapter(tuned, tmp_path)
    with_adapter = inference.load(folder, tmp_path)
    assert rolling_bits(with_adapter, ["the red cat"])[0] != rolling_bits(loaded, ["the red cat"])[0]
    assert sum(piece.tokens for piece in generate(with_adapter, [0, 5], max_tokens=4)) >= 1
