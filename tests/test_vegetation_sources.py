"""Vegetation from what a source holds beside images: parks, others' maps, points, two summers."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput
from eo_helpers.vegetation import dates, others, parks, reference
from eo_helpers.vegetation.data import COARSE, grid_over
from eo_helpers.vegetation.finding import analyse
from eo_helpers.vegetation.produce import as_raster
from eo_helpers.vegetation.strata import Limits, strata

TOWN, FOREST = "99001", "99005"


@pytest.fixture(scope="module")
def town(demo_source):
    return catalog.communes(demo_source).find(TOWN)


@pytest.fixture(scope="module")
def forest(demo_source):
    return catalog.communes(demo_source).find(FOREST)


@pytest.fixture(scope="module")
def only(demo_dir, tmp_path_factory):
    """A source with the communes and the files that are given to it."""

    def make(tables):
        folder = tmp_path_factory.mktemp("only")
        (folder / "communes.parquet").write_bytes((demo_dir / "communes.parquet").read_bytes())
        for name, table in tables.items():
            table.to_file(folder / name)
        return catalog.open_source("files", [folder])

    return make


def halves(commune, **columns):
    """Two polygons: the west of a commune's surroundings and the east."""
    west, south, east, north = commune.projected_boundary.bounds
    middle = (west + east) / 2
    shapes = [shapely.box(west - 9, south - 9, middle, north + 9),
              shapely.box(middle, south - 9, east + 9, north + 9)]  # fmt: skip
    part = commune.projected_boundary.intersection(shapes[0]).area
    share = part / commune.projected_boundary.area
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=commune.crs), share


@pytest.mark.parametrize(
    ("name", "columns", "dataset"),
    [
        ("cosia.gpkg", {"numero": [8, 9], "classe": ["Feuillu", "Pelouse"]}, "cosia"),
        ("ocs.gpkg", {"code_cs": ["CS2.1.1.1", "CS2.2.1"], "code_us": ["US5", "US5"]}, "ocsge"),
    ],
)
def test_another_producers_map_answers_where_there_is_no_image(
    only, forest, name, columns, dataset
):
    table, share = halves(forest, **columns)
    found = analyse(forest, only({name: table}))
    assert found.status == "partial"
    trees = found[f"tree_share_{dataset}"]
    assert trees.value == pytest.approx(100 * share, abs=0.01) and trees.low is None
    assert found[f"herb_share_{dataset}"].value == pytest.approx(100 * (1 - share), abs=0.01)
    crowns = found["canopy_per_inhabitant"].value * forest.population
    assert crowns == pytest.approx(share * forest.projected_boundary.area, rel=1e-3)
    (source,) = found.provenance
    assert source.dataset == dataset and "Licence Ouverte" in source.licence
    assert others.PRODUCERS[dataset][0] in found.headline["fr"]
    assert {layer.name for layer in found.layers} == {"commune", "producer"}


def test_a_map_of_half_a_commune_does_not_speak_for_it(only, forest):
    table, share = halves(forest, numero=[8, 9], classe=["Feuillu", "Pelouse"])
    found = analyse(forest, only({"cosia.gpkg": table.iloc[:1]}))
    assert 0.1 < share < 0.9 and found.status == "no_data"


def test_copernicus_stands_beside_our_map(demo_source, forest):
    told = {t.dataset: t for t in others.read_others(forest, demo_source)}
    one = told["tree-cover-density"]
    # Its noise is known: some ten points a cell, hedges and gardens missing.
    assert 0.2 < one.shares["tree"] < 0.45 and one.covered > 0.99 and one.date == "2018-07-01"


