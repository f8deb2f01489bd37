"""Need, feasibility and vetoes stay three things; ranks come with what makes them unsure."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eo_helpers.desealing import mcda
from eo_helpers.desealing.criteria import CRITERIA, NEED, values_of
from eo_helpers.desealing.dethrone import deciding_criterion, smallest_change
from eo_helpers.desealing.priority import prioritise
from eo_helpers.desealing.runoff import avoided, curve_number, runoff_depth
from eo_helpers.desealing.units import check_units
from eo_helpers.errors import InvalidInput

#: Hwang and Yoon (1981), Multiple Attribute Decision Making, the choice of a fighter aircraft:
#: speed, range, payload, cost, reliability, manoeuvrability; published closeness to the ideal.
AIRCRAFT = np.array(
    [
        [2.0, 1500, 20000, 5.5, 5, 9],
        [2.5, 2700, 18000, 6.5, 3, 5],
        [1.8, 2000, 21000, 4.5, 7, 7],
        [2.2, 1800, 20000, 5.0, 5, 5],
    ]
)
SENSE = np.array([1, 1, 1, -1, 1, 1])
WEIGHTS = np.array([0.2, 0.1, 0.1, 0.1, 0.2, 0.3])
PUBLISHED = [0.643, 0.268, 0.613, 0.312]


def test_the_published_example_is_ranked_as_the_library_ranks_it():
    from pymcdm.methods import PROMETHEE_II, TOPSIS, WSM
    from pymcdm.normalizations import minmax_normalization, vector_normalization

    theirs = TOPSIS(vector_normalization)(AIRCRAFT, WEIGHTS, SENSE)
    np.testing.assert_allclose(theirs, PUBLISHED, atol=6e-4)  # the library is the book's
    values = np.column_stack([minmax_normalization(AIRCRAFT[:, k], SENSE[k] < 0) for k in range(6)])
    for ours, library in (
        (mcda.topsis, TOPSIS(minmax_normalization)),
        (mcda.weighted_sum, WSM(minmax_normalization)),
        (mcda.promethee_ii, PROMETHEE_II("usual")),
    ):
        score = library(AIRCRAFT, WEIGHTS, SENSE)
        np.testing.assert_allclose(ours(values, WEIGHTS), score, atol=1e-12)


def units(n: int = 30, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    out = {c.name: rng.uniform(min(c.none, c.full), max(c.none, c.full), n) for c in CRITERIA}
    return pd.DataFrame({**out, **columns})


def test_values_are_fixed_and_a_missing_one_is_anything():
    (canopy,) = (c for c in NEED if c.name == "canopy")
    assert canopy.value(np.array([0.0, 15.0, 30.0, 80.0])).tolist() == [1.0, 0.5, 0.0, 0.0]
    low, high = values_of(canopy, np.array([np.nan, 10.0]), np.array([np.nan, 20.0]))
    assert (low[0], high[0]) == (0.0, 1.0)
    assert low[1] == pytest.approx(1 / 3) and high[1] == pytest.approx(2 / 3)
    with pytest.raises(InvalidInput, match="borne basse"):
        values_of(canopy, np.array([20.0]), np.array([10.0]))


def test_two_communes_compare():
    # The best sector of a green commune is not stretched to 1.
    green = units(5).assign(impervious=12.0, heat=0.0, people=1.0, canopy=29.0, runoff=0.1)
    assert prioritise(green, draws=10).table["need"].max() < 0.1


def test_no_score_buys_a_veto_back_and_need_does_not_buy_feasibility():
    table = units(12)
    table.loc[0, [c.name for c in NEED]] = [100.0, 4.0, 300.0, 0.0, 50.0]  # the strongest need
    table.loc[1, [c.name for c in NEED]] = [100.0, 4.0, 300.0, 0.0, 50.0]
    table["veto_polluted"] = [True] + [False] * 11
    for name, worst in (
        ("public_place", 0),
        ("public_owner", 0),
        ("permeability", 1),
        ("slope", 9),
    ):
        table.loc[1, name] = worst
    found = prioritise(table, draws=50).table
    assert found["vetoed"].tolist()[0] == "polluted"
    assert not found["candidate"][0] and np.isnan(found["rank"][0])
    assert not found["candidate"][1]
    assert found["need"][[0, 1]].tolist() == [1.0, 1.0]  # still told


def test_a_missing_criterion_widens_the_rank_and_is_not_zero():
    table = units(20)
    known = prioritise(table, draws=200).table
    table.loc[3, "heat"] = np.nan
    unsure = prioritise(table, draws=200).table
    assert unsure["need_low"][3] < known["need"][3] < unsure["need_high"][3] + 0.2
    width = unsure["rank_high"] - unsure["rank_low"]
    assert width[3] > (known["rank_high"] - known["rank_low"])[3]


@pytest.mark.parametrize("method", ["weighted_sum", "topsis", "promethee"])
def test_criteria_all_equal_and_one_value(method):
    same = pd.DataFrame([units(1).iloc[0]] * 6).reset_index(drop=True)
    found = prioritise(same, method=method, draws=20).table
    assert found["need"].nunique() == 1
    assert sorted(found["rank"].dropna()) == list(range(1, int(found["candidate"].sum()) + 1))


def test_what_is_asked_wrongly_is_said():
    with pytest.raises(InvalidInput, match="poids"):
        prioritise(units(), {c.name: 0.0 for c in CRITERIA})
    with pytest.raises(InvalidInput, match="critère inconnu : warmth"):
        prioritise(units(), {"warmth": 1.0})
    with pytest.raises(InvalidInput, match="electre"):
        prioritise(units(), method="electre")


def test_overlapping_blocks_are_refused_touching_ones_are_not():
    touching = gpd.GeoDataFrame(geometry=shapely.box([0, 10], 0, [10, 20], 10), crs=2154)
    check_units(touching)
    apart = gpd.GeoDataFrame(geometry=shapely.box([0, 5], 0, [10, 15], 10), crs=2154)
    with pytest.raises(InvalidInput, match="se recouvrent"):
        check_units(apart)
    inside = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 10, 10), shapely.box(2, 2, 8, 8)],
                              crs=2154)  # fmt: skip
    with pytest.raises(InvalidInput, match="se recouvrent"):
        check_units(inside)


tables = hnp.arrays(
    float, st.tuples(st.integers(2, 7), st.integers(2, 5)),
    elements=st.floats(0, 1, allow_nan=False).map(lambda v: round(v, 3)),
)  # fmt: skip


@given(tables, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_smallest_change_dethrones_and_half_of_it_does_not(values, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(values.shape[1]))
    scores = mcda.weighted_sum(values, weights)
    first = int(np.argmax(scores))
    change = smallest_change(values, weights)
    if change is None:
        for drawn in rng.dirichlet(np.ones(values.shape[1]), 50):
            assert np.all(values[first] @ drawn >= values @ drawn - 1e-9)
        return
    after = mcda.weighted_sum(values, change.weights)
    assert after[change.rival] >= after[first] - 1e-7
    assert 0.5 * np.abs(change.weights - weights).sum() == pytest.approx(change.moved, abs=1e-6)
    # No nearer weights do it: between here and any others that are as near, the first stays.
    for drawn in rng.dirichlet(np.ones(values.shape[1]), 50):
        step = drawn - weights
        size = 0.5 * np.abs(step).sum()
        if size > 0 and change.moved > 1e-6:
            near = weights + step * min(1.0, 0.99 * change.moved / size)
            assert values[first] @ near >= (values @ near).max() - 1e-9


def test_the_deciding_criterion_is_the_one_that_tells_them_apart():
    values = np.full((40, 3), 0.5)
    values[:, 1] = np.linspace(1, 0, 40)
    values[:, 2] = np.linspace(0, 0.1, 40)
    which, changed = deciding_criterion(values, np.ones(3), first=5)
    assert which == 1 and changed == 1.0
    assert deciding_criterion(np.ones((4, 2)), np.ones(2)) == (-1, 0.0)


def test_runoff_is_that_of_the_handbook():
    # TR-55 (USDA 1986), table 2-1: rainfall and curve number to run-off, inches.
    for rain, number, told in ((2.0, 90, 1.09), (3.0, 80, 1.25), (5.0, 70, 2.04), (1.0, 70, 0.0)):
        depth = runoff_depth(rain * 25.4, number) / 25.4
        assert float(depth) == pytest.approx(told, abs=0.006)
    assert curve_number([40.0, 20.0, 5.0, 0.5, np.nan])[:4].tolist() == [49, 69, 79, 84]


@given(st.floats(1, 200), st.floats(10, 1e5), st.one_of(st.none(), st.floats(0.05, 200)))
def test_planting_never_makes_more_water(rain, area, ksat):
    won = avoided(area, rain, np.nan if ksat is None else ksat)
    assert 0 <= won.low <= won.volume + 1e-9 <= won.high + 2e-9 <= area * rain / 1e3 + 1e-6
    assert won.rational_low <= won.rational_high


@pytest.mark.parametrize(("rain", "number"), [(-1, 80), (10, 0), (10, 101), (np.nan, 80)])
def test_impossible_rain_or_curve_number(rain, number):
    with pytest.raises(InvalidInput):
        runoff_depth(rain, number)
