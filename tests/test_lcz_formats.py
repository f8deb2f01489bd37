"""LCZ files as they are met: cut names, styles, rasters of 1.5 m, maps of our own; bad input."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio.features import rasterize
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.cli import main
from eo_helpers.lcz import data
from eo_helpers.lcz.finding import analyse
from eo_helpers.lcz.formats import read_cerema, read_geoclimate
from eo_helpers.lcz.schema import CLASSES
from eo_helpers.lcz.styles import colors_of_qml
from eo_helpers.territory.commune import Commune


@pytest.fixture(scope="module")
def archive(demo_dir: Path) -> Path:
    return next((demo_dir / "lcz").glob("*.zip"))


@pytest.fixture(scope="module")
def blocks(archive: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(f"/vsizip/{{{archive}}}", encoding="ISO-8859-1")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


# --- GeoClimate -------------------------------------------------------------------------------


def test_a_geoclimate_shapefile_with_cut_names_is_whole(shared_data, tmp_path):
    path = shared_data / "lcz" / "redon" / "redon_bdtopo_rsu_lcz.geojson"
    cut = tmp_path / "rsu_lcz.shp"
    gpd.read_file(path).to_file(cut)
    assert "LCZ_PRIMAR" in gpd.read_file(cut, rows=1).columns
    a, b = read_geoclimate(path), read_geoclimate(cut)
    assert a["lcz"].tolist() == b["lcz"].tolist()
    assert a["lcz_alternative"].tolist() == b["lcz_alternative"].tolist()
    assert a["uniqueness"].tolist() == pytest.approx(b["uniqueness"].tolist(), nan_ok=True)
    source = catalog.open_source("files", [tmp_path])
    assert len(source.items("lcz-geoclimate")) == 1


# --- Styles -----------------------------------------------------------------------------------


def test_the_style_of_the_archive_gives_the_official_colours(archive):
    colors = read_cerema(archive).attrs["colors"]
    assert colors == {c: CLASSES[c].color.upper() for c in "123456789ABCDEFG"}


def test_the_colours_of_the_map_are_those_of_its_style(blocks, demo_source, demo_dir, tmp_path):
    blocks.to_file(tmp_path / "carte.shp", encoding="ISO-8859-1")
    style = (
        '<qgis><renderer-v2 type="categorizedSymbol" attr="lcz"><categories>'
        '<category value="D" symbol="0"/><category value="" symbol="0"/></categories><symbols>'
        '<symbol name="0"><layer><Option type="Map"><Option name="color" type="QString" '
        'value="1,2,253,255,rgb:0,0,1,1"/></Option></layer></symbol></symbols></renderer-v2></qgis>'
    )
    (tmp_path / "carte.qml").write_text(style)
    place = catalog.communes(demo_source).find("99003")
    finding = analyse(place, catalog.open_source("files", [tmp_path]))
    legend = {c.value: c.color for layer in finding.layers if layer.name == "lcz"
              for c in layer.legend.categories}  # fmt: skip
    assert legend["D"] == "#0102FD" and legend["A"] == CLASSES["A"].color


@pytest.mark.parametrize(
    "text",
    [
        b"not xml",
        b"<qgis/>",
        b'<!DOCTYPE q [<!ENTITY a "b">]><qgis><category value="&a;"/></qgis>',
        b'<qgis><category value="Z" symbol="0"/><symbol name="0"/></qgis>',
        b'<qgis><category value="A" symbol="9"/></qgis>',
    ],
)
def test_a_style_that_tells_nothing_is_no_style(text):
    assert colors_of_qml(text) == {}


def test_the_style_of_a_raster_is_read_too():
    text = b'<qgis><paletteEntry value="12" color="#00aa00" label="B"/></qgis>'
    assert colors_of_qml(text) == {"B": "#00AA00"}


# --- Cerema's raster variant ------------------------------------------------------------------


def write_raster_variant(folder: Path, blocks: gpd.GeoDataFrame, box: tuple[float, ...]) -> Path:
    west, south, east, north = box
    shape = (int((north - south) / 1.5), int((east - west) / 1.5))
    transform = from_origin(west, north, 1.5, 1.5)
    values = rasterize(
        zip(blocks.geometry, blocks["lcz_int"], strict=True), shape, 0, transform=transform
    )
    tif = folder / "LCZ_SPOT_2022_Épreuve sur Mer_raster_1m5.tif"
    profile = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1,
               "dtype": "uint8", "crs": "EPSG:2154", "nodata": 0,
               "transform": transform}  # fmt: skip
    with rasterio.open(tif, "w", **profile) as file:
        file.write(values.astype("uint8"), 1)
    path = tif.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(tif, tif.name)
        out.writestr(tif.with_suffix(".qml").name,
                     '<qgis><paletteEntry value="2" color="#d10000"/></qgis>')  # fmt: skip
    tif.unlink()
    return path


def test_the_raster_variant_is_read_zipped_and_gives_way_to_the_vector(
    blocks, archive, demo_source, tmp_path
):
    # A square of the town: the whole commune has millions of such pixels.
    town = catalog.communes(demo_source).find("99001")
    x, y = (round(v / 3) * 3 for v in town.projected_boundary.centroid.coords[0])
    back = Transformer.from_crs(2154, 4326, always_xy=True)
    edge = shapely.segmentize(shapely.box(x - 600, y - 600, x + 600, y + 600), 50)
    degrees = shapely.transform(edge, back.transform, interleaved=False)
    place = Commune("99001", town.name, "99", degrees)
    box = (x - 750, y - 750, x + 750, y + 750)
    write_raster_variant(tmp_path, blocks, box)
    source = catalog.open_source("files", [tmp_path])
    found = catalog.find("lcz-cerema", place, source)
    raster = data.read(found, place)
    vector = data.read(catalog.find("lcz-cerema", place, demo_source), place)
    assert raster.attrs["colors"] == {"2": "#D10000"}
    a, b = (f.groupby("lcz")["area_m2"].sum() for f in (raster, vector))
    largest = b.idxmax()
    assert a[largest] == pytest.approx(b[largest], rel=0.01)
    assert a.sum() == pytest.approx(b.sum(), rel=0.002)
    finding = analyse(place, source)
    assert finding["share_area_sensitive"].low is None
    assert any("variante en image" in c["fr"] for c in finding.caveats)
    (tmp_path / "vecteur.zip").write_bytes(archive.read_bytes())
    both = catalog.find("lcz-cerema", place, catalog.open_source("files", [tmp_path]))
    assert len(both.paths) == 2
    for items in (both.items, both.items[::-1]):
        read = data.read(catalog.Holding("lcz-cerema", items, both.source), place)
        assert read["block_id"].tolist() == vector["block_id"].tolist()


# --- Bad input, as a person meets it ----------------------------------------------------------


def indicators(n: int = 4) -> gpd.GeoDataFrame:
    row = {"hre": 12.0, "are": 300.0, "bur": 45.0, "ror": 30.0, "bsr": 0.0, "war": 0.0,
           "ver": 25.0, "vhr": 20.0, "lcz": "2"}  # fmt: skip
    squares = [shapely.box(480_000 + 100 * i, 6_990_000, 480_100 + 100 * i, 6_990_100)
               for i in range(n)]  # fmt: skip
    return gpd.GeoDataFrame(pd.DataFrame([row] * n), geometry=squares, crs=2154)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b.__setitem__("ver", 40.0), "ne font pas 100"),
        (lambda b: b.__setitem__("hre", 9999.0), "remplissage"),
        (lambda b: b.__setitem__("hre", -2.0), "hauteur"),
        (lambda b: b.__setitem__("lcz", "H"), "« H » est inconnu"),
        (lambda b: b.__setitem__("bur", "beaucoup"), "autre chose que des nombres"),
        (lambda b: b.__delitem__("vhr"), "vhr"),
    ],
)
def test_classify_refuses_with_one_sentence_and_writes_nothing(change, words, tmp_path, capsys):
    blocks = indicators()
    change(blocks)
    blocks.to_file(tmp_path / "blocs.gpkg")
    assert run("lcz", "classify", tmp_path / "blocs.gpkg", "-o", tmp_path / "out.gpkg") == 2
    told = capsys.readouterr().err.strip()
    assert words in told and "\n" not in told and "Traceback" not in told
    assert [p.name for p in tmp_path.iterdir()] == ["blocs.gpkg"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b.assign(lcz="Z9"), "inconnu"),
        (lambda b: b.set_geometry([b.geometry[0].buffer(k) for k in range(len(b))]),
         "se recouvrent"),
        (lambda b: b.set_geometry(b.centroid), "polygones"),
        (lambda b: b.drop(columns="lcz"), "colonne de classe"),
        (lambda b: b.set_crs(None, allow_override=True), "système de coordonnées"),
        (lambda b: b.set_geometry(b.translate(90_000)), "en commun"),
    ],
)  # fmt: skip
def test_compare_refuses_with_one_sentence(change, words, tmp_path, capsys):
    good, bad = tmp_path / "a.gpkg", tmp_path / "b.gpkg"
    indicators().to_file(good)
    change(indicators()).to_file(bad)
    assert run("lcz", "compare", good, bad, "--json") == 2
    told = capsys.readouterr()
    assert words in told.err and "\n" not in told.err.strip() and told.out == ""


def test_compare_mends_an_invalid_polygon(tmp_path, capsys):
    blocks = indicators(1)
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    bow = shapely.transform(bow, lambda p: p + np.array([480_000, 6_990_000]))
    blocks.set_geometry([bow]).to_file(tmp_path / "bow.gpkg")
    blocks.to_file(tmp_path / "a.gpkg")
    assert run("lcz", "compare", tmp_path / "a.gpkg", tmp_path / "bow.gpkg", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    # Two triangles of half a square each make half of it in all.
    assert told["area_ha"] == pytest.approx(0.5) and told["agreement"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.assign(lcz=6), "une classe"),
        (lambda a: a.set_geometry(a.translate(90_000)), "pixels valides de l'image"),
        (lambda a: a.assign(lcz=42), "inconnu"),
    ],
)
def test_wudapt_refuses_training_areas_with_one_sentence(change, words, tmp_path, capsys):
    rng = np.random.default_rng(0)
    profile = {"driver": "GTiff", "width": 90, "height": 90, "count": 3, "dtype": "uint16",
               "crs": "EPSG:2154",
               "transform": from_origin(480_000, 6_990_900, 10, 10)}  # fmt: skip
    with rasterio.open(tmp_path / "image.tif", "w", **profile) as file:
        file.write(rng.integers(100, 3000, (3, 90, 90)).astype("uint16"))
    areas = indicators().assign(lcz=[2, 6, 11, 14])
    change(areas).to_file(tmp_path / "zones.gpkg")
    code = run("lcz", "wudapt", tmp_path / "image.tif", tmp_path / "zones.gpkg",
               "-o", tmp_path / "out.tif")  # fmt: skip
    told = capsys.readouterr().err.strip()
    assert code == 2 and words in told and "\n" not in told
    assert not (tmp_path / "out.tif").exists()
