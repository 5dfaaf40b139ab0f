"""The optimiser."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.train.muon import MuonAdamW, orthogonal, schedule

RATES = {"matrix_rate": 0.02, "table_rate": 0.01, "vector_rate": 0.01, "weight_decay": 0.0}


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 24), st.integers(0, 40), st.integers(0, 99))
def test_orthogonalised_matrices_have_singular_values_near_one(rows: int, more: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrices = torch.randn(3, rows, rows + more + 8, generator=generator)
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_a_batch_of_matrices_gives_what_each_gives_alone() -> None:
    matrices = torch.randn(4, 16, 48, generator=torch.Generator().manual_seed(0))
    together = orthogonal(matrices)
    for one, result in zip(matrices, together, strict=True):
        assert torch.allclose(orthogonal(one[None])[0], result, atol=1e-5)


def test_adamw_agrees_with_torch() -> None:
    ours = torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4).clone())
    theirs = torch.nn.Parameter(ours.detach().clone())
    optimizer = MuonAdamW([("table", ours)], {"table"}, **RATES)
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.0)
    for step in range(20):
        for parameter in (ours, theirs):
            parameter.grad = torch.sin(parameter.detach() * (step + 1))
        optimizer.step(1.0)
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_hidden_matrices_get_muon_and_tables_and_vectors_adamw() -> None:
    named = [(name, torch.nn.Parameter(torch.zeros(shape))) for name, shape in
             (("table", (9, 4)), ("wide", (4, 8)), ("tall", (8, 4)), ("norm", (4,)))]  # fmt: skip
    optimizer = MuonAdamW(named, {"table"}, **RATES)
    assert sorted(optimizer.state()) == sorted(
        ["momentum.wide", "momentum.tall", "mean.table", "square.table", "mean.norm", "square.norm", "steps"]
    )
    for _, parameter in named:
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    optimizer.step(0.5)
    wide = dict(named)["wide"].detach()
    assert torch.linalg.svdvals(wide).max() == pytest.approx(0.01, rel=0.3)  # orthogonal times rate times factor


def test_a_restored_optimizer_goes_on_with_the_same_bits() -> None:
    def run(optimizer: MuonAdamW, parameter: torch.nn.Parameter, first: int, last: int) -> None:
        for step in range(first, last):
            parameter.grad = torch.cos(parameter.detach() * step + torch.arange(32.0).reshape(4, 8))
            optimizer.step(schedule(step, 10, 0.2, 0.5))

    whole = torch.nn.Parameter(torch.ones(4, 8))
    run(MuonAdamW([("w", whole)], set(), **RATES), whole, 0, 10)
    part = torch.nn.Parameter(torch.ones(4, 8))
    before = MuonAdamW([("w", part)], set(), **RATES)
    run(before, part, 0, 4)
    state = {name: tensor.clone() for name, tensor in before.state().items()}
    again = torch.nn.Parameter(part.detach().clone())
    after = MuonAdamW([("w", again)], set(), **RATES)
    after.restore(state)
    run(after, again, 4, 10)
    assert torch.equal(whole, again)


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1))
def test_the_schedule_stays_between_zero_and_one_and_ends_low(steps: int, warmup: float, decay: float) -> None:
    factors = [schedule(step, steps, warmup, decay) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[-1] <= max(1 / max(1, round(decay * steps)), 1 / steps) + 1e-12 or round(decay * steps) <= 1


def test_the_schedule_rises_stays_and_falls() -> None:
    factors = [schedule(step, 100, 0.1, 0.5) for step in range(100)]
    assert factors[:2] == [0.1, 0.2]
    assert set(factors[9:51]) == {1.0}
    assert factors[75] == pytest.approx(0.5)
    assert factors[99] == pytest.approx(0.02)
