"""The demonstration's files, opened with ordinary libraries: schema, CRS, attributes."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import h5py
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio

from eo_helpers.demo.climate import cerema_class

FIELDS = "HDFEOS/GRIDS/VIIRS_Grid_DNB_2d/Data Fields"
RATES = ["bur", "ror", "bsr", "war", "ver"]
COLUMNS = ["identifier", "hre", "are", *RATES, "vhr", "lcz", "lcz_int"]


@pytest.fixture(scope="module")
def archive(demo_dir):
    (path,) = (demo_dir / "lcz").glob("*.zip")
    return path


@pytest.fixture(scope="module")
def lcz(archive):
    return gpd.read_file(f"zip://{archive}")


def test_communes_are_geoparquet_1_1(demo_dir):
    path = demo_dir / "communes.parquet"
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert "covering" in geo["columns"]["geometry"]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    communes = gpd.read_parquet(path)
    assert communes.crs.to_epsg() == 4326
    assert set(communes["insee"]) == {"99001", "99002", "99003", "99004", "99005", "97199"}
    assert communes.geometry.is_valid.all()
    assert dict(zip(communes["insee"], communes["name"], strict=True))["99001"].startswith("Saint")


def test_no_real_commune_has_these_names(demo_dir, shared_data):
    real = set(gpd.read_parquet(shared_data / "territory/communes_2018.parquet")["name"])
    ours = set(gpd.read_parquet(demo_dir / "communes.parquet")["name"])
    bare = {name.removeprefix("Le ").removeprefix("La ") for name in ours}
    assert not (ours | bare) & real


def test_lcz_archive_is_cerema_s(archive, lcz):
    with zipfile.ZipFile(archive) as opened:
        assert {n.rpartition(".")[2] for n in opened.namelist()} == {
            "shp", "shx", "dbf", "prj", "qml",
        }  # fmt: skip
    info = pyogrio.read_info(f"/vsizip/{archive}")
    assert info["encoding"].upper().replace("_", "-") == "ISO-8859-1"
    assert list(lcz.columns[:-1]) == COLUMNS
    assert lcz.crs.to_epsg() == 2154
    assert 1500 <= len(lcz) <= 4000
    assert lcz["identifier"].is_unique


def test_five_rates_sum_to_100(lcz):
    hundredths = (lcz[RATES] * 100).round().astype(int)
    assert (hundredths.sum(axis=1) == 10_000).all()
    assert np.allclose(lcz[RATES] * 100, hundredths, atol=1e-6)


def test_class_is_the_rule_s(lcz):
    codes = {
        **{str(k): k for k in range(1, 10)},
        **dict(zip("ABCDEFG", range(11, 18), strict=True)),
    }
    assert (cerema_class(lcz) == lcz["lcz"].to_numpy()).all()
    assert (lcz["lcz"].map(codes) == lcz["lcz_int"]).all()
    assert set(lcz["lcz"]) >= {"2", "3", "5", "6", "8", "9", "A", "C", "D", "E", "F", "G"}


def test_rule_on_published_rows():
    import pandas as pd

    base = {"bsr": 0.0, "war": 0.0, "vhr": 20.0}
    rows = pd.DataFrame(
        [
            {**base, "hre": 10.9, "are": 6534, "bur": 40.0, "ror": 45.0, "ver": 15.0},
            {**base, "hre": 10.1, "are": 3141, "bur": 15.0, "ror": 8.0, "ver": 77.0},
        ]
    )
    rows[["identifier", "lcz", "lcz_int"]] = ""
    assert list(cerema_class(rows)) == ["8", "5"]


def test_black_marble_tiles(demo_dir):
    files = sorted((demo_dir / "lighting").glob("*.h5"))
    tiles = {f.name.split(".")[2] for f in files}
    assert tiles == {"h17v04", "h18v04", "h11v07"}
    months = {f.name.split(".")[1] for f in files if "h18v04" in f.name}
    assert len(months) == 131 and "A2015213" not in months  # August 2015 was never produced
    with h5py.File(files[0]) as file:
        fields = file[FIELDS]
        names = set(fields)
        for angle in ("AllAngle", "NearNadir", "OffNadir"):
            for state in ("Snow_Free", "Snow_Covered"):
                for end in ("", "_Num", "_Quality", "_Std"):
                    assert f"{angle}_Composite_{state}{end}" in names
        assert {"DNB_Platform", "Land_Water_Mask", "lat", "lon"} <= names
        radiance = fields["AllAngle_Composite_Snow_Free"]
        assert radiance.shape == (2400, 2400) and radiance.dtype == np.uint16
        assert radiance.attrs["_FillValue"][0] == 65535
        assert radiance.attrs["scale_factor"][0] == np.float32(0.1)
        assert radiance.chunks is not None
        assert b"VIIRS_Grid_DNB_2d" in file["HDFEOS INFORMATION/StructMetadata.0"][()]
        assert file.attrs["ShortName"] == "VNP46A3"


def _month(demo_dir, stamp, tile, name):
    (path,) = (demo_dir / "lighting").glob(f"VNP46A3.{stamp}.{tile}.*")
    with h5py.File(path) as file:
        return file[FIELDS][name][:]


def test_snow_and_gap_filled_months(demo_dir):
    # February 2018 lies under snow: only the snow-covered composite has values.
    free = _month(demo_dir, "A2018032", "h18v04", "AllAngle_Composite_Snow_Free")
    covered = _month(demo_dir, "A2018032", "h18v04", "AllAngle_Composite_Snow_Covered")
    assert (free == 65535).all() and (covered != 65535).any()
    quality = _month(demo_dir, "A2020153", "h18v04", "AllAngle_Composite_Snow_Free_Quality")
    assert set(np.unique(quality)) == {2, 255}


@pytest.mark.parametrize("number", [0, 1])
def test_radar_scenes(demo_dir, number):
    path = sorted((demo_dir / "flood").glob("*.tif"))[number]
    with rasterio.open(path) as scene:
        assert scene.descriptions == ("VV", "VH")
        assert scene.nodata == -32768 and scene.dtypes == ("float32", "float32")
        assert scene.crs.to_epsg() == 32631 and scene.res == (10, 10)
        tags = scene.tags()
        vv = scene.read(1, masked=True)
    assert tags["ACQUISITION_DATETIME"].startswith(("2024-01-03", "2024-01-15")[number])
    assert "TIFFTAG_DATETIME" in tags and tags["RELATIVE_ORBIT"] == "30"
    assert 0.001 < np.ma.median(vv) < 1  # linear power, not decibels
    # Over the open sea speckle alone varies: mean² / variance is the number of looks.
    sea = vv[50:250, 50:250].compressed()
    assert sea.mean() ** 2 / sea.var() == pytest.approx(
        float(tags["EQUIVALENT_NUMBER_OF_LOOKS"]), rel=0.05
    )


@pytest.mark.parametrize(("name", "epsg"), [("dem", 2154), ("dsm", 2154), ("dem_97199", 5490)])
def test_terrain(demo_dir, name, epsg):
    with rasterio.open(demo_dir / "terrain" / f"{name}.tif") as file:
        assert file.crs.to_epsg() == epsg and file.res == (5, 5)
        assert file.profile["tiled"] and file.overviews(1)
        assert "IGN" in file.tags()["VERTICAL_DATUM"]
        assert np.isfinite(file.read(1)).all()


@pytest.mark.parametrize(
    ("name", "epsg", "communes"),
    [("filosofi_200m", 3035, "99"), ("filosofi_200m_97199", 5490, "97")],
)
def test_population_cells(demo_dir, name, epsg, communes):
    cells = gpd.read_file(demo_dir / "population" / f"{name}.gpkg")
    table = gpd.read_parquet(demo_dir / "communes.parquet")
    people = table.loc[table["insee"].str.startswith(communes), "population"].sum()
    assert cells["ind"].sum() == people
    assert cells.crs.to_epsg() == epsg
    bounds = cells.bounds.to_numpy()
    assert (bounds % 200 == 0).all() and (bounds[:, 2] - bounds[:, 0] == 200).all()
    first = cells.iloc[0]
    west, south = first.geometry.bounds[:2]
    assert first["idcar_200m"] == f"CRS{epsg}RES200mN{int(south)}E{int(west)}"
    ages = [c for c in cells if c.startswith("ind_") and c != "ind_snv"]
    assert len(ages) == 11 and (cells[ages].sum(axis=1) == cells["ind"]).all()
    assert (cells["men_pauv"] <= cells["men"]).all()


@pytest.mark.parametrize("area", ["ervelle", "vermeil"])
def test_basemap(demo_dir, area):
    about = json.loads((demo_dir / f"basemap_{area}.json").read_text(encoding="utf-8"))
    (south, west), (north, east) = about["bounds"]
    communes = gpd.read_parquet(demo_dir / "communes.parquet")
    mine = communes[communes["insee"].str.startswith("97") == (area == "vermeil")].total_bounds
    assert west <= mine[0] and south <= mine[1] and east >= mine[2] and north >= mine[3]
    assert (demo_dir / f"basemap_{area}.png").stat().st_size > 100_000


def test_territory_says_that_it_is_fictional(demo_dir):
    about = json.loads((demo_dir / "territory.json").read_text(encoding="utf-8"))
    assert about["fictional"] is True and about["demonstration"] is True
    assert about["label"]["fr"] == "Données de démonstration"


def test_folder_is_light(demo_dir):
    size = sum(f.stat().st_size for f in demo_dir.rglob("*") if f.is_file())
    assert size < 180e6
