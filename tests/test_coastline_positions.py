"""Crossings of shorelines and transects, tidal correction, outliers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers.coastline.positions import (
    correct_tide,
    crossings,
    flag_outliers,
    shoreline_positions,
)
from eo_helpers.errors import InvalidInput

HERE = np.array([400_000.0, 6_500_000.0])


def frame(lines, crs=2154, **columns):
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.LineString(np.asarray(c) + HERE) for c in lines], crs=crs
    )


ACROSS = frame([[(0, 0), (100, 0)], [(0, 50), (100, 50)]], transect=["a", "b"])


def test_positions_are_metres_from_the_landward_end():
    lines = frame([[(30, -10), (30, 60)], [(40, -10), (42, 60)]], date=["2020-01-01", "2021-01-01"])
    got = shoreline_positions(lines, ACROSS)
    assert list(got["transect"]) == ["a", "a", "b", "b"]
    assert np.allclose(got["distance_m"], [30, 40 + 2 / 7, 30, 40 + 12 / 7])


@pytest.mark.parametrize(
    ("rule", "expected"), [("seaward", 60), ("landward", 20), ("median", 40), ("drop", None)]
)
def test_a_line_that_crosses_thrice_has_a_named_rule(rule, expected):
    # A lagoon behind the beach: 20, 40, 60 m on the first transect, 60 m on the second.
    lines = frame(
        [[(20, -10), (20, 10), (40, 10), (40, -10), (60, -10), (60, 60)]], date=["2020-01-01"]
    )
    got = shoreline_positions(lines, ACROSS, rule=rule).set_index("transect")
    assert got.loc["b", "distance_m"] == pytest.approx(60)
    if expected is None:
        assert "a" not in got.index
    else:
        assert got.loc["a", "distance_m"] == pytest.approx(expected)
        assert got.loc["a", "crossings"] == 3
        assert got.loc["a", "spread_m"] == pytest.approx(40)


def test_vertices_on_a_transect_count_once_and_ends_count():
    through = shapely.LineString([(30, -10), (30, 0), (30, 10)])
    ends_on = shapely.LineString([(50, 10), (50, 0)])
    begins_on = shapely.LineString([(60, 0), (60, 10)])
    begins_below = shapely.LineString([(70, 0), (70, -10)])
    ends_below = shapely.LineString([(80, -10), (80, 0)])
    touches = shapely.LineString([(10, -5), (11, 0), (12, -5)])
    lines = np.array([through, ends_on, begins_on, begins_below, ends_below, touches])
    got = crossings(lines, shapely.linestrings([[(0.0, 0.0), (100.0, 0.0)]]))
    assert list(got["line"]) == [0, 1, 2, 3, 4, 5]
    assert np.allclose(got["distance_m"], [30, 50, 60, 70, 80, 11])


def test_bent_transects_and_multilines_agree_with_shapely():
    rng = np.random.default_rng(3)
    lines = np.array(
        [
            shapely.MultiLineString([rng.uniform(0, 300, (40, 2)).cumsum(0) / 20 for _ in range(2)])
            for _ in range(30)
        ]
    )
    across = np.array([shapely.LineString(rng.uniform(0, 320, (3, 2))) for _ in range(60)])
    got = crossings(lines, across)
    one, two = np.meshgrid(np.arange(30), np.arange(60))
    met = shapely.intersection(lines[one.ravel()], across[two.ravel()])
    points, of = shapely.get_parts(met, return_index=True)
    points, of = points[~shapely.is_empty(points)], of[~shapely.is_empty(points)]
    truth = pd.DataFrame(
        {
            "line": one.ravel()[of],
            "transect": two.ravel()[of],
            "distance_m": shapely.line_locate_point(across[two.ravel()[of]], points),
        }
    ).sort_values(["transect", "line", "distance_m"])
    assert len(got) == len(truth) > 500
    # A transect that crosses itself may place a point on either branch; ours are not.
    assert np.abs(np.sort(got["distance_m"]) - np.sort(truth["distance_m"])).max() < 1e-6


def test_degrees_are_measured_in_metres():
    lines = frame([[(30, -10), (30, 60)]], date=["2020-01-01"]).to_crs(4326)
    got = shoreline_positions(lines, ACROSS.to_crs(4326))
    assert np.allclose(got["distance_m"], 30, atol=0.01)
    # A web map says 1.5 times as much there.
    web = shoreline_positions(lines.to_crs(3857), ACROSS.to_crs(3857))
    assert np.allclose(web["distance_m"], 30, atol=0.01)


def test_lines_that_miss_every_transect_are_told():
    lines = frame([[(300, -10), (300, 60)]], date=["2020-01-01"])
    with pytest.raises(InvalidInput, match="ne croise"):
        shoreline_positions(lines, ACROSS)
    with pytest.raises(InvalidInput, match="règle"):
        shoreline_positions(lines, ACROSS, rule="nearest")  # type: ignore[arg-type]


def test_tide_moves_high_water_seaward():
    table = pd.DataFrame({"distance_m": [100.0, 100.0]})
    got = correct_tide(table, [1.0, -0.5], 0.05, reference_m=0.5)
    assert np.allclose(got["distance_m"], [110, 80])
    assert np.allclose(got["distance_raw_m"], 100)
    with pytest.raises(InvalidInput, match="pente"):
        correct_tide(table, [1.0, 1.0], 0.0)


def test_outliers_stand_apart_from_both_neighbours():
    days = pd.date_range("2020-01-01", periods=6, freq="MS", tz="UTC")
    table = pd.DataFrame(
        {
            "transect": ["a"] * 6 + ["b"] * 6,
            "date": [*days, *days],
            # a: one spike, and a first date apart; b: a step, which is no outlier.
            "distance_m": [200, 100, 101, 170, 99, 100, 50, 52, 51, 120, 121, 119],
        }
    ).sample(frac=1, random_state=0)
    flagged = table[flag_outliers(table, 40)]
    assert sorted(flagged["distance_m"]) == [170, 200]


def test_truc_vert_crossings(shared_data):
    folder = shared_data / "coastline" / "truc_vert"
    lines = gpd.read_parquet(folder / "shorelines_shorex.parquet")
    across = gpd.read_file(folder / "TRUCVERT_transects.geojson")
    got = shoreline_positions(
        lines.rename(columns={"datetime_utc": "date"}), across.rename(columns={"name": "transect"})
    )
    assert len(got) == 16_410
    assert (got["crossings"] > 1).sum() == 5
    theirs = pd.read_parquet(folder / "shoreline_positions_coastsat.parquet")
    raw = theirs[theirs["series"] == "raw"]
    pairs = got.assign(day=got["date"].dt.floor("D")).merge(
        raw.assign(day=raw["date"].dt.floor("D")), on=["transect", "day"]
    )
    apart = pairs["distance_m_x"] - pairs["distance_m_y"]
    assert len(pairs) == 3_392
    assert apart.mean() == pytest.approx(-12.5, abs=0.05)
    assert np.sqrt((apart**2).mean()) == pytest.approx(17.0, abs=0.05)
    assert apart.std() == pytest.approx(11.5, abs=0.05)
