"""Every provider against a server that answers, pages and fails as the real one."""

from __future__ import annotations

import datetime as dt
import io
import json
import socket
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from local_server import QUICK, Answer, LocalServer
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.catalog import fetching, net, online_source, signatures
from eo_helpers.catalog.online import (
    copernicus_dem,
    ems,
    filosofi,
    geo_api,
    georisques,
    hubeau,
    ign,
    inec,
    lcz_cerema,
    provider,
    providers,
    sentinel1,
    sentinel2,
    stac_api,
)  # fmt: skip
from eo_helpers.catalog.online.windows import write_window
from eo_helpers.catalog.ranged import RangeFile
from eo_helpers.catalog.store import Store
from eo_helpers.errors import (
    InvalidInput,
    NoData,
    Offline,
    OutOfCoverage,
    Refused,
    UnknownCommune,
    Unreachable,
)  # fmt: skip
from eo_helpers.flood import gauges
from eo_helpers.territory.commune import Commune

REDON = Commune("35236", "Redon", "35", shapely.box(-2.11, 47.63, -2.05, 47.68), epci="243500741")
SERVICES = ("GEO", "DATAGOUV", "GEORISQUES", "HUBEAU", "IGN", "EMS", "STAC_EARTHSEARCH",
            "STAC_PLANETARY", "FILOSOFI", "INEC")  # fmt: skip


@pytest.fixture
def server(monkeypatch, tmp_path):
    made = LocalServer()
    for service in SERVICES[:-2]:
        monkeypatch.setenv(f"EO_HELPERS_URL_{service}", made.url)
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EO_HELPERS_URL_ETALAB", f"{made.url}/contours")
    resolve = socket.getaddrinfo

    def here_only(host, *args, **options):
        assert host == "127.0.0.1", f"a test asked {host}"
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here_only)
    # Providers are as patient as the policy says: here, hardly.
    monkeypatch.setattr(net, "Policy", lambda **_: QUICK)
    yield made
    made.close()


@pytest.fixture
def store(server):
    return Store()


def js(value, **options) -> Answer:
    return Answer(json.dumps(value).encode(), **options)


def found(path: Path) -> list[str]:
    return [d["dataset"] for d in signatures.recognise(path)]


# --- geo.api.gouv.fr --------------------------------------------------------------------------


def row(code="35236", name="Redon", people=9_000, **other):
    contour = shapely.geometry.mapping(REDON.boundary)
    return {"code": code, "nom": name, "population": people, "codeEpci": "243500741",
            "codeDepartement": code[:2], "codesPostaux": ["35600"], "contour": contour,
            **other}  # fmt: skip


def test_a_commune_is_had_by_its_code_or_its_name(server):
    server.routes["/communes/35236"] = [Answer(b"", 503), js(row())]
    server.routes["/communes"] = js([row(), row("35237", "Redonville", 3)])
    for query in ("35236", "redon"):
        commune = geo_api.find(query)
        assert (commune.insee, commune.epci, commune.population) == ("35236", "243500741", 9_000)
        assert commune.boundary.equals(REDON.boundary) and commune.source == "online"
    assert server.asked[-1].query["geometry"] == ["contour"]


def test_an_arrondissement_is_asked_for_as_one(server):
    server.routes["/communes/75111"] = js(row("75111", "Paris 11e Arrondissement"))
    server.routes["/communes/75056"] = js(row("75056", "Paris"))
    assert geo_api.find("75111").departement == "75"
    assert server.asked[-1].query["type"] == ["arrondissement-municipal"]
    geo_api.find("75056")
    assert "type" not in server.asked[-1].query


def test_a_code_that_is_no_more_and_a_name_that_is_none(server):
    with pytest.raises(UnknownCommune, match="commune nouvelle"):
        geo_api.find("35999")
    server.routes["/communes"] = js([row(), row("35237", "Redonville", 3)])
    with pytest.raises(UnknownCommune, match="Redonville") as caught:
        geo_api.find("redo")
    assert caught.value.suggestions[0] == "Redon (35236)"


def test_the_communes_of_an_epci(server):
    server.routes["/epcis/243500741/communes"] = js([row("56001", "B"), row()])
    assert [c.insee for c in geo_api.communes_of_epci("243500741")] == ["35236", "56001"]
    with pytest.raises(InvalidInput, match="neuf chiffres"):
        geo_api.communes_of_epci("12")


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a": 1}', b'[{"nom": "x"}]'])
def test_an_odd_answer_is_said(server, body):
    server.routes["/communes"] = Answer(body)
    with pytest.raises(Unreachable, match="autre chose"):
        geo_api.find("redon")


# --- Géorisques -------------------------------------------------------------------------------


def decree(k: int, begin: str) -> dict[str, str]:
    return {"code_national_catnat": f"INTE{k:04d}", "date_debut_evt": begin,
            "date_fin_evt": begin, "date_publication_arrete": "01/02/2001",
            "libelle_risque_jo": "Inondations", "code_insee": "35236",
            "libelle_commune": "REDON"}  # fmt: skip


def test_decrees_come_page_after_page_without_repeats(server, store):
    rows = [decree(k, f"{k % 28 + 1:02d}/01/{1990 + k % 20}") for k in range(230)]

    def pages(asked):
        page = int(asked.query["page"][0])
        first = (page - 1) * 100
        # While one pages, the list shifts by one: its last row is seen twice.
        part = rows[max(first - 1, 0) : first + 100]
        return js({"results": 230, "page": page, "total_pages": 3, "data": part})

    server.routes["/gaspar/catnat"] = pages
    kept = georisques.PROVIDER.fetch(REDON, store, None)
    table = gpd.pd.read_csv(store.path(kept[0]), dtype=str)
    assert len(table) == 230 and table.date_debut_evt.is_monotonic_increasing
    assert table.date_debut_evt.str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert found(store.path(kept[0])) == ["catnat"]
    assert len(server.asked) == 3
    georisques.PROVIDER.fetch(REDON, store, None)
    assert len(server.asked) == 3


