"""Maps of climate zones where there is none: from buildings, and from an image."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.cli import main
from eo_helpers.errors import InvalidInput
from eo_helpers.lcz import compare
from eo_helpers.lcz.files import read_layer
from eo_helpers.lcz.finding import analyse
from eo_helpers.lcz.production import accuracy, layers, wudapt
from eo_helpers.lcz.production.produce import REASONS, produce, summary
from eo_helpers.lcz.production.skyview import sky_view_factor
from eo_helpers.lcz.rule import RATES

CRSS = [2154, 5490, 2972, 2975, 4471, 4467]
#: A place within each CRS, metres.
ORIGINS = {2154: (652_000, 6_862_000), 5490: (690_000, 1_700_000), 2972: (350_000, 540_000),
           2975: (340_000, 7_660_000), 4471: (520_000, 8_590_000),
           4467: (560_000, 5_180_000)}  # fmt: skip


def quarter(x0: float, y0: float, crs: int) -> dict[str, gpd.GeoDataFrame]:
    """A square of 600 m: dense houses in the west, a wood and a pond in the east."""
    houses = [
        shapely.box(x0 + 10 + 25 * i, y0 + 10 + 25 * j, x0 + 24 + 25 * i, y0 + 22 + 25 * j)
        for i in range(11)
        for j in range(23)
    ]
    wood = shapely.box(x0 + 320, y0, x0 + 600, y0 + 400)
    pond = shapely.box(x0 + 320, y0 + 420, x0 + 600, y0 + 600)
    road = shapely.LineString([(x0 + 300, y0 - 10), (x0 + 300, y0 + 610)])
    lanes = [shapely.LineString([(x0, y0 + 200 * k), (x0 + 300, y0 + 200 * k)]) for k in (1, 2)]
    heights = np.where(np.arange(len(houses)) % 9 == 0, np.nan, 6.0)
    epsg = f"EPSG:{crs}"
    return {
        "buildings": gpd.GeoDataFrame({"HAUTEUR": heights}, geometry=houses, crs=epsg),
        "vegetation": gpd.GeoDataFrame({"NATURE": ["Bois"]}, geometry=[wood], crs=epsg),
        "water": gpd.GeoDataFrame({"POS_SOL": ["0"]}, geometry=[pond], crs=epsg),
        "roads": gpd.GeoDataFrame({"LARGEUR": [6.0] * 3}, geometry=[road, *lanes], crs=epsg),
        "zone": gpd.GeoDataFrame(geometry=[shapely.box(x0, y0, x0 + 600, y0 + 600)], crs=epsg),
    }


@pytest.fixture(scope="module")
def made() -> gpd.GeoDataFrame:
    return produce(**quarter(*ORIGINS[2154], 2154))


def test_units_cover_the_zone_once_and_every_unit_has_a_class_or_a_reason(made):
    assert made.area.sum() == pytest.approx(360_000, rel=1e-6)
    assert shapely.area(shapely.union_all(made.geometry.to_numpy())) == pytest.approx(360_000)
    assert np.allclose(made[list(RATES)].sum(axis=1), 100)
    assert (made["lcz_cerema"].notna() | made["cerema_reason"].isin(list(REASONS))).all()
    at = dict(zip(made["unit_id"], made["lcz_cerema"], strict=True))
    west = made[made.centroid.x < ORIGINS[2154][0] + 290]
    # 168 m² of every 625 m² is house: built, open, low.
    assert set(west["lcz_cerema"]) == {"6"}, at
    assert {"A", "G"} <= set(made["lcz_cerema"])
    told = summary(made)
    assert told["heights_percent"]["neighbours"] > 5
    assert told["heights_percent"]["missing"] == 0


@pytest.mark.parametrize("crs", CRSS[1:])
def test_the_same_place_in_every_official_crs_gives_the_same_map(made, crs):
    other = produce(**quarter(*ORIGINS[crs], crs))
    assert other.crs.to_epsg() == crs
    assert other["lcz_cerema"].tolist() == made["lcz_cerema"].tolist()
    assert other["lcz_so"].tolist() == made["lcz_so"].tolist()


def test_no_known_height_leaves_built_units_unclassed_with_the_reason():
    place = quarter(*ORIGINS[2154], 2154)
    place["buildings"]["HAUTEUR"] = np.nan
    out = produce(**place)
    built = out["bur"] > 10
    assert built.any() and out.loc[built, "lcz_cerema"].isna().all()
    assert set(out.loc[built, "cerema_reason"]) == {"no_height"}
    assert summary(out)["unclassed"]["cerema_reason"]["no_height"] == int(built.sum())


def test_overlapping_and_invalid_polygons_count_once_and_are_told():
    place = quarter(*ORIGINS[2154], 2154)
    before = produce(**place)
    bow = shapely.Polygon([(0, 0), (40, 40), (40, 0), (0, 40)])
    x0, y0 = ORIGINS[2154]
    bow = shapely.transform(bow, lambda p: p + np.array([x0 + 400, y0 + 450]))
    twice = pd.concat([place["buildings"], place["buildings"].iloc[:50]], ignore_index=True)
    water = pd.concat(
        [place["water"], gpd.GeoDataFrame({"POS_SOL": ["0"]}, geometry=[bow], crs=2154)],
        ignore_index=True,
    )
    after = produce(**{**place, "buildings": twice, "water": water})
    assert after["bur"].tolist() == pytest.approx(before["bur"].tolist())
    notes = " ".join(n["fr"] for n in after.attrs["production"]["notes"])
    assert "invalides" in notes and "dessinée plusieurs fois" in notes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p["buildings"].__setitem__("HAUTEUR", 9999.0), "plus de 350 m"),
        (lambda p: p["buildings"].__setitem__("HAUTEUR", -3.0), "négative"),
        (lambda p: p.update(buildings=p["buildings"].drop(columns="HAUTEUR")), "hauteur"),
        (lambda p: p.update(buildings=p["buildings"].iloc[:0]), "vide"),
        (lambda p: p.update(buildings=p["buildings"].set_crs(None, allow_override=True)),
         "système"),
        (lambda p: p.update(zone=p["zone"].to_crs(4326)), "mètres"),
        (lambda p: p["vegetation"].__setitem__("NATURE", "Savane"), "nature inconnue"),
        (lambda p: p.update(buildings=p["buildings"].set_geometry(
            p["buildings"].translate(50_000))), "Aucun bâtiment"),
        (lambda p: p.update(units="pavés"), "découper"),
        (lambda p: p.update(exclude=("Z",)), "classe LCZ"),
    ],
)  # fmt: skip
def test_bad_layers_are_one_sentence(change, words):
    place = quarter(*ORIGINS[2154], 2154)
    change(place)
    with pytest.raises(InvalidInput, match=words):
        produce(**place)


def test_geopackage_and_shapefile_names_of_bd_topo_are_the_same_to_us():
    place = quarter(*ORIGINS[2154], 2154)["buildings"].assign(NB_ETAGES=2.0, ETAT="En projet")
    gpkg = place.rename(columns={"HAUTEUR": "hauteur", "NB_ETAGES": "nombre_d_etages",
                                 "ETAT": "etat_de_l_objet"})  # fmt: skip
    place.loc[0, "ETAT"] = gpkg.loc[0, "etat_de_l_objet"] = "En service"
    a, b = layers.normalise_buildings(place), layers.normalise_buildings(gpkg)
    assert len(a) == len(b) == 1
    assert a["height_source"].tolist() == b["height_source"].tolist() == ["storeys"]


def test_sky_view_of_an_endless_street():
    """Mean over the floor of a street of height H and width W: √(1+(H/W)²) - H/W (Oke 1987)."""
    heights = np.zeros((400, 60), np.float32)
    heights[:, :20] = heights[:, 40:] = 20.0
    view = sky_view_factor(heights, 1.0, directions=64, radius_m=150)
    assert np.nanmean(view[200, 20:40]) == pytest.approx(np.sqrt(2) - 1, abs=0.03)
    assert np.isnan(view[200, 5])


def test_olemps_from_real_bd_topo(shared_data, tmp_path, capfd):
    folder = shared_data / "lcz" / "bdtopo_olemps_12174"
    output = tmp_path / "olemps.gpkg"
    command = ["lcz", "produce", "--buildings", folder / "BATIMENT.shp", "--vegetation",
               folder / "ZONE_DE_VEGETATION.shp", "--water", folder / "SURFACE_HYDROGRAPHIQUE.shp",
               "--zone", folder / "COMMUNE.shp", "-o", output, "--json"]  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main([str(part) for part in command])
    assert ended.value.code == 0
    told = json.loads(capfd.readouterr().out)
    assert told["crs"] == "EPSG:2154"
    assert told["area_ha"] == pytest.approx(1279.3, abs=0.5)
    # 269 of 2,273 heights are empty: they are estimated, not left out.
    assert told["heights_percent"]["missing"] == 0
    assert 5 < told["heights_percent"]["neighbours"] + told["heights_percent"]["layer"] < 15
    out = gpd.read_file(output)
    assert (out["lcz"].notna() | out["cerema_reason"].isin(list(REASONS))).all()
    # A commune of woods and meadows beside Rodez: natural ground over most of it.
    natural = out["lcz"].isin(list("ABCDEFG"))
    assert out.area[natural].sum() / out.area.sum() > 0.75
    assert 20 < told["disagreement_percent"] < 50


def test_vannes_from_openstreetmap(shared_data):
    folder = shared_data / "lcz" / "vannes_osm"
    names = ("BUILDING", "VEGET", "HYDRO", "ZONE")
    parts = [read_layer(folder / f"{name}.geojson") for name in names]
    out = produce(*parts, crs=2154)
    assert out["lcz_cerema"].notna().all()
    assert out.attrs["production"]["heights_percent"]["default"] > 80
    assert out["lcz_cerema"].isin(["6", "9", "5"]).mul(out.area).sum() / out.area.sum() > 0.4


@pytest.fixture(scope="module")
def truth(demo_dir) -> gpd.GeoDataFrame:
    table = gpd.read_file(demo_dir / "truth" / "lcz_blocks.gpkg", layer="vermeil")
    return table.assign(lcz=table["lcz"].where(table["lcz"] != "", None))


@pytest.fixture(scope="module")
def island(demo_dir, tmp_path_factory) -> Path:
    """The island's map, made on the command line from its BD TOPO."""
    topo = next((demo_dir / "topo").glob("*VERMEIL.gpkg"))
    communes = gpd.read_parquet(demo_dir / "communes.parquet")
    folder = tmp_path_factory.mktemp("island")
    zone = folder / "zone.geojson"
    communes[communes["insee"] == "97199"].to_file(zone)
    with pytest.raises(SystemExit) as ended:
        main(["lcz", "produce", "--bdtopo", str(topo), "--zone", str(zone),
              "-o", str(folder / "island.gpkg")])  # fmt: skip
    assert ended.value.code == 0
    return folder / "island.gpkg"


