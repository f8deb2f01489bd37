"""Series of many zones: the sparse matrix, dates without holes, the command."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lighting_tiles import Holding, N, box_commune, write_tile

from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.lighting.commands import group
from eo_helpers.lighting.data import read
from eo_helpers.lighting.series import read_zones, series_of
from eo_helpers.lighting.weights import CELL, cell_areas, weights_of
from eo_helpers.lighting.zonal import COLUMNS, cell_weights, monthly_mean, monthly_received

ZONES = {
    "over the border": box_commune(-0.31, 45.02, 0.77, 46.13),
    "small": box_commune(2.011, 45.011, 2.013, 45.013),
    "town": box_commune(3.02, 44.97, 3.48, 45.41),
    "island": box_commune(-61.2, 14.6, -60.9, 14.9),
}


def tiles(folder):
    rng = np.random.default_rng(1)
    paths = []
    for month in ("2022-01", "2022-02", "2022-04"):
        for h, v in ((17, 4), (18, 4), (11, 7)):
            field = rng.gamma(2.0, 2.0, (N, N))
            field[rng.random((N, N)) < 0.1] = np.nan
            quality = rng.choice([0, 1, 2], (N, N), p=[0.8, 0.1, 0.1])
            paths.append(write_tile(folder, month, field, h=h, v=v, quality=quality))
    return paths


def test_series_of_zones_are_those_of_communes(tmp_path):
    paths = tiles(tmp_path)
    table, failed = series_of(paths, [c.boundary for c in ZONES.values()], list(ZONES))
    assert not failed and list(table.columns) == ["id", "date", *COLUMNS, "outer"]
    assert table.groupby("id").size().eq(4).all()
    for name, commune in ZONES.items():
        data = read(Holding(paths), commune)
        one = monthly_mean(data, cell_weights(data, commune))
        mine = table[table.id == name].set_index("date")
        for column in COLUMNS:
            assert mine[column].to_numpy(float) == pytest.approx(
                one[column].to_numpy(float), rel=1e-12, abs=1e-9, nan_ok=True
            ), (name, column)
        outer = monthly_received(data, cell_weights(data, commune))
        assert mine["outer"].to_numpy(float) == pytest.approx(outer, rel=1e-3, nan_ok=True), name
        assert np.isnan(mine.radiance["2022-03-01"]) and mine.valid_cells["2022-03-01"] == 0


def test_the_weighted_mean_is_the_mean_of_the_covered_cells():
    """Against shapely's own intersections, cell by cell."""
    rng = np.random.default_rng(2)
    ring = [(2 + 0.02 * np.cos(a), 45 + 0.015 * np.sin(a)) for a in np.sort(rng.random(9)) * 6.28]
    zone = shapely.Polygon(ring).buffer(0)
    weights = weights_of([zone])
    dense = weights.matrix.toarray()[0]
    for row, col, got in zip(weights.row, weights.col, dense, strict=True):
        west, north = -180 + col * CELL, 90 - row * CELL
        cell = shapely.box(west, north - CELL, west + CELL, north)
        share = cell.intersection(zone).area / cell.area
        # exactextract keeps coverage in single precision.
        assert got == pytest.approx(share * cell_areas(row), abs=1e-6)
    assert weights.area[0] == pytest.approx(box_commune(*zone.bounds).area_km2, rel=1.0)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-179, 178), st.floats(-60, 60), st.floats(0.0005, 1.5), st.floats(0.0005, 1.5)
)  # fmt: skip
def test_weights_sum_to_the_area_anywhere(west, south, width, height):
    zone = shapely.box(west, south, west + width, south + height)
    # On the sphere of radius 6371 km, a box's area is known exactly.
    exact = 6371.0**2 * np.radians(width) * np.diff(np.sin(np.radians([south, south + height])))[0]
    assert weights_of([zone]).area[0] == pytest.approx(exact, rel=2e-4)


def test_a_vertex_on_a_cell_border_loses_no_cell():
    """Shares sum to the area of the zone, whatever window it is computed in."""
    rng = np.random.default_rng(4)
    zones = []
    for _ in range(200):
        ring = np.round(240 * (np.array([2.0, 45.0]) + rng.random((7, 2)) * 0.03)) / 240
        zones.append(shapely.MultiPoint(ring).convex_hull)
    zones = [z for z in zones if z.geom_type == "Polygon"]
    weights = weights_of(zones)
    plain = weights.matrix.toarray() / cell_areas(weights.row)
    assert plain.sum(1) * CELL**2 == pytest.approx([z.area for z in zones], rel=1e-5)
    assert plain.max() <= 1 + 1e-6