def test_decrees_of_a_changed_service_are_refused_and_an_old_copy_serves(server, store):
    good = {"data": [decree(1, "01/01/2000")], "total_pages": 1}
    bad = decree(1, "2000-01-01")
    server.routes["/gaspar/catnat"] = js({"data": [bad], "total_pages": 1})
    with pytest.raises(Unreachable, match="date_debut_evt"):
        georisques.PROVIDER.fetch(REDON, store, None)
    assert store.all() == []
    server.routes["/gaspar/catnat"] = js(good)
    first = georisques.PROVIDER.fetch(REDON, store, None)
    ref = store._ref(first[0].key)
    ref.write_text(ref.read_text().replace(first[0].read_at, "2020-01-01T00:00:00Z"))
    server.routes["/gaspar/catnat"] = Answer(b"<html>maintenance</html>")
    assert georisques.PROVIDER.fetch(REDON, store, None)[0].read_at == "2020-01-01T00:00:00Z"


# --- Hub'Eau ----------------------------------------------------------------------------------


def test_gauges_and_levels_follow_next_with_206(server, store):
    def stations(asked):
        page = int(asked.query.get("page", ["1"])[0])
        data = [{"code_station": f"J{page}", "libelle_station": "La Vilaine",
                 "en_service": page == 1,
                 "longitude_station": -2.08, "latitude_station": 47.65}]  # fmt: skip
        # The service writes its own public address, in http.
        following = f"http://hubeau.example/stations?page={page + 1}&size=1" if page < 2 else None
        return js({"count": 2, "next": following, "data": data}, status=206 if following else 200)

    levels = [
        {"date_obs": f"2024-01-01T0{hour}:00:00Z", "grandeur_hydro": kind, "resultat_obs": value}
        for hour, kind, value in ((1, "H", 2543), (0, "H", None), (0, "Q", 81250))
    ]
    server.routes["/referentiel/stations"] = stations
    server.routes["/observations_tr"] = js({"count": 3, "next": None, "data": levels})
    highest = {"code_station": "J1", "date_obs_elab": "2024-01-01", "resultat_obs_elab": 3120,
               "grandeur_hydro_elab": "HIXM", "code_qualification": 20}  # fmt: skip
    server.routes["/obs_elab"] = lambda asked: js(
        {"next": None, "data": [highest] if asked.query["code_entite"] == ["J1"] else []}
    )
    places, values, months = hubeau.PROVIDER.fetch(REDON, store, None)
    # What the flood theme reads of them: the gauge, and metres by month.
    held = SimpleNamespace(paths=[store.path(k) for k in (places, values, months)])
    station, series = gauges.read(held, REDON)
    assert station["name"] == "La Vilaine" and series.tolist() == [3.12]
    table = gpd.read_file(store.path(places))
    assert list(table.code_station) == ["J1", "J2"] and found(store.path(places)) == ["hydrometry"]
    table = gpd.pd.read_csv(store.path(values))
    assert table.resultat_obs.tolist() == [2.543, 81.25] and table.unit.tolist() == ["m", "m3/s"]
    assert found(store.path(values)) == ["hydrometry"]
    # A closed gauge is not asked for its levels.
    asked = [a.query["code_entite"] for a in server.asked if a.path == "/observations_tr"]
    assert asked == [["J1"]]
    west = float(server.asked[0].query["bbox"][0].split(",")[0])
    assert -2.11 - 0.08 < west < -2.11 - 0.05  # five kilometres


def test_a_commune_without_a_gauge(server, store):
    server.routes["/referentiel/stations"] = js({"data": [], "next": None})
    with pytest.raises(NoData, match="5 km"):
        hubeau.PROVIDER.fetch(REDON, store, None)


def test_pages_that_never_end_are_left(server):
    server.routes["/referentiel/stations"] = js({"data": [], "next": "x?page=1"})
    with pytest.raises(Unreachable, match="pages"):
        hubeau.stations(REDON.bounds)


# --- LCZ --------------------------------------------------------------------------------------


def lcz_zip(tmp_path, name, west, south) -> bytes:
    rates = dict.fromkeys(("hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"), 10.0)
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    box = shapely.box(west, south, west + 0.2, south + 0.2)
    table = gpd.GeoDataFrame(
        {**{k: [v] for k, v in rates.items()}, "lcz": ["6"], "identifier": ["x"]},
        geometry=[box], crs="EPSG:4326",
    ).to_crs(2154)  # fmt: skip
    table.to_file(folder / f"{name}.shp")
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as out:
        # Real ones also hold a large raster: it must not be fetched to find a box.
        out.writestr("raster.tif", np.random.default_rng(1).bytes(2_000_000))
        for part in sorted(folder.glob(f"{name}.*")):
            out.write(part, f"LCZ/{part.name}")
    return raw.getvalue()


