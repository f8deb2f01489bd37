"""The national indicator: read strictly, told with its denominator, calm where there is no sea."""

from __future__ import annotations

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers import catalog
from eo_helpers.coastline import finding as theme
from eo_helpers.coastline.ahead import distances, strip
from eo_helpers.coastline.data import read_paths
from eo_helpers.coastline.in_strip import count
from eo_helpers.coastline.inec import classify
from eo_helpers.errors import InvalidInput
from eo_helpers.territory.commune import Commune

HERE = np.array([400_000, 6_500_000])
SQUARE = shapely.box(0, 0, 2000, 3000)


@pytest.fixture(scope="module")
def commune():
    """Two by three kilometres, the sea to the east."""
    here = shapely.transform(SQUARE, lambda xy: xy + HERE)
    degrees = gpd.GeoSeries([here], crs=2154).to_crs(4326)[0]
    return Commune("33999", "Essai", "33", degrees)


def profiles(rates, **columns):
    """A polygon for each 200 m of the eastern edge, half in the sea."""
    shapes = [
        shapely.box(401_940, 6_500_000 + 200 * k, 402_060, 6_500_200 + 200 * k)
        for k in range(len(rates))
    ]
    table = {
        "taux": rates, "duree": [60] * len(rates), "tdc_ancien": ["1950"] * len(rates),
        "tdc_rec": ["2010"] * len(rates), "amenagemen": [0] * len(rates), **columns,
    }  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=shapes, crs=2154)


@pytest.fixture
def layer(tmp_path):
    path = tmp_path / "n_evolution.gpkg"
    profiles([-1.0, -0.1, 0.0, 0.6, -9999.0, -9999.0], amenagemen=[0, 0, 0, 0, 1, 0]).to_file(path)
    return path


def test_minus_9999_is_no_rate_and_lengths_are_metres(commune, layer):
    got = read_paths([layer], commune)
    assert np.array_equal(got["rate"], [-1, -0.1, 0, 0.6, np.nan, np.nan], equal_nan=True)
    assert list(got["structure"]) == [False] * 4 + [True, False]
    assert np.allclose(got["length_m"], 200) and (got["years"] == 60).all()
    assert (got["old"] == 1950).all() and (got["recent"] == 2010).all()
    assert got.crs.to_epsg() == 2154


@pytest.mark.parametrize("crs", [4326, 3857])
@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.parquet", "a.geojson"])
def test_any_format_crs_and_case_of_columns(commune, tmp_path, crs, name):
    table = profiles([-1.0, 0.5]).rename(columns={"taux": "TAUX", "duree": "Duree"})
    if name.endswith("geojson"):
        crs = 4326
    table = table.to_crs(crs)
    path = tmp_path / name
    table.to_parquet(path) if name.endswith("parquet") else table.to_file(path)
    got = read_paths([path], commune)
    assert list(got["rate"]) == [-1, 0.5] and np.allclose(got["length_m"], 200, atol=0.5)


def test_bad_files_are_one_sentence(commune, tmp_path):
    profiles([-1.0]).drop(columns="duree").to_file(tmp_path / "a.gpkg")
    with pytest.raises(InvalidInput, match="duree"):
        read_paths([tmp_path / "a.gpkg"], commune)
    profiles([-900.0]).to_file(tmp_path / "b.gpkg")
    with pytest.raises(InvalidInput, match="pas possible"):
        read_paths([tmp_path / "b.gpkg"], commune)
    (tmp_path / "c.gpkg").write_bytes(b"SQLite format 3\0")
    with pytest.raises(InvalidInput, match="ne peut pas être lu"):
        read_paths([tmp_path / "c.gpkg"], commune)
    profiles([-1.0]).to_file(tmp_path / "d.shp")
    (tmp_path / "d.prj").unlink()
    with pytest.raises(InvalidInput, match="système de coordonnées"):
        read_paths([tmp_path / "d.shp"], commune)


def test_the_finding_names_its_period_and_its_denominators(commune, layer):
    got = theme.finding_of(commune, read_paths([layer], commune))
    # -0.1 ± 0.18 is within its error.
    assert got["retreat_km"].value == pytest.approx(0.2)
    assert got["retreat_km"].high == pytest.approx(0.4)
    assert got["stable_km"].value == pytest.approx(0.4)
    assert got["advance_km"].value == pytest.approx(0.2)
    assert got["measured_km"].value == pytest.approx(0.8)
    assert got["structure_km"].value == got["not_measured_km"].value == pytest.approx(0.2)
    assert got["retreat_share_measured"].value == pytest.approx(25)
    assert got["retreat_share_all"].value == pytest.approx(100 * 0.2 / 1.2)
    for lang in ("fr", "en"):
        assert "1950" in got.headline[lang] and "2010" in got.headline[lang]
    assert "0,2\u00a0km de côte sur 0,8\u00a0km mesurés" in got.headline["fr"].replace(
        " km", "\u00a0km"
    )
    assert "0,4 km n'ont pas été mesurés" in got.headline["fr"]
    assert any("19" in c["fr"] and "37" in c["fr"] for c in got.caveats)
    assert any("extrapolation" in c["fr"] for c in got.caveats)
    json.loads(got.to_json())


