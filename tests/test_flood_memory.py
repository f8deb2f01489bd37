"""Decrees, gauge, public places and districts: what a town hall remembers and looks for."""

from __future__ import annotations

import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers import catalog
from eo_helpers.catalog.sources import open_source
from eo_helpers.errors import InvalidInput, NoData, OutOfCoverage
from eo_helpers.flood import catnat, gauges, memory, stakes
from eo_helpers.flood.finding import analyse

ROW = {
    "code_national_catnat": "INTE9900001A",
    "date_debut_evt": "25/12/1999",
    "date_fin_evt": "29/12/1999",
    "date_publication_arrete": "30/12/1999",
    "libelle_risque_jo": "Inondations et/ou Coulées de Boue",
    "code_insee": "99001",
    "libelle_commune": "VILLE",
}


def holding(*paths):
    return SimpleNamespace(paths=list(paths), dataset="catnat")


def answer(tmp_path, *rows, name="catnat.json"):
    path = tmp_path / name
    path.write_text(json.dumps({"data": list(rows), "page": 1}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def source(demo_dir):
    return open_source("files", [demo_dir])


@pytest.fixture(scope="module")
def town(source):
    return catalog.communes(source).get("99001")


def test_decrees_from_the_service_and_from_the_national_table(tmp_path, town):
    drought = {**ROW, "code_national_catnat": "X2", "libelle_risque_jo": "Sécheresse"}
    other = {**ROW, "code_insee": "99002"}
    read = catnat.read(holding(answer(tmp_path, ROW, drought, other, ROW)), town)
    assert read["decree"].tolist() == ["INTE9900001A", "X2"]  # once each, of this commune
    assert catnat.floods(read)["start"].dt.strftime("%Y-%m-%d").tolist() == ["1999-12-25"]
    table = tmp_path / "gaspar.csv"
    table.write_text(
        "cod_nat_catnat;cod_commune;lib_risque_jo;dat_deb;dat_fin;dat_pub_arrete\n"
        "INTE1;99001;Inondations Remontée Nappe;2001-03-24 00:00:00;2001-03-30;\n",
        encoding="utf-8",
    )
    row = catnat.read(holding(table), town).iloc[0]
    assert str(row["end"])[:10] == "2001-03-30" and pd.isna(row["published"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"date_debut_evt": "1999/12/25"}, "illisible"),
        ({"date_debut_evt": ""}, "illisible"),
        ({"libelle_risque_jo": None, "code_insee": None}, "ne nomment pas"),
    ],
)
def test_odd_decrees_are_one_sentence(tmp_path, town, change, told):
    with pytest.raises((InvalidInput, OutOfCoverage), match=told):
        catnat.read(holding(answer(tmp_path, {**ROW, **change})), town)


def test_an_answer_of_something_else_names_what_is_missing(tmp_path, town):
    path = answer(tmp_path, {k: v for k, v in ROW.items() if k != "date_debut_evt"})
    with pytest.raises(InvalidInput, match="date_debut_evt"):
        catnat.read(holding(path), town)
    path.write_text('{"data": [', encoding="utf-8")
    with pytest.raises(InvalidInput, match="JSON entière"):
        catnat.read(holding(path), town)


def observed(month, value, code="A", **more):
    return {"code_station": code, "date_obs_elab": month, "resultat_obs_elab": value,
            "grandeur_hydro_elab": "HIXM", **more}  # fmt: skip


def test_a_gauge_gives_metres_and_gaps_are_gaps(tmp_path, town):
    x, y = town.to_geodataframe().to_crs(4326).geometry.iloc[0].representative_point().coords[0]
    station = {"code_station": "A", "libelle_station": "Pont", "longitude_station": x,
               "latitude_station": y}  # fmt: skip
    far = {**station, "code_station": "B", "latitude_station": y + 1}
    paths = [
        answer(tmp_path, station, far, name="s.json"),
        answer(
            tmp_path,
            observed("2020-01-01", 1500),
            observed("2020-02-01", None),
            observed("2020-03-01", 9000, code_qualification=12),
            observed("2020-04-01", 2250),
            observed("2020-01-01", 8000, code="B"),
            name="o.json",
        ),
    ]
    told, levels = gauges.read(holding(*paths), town)
    assert told["name"] == "Pont" and told["distance_m"] == 0
    assert levels.index.strftime("%m").tolist() == ["01", "02", "03", "04"]
    np.testing.assert_allclose(levels, [1.5, np.nan, np.nan, 2.25])
    with pytest.raises(NoData):  # a gauge without a level
        gauges.read(holding(paths[0]), town)
    with pytest.raises(InvalidInput, match="latitude_station"):
        bad = {k: v for k, v in station.items() if k != "latitude_station"}
        gauges.read(holding(answer(tmp_path, bad, name="b.json")), town)