def datagouv(server, tmp_path, areas) -> dict[str, bytes]:
    files = {k: lcz_zip(tmp_path, f"LCZ_SPOT_2022_{k}", *at) for k, at in areas.items()}
    rows = [
        {"id": k, "title": f"LCZ_SPOT_2022_{k}", "format": "zip", "last_modified": "2024-06-01"}
        for k in files
    ]
    rows.append({"id": "doc", "title": "Notice", "format": "pdf"})

    def listing(asked):
        page = int(asked.query["page"][0])
        return js({"data": rows[2 * page - 2 : 2 * page], "total": len(rows)})

    server.routes[f"/api/2/datasets/{lcz_cerema.DATASET}/resources/"] = listing
    for k, raw in files.items():
        # data.gouv.fr sends on to the file's own place.
        server.routes[f"/api/1/datasets/r/{k}"] = Answer(b"", 302, {"Location": f"/static/{k}"})
        server.routes[f"/static/{k}"] = Answer(raw)
    return files


def test_only_the_archive_of_the_commune_is_fetched(server, store, tmp_path, monkeypatch):
    monkeypatch.setattr(lcz_cerema, "_PAGE", 2)
    areas = {"Redon": (-2.2, 47.55), "Vannes": (-2.85, 47.6), "Paris": (2.3, 48.8)}
    files = datagouv(server, tmp_path, areas)
    kept = lcz_cerema.PROVIDER.fetch(REDON, store, None)
    assert [k.name for k in kept] == ["LCZ_SPOT_2022_Redon.zip"]
    assert store.path(kept[0]).read_bytes() == files["Redon"]
    assert kept[0].edition == "LCZ_SPOT_2022_Redon (2024-06-01)"
    # Of the others, the tables and heads only.
    for k in ("Vannes", "Paris"):
        assert server.sent[f"/static/{k}"] < 0.1 * len(files[k])
    before = len(server.asked)
    lcz_cerema.PROVIDER.fetch(REDON, store, None)
    assert len(server.asked) == before
    away = Commune("33063", "Bordeaux", "33", shapely.box(-0.64, 44.81, -0.53, 44.92))
    with pytest.raises(OutOfCoverage, match="Bordeaux"):
        lcz_cerema.PROVIDER.fetch(away, store, None)
    assert server.count("/static/Paris") == 1 or server.sent["/static/Paris"] < 200_000


def test_the_online_source_brings_what_a_theme_asks_for(server, store, tmp_path):
    datagouv(server, tmp_path, {"Redon": (-2.2, 47.55)})
    source = catalog.open_source("online")
    holding = catalog.find("lcz-cerema", REDON, source)
    assert holding.provenance.source == "online"
    assert holding.provenance.edition == "LCZ_SPOT_2022_Redon (2024-06-01)"
    read = dt.datetime.fromisoformat(holding.provenance.read_at)
    assert abs((dt.datetime.now(tz=dt.UTC) - read).total_seconds()) < 60


def test_without_network_the_copy_serves_and_without_copy_it_is_said(
    server, store, tmp_path, monkeypatch
):
    datagouv(server, tmp_path, {"Redon": (-2.2, 47.55)})
    monkeypatch.setenv("EO_HELPERS_URL_DATAGOUV", "https://data.example")
    monkeypatch.setenv(net.OFFLINE, "1")
    with pytest.raises(Offline):
        catalog.find("lcz-cerema", REDON, catalog.open_source("online"))
    monkeypatch.setenv("EO_HELPERS_URL_DATAGOUV", server.url)
    lcz_cerema.PROVIDER.fetch(REDON, store, None)
    monkeypatch.setenv("EO_HELPERS_URL_DATAGOUV", "https://data.example")
    assert len(catalog.find("lcz-cerema", REDON, catalog.open_source("online")).items) == 1


def test_a_theme_speaks_from_what_the_provider_gave(server, demo_dir, demo_source):
    """Cerema's archive of the demonstration, through data.gouv's own steps, to the sentence."""
    from eo_helpers.findings import THEMES

    archive = next((demo_dir / "lcz").glob("*.zip"))
    rows = [{"id": "a", "title": archive.stem, "format": "zip", "last_modified": "2024-06-01"}]
    server.routes[f"/api/2/datasets/{lcz_cerema.DATASET}/resources/"] = js(
        {"data": rows, "total": 1}
    )
    raw = archive.read_bytes()
    # The first whole answer is cut in the middle.
    server.routes["/api/1/datasets/r/a"] = lambda asked: Answer(
        raw, cut=None if asked.range else len(raw) // 2
    )
    commune = catalog.communes(demo_source).find("Saint-Aubin-sur-Ervelle")
    online = THEMES["lcz"].analyse(commune, catalog.open_source("online"))
    demo = THEMES["lcz"].analyse(commune, demo_source)
    shares = [
        {i["name"]: i["value"] for i in f.to_dict()["indicators"] if "share_area" in i["name"]}
        for f in (online, demo)
    ]
    assert shares[0] and all(shares[1][name] == value for name, value in shares[0].items())
    told = {p["dataset"]: p for p in online.to_dict()["provenance"]}["lcz-cerema"]
    assert told["source"] == "online" and told["edition"].endswith("(2024-06-01)")
    wanted = [a.range for a in server.asked if a.path == "/api/1/datasets/r/a"]
    assert wanted[-2:] == [None, f"bytes={len(raw) // 2}-"]


def test_a_service_that_is_away_is_waited_for_once(server, monkeypatch):
    monkeypatch.setattr(online_source, "_away", {})
    server.routes["/search"] = Answer(b"", 503)
    source = catalog.open_source("online")
    for _ in range(3):
        with pytest.raises(Unreachable, match="503"):
            catalog.find("dem", REDON, source)
    assert server.count("/search") == QUICK.attempts
    monkeypatch.setattr(online_source, "AWAY", 0.0)
    server.routes["/search"] = js({"features": []})
    with pytest.raises(OutOfCoverage):
        catalog.find("dem", REDON, source)