def test_the_island_from_buildings_against_its_truth(island, truth):
    """Blocks come from the same streets as the truth's: an upper bound of what can be had."""
    out = gpd.read_file(island)
    # Degrees in, the island's official CRS out.
    assert out.crs.to_epsg() == 5490
    sure = compare.blocked_interval(compare.overlay(out, truth))
    assert sure.loc["agreement", "low"] > 0.9
    built = truth[truth["lcz"].isin(list("123456789"))]
    assert compare.compare(out, built).agreement > 0.6


def test_a_map_produced_here_is_read_back_and_never_called_cerema_s(island, demo_dir, tmp_path):
    shutil.copy(island, tmp_path)
    shutil.copy(demo_dir / "communes.parquet", tmp_path)
    source = catalog.open_source("files", [tmp_path])
    assert source.items("lcz-cerema") == [] and len(source.items("lcz-produced")) == 1
    finding = analyse(catalog.communes(source).find("97199"), source)
    assert finding.status == "complete"
    assert [p.dataset for p in finding.provenance] == ["lcz-produced"]
    texts = " ".join(c["fr"] for c in finding.caveats)
    assert "produite à partir des bâtiments" in texts and "contredisent" in texts
    assert "îlots sont ceux de 2018" not in texts
    sensitive = finding["share_area_sensitive"]
    assert sensitive.source == "lcz-produced" and sensitive.low is not None
    assert sensitive.low <= sensitive.value <= sensitive.high