def test_zones_share_a_border_cell_without_counting_it_twice():
    left, right = shapely.box(2.0, 45.0, 2.0111, 45.02), shapely.box(2.0111, 45.0, 2.03, 45.02)
    both = weights_of([left, right, shapely.union(left, right)])
    matrix = both.matrix.toarray()
    assert matrix[0] + matrix[1] == pytest.approx(matrix[2], abs=1e-6)
    part = both.zones(np.array([1]))
    assert part.area[0] == pytest.approx(both.area[1]) and part.row.size < both.row.size
    assert weights_of([shapely.Polygon()]).matrix.shape == (1, 0)


def test_a_lit_half_and_its_uncertainty(tmp_path):
    field = np.full((N, N), 0.2)
    field[:, : N // 2] = 4.0
    paths = [write_tile(tmp_path, "2022-01", field, nights=9, std=0.6)]
    zone = box_commune(4.5, 45.0, 5.5, 45.5)
    row = series_of(paths, [zone.boundary], ["z"])[0].iloc[0]
    assert row.radiance == pytest.approx(2.1, abs=1e-3)
    assert row.lit_km2 == pytest.approx(zone.area_km2 / 2, rel=0.01)
    assert row.radiance_sum == pytest.approx(2.1 * zone.area_km2, rel=0.01)
    # Errors of one month are half shared: 0.2 a cell does not average away.
    assert row.std_error == pytest.approx(0.2 * np.sqrt(0.5), rel=0.01)


def test_a_broken_month_is_a_gap_that_is_told(tmp_path):
    paths = [write_tile(tmp_path, f"2022-0{m}", 2.0) for m in (1, 2, 3)]
    paths[1].write_bytes(paths[1].read_bytes()[:2000])
    zone = box_commune(2.0, 45.0, 2.5, 45.5).boundary
    table, failed = series_of(paths, [zone], ["z"])
    assert table.radiance.notna().tolist() == [True, False, True]
    assert len(failed) == 1 and paths[1].name in failed[0]
    with pytest.raises(InvalidInput, match=paths[1].name):
        series_of(paths, [zone], ["z"], broken="raise")
    with pytest.raises(NoData):
        series_of([paths[1]], [zone], ["z"])


def test_the_command_writes_series_that_detect_reads(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for k in range(40):
        level = 6.0 if k < 20 else 2.4
        month = str(np.datetime64("2018-01", "M") + k)
        write_tile(folder, month, level * np.exp(0.08 * rng.standard_normal()))
    zones = tmp_path / "zones.gpkg"
    boxes = [shapely.box(2, 45, 2.4, 45.3), shapely.box(3, 45, 3.2, 45.3)]
    frame = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=boxes, crs="EPSG:4326")
    frame.to_crs("EPSG:2154").to_file(zones)
    for name in ("series.parquet", "series.csv"):
        done = CliRunner().invoke(
            group,
            ["series", "--tiles", str(folder), "--zones", str(zones), "-o", f"{tmp_path}/{name}"],
        )
        assert done.exit_code == 0, done.output
    table = pd.read_parquet(tmp_path / "series.parquet")
    assert len(table) == 80 and set(table.id) == {"A", "B"}
    assert not list(tmp_path.glob(".series*"))
    told = [
        CliRunner().invoke(group, ["detect", str(tmp_path / f"series.{kind}")])
        for kind in ("csv", "parquet")
    ]
    assert all(done.exit_code == 0 for done in told)
    assert told[0].output.count("2019-09") >= 2 and told[0].output == told[1].output


def test_zones_that_cannot_be_are_said(tmp_path):
    for frame, word in (
        (gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.box(2, 45, 3, 46)]), "CRS"),
        (gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(2, 45)], crs=4326), "polygones"),
        (
            gpd.GeoDataFrame({"id": [1, 1]}, geometry=[shapely.box(2, 45, 3, 46)] * 2, crs=4326),
            "pareillement",
        ),
    ):
        path = tmp_path / "zones.parquet"
        frame.to_parquet(path)
        with pytest.raises(InvalidInput, match=word):
            read_zones(path)
    with pytest.raises(InvalidInput, match="colonne"):
        read_zones(path, "nothing")
    with pytest.raises(InvalidInput, match="lisible"):
        read_zones(tmp_path / "none.gpkg")