def test_a_larger_error_makes_less_coast_perceptible(commune, layer):
    read = read_paths([layer], commune)
    sure = theme.finding_of(commune, read, sigma_old=1.0)
    vague = theme.finding_of(commune, read, sigma_old=40.0)
    assert sure["stable_km"].value <= 0.4 < vague["stable_km"].value
    assert vague["retreat_km"].value == 0


def test_structures_only_is_told_as_such(commune):
    table = profiles([-9999.0, -9999.0], amenagemen=[1, 1])
    frame = gpd.GeoDataFrame(
        {"rate": np.nan, "years": np.nan, "old": np.nan, "recent": np.nan, "structure": True,
         "length_m": 200.0}, geometry=table.geometry, index=range(2), crs=2154,
    )  # fmt: skip
    got = theme.finding_of(commune, frame)
    assert "ouvrages" in got.headline["fr"] and got.status == "partial"
    json.loads(got.to_json())


def test_extrapolation_is_rate_times_years_and_lies_on_land(commune, layer):
    frame = read_paths([layer], commune)
    frame["rate"] = frame["rate"].to_numpy()[[1, 0, 2, 3, 4, 5]]
    low, high = frame["rate"] - 0.18, frame["rate"] + 0.18
    frame = frame.assign(low=low, high=high, inec_class=classify(frame["rate"], [0.18] * 6))
    value, least, most = distances(frame, 2050)
    assert np.allclose(value, [0, 40, 0, 0, 0, 0])
    assert np.allclose([least[1], most[1]], [0.82 * 40, 1.18 * 40])
    got = strip(frame, commune.projected_boundary, 2050)
    assert got.hectares == pytest.approx(0.8)
    assert got.area.difference(commune.projected_boundary.buffer(0.01)).area < 1
    # 200 m × 40 m, and a quarter of a disc at either end.
    assert got.area.area == pytest.approx(8000 + np.pi * 40**2 / 2, rel=0.02)


@pytest.fixture(scope="module")
def communes(demo_source):
    return catalog.communes(demo_source)


def test_demonstration_coast_is_read_from_the_archive(demo_source, communes, demo_dir):
    for insee, area, epsg in (("99004", "ervelle", 2154), ("97199", "vermeil", 5490)):
        got = theme.analyse(communes.find(insee), demo_source)
        assert got.status == "complete" and got.demonstration
        (path,) = (demo_dir / "coastline").glob(f"*{area}*.zip")
        table = gpd.read_file(f"zip://{path}")
        assert table.crs.to_epsg() == epsg
        assert set(table.columns) == {"taux", "duree", "tdc_ancien", "tdc_rec", "amenagemen",
                                      "geometry"}  # fmt: skip
        whole = got["measured_km"].value + got["structure_km"].value + got["not_measured_km"].value
        assert whole == pytest.approx(0.2 * len(table))
        parts = got["retreat_km"].value + got["stable_km"].value + got["advance_km"].value
        assert parts == pytest.approx(got["measured_km"].value)
        rated = table.loc[table["taux"] > -9999, "taux"]
        assert got["mean_rate"].value == pytest.approx(rated.mean(), abs=0.02)


def test_an_inland_commune_is_a_calm_sentence(demo_source, communes):
    for insee in ("99001", "99003", "99005"):
        got = theme.analyse(communes.find(insee), demo_source)
        assert got.status == "complete"
        assert "n'est pas au bord de la mer" in got.headline["fr"].replace("\u00a0", " ")
        json.loads(got.to_json())


def test_elsewhere_nothing_is_claimed(demo_source, communes):
    known = communes.find("97199")
    away = dataclasses.replace(known, insee="97499", name="Ailleurs",
                               boundary=shapely.box(55.3, -21.2, 55.4, -21.1))  # fmt: skip
    got = theme.analyse(away, demo_source)
    assert got.status == "out_of_coverage" and got.remedy is not None


def test_controls_can_be_given_back(demo_source, communes):
    commune = communes.find("99004")
    got = theme.analyse(commune, demo_source, sigma_old=10, horizon=2100)
    assert {c.name: c.value for c in got.controls} == {"sigma_old": 10.0, "horizon": 2100}
    # A transect is picked only where there are dated shorelines.
    assert set(theme.CONTROLS) - {"transect"} == {c.name for c in got.controls}
    again = theme.analyse(commune, demo_source, **got.parameters)
    assert again["lost_ha_2100"] == got["lost_ha_2100"]
    assert pd.Series(got.charts[0].data["value"]).sum() == pytest.approx(got["measured_km"].value)


def test_what_lies_in_the_strip_is_counted_with_bounds(demo_source, communes):
    got = theme.analyse(communes.find("97199"), demo_source)
    for name in ("buildings_2050", "roads_km_2050", "people_2050"):
        figure = got[name]
        assert figure.low <= figure.value <= figure.high and figure.high > 0
        assert "extrapolation" in figure.label["fr"]
    sources = {p.dataset for p in got.provenance}
    assert {i.source for i in got.indicators} <= sources


def test_objects_in_an_area_are_counted_whole_and_roads_by_their_part():
    area = shapely.box(0, 0, 100, 100)
    houses = gpd.GeoDataFrame(
        geometry=[shapely.box(90, 10, 110, 30), shapely.box(200, 0, 210, 10)], crs=2154
    )
    roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(-500, 50), (500, 50)])], crs=2154)
    assert count(houses, area) == 1
    assert count(roads, area, lengths=True) == pytest.approx(0.1)
    assert count(houses, shapely.Polygon()) == 0
