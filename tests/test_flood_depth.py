"""Height of water: what a user would notice, on ground whose water level is known."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.features
import rioxarray
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from eo_helpers.errors import InvalidInput, OutOfCoverage
from eo_helpers.flood.depth import water_depth
from eo_helpers.flood.depth_files import depth_file
from eo_helpers.flood.rise import raise_water, rise_needed
from eo_helpers.flood.stakes import buildings_reached, by_class, roads_cut

CELL = 5.0


def raster(values, crs="EPSG:2154", cell=CELL, left=650_000.0, top=6_860_000.0):
    values = np.asarray(values)
    rows, cols = values.shape
    out = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={
            "y": top - cell * (np.arange(rows) + 0.5),
            "x": left + cell * (np.arange(cols) + 0.5),
        },
    )
    out = out.rio.write_transform(rasterio.transform.from_origin(left, top, cell, cell))
    return out.rio.write_crs(crs) if crs else out


def rolling(n=160, seed=0, size=1.2):
    """Rolling ground in a bowl, so that a lake has shores on all sides."""
    rng = np.random.default_rng(seed)
    hills = ndimage.gaussian_filter(rng.standard_normal((n, n)), n / 16, mode="wrap")
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    return 50 + size * hills / hills.std() + 6 * (x**2 + y**2)


def lake(level=52.0, n=160, seed=0, noise=0.0):
    ground = rolling(n, seed)
    dem = ground + noise * np.random.default_rng(seed + 1).standard_normal((n, n))
    wet = ground < level
    truth = np.where(wet, level - ground, 0)
    return raster(wet.astype("u1")), raster(dem.astype("f4")), truth, wet


def rmse(found, truth, where):
    return float(np.sqrt(np.mean((np.asarray(found) - truth)[where] ** 2)))


@pytest.mark.parametrize("method", ["fwdet", "flexth"])
def test_a_lake_has_its_level(method):
    extent, dem, truth, wet = lake(noise=0.1)
    found = water_depth(extent, dem, method)
    assert rmse(found.depth, truth, wet) < 0.14  # of which the DEM's own noise is 0.10
    assert abs(float(found.surface.mean()) - 52.0) < 0.08
    assert (found.depth.values[~wet] == 0).all()
    assert found.depth.dtype == np.float32
    assert found.rio.crs == dem.rio.crs
    assert found.depth.rio.transform() == dem.rio.transform()


@pytest.mark.parametrize("method", ["fwdet", "flexth"])
def test_missed_patches_do_not_pull_the_water_down(method):
    extent, dem, truth, wet = lake(n=320, seed=3, noise=0.1)
    y, x = np.mgrid[:320, :320]
    seen = wet.copy()
    rng = np.random.default_rng(5)
    while seen.sum() > 0.9 * wet.sum():
        cy, cx = rng.integers(0, 320, 2)
        seen &= np.hypot(y - cy, x - cx) > rng.uniform(3, 14)
    found = water_depth(extent.copy(data=seen.astype("u1")), dem, method)
    believing = water_depth(extent.copy(data=seen.astype("u1")), dem, method, robust=False)
    assert rmse(found.depth, truth, seen) < 0.3
    assert rmse(found.depth, truth, seen) < 0.5 * rmse(believing.depth, truth, seen)


def test_a_river_falls_along_its_valley():
    n = 240
    y, x = np.mgrid[0:n, 0:n]
    surface = 30 - 2e-3 * CELL * y
    bowl = np.abs(x - n / 2) / 40
    ground = surface - 1.5 + 1.5 * bowl**2
    wet = ground < surface
    found = water_depth(raster(wet.astype("u1")), raster(ground.astype("f4")))
    # A tenth of a metre, where the surface itself falls by almost five.
    assert rmse(found.surface, surface, wet) < 0.1


def test_the_interval_holds_the_truth():
    shares = []
    for seed in range(4):
        extent, dem, truth, wet = lake(n=240, seed=seed, noise=0.1)
        found = water_depth(extent, dem)
        error = np.abs(found.depth.values - truth)[wet]
        shares.append(np.mean(error < 1.645 * found.uncertainty.values[wet]))
    assert 0.82 < np.mean(shares) < 0.98


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.floats(51.0, 54.0), size=st.floats(0.2, 2.0))
def test_a_flat_lake_on_any_ground(seed, level, size):
    ground = rolling(96, seed, size)
    wet = ground < level
    found = water_depth(
        raster(wet.astype("u1")), raster(ground.astype("f4")), dem_noise=0.02
    ).depth.values
    assert (found >= 0).all()
    assert (found[~wet] == 0).all()
    assert np.median(np.abs(found - (level - ground))[wet]) < 0.15


@settings(max_examples=10, deadline=None)
@given(rises=st.lists(st.floats(-1.0, 2.0), min_size=2, max_size=3), seed=st.integers(0, 50))
def test_more_water_is_never_less(rises, seed):
    extent, dem, _, _ = lake(n=80, seed=seed)
    water = water_depth(extent, dem)
    depths = [raise_water(water, dem, r).depth.values for r in sorted(rises)]
    for lower, higher in itertools.pairwise(depths):
        assert (higher >= lower - 1e-5).all()


def test_a_hollow_behind_a_dyke_stays_dry_until_it_is_overtopped():
    ground = np.full((60, 60), 10.0)
    ground[:, 40:44] = 13.0  # the dyke
    ground[:, :4] = 15.0
    ground[:, 4:12] = np.linspace(14, 10, 8)
    wet = np.zeros((60, 60), bool)
    wet[:, 8:40] = ground[:, 8:40] < 12
    dem = raster(ground.astype("f4"))
    water = water_depth(raster(wet.astype("u1")), dem, dem_noise=0.02)
    behind = (slice(None), slice(46, None))
    # The dyke's steep foot is half a dyke high; what matters is that nothing leaks.
    level = float(water.surface.median())
    crest = 13.0 - level
    low, high = raise_water(water, dem, crest - 0.3), raise_water(water, dem, crest + 0.5)
    assert (low.depth.values[behind] == 0).all()
    assert (high.depth.values[behind] > 0).all()
    needed = rise_needed(water, dem).values
    assert np.allclose(needed[behind], crest, atol=0.3)
    assert ((needed < crest + 0.5) == (high.depth.values > 0))[behind].all()


def test_water_goes_on_under_trees_only_when_asked():
    extent, dem, truth, wet = lake()
    hidden = np.zeros_like(wet)
    hidden[60:110, 40:90] = True
    seen = extent.copy(data=np.where(hidden, 255, extent.values).astype("u1"))
    shut = water_depth(seen, dem, "flexth")
    assert np.isnan(shut.depth.values[hidden]).all()
    opened = water_depth(seen, dem, "flexth", extend=True)
    got = opened.depth.values[hidden]
    assert np.mean((got > 0) == wet[hidden]) > 0.9
    assert "prolongée" in opened.attrs["notes_fr"]
    # What is not seen is known less well, and is not deeper than a level surface.
    under = hidden & wet & (opened.depth.values > 0)
    assert np.median(opened.uncertainty.values[under]) > np.nanmedian(shut.uncertainty.values)
    assert (opened.surface.values[under] < 52.1).all()
    assert abs(np.median((opened.depth.values - truth)[under])) < 0.2


def test_water_under_trees_does_not_pass_a_dyke_nor_reach_without_end():
    n = 300
    column, row = np.arange(n)[None, :], np.arange(n)[:, None]
    # A flat bottom at 10 m within banks; water at 12 m is seen on its western fifth.
    ground = 10 + np.maximum(0.3 * (14 - np.minimum(column, np.minimum(row, n - 1 - row))), 0.0)
    dyke = ground.copy()
    dyke[:, 100:103] = 14.0
    codes = np.where((ground < 12) & (column < 60), 1, 0)
    codes[(column >= 60) & (ground < 12)] = 255
    seen = raster(codes.astype("u1"))
    open_ground, behind_dyke = (
        water_depth(seen, raster(z.astype("f4")), extend=True, dem_noise=0.02).depth.values
        for z in (ground, dyke)
    )
    assert (open_ground[20:280, 60:160] > 0).all()
    assert (open_ground[:, 60 + 121 :] == 0).all()  # 600 m away
    assert (behind_dyke[20:280, 60:100] > 0).all()
    assert (behind_dyke[:, 103:] == 0).all()


def test_windows_join_without_a_seam(tmp_path):
    extent, dem, _, _ = lake(n=300, seed=4, noise=0.1)
    extent.rio.to_raster(tmp_path / "e.tif")
    dem.rio.to_raster(tmp_path / "d.tif")
    depth_file(tmp_path / "e.tif", tmp_path / "d.tif", tmp_path / "one.tif", side=2048)
    depth_file(tmp_path / "e.tif", tmp_path / "d.tif", tmp_path / "many.tif", side=64)
    whole = water_depth(extent, dem).depth.values
    with rasterio.open(tmp_path / "one.tif") as a, rasterio.open(tmp_path / "many.tif") as b:
        assert np.abs(a.read(1) - b.read(1)).max() < 0.01
        assert np.abs(a.read(1) - whole).max() < 0.01
        assert np.isnan(a.nodata)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.tif", "e.tif", "many.tif", "one.tif"]


def test_polygons_and_other_grids_are_extents_too(tmp_path):
    import geopandas
    from rasterio.features import shapes
    from shapely.geometry import shape

    extent, dem, truth, wet = lake(noise=0.1)
    dem.rio.to_raster(tmp_path / "d.tif")
    polygons = [
        shape(g) for g, v in shapes(wet.astype("u1"), transform=dem.rio.transform()) if v == 1
    ]
    geopandas.GeoDataFrame(geometry=polygons, crs=2154).to_crs(4326).to_file(tmp_path / "p.gpkg")
    depth_file(tmp_path / "p.gpkg", tmp_path / "d.tif", tmp_path / "o.tif")
    with rasterio.open(tmp_path / "o.tif") as file:
        assert rmse(file.read(1), truth, wet) < 0.15
    coarse = extent.rio.reproject("EPSG:32631", resolution=8.0, nodata=0)
    again = water_depth(coarse, dem)
    both = wet & (again.depth.values > 0)
    assert both.sum() > 0.9 * wet.sum()
    assert rmse(again.depth, truth, both) < 0.2


def test_of_an_archive_the_observed_event_is_measured_and_nothing_else(tmp_path, capsys):
    extent, dem, _, _ = lake(n=100)
    dem.rio.to_raster(tmp_path / "d.tif")
    west, south, east, north = extent.rio.bounds()
    layers = {
        "areaOfInterestA": shapely.box(west, south, east - 200, north),
        "hydrographyA": shapely.box(west, south, east, north),
        "observedEventA": shapely.box(west + 100, south + 100, west + 250, south + 250),
    }

    def archive(*names: str) -> Path:
        path = tmp_path / f"EMSR999_{len(names)}.zip"
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                part = tmp_path / f"EMSR999_AOI01_DEL_PRODUCT_{name}_v1.shp"
                frame = geopandas.GeoDataFrame(geometry=[layers[name]], crs=extent.rio.crs)
                frame.to_file(part)
                for one in tmp_path.glob(f"{part.stem}.*"):
                    file.write(one, one.name)
        return path

    given_ = ["--dem", tmp_path / "d.tif", "-o", tmp_path / "o.tif", "--extent"]
    assert command("depth", *given_, archive(*layers)) == 0
    with rasterio.open(tmp_path / "o.tif") as file:
        depth = file.read(1)
        inside = rasterio.features.geometry_mask(
            [layers["observedEventA"]], depth.shape, file.transform, invert=True
        )
        beyond = rasterio.features.geometry_mask(
            [layers["areaOfInterestA"]], depth.shape, file.transform
        )
    assert (depth[~inside & ~beyond] == 0).all() and np.isfinite(depth[inside]).all()
    assert np.isnan(depth[beyond]).all() and beyond.any()
    (tmp_path / "o.tif").unlink()
    assert command("depth", *given_, archive("areaOfInterestA", "hydrographyA")) != 0
    assert "observedEvent" in capsys.readouterr().err
    assert not (tmp_path / "o.tif").exists()


def test_an_extent_that_observed_nothing_says_so():
    extent, dem, _, _ = lake(n=60)
    found = water_depth(extent.copy(data=np.full(extent.shape, 255, "u1")), dem)
    assert np.isnan(found.depth).all() and "rien observé" in found.attrs["notes_fr"]


def test_beyond_the_extent_nothing_is_known():
    extent, dem, _, _wet = lake()
    half = extent.isel(x=slice(0, 80))
    found = water_depth(half, dem).depth.values
    assert np.isnan(found[:, 90:]).all()
    assert np.isfinite(found[:, :80]).all()


def test_holes_in_the_terrain_are_unknown_and_said():
    extent, dem, truth, wet = lake(noise=0.1)
    values = dem.values.copy()
    values[70:90, 70:90] = -9999  # left in, undeclared
    found = water_depth(extent, dem.copy(data=values))
    assert np.isnan(found.depth.values[70:90, 70:90]).all()
    rest = wet.copy()
    rest[70:90, 70:90] = False
    assert rmse(found.depth, truth, rest) < 0.15
    assert "vides" in found.attrs["notes_fr"] and "hauteur inconnue" in found.attrs["notes_fr"]


def test_no_water_is_said_calmly():
    extent, dem, _, _ = lake()
    found = water_depth(extent * 0, dem)
    assert (found.depth == 0).all()
    assert "ne montre pas d'eau" in found.attrs["notes_fr"]
    assert np.isfinite(raise_water(found, dem, 1.0).depth.values).all()


def test_a_terrain_without_vertical_datum_is_noted():
    extent, dem, _, _ = lake()
    assert "zéro" in water_depth(extent, dem).attrs["notes_fr"]
    named = dem.assign_attrs(VERTICAL_DATUM="NGF-IGN69")
    found = water_depth(extent, named)
    assert found.attrs["vertical_datum"] == "NGF-IGN69"
    assert "zéro" not in found.attrs["notes_fr"]


def test_degrees_are_measured_in_metres():
    _, dem, truth, wet = lake(noise=0.1)
    step = CELL / 90_000
    degrees = [raster(v, "EPSG:4326", step, 2.0, 48.0) for v in (wet.astype("u1"), dem.values)]
    found = water_depth(*degrees)
    assert rmse(found.depth, truth, wet) < 0.15
    assert "degrés" in found.attrs["notes_fr"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda e, d: (e.assign_coords(x=e.x + 1e5).rio.write_transform(
            rasterio.transform.from_origin(750_000, 6_860_000, CELL, CELL)), d), "hors du relief"),
        (lambda e, d: (e, raster(d.values, None)), "système de coordonnées"),
        (lambda e, d: (e, d.assign_attrs(units="feet")), "pieds"),
        (lambda e, d: (e, d * 200), "n'est pas en mètres"),
        (lambda e, d: (e, d * np.nan), "aucune hauteur connue"),
        (lambda e, d: (e * 0 + 1, d), "aucun bord"),
        (lambda e, d: (e * 7, d), "valeur 7"),
    ],
    ids=["elsewhere", "no-crs", "feet", "too-high", "empty", "all-water", "odd-values"],
)  # fmt: skip
def test_bad_input_gets_one_sentence(spoil, words):
    extent, dem, _, _ = lake(n=64)
    with xr.set_options(keep_attrs=True), pytest.raises(InvalidInput, match=words) as caught:
        water_depth(*spoil(extent, dem))
    assert caught.value.en


def test_an_unknown_method_is_named():
    extent, dem, _, _ = lake(n=64)
    with pytest.raises(InvalidInput, match="magie"):
        water_depth(extent, dem, "magie")


def test_the_command_writes_all_or_nothing(tmp_path, capsys):
    from eo_helpers.cli import main

    extent, dem, truth, wet = lake(n=96, noise=0.1)
    extent.rio.to_raster(tmp_path / "e.tif")
    dem.rio.to_raster(tmp_path / "d.tif")
    (extent * 0 + 1).astype("u1").rio.to_raster(tmp_path / "all.tif")
    where = ["--dem", str(tmp_path / "d.tif"), "-o", str(tmp_path / "o.tif")]
    with pytest.raises(SystemExit) as stop:
        main(["flood", "depth", "--extent", str(tmp_path / "all.tif"), *where])
    assert stop.value.code == 2
    assert "aucun bord" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.tif", "d.tif", "e.tif"]
    more = ["--uncertainty", str(tmp_path / "u.tif"), "--rise", "0.5"]
    with pytest.raises(SystemExit) as stop:
        main(["flood", "depth", "--extent", str(tmp_path / "e.tif"), *where, *more])
    assert stop.value.code == 0
    captured = capsys.readouterr()
    assert captured.out == "" and "km²" in captured.err
    with rasterio.open(tmp_path / "o.tif") as file:
        assert file.dtypes == ("float32",)
        assert abs(np.median(file.read(1)[wet] - truth[wet]) - 0.5) < 0.1


def test_a_missing_or_foreign_file_is_named(tmp_path):
    extent, dem, _, _ = lake(n=64)
    dem.rio.to_raster(tmp_path / "d.tif")
    with pytest.raises(InvalidInput, match="ne se lit pas"):
        depth_file(tmp_path / "none.tif", tmp_path / "d.tif", tmp_path / "o.tif")
    with pytest.raises(InvalidInput, match="dossier"):
        extent.rio.to_raster(tmp_path / "e.tif")
        depth_file(tmp_path / "e.tif", tmp_path / "d.tif", tmp_path / "no" / "o.tif")


@pytest.mark.parametrize("method", ["fwdet", "flexth"])
def test_the_demonstration_flood_is_measured(demo_dir, method):
    def read(name):
        return rioxarray.open_rasterio(demo_dir / name, masked=True)[0, 1300:2400:, 1600:]

    truth = read("truth/flood_depth.tif").values
    extent = read("truth/flood_extent.tif")
    found = water_depth(
        extent,
        read("terrain/dem.tif"),
        method,
        permanent_water=read("truth/permanent_water.tif"),
    )
    wet = extent.values == 1
    assert rmse(found.depth, truth, wet) < 0.2


def test_lyons_is_plausible(shared_data):
    folder = shared_data / "flood" / "lyons"
    dem = rioxarray.open_rasterio(folder / "Elevation.tif", masked=True)
    extent = rioxarray.open_rasterio(folder / "FloodExtent.tif", masked=True)
    wet = (extent.values[0] == 1) & np.isfinite(dem.values[0])
    depths = {m: water_depth(extent, dem, m).depth.values[wet] for m in ("fwdet", "flexth")}
    for found in depths.values():
        assert np.isfinite(found).all()
        assert 0.7 < np.median(found) < 1.5
        assert 2.0 < np.percentile(found, 95) < 3.5
    assert np.median(np.abs(depths["fwdet"] - depths["flexth"])) < 0.15


# --- Buildings and roads ---------------------------------------------------------------------


def pond(n=80, level=12.0):
    """Ground falling to the east; water at 12 m: 0 m deep at column 20, 3 m at column 80."""
    ground = np.broadcast_to(13.0 - 0.05 * np.arange(n), (n, n))
    depth = np.maximum(level - ground, 0).astype("f4")
    one = raster(depth)
    water = xr.Dataset({"depth": one, "uncertainty": one.copy(data=np.full((n, n), 0.1, "f4"))})
    return water.rio.write_crs("EPSG:2154")


def at(column, row=40, left=650_000.0, top=6_860_000.0):
    return left + column * CELL, top - row * CELL


def test_buildings_stand_in_the_water_at_their_walls():
    import geopandas
    import shapely

    water = pond()
    columns = (5, 25, 35, 50, 70, 70)
    shapes = [shapely.box(*(v - 4 for v in at(c)), *(v + 4 for v in at(c))) for c in columns]
    # No water is seen inside walls: what counts is the water around them.
    water["depth"].values[38:42, 34:37] = 0
    houses = geopandas.GeoDataFrame(
        {
            "USAGE_1": ["Résidentiel"] * 6,
            "nombre_de_logements": [1, 2, np.nan, 4, 8, 16],
            "ETAT_DE_L_OBJET": ["En service"] * 5 + ["En projet"],
        },
        geometry=shapes,
        crs=2154,
    )
    found = buildings_reached(houses.to_crs(4326), water)
    assert list(found.index) == [1, 2, 3, 4]
    assert np.allclose(found["depth"], [0.25, 0.75, 1.5, 2.5], atol=0.11)
    assert list(found["depth_class"]) == ["0_50cm", "50cm_1m", "1_2m", "over_2m"]
    assert np.allclose(found["depth_high"] - found["depth"], 0.1645, atol=1e-3)
    counted = by_class(found)
    assert [counted[k].value for k in counted] == [1, 1, 1, 1]
    homes = by_class(found, "nombre_de_logements")
    assert [homes[k].value for k in homes] == [2, 0, 4, 8]
    assert all(c.low <= c.value <= c.high for c in counted.values())
    assert found.crs == water.rio.crs
    dry = buildings_reached(houses.iloc[:1], water)
    assert dry.empty and sum(c.value for c in by_class(dry).values()) == 0
    with pytest.raises(InvalidInput, match="bâtiments"):
        buildings_reached(houses.set_crs(None, allow_override=True), water)


def test_a_road_is_cut_where_a_car_floats_and_a_bridge_is_not():
    import geopandas
    import shapely

    water = pond()
    ends = [((2, 40), (15, 40)), ((2, 40), (24, 40)), ((2, 10), (60, 10)), ((2, 10), (60, 10))]
    roads = geopandas.GeoDataFrame(
        {"position_par_rapport_au_sol": ["0", "0", "0", "1"], "importance": ["5", "5", "3", "3"]},
        geometry=[shapely.LineString([at(*a), at(*b)]) for a, b in ends],
        crs=2154,
    )
    found = roads_cut(roads, water)
    assert list(found.index) == [1, 2]
    assert list(found["cut"]) == [False, True] and list(found["surely_cut"]) == [False, True]
    assert found["depth"].to_list() == pytest.approx([0.2, 2.0], abs=0.06)
    assert found["wet_length"].to_list() == pytest.approx([15, 195], abs=6)
    assert by_class(found, "wet_length")["1_2m"].value == pytest.approx(195, abs=6)
    assert roads_cut(roads, water, threshold=0.1)["cut"].all()
    assert roads_cut(roads.iloc[:1], water).empty
    with pytest.raises(InvalidInput, match="routes"):
        roads_cut(roads.set_crs(None, allow_override=True), water)


def test_the_demonstration_town_has_houses_and_roads_in_the_water(demo_dir):
    import geopandas

    part = {"y": slice(1300, 2000), "x": slice(1600, 2500)}

    def read(name):
        return rioxarray.open_rasterio(demo_dir / name, masked=True)[0].isel(part)

    depth = read("truth/flood_depth.tif")
    water = xr.Dataset({"depth": depth, "uncertainty": depth * 0 + 0.1}).rio.write_crs(2154)
    box = depth.rio.bounds()
    topo = next((demo_dir / "topo").glob("*ERVELLE.gpkg"))
    houses = geopandas.read_file(topo, layer="batiment", bbox=box)
    roads = geopandas.read_file(topo, layer="troncon_de_route", bbox=box)
    found, cut = buildings_reached(houses, water), roads_cut(roads, water)
    assert 50 < len(found) < len(houses)
    # Held against another way: the depth under each building's centre.
    centres = found.geometry.representative_point()
    under = depth.sel(x=xr.DataArray(centres.x), y=xr.DataArray(centres.y), method="nearest")
    assert np.median(np.abs(under.values - found["depth"])) < 0.1
    assert (cut["wet_length"] <= cut.length + 1e-6).all() and cut["cut"].any()


# --- Commands --------------------------------------------------------------------------------


def command(*arguments):
    from eo_helpers.cli import main

    with pytest.raises(SystemExit) as stop:
        main(["flood", *map(str, arguments)])
    return stop.value.code


def test_what_if_writes_a_map_and_tells_each_rise(tmp_path, capsys):
    import json

    extent, dem, _truth, wet = lake(n=96)
    extent.rio.to_raster(tmp_path / "e.tif")
    dem.rio.to_raster(tmp_path / "d.tif")
    files = ["--extent", tmp_path / "e.tif", "--dem", tmp_path / "d.tif"]
    rises = ["--rise", 1, "--rise", -0.5]
    assert command("what-if", *files, "-o", tmp_path / "r.tif", *rises, "--json") == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert [t["rise_m"] for t in told] == [-0.5, 0.0, 1.0]
    areas = [t["area_km2"] for t in told]
    assert areas == sorted(areas)
    assert areas[1] == pytest.approx(wet.sum() * 25 / 1e6, rel=0.02)
    with rasterio.open(tmp_path / "r.tif") as file:
        needed = file.read(1)
        assert file.crs.to_epsg() == 2154 and np.isnan(file.nodata)
    assert (needed[wet] == 0).all()
    # The map says what the figures say.
    assert np.sum(needed < 1) * 25 / 1e6 == pytest.approx(areas[2], rel=0.02)
    assert command("what-if", *files, "-o", tmp_path / "no" / "r.tif") == 2


def test_reached_writes_layers_and_counts(tmp_path, capsys):
    import json

    import geopandas
    import shapely

    water = pond()
    for name in ("depth", "uncertainty"):
        water[name].rio.write_crs(2154).rio.to_raster(tmp_path / f"{name}.tif")
    houses = geopandas.GeoDataFrame(
        geometry=[shapely.box(*(v - 4 for v in at(c)), *(v + 4 for v in at(c))) for c in (5, 50)],
        crs=2154,
    )
    lines = [shapely.LineString([at(2, 10), at(60, 10)])]
    houses.to_file(tmp_path / "topo.gpkg", layer="batiment")
    roads = geopandas.GeoDataFrame(geometry=lines, crs=2154)
    roads.to_file(tmp_path / "topo.gpkg", layer="troncon_de_route")
    topo = ["--buildings", tmp_path / "topo.gpkg", "--roads", tmp_path / "topo.gpkg"]
    given = ["--depth", tmp_path / "depth.tif", "--uncertainty", tmp_path / "uncertainty.tif"]
    out = tmp_path / "o.gpkg"
    assert command("reached", *given, *topo, "-o", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["buildings"]["1_2m"]["value"] == 1 and told["roads_cut"] == 1
    assert len(geopandas.read_file(out, layer="buildings")) == 1
    assert geopandas.read_file(out, layer="roads")["wet_length"][0] == pytest.approx(195, abs=6)
    assert command("reached", *given, "-o", out) == 2
    assert "--buildings" in capsys.readouterr().err
    assert command("reached", *given, "--roads", tmp_path / "none.gpkg", "-o", out) == 2
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".gpkg", ".gpkg", ".tif", ".tif"]


# --- Measured levels -------------------------------------------------------------------------


def test_measured_levels_hold_the_surface(tmp_path, capsys):
    """The extent is seen three cells too small all around: its edge lies too low."""
    import geopandas

    extent, dem, _truth, wet = lake(n=200, level=53.0, noise=0.05)
    small = extent.copy(data=ndimage.binary_erosion(wet, iterations=4).astype("u1"))
    rows, cols = np.nonzero(small.values)
    chosen = np.random.default_rng(1).integers(len(rows), size=40)
    places = extent.x.values[cols[chosen]], extent.y.values[rows[chosen]]
    nodes = geopandas.GeoDataFrame(
        {"wse": [52.6] * 40, "wse_u": [0.05] * 40, "node_q": [0] * 40},
        geometry=geopandas.points_from_xy(*places),
        crs=2154,
    ).to_crs(4326)
    alone = water_depth(small, dem)
    swot = nodes.rename(columns={"wse_u": "uncertainty"})
    held = water_depth(small, dem, swot=swot, datum_offset=0.4)
    off = abs(float(alone.surface.median()) - 53.0)
    assert off > 0.15
    assert abs(float(held.surface.median()) - 53.0) < 0.5 * off
    assert "40 cotes mesurées par SWOT" in held.attrs["notes_fr"]
    assert "+0,40 m" in held.attrs["notes_fr"]
    nodes.to_file(tmp_path / "n.shp")
    small.rio.to_raster(tmp_path / "e.tif")
    dem.rio.to_raster(tmp_path / "d.tif")
    given = ["--extent", tmp_path / "e.tif", "--dem", tmp_path / "d.tif", "-o", tmp_path / "o.tif"]
    swot_of = ["--swot", tmp_path / "n.shp", "--datum-offset", 0.4]
    assert command("depth", *given, *swot_of) == 0
    assert "SWOT" in capsys.readouterr().err
    with rasterio.open(tmp_path / "o.tif") as file:
        assert np.abs(file.read(1) - held.depth.values).max() < 0.01
    away = swot.set_geometry(swot.translate(1.0))
    with pytest.raises(OutOfCoverage, match="SWOT"):
        water_depth(small, dem, swot=away)
