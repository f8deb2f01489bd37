"""Land and sea at both ends of a series, as two pictures on one grid."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.coastline.swipe import STRIP, shores

LAND, SEA = 1, 2


def coast(before, after, days=("1990-06-01", "2020-06-01")):
    """Transects every 100 m northward, from land (west) to sea; shores at given distances."""
    n = len(before)
    lines = [shapely.LineString([(4e5, 6.5e6 + 100 * k), (4e5 + 800, 6.5e6 + 100 * k)])
             for k in range(n)]  # fmt: skip
    transects = gpd.GeoDataFrame({"transect": range(n)}, geometry=lines, crs=2154)
    rows = [(k, pd.Timestamp(day), d)
            for day, shore in zip(days, (before, after), strict=True)
            for k, d in enumerate(shore) if np.isfinite(d)]  # fmt: skip
    return transects, pd.DataFrame(rows, columns=["transect", "date", "distance_m"])


def hectares(layer, code):
    data = layer.data
    return float((data.values == code).sum()) * abs(np.prod(data.rio.resolution())) / 1e4


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(250, 450), st.floats(-80, 80)), min_size=2, max_size=6).map(list)
)
def test_what_the_land_lost_the_sea_gained_and_it_is_the_shore_s_move(moves):
    before = [a for a, _ in moves]
    after = [a + d for a, d in moves]
    first, last = shores(*coast(before, after))
    assert (first.name, last.name) == ("shore_before", "shore_after")
    assert first.data.rio.crs.to_epsg() == 2154
    assert np.array_equal(first.data.x, last.data.x) and np.array_equal(first.data.y, last.data.y)
    # Strips between neighbouring transects: the mean move of both, times 100 m.
    moved = sum((b - a + d - c) / 2 * 100 for a, b, c, d in
                zip(before, after, before[1:], after[1:], strict=False)) / 1e4  # fmt: skip
    drawn = hectares(last, LAND) - hectares(first, LAND)
    whole = 2 * STRIP * 100 * (len(moves) - 1) / 1e4
    assert drawn == pytest.approx(moved, abs=0.02 * whole)
    assert hectares(first, SEA) - hectares(last, SEA) == pytest.approx(drawn, abs=0.02 * whole)
    assert hectares(first, LAND) + hectares(first, SEA) == pytest.approx(whole, rel=0.03)


def test_land_lies_inland_and_the_years_are_told():
    first, last = shores(*coast([300] * 3, [260] * 3))
    at = first.data.sel(x=4e5 + 280, y=6.5e6 + 150, method="nearest")
    gone = last.data.sel(x=4e5 + 280, y=6.5e6 + 150, method="nearest")
    assert (float(at), float(gone)) == (LAND, SEA)
    assert "1990" in first.title["fr"] and "2020" in last.title["fr"]
    assert not first.shown and [c.label["fr"] for c in first.legend.categories] == ["Terre", "Mer"]


def test_a_shore_is_the_mean_of_its_year():
    transects, positions = coast([300] * 3, [260] * 3)
    storm = positions[positions.date.dt.year == 2020].assign(
        distance_m=220.0, date=pd.Timestamp("2020-12-01")
    )
    _, last = shores(transects, pd.concat([positions, storm]))
    # 240 m on average: 230 m is land, 250 m is sea.
    row = last.data.sel(y=6.5e6 + 100, method="nearest")
    assert float(row.sel(x=4e5 + 230, method="nearest")) == LAND
    assert float(row.sel(x=4e5 + 250, method="nearest")) == SEA


def test_a_transect_that_a_year_lacks_is_left_out_of_both():
    whole = shores(*coast([300] * 5, [260] * 5))
    first, last = shores(*coast([300, 300, 300, 300, np.nan], [260] * 5))
    for one, other in zip((first, last), whole, strict=True):
        assert one.data.y.max() < other.data.y.max() - 80
    assert np.array_equal(np.isnan(first.data), np.isnan(last.data))


def test_one_year_or_no_neighbours_draw_nothing():
    assert shores(*coast([300] * 3, [260] * 3, days=("2020-01-01", "2020-06-01"))) == ()
    assert shores(*coast([300, np.nan, 300], [260, 260, 260])) == ()