# --- INSEE and Géolittoral --------------------------------------------------------------------


def test_filosofi_needs_an_address_then_comes_once(server, store, tmp_path, monkeypatch):
    assert "EO_HELPERS_URL_FILOSOFI" in filosofi.PROVIDER.missing()["fr"]
    cells = "idcar_200m,ind,men\nCRS3035RES200mN2800000E3400000,12.5,5\n"
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as out:
        out.writestr("carreaux_200m_met.csv", cells)
        out.writestr("lisez-moi.pdf", "x")
    server.routes["/Filosofi2019.zip"] = [Answer(b"<html>maintenance"),
                                          Answer((tmp_path / "f.zip").read_bytes())]  # fmt: skip
    monkeypatch.setenv("EO_HELPERS_URL_FILOSOFI", f"{server.url}/Filosofi2019.zip?key=secret")
    with pytest.raises(InvalidInput, match="page web"):
        filosofi.PROVIDER.fetch(REDON, store, None)
    kept = filosofi.PROVIDER.fetch(REDON, store, None)[0]
    assert store.path(kept).read_text() == cells and "secret" not in repr(kept)
    filosofi.PROVIDER.fetch(REDON, store, None)
    assert len(server.asked) == 2


def profile(k: int, **other):
    box = shapely.geometry.mapping(shapely.box(k, 0, k + 1, 1))
    about = {"taux": -0.5, "duree": 60, "tdc_ancien": 1950, "tdc_rec": 2010, "amenagemen": 0}
    return {"type": "Feature", "geometry": box, "properties": {**about, "id": k, **other}}


def test_the_coast_comes_page_after_page(server, store, monkeypatch):
    monkeypatch.setattr(inec, "_PAGE", 3)
    rows = [profile(k) for k in range(7)]

    def wfs(asked):
        first = int(asked.query["STARTINDEX"][0])
        return js({"type": "FeatureCollection", "features": rows[first : first + 3]})

    server.routes["/wxs"] = wfs
    monkeypatch.setenv("EO_HELPERS_URL_INEC", f"{server.url}/wxs")
    kept = inec.PROVIDER.fetch(REDON, store, None)[0]
    table = gpd.read_file(store.path(kept))
    assert len(table) == 7 and table.crs == "EPSG:3857" and found(store.path(kept)) == ["inec"]
    box = [float(v) for v in server.asked[0].query["BBOX"][0].split(",")[:4]]
    assert -240_000 < box[0] < box[2] < -225_000 and 6_040_000 < box[1] < box[3] < 6_060_000


@pytest.mark.parametrize(
    "answer",
    [Answer(b"<ServiceException>no</ServiceException>"),
     js({"features": [{"properties": {"taux": 1}}]})],
)  # fmt: skip
def test_an_odd_coast_is_refused(server, store, monkeypatch, answer):
    server.routes["/wxs"] = answer
    monkeypatch.setenv("EO_HELPERS_URL_INEC", f"{server.url}/wxs")
    with pytest.raises(Unreachable):
        inec.PROVIDER.fetch(REDON, store, None)
    assert store.all() == []


# --- Copernicus EMS ---------------------------------------------------------------------------


def ems_zip(tmp_path, code, *, event="observedEventA", wet=0.5, when=("15/01/2024", "18:05")):
    """An archive as the portal gives it: shapes, area of interest, table of the images."""
    west, south, east, north = REDON.bounds
    folder = tmp_path / f"parts-{code}-{event}-{wet}"
    folder.mkdir()
    part = shapely.box(west, south, west + wet * (east - west), north)
    kinds = {"event_type": ["5-Flood"], "obj_desc": ["Riverine flood"], "notation": ["Flood"]}
    about = {"src_id": [1, 2], "source_nam": ["Sentinel-1", "Sentinel-1"],
             "src_date": ["02/01/2023", when[0]], "source_tm": ["06:00", when[1]],
             "eventphase": ["Pre-event", "Post-event"]}  # fmt: skip
    gpd.GeoDataFrame(kinds, geometry=[part], crs=4326).to_file(folder / f"{code}_{event}_v1.shp")
    gpd.GeoDataFrame({"id": [1]}, geometry=[REDON.boundary], crs=4326).to_file(
        folder / f"{code}_areaOfInterestA_v1.shp"
    )
    pyogrio.write_dataframe(gpd.pd.DataFrame(about), folder / f"{code}_source_v1.dbf",
                            driver="ESRI Shapefile")  # fmt: skip
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as out:
        for file in sorted(folder.iterdir()):
            out.write(file, file.name)
        out.writestr("map.pdf", b"%PDF")
    return raw.getvalue()


def ems_product(server, kind, name, taken, **other):
    return {"type": kind, "monitoringNumber": 0, "extent": None, "layers": [],
            "images": [{"sensorName": "Sentinel-1", "acquisitionTime": taken}],
            "downloadPath": f"{server.url}/zips/{name}.zip",
            "version": {"number": 1, "statusCode": "F", "deliveryTime": taken},
            **other}  # fmt: skip


