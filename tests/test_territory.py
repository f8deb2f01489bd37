"""Communes are found the way people type them, and a bad table is refused in one sentence."""

from __future__ import annotations

import gzip
import json
import random
import unicodedata

import geopandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from eo_helpers.errors import InvalidInput, UnknownCommune
from eo_helpers.territory.index import CommuneIndex
from eo_helpers.territory.names import normalise
from eo_helpers.territory.read import clean_code, read_table

NAMES = [
    ("35236", "Redon", 9000, "35600"),
    ("35294", "Sainte-Marie", 2200, "35600"),
    ("97418", "Sainte-Marie", 34000, "97438"),
    ("93066", "Saint-Denis", 113000, "93200 93210"),
    ("97411", "Saint-Denis", 153000, "97400;97417"),
    ("76351", "Le Havre", 166000, "76600"),
    ("94038", "L'Haÿ-les-Roses", 30000, "94240"),
    ("76575", "Saint-Étienne-du-Rouvray", 28000, "76800"),
    ("59009", "Villeneuve-d'Ascq", 62000, "59491,59493"),
    ("75056", "Paris", 2100000, "75001 75012"),
    ("69123", "Lyon", 520000, "69001"),
    ("13055", "Marseille", 870000, "13001"),
    ("13001", "Aix-en-Provence", 147000, "13090"),
    ("34172", "Montpellier", 300000, "34000"),
    ("65321", "Mont", 50, "65240"),
    ("01001", "L'Abergement-Clémenciat", 800, "01400"),
    ("50353", "Le Mont-Saint-Michel", 25, "50170"),
    ("44185", "Saint-Nicolas-de-Redon", 3200, "44460"),
    ("02567", "Œuilly", 240, "02160"),
    ("2A004", "Ajaccio", 71000, "20000"),
]


def table(**changes) -> geopandas.GeoDataFrame:
    frame = geopandas.GeoDataFrame(
        {
            "insee": [row[0] for row in NAMES],
            "name": [row[1] for row in NAMES],
            "population": [row[2] for row in NAMES],
            "postcodes": [row[3] for row in NAMES],
        },
        geometry=[box(i, 45, i + 0.5, 45.5) for i in range(len(NAMES))],
        crs="EPSG:4326",
    )
    return frame.assign(**changes)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> CommuneIndex:
    path = tmp_path_factory.mktemp("communes") / "communes.parquet"
    table().to_parquet(path, write_covering_bbox=True)
    return CommuneIndex.from_files([path])


@pytest.fixture(scope="module")
def france(shared_data) -> CommuneIndex:
    return CommuneIndex.from_files([shared_data / "territory/communes_2018.parquet"])


def first(index: CommuneIndex, query: str) -> str:
    return index.search(query)[0].insee


# Search ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "insee"),
    [
        ("redon", "35236"),
        ("REDON (35)", "35236"),
        ("35600 Redon", "35236"),
        ("Havre", "76351"),
        ("le havre", "76351"),
        ("LE HAVRE", "76351"),
        ("lhay les roses", "94038"),
        ("hay-les-roses", "94038"),
        ("l’haÿ", "94038"),
        ("st étienne rouvray", "76575"),
        ("st etiene du rouvrai", "76575"),
        ("rouvray", "76575"),
        ("villeneuve ascq", "59009"),
        ("montsaintmichel", "50353"),
        ("mont st michel", "50353"),
        ("abergement clemenciat", "01001"),
        ("OEUILLY", "02567"),
        ("Marsielle", "13055"),
        ("marse", "13055"),
        ("paris 12e", "75056"),
        ("Paris 12e arrondissement", "75056"),
        ("75112", "75056"),
        ("69385", "69123"),
        ("13201", "13055"),
        ("13001", "13001"),
        ("94240", "94038"),
        ("59493", "59009"),
        ("1001", "01001"),
        ("2a0", "2A004"),
        ("Saint-Denis 93", "93066"),
        ("Saint-Denis (974)", "97411"),
        ("ajaccio 20000", "2A004"),
        ("mont", "65321"),
        ("montp", "34172"),
        ("mon", "34172"),  # the largest of those that begin so
    ],
)
def test_the_commune_that_is_meant_comes_first(index, query, insee):
    assert first(index, query) == insee


def test_homonyms_are_all_shown_the_largest_first_and_told_apart(index):
    found = index.search("saint-denis")
    assert [m.label for m in found[:2]] == ["Saint-Denis (974)", "Saint-Denis (93)"]
    assert found[0].score == found[1].score == 100


