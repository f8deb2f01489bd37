"""Rank intervals hold the rank under the true weights, and wrong bounds are refused."""

import numpy as np
import pytest

from eo_helpers.desealing.robustness import rank_intervals
from eo_helpers.errors import InvalidInput


def test_intervals_hold_the_true_rank():
    rng = np.random.default_rng(8)
    chosen = np.array([0.4, 0.3, 0.2, 0.1])
    held = []
    for case in range(100):
        truth = rng.random((60, 4))
        half = rng.uniform(0, 0.1, truth.shape)
        centre = truth + rng.uniform(-1, 1, truth.shape) * half
        found = rank_intervals(centre - half, centre + half, chosen, draws=200, seed=case)
        score = truth @ rng.dirichlet(50 * chosen)
        unit = rng.integers(60)
        rank = 1 + (score > score[unit]).sum()
        held.append(found.low[unit] <= rank <= found.high[unit])
    assert np.mean(held) >= 0.8  # 90 expected of 100, less three standard errors


def test_a_certain_winner_is_always_first():
    v = np.array([[0.9, 0.9], [0.5, 0.1], [0.1, 0.5]])
    found = rank_intervals(v, v, np.ones(2), first=1, draws=200)
    assert (found.low[0], found.high[0], found.among_first[0]) == (1, 1, 1.0)


def test_reversed_or_missing_bounds_are_refused():
    for low, high in ((1.0, 0.0), (np.nan, 1.0)):
        with pytest.raises(InvalidInput):
            rank_intervals(np.full((2, 2), low), np.full((2, 2), high), np.ones(2))