def image(size: int = 120, seed: int = 0) -> tuple[xr.DataArray, np.ndarray]:
    """Four bands of 10 m over patches of 300 m of three classes (6, A, G), with noise."""
    rng = np.random.default_rng(seed)
    patch = rng.integers(0, 3, (size // 30, size // 30)).repeat(30, 0).repeat(30, 1)
    means = np.array([[900, 1100, 1200, 1800], [300, 500, 300, 3300], [450, 500, 350, 250.0]])
    values = means[patch].transpose(2, 0, 1) + rng.normal(0, 150, (4, size, size))
    array = xr.DataArray(
        values.astype(np.float32),
        dims=("band", "y", "x"),
        coords={"band": ["B02", "B03", "B04", "B08"],
                "y": 6_000_000 - 5 - 10.0 * np.arange(size), "x": 300_005 + 10.0 * np.arange(size)},
    )  # fmt: skip
    array = array.rio.write_crs(32631).rio.write_transform(from_origin(3e5, 6e6, 10, 10))
    return array, patch


def areas(patch: np.ndarray, codes: tuple[object, ...] = (6, 11, 17)) -> gpd.GeoDataFrame:
    side = patch.shape[0] // 30
    rows = [
        (codes[patch[30 * j, 30 * i]],
         shapely.box(3e5 + 300 * i + 60, 6e6 - 300 * j - 240, 3e5 + 300 * i + 240,
                     6e6 - 300 * j - 60))
        for j in range(side) for i in range(side)
    ]  # fmt: skip
    return gpd.GeoDataFrame({"lcz": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs=32631)


def test_forest_learns_what_training_areas_show():
    scene, patch = image(240)
    stack = wudapt.features(scene, cell=3)
    assert stack.shape[1:] == (80, 80)
    assert {"NDVI", "NDWI", "B08_mean3", "NDVI_std9"} <= set(stack["feature"].values)
    assert stack.rio.bounds() == pytest.approx(scene.rio.bounds())
    training = wudapt.sample(stack, areas(patch))
    forest = wudapt.train(training, trees=30)
    pixels = wudapt.predict(forest, stack)
    expected = np.array([6, 11, 17])[patch[1::3, 1::3]]
    assert (pixels["lcz"].to_numpy() == expected).mean() > 0.95
    assert np.allclose(pixels["probability"].sum("class"), 1, atol=1e-5)
    # The filter rounds corners of patches of 300 m, and leaves zones rather than pixels.
    zones = wudapt.post_filter(pixels)
    assert (zones["lcz"].to_numpy() == expected).mean() > 0.9
    again = wudapt.predict(wudapt.train(training, trees=30), stack)
    assert (again["lcz"] == pixels["lcz"]).all()


def test_no_area_and_no_block_is_on_both_sides():
    scene, patch = image(240)
    training = wudapt.sample(wudapt.features(scene, cell=3), areas(patch))
    group = accuracy.spatial_groups(training, block_m=500)
    for ids in (training.polygons, np.floor((training.x - training.x.min()) / 500) * 1e4
                + np.floor((training.y - training.y.min()) / 500)):  # fmt: skip
        table = pd.DataFrame({"id": ids, "group": group})
        assert (table.groupby("id")["group"].nunique() == 1).all()


def test_labels_at_random_are_not_learnt():
    """What a leak would show: with meaningless classes accuracy must be that of chance."""
    scene, patch = image(480, seed=3)
    shuffled = areas(patch)
    shuffled["lcz"] = np.random.default_rng(1).permutation(np.resize([2, 6], len(shuffled)))
    training = wudapt.sample(wudapt.features(scene, cell=3), shuffled)
    out = accuracy.evaluate(training, block_m=300, repeats=1, trees=10)
    assert out.overall.loc["OA", "low"] < 0.5 < out.overall.loc["OA", "high"]
    assert out.overall.loc["kappa", "value"] < 0.15


def test_evaluation_tells_every_measure_with_bounds():
    scene, patch = image(240)
    training = wudapt.sample(wudapt.features(scene, cell=3), areas(patch))
    out = accuracy.evaluate(training, block_m=300, repeats=2, trees=20)
    assert out.overall.index.tolist() == ["OA", "OAu", "OAbu", "OAw", "kappa"]
    assert (out.overall["low"] <= out.overall["value"]).all()
    assert (out.overall["value"] <= out.overall["high"]).all()
    assert out.overall.loc["OA", "value"] > 0.9
    assert out.by_class["support"].sum() == len(training.classes)
    assert {"f1", "low", "high", "support", "areas", "groups"} <= set(out.by_class.columns)


def test_measures_by_hand():
    matrix = pd.DataFrame({"2": [6, 1, 0], "3": [2, 5, 0], "A": [2, 0, 4]}, index=["2", "3", "A"])
    out = accuracy.metrics(matrix)
    assert out["OA"] == pytest.approx(15 / 20)
    assert out["OAu"] == pytest.approx(11 / 16)
    assert out["OAbu"] == pytest.approx(18 / 20)
    chance = (10 * 7 + 6 * 7 + 4 * 6) / 400
    assert out["kappa"] == pytest.approx((0.75 - chance) / (1 - chance))
    assert out["OA"] < out["OAw"] < 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.assign(lcz=6), "une classe"),
        (lambda a: a.set_geometry(a.translate(90_000)), "valides de l'image"),
        (lambda a: a.assign(lcz=42), "inconnu"),
        (lambda a: a.rename(columns={"lcz": "classe"}), "colonne"),
        (lambda a: a.set_crs(None, allow_override=True), "système"),
    ],
)
def test_bad_training_areas_are_one_sentence(change, words):
    scene, patch = image()
    stack = wudapt.features(scene, cell=3)
    with pytest.raises(InvalidInput, match=words):
        wudapt.sample(stack, change(areas(patch)))


