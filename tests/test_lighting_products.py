"""Yearly, daily, NOAA-20 and EOG files; none of them is taken for another."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from lighting_tiles import Holding, N, box_commune, write_tile
from rasterio.transform import from_origin

from eo_helpers.errors import InvalidInput, OutOfCoverage
from eo_helpers.lighting.data import read
from eo_helpers.lighting.eog import read_eog
from eo_helpers.lighting.zonal import cell_weights, monthly_mean

COMMUNE = box_commune(2.0, 45.0, 2.5, 45.5)


def test_yearly_tiles_are_years(tmp_path):
    paths = [
        write_tile(tmp_path, year, value, product="VNP46A4")
        for year, value in (("2014", 4.0), ("2016", 2.0))
    ]
    data = read(Holding(paths), COMMUNE)
    assert data.attrs["period"] == "year" and data.attrs["missing"] == ["2015"]
    assert [str(t)[:10] for t in data.time.values] == ["2014-01-01", "2015-01-01", "2016-01-01"]
    table = monthly_mean(data, cell_weights(data, COMMUNE))
    assert table.radiance.tolist()[::2] == pytest.approx([4.0, 2.0], abs=1e-6)
    assert np.isnan(table.radiance.iloc[1])


def test_daily_tiles_never_give_what_was_filled_cloudy_or_snow(tmp_path):
    half = np.full((N, N), 3.0)
    half[:, : N // 2] = np.nan
    paths = [
        write_tile(tmp_path, "2022-02-27", 3.0, product="VNP46A2"),
        write_tile(tmp_path, "2022-02-28", np.nan, product="VNP46A2"),
        write_tile(tmp_path, "2022-03-01", 3.0, product="VNP46A2", quality=2),
        write_tile(tmp_path, "2022-03-02", 3.0, product="VNP46A2", snow=1),
        write_tile(tmp_path, "2022-03-04", 3.0, product="VNP46A2", quality=1),
    ]
    data = read(Holding(paths), COMMUNE)
    assert data.attrs["period"] == "day" and data.attrs["missing"] == ["2022-03-03"]
    table = monthly_mean(data, cell_weights(data, COMMUNE))
    assert table.radiance.notna().tolist() == [True, False, False, False, False, True]
    assert float(np.nanmax(data.radiance)) == pytest.approx(3.0, abs=1e-6)  # 7.7 was filled


def test_noaa20_counts_where_suomi_npp_is_missing(tmp_path):
    paths = [
        write_tile(tmp_path, "2022-01", 1.0, product="VNP46A3"),
        write_tile(tmp_path, "2022-01", 9.0, product="VJ146A3", made="2030001000000"),
        write_tile(tmp_path, "2022-02", 2.0, product="VJ146A3"),
    ]
    data = read(Holding(paths), COMMUNE)
    assert data.attrs["product"] == "VJ146A3+VNP46A3"
    table = monthly_mean(data, cell_weights(data, COMMUNE))
    assert table.radiance.tolist() == pytest.approx([1.0, 2.0], abs=1e-6)


def test_time_steps_are_not_mixed(tmp_path):
    month = write_tile(tmp_path, "2022-01", 1.0)
    year = write_tile(tmp_path, "2022", 1.0, product="VNP46A4")
    with pytest.raises(InvalidInput, match="pas de temps") as error:
        read(Holding([month, year]), COMMUNE)
    assert "time step" in error.value.en


def geotiff(path, value, *, crs="EPSG:4326", nodata=None):
    """A window of EOG's world grid, which is half a cell off Black Marble's."""
    step = 1 / 240
    west, north = -180 - step / 2 + 43600 * step, 75 + step / 2 - 7000 * step
    array = np.broadcast_to(np.asarray(value, "f4"), (400, 400))
    with rasterio.open(
        path, "w", driver="GTiff", height=400, width=400, count=1, dtype="float32", crs=crs,
        transform=from_origin(west, north, step, step), nodata=nodata,
    ) as file:  # fmt: skip
        file.write(array, 1)
    return path


def monthly_name(folder, month, kind):
    return folder / f"SVDNB_npp_{month}01-{month}28_75N060W_vcmslcfg_v10_c202201.{kind}.tif"


def test_eog_months_with_their_nights(tmp_path):
    commune = box_commune(1.9, 45.2, 2.1, 45.4)
    nights = np.full((400, 400), 8)
    nights[:, :200] = 2
    paths = []
    for month, value, seen in (("202201", 4.0, 8), ("202202", 3.0, nights), ("202204", 2.0, 0)):
        paths.append(geotiff(monthly_name(tmp_path, month, "avg_rade9h"), value))
        paths.append(geotiff(monthly_name(tmp_path, month, "cf_cvg"), seen))
    paths.append(tmp_path / "readme.txt")
    data = read_eog(paths, commune)
    assert data.attrs["missing"] == ["2022-03"] and data.attrs["empty"] == ["2022-04"]
    table = monthly_mean(data, cell_weights(data, commune))
    assert table.radiance.tolist()[:2] == pytest.approx([4.0, 3.0])
    assert table.radiance.isna().tolist() == [False, False, True, True]
    assert 0 < table.poor_share.iloc[1] < 1
    # Half a cell off: the weights are still the commune's whole area.
    assert cell_weights(data, commune).sum() == pytest.approx(commune.area_km2, rel=0.01)


def test_a_lit_eog_cell_lies_where_it_is(tmp_path):
    step = 1 / 240
    field = np.zeros((400, 400))
    field[120, 240] = 50.0
    lon = -180 - step / 2 + (43600 + 240.5) * step
    lat = 75 + step / 2 - (7000 + 120.5) * step
    name = "VNL_v21_npp_2021_global_vcmslcfg_c2022"
    geotiff(tmp_path / f"{name}.average_masked.dat.tif", field)
    geotiff(tmp_path / f"{name}.average.dat.tif", field + 1)
    cell = box_commune(lon - step / 2, lat - step / 2, lon + step / 2, lat + step / 2)
    data = read_eog(sorted(tmp_path.iterdir()), cell)
    assert data.attrs["period"] == "year"
    assert monthly_mean(data, cell_weights(data, cell)).radiance.item() == pytest.approx(50.0)


def test_other_geotiffs_are_said(tmp_path):
    commune = box_commune(1.9, 45.2, 2.1, 45.4)
    with pytest.raises(InvalidInput, match="EOG"):
        read_eog([geotiff(tmp_path / "dem.tif", 1.0)], commune)
    wrong = geotiff(monthly_name(tmp_path, "202201", "avg_rade9h"), 1.0, crs="EPSG:3857")
    with pytest.raises(InvalidInput, match="EPSG:4326"):
        read_eog([wrong], commune)
    good = geotiff(wrong, 1.0)
    with pytest.raises(OutOfCoverage):
        read_eog([good], box_commune(-60.6, 15.4, -60.4, 15.6))
    good.write_bytes(good.read_bytes()[:3000])
    with pytest.raises(InvalidInput, match="tronqué"):
        read_eog([good], commune)


def test_series_of_zones_from_eog_are_those_of_each_commune(tmp_path):
    from click.testing import CliRunner

    from eo_helpers.lighting.commands import group

    rng = np.random.default_rng(4)
    tiles = tmp_path / "eog"
    tiles.mkdir()
    for month in ("202201", "202202", "202204"):
        geotiff(monthly_name(tiles, month, "avg_rade9h"), rng.uniform(1, 9, (400, 400)))
        geotiff(monthly_name(tiles, month, "cf_cvg"), rng.integers(0, 9, (400, 400)))
    cut = geotiff(monthly_name(tiles, "202203", "avg_rade9h"), 1.0)
    cut.write_bytes(cut.read_bytes()[:3000])
    communes = [box_commune(1.9, 45.2, 2.1, 45.4), box_commune(2.10, 45.41, 2.103, 45.412)]
    zones = gpd.GeoDataFrame(
        {"insee": ["1", "2"]}, geometry=[c.boundary for c in communes], crs="EPSG:4326"
    )
    zones.to_file(tmp_path / "zones.gpkg")
    out = tmp_path / "series.csv"
    command = ["series", "--tiles", str(tiles), "--zones", str(tmp_path / "zones.gpkg")]
    done = CliRunner().invoke(group, [*command, "-o", str(out)])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out, dtype={"id": str})
    assert "SVDNB_npp_20220301" in done.output  # the broken month is a gap that is told
    assert table["std_error"].isna().all()
    whole = [p for p in tiles.iterdir() if p != cut]
    for name, commune in zip(("1", "2"), communes, strict=True):
        rows = table[table["id"] == name]
        data = read_eog(whole, commune)
        one = monthly_mean(data, cell_weights(data, commune))
        assert len(rows) == len(one) == 4 and np.isnan(rows["radiance"].iloc[2])
        np.testing.assert_allclose(rows["radiance"], one["radiance"], rtol=1e-6)
        np.testing.assert_allclose(rows["nights"], one["nights"], rtol=1e-6)
    strict = CliRunner().invoke(group, [*command, "-o", str(tmp_path / "x.csv"), "--strict"])
    assert isinstance(strict.exception, InvalidInput) and not (tmp_path / "x.csv").exists()
    away = CliRunner().invoke(
        group, ["series", "--tiles", str(tiles), "--zones", str(_far(tmp_path)), "-o", str(out)]
    )
    assert isinstance(away.exception, OutOfCoverage)


def _far(folder):
    path = folder / "far.gpkg"
    shape = box_commune(-60.6, 15.4, -60.4, 15.6).boundary
    gpd.GeoDataFrame({"insee": ["9"]}, geometry=[shape], crs="EPSG:4326").to_file(path)
    return path
