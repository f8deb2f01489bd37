"""Dated shorelines in a person's folder: told beside the indicator, with their period."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers import catalog
from eo_helpers.coastline import finding as theme
from eo_helpers.coastline.satellite import seen
from eo_helpers.errors import InvalidInput
from eo_helpers.territory.commune import Commune

HERE = np.array([400_000.0, 6_500_000.0])


@pytest.fixture(scope="module")
def commune():
    """Two kilometres by three, the sea to the east."""
    square = shapely.transform(shapely.box(0, 0, 2000, 3000), lambda xy: xy + HERE)
    return Commune("33999", "Essai", "33", gpd.GeoSeries([square], crs=2154).to_crs(4326)[0])


def lines(rate, count=30, reverse=False, noise=3.0):
    """A straight shore, two lines a year; ``rate`` m a year, positive seaward (east)."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2005-03-01", periods=count, freq="183D", tz="UTC")
    years = (dates - dates[0]).days / 365.25
    y = np.arange(100, 2901, 50.0)[:: -1 if reverse else 1]
    shapes = [
        shapely.LineString(
            np.column_stack([2000 + rate * t + rng.normal(0, noise) + 0 * y, y]) + HERE
        )
        for t in years
    ]
    return gpd.GeoDataFrame({"date": dates, "satellite": "S2"}, geometry=shapes, crs=2154)


@pytest.mark.parametrize("reverse", [False, True])
def test_seaward_is_positive_whichever_way_lines_are_drawn(commune, reverse):
    got = seen(lines(-2.0, reverse=reverse), commune)
    assert len(got.transects) == 14
    assert got.rate["lrr"] == pytest.approx(-2.0, abs=0.3)
    assert got.rate["block_ci_low"] < -2.0 < got.rate["block_ci_high"]
    assert (got.transects["perceptible"] == True).all()  # noqa: E712


def test_one_date_or_lines_elsewhere_say_nothing(commune):
    assert seen(lines(-2.0).iloc[:1], commune) is None
    assert seen(lines(-2.0).set_geometry(lines(-2.0).translate(50_000)), commune) is None


def test_a_folder_of_lines_is_a_finding_of_its_own(commune, tmp_path):
    lines(-2.0).to_file(tmp_path / "traits.gpkg")
    got = theme.analyse(commune, catalog.open_source("files", [tmp_path]))
    assert got.status == "partial"
    assert "mars 2005" in got.headline["fr"] and "March 2005" in got.headline["en"]
    assert "recule de 2" in got.headline["fr"].replace("\u00a0", " ")
    figure = got["satellite_rate"]
    assert figure.low < -2 < figure.high < 0
    assert {"transects", "shorelines"} <= {layer.name for layer in got.layers}
    assert got.charts[0].name == "shore_position"
    json.loads(got.to_json())


def test_truc_vert_as_a_real_commune_would_see_it(shared_data):
    folder = shared_data / "coastline" / "truc_vert"
    communes = gpd.read_parquet(
        shared_data / "territory" / "communes_2018.parquet",
        filters=[("insee", "==", "33236")],
    )
    place = Commune("33236", "Lège-Cap-Ferret", "33", communes.geometry.iloc[0])
    got = theme.analyse(place, catalog.open_source("files", [folder]))
    # The sign is not known on these sixteen years, and the sentence does not choose one.
    assert "pas d'évolution perceptible" in got.headline["fr"].replace("\u00a0", " ")
    assert "2003" in got.headline["fr"] and "2019" in got.headline["fr"]
    assert got["satellite_rate"].low < 0 < got["satellite_rate"].high
    assert got["satellite_detectable"].value > abs(got["satellite_rate"].value)
    assert any("marée" in c["fr"] for c in got.caveats)


def test_a_transect_is_picked_and_the_years_are_drawn(commune, tmp_path):
    lines(-2.0).to_file(tmp_path / "traits.gpkg")
    source = catalog.open_source("files", [tmp_path])
    (control,) = (c for c in theme.analyse(commune, source).controls if c.name == "transect")
    name = control.choices[3][0]
    got = theme.analyse(commune, source, transect=float(name))  # as an address tells it
    assert got.parameters["transect"] == name
    chart = got.charts[0]
    assert chart.name == "transect_position" and f"Transect {name}" in chart.title["fr"]
    inside = (chart.data["low"] <= chart.data["trend"] + 1e-9) & (
        chart.data["trend"] <= chart.data["high"] + 1e-9
    )
    assert inside.all()
    years = next(layer for layer in got.layers if layer.name == "shorelines_years").data["year"]
    assert years.is_monotonic_increasing and years.is_unique and 3 <= len(years) <= 12
    with pytest.raises(InvalidInput, match="ses transects vont de"):
        theme.analyse(commune, source, transect="nowhere")
    with pytest.raises(InvalidInput, match="Paramètre inconnu"):
        theme.analyse(commune, source, colour="red")
