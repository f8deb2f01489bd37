"""The catalog: what a folder holds is found by looking inside; nothing unsafe is opened."""

from __future__ import annotations

import gzip
import http.server
import json
import shutil
import stat
import threading
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from lighting_tiles import write_tile
from local_server import QUICK
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.catalog import archive, signatures
from eo_helpers.errors import InvalidInput, NoData, OutOfCoverage
from eo_helpers.territory.commune import Commune

REDON = Commune("35236", "Redon", "35", shapely.box(-2.11, 47.63, -2.05, 47.68))


def raster(path: Path, values: np.ndarray, names: tuple[str, ...] = (), **tags: str) -> Path:
    bands = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands),
        dtype=bands.dtype, crs="EPSG:2154", transform=from_origin(320_000, 6_745_000, 100, 100),
    ) as file:  # fmt: skip
        file.write(bands)
        for i, name in enumerate(names, 1):
            file.set_band_description(i, name)
        file.update_tags(**tags)
    return path


def squares(n: int, **columns: object) -> gpd.GeoDataFrame:
    boxes = [shapely.box(x, 0, x + 100, 100) for x in range(320_000, 320_000 + 100 * n, 100)]
    boxes = [shapely.affinity.translate(b, 0, 6_740_000) for b in boxes]
    return gpd.GeoDataFrame(columns, geometry=boxes, crs="EPSG:2154", index=range(n))


def found(path: Path) -> list[str]:
    return [d["dataset"] for d in signatures.recognise(path)]


# --- STAC -------------------------------------------------------------------------------------


def test_every_data_set_is_a_valid_stac_collection_with_its_words():
    assert {"communes", "lcz-cerema", "vnp46a3", "sentinel-1", "dem"} <= set(catalog.datasets())
    for name in catalog.datasets():
        about = catalog.collection(name)
        assert isinstance(about, pystac.Collection) and about.id == name
        for texts in (catalog.title(name), catalog.remedy(name)):
            assert texts["fr"] and texts["en"]
        for key in ("licence", "attribution", "edition"):
            assert catalog.about(name)[f"eo_helpers:{key}"]


def test_an_unknown_data_set_names_the_known_ones():
    with pytest.raises(InvalidInput, match="vnp46a3"):
        catalog.about("vnp99")


# --- What a file holds -------------------------------------------------------------------------


def test_tables_are_known_by_their_columns_not_their_names(tmp_path):
    one = dict.fromkeys(("HRE", "ARE", "BUR", "ROR", "BSR", "WAR", "VER", "VHR"), 1.0)
    squares(2, **one, LCZ="6").to_file(tmp_path / "a.gpkg")
    squares(2, LCZ_PRIMARY=[5, 104], ID_RSU=[1, 2]).to_file(tmp_path / "b.geojson")
    squares(2, idcar_200m=["CRS3035RES200mN1E1", "CRS3035RES200mN1E2"], ind=[1.0, 2.0]).to_file(
        tmp_path / "c.gpkg"
    )
    squares(2, code=["35236", "2A004"], nom=["Redon", "Ajaccio"]).to_parquet(tmp_path / "d.parquet")
    squares(1, something=[1]).to_file(tmp_path / "communes.gpkg")
    expected = ["lcz-cerema"], ["lcz-geoclimate"], ["filosofi-200m"], ["communes"], []
    names = "a.gpkg", "b.geojson", "c.gpkg", "d.parquet", "communes.gpkg"
    for name, dataset in zip(names, expected, strict=True):
        assert found(tmp_path / name) == dataset, name


def test_buildings_that_carry_the_code_of_their_commune_are_no_communes(tmp_path):
    squares(3, INSEE_COM=["12174"] * 3, NOM=["a", "b", "c"]).to_file(tmp_path / "communes.gpkg")
    assert found(tmp_path / "communes.gpkg") == []


