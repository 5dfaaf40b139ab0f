"""The objective next_token."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.models.head import has_plain_head
from modelwright.models.qwen3 import Qwen3
from modelwright.train.head import summed_cross_entropy
from modelwright.train.objectives.next_token import IGNORED, NextToken

TOKENS = np.array([5, 6, 7, 0, 8, 0, 9, 4, 3, 2, 0], dtype=np.uint16)  # three documents, end-of-text is 0


def test_targets_are_the_span_inputs_one_earlier_and_positions_restart_at_documents() -> None:
    batch = NextToken().batch(TOKENS, np.array([[0, 6], [6, 11]]), 6, 0)
    assert batch["targets"].tolist() == [[5, 6, 7, 0, 8, 0], [9, 4, 3, 2, 0, IGNORED]]
    assert batch["inputs"].tolist() == [[0, 5, 6, 7, 0, 8], [0, 9, 4, 3, 2, 0]]
    assert batch["positions"].tolist() == [[0, 1, 2, 3, 0, 1], [0, 1, 2, 3, 4, 5]]


def test_a_window_in_the_middle_of_a_document_begins_at_position_zero() -> None:
    batch = NextToken().batch(TOKENS, np.array([[8, 10]]), 4, 0)
    assert batch["inputs"].tolist() == [[4, 3, 0, 0]]
    assert batch["positions"].tolist() == [[0, 1, 2, 3]]
    assert batch["targets"].tolist() == [[3, 2, IGNORED, IGNORED]]


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = Qwen3(width=32, layers=2, context=16).config(40, 0)
    config.initializer_range = 0.2
    return AutoModelForCausalLM.from_config(config).eval()


def loss(model: torch.nn.Module, spans: list[list[int]], context: int) -> float:
    arrays = NextToken().batch(TOKENS, np.array(spans), context, 0)
    with torch.no_grad():
        return float(NextToken().loss(model, {name: torch.from_numpy(array) for name, array in arrays.items()}))


def test_documents_in_one_window_do_not_see_each_other(model: torch.nn.Module) -> None:
    together = loss(model, [[0, 11]], 16)
    apart = sum(loss(model, [span], 16) for span in ([0, 4], [4, 6], [6, 11]))
    assert together == pytest.approx(apart, rel=1e-5)


def test_padding_changes_nothing(model: torch.nn.Module) -> None:
    assert loss(model, [[0, 6], [6, 11]], 16) == pytest.approx(loss(model, [[0, 6]], 6) + loss(model, [[6, 11]], 5))


def test_the_fused_head_gives_the_loss_and_gradients_of_the_plain_one(
    model: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert has_plain_head(model)
    arrays = NextToken().batch(TOKENS, np.array([[0, 6], [6, 11]]), 6, 0)
    batch = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def gradients() -> tuple[float, list[torch.Tensor]]:
        model.zero_grad()
        value = NextToken().loss(model, batch) / 11
        value.backward()
        return float(value.detach()), [
            parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None
        ]

    fused_value, fused = gradients()
    monkeypatch.setattr("modelwright.models.head.PLAIN_HEADS", frozenset())
    plain_value, plain = gradients()
    model.zero_grad()
    assert fused_value == pytest.approx(plain_value, rel=1e-6)
    assert len(fused) == len(plain) > 10
    for ours, reference in zip(fused, plain, strict=True):
        assert torch.allclose(ours, reference, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.integers(2, 50), st.integers(0, 99))
def test_the_summed_cross_entropy_agrees_with_torch_for_any_shape(
    rows: int, width: int, vocabulary: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, width, generator=generator, dtype=torch.float32, requires_grad=True)
    head = (torch.randn(vocabulary, width, generator=generator) * 5).requires_grad_()
    targets = torch.randint(0, vocabulary, (rows,), generator=generator)
    targets[torch.rand(rows, generator=generator) < 0.3] = IGNORED
    ours = torch.autograd.grad(summed_cross_entropy(hidden, head, targets), (hidden, head))
    value = torch.nn.functional.cross_entropy(hidden @ head.T, targets, ignore_index=IGNORED, reduction="sum")
    theirs = torch.autograd.grad(value, (hidden, head))
    assert float(summed_cross_entropy(hidden, head, targets).detach()) == pytest.approx(float(value.detach()), abs=1e-4)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-4)