def portal(server, areas, others=0):
    """The portal: a list in pages, then one activation at a time."""
    rows = [{"code": f"EMSR{k}", "category": "Wildfire", "name": "Fire", "lastUpdate": "2024",
             "centroid": "POINT (-2.1 47.6)"} for k in range(others)]  # fmt: skip
    rows += [
        {"code": "EMSR711", "category": "Flood", "name": "Flood in Brittany",
         "lastUpdate": "2024-01-20T10:00:00", "centroid": "POINT (-1.9 47.9)"},
        {"code": "EMSR800", "category": "Flood", "name": "Flood in Chile", "lastUpdate": "2024",
         "centroid": "POINT (-70 -30)"},
        {"code": "EMSR801", "category": "Flood", "name": "Not public", "lastUpdate": "2024",
         "centroid": "POINT (-2 47)"},
    ]  # fmt: skip

    def listing(asked):
        first, size = int(asked.query["offset"][0]), int(asked.query["limit"][0])
        more = "http://internal/next" if first + size < len(rows) else None
        return js({"count": len(rows), "next": more, "results": rows[first : first + size]})

    server.routes["/public-activations-info/"] = listing
    server.routes["/public-activations/"] = lambda asked: (
        js({"results": [{"code": "EMSR711", "aois": areas}]})
        if asked.query["code"] == ["EMSR711"]
        else Answer(b"", 403)
    )


def area(products, extent="POLYGON ((-2.2 47.5, -2 47.5, -2 47.8, -2.2 47.8, -2.2 47.5))"):
    return {"name": "Redon", "number": 1, "extent": extent, "products": products}


def test_mapped_floods_come_by_activation_area_and_product(server, store, tmp_path, monkeypatch):
    from eo_helpers.flood.data import read_extent

    monkeypatch.setattr(ems, "_PAGE", 2)
    away = "POLYGON ((3 47, 3.1 47, 3.1 47.1, 3 47.1, 3 47))"
    portal(server, [
        area([
            ems_product(server, "FEP", "first", "2024-01-14T06:00:00"),
            ems_product(server, "DEL", "EMSR711_AOI01_DEL_PRODUCT_v1", "2024-01-15T18:05:00"),
            ems_product(server, "DEL", "EMSR711_AOI01_DEL_MONIT01_v1", "2024-01-19T18:05:00"),
            ems_product(server, "DEL", "late", "", version={"number": 1, "statusCode": "I"}),
            ems_product(server, "DEL", "none", "", downloadPath=None),
        ]),
        area([ems_product(server, "DEL", "elsewhere", "2024-01-15T18:05:00")], away),
    ], others=3)  # fmt: skip
    widest = ems_zip(tmp_path, "EMSR711_AOI01_DEL_PRODUCT")
    later = ems_zip(tmp_path, "EMSR711_AOI01_DEL_MONIT01", wet=0.1, when=("19/01/2024", "18:05"))
    # The archives lie behind a redirect; the first answer is cut in the middle.
    server.routes["/zips/EMSR711_AOI01_DEL_PRODUCT_v1.zip"] = Answer(b"", 302, {"Location": "/s3"})
    server.routes["/s3"] = lambda asked: Answer(widest, cut=None if asked.range else 900)
    server.routes["/zips/EMSR711_AOI01_DEL_MONIT01_v1.zip"] = [Answer(b"", 503), Answer(later)]
    kept = ems.PROVIDER.fetch(REDON, store, None)
    assert [k.name for k in kept] == [
        "2024-01-15_EMSR711_AOI01_DEL_PRODUCT_v1.zip",
        "2024-01-19_EMSR711_AOI01_DEL_MONIT01_v1.zip",
    ]
    assert kept[0].edition == "EMSR711 Flood in Brittany" and kept[0].licence == "Copernicus EMS"
    assert [a.range for a in server.asked if a.path == "/s3"] == [None, "bytes=900-"]
    # Fires and what is far away were not asked about; what is not public is passed over.
    asked = [a.query["code"][0] for a in server.asked if a.path == "/public-activations/"]
    assert asked == ["EMSR711", "EMSR801"]
    described = signatures.recognise(store.path(kept[0]))[0]
    assert described["dataset"] == "flood-extent"
    assert described["datetime"] == "2024-01-15T18:05:00Z"
    # The theme reads the flood at its widest, not what the last image still saw of it.
    holding = catalog.find("flood-extent", REDON, catalog.open_source("online"))
    extent, date = read_extent(holding, REDON)
    assert float((extent == 1).sum() / ((extent == 1) | (extent == 0)).sum()) > 0.4
    assert date.startswith("2024-01-15") and len(holding.items) == 2
    assert holding.provenance.edition == "EMSR711 Flood in Brittany"
    # Another question, another theme: nobody is asked again that day.
    before = len(server.asked)
    assert ems.PROVIDER.fetch(REDON, store, None) == kept and len(server.asked) == before


def test_a_commune_where_no_flood_was_mapped(server, store):
    portal(server, [])
    with pytest.raises(NoData, match="Redon"):
        ems.PROVIDER.fetch(REDON, store, None)
    assert store.all() == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(b"<html>login</html>"), Unreachable), (Answer(b"", 500), Unreachable),
     (Answer(b"", 429, {"Retry-After": "900"}), Unreachable), (Answer(b"", 401), Refused),
     (js({"results": [{"name": "no code"}], "next": None}), Unreachable),
     (js({"results": [{"code": "../x"}], "next": None}), Unreachable),
     (js({"count": 1}), Unreachable)],
)  # fmt: skip
def test_an_odd_portal_is_said(server, store, answer, error):
    server.routes["/public-activations-info/"] = answer
    with pytest.raises(error) as caught:
        ems.PROVIDER.fetch(REDON, store, None)
    assert "Copernicus EMS" in caught.value.fr and store.all() == []


def test_a_portal_that_never_ends_is_left(server, monkeypatch):
    row_ = {"code": "EMSR1", "category": "Flood", "centroid": None}
    server.routes["/public-activations-info/"] = js({"results": [row_], "next": "x"})
    monkeypatch.setattr(ems, "_MOST_PAGES", 3)
    with pytest.raises(Unreachable, match="3 pages"):
        ems.activations()
    assert len(server.asked) == 3


