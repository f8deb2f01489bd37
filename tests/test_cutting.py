"""A pack of some communes holds their part of large files, in the files' own formats."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.catalog import cutting
from eo_helpers.catalog.packing import write_pack
from eo_helpers.catalog.packs import open_pack
from eo_helpers.territory.commune import Commune
from eo_helpers.territory.population import read as read_population

REDON = Commune("35236", "Redon", "35", shapely.box(-2.11, 47.63, -2.05, 47.68))
FAR = Commune("33063", "Bordeaux", "33", shapely.box(-0.64, 44.81, -0.53, 44.92))


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cutting, "LEAST_BYTES", 2_000)


def france(columns) -> gpd.GeoDataFrame:
    """Squares of a kilometre all over the west of France, EPSG:2154."""
    x, y = np.meshgrid(np.arange(280_000, 480_000, 4_000), np.arange(6_400_000, 6_780_000, 4_000))
    shapes = shapely.box(x.ravel(), y.ravel(), x.ravel() + 1_000, y.ravel() + 1_000)
    values = {name: make(len(shapes)) for name, make in columns.items()}
    return gpd.GeoDataFrame(values, geometry=shapes, crs=2154)


BUILDINGS = {"cleabs": lambda n: [f"B{k}" for k in range(n)], "hauteur": lambda n: [6.0] * n,
             "nombre_d_etages": lambda n: [2] * n,
             "nombre_de_logements": lambda n: [1] * n}  # fmt: skip


def packed(folder: Path, communes=(REDON,)):
    source = catalog.open_source("files", [folder])
    made = write_pack(list(communes), source, folder.parent / "t.eopack")
    place = catalog.open_source("files", [open_pack(made.path).folder])
    return source, place, made


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data"
    made.mkdir()
    gpd.GeoDataFrame(
        {"code": ["35236", "33063"], "nom": ["Redon", "Bordeaux"]},
        geometry=[REDON.boundary, FAR.boundary], crs=4326,
    ).to_parquet(made / "communes.parquet")  # fmt: skip
    return made


def near(frame, crs=2154):
    west, south, east, north = cutting._box([REDON], crs)
    return frame.cx[west:east, south:north]


@pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson", "fgb", "parquet"])
def test_a_table_is_cut_in_its_own_format(folder, ending):
    short = {"gpkg": False}.get(ending, ending == "shp")
    whole = france(BUILDINGS)
    if short:  # ten characters
        whole = whole.rename(
            columns={"nombre_d_etages": "NB_ETAGES", "nombre_de_logements": "NB_LOGTS"}
        )
    path = folder / f"batiment.{ending}"
    if ending == "parquet":
        whole.to_parquet(path, write_covering_bbox=True, schema_version="1.1.0")
    else:
        whole.to_file(path, layer="batiment" if ending == "gpkg" else None)
    if ending == "gpkg":
        gpd.GeoDataFrame(
            {"cleabs": ["R1"], "importance": ["5"], "nature": ["Route"],
             "position_par_rapport_au_sol": ["0"]},
            geometry=[shapely.LineString([(320_000, 6_740_000), (321_000, 6_740_000)])], crs=2154,
        ).to_file(path, layer="troncon_de_route")  # fmt: skip
    _, place, made = packed(folder)
    holding = catalog.find("bdtopo-buildings", REDON, place)
    (kept,) = holding.paths
    assert kept.name == path.name and kept.stat().st_size < 0.5 * path.stat().st_size
    rows = gpd.read_file(kept, layer="batiment") if ending == "gpkg" else (
        gpd.read_parquet(kept) if ending == "parquet" else gpd.read_file(kept)
    )  # fmt: skip
    expected = near(whole)
    assert 10 < len(expected) < 100 and set(rows["cleabs"]) == set(expected["cleabs"])
    assert rows.crs.to_epsg() == 2154 and set(whole.columns) <= set(rows.columns)
    again = rows.set_index("cleabs").loc[expected["cleabs"]].geometry
    apart = again.symmetric_difference(expected.set_index("cleabs").geometry)
    assert (apart.area < 1.0).all()  # of a square kilometre: rings may be turned
    if ending == "gpkg":
        assert len(gpd.list_layers(kept)) == 2 and "bdtopo-roads" in made.datasets
    with zipfile.ZipFile(made.path) as pack:
        items = [pack.read(n).decode() for n in pack.namelist() if "buildings/items" in n]
    assert len(items) == 1 and '"eo_helpers:cut": true' in items[0]


def test_a_raster_is_cut_to_its_window_and_keeps_what_it_says(folder):
    values = np.random.default_rng(1).random((2, 4_000, 1_000)).astype("f4")
    path = folder / "S1.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=1_000, height=4_000, count=2, dtype="float32", crs=2154,
        transform=from_origin(300_000, 6_760_000, 40, 40), nodata=-9999,
    ) as out:  # fmt: skip
        out.write(values)
        out.set_band_description(1, "VV")
        out.set_band_description(2, "VH")
        out.update_tags(ACQUISITION_DATETIME="2024-01-15T17:48:20Z", PLATFORM="sentinel-1a")
    source, place, made = packed(folder)
    mine, theirs = (catalog.find("sentinel-1", REDON, s) for s in (source, place))
    assert theirs.provenance == mine.provenance
    assert theirs.items[0].datetime == mine.items[0].datetime
    with rasterio.open(theirs.paths[0]) as got, rasterio.open(path) as whole:
        assert got.descriptions == ("VV", "VH") and got.nodata == -9999
        assert got.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        window = whole.window(*got.bounds).round_offsets().round_lengths()
        assert np.array_equal(got.read(), whole.read(window=window))
        west, south, east, north = REDON.projected_boundary.bounds
        assert got.bounds.left < west and got.bounds.right > east
        assert got.bounds.bottom < south and got.bounds.top > north
    assert made.size < 0.2 * path.stat().st_size


def test_cells_of_people_are_cut_by_the_place_in_their_name(folder):
    lines = ["idcar_200m,ind,men"]
    x0, y0, _, _ = cutting._box([REDON], "EPSG:3035")
    for k in range(60):
        for m in range(60):
            north, east = int(y0 // 200 * 200) + 2_000 * m, int(x0 // 200 * 200) + 2_000 * k
            lines.append(f"CRS3035RES200mN{north}E{east},12.5,5")
    (folder / "filosofi.csv").write_text("\n".join(lines) + "\n")
    source, place, _ = packed(folder)
    mine, theirs = (catalog.find("filosofi-200m", REDON, s) for s in (source, place))
    left = theirs.paths[0].read_text().splitlines()
    assert left[0] == lines[0] and 50 < len(left) < 0.3 * len(lines) and set(left) <= set(lines)
    a, b = (read_population(h, REDON) for h in (mine, theirs))
    assert a.equals(b)


def test_two_territories_far_apart_are_both_there(folder):
    whole = france(BUILDINGS)
    whole.to_file(folder / "batiment.gpkg")
    _, place, _ = packed(folder, (REDON, FAR))
    for town in (REDON, FAR):
        assert catalog.find("bdtopo-buildings", town, place).items


def test_the_same_part_has_the_same_bytes(folder, tmp_path):
    france(BUILDINGS).to_file(folder / "batiment.gpkg")
    france(BUILDINGS).rename(
        columns={"nombre_d_etages": "NB_ETAGES", "nombre_de_logements": "NB_LOGTS"}
    ).to_file(folder / "batiment.shp")
    source = catalog.open_source("files", [folder])
    one, two = tmp_path / "1.eopack", tmp_path / "2.eopack"
    write_pack([REDON], source, one)
    write_pack([REDON], source, two)
    assert one.read_bytes() == two.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_small_files_and_those_compared_across_the_country_go_whole(folder, tmp_path, monkeypatch):
    path = folder / "batiment.gpkg"
    france(BUILDINGS).to_file(path)
    out = tmp_path / "out"
    out.mkdir()
    assert cutting.cut(path, {"lighting-communes"}, [REDON], out) is None
    assert cutting.cut(folder / "communes.parquet", {"communes"}, [REDON], out) is None
    monkeypatch.setattr(cutting, "LEAST_BYTES", 10**9)
    assert cutting.cut(path, {"bdtopo-buildings"}, [REDON], out) is None
    assert not (out / path.name).exists()