@pytest.mark.parametrize(
    ("values", "names", "tags", "dataset"),
    [
        (np.full((2, 9, 9), 0.05, "f4"), ("VV", "VH"), {}, ["sentinel-1"]),
        (np.linspace(-25, -5, 162, dtype="f4").reshape(2, 9, 9), (), {}, ["sentinel-1"]),
        (np.arange(81 * 13, dtype="i2").reshape(13, 9, 9), (), {}, ["sentinel-2"]),
        (np.linspace(3.2, 90.7, 81, dtype="f4").reshape(9, 9), (), {}, ["dem"]),
        (np.linspace(3, 90, 81, dtype="f4").reshape(9, 9), ("surface height, m",), {}, ["dsm"]),
        (np.arange(81, dtype="u1").reshape(9, 9) % 2, (), {}, ["flood-extent"]),
        (np.arange(81, dtype="u1").reshape(9, 9) % 18, (), {}, ["lcz-wudapt"]),
        (np.zeros((9, 9), "f4"), (), {}, []),
    ],
)
def test_rasters_are_known_by_their_bands_or_values(tmp_path, values, names, tags, dataset):
    assert found(raster(tmp_path / "image.tif", values, names, **tags)) == dataset


def test_the_date_of_a_scene_comes_from_its_own_metadata(tmp_path):
    path = raster(
        tmp_path / "x.tif", np.full((2, 9, 9), 0.1, "f4"), ("VV", "VH"),
        TIFFTAG_DATETIME="2024:01:15 17:48:20",
    )  # fmt: skip
    assert signatures.recognise(path)[0]["datetime"] == "2024-01-15T17:48:20Z"


def test_a_monthly_tile_is_known_and_placed(tmp_path):
    path = write_tile(tmp_path, "2021-07", 5.0, name="whatever.h18v04.h5")
    described = signatures.recognise(path)[0]
    assert described["dataset"] == "vnp46a3"
    assert described["bbox"] == [0, 40, 10, 50]
    assert described["datetime"].startswith("2021-07")


@pytest.mark.parametrize(
    ("bounds", "crs", "placed"),
    [
        ((320_000, 6_770_000, 321_000, 6_771_000), "EPSG:2154", True),  # Redon
        ((0, 0, 512, 512), "EPSG:2154", False),  # pixels, not metres
        ((6_770_000, 320_000, 6_771_000, 321_000), "EPSG:2154", False),  # axes swapped
        ((100_000, 5_300_000, 101_000, 5_301_000), "EPSG:32631", True),  # the zone beside
        ((-100.0, 40.0, -99.0, 41.0), "EPSG:4326", True),  # used anywhere
        ((179.0, -20.0, 181.0, -19.0), "EPSG:3832", True),  # use across the antimeridian
        (None, "EPSG:2154", False),
        ((0, 0, 1, 1), "", False),
        ((0, 0, 1, 1), "no CRS at all", False),
    ],
)
def test_a_box_far_from_where_its_crs_is_used_is_no_place(bounds, crs, placed):
    found = signatures.degrees(bounds, crs)
    assert (found is not None) == placed
    if placed and crs == "EPSG:2154":
        assert found[0] == pytest.approx(-2.1, abs=0.2) and found[1] == pytest.approx(47.8, abs=0.3)
    # GDAL's text of a CRS leaves its area of use out.
    if crs.startswith("EPSG"):
        text = rasterio.crs.CRS.from_user_input(crs).to_wkt()
        assert (signatures.degrees(bounds, text) is not None) == placed


def test_a_file_cut_short_is_one_sentence(tmp_path):
    whole = write_tile(tmp_path, "2021-07", 5.0)
    whole.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(InvalidInput, match="tronqué") as caught:
        signatures.recognise(whole)
    assert str(tmp_path) not in str(caught.value)


# --- Archives ---------------------------------------------------------------------------------


def test_what_is_not_a_zip_is_refused(tmp_path):
    path = tmp_path / "LCZ.zip"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InvalidInput, match="pas une archive zip"):
        archive.members(path)


@pytest.mark.parametrize("name", ["../out.shp", "/etc/out.shp", "a/../../out.shp", "c:/x.shp"])
def test_a_path_that_climbs_out_is_refused(tmp_path, name):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(name, "x")
    with pytest.raises(InvalidInput, match="sort de son dossier"):
        archive.members(path)


def test_a_link_in_an_archive_is_refused(tmp_path):
    path = tmp_path / "link.zip"
    entry = zipfile.ZipInfo("a.shp")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(entry, "/etc/passwd")
    with pytest.raises(InvalidInput):
        archive.members(path)


def test_an_archive_needs_exactly_one_shapefile(tmp_path):
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.shp", "x")
        out.writestr("b.shp", "x")
    with pytest.raises(InvalidInput, match="2 fichiers"):
        archive.shapefile_in(path)