def test_the_town_remembers_and_names_what_is_reached(source, town, demo_dir):
    finding = analyse(town, source)
    truth = json.loads((demo_dir / "risks" / "catnat_99001.json").read_text(encoding="utf-8"))
    assert finding["flood_decrees"].value == len(truth["data"])
    assert finding["gauge_at_image"].value == pytest.approx(3.4)
    assert finding["years_as_high"].value == 1
    frieze = next(c for c in finding.charts if c.name == "memory")
    assert len(frieze.events) == len(truth["data"]) + 1
    assert {p.dataset for p in finding.provenance} >= {"catnat", "hydrometry", "iris"}
    # SWOT's zero stands 0.22 m above the terrain's here, and we find the water 0.09 m low.
    assert 0.0 < finding["swot_difference"].value < 0.25
    listed = next(layer for layer in finding.layers if layer.name == "public_places").data
    count = finding["public_places_reached"]
    assert count.low <= count.value <= count.high == len(listed)
    assert set(listed["told_fr"].str.partition(" : ")[0]) >= {"École Louise-Michel"}


def test_districts_hold_the_whole_town(source, town):
    finding = analyse(town, source)
    chart = next(c for c in finding.charts if c.name == "districts")
    people = finding["people_reached"]
    for column, whole in (("value", people.value), ("low", people.low), ("high", people.high)):
        assert chart.data[column].sum() == pytest.approx(whole, rel=0.01)


def test_without_an_image_the_memory_is_told(source):
    # The forest commune had decrees, and the flood's images do not reach all communes alike.
    commune = catalog.communes(source).get("99001")
    bare = SimpleNamespace(
        name="files", demonstration=True, rejected=[],
        items=lambda dataset: source.items(dataset) if dataset == "catnat" else [],
        fingerprint=lambda: "bare",
    )  # fmt: skip
    finding = analyse(commune, bare)
    assert finding.status == "partial" and finding.remedy is not None
    assert "5 arrêtés de catastrophe naturelle" in finding.headline["fr"]
    assert [c.name for c in finding.charts] == ["memory"]
    assert json.loads(finding.to_json())["charts"][0]["data"]["level"] == [1, 2, 3, 4, 5]


def test_a_drought_is_no_flood(source):
    commune = catalog.communes(source).get("99005")
    past = memory.remember(commune, source)
    assert past.decrees is not None and past.decrees["hazard"].str.contains("Inondation").all()


def test_doorsteps_are_the_cells_within_one_cell_of_the_walls():
    import xarray as xr
    from affine import Affine

    rng = np.random.default_rng(5)
    boxes = shapely.box(*(rng.uniform(-20, 120, (2, 60)).repeat(2, 0)[[0, 2, 1, 3]]
                          + np.array([[0], [0], [9], [13]])))  # fmt: skip
    grid = xr.DataArray(np.zeros((20, 20), np.float32), dims=("y", "x"))
    grid = grid.rio.write_crs(2154).rio.write_transform(Affine(5, 0, 0, 0, -5, 100))
    frame = gpd.GeoDataFrame(geometry=boxes, crs=2154)
    found = stakes.doorsteps(frame, grid)
    col, line = np.meshgrid(np.arange(20), np.arange(20))
    points = shapely.points(col.ravel() * 5 + 2.5, 97.5 - line.ravel() * 5)
    row, at = shapely.STRtree(points).query(boxes, predicate="dwithin", distance=5.0)
    assert set(zip(found.row.tolist(), found.at.tolist(), strict=True)) == set(
        zip(row.tolist(), at.tolist(), strict=True)
    )