def test_one_archive_without_a_flood_does_not_hide_another(server, store, tmp_path):
    portal(
        server,
        [
            area(
                [
                    ems_product(server, "DEL", "EMSR711_AOI01_DEL_dry", "2024-01-16"),
                    ems_product(server, "DEL", "EMSR711_AOI01_DEL_PRODUCT", "2024-01-15"),
                ]
            )
        ],
    )
    dry = ems_zip(tmp_path, "EMSR711_AOI01_DEL_dry", event="hydrographyA")
    good = ems_zip(tmp_path, "EMSR711_AOI01_DEL_PRODUCT")
    server.routes["/zips/EMSR711_AOI01_DEL_dry.zip"] = Answer(dry)
    server.routes["/zips/EMSR711_AOI01_DEL_PRODUCT.zip"] = [Answer(b"<html>"), Answer(good)]
    with pytest.raises(InvalidInput, match="observedEvent"):  # none of the two can be used
        ems.PROVIDER.fetch(REDON, store, None)
    assert store.all() == []
    before = len(server.asked)
    with pytest.raises(InvalidInput, match="observedEvent"):
        ems.PROVIDER.fetch(REDON, store, None)
    assert len(server.asked) == before  # refused archives wait for the next day
    from eo_helpers.catalog import cache

    cache.write_json("online", f"{ems._KEY}/refused", {})
    kept = ems.PROVIDER.fetch(REDON, store, None)
    assert [k.name for k in kept] == ["2024-01-15_EMSR711_AOI01_DEL_PRODUCT.zip"]


def test_the_portal_away_a_known_archive_still_serves(server, store, tmp_path):
    portal(server, [area([ems_product(server, "DEL", "EMSR711_AOI01_DEL_P", "2024-01-15")])])
    server.routes["/zips/EMSR711_AOI01_DEL_P.zip"] = Answer(
        ems_zip(tmp_path, "EMSR711_AOI01_DEL_P")
    )
    kept = ems.PROVIDER.fetch(REDON, store, None)
    from eo_helpers.catalog import cache

    notes = cache.read_json("online", ems._KEY)
    cache.write_json("online", ems._KEY, {**notes, "read_at": "2020-01-01T00:00:00Z"})
    server.routes["/public-activations-info/"] = Answer(b"", 503)
    assert ems.PROVIDER.fetch(REDON, store, None) == kept


# --- IGN --------------------------------------------------------------------------------------


def picture(driver: str, colour: tuple[int, int, int]) -> bytes:
    values = np.array(colour, dtype="u1")[:, None, None] * np.ones((1, 256, 256), "u1")
    with rasterio.MemoryFile() as memory:
        with memory.open(driver=driver, width=256, height=256, count=3, dtype="uint8") as file:
            file.write(values)
        return memory.read()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_ground_is_made_of_tiles_at_its_place(server, store):
    def tile(asked):
        column, line = int(asked.query["TILECOL"][0]), int(asked.query["TILEROW"][0])
        driver = "PNG" if asked.query["FORMAT"] == ["image/png"] else "JPEG"
        return Answer(picture(driver, (column % 200, line % 200, 7)))

    server.routes["/wmts"] = tile
    plan, photo = ign.PROVIDER.fetch(REDON, store, None)
    zoom, columns, rows = ign.tiles(provider.around(REDON, ign.MARGIN))
    assert len(server.asked) == 2 * len(columns) * len(rows) <= 128
    assert found(store.path(plan)) == found(store.path(photo)) == ["ign-basemap"]
    with rasterio.open(store.path(plan)) as file:
        x, y = rasterio.warp.transform("EPSG:4326", file.crs, [-2.08], [47.65])
        red, green, _ = (int(v) for v in next(file.sample([(x[0], y[0])])))
    place = ign._place(-2.08, 47.65, zoom)
    assert (red, green) == (int(place[0]) % 200, int(place[1]) % 200)


def test_a_tile_that_is_no_picture_is_refused(server, store):
    server.routes["/wmts"] = Answer(b"<ExceptionReport/>")
    with pytest.raises(Unreachable, match="image"):
        ign.PROVIDER.fetch(REDON, store, None)
    assert store.all() == []


# --- STAC -------------------------------------------------------------------------------------


def cog(values: np.ndarray, west=313_000.0, north=6_749_000.0, size=10.0, crs="EPSG:2154"):
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="COG", width=values.shape[1], height=values.shape[0], count=1, nodata=0,
            dtype=values.dtype, crs=crs, transform=from_origin(west, north, size, size),
            blocksize=256, compress="deflate",
        ) as file:  # fmt: skip
            file.write(values, 1)
        return memory.read()


def item(identifier, assets, when="2024-05-01T11:00:00Z", box=(-3, 47, -1, 48.5), **properties):
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": identifier, "bbox": list(box),
        "geometry": shapely.geometry.mapping(shapely.box(*box)), "links": [],
        "properties": {"datetime": when, **properties},
        "assets": {name: {"href": href} for name, href in assets.items()},
    }  # fmt: skip


