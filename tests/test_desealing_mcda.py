"""Multi-criteria methods against pymcdm, and on input that is wrong."""

import numpy as np
import pytest
from pymcdm.methods import PROMETHEE_II, TOPSIS

from eo_helpers.desealing import mcda
from eo_helpers.errors import InvalidInput


@pytest.fixture
def table():
    values = np.random.default_rng(4).random((30, 5)).round(1)
    values[0], values[1] = 0.0, 1.0  # anti-ideal and ideal are then those of the library
    return values, np.array([5.0, 1, 2, 0.5, 3])


def test_promethee_equals_the_library(table):
    values, weights = table
    peer = PROMETHEE_II("usual")(values, weights / weights.sum(), np.ones(5))
    np.testing.assert_allclose(mcda.promethee_ii(values, weights), peer, atol=1e-12)


def test_topsis_equals_the_library(table):
    values, weights = table
    peer = TOPSIS()(values, weights / weights.sum(), np.ones(5))
    np.testing.assert_allclose(mcda.topsis(values, weights), peer, atol=1e-12)


def test_missing_widens_and_is_not_zero():
    low, high = mcda.weighted_interval(np.array([[0.5, np.nan]]), np.array([3.0, 1]))
    assert (low[0], high[0]) == pytest.approx((0.375, 0.625))


def test_criteria_all_equal_tie():
    values, weights = np.full((4, 3), 0.5), np.ones(3)
    for method in (mcda.weighted_sum, mcda.topsis):
        np.testing.assert_allclose(method(values, weights), 0.5)
    np.testing.assert_allclose(mcda.promethee_ii(values, weights), 0)


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [np.nan, 1], [1, 1, 1]])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(InvalidInput):
        mcda.weighted_sum(np.ones((2, 2)), np.array(weights, dtype=float))
