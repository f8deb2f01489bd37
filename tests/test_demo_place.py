"""Is it a place? Water runs down, homes stand dry, the harbour is on the sea …"""

from __future__ import annotations

import json
from itertools import pairwise

import geopandas as gpd
import h5py
import numpy as np
import pytest
import rasterio
import shapely
from scipy import ndimage

from eo_helpers import demo
from eo_helpers.demo import climate, lamps, radar
from eo_helpers.demo.ground import Cover
from eo_helpers.errors import InvalidInput


@pytest.fixture(scope="module")
def ground():
    from eo_helpers.demo.mainland import mainland

    return mainland(demo.SEED)


@pytest.fixture(scope="module")
def island():
    from eo_helpers.demo.island import island as draw

    return draw(demo.SEED)


def test_river_runs_down_to_the_sea(ground):
    level = ground.river_level
    assert (np.diff(level) <= 0).all()
    assert level[0] > 10 and level[-1] == 0
    # Its bed is lower than the land beside it, all the way.
    xy = shapely.get_coordinates(ground.river)[20:-150:10]
    inside = ground.grid.inside(*xy.T)
    row, col = ground.grid.index(*xy[inside].T)
    water = ground.terrain[row, col]
    around = ndimage.percentile_filter(ground.terrain[::4, ::4], 90, 15)[row // 4, col // 4]
    assert (around - water > 0.2).mean() > 0.97


def test_valley_is_lower_than_plateau(ground):
    near = shapely.buffer(ground.river, 150)
    plain = ground.grid.coarse(8).burn(near, 1) == 1
    terrain = ground.terrain[::8, ::8]
    land = ground.cover[::8, ::8] != Cover.SEA
    assert np.median(terrain[plain & land]) + 40 < np.median(terrain[~plain & land])


@pytest.mark.parametrize("area", ["ground", "island"])
def test_no_building_stands_in_water(area, request):
    place = request.getfixturevalue(area)
    spots = shapely.get_coordinates(shapely.point_on_surface(place.buildings.geometry.values))
    cover = place.cover[place.grid.index(*spots.T)]
    assert np.isin(cover, [Cover.WATER, Cover.SEA]).mean() < 0.001


def test_communes_tile(ground):
    shapes = ground.communes.geometry.values
    assert shapely.is_valid(shapes).all()
    assert (shapely.get_type_id(shapes) == 3).all()
    whole = shapely.union_all(shapes)
    assert whole.area == pytest.approx(shapely.area(shapes).sum(), abs=1.0)
    assert sum(shapely.Polygon(r).area for r in whole.interiors) < 1.0


def test_blocks_tile_their_communes(ground):
    for row in ground.communes.itertuples():
        mine = ground.blocks.geometry.values[(ground.blocks["insee"] == row.insee).to_numpy()]
        assert shapely.area(mine).sum() == pytest.approx(row.geometry.area, abs=1.0)


def test_density_falls_from_the_centre(ground):
    spots = shapely.get_coordinates(shapely.centroid(ground.buildings.geometry.values))
    off = np.hypot(*(spots - ground.places["centre"]).T)
    floor = ground.buildings.geometry.area * ground.buildings["height"]
    rings = [0, 350, 700, 1100, 1600]
    dense = [
        floor[(off >= a) & (off < b)].sum() / (np.pi * (b**2 - a**2)) for a, b in pairwise(rings)
    ]
    assert all(near > 1.15 * far for near, far in pairwise(dense))
    height = ground.buildings["height"]
    assert height[off < 500].mean() > 1.4 * height[(off > 1200) & (off < 1700)].mean()


def test_harbour_touches_the_sea(ground):
    row, col = ground.grid.index(*(np.array([v]) for v in ground.places["harbour"]))
    water = np.isin(ground.cover, [Cover.WATER, Cover.SEA])
    labels, _ = ndimage.label(water)
    basin = labels[row[0], col[0]]
    assert basin and (ground.cover[labels == basin] == Cover.SEA).any()


def test_island_has_sea_all_round(island):
    edge = np.concatenate(
        [island.cover[0], island.cover[-1], island.cover[:, 0], island.cover[:, -1]]
    )
    assert (edge == Cover.SEA).all()
    assert 400 < island.terrain.max() < 1500
    assert island.crs == "EPSG:5490"


def test_bridges_carry_roads_over_the_river(ground):
    roads = ground.streets[ground.streets["kind"] != "street"]
    crossing = shapely.intersects(ground.river, roads.geometry.values).sum()
    assert crossing >= 4


def test_roads_do_not_run_into_the_sea(ground):
    lines = np.asarray(ground.streets.geometry.values)[:, None]
    points = shapely.line_interpolate_point(lines, np.linspace(0, 1, 5)[None], normalized=True)
    spots = shapely.get_coordinates(points)
    inside = ground.grid.inside(*spots.T)
    cover = ground.cover[ground.grid.index(*spots[inside].T)]
    assert (cover == Cover.SEA).mean() < 0.001


def test_flood_fills_what_lies_below_its_surface(ground):
    flood = radar.flood_truth(ground)
    wet = flood.extent
    assert 300 < wet.sum() * 0.0025 < 2500  # hectares
    assert (flood.depth[wet] > 0).all()
    assert np.allclose(flood.depth[wet], (flood.surface - ground.terrain)[wet], atol=1e-3)
    assert 0.7 < flood.depth[wet].mean() < 2.0
    spots = shapely.get_coordinates(shapely.centroid(ground.buildings.geometry.values))
    reached = wet[ground.grid.index(*spots.T)]
    assert 20 < reached.sum() < 0.2 * len(reached)  # some homes, not the town


def test_radar_sees_the_open_flood_and_not_under_trees(ground, demo_dir):
    with rasterio.open(demo_dir / "truth/flood_extent.tif") as file:
        extent = file.read(1) == 1
    before, after = sorted((demo_dir / "flood").glob("*.tif"))
    rows, cols = np.nonzero(extent & (ground.cover == Cover.GRASS))
    trees = np.nonzero(extent & (ground.cover == Cover.TREE))
    from pyproj import Transformer

    forth = Transformer.from_crs(2154, 32631, always_xy=True)
    change = []
    for r, c in ((rows, cols), trees):
        x, y = ground.grid.centres()
        east, north = forth.transform(x[c[::37]], y[r[::37]])
        values = []
        for path in (before, after):
            with rasterio.open(path) as scene:
                vv = scene.read(1)
                values.append(vv[rasterio.transform.rowcol(scene.transform, east, north)].mean())
        change.append(10 * np.log10(values[1] / values[0]))
    assert change[0] < -4 and change[1] > 0.5


def test_files_are_drawn_from_the_seed(ground, demo_dir):
    """Drawn again in this process, the territory is the one that the cache holds."""
    again = climate.lcz_blocks(ground, demo.SEED)
    kept = gpd.read_file(demo_dir / "truth/lcz_blocks.gpkg", layer="ervelle")
    assert len(again) == len(kept)
    assert (again["lcz"].to_numpy() == kept["lcz"].to_numpy()).all()
    assert np.array_equal(again["bur"], kept["bur"])
    with rasterio.open(demo_dir / "truth/flood_depth.tif") as file:
        kept_depth = file.read(1)
    assert np.array_equal(np.round(radar.flood_truth(ground).depth, 3), kept_depth)


def test_lights_are_drawn_from_the_seed_and_tell_the_events(ground, demo_dir):
    sky = lamps.radiance(ground, demo.SEED)
    (path,) = (demo_dir / "lighting").glob("VNP46A3.A2019152.h18v04.*")
    with h5py.File(path) as file:
        fields = file["HDFEOS/GRIDS/VIIRS_Grid_DNB_2d/Data Fields"]
        kept = fields["AllAngle_Composite_Snow_Free"][:]
    month = [m.strftime("%Y-%m") for m in lamps.MONTHS].index("2019-06")
    seen = np.nan_to_num(sky.radiance[month], nan=6553.5)
    left = 18 * 2400 - sky.col
    expected = np.round(seen[:, left:] / 0.1)
    top = sky.row - 4 * 2400
    found = kept[top : top + expected.shape[0], : expected.shape[1]]
    assert np.array_equal(found, expected)
    truth = json.loads((demo_dir / "truth/lighting.json").read_text(encoding="utf-8"))
    assert truth["99003"]["events"][0]["month"] == "2022-11"
    assert lamps.public_share("99003")[lamps.MONTHS.index(lamps.MONTHS[106])] < 0.2
    assert lamps.public_share("99005")[-1] == 1.0


def test_build_refuses_a_folder_with_other_things(tmp_path):
    (tmp_path / "mine.txt").write_text("à moi")
    with pytest.raises(InvalidInput, match="autre chose"):
        demo.build(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "à moi"


def test_a_build_that_fails_leaves_nothing(tmp_path, monkeypatch):
    from eo_helpers.demo import writing

    def fail(*_args, **_kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(writing, "write_territory", fail)
    with pytest.raises(OSError, match="no space"):
        demo.build(tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


def test_ensure_does_not_draw_twice(demo_dir, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AssertionError("drawn again")

    monkeypatch.setattr(demo, "build", fail)
    assert demo.ensure() == demo_dir == demo.built()