def test_only_the_window_of_a_cog_is_read(server, tmp_path):
    values = np.random.default_rng(2).integers(1, 9000, (3000, 3000), dtype="u2")
    raw = cog(values)
    server.routes["/b.tif"] = [Answer(b"", 500), Answer(raw)]
    box = (-2.11, 47.63, -2.10, 47.64)
    brought = write_window([("red", f"{server.url}/b.tif")], box, tmp_path / "w.tif", "Le service")
    assert brought < 0.1 * len(raw) and all(a.range for a in server.asked)
    with rasterio.open(tmp_path / "w.tif") as got, rasterio.MemoryFile(raw) as memory:
        with memory.open() as whole:
            window = whole.window(*got.bounds).round_offsets().round_lengths()
            assert np.array_equal(got.read(1), whole.read(1, window=window))
        west, south, east, north = rasterio.warp.transform_bounds(got.crs, "EPSG:4326", *got.bounds)
        assert west <= box[0] and south <= box[1] and east >= box[2] and north >= box[3]
        assert got.descriptions == ("red",)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(b"x" * 9000, ranges=False), Unreachable), (Answer(b"", 403), Refused),
     (Answer(b"<html>" * 900), InvalidInput), (Answer(b"", 404), NoData)],
)  # fmt: skip
def test_a_window_of_what_is_none_is_said(server, tmp_path, answer, error):
    server.routes["/b.tif"] = answer
    with pytest.raises(error):
        write_window([("red", f"{server.url}/b.tif")], REDON.bounds, tmp_path / "w.tif", "X")
    assert list(tmp_path.glob("*.tif")) == []


def test_a_window_whose_signature_expires_is_signed_again(server, tmp_path):
    raw = cog(np.random.default_rng(2).integers(1, 9000, (3000, 3000), dtype="u2"))
    server.routes["/b.tif"] = lambda asked: Answer(raw) if (
        asked.query["sig"] == ["2"] or len(server.asked) < 3
    ) else Answer(b"", 403)  # fmt: skip
    write_window(
        [("red", f"{server.url}/b.tif?sig=1")], (-2.11, 47.63, -2.10, 47.64), tmp_path / "w.tif",
        "X", resign=lambda url: url.split("?")[0] + "?sig=2",
    )  # fmt: skip
    assert {a.query["sig"][0] for a in server.asked} == {"1", "2"}


def test_a_file_that_changes_under_the_reader_is_said(server):
    server.routes["/b"] = [Answer(b"a" * 200_000), Answer(b"b" * 200_000)]
    with RangeFile(f"{server.url}/b", "X", policy=QUICK) as remote:
        remote.seek(150_000)
        with pytest.raises(InvalidInput, match="changé"):
            remote.read(10)


def test_a_search_follows_its_pages_and_no_circle(server):
    def page(asked):
        body = json.loads(asked.body)
        token = body.get("token", 0)
        follow = {"rel": "next", "href": f"{server.url}/search", "method": "POST", "merge": True,
                  "body": {"token": (token + 1) % 3}}  # fmt: skip
        return js({"features": [item(f"s{token}", {}), item("same", {})], "links": [follow]})

    server.routes["/search"] = page
    items = stac_api.search(server.url, "X", "c", REDON.bounds, between="2024-01-01/2024-02-01")
    assert sorted(i.id for i in items) == ["s0", "s1", "s2", "same"] and len(server.asked) == 4
    assert json.loads(server.asked[2].body)["bbox"] == list(REDON.bounds)


def test_a_page_that_leads_to_another_host_is_not_followed(server):
    follow = {"rel": "next", "href": "http://127.0.0.1:1/search", "method": "GET"}
    server.routes["/search"] = js({"features": [item("a", {})], "links": [follow]})
    assert len(stac_api.search(server.url, "X", "c", REDON.bounds)) == 1


def test_the_clearest_image_is_cut_and_its_offset_taken_away(server, store):
    values = np.full((1200, 1200), 3000, "u2")
    values[:, :5] = 0
    raw = cog(values)
    coarse = cog(np.full((600, 600), 4, "u1"), size=20.0)
    urls = {b: f"{server.url}/{b}.tif" for b in sentinel2.BANDS}
    for b in sentinel2.BANDS:
        server.routes[f"/{b}.tif"] = Answer(coarse if b in ("scl", "swir16") else raw)
    offset = {"s2:processing_baseline": "05.09"}
    server.routes["/search"] = js({"features": [
        item("cloudy", urls, **{"eo:cloud_cover": 15}),
        item("clear", urls, **{"eo:cloud_cover": 1}, **offset),
        item("half", urls, box=(-3, 47, -2.08, 48.5), **{"eo:cloud_cover": 0}),
        item("bare", {"red": "x"}, **{"eo:cloud_cover": 0}),
    ]})  # fmt: skip
    kept = sentinel2.PROVIDER.fetch(REDON, store, None)[0]
    assert kept.edition == "clear"
    with rasterio.open(store.path(kept)) as file:
        assert file.descriptions == sentinel2.BANDS
        assert set(np.unique(file.read(1))) <= {0, 2000} and file.read(6).max() == 4
    described = signatures.recognise(store.path(kept))[0]
    assert described["dataset"] == "sentinel-2" and described["datetime"] == "2024-05-01T11:00:00Z"


def test_the_offset_is_taken_once():
    import pystac

    def one(**properties):
        return pystac.Item("x", None, None, dt.datetime.now(tz=dt.UTC), properties)

    assert sentinel2.is_offset(one(**{"s2:processing_baseline": "04.00"}))
    assert not sentinel2.is_offset(one(**{"s2:processing_baseline": "03.01"}))
    applied = {"s2:processing_baseline": "05.00", "earthsearch:boa_offset_applied": True}
    assert not sentinel2.is_offset(one(**applied))