def test_names_with_spaces_and_apostrophes_are_opened(tmp_path):
    squares(2, LCZ_PRIMARY=[1, 2]).to_file(tmp_path / "l'été à sec.shp")
    path = tmp_path / "Pays d'Épreuve (1).zip"
    with zipfile.ZipFile(path, "w") as out:
        for part in tmp_path.glob("l'été*"):
            out.write(part, f"sous dossier/{part.name}")
    assert found(path) == ["lcz-geoclimate"]


def test_an_ems_archive_without_the_observed_event_says_so(tmp_path):
    squares(1, event_type=["x"], obj_desc=["y"]).to_file(tmp_path / "aoi.shp")
    path = tmp_path / "ems.zip"
    with zipfile.ZipFile(path, "w") as out:
        for part in tmp_path.glob("aoi.*"):
            out.write(part, f"EMSR500_AOI01_DEL_PRODUCT_areaOfInterestA_v1{part.suffix}")
    with pytest.raises(InvalidInput, match="observedEvent"):
        signatures.recognise(path)


# --- Sources ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "data"
    place.mkdir()
    return place


def around_redon(**columns: object) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[REDON.boundary] * n, crs="EPSG:4326")


def test_the_finest_of_two_maps_of_one_ground_is_kept_and_the_other_is_told(folder):
    around_redon(LCZ_PRIMARY=[1, 2]).to_file(folder / "a.gpkg")
    around_redon(LCZ_PRIMARY=[1, 2, 3]).to_file(folder / "b.gpkg")
    holding = catalog.find("lcz-geoclimate", REDON, catalog.open_source("files", [folder]))
    assert [p.name for p in holding.paths] == ["b.gpkg"]
    assert [i.properties["title"] for i in holding.left_out] == ["a.gpkg"]
    assert holding.provenance.source == "files" and not holding.provenance.demonstration


def test_nothing_and_elsewhere_are_told_apart(folder):
    around_redon(LCZ_PRIMARY=[1]).to_file(folder / "a.gpkg")
    source = catalog.open_source("files", [folder])
    away = Commune("33063", "Bordeaux", "33", shapely.box(-0.64, 44.81, -0.53, 44.92))
    with pytest.raises(OutOfCoverage, match="Bordeaux"):
        catalog.find("lcz-geoclimate", away, source)
    with pytest.raises(NoData) as caught:
        catalog.find("vnp46a3", REDON, source)
    assert not isinstance(caught.value, OutOfCoverage)
    assert "LAADS" in caught.value.fr and "LAADS" in caught.value.en


def test_when_every_file_of_a_data_set_is_broken_the_reason_is_said(folder):
    whole = write_tile(folder, "2021-07", 5.0)
    whole.write_bytes(whole.read_bytes()[:4000])
    source = catalog.open_source("files", [folder])
    assert [p.name for p, _ in source.rejected] == [whole.name]
    with pytest.raises(InvalidInput, match="tronqué"):
        catalog.find("vnp46a3", REDON, source)


def test_the_fingerprint_changes_with_the_files(folder):
    around_redon(LCZ_PRIMARY=[1]).to_file(folder / "a.gpkg")
    before = catalog.open_source("files", [folder]).fingerprint()
    assert catalog.open_source("files", [folder]).fingerprint() == before
    around_redon(LCZ_PRIMARY=[2]).to_file(folder / "b.gpkg")
    assert catalog.open_source("files", [folder]).fingerprint() != before


def test_files_are_looked_into_once(folder, monkeypatch):
    around_redon(LCZ_PRIMARY=[1]).to_file(folder / "a.gpkg")
    assert catalog.open_source("files", [folder]).items("lcz-geoclimate")
    monkeypatch.setattr(signatures, "recognise", lambda path: pytest.fail("looked again"))
    assert catalog.open_source("files", [folder]).items("lcz-geoclimate")