def test_areas_in_one_place_cannot_be_checked():
    scene, patch = image()
    training = wudapt.sample(wudapt.features(scene, cell=3), areas(patch))
    with pytest.raises(InvalidInput, match="rien ne peut être"):
        accuracy.evaluate(training, block_m=5000)


def test_bad_images_are_one_sentence():
    scene, _ = image()
    for bad, words in (
        (scene.isel(band=0), "dimensions"),
        (scene.copy(data=np.zeros(scene.shape, np.float32)), "aucun pixel valide"),
        (scene.drop_vars("spatial_ref"), "système"),
    ):
        with pytest.raises(InvalidInput, match=words):
            wudapt.features(bad)
    with pytest.raises(InvalidInput, match="impairs"):
        wudapt.features(scene, windows=(4,))


def test_wudapt_on_the_command_line(tmp_path, capfd):
    scene, patch = image(240)
    path, output = tmp_path / "scene.tif", tmp_path / "lcz.tif"
    profile = {"driver": "GTiff", "width": 240, "height": 240, "count": 4, "dtype": "uint16",
               "crs": "EPSG:32631", "nodata": 0,
               "transform": from_origin(3e5, 6e6, 10, 10)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.clip(scene.to_numpy(), 1, None).astype(np.uint16))
        for k, name in enumerate(scene["band"].values, 1):
            file.set_band_description(k, str(name))
    areas(patch).to_file(tmp_path / "areas.gpkg")
    with pytest.raises(SystemExit) as ended:
        main(["lcz", "wudapt", str(path), str(tmp_path / "areas.gpkg"), "--block", "300",
              "--repeats", "1", "-o", str(output), "--json"])  # fmt: skip
    assert ended.value.code == 0
    told = json.loads(capfd.readouterr().out)
    assert set(told["overall"]) == {"OA", "OAu", "OAbu", "OAw", "kappa"}
    with rasterio.open(output) as file:
        assert file.res == (50, 50) and set(np.unique(file.read(1))) <= {6, 11, 17}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["areas.gpkg", "lcz.tif", "scene.tif"]