def test_the_ground_height_comes_by_window(server, store):
    heights = np.linspace(2, 90, 1000 * 1000, dtype="f4").reshape(1000, 1000)
    raw = cog(heights, -3.0, 48.0, 1 / 900, "EPSG:4326")
    server.routes["/dem.tif"] = Answer(raw)
    server.routes["/search"] = js(
        {"features": [item("N47W003", {"data": f"{server.url}/dem.tif"})]}
    )
    kept = copernicus_dem.PROVIDER.fetch(REDON, store, None)
    assert found(store.path(kept[0])) == ["dem"]
    before = len(server.asked)
    assert copernicus_dem.PROVIDER.fetch(REDON, store, None) == kept and len(server.asked) == before


def test_an_open_bucket_has_a_web_address():
    expected = "https://copernicus-dem-30m.s3.amazonaws.com/a/b.tif"
    assert stac_api.http_address("s3://copernicus-dem-30m/a/b.tif") == expected


def test_two_radar_images_of_one_orbit(server, store):
    raw = cog(np.random.default_rng(3).random((1200, 1200), dtype="f4"))
    urls = {b: f"{server.url}/{b}.tif" for b in ("vv", "vh")}
    server.routes["/vv.tif"] = server.routes["/vh.tif"] = lambda asked: (
        Answer(raw) if asked.query.get("sig") else Answer(b"", 403)
    )
    days = {"a": ("2024-01-01", 81), "b": ("2024-01-07", 30), "c": ("2024-01-13", 81)}
    server.routes["/search"] = js({"features": [
        item(k, urls, f"{day}T06:00:00Z", **{"sat:relative_orbit": orbit})
        for k, (day, orbit) in days.items()
    ]})  # fmt: skip
    kept = sentinel1.fetch_pair(REDON, store, "2024-01-01/2024-02-01", sign=lambda u: f"{u}?sig=s")
    assert [k.edition for k in kept] == ["a", "c"]
    assert found(store.path(kept[0])) == ["sentinel-1"]
    with rasterio.open(store.path(kept[1])) as file:
        assert file.descriptions == ("VV", "VH")


def test_radar_without_the_library_that_signs_says_what_to_add(store):
    told = sentinel1.PROVIDER.missing()
    assert told is None or "planetary-computer" in told["fr"]


# --- All of them ------------------------------------------------------------------------------


def test_fetching_says_theme_by_theme_and_no_failure_stops_the_rest(server, store, tmp_path):
    server.routes["/gaspar/catnat"] = js({"data": [decree(1, "01/01/2000")], "total_pages": 1})
    server.routes["/referentiel/stations"] = js({"data": [], "next": None})
    server.routes["/search"] = Answer(b"", 401)
    datagouv(server, tmp_path, {"Redon": (-2.2, 47.55)})
    seen = {f.dataset: f for f in fetching.fetch(REDON, store)}
    states = {name: f.state for name, f in seen.items()}
    assert states == {
        "catnat": "fetched", "hydrometry": "nothing", "inec": "needs", "ign-basemap": "nothing",
        "flood-extent": "nothing",
        "dem": "needs", "sentinel-2": "needs", "sentinel-1": "needs", "filosofi-200m": "needs",
        "lcz-cerema": "fetched",
    }  # fmt: skip
    assert all(f.told and f.told["fr"] and f.told["en"] for f in seen.values() if not f.files)
    again = {f.dataset: f.state for f in fetching.fetch(REDON, store)}
    assert again["catnat"] == again["lcz-cerema"] == "here"


def test_the_command_fetches_a_commune(server, store, monkeypatch, capsys):
    from eo_helpers import cli

    monkeypatch.delenv("EARTHDATA_TOKEN", raising=False)
    server.routes["/communes"] = js([row()])
    server.routes["/communes/35236"] = js(row())
    server.routes["/gaspar/catnat"] = js({"data": [decree(1, "01/01/2000")], "total_pages": 1})
    with pytest.raises(SystemExit) as left:
        cli.main(["data", "fetch", "Redon", "--dataset", "catnat", "--dataset", "vnp46a3"])
    out = capsys.readouterr()
    assert left.value.code == 0 and "Redon (35236)" in out.err
    catnat, lights = out.out.splitlines()
    assert "téléchargé" in catnat and "lu le" in catnat
    assert lights.startswith("lighting") and "EARTHDATA_TOKEN" in lights


def test_offline_no_provider_asks_anyone(monkeypatch, tmp_path):
    """With the network closed, no provider resolves a name or opens a connection."""
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path))
    monkeypatch.setenv(net.OFFLINE, "1")
    monkeypatch.setenv("EARTHDATA_TOKEN", "topsecret")
    for service in SERVICES:
        monkeypatch.setenv(f"EO_HELPERS_URL_{service}", f"https://{service.lower()}.example/x")
    tried: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *a: tried.append(a))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: tried.append(a))
    from eo_helpers.lighting.provider import provider as lights

    asked = [*providers(), lights("2024-01")]
    seen = fetching.fetch(REDON, Store(), asked=asked)
    assert len(seen) == len(asked) and not any(f.files for f in seen)
    # Sentinel-1 lacks a library before it lacks a network.
    assert all("hors ligne" in f.told["fr"] for f in seen if f.dataset != "sentinel-1")
    with pytest.raises((Offline, NoData)):
        sentinel1.fetch_pair(REDON, Store(), "2024-01-01/2024-02-01", sign=lambda u: u)
    with pytest.raises(NoData):
        fetching.commune_of("Redon")
    assert tried == []


def test_every_provider_is_of_the_catalog():
    assert {p.dataset for p in providers()} <= set(catalog.datasets())
    assert len({p.name for p in providers()}) == len(providers())
