"""Readers of LCZ maps and population cells: what they take, and what they refuse."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio.transform import from_origin

from eo_helpers.errors import InvalidInput, OutOfCoverage
from eo_helpers.lcz import data
from eo_helpers.lcz.formats import CEREMA_COLUMNS
from eo_helpers.territory import population
from eo_helpers.territory.commune import Commune

X0, Y0 = 480_000.0, 6_990_000.0


def commune(size: float = 400.0, x0: float = X0, y0: float = Y0) -> Commune:
    """A square commune of ``size`` metres in EPSG:2154 (corner cut by curvature: a hair)."""
    to_degrees = Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)
    square = shapely.segmentize(shapely.box(x0, y0, x0 + size, y0 + size), 50)
    boundary = shapely.transform(square, to_degrees.transform, interleaved=False)
    return Commune("99001", "Épreuve", "99", boundary)


def cerema_blocks() -> gpd.GeoDataFrame:
    """Twenty-five blocks of 100 m, 5 × 5, in Cerema's columns; a commune takes 4 × 4 of them."""
    n = 25
    cells = [
        shapely.box(X0 + 100 * i, Y0 + 100 * j, X0 + 100 * i + 100, Y0 + 100 * j + 100)
        for j in range(5)
        for i in range(5)
    ]
    built = np.arange(n) % 2 == 0
    return gpd.GeoDataFrame(
        {
            "identifier": [f"FR{i:04d}L1_é" for i in range(n)],
            "hre": np.where(built, 12.0, 0.0),
            "are": np.where(built, 250.0, 0.0),
            "bur": np.where(built, 45.0, 2.0),
            "ror": np.where(built, 35.0, 3.0),
            "bsr": 5.0,
            "war": 0.0,
            "ver": np.where(built, 15.0, 90.0),
            "vhr": np.where(built, 20.0, 70.0),
            "lcz": np.where(built, "2", "A"),
            "lcz_int": np.where(built, 2, 11),
        },
        geometry=cells,
        crs="EPSG:2154",
    )


def write_archive(folder: Path, blocks: gpd.GeoDataFrame, prj: bool = True) -> Path:
    """Cerema's zip: a shapefile in ISO-8859-1 whose name holds a space and an accent."""
    stem = "LCZ_SPOT_2022_Épreuve sur Mer"
    shapes = folder / "shapes"
    shapes.mkdir(exist_ok=True)
    blocks.to_file(shapes / f"{stem}.shp", encoding="ISO-8859-1")
    if not prj:
        (shapes / f"{stem}.prj").unlink()
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(shapes.iterdir()):
            archive.write(part, part.name)
    return path


def holding(dataset: str, *paths: Path) -> Any:
    return SimpleNamespace(dataset=dataset, paths=list(paths), items=())


def read_cerema(tmp_path: Path, blocks: gpd.GeoDataFrame, **options: Any) -> gpd.GeoDataFrame:
    return data.read(holding("lcz-cerema", write_archive(tmp_path, blocks, **options)), commune())


def test_cerema_archive_is_read_and_clipped(tmp_path):
    out = read_cerema(tmp_path, cerema_blocks())
    assert out.crs.to_epsg() == 2154
    assert out.area_m2.sum() == pytest.approx(160_000, rel=1e-4)
    inside = out[out.area_m2 > 9000]
    assert len(inside) == 16
    assert set(out.lcz) == {"2", "A"} and set(out.sensitivity) == {"very_high", "very_low"}
    assert inside.block_id.str.endswith("é").all()
    assert out.attrs["notes"] == []
    assert {"hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"} <= set(out.columns)


def test_columns_are_matched_whatever_their_case(tmp_path):
    blocks = cerema_blocks().rename(columns=lambda c: c if c == "geometry" else c.upper())
    assert len(read_cerema(tmp_path, blocks)) >= 16


@pytest.mark.parametrize("column", CEREMA_COLUMNS)
def test_a_missing_column_is_named(tmp_path, column):
    with pytest.raises(InvalidInput, match=rf"\b{column}\b absente"):
        read_cerema(tmp_path, cerema_blocks().drop(columns=column))


def test_rates_that_do_not_sum_to_100_say_how_many_and_which(tmp_path):
    blocks = cerema_blocks()
    blocks.loc[[6, 7, 8], "ver"] -= 12
    with pytest.raises(InvalidInput, match="ne font pas 100 %") as caught:
        read_cerema(tmp_path, blocks)
    assert "3 blocs" in caught.value.fr and "FR0006L1" in caught.value.fr
    assert "Épreuve sur Mer" in caught.value.fr


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("hre", 9999.0, "hauteur"),
        ("hre", -1.0, "hauteur"),
        ("are", -5.0, "emprise"),
        ("vhr", 250.0, "vhr"),
    ],
)
def test_impossible_indicators_are_refused(tmp_path, column, value, words):
    blocks = cerema_blocks()
    blocks.loc[7, column] = value
    with pytest.raises(InvalidInput, match=words) as caught:
        read_cerema(tmp_path, blocks)
    assert "FR0007L1" in caught.value.fr