def test_homes_near_a_park_are_counted_in_a_straight_line(town, demo_source):
    found = parks.read_parks(town, demo_source)
    assert found is not None and found.dataset == "public-parks"
    assert (found.shapes.area >= 5_000).all()
    x, y = shapely.get_coordinates(found.shapes.geometry.iloc[:1].centroid)[0]
    homes = gpd.GeoDataFrame(
        {"n": [3.0, 1.0]}, geometry=shapely.points([[x, y], [x + 50_000, y]]), crs=town.crs
    )
    metres, share = parks.near_parks(homes, found.shapes, "n")
    assert metres[0] == 0 and np.isinf(metres[1]) and share == pytest.approx(0.75)


def test_squares_of_bd_topo_are_parks_and_paved_places_are_none(only, town):
    x, y = shapely.get_coordinates(town.projected_boundary.representative_point())[0]
    shapes = [shapely.box(x + 300 * k, y, x + 300 * k + 100, y + 100) for k in range(4)]
    shapes[3] = shapely.box(x + 900, y, x + 920, y + 20)
    table = gpd.GeoDataFrame(
        {"categorie": "Culture et loisirs",
         "nature": ["Espace public", "Espace public", "Mairie", "Espace public"],
         "toponyme": ["Jardin des Plantes", "Place de la Mairie", "Mairie", "Petit square"]},
        geometry=shapes, crs=town.crs,
    )  # fmt: skip
    found = parks.read_parks(town, only({"topo.gpkg": table}))
    assert found is not None and found.dataset == "bdtopo-places"
    assert found.shapes.area.round().tolist() == [10_000]


def test_without_a_layer_large_green_places_out_of_fields_are_taken():
    value = np.zeros((80, 80))
    value[5:35, 5:35] = 0.8  # 150 m across: 2.25 ha
    value[5:35, 45:75] = 0.8  # a field
    value[50:60, 5:15] = 0.8  # 0.25 ha
    index = as_raster(value.astype(np.float32), Affine(5, 0, 0, 0, -5, 400), "EPSG:2154", "n")
    made = strata(index, None, Limits()).rio.write_crs("EPSG:2154")
    made = made.rio.write_transform(index.rio.transform())
    fields = np.zeros(value.shape, bool)
    fields[:, 40:] = True
    assert parks.green_areas(made, fields).area.round().tolist() == [22_500]
    assert len(parks.green_areas(made, None)) == 2


def test_points_adjust_the_share_of_trees(forest):
    grid = grid_over(forest, COARSE)
    height = np.where(np.arange(grid.shape[1])[None, :] % 4 == 0, 9.0, 0.0) * np.ones(grid.shape)
    index = grid.copy(data=np.full(grid.shape, 0.8, np.float32))
    made = strata(index, grid.copy(data=height.astype(np.float32)), Limits(crown_edge=0.1))
    made = made.rio.write_crs(forest.crs).rio.write_transform(grid.rio.transform())
    inside = np.ones(grid.shape, bool)
    mapped = float((made["stratum"].values == 3).mean())
    rng = np.random.default_rng(1)
    west, south, east, north = grid.rio.bounds()
    spots = rng.uniform((west, south), (east, north), (400, 2))
    col = ((spots[:, 0] - west) / COARSE).astype(int)
    row = ((north - spots[:, 1]) / COARSE).astype(int)
    seen = made["stratum"].values[row, col].astype(int)
    # The map misses one tree in four of those that a person saw.
    seen[(seen == 1) & (rng.random(400) < 0.11)] = 3
    points = gpd.GeoDataFrame({"stratum": seen}, geometry=shapely.points(spots), crs=forest.crs)
    part = reference.of(made, inside, points, None, "2022-07-12")
    told = {i.name: i for i in part.indicators}
    truth = 100 * (mapped + (1 - mapped) * 0.11)
    assert told["canopy_adjusted"].low < truth < told["canopy_adjusted"].high
    assert told["canopy_adjusted"].value > 100 * mapped + 3
    assert told["map_accuracy"].low < 92 < told["map_accuracy"].high
    few = reference.of(made, inside, points.iloc[:20], None, "")
    assert not few.indicators and "20 points" in few.caveats[0]["fr"]