def test_a_postcode_shows_every_commune_that_has_it(index):
    assert [m.insee for m in index.search("35600")] == ["35236", "35294"]


def test_a_code_goes_before_the_same_figures_as_a_postcode(index):
    assert [m.insee for m in index.search("13001")] == ["13001", "13055"]


def test_an_empty_query_lists_the_source_largest_first(index):
    assert [m.name for m in index.search("  ", limit=3)] == ["Paris", "Marseille", "Lyon"]
    assert len(index.search("", limit=1000)) == len(index) == len(list(index)) == len(NAMES)
    assert index.search("", limit=0) == []


def test_without_populations_an_empty_query_is_alphabetical(tmp_path):
    table().drop(columns="population").to_parquet(tmp_path / "c.parquet")
    found = CommuneIndex.from_files([tmp_path / "c.parquet"]).search("", limit=3)
    assert [m.name for m in found] == ["Aix-en-Provence", "Ajaccio", "L'Abergement-Clémenciat"]
    assert found[0].population is None


def test_a_wrong_departement_shows_what_is_there_then_the_name_elsewhere(index):
    assert [m.insee for m in index.search("Redon 44")][:2] == ["44185", "35236"]


def test_scores_never_rise_within_a_listing_of_one_kind(index):
    for query in ("saint", "marseile", "redon", "mont"):
        scores = [m.score for m in index.search(query)]
        kinds = [3 if s > 98 else 2 if s >= 90 else 1 if s >= 75 else 0 for s in scores]
        assert kinds == sorted(kinds, reverse=True)
        assert all(0 < s <= 100 for s in scores)


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_search(index, query):
    found = index.search(query, limit=5)
    assert len({m.insee for m in found}) == len(found) <= 5


WORDS = ["Saint", "Sainte", "Étang", "Œuvre", "Cœur", "Haÿ", "Plœmeur", "Vallée", "Mûr", "Île"]


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_accents_case_and_hyphens_change_nothing(words, chance):
    name = "-".join(words)
    bare = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    written = "".join(chance.choice((c.lower(), c.upper())) for c in chance.choice((name, bare)))
    written = "".join(chance.choice("- '’") if c == "-" else c for c in written)
    written = written.replace("œ", "oe").replace("Œ", "OE")
    assert normalise(written) == normalise(name)


# find and get ----------------------------------------------------------------------------


def test_find_takes_the_very_name_even_where_longer_names_begin_alike(index):
    assert index.find("Mont").insee == "65321"
    commune = index.find("Redon")
    assert (commune.insee, commune.departement, commune.population) == ("35236", "35", 9000)
    assert commune.postcodes == ("35600",)
    assert commune.source == "files"
    assert not commune.demonstration
    assert commune.bounds == (0, 45, 0.5, 45.5)


def test_find_takes_the_largest_homonym_or_the_one_of_the_departement(index):
    assert index.find("saint denis").insee == "97411"
    assert index.find("saint denis 93").insee == "93066"


def test_find_completes_what_only_one_commune_can_be(index):
    assert index.find("villeneuve ascq").insee == "59009"
    assert index.find("montpel").insee == "34172"


def test_find_refuses_to_guess_and_names_the_nearest(index):
    with pytest.raises(UnknownCommune) as caught:
        index.find("Marsielle")
    assert caught.value.suggestions[0] == "Marseille (13), 13055"
    assert "Marseille (13), 13055" in caught.value.fr
    for query in ("Redon 44", "35", "", "Trifouillis"):
        with pytest.raises(UnknownCommune):
            index.find(query)


def test_find_asks_which_where_a_postcode_is_shared(index):
    with pytest.raises(UnknownCommune, match=r"35236.*35294"):
        index.find("35600")


def test_find_asks_which_homonym_where_populations_are_unknown(tmp_path):
    table().drop(columns="population").to_parquet(tmp_path / "c.parquet")
    index = CommuneIndex.from_files([tmp_path / "c.parquet"])
    with pytest.raises(UnknownCommune) as caught:
        index.find("Saint-Denis")
    assert caught.value.suggestions == ("Saint-Denis (93), 93066", "Saint-Denis (974), 97411")
    assert index.find("Saint-Denis 974").insee == "97411"


def test_get_knows_codes_only(index):
    assert index.get("2a004").name == "Ajaccio"
    assert "2A004" in index
    with pytest.raises(UnknownCommune, match="99999"):
        index.get("99999")


def test_within_gives_the_communes_that_a_box_meets(index):
    assert index.within((0.4, 45.2, 1.1, 46)) == ["35236", "35294"]
    assert index.within((100, 0, 101, 1)) == []


# Reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["parquet", "geojson", "gpkg", "shp"])
def test_every_format_gives_the_same_communes(tmp_path, suffix):
    path = tmp_path / f"communes.{suffix}"
    frame = table().to_crs("EPSG:2154") if suffix != "geojson" else table()
    frame.to_parquet(path) if suffix == "parquet" else frame.to_file(path, encoding="utf-8")
    index = CommuneIndex.from_files([path])
    assert index.names() == [row[1] for row in NAMES]
    commune = index.find("L'Haÿ-les-Roses")
    assert commune.population == 30000
    assert commune.boundary.symmetric_difference(box(6, 45, 6.5, 45.5)).area < 1e-3
    assert commune.bounds == pytest.approx((6, 45, 6.5, 45.5), abs=1e-6)
    assert "94038" in index.within((6.1, 45.1, 6.2, 45.2))
    assert "35236" not in index.within((6.1, 45.1, 6.2, 45.2))


def test_a_geometry_of_a_later_row_group_is_the_right_one(tmp_path):
    table().to_parquet(tmp_path / "c.parquet", row_group_size=3)
    index = CommuneIndex.from_files([tmp_path / "c.parquet"])
    for i, (insee, *_) in enumerate(NAMES):
        assert index.get(insee).bounds == (i, 45, i + 0.5, 45.5)


def test_geo_api_gouv_geojson_is_read_as_it_comes(tmp_path):
    feature = {
        "type": "Feature",
        "properties": {
            "nom": "Ambérieu-en-Bugey",
            "code": "01004",
            "codesPostaux": ["01500", "01501"],
            "population": 15554,
            "codeEpci": "240100883",
            "codeDepartement": "01",
        },
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 46], [5, 45]]],
        },
    }
    path = tmp_path / "communes.geojson.gz"
    with gzip.open(path, "wt") as file:
        json.dump({"type": "FeatureCollection", "features": [feature]}, file)
    commune = CommuneIndex.from_files([path]).find("01501")
    assert (commune.name, commune.departement, commune.population, commune.epci) == (
        "Ambérieu-en-Bugey",
        "01",
        15554,
        "240100883",
    )
    assert commune.postcodes == ("01500", "01501")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1004, "01004"),
        ("1004", "01004"),
        (35236.0, "35236"),
        ("2a004", "2A004"),
        (" 97411 ", "97411"),
        (104, None),
        ("2C004", None),
        (float("nan"), None),
        (None, None),
        ("", None),
    ],
)
def test_codes_are_text_and_only_a_lost_zero_is_mended(value, code):
    assert clean_code(value) == code


def test_columns_go_by_their_usual_names_and_numbers_get_their_zero_back(tmp_path):
    frame = table().iloc[[0, 15]].rename(columns={"insee": "INSEE_COM", "name": "NOM"})
    frame["INSEE_COM"] = frame["INSEE_COM"].astype(int)
    frame["INSEE_DEP"] = frame["INSEE_COM"] // 1000
    frame.to_parquet(tmp_path / "c.parquet")
    commune = CommuneIndex.from_files([tmp_path / "c.parquet"]).get("01001")
    assert commune.departement == "01"


def test_a_bow_tie_is_made_valid_and_keeps_its_area(tmp_path):
    tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    table(geometry=[tie] * len(NAMES)).to_parquet(tmp_path / "c.parquet")
    boundary = CommuneIndex.from_files([tmp_path / "c.parquet"]).get("35236").boundary
    assert boundary.is_valid
    assert isinstance(boundary, MultiPolygon)
    assert boundary.area == pytest.approx(0.5)


def refused(path) -> str:
    with pytest.raises(InvalidInput) as caught:
        CommuneIndex.from_files([path])
    assert caught.value.en
    return caught.value.fr


