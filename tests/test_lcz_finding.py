"""What the climate theme says of a commune: who lives where, where to look first, among whom."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from eo_helpers import catalog
from eo_helpers.lcz import commune_table, peers, priorities
from eo_helpers.lcz.attention import FEWEST, RADIUS_M, districts
from eo_helpers.lcz.finding import analyse
from eo_helpers.lcz.national import build
from eo_helpers.lcz.people import People, people_of_blocks
from eo_helpers.lcz.schema import SENSITIVITIES, sensitivity_of
from eo_helpers.lcz.shares import certainty
from eo_helpers.territory import population
from eo_helpers.territory.population import Shared


@pytest.fixture(scope="module")
def town(demo_source):
    return analyse(catalog.communes(demo_source).find("99001"), demo_source)


# --- Where to look first ----------------------------------------------------------------------

DENSE = {"hre": 14.0, "are": 300.0, "bur": 55.0, "ror": 40.0, "bsr": 0.0, "war": 0.0,
         "ver": 5.0, "vhr": 20.0}  # fmt: skip
GREEN = {"hre": 0.0, "are": 0.0, "bur": 0.0, "ror": 3.0, "bsr": 0.0, "war": 0.0,
         "ver": 97.0, "vhr": 80.0}  # fmt: skip


def place(rows: list[tuple[float, float, str, float, float]]) -> tuple[gpd.GeoDataFrame, People]:
    """Blocks of 50 m (x, y, class, children, elders); as many adults as both together."""
    table = pd.DataFrame(rows, columns=["x", "y", "lcz", "children", "elders"])
    blocks = gpd.GeoDataFrame(
        pd.DataFrame([DENSE if c in "123" else GREEN for c in table["lcz"]]),
        geometry=[shapely.box(x, y, x + 50, y + 50) for x, y in zip(table.x, table.y, strict=True)],
        crs=2154,
    )
    blocks["block_id"] = [f"B{n:03d}" for n in range(len(blocks))]
    blocks["lcz"] = table["lcz"]
    blocks["sensitivity"] = sensitivity_of(blocks["lcz"])
    blocks["area_m2"] = blocks.area
    both = table["children"] + table["elders"]
    counts = {"people": 2 * both, "children": table["children"], "over_65": table["elders"],
              "over_80": table["elders"] / 4, "poor_households": both / 10}  # fmt: skip
    shared = {k: Shared(v.to_numpy(float), 0.0, float(v.sum())) for k, v in counts.items()}
    return blocks, People(shared, shared)


def find(rows, **options):
    blocks, people = place(rows)
    return districts(blocks, people, certainty(blocks), **options)


def test_the_first_district_is_where_most_children_and_elders_live():
    rows = [(60.0 * i, 0.0, "2", 4.0, 5.0) for i in range(4)]
    rows += [(2000 + 60.0 * i, 0.0, "2", 6.0, 20.0) for i in range(3)]
    rows += [(5000.0, 0.0, "A", 50.0, 50.0)]  # many, but in a wood
    first, second = find(rows)
    assert (first.rank, first.rows.tolist()) == (1, [4, 5, 6])
    assert first.vulnerable == 78 and second.vulnerable == 36
    assert first.people["over_80"] == 15 and first.classes == ("2",)
    assert first.very_high == 1.0 and first.area_m2 == 3 * 2500
    assert first.geometry.area == pytest.approx(7500)


def test_blocks_of_one_neighbourhood_count_together_and_each_once():
    # One crowded block alone against ten middling ones side by side.
    rows = [(9000.0, 0.0, "2", 15.0, 15.0)]
    rows += [(55.0 * i, 0.0, "3", 3.0, 3.0) for i in range(10)]
    found = find(rows)
    assert found[0].vulnerable > 30
    every = np.concatenate([d.rows for d in found])
    assert len(set(every)) == len(every)
    sums = [d.vulnerable for d in found]
    assert sums == sorted(sums, reverse=True)


def test_no_district_reaches_further_than_a_short_walk():
    rows = [(60.0 * i, 60.0 * j, "2", 1.0, 2.0) for i in range(20) for j in range(20)]
    for district in find(rows):
        west, south, east, north = district.geometry.bounds
        assert max(east - west, north - south) <= 2 * RADIUS_M + 50


def test_few_people_make_no_district_and_the_order_of_the_file_leaves_no_trace():
    assert find([(0.0, 0.0, "2", FEWEST / 2, FEWEST / 2 - 1)]) == []
    assert find([(0.0, 0.0, "A", 100.0, 100.0)]) == []
    rows = [(700.0 * i, 0.0, "2", 10.0, 10.0) for i in range(5)]
    blocks, people = place(rows)
    straight = districts(blocks, people, certainty(blocks))
    back = blocks.iloc[::-1].reset_index(drop=True)
    turned = {k: Shared(s.people[::-1], 0.0, s.total) for k, s in people.even.items()}
    other = districts(back, People(turned, turned), certainty(back))
    assert [blocks["block_id"][d.rows[0]] for d in straight] == [
        back["block_id"][d.rows[0]] for d in other
    ]


def test_the_range_of_a_district_minds_unsure_classes():
    blocks, people = place([(60.0 * i, 0.0, "2", 5.0, 5.0) for i in range(4)])
    blocks.loc[0, ["bur", "ror", "ver"]] = [41.0, 31.0, 28.0]  # a hair from open ground
    (found,) = districts(blocks, people, certainty(blocks))
    assert (found.low, found.vulnerable, found.high) == (30, 40, 40)
    # Its neighbour is class 5 by a hair: it might be as sensitive.
    blocks.loc[3, ["bur", "ror", "ver", "lcz"]] = [39.0, 40.0, 21.0, "5"]
    blocks["sensitivity"] = sensitivity_of(blocks["lcz"])
    (found,) = districts(blocks, people, certainty(blocks))
    assert (found.low, found.vulnerable, found.high) == (20, 30, 40)


def test_planting_is_told_by_the_rule():
    blocks, people = place([(60.0 * i, 0.0, "2", 5.0, 5.0) for i in range(4)])
    assert districts(blocks, people, certainty(blocks))[0].relieved == 0
    blocks.loc[[0, 1], ["bur", "ror", "ver"]] = [45.0, 30.0, 25.0]  # 75 - 10 points: opens
    assert districts(blocks, people, certainty(blocks))[0].relieved == pytest.approx(0.5)
    plain = blocks.drop(columns=list(DENSE))
    bare = districts(plain, people, certainty(plain))[0]
    assert (bare.relieved, bare.low, bare.high) == (None, None, None)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(0.0, 4000.0, "au nord"), (4000.0, 0.0, "à l'est"), (-3000.0, -3000.0, "au sud-ouest")],
)
def test_a_district_says_where_it_is(x, y, words):
    crowd = [(60.0 * i, 60.0 * j, "2", 40.0, 40.0) for i in range(3) for j in range(3)]
    heart, far = find([*crowd, (x, y, "3", 6.0, 6.0)])
    assert priorities.place(heart)["fr"] == "au centre"
    told = priorities.place(far)["fr"]
    assert words in told and "km" in told
    text = priorities.why(far)
    assert "6 enfants" in text["fr"] and "6 personnes de 65" in text["fr"]
    assert "ensemble compact de maisons" in text["fr"] and "6 children" in text["en"]


def test_the_list_of_the_demonstration_can_be_read(town):
    listed = [i for i in town.indicators if i.group == "attention"]
    assert 3 <= len(listed) <= 10
    assert [i.name for i in listed] == [f"attention_{n}" for n in range(1, len(listed) + 1)]
    for indicator in listed:
        assert indicator.low <= indicator.value <= indicator.high
        assert "centre" in indicator.label["fr"] and "habitants" in indicator.label["fr"]
    layer = next(x for x in town.layers if x.name == "attention")
    assert len(layer.data) == len(listed) and layer.legend.categories[0].mark == "1"
    assert sum(i.value for i in listed) <= (
        town["children_sensitive"].value + town["over_65_sensitive"].value
    )


# --- Who lives there --------------------------------------------------------------------------


def test_groups_are_shared_out_like_everybody(demo_source):
    from eo_helpers.lcz import data

    commune = catalog.communes(demo_source).find("99004")
    blocks = data.read(catalog.find("lcz-cerema", commune, demo_source), commune)
    cells = population.read(catalog.find("filosofi-200m", commune, demo_source), commune)
    boundary = commune.boundary_in(cells.crs)
    people = people_of_blocks(blocks, cells, boundary)
    for group, column in (
        ("people", "ind"),
        ("over_80", "ind_80p"),
        ("poor_households", "men_pauv"),
    ):
        one = population.share_out(cells, blocks, boundary, column=column)
        assert people.even[group].people == pytest.approx(one.people)
        assert people.even[group].total == pytest.approx(one.total)
    elders = people.even["over_65"].total
    assert people.even["over_80"].total < elders < people.even["people"].total


def test_shares_of_each_group_add_up_over_the_categories(town):
    for group in ("population", "children", "over_65", "over_80", "poor_households"):
        shares = [town[f"share_{group}_sensitivity_{level}"] for level in SENSITIVITIES]
        assert sum(s.value for s in shares) == pytest.approx(100, abs=0.5)
        assert all(s.low <= s.value <= s.high and s.unit == "%" for s in shares)
    everybody = town["people_sensitive"]
    assert everybody.value == pytest.approx(
        town["population"].value * town["share_population_sensitive"].value / 100
    )
    assert town["poor_households_sensitive"].unit == "ménages"


def test_without_cells_nothing_is_said_of_people(demo_dir, demo_source, tmp_path):
    shutil.copytree(demo_dir / "lcz", tmp_path / "lcz")
    finding = analyse(catalog.communes(demo_source).find("99001"),
                      catalog.open_source("files", [tmp_path]))  # fmt: skip
    names = {i.name for i in finding.indicators}
    assert not any("people" in n or "over_65" in n or "attention" in n for n in names)
    assert "habitants," not in finding.headline["fr"]
    # No communes table either: no comparison.
    assert not any(i.group == "comparison" for i in finding.indicators)


# --- Among others -----------------------------------------------------------------------------


def communes_of(n: int, **columns: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {"insee": [f"99{k:03d}" for k in range(n)], "name": "x", "departement": "99",
         "epci": "e", "population": 1000.0, "commune_m2": 1e6}
    )  # fmt: skip
    for kind in ("area", "people"):
        for category in commune_table.CATEGORIES:
            table[f"{kind}_{category}"] = 0.0
    table["area_very_low"], table["people_very_low"] = 1e6, 100.0
    return table.assign(**columns)


def test_a_commune_among_others_by_hand():
    table = communes_of(12)
    table["area_high"] = np.arange(12) * 1e4
    table["area_very_low"] -= table["area_high"]
    table["people_high"] = np.arange(12)[::-1].astype(float)
    table.loc[6:, "epci"] = "f"
    table.loc[11, "population"] = 30_000
    found = {p.kind: p for p in peers.compare("99003", table)}
    assert set(found) == {"epci", "departement", "size"}
    epci = found["epci"]
    assert (epci.n, epci.below) == (5, 3)
    assert epci.own == pytest.approx(0.03)
    assert epci.theirs == pytest.approx((0 + 1 + 2 + 4 + 5) / 500)
    assert epci.own_people == pytest.approx(8 / 108) and epci.below_people == 2
    assert found["departement"].n == 11 and found["size"].n == 10
    assert found["size"].label["fr"].replace("\u202f", " ") == "de 500 à 2 000 habitants"


def test_too_few_or_unmapped_communes_compare_with_nothing():
    assert peers.compare("99000", communes_of(2)) == []
    few = communes_of(7, epci=None)
    assert [p.kind for p in peers.compare("99000", few)] == ["departement"]
    few.loc[1:3, "area_very_low"] = 5e5  # half of them is off the map
    assert peers.compare("99000", few) == []
    assert peers.compare("99001", few) == []
    assert peers.compare("absent", communes_of(20)) == []
    unknown = communes_of(20, population=np.nan, epci=None)
    assert [p.kind for p in peers.compare("99000", unknown)] == ["departement"]


def test_the_comparison_uses_the_figures_of_the_findings(demo_source, town):
    others = [
        analyse(catalog.communes(demo_source).find(f"9900{k}"), demo_source) for k in (2, 3, 4, 5)
    ]
    told = town["epci_share_population_sensitive"].value
    people = [o["population"].value for o in others]
    shares = [o["share_population_sensitive"].value for o in others]
    assert told == pytest.approx(np.average(shares, weights=people), rel=0.01)
    chart = next(c for c in town.charts if c.name == "comparison")
    assert chart.data["value"].iloc[0] == pytest.approx(
        town["share_population_sensitive"].value, rel=0.01
    )
    assert "departement_share_area_sensitive" not in {i.name for i in town.indicators}


def test_the_table_of_a_national_map_is_used_and_not_when_the_map_changed(demo_dir, tmp_path):
    archive = next((demo_dir / "lcz").glob("*.zip"))
    national = tmp_path / "lcz_france.parquet"
    build([archive], national)
    towns = commune_table.read_communes([demo_dir / "communes.parquet"])
    cells = commune_table.holding_of(demo_dir / "population" / "filosofi_200m.gpkg")
    table = commune_table.commune_table([national], "lcz-cerema", towns, cells)
    assert table["insee"].tolist() == [f"9900{k}" for k in range(1, 6)]
    whole = commune_table.commune_table([archive], "lcz-cerema", towns, cells)
    numbers = [c for c in table if c.startswith(("area", "people"))]
    assert np.allclose(table[numbers], whole[numbers], rtol=1e-6)
    mapped = table[[c for c in numbers if c.startswith("area")]].sum(axis=1)
    assert (mapped / table["commune_m2"]).to_numpy() == pytest.approx(1, abs=1e-3)
    commune_table.save(table, national)
    kept = commune_table.load(national)
    assert kept is not None and kept[numbers].equals(table[numbers])
    build([archive, archive_of_one(tmp_path, archive)], national)
    assert commune_table.load(national) is None


def archive_of_one(folder: Path, archive: Path) -> Path:
    blocks = gpd.read_file(f"/vsizip/{{{archive}}}", rows=1, encoding="ISO-8859-1")
    path = folder / "un.gpkg"
    blocks.set_geometry(blocks.translate(90_000)).to_file(path)
    return path


# --- Other maps -------------------------------------------------------------------------------


def test_other_maps_of_redon_tell_how_sure_the_first_is(shared_data):
    source = catalog.open_source(
        "files", [shared_data / "lcz" / "redon", shared_data / "territory"]
    )
    finding = analyse(catalog.communes(source).find("35236"), source)
    # Clipped to the commune, so a hair from the whole maps' 0.6175.
    assert finding["agreement_1"].value == pytest.approx(61.75, abs=0.3)
    assert finding["agreement_1"].low < 61.75 < finding["agreement_1"].high
    assert finding["same_sensitivity_1"].value > finding["agreement_1"].value
    assert finding["agreement_2"].source == "lcz-wudapt"
    assert {p.dataset for p in finding.provenance} == {"lcz-geoclimate", "lcz-wudapt"}
    assert "Une autre carte de la commune" in finding.caveats[0]["fr"]
    layer = next(x for x in finding.layers if x.name == "comparison_1")
    area = layer.data.to_crs(2154).area.groupby(layer.data["state"]).sum()
    assert 100 * area["same"] / area.sum() == pytest.approx(finding["agreement_1"].value, abs=0.1)
    chart = next(c for c in finding.charts if c.name == "comparison_1")
    assert chart.data["value"].is_monotonic_decreasing and len(chart.data) == 6


def test_another_map_that_cannot_be_read_does_not_stop_the_first(shared_data, tmp_path):
    good = shared_data / "lcz" / "redon" / "redon_bdtopo_rsu_lcz.geojson"
    shutil.copy(good, tmp_path)
    blocks = gpd.read_file(good).iloc[:400]
    blocks.loc[3, "LCZ_PRIMARY"] = 55
    blocks.to_file(tmp_path / "fausse.gpkg")
    source = catalog.open_source("files", [tmp_path, shared_data / "territory"])
    finding = analyse(catalog.communes(source).find("35236"), source)
    assert finding.status == "complete"
    assert any("n'a pas pu servir" in c["fr"] and "55" in c["fr"] for c in finding.caveats)
