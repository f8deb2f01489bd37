"""A page of real communes: what is there, what is on its way, what needs somebody."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import pytest
from local_server import Answer, LocalServer

pytestmark = pytest.mark.browser

SERVICES = ("GEO", "DATAGOUV", "GEORISQUES", "HUBEAU", "IGN", "EMS", "STAC_EARTHSEARCH",
            "STAC_PLANETARY")  # fmt: skip


def communes() -> bytes:
    """As many communes as France has, squares in rows; one of them is Redon."""
    rows = []
    for k in range(30_100):
        x, y = -4 + 0.05 * (k % 200), 43 + 0.05 * (k // 200)
        ring = [[x, y], [x + 0.04, y], [x + 0.04, y + 0.04], [x, y + 0.04], [x, y]]
        about = {"code": f"{k + 40_000:05d}", "nom": f"Lieu {k}", "departement": "35"}
        if k == 20_037:
            about = {"code": "35236", "nom": "Redon", "departement": "35"}
        rows.append({"type": "Feature", "properties": {**about, "epci": "1"},
                     "geometry": {"type": "Polygon", "coordinates": [ring]}})  # fmt: skip
    return gzip.compress(json.dumps({"type": "FeatureCollection", "features": rows}).encode(), 1)


@pytest.fixture(scope="module")
def online(serving, tmp_path_factory):
    providers = LocalServer()
    year = dt.datetime.now(tz=dt.UTC).year
    providers.routes[f"/c/{year}/geojson/communes-50m.geojson.gz"] = Answer(communes())
    decree = {"code_national_catnat": "I1", "date_debut_evt": "01/02/2014",
              "date_fin_evt": "02/02/2014", "date_publication_arrete": "01/03/2014",
              "libelle_risque_jo": "Inondations", "code_insee": "35236",
              "libelle_commune": "REDON"}  # fmt: skip
    answer = json.dumps({"data": [decree], "total_pages": 1}).encode()
    providers.routes["/gaspar/catnat"] = Answer(answer, drip=0.4, piece=60)
    providers.routes["/public-activations-info/"] = Answer(b'{"results": [], "next": null}')
    providers.routes["/referentiel/stations"] = Answer(b'{"data": [], "next": null}')
    providers.routes["/search"] = Answer(b'{"features": []}')
    environment = {f"EO_HELPERS_URL_{name}": providers.url for name in SERVICES}
    environment |= {"EO_HELPERS_URL_ETALAB": f"{providers.url}/c", "EARTHDATA_TOKEN": "",
                    "EO_HELPERS_CACHE": str(tmp_path_factory.mktemp("cache"))}  # fmt: skip
    with serving(environment, "--source", "online") as url:
        yield url
    providers.close()


def test_the_page_says_how_the_data_of_a_commune_stand(visit, online):
    visitor = visit(online)
    visitor.open()
    visitor.type("redon")
    assert visitor.options()[0].startswith("Redon")
    visitor.page.keyboard.press("Enter")
    flood = visitor.panel("Inondation")
    # While it waits, the theme says for what.
    flood.get_by_text("Téléchargement", exact=False).wait_for(timeout=30_000)
    visitor.wait_answer("Redon")
    assert "1 arrêté" in flood.inner_text()
    told = visitor.page.locator(".eo-standing")
    told.get_by_text("1 là", exact=False).first.wait_for()
    told.locator("summary").click()
    words = told.inner_text()
    assert "Arrêtés de catastrophe naturelle (Géorisques) — là, lu le" in words
    assert "EARTHDATA_TOKEN" in words and "compte Earthdata" in words
    assert "Copernicus EMS n'a pas cartographié de crue à Redon" in words
    assert set(visitor.asked) <= {"data.geopf.fr"}