def test_a_cache_that_cannot_be_written_only_costs_time(folder, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    monkeypatch.setenv("EO_HELPERS_CACHE", str(blocked))
    around_redon(LCZ_PRIMARY=[1]).to_file(folder / "a.gpkg")
    assert catalog.open_source("files", [folder]).items("lcz-geoclimate")


def test_a_folder_without_communes_says_what_to_add(folder):
    with pytest.raises(NoData, match="GeoParquet"):
        catalog.communes(catalog.open_source("files", [folder]))


def test_sources_are_named(folder):
    with pytest.raises(InvalidInput, match="demo, files, online"):
        catalog.open_source("nuage")
    with pytest.raises(InvalidInput, match="--data"):
        catalog.open_source("files")
    with pytest.raises(InvalidInput, match="n'existe pas"):
        catalog.open_source("files", [folder / "absent"])


def test_the_demonstration_is_marked_wherever_it_is_read_from(demo_dir, demo_source, folder):
    assert demo_source.demonstration
    assert demo_source.rejected == []
    # The truth beside it is never taken for data.
    assert demo_source.items("flood-extent") == []
    shutil.copy(demo_dir / "territory.json", folder)
    shutil.copytree(demo_dir / "population", folder / "population")
    source = catalog.open_source("files", [folder])
    item = source.items("filosofi-200m")[0]
    assert item.properties["eo_helpers:demonstration"] is True
    assert source.demonstration


def test_the_bare_ground_is_told_from_roofs_and_trees(demo_source):
    names = [i.properties["title"] for i in demo_source.items("dem")]
    assert names and not any("dsm" in n for n in names)


def test_real_files_are_recognised(shared_data):
    source = catalog.open_source("files", [shared_data])
    holds = {d: {i.properties["title"] for i in source.items(d)} for d in catalog.datasets()}
    assert "communes_2018.parquet" in holds["communes"]
    assert "BATIMENT.shp" not in holds["communes"]
    assert holds["lcz-geoclimate"] == {
        "redon_bdtopo_rsu_lcz.geojson",
        "redon_osm_rsu_lcz.geojson",
    }
    assert holds["lcz-wudapt"] == {"redon_wudapt.tif"}
    assert holds["sentinel-1"] == {"S1Hand.tif"} and holds["sentinel-2"] == {"S2Hand.tif"}
    assert holds["dem"] == {"Elevation.tif"}
    assert holds["bdtopo-buildings"] == {"BATIMENT.shp"}
    assert source.rejected == []


# --- Online -----------------------------------------------------------------------------------


@pytest.fixture
def etalab(monkeypatch, tmp_path):
    """A provider of our own on this machine, whose answer each test chooses."""
    from eo_helpers.catalog.online import communes

    answer: dict[str, object] = {"status": 200, "body": b"", "asked": 0}

    class Provider(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer["asked"] += 1
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *args):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("EO_HELPERS_URL_ETALAB", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(communes, "LEAST", 2)
    monkeypatch.setattr(communes, "POLICY", QUICK)
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    yield answer
    server.shutdown()


def geojson() -> bytes:
    square = shapely.geometry.mapping(REDON.boundary)
    features = [
        {"type": "Feature", "geometry": square,
         "properties": {"code": code, "nom": name, "departement": code[:2], "epci": "243500741"}}
        for code, name in (("35236", "Redon"), ("35013", "Bains-sur-Oust"))
    ]  # fmt: skip
    return gzip.compress(json.dumps({"type": "FeatureCollection", "features": features}).encode())


def test_communes_come_from_the_provider_once(etalab):
    etalab["body"] = geojson()
    for _ in range(2):
        index = catalog.communes(catalog.open_source("online"))
        assert index.find("redon").insee == "35236"
    assert etalab["asked"] == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>maintenance</html>", b"", geojson()[:60]],
    # gzip writes the second: an id made of it would differ between processes.
    ids=["a page", "nothing", "cut short"],
)
def test_an_odd_answer_never_enters_the_cache(etalab, body, tmp_path):
    etalab["body"] = body
    with pytest.raises(InvalidInput, match="Etalab"):
        catalog.communes(catalog.open_source("online"))
    assert not list((tmp_path / "cache").rglob("communes_*"))


def test_without_network_it_is_said_and_the_last_copy_serves(etalab, monkeypatch):
    from eo_helpers.catalog.online import communes

    etalab["status"] = 503
    with pytest.raises(NoData, match="réseau"):
        catalog.communes(catalog.open_source("online"))
    etalab["status"], etalab["body"] = 200, geojson()
    catalog.communes(catalog.open_source("online"))
    monkeypatch.setattr(communes, "FRESH_DAYS", -1)
    etalab["status"] = 503
    assert catalog.communes(catalog.open_source("online")).find("redon").insee == "35236"