def test_negative_rate_that_still_sums_to_100_is_refused(tmp_path):
    blocks = cerema_blocks()
    blocks.loc[7, ["ver", "war"]] = [110.0, -20.0]
    with pytest.raises(InvalidInput, match="entre 0 et 100"):
        read_cerema(tmp_path, blocks)


def test_unknown_class_is_refused(tmp_path):
    blocks = cerema_blocks()
    blocks.loc[7, "lcz"] = "H"
    with pytest.raises(InvalidInput, match="« H » est inconnu"):
        read_cerema(tmp_path, blocks)


def test_missing_prj_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"\.prj"):
        read_cerema(tmp_path, cerema_blocks(), prj=False)


def test_contradicting_codes_are_told_not_hidden(tmp_path):
    blocks = cerema_blocks()
    blocks.loc[7, "lcz_int"] = 3
    out = read_cerema(tmp_path, blocks)
    assert "contredisent pour 1 bloc" in out.attrs["notes"][0]["fr"]


def test_invalid_polygon_is_mended_and_told(tmp_path):
    blocks = cerema_blocks()
    x, y = X0 + 100, Y0 + 100
    blocks.loc[6, "geometry"] = shapely.Polygon(
        [(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)]
    )
    out = read_cerema(tmp_path, blocks)
    assert out.geometry.is_valid.all()
    assert "1 polygone" in out.attrs["notes"][0]["fr"]
    assert out.loc[out.block_id == "FR0006L1_é", "area_m2"].iloc[0] == pytest.approx(5000)


def test_overlapping_polygons_are_refused_with_two_names(tmp_path):
    blocks = cerema_blocks()
    blocks.loc[7, "geometry"] = blocks.geometry[6].buffer(-2)
    with pytest.raises(InvalidInput, match="se recouvrent") as caught:
        read_cerema(tmp_path, blocks)
    assert "FR0006L1" in caught.value.fr and "FR0007L1" in caught.value.fr


def test_the_same_blocks_in_two_archives_count_once(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    paths = [write_archive(folder, cerema_blocks()) for folder in (first, second)]
    out = data.read(holding("lcz-cerema", *paths), commune())
    assert out.area_m2.sum() == pytest.approx(160_000, rel=1e-4)


def test_a_map_elsewhere_is_out_of_coverage(tmp_path):
    path = write_archive(tmp_path, cerema_blocks())
    with pytest.raises(OutOfCoverage, match="aucun polygone"):
        data.read(holding("lcz-cerema", path), commune(x0=X0 + 9000))


def test_a_layer_of_points_is_refused(tmp_path):
    blocks = cerema_blocks()
    blocks["geometry"] = blocks.centroid
    with pytest.raises(InvalidInput, match="polygones"):
        read_cerema(tmp_path, blocks)


def test_geoparquet_gives_the_same_as_the_archive(tmp_path):
    blocks = cerema_blocks()
    path = tmp_path / "national.parquet"
    blocks.to_parquet(path, write_covering_bbox=True)
    a = data.read(holding("lcz-cerema", path), commune())
    b = read_cerema(tmp_path, blocks)
    assert a.lcz.tolist() == b.lcz.tolist()
    assert a.area_m2.sum() == pytest.approx(b.area_m2.sum())


def geoclimate_blocks() -> gpd.GeoDataFrame:
    blocks = cerema_blocks()
    built = blocks["lcz"] == "2"
    return gpd.GeoDataFrame(
        {
            "ID_RSU": range(len(blocks)),
            "LCZ_PRIMARY": np.where(built, 6, 104),
            "LCZ_SECONDARY": np.where(built, 3.0, np.nan),
            "MIN_DISTANCE": np.where(built, 0.2, np.nan),
            "LCZ_UNIQUENESS_VALUE": np.where(built, np.where(blocks.index < 8, 0.1, 0.9), np.nan),
        },
        geometry=blocks.geometry,
        crs=blocks.crs,
    )


def test_geoclimate_gives_second_class_and_uniqueness(tmp_path):
    path = tmp_path / "rsu_lcz.geojson"
    geoclimate_blocks().to_file(path)
    out = data.read(holding("lcz-geoclimate", path), commune())
    assert set(out.lcz) == {"6", "D"}
    assert set(out.lcz_alternative.dropna()) == {"3"}
    assert out.uniqueness.min() == pytest.approx(0.1)


def test_geoclimate_unknown_code_names_the_file(tmp_path):
    blocks = geoclimate_blocks()
    blocks.loc[3, "LCZ_PRIMARY"] = 55
    path = tmp_path / "rsu_lcz.gpkg"
    blocks.to_file(path)
    with pytest.raises(InvalidInput, match=r"rsu_lcz\.gpkg.*55"):
        data.read(holding("lcz-geoclimate", path), commune())


def write_raster(path: Path, values: np.ndarray, crs: str | None = "EPSG:2154") -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype="float32",
        crs=crs,
        transform=from_origin(X0 - 100, Y0 + 500, 100, 100),
        nodata=np.nan,
    ) as raster:
        raster.write(values.astype("float32"), 1)
    return path


