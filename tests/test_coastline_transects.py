"""Transects: none crosses another, spaced as asked, upright on the shore, from land to sea."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.coastline.crs import check_coordinates, measuring_crs
from eo_helpers.coastline.transects import (
    angles_between,
    crossing_pairs,
    draw_transects,
    smooth_line,
)
from eo_helpers.errors import InvalidInput

HERE = np.array([400_000.0, 6_500_000.0])


def layer(xy, crs=2154):
    return gpd.GeoDataFrame(geometry=[shapely.LineString(np.asarray(xy) + HERE)], crs=crs)


def places(transects):
    return shapely.line_interpolate_point(
        transects.geometry.values, transects["landward_m"].to_numpy()
    )


def test_straight_shore_has_upright_transects_from_land_to_sea():
    # Northwards with the sea on the left: transects point west.
    got = draw_transects(layer([(0, 0), (0, 2000)]), spacing=100, sea="left")
    ends = shapely.get_coordinates(got.geometry.values).reshape(-1, 2, 2) - HERE
    assert len(got) == 20
    assert np.allclose(ends[:, 0, 0], 150) and np.allclose(ends[:, 1, 0], -200)
    assert np.allclose(ends[:, 0, 1], ends[:, 1, 1])
    assert np.allclose(np.diff(got["along_m"]), 100)
    other = draw_transects(layer([(0, 0), (0, 2000)]), spacing=100, sea="right")
    assert (angles_between(got.geometry.values, other.geometry.values) > 179).all()


def hairpin(radius, arm=600):
    turn = np.linspace(np.pi / 2, -np.pi / 2, 60)
    arc = np.column_stack([np.cos(turn), np.sin(turn)]) * radius
    return np.vstack([[(-arm, radius)], arc, [(-arm, -radius)]])


@pytest.mark.parametrize("sea", ["left", "right"])
@pytest.mark.parametrize("radius", [40, 100, 300])
def test_no_transect_meets_another_on_bays_and_spits(sea, radius):
    got = draw_transects(layer(hairpin(radius)), spacing=25, sea=sea)
    assert len(got) > 20
    assert len(crossing_pairs(got.geometry.values)) == 0
    assert (np.abs(got["turn_deg"]) <= 30 + 1e-6).all()
    # On the narrow side none passes half of the way to the opposite shore.
    inner = got["seaward_m" if sea == "right" else "landward_m"]
    assert inner.iloc[: len(inner) // 4].max() <= radius + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["left", "right"]), st.sampled_from([20, 60, 200]))
def test_no_transect_meets_another_on_any_shore(seed, sea, spacing):
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.15, 400).cumsum()
    xy = np.cumsum(np.column_stack([np.cos(steps), np.sin(steps)]) * 15, axis=0)
    line = shapely.LineString(xy)
    if not line.is_simple:
        return
    got = draw_transects(layer(xy), spacing=spacing, sea=sea)
    assert len(crossing_pairs(got.geometry.values)) == 0


def test_an_island_has_its_sea_outside_whichever_way_it_is_drawn():
    turn = np.linspace(0, 2 * np.pi, 200)
    ring = np.column_stack([np.cos(turn), np.sin(turn)]) * 800
    for xy in (ring, ring[::-1]):
        got = draw_transects(layer(xy), spacing=100)
        ends = shapely.get_coordinates(got.geometry.values).reshape(-1, 2, 2) - HERE
        assert (np.hypot(*ends[:, 1].T) > np.hypot(*ends[:, 0].T)).all()
        assert len(crossing_pairs(got.geometry.values)) == 0


def test_smoothing_keeps_a_straight_line_and_takes_out_detail():
    straight = shapely.LineString([(0, 0), (3000, 1000)])
    assert smooth_line(straight, 100).hausdorff_distance(straight) < 1e-6
    x = np.arange(0, 3000, 5.0)
    ragged = shapely.LineString(np.column_stack([x, 8 * np.sin(x / 8)]))
    assert np.abs(shapely.get_coordinates(smooth_line(ragged, 100))[10:-10, 1]).max() < 1.0


def test_truc_vert_spacing_angle_and_no_crossing(shared_data):
    folder = shared_data / "coastline" / "truc_vert"
    reference = gpd.read_file(folder / "TRUCVERT_reference_shoreline.geojson")
    given_ones = gpd.read_file(folder / "TRUCVERT_transects.geojson")
    for spacing in (20.0, 200.0):
        got = draw_transects(reference, spacing=spacing)
        assert got.crs.to_epsg() == 2154
        assert len(crossing_pairs(got.geometry.values)) == 0
        # Where they cross the shore as it was drawn, not only the smoothed one.
        shore = reference.to_crs(got.crs).geometry.iloc[0]
        at = shapely.get_coordinates(
            shapely.centroid(shapely.intersection(got.geometry.values, shore))
        )
        apart = np.hypot(*np.diff(at, axis=0).T)
        assert np.abs(apart / spacing - 1).max() < 0.01
        theirs = given_ones.to_crs(got.crs)
        near = theirs.sindex.nearest(places(got), return_all=False)[1]
        angle = angles_between(got.geometry.values, theirs.geometry.values[near])
        assert np.median(angle) < 5


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"spacing": -5}, "positifs"),
        ({"spacing": 5000}, "plus courte"),
        ({"landward": 0}, "positifs"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(change, word):
    with pytest.raises(InvalidInput, match=word):
        draw_transects(layer([(0, 0), (0, 1000)]), **change)


def test_degrees_given_as_metres_and_the_contrary_are_told():
    line = shapely.LineString([(-1.24, 44.7), (-1.25, 44.8)])
    with pytest.raises(InvalidInput, match="degrés"):
        check_coordinates(gpd.GeoDataFrame(geometry=[line], crs=2154), "Transects")
    with pytest.raises(InvalidInput, match="ne sont pas des degrés"):
        check_coordinates(layer([(0, 0), (0, 9)], 4326), "Transects")
    with pytest.raises(InvalidInput, match="sans système de coordonnées"):
        check_coordinates(gpd.GeoDataFrame(geometry=[line]), "Transects")
    with pytest.raises(InvalidInput, match="aucune géométrie"):
        check_coordinates(gpd.GeoDataFrame(geometry=[], crs=2154), "Transects")


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [(-1.24, 44.7, 2154), (-61.1, 14.6, 5490), (55.3, -21.1, 2975), (-52.3, 4.9, 2972),
     (45.1, -12.8, 4471), (151.3, -33.7, 32756)],
)  # fmt: skip
def test_degrees_and_web_maps_are_measured_in_the_territorys_own_crs(lon, lat, epsg):
    line = shapely.LineString([(lon, lat), (lon + 0.01, lat)])
    degrees = gpd.GeoDataFrame(geometry=[line], crs=4326)
    assert measuring_crs(degrees).to_epsg() == epsg
    # A web map lengthens (by 1 % only very near the equator).
    if abs(lat) > 8:
        assert measuring_crs(degrees.to_crs(3857)).to_epsg() == epsg
