"""The coastline's commands on files: what they write, and one sentence for each bad input."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers.cli import main

COLUMNS = [
    "transect", "n", "first", "last", "nsm", "sce", "epr", "lrr", "lrr_ci_low", "lrr_ci_high",
    "wlr", "theil_sen",
]  # fmt: skip
HERE = np.array([400_000.0, 6_500_000.0])


def run(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in ("coastline", *args)])
    return stop.value.code, capsys.readouterr().err


def lines(dates, crs=2154, shift=HERE):
    """A straight shore that moves by 2 m seaward from line to line, 30 m from land."""
    geometry = [
        shapely.LineString(np.array([(30 + 2 * k, -10), (30 + 2 * k, 460)]) + shift)
        for k in range(len(dates))
    ]
    return gpd.GeoDataFrame({"date": dates}, geometry=geometry, crs=crs)


def across(crs=2154):
    geometry = [shapely.LineString(np.array([(0, y), (120, y)]) + HERE) for y in range(0, 401, 50)]
    names = [f"T{k}" for k in range(len(geometry))]
    return gpd.GeoDataFrame({"name": names}, geometry=geometry, crs=2154).to_crs(crs)


@pytest.fixture
def folder(tmp_path):
    lines(["2000-07-01", "2001-07-01", "2002-07-02", "2004-07-01"]).to_file(tmp_path / "l.gpkg")
    across(4326).to_file(tmp_path / "t.geojson")
    return tmp_path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_from_lines_to_rates(folder, capsys, suffix):
    positions, table = folder / f"p{suffix}", folder / f"r{suffix}"
    code, told = run(capsys, "positions", "--shorelines", folder / "l.gpkg", "--transects",
                     folder / "t.geojson", "-o", positions)  # fmt: skip
    assert code == 0 and "36 positions" in told
    code, told = run(capsys, "rates", "--positions", positions, "-o", table)
    assert code == 0 and "2000-07-01 – 2004-07-01" in told
    got = pd.read_csv(table) if suffix == ".csv" else pd.read_parquet(table)
    assert list(got.columns[:12]) == COLUMNS
    assert len(got) == 9 and list(got["transect"]) == [f"T{k}" for k in range(9)]
    assert np.allclose(got["nsm"], 6, atol=1e-4) and np.allclose(got["epr"], 1.5, atol=1e-3)
    assert str(got["first"].iloc[0])[:10] == "2000-07-01"
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_series_are_never_mixed(folder, capsys):
    table = pd.DataFrame(
        {
            "transect": "7", "series": ["raw"] * 3 + ["tide"] * 3,
            "date": ["01/07/2000", "01/07/2005", "01/07/2010"] * 2,
            "distance_m": ["10,5", "11,5", "12,5", "50", "40", "30"],
        }
    )  # fmt: skip
    table.to_csv(folder / "p.csv", sep=";", index=False)
    code, told = run(capsys, "rates", "--positions", folder / "p.csv", "-o", folder / "r.csv")
    got = pd.read_csv(folder / "r.csv").set_index("series")
    assert code == 0 and "plusieurs séries" in told
    assert got["lrr"].round(2).to_dict() == {"raw": 0.2, "tide": -2.0}
    code, _ = run(capsys, "rates", "--positions", folder / "p.csv", "--series", "tide", "--from",
                  "2005", "-o", folder / "r.csv")  # fmt: skip
    got = pd.read_csv(folder / "r.csv")
    assert list(got["n"]) == [2] or list(got["n"]) == [1]
    assert "series" not in got
    code, told = run(capsys, "rates", "--positions", folder / "p.csv", "--series", "x", "-o",
                     folder / "r.csv")  # fmt: skip
    assert code == 2 and "raw, tide" in told


def test_transects_are_drawn_and_numbered(folder, capsys):
    lines(["2000-07-01"]).to_file(folder / "one.geojson")
    code, told = run(capsys, "transects", "--line", folder / "one.geojson", "--spacing", 50,
                     "--sea", "right", "-o", folder / "t.gpkg")  # fmt: skip
    got = gpd.read_file(folder / "t.gpkg")
    assert code == 0 and "à droite" in told and len(got) == 9
    assert got.crs.is_projected and list(got["transect"]) == [str(k) for k in range(1, 10)]


def test_tide_correction_from_a_table(folder, capsys):
    dates = ["2000-07-01T10:00:00", "2001-07-01T10:00:00"]
    lines(dates).to_file(folder / "l.gpkg")
    levels = pd.DataFrame({"date": ["2000-07-01T09:30", "2000-07-01T10:30", "2001-07-01T10:00"],
                           "level_m": [0.0, 1.0, -0.5]})  # fmt: skip
    levels.to_csv(folder / "tide.csv", index=False)
    args = ("positions", "--shorelines", folder / "l.gpkg", "--transects", folder / "t.geojson",
            "--slope", 0.05, "--tide", folder / "tide.csv", "-o", folder / "p.csv")  # fmt: skip
    assert run(capsys, *args)[0] == 0
    got = pd.read_csv(folder / "p.csv").groupby("date")["distance_m"].first()
    assert np.allclose(got, [30 + 0.5 / 0.05, 32 - 0.5 / 0.05], atol=1e-3)
    levels.iloc[:2].to_csv(folder / "tide.csv", index=False)
    code, told = run(capsys, *args)
    assert code == 2 and "2001-07-01 10:00" in told


def bad_lines(folder, kind):
    good = ["2000-07-01", "2001-07-01"]
    if kind == "undated":
        return lines(good).drop(columns="date")
    if kind == "holes":
        return lines(["2000-07-01", None])
    if kind == "mixed":
        return lines(["2000-07-01", "01/07/2001"])
    if kind == "strange":
        return lines(["2000-07-01", "summer"])
    if kind == "degrees":
        here = gpd.GeoSeries.from_xy([400_000], [6_500_000], crs=2154).to_crs(4326)[0]
        return lines(good, 2154, np.array([here.x, here.y])).set_geometry(
            [shapely.LineString([(here.x, here.y), (here.x, here.y + 0.01)])] * 2, crs=2154
        )
    if kind == "elsewhere":
        return lines(good, shift=HERE + 9_000)
    points = gpd.GeoSeries.from_xy([1, 2], [1, 2], crs=2154)
    return gpd.GeoDataFrame({"date": good}, geometry=points.translate(*HERE))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("undated", "colonne date"), ("holes", "sans date"), ("mixed", "plusieurs façons"),
        ("strange", "summer"), ("degrees", "degrés"), ("elsewhere", "ne croise"),
        ("points", "il faut des lignes"),
    ],
)  # fmt: skip
def test_bad_lines_are_one_sentence(folder, capsys, kind, word):
    bad_lines(folder, kind).to_file(folder / "bad.gpkg")
    code, told = run(capsys, "positions", "--shorelines", folder / "bad.gpkg", "--transects",
                     folder / "t.geojson", "-o", folder / "p.csv")  # fmt: skip
    assert code == 2 and word in told
    assert told.count("\n") == 1 and "Traceback" not in told
    assert not (folder / "p.csv").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("transect,date\na,2000-01-01\n", "distance_m"),
        ("transect,date,distance_m\na,2000-01-01,1\na,2000-01-01,2\n", "deux dates"),
        ("transect,date,distance_m\na,2000-01-01,far\n", "far"),
        ("transect,date,distance_m\na,2000-01-01,1\na,02/03/2001,2\n", "plusieurs façons"),
        ("transect,date,distance_m\na,25/13/2000,1\n", "25/13/2000"),
        ("transect,date,distance_m\n", "vide"),
        ("", "ne se lit pas"),
    ],
)
def test_bad_positions_are_one_sentence(tmp_path, capsys, text, word):
    (tmp_path / "p.csv").write_text(text)
    code, told = run(capsys, "rates", "--positions", tmp_path / "p.csv", "-o", tmp_path / "r.csv")
    assert code == 2 and word in told
    assert told.count("\n") == 1
    assert not (tmp_path / "r.csv").exists()


def test_missing_files_and_outputs_are_told_before_any_work(tmp_path, capsys):
    for args in (
        ("rates", "--positions", tmp_path / "no.csv", "-o", tmp_path / "r.csv"),
        ("rates", "--positions", tmp_path / "no.csv", "-o", tmp_path / "r.xls"),
        ("rates", "--positions", tmp_path / "no.csv", "-o", tmp_path / "no" / "r.csv"),
        ("transects", "--line", tmp_path / "no.gpkg", "-o", tmp_path / "t.gpkg"),
    ):
        code, told = run(capsys, *args)
        assert code == 2 and told.count("\n") == 1