def test_wudapt_raster_becomes_polygons(tmp_path):
    values = np.full((7, 7), 14.0)
    values[2:4, 2:4] = 6
    values[0] = np.nan
    out = data.read(holding("lcz-wudapt", write_raster(tmp_path / "w.tif", values)), commune())
    area = out.groupby("lcz").area_m2.sum()
    assert area["6"] == pytest.approx(40_000, rel=1e-4)
    assert area["D"] == pytest.approx(120_000, rel=1e-3)


def test_wudapt_raster_bad_input(tmp_path):
    with pytest.raises(InvalidInput, match="inconnu"):
        data.read(
            holding("lcz-wudapt", write_raster(tmp_path / "a.tif", np.full((6, 6), 42.0))),
            commune(),
        )
    with pytest.raises(InvalidInput, match="coordonnées"):
        data.read(
            holding("lcz-wudapt", write_raster(tmp_path / "b.tif", np.full((6, 6), 6.0), None)),
            commune(),
        )
    (tmp_path / "c.tif").write_bytes(b"II*\0 cut short")
    with pytest.raises(InvalidInput, match="ne se lit pas"):
        data.read(holding("lcz-wudapt", tmp_path / "c.tif"), commune())


def population_cells(around: Commune, people: float = 100.0) -> pd.DataFrame:
    """Cells of 200 m, in the official grid, that cover a commune with a margin."""
    west, south, east, north = around.boundary_in("EPSG:3035").bounds
    rows = []
    for n in range(int(south // 200) * 200 - 200, int(north) + 200, 200):
        for e in range(int(west // 200) * 200 - 200, int(east) + 200, 200):
            rows.append({"idcar_200m": f"CRS3035RES200mN{n}E{e}", "ind": people, "ind_80p": 5.0})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("vintage", ["idcar_200m", "Idcar_200m", "IdINSPIRE"])
def test_population_of_every_vintage(tmp_path, vintage):
    table = population_cells(commune()).rename(columns={"idcar_200m": vintage})
    if vintage != "idcar_200m":
        table = table.rename(columns={"ind": "Ind", "ind_80p": "Ind_80p"})
    path = tmp_path / "carreaux.csv"
    table.to_csv(path, index=False)
    cells = population.read(holding("filosofi-200m", path), commune())
    assert {"cell_id", "ind", "ind_80p"} <= set(cells.columns)
    assert cells.crs.to_epsg() == 3035
    assert np.allclose(cells.area, 40_000)
    boundary = commune().boundary_in(cells.crs)
    shared = population.share_out(cells, gpd.GeoDataFrame(geometry=[], crs=2154), boundary)
    assert shared.total == pytest.approx(100 * boundary.area / 40_000)


def test_population_geopackage_is_the_same_as_csv(tmp_path):
    table = population_cells(commune())
    geometry, _ = population.cells_from_ids(table["idcar_200m"])
    path = tmp_path / "filosofi.gpkg"
    gpd.GeoDataFrame(table, geometry=geometry, crs=3035).to_file(path)
    table.to_csv(tmp_path / "filosofi.csv", index=False)
    a = population.read(holding("filosofi-200m", path), commune())
    b = population.read(holding("filosofi-200m", tmp_path / "filosofi.csv"), commune())
    assert sorted(a.cell_id) == sorted(b.cell_id)
    assert a.ind.sum() == b.ind.sum()


def test_people_are_conserved_and_shared_by_area(tmp_path):
    path = tmp_path / "c.csv"
    population_cells(commune()).to_csv(path, index=False)
    cells = population.read(holding("filosofi-200m", path), commune())
    blocks = read_cerema(tmp_path, cerema_blocks())
    boundary = commune().boundary_in(cells.crs)
    plain = population.share_out(cells, blocks, boundary)
    assert plain.people.sum() + plain.outside == pytest.approx(plain.total)
    assert plain.outside < 0.01 * plain.total
    # Even density: people go with the ground.
    assert np.allclose(plain.people / plain.people.sum(), blocks.area_m2 / blocks.area_m2.sum(),
                       atol=2e-4)  # fmt: skip
    built = (blocks.lcz == "2").to_numpy(dtype=float)
    weighted = population.share_out(cells, blocks, boundary, weights=built)
    assert weighted.total == pytest.approx(plain.total)
    assert weighted.people.sum() + weighted.outside == pytest.approx(weighted.total)
    assert weighted.people[built == 1].sum() > 0.95 * weighted.total


def test_population_bad_input(tmp_path):
    table = population_cells(commune())
    path = tmp_path / "c.csv"

    def refused(changed: pd.DataFrame, words: str) -> None:
        changed.to_csv(path, index=False)
        with pytest.raises(InvalidInput, match=words):
            population.read(holding("filosofi-200m", path), commune())

    refused(table.drop(columns="ind"), "ind")
    refused(table.drop(columns="idcar_200m"), "idcar_200m")
    refused(table.assign(idcar_200m="35236"), "identifiant de carreau")
    refused(table.assign(ind=-1), "négative")
    table.to_csv(path, index=False)
    with pytest.raises(OutOfCoverage):
        population.read(holding("filosofi-200m", path), commune(x0=X0 + 50_000))