def test_a_point_of_an_unknown_stratum_is_refused(only, forest):
    inside = forest.projected_boundary.representative_point()
    table = gpd.GeoDataFrame({"strate_ref": ["B"]}, geometry=[inside], crs=forest.crs)
    with pytest.raises(InvalidInput, match="« B »"):
        reference.read_points(forest, only({"points.gpkg": table}))


def summers(seed=0, drought=0.0):
    """NDVI of two summers on 10 m cells: meadows, wood, town; a housing estate built since."""
    rng = np.random.default_rng(seed)
    then = np.full((120, 120), 0.75)
    then[:, 60:] = 0.12
    then[:40, :40] = 0.85
    now = then.copy()
    now[60:80, 10:40] = 0.15  # 6 ha built
    now[90:95, 70:80] = 0.7  # 0.5 ha planted
    now[80:, :50] -= drought
    noisy = (v + rng.normal(0, 0.02, v.shape) for v in (0.9 * then + 0.03, now))
    at = Affine(10, 0, 0, 0, -10, 1200)
    return [as_raster(v.astype(np.float32), at, "EPSG:2154", "ndvi") for v in noisy]


def test_what_was_built_and_planted_is_found_and_a_haze_is_not():
    before, after = summers()
    found = dates.between(before, after, np.ones(before.shape, bool))
    assert found.loss.value == pytest.approx(60_000, rel=0.02)
    assert found.gain.value == pytest.approx(5_000, rel=0.05)
    assert found.loss.low <= 60_000 <= found.loss.high
    assert found.balance.high < 0


def test_what_meadows_lose_to_drought_is_taken_from_lawns():
    before, after = summers(drought=0.45)
    inside, meadow = np.ones(before.shape, bool), np.zeros(before.shape, bool)
    raw = dates.between(before, after, inside)
    meadow[85:, :50] = True  # these parcels dried too
    inside[85:, :50] = False
    told = dates.between(before, after, inside, meadow)
    assert raw.loss.value > 200_000
    assert told.mistaken[1] > 0.9 and told.loss.low == 0.0 <= 60_000 <= told.loss.high
    with pytest.raises(InvalidInput, match="deux dates"):
        dates.between(before, after.where(False), inside)


def test_the_demonstration_tells_what_changed_since_2017(demo_dir, demo_source, forest):
    (old,) = (demo_dir / "vegetation").glob("S2A*2017*.tif")
    with rasterio.open(old) as file:
        assert file.count == 4 and file.tags()["ACQUISITION_DATETIME"].startswith("2017-07-16")
    found = analyse(forest, demo_source)
    loss = found["vegetation_lost"]
    assert loss.unit == "ha" and loss.date == "2022-07-18" and loss.low <= 0.75 <= loss.high
    assert found["canopy_adjusted"].low < 35.08 < found["canopy_adjusted"].high
    assert {"change", "parks"} <= {layer.name for layer in found.layers}
    # What was not compared (fields) is drawn neither as lost nor as gained.
    drawn = next(layer.data for layer in found.layers if layer.name == "change")
    cell = abs(float(np.prod(drawn.rio.resolution()))) / 1e4
    assert cell * float((drawn == 2).sum()) < 20 * (loss.high + 1)
    assert set(np.unique(drawn.values[np.isfinite(drawn.values)])) <= {1.0, 2.0}
    used = [p.dataset for p in found.provenance]
    assert len(used) == len(set(used))
    assert {i.source for i in found.indicators} <= set(used)


def test_banks_of_water_have_their_landscape(town, demo_source):
    from eo_helpers.vegetation import data
    from eo_helpers.vegetation.landscape import zones

    place = data.read(town, demo_source)
    water = place.context.water
    assert water is not None and len(water)
    drawn = zones(place.index["ndvi"], replace(place.context, roads=None))
    assert (drawn.paysage == 3).sum() > 1000 and "water" in drawn.told