def test_bad_tables_are_refused_in_one_sentence(tmp_path):
    parquet, gpkg = tmp_path / "c.parquet", tmp_path / "c.gpkg"
    table().drop(columns="insee").to_parquet(parquet)
    assert "code INSEE" in refused(parquet)
    assert "postcodes" in refused(parquet)  # the columns that were found
    table().drop(columns="name").to_parquet(parquet)
    assert "nom de commune" in refused(parquet)
    table().drop(columns="geometry").to_parquet(parquet)
    assert "géométrie" in refused(parquet)
    table().set_crs(None, allow_override=True).to_parquet(parquet)
    assert "système de coordonnées" in refused(parquet)
    table().set_crs(None, allow_override=True).to_file(gpkg)
    assert "système de coordonnées" in refused(gpkg)
    table().iloc[:0].to_parquet(parquet)
    assert "vide" in refused(parquet)
    table(insee=["35236"] * len(NAMES)).to_parquet(parquet)
    assert "deux fois la commune 35236" in refused(parquet)
    table(insee=["x"] + ["35236"] * (len(NAMES) - 1)).to_parquet(parquet)
    assert "ligne 1" in refused(parquet)
    assert "n'existe pas" in refused(tmp_path / "none.parquet")


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("suffix", ["parquet", "geojson", "gpkg"])
def test_a_file_cut_short_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"communes.{suffix}"
    table().to_parquet(path) if suffix == "parquet" else table().to_file(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "coupé" in refused(path)


def test_the_same_commune_in_two_files_is_refused(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        table().to_parquet(tmp_path / name)
    with pytest.raises(InvalidInput, match=r"a\.parquet.*b\.parquet"):
        CommuneIndex.from_files([tmp_path / "a.parquet", tmp_path / "b.parquet"])


def test_a_commune_without_boundary_is_named_when_it_is_asked_for(tmp_path):
    frame = table()
    frame.loc[0, "geometry"] = None
    frame.to_parquet(tmp_path / "c.parquet")
    index = CommuneIndex.from_files([tmp_path / "c.parquet"])
    assert index.get("93066").boundary.area > 0
    with pytest.raises(InvalidInput, match=r"Redon .35236. n'a pas de contour"):
        index.get("35236")


# Real communes, and the demonstration -----------------------------------------------------


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("redon", "Redon (35)"),
        ("st etienne", "Saint-Étienne (42)"),
        ("lhay les roses", "Haÿ-les-Roses (94)"),
        ("hay les roses", "Haÿ-les-Roses (94)"),
        ("abergement clemenciat", "Abergement-Clémenciat (01)"),
        ("L'Abergement-Clémenciat", "Abergement-Clémenciat (01)"),
        ("Rennse", "Rennes (35)"),
        ("Bordaux", "Bordeaux (33)"),
        ("97411", "Saint-Denis (974)"),
        ("Saint-Denis 93", "Saint-Denis (93)"),
        ("Saint-Denis (974)", "Saint-Denis (974)"),
        ("Neuilly/Seine", "Neuilly-sur-Seine (92)"),
        ("chalons s/ saone", "Chalon-sur-Saône (71)"),
        ("boulogne bilancour", "Boulogne-Billancourt (92)"),
    ],
)
def test_real_communes_come_first(france, query, label):
    assert france.search(query)[0].label == label


def test_real_homonyms_are_told_apart(france):
    found = [m for m in france.search("Saint-Aubin", limit=20) if m.name == "Saint-Aubin"]
    assert len(found) == len({m.label for m in found}) == 10
    assert {m.name for m in france.search("ste-marie", limit=9)} == {"Sainte-Marie"}


def test_real_boundary_is_read_on_demand(france):
    assert len(france) == 35357
    assert france.find("Redon").area_km2 == pytest.approx(15.1, abs=0.5)
    assert france.get("97411").crs == "EPSG:2975"
    assert "35236" in france.within((-2.1, 47.64, -2.08, 47.66))


def slip(name: str, chance: random.Random) -> str:
    """Name with one letter dropped, doubled by another, changed, or two swapped."""
    at = chance.randrange(1, len(name) - 1)
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    return chance.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + letter + name[at + 1 :],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )


def test_one_slip_leaves_the_name_among_the_first_five(france):
    chance = random.Random(11)
    names = [n for n in chance.sample(france.names(), 600) if len(n) >= 6]
    missed = []
    for name in names:
        query = slip(name, chance)
        if name not in [m.name for m in france.search(query, limit=5)]:
            missed.append((name, query))
    # What is left: the slip made the beginning, or nearly the whole, of other names.
    assert len(missed) <= 0.02 * len(names), missed


def test_every_sampled_name_finds_itself(france):
    for match in random.Random(5).sample(list(france), 500):
        bare = normalise(match.name)
        found = france.search(f"{bare} {match.departement}", limit=3)
        assert match.insee in [m.insee for m in found], match


def test_the_demonstration_has_its_communes(demo_dir):
    index = CommuneIndex.from_files([demo_dir / "communes.parquet"], "demo", True)
    commune = index.find("morne vermeil")
    assert (commune.insee, commune.departement) == ("97199", "971")
    assert commune.demonstration
    assert commune.source == "demo"
    assert index.search("")[0].name == "Saint-Aubin-sur-Ervelle"
    assert read_table(demo_dir / "communes.parquet").departement[0] == "99"
