"""Where to take the asphalt away: what a mayor reads, and what an engineer checks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from eo_helpers import catalog
from eo_helpers.catalog.sources import open_source
from eo_helpers.desealing import data, ownership
from eo_helpers.desealing.commands import group
from eo_helpers.desealing.finding import analyse
from eo_helpers.errors import InvalidInput, NoData

TOWN = "99001"


@pytest.fixture(scope="module")
def source(demo_dir):
    return open_source("files", [demo_dir])


@pytest.fixture(scope="module")
def town(source):
    return catalog.communes(source).get(TOWN)


@pytest.fixture(scope="module")
def finding(source, town):
    return analyse(town, source)


def test_the_sentence_names_a_place_and_how_sure(finding):
    first = next(layer for layer in finding.layers if layer.name == "first").data.iloc[0]
    assert first["name"] in finding.headline["fr"].replace("\u00a0", " ")
    assert "tirages" in finding.headline["fr"] and "draws" in finding.headline["en"]
    assert finding["first_1"].low < finding["first_1"].value < finding["first_1"].high


def test_ranks_are_whole_and_vetoed_sectors_have_none(finding):
    drawn = next(layer for layer in finding.layers if layer.name == "priority").data
    ranks = drawn.loc[drawn["candidate"], "rank"]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    assert finding["sectors"].value == len(ranks)
    vetoed = drawn[drawn["vetoed"] != ""]
    assert len(vetoed) == finding["vetoed"].value > 0
    assert (vetoed["priority"] == "X").all() and vetoed["rank"].isna().all()
    assert {"need", "feasibility", "rank_low", "rank_high", "among_first", "number"} <= set(drawn)


def test_a_weight_that_moves_reads_nothing_again(finding, source, town, monkeypatch):
    monkeypatch.setattr("eo_helpers.lcz.data.read", lambda *a: pytest.fail("read again"))
    moved = analyse(town, source, w_heat=3.0, w_runoff=0.0)
    assert moved.parameters["w_heat"] == 3.0
    assert [c.value for c in moved.controls if c.name == "w_heat"] == [3.0]
    assert moved.to_json() != finding.to_json()
    again = analyse(town, source, **moved.parameters)
    assert again.to_json() == moved.to_json()


def test_every_figure_has_its_date(finding):
    assert {i.date for i in finding.indicators} == {"2022"}


def test_one_sector_has_its_own_sheet(finding, source, town):
    first = next(layer for layer in finding.layers if layer.name == "first").data.iloc[0]
    one = analyse(town, source, sector=str(first["block_id"]))
    assert first["name"] in one.headline["fr"].replace("\u00a0", " ")
    assert "rang 1" in one.headline["fr"].replace("\u00a0", " ")
    assert one["runoff_avoided"].low <= one["runoff_avoided"].value <= one["runoff_avoided"].high
    assert one["lcz_before"].value and one["lcz_after"].value
    with pytest.raises(InvalidInput, match="block_id"):
        analyse(town, source, sector="nowhere")


def test_what_is_not_at_hand_is_said_and_widens(finding, source, town):
    less = SimpleNamespace(
        name="files", demonstration=True, rejected=[], fingerprint=lambda: "less",
        items=lambda d: source.items(d) if d in {"lcz-cerema", "filosofi-200m"} else [],
    )  # fmt: skip
    poor = analyse(town, less)
    assert poor.status == "partial"
    told = " ".join(c["fr"] for c in poor.caveats)
    assert "pente faible" in told and "sol pollué" in told and "Un critère absent" in told
    width = [f["first_1"].high - f["first_1"].low for f in (poor, finding)]
    assert width[0] > width[1]
    nothing = SimpleNamespace(**{**vars(less), "items": lambda d: [], "fingerprint": lambda: "no"})
    assert analyse(town, nothing).status == "no_data"


@pytest.mark.parametrize("bad", [{"w_heat": -1}, {"w_heat": "x"}, {"method": "ahp"}, {"colour": 1}])
def test_wrong_parameters_are_one_sentence(source, town, bad):
    with pytest.raises(InvalidInput):
        analyse(town, source, **bad)
    with pytest.raises(InvalidInput, match="zéro"):
        analyse(town, source, **{f"w_{n}": 0.0 for n in
                                 ("impervious", "heat", "people", "canopy", "runoff")})  # fmt: skip


def test_owners_are_joined_to_the_cadastre(source, town, demo_dir, tmp_path):
    holding = catalog.find("public-parcels", town, source)
    parcels = ownership.read(holding, town)
    table = pd.read_csv(demo_dir / "ground" / "PM_24_B_990.csv", sep=";", dtype=str)
    mine = table[table["Code Commune (Champ géographique)"] == "001"]
    group = mine["Groupe personne (Propriétaire(s) parcelle)"]
    assert len(parcels) == group.isin(["1", "2", "3", "4", "9"]).sum() < len(mine)
    bad = tmp_path / "pm.csv"
    bad.write_text("Département (Champ géographique);Groupe personne\n99;4\n", encoding="utf-8")
    shapes = [p for p in holding.paths if p.suffix == ".geojson"]
    with pytest.raises(InvalidInput, match="code commune"):
        ownership.read(SimpleNamespace(paths=[bad, *shapes]), town)
    with pytest.raises(NoData, match="Il faut les deux"):
        ownership.read(SimpleNamespace(paths=shapes), town)


def test_a_permeability_in_another_unit_is_said(town, tmp_path):
    here = town.projected_boundary.centroid.buffer(500)
    frame = gpd.GeoDataFrame({"ksat": [1e-5]}, geometry=[here], crs=town.crs)
    frame.to_file(tmp_path / "k.gpkg")
    with pytest.raises(InvalidInput, match="mm/h"):
        data.permeability(SimpleNamespace(paths=[tmp_path / "k.gpkg"]), town)


def test_the_command_ranks_own_sectors(tmp_path):
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(5) * 100.0, np.arange(4) * 100.0)
    frame = gpd.GeoDataFrame(
        {"heat": rng.integers(0, 5, 20), "impervious": rng.uniform(0, 100, 20),
         "slope": rng.uniform(0, 12, 20), "public_place": 30.0, "public_owner": 100.0},
        geometry=shapely.box(x.ravel(), y.ravel(), x.ravel() + 100, y.ravel() + 100), crs=2154,
    )  # fmt: skip
    frame["veto_steep"] = frame["slope"] > 10
    frame.to_file(tmp_path / "units.gpkg")
    out = tmp_path / "ranked.csv"
    run = CliRunner().invoke(
        group, ["rank", str(tmp_path / "units.gpkg"), "-o", str(out), "-w", "heat=2"]
    )
    assert run.exit_code == 0, run.output
    ranked = pd.read_csv(out)
    assert ranked["rank"].notna().sum() == (~frame["veto_steep"]).sum()
    bad = CliRunner().invoke(
        group, ["rank", str(tmp_path / "units.gpkg"), "-o", str(out), "-w", "heat"]
    )
    assert isinstance(bad.exception, InvalidInput) and "heat=2" in bad.exception.fr
    listed = CliRunner().invoke(group, ["criteria", "--json"])
    assert {c["name"] for c in json.loads(listed.stdout)["criteria"]} >= {"heat", "slope"}
