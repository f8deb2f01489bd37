"""Vegetation from files: readers, catalog, commands, and the demonstration's known trees."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rioxarray
import shapely

from eo_helpers import catalog
from eo_helpers.cli import main
from eo_helpers.errors import InvalidInput
from eo_helpers.vegetation import data
from eo_helpers.vegetation.finding import analyse, finding_of
from eo_helpers.vegetation.gus import read_cosia, read_gus, read_ocsge
from eo_helpers.vegetation.produce import read_index, strata_of_files
from eo_helpers.vegetation.strata import Limits

INSEE = "99001"


def eo(*arguments) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["vegetation", *map(str, arguments)])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def town(demo_dir):
    (image,) = (demo_dir / "vegetation").glob("ORTHO_IRC*.tif")
    (height,) = (demo_dir / "vegetation").glob("LHD*MNH*.tif")
    return image, height


@pytest.fixture(scope="module")
def piece(town, tmp_path_factory):
    """400 m of the town: image and heights."""
    folder = tmp_path_factory.mktemp("piece")
    out = []
    for path in town:
        with rasterio.open(path) as file:
            window = rasterio.windows.Window(1000, 600, 400, 400)
            profile = {**file.profile, "width": 400, "height": 400,
                       "transform": file.window_transform(window)}  # fmt: skip
            values, words, tags = file.read(window=window), file.descriptions, file.tags()
        part = folder / path.name
        with rasterio.open(part, "w", **profile) as file:
            file.write(values)
            file.descriptions = words
            file.update_tags(**tags)
        out.append(part)
    return out


def rewrite(path, target, change):
    with rasterio.open(path) as file:
        values, profile, words = change(file.read()), file.profile, file.descriptions
    profile.update(dtype=values.dtype.name)
    with rasterio.open(target, "w", **profile) as file:
        file.write(values)
        file.descriptions = words
    return target


def test_the_catalog_knows_heights_photograph_and_parcels(demo_source):
    for dataset in ("mnh", "ortho-irc", "rpg"):
        (item,) = demo_source.items(dataset)
        assert item.properties["eo_helpers:demonstration"] is True
    # Terrains stay terrains, however near the sea.
    assert len(demo_source.items("dem")) == 2 and len(demo_source.items("dsm")) == 2


def test_strata_of_the_town_are_those_that_were_planted(demo_dir, town):
    image, height = town
    made = strata_of_files(image, height)
    truth = rioxarray.open_rasterio(demo_dir / "truth" / "vegetation_strata.tif")[0].values
    found = made.strata["stratum"].values
    scores = []
    for k in range(4):
        both = ((found == k) & (truth == k)).sum()
        scores.append(2 * both / ((found == k).sum() + (truth == k).sum()))
    assert min(scores) > 0.85 and scores[3] > 0.95
    share = float((found == 3).mean())
    assert share == pytest.approx(float((truth == 3).mean()), abs=0.01)


def test_canopy_of_every_commune_lies_in_its_interval(demo_source):
    """Truth: shares of trees on the ground that the files were drawn from, in percent."""
    truth = {"99002": 9.25, "99005": 35.08}
    for insee, true in truth.items():
        commune = catalog.communes(demo_source).find(insee)
        finding = finding_of(commune, data.read(commune, demo_source), Limits())
        canopy = finding["canopy_share"]
        assert canopy.low <= true <= canopy.high
        assert abs(canopy.value - true) < 1.0


def test_the_finding_tells_strata_forms_and_people(demo_source, monkeypatch):
    monkeypatch.setattr(data, "_fine", lambda *_: None)
    from eo_helpers.vegetation import finding as theme

    commune = catalog.communes(demo_source).find("99005")
    theme._read.cache_clear()
    found = analyse(commune, demo_source)
    assert found.status == "complete" and found.demonstration
    assert {layer.name for layer in found.layers} >= {"commune", "strata", "canopy_cells"}
    assert "1,5 m" in next(x for x in found.layers if x.name == "strata").title["fr"]
    other = analyse(commune, demo_source, heights="0.5-1.5")
    assert other["canopy_share"].value > found["canopy_share"].value
    assert json.loads(found.to_json())["controls"][0]["name"] == "heights"
    with pytest.raises(InvalidInput, match="heights"):
        analyse(commune, demo_source, heights="3")
    theme._read.cache_clear()


def test_where_no_image_lies_the_finding_says_so(demo_source):
    found = analyse(catalog.communes(demo_source).find("97199"), demo_source)
    assert found.status == "out_of_coverage" and found.remedy


def test_commands_write_strata_and_forms(piece, tmp_path, capsys):
    image, height = piece
    out, sure = tmp_path / "strata.tif", tmp_path / "sure.tif"
    assert eo("strata", "--image", image, "--height", height, "-o", out,
              "--confidence", sure, "--json") == 0  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    with rasterio.open(out) as file:
        values = file.read(1)
        assert file.nodata == 255 and file.tags()["TREE_FROM_M"] == "5.0"
    assert told["share"]["arboree"] == pytest.approx((values == 3).mean())
    with rasterio.open(sure) as file:
        assert np.nanmin(file.read(1)) >= 0.25 and np.nanmax(file.read(1)) <= 1
    forms = tmp_path / "forms.gpkg"
    assert eo("forms", "--image", image, "--height", height, "-o", forms) == 0
    table = read_gus([forms])
    assert {"AI", "BOA"} <= set(table["fv"]) and table["idc_surface"].notna().all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["forms.gpkg", "strata.tif", "sure.tif"]


def test_commands_refuse_what_would_be_a_false_map(piece, tmp_path, capsys):
    image, height = piece
    swapped = rewrite(image, tmp_path / "swapped.tif", lambda v: v[[1, 0, 2]])
    assert eo("strata", "--image", swapped, "--height", height, "-o", tmp_path / "s.tif") == 2
    assert "inversés" in capsys.readouterr().err
    metric = rewrite(height, tmp_path / "cm.tif", lambda v: v * 100)
    assert eo("strata", "--image", image, "--height", metric, "-o", tmp_path / "s.tif") == 2
    assert "centimètres" in capsys.readouterr().err
    assert eo("forms", "--image", image, "-o", tmp_path / "f.gpkg") == 2
    assert "hauteurs" in capsys.readouterr().err
    assert eo("strata", "--image", image, "--surface", height, "-o", tmp_path / "s.tif") == 2
    assert eo("strata", "--image", tmp_path / "none.tif", "-o", tmp_path / "s.tif") == 2
    assert not (tmp_path / "s.tif").exists() and not (tmp_path / "f.gpkg").exists()


def gus_table(**changes):
    row = {"fid": 1, "strate": "A", "fv": "AI", "paysage": 1, "surface": 30.0, "idc_surface": None}
    return gpd.GeoDataFrame([{**row, **changes}], geometry=[shapely.box(0, 0, 5, 6)],
                            crs="EPSG:2154")  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"fv": "XX"}, "XX"), ({"strate": "H"}, "strate"), ({"paysage": 9}, "paysage"),
     ({"surface": -1.0}, "surface")],
)  # fmt: skip
def test_a_layer_that_is_not_green_urban_sats_is_refused(tmp_path, changes, word):
    path = tmp_path / "gus.gpkg"
    gus_table(**changes).drop(columns="fid").to_file(path)
    with pytest.raises(InvalidInput, match=word):
        read_gus([path])


def test_empty_confidences_of_its_authors_are_read(tmp_path):
    path = tmp_path / "gus.gpkg"
    gus_table().drop(columns="fid").to_file(path)
    table = read_gus([path])
    assert table["idc_surface"].isna().all() and table["fv"].tolist() == ["AI"]
    with pytest.raises(InvalidInput, match="code_cs"):
        read_ocsge([path])


def test_other_layers_tell_their_strata(tmp_path):
    shapes = [shapely.box(k, 0, k + 1, 1) for k in range(3)]
    ocs = gpd.GeoDataFrame(
        {"code_cs": ["CS2.1.1.1", "CS2.2.1", "CS1.1.1.1"], "code_us": "US5"},
        geometry=shapes, crs="EPSG:2154",
    )  # fmt: skip
    ocs.to_file(tmp_path / "ocs.gpkg")
    assert read_ocsge([tmp_path / "ocs.gpkg"])["strate"].tolist() == ["A", "H", ""]
    cosia = gpd.GeoDataFrame(
        {"numero": [8, 9, 1], "classe": ["Feuillu", "Pelouse", "Bâtiment"]},
        geometry=shapes, crs="EPSG:2154",
    )  # fmt: skip
    cosia.to_file(tmp_path / "cosia.gpkg")
    assert read_cosia([tmp_path / "cosia.gpkg"])["strate"].tolist() == ["A", "H", ""]


def test_the_real_sentinel_2_chip(shared_data):
    folder = shared_data / "flood" / "sen1floods11_spain"
    index, scale = read_index(folder / "S2Hand.tif")
    assert scale.factor == 1e-4 and scale.offset == 0
    label = rioxarray.open_rasterio(folder / "LabelHand.tif")[0].values
    value = index["ndvi"].values
    assert np.nanmedian(value[label == 1]) < 0.05 < np.nanmedian(value[label == 0])
    made = strata_of_files(folder / "S2Hand.tif", None)
    green = made.strata["stratum"].values == 4
    assert green[label == 1].mean() < 0.01 < 0.2 < green[label == 0].mean()


def test_real_hedges_are_rows_and_real_woods_are_not(shared_data):
    from eo_helpers.vegetation.shapes import ROW, shape_of

    path = shared_data / "lcz" / "bdtopo_olemps_12174" / "ZONE_DE_VEGETATION.shp"
    table = gpd.read_file(path, encoding="utf-8").explode()
    kind, _ = shape_of(shapely.force_2d(table.geometry.to_numpy()))
    hedge = (table["NATURE"] == "Haie").to_numpy()
    wood = table["NATURE"].str.contains("Bois|Forêt").to_numpy()
    assert (kind[hedge] == ROW).mean() > 0.6
    assert (kind[wood] == ROW).mean() < 0.1
