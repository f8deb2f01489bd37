"""The service behind the page: what it answers, what it refuses, what it survives."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from eo_helpers.app.answers import Answers, dumps, failure, moved_controls, place
from eo_helpers.app.client import LocalClient, ServiceClient, ServiceError
from eo_helpers.app.framing import center_zoom, latitude, mercator
from eo_helpers.app.kept import cached, keep
from eo_helpers.app.marks import marks
from eo_helpers.app.service import Service
from eo_helpers.app.workers import Pool
from eo_helpers.errors import EoError, InvalidInput, UnknownCommune
from eo_helpers.territory.departements import DEPARTEMENTS


@pytest.fixture
def folder(tmp_path):
    """Two towns of one name, and a map of climate zones that is about one of them."""
    squares = [shapely.box(2.3, 48.9, 2.4, 48.96), shapely.box(55.4, -20.95, 55.5, -20.85)]
    geopandas.GeoDataFrame(
        {
            "insee": ["93066", "97411"],
            "name": ["Saint-Denis", "Saint-Denis"],
            "departement": ["93", "974"],
            "population": [113_116, 153_810],
        },
        geometry=squares,
        crs="EPSG:4326",
    ).to_file(tmp_path / "communes.gpkg")
    return tmp_path


@pytest.fixture
def answers(folder, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(folder / "cache"))
    data = folder / "data"
    data.mkdir()
    (folder / "communes.gpkg").rename(data / "communes.gpkg")
    return Answers("files", [data])


def test_homonyms_are_told_apart(answers):
    found = json.loads(answers.search("saint denis"))
    assert [(m["insee"], m["label"]) for m in found] == [
        ("97411", "La Réunion (974), 154\u202f000\u00a0hab."),
        ("93066", "Seine-Saint-Denis (93), 113\u202f000\u00a0hab."),
    ]
    assert place("2A", None) == "Corse-du-Sud (2A)"
    assert place("99", float("nan")) == "99"
    # A fictional island is not in Guadeloupe.
    assert place("971", 1_000, fictional=True).startswith("Territoire fictif, ")
    assert len(DEPARTEMENTS) == 96 + 8


def test_examples_are_communes_that_the_source_is_about(answers, shared_data):
    about = json.loads(answers.about())
    assert [m["insee"] for m in about["examples"]] == ["97411", "93066"]
    real = json.loads(Answers("files", [shared_data]).about())
    names = [m["name"] for m in real["examples"]]
    assert "Redon" in names and len(names) <= 6


def test_a_commune_without_data_gets_a_calm_answer_for_every_theme(answers):
    for theme in json.loads(answers.about())["themes"]:
        shown = json.loads(answers.bundle(theme["name"], "93066"))
        assert shown["status"] == "no_data", theme
        assert shown["remedy"] and shown["headline"].endswith(".")
        assert shown["layers"] == [] and shown["figures"] == ""


def test_answers_are_kept_and_change_with_the_data(answers, tmp_path):
    first = answers.bundle_key("lcz", "93066")
    assert answers.bundle_key("lcz", "97411") != first
    kept = answers.bundle("lcz", "93066")
    assert answers.bundle("lcz", "93066") == kept
    assert len(list((tmp_path / "cache" / "answers").glob("*.json"))) == 1
    assert not list((tmp_path / "cache" / "answers").glob("*.part"))


def test_what_a_session_is_told_of_an_error():
    known = failure(UnknownCommune("Inconnue.", "Unknown.", ("Redon",)))
    assert known == {
        "kind": "UnknownCommune",
        "fr": "Inconnue.",
        "en": "Unknown.",
        "suggestions": ["Redon"],
    }
    hidden = failure(RuntimeError("/home/secret/path"))
    assert "secret" not in json.dumps(hidden) and "réessayez" in hidden["fr"]
    with pytest.raises(ValueError):
        dumps({"value": float("nan")})


# -- over the socket ------------------------------------------------------------------------


class Sure:
    """Answers of one kind, importable by the processes of the pool."""

    def methods(self):
        return {"about": lambda: b"{}", "search": self.search, "bundle": self.bundle}

    def search(self, query, limit=8):
        raise InvalidInput(f"Non : {query}.", "No.")

    def bundle_key(self, theme, insee, lang="fr"):
        return f"{theme}-{insee}-{os.getpid()}-{threading.get_ident()}"

    def bundle(self, theme, insee, lang="fr"):
        if theme == "lcz":
            os._exit(3)
        if theme == "slow":
            threading.Event().wait(0.3)
        if theme == "flood":
            threading.Event().wait(60)
        return dumps({"pid": os.getpid(), "insee": insee})


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    made = Service(Sure, tmp_path / "service.json", processes=1, timeout=4.0)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    made.publish()
    yield ServiceClient(tmp_path / "service.json")
    made.close()


class Ready(Sure):
    """Answers that are kept, of two example communes."""

    def about(self):
        themes = [{"name": "lighting"}]
        return dumps({"examples": [{"insee": "1"}, {"insee": "2"}], "themes": themes})

    def bundle_key(self, theme, insee, lang="fr"):
        return f"{theme}-{insee}-{lang}"

    def bundle(self, theme, insee, lang="fr"):
        answer = super().bundle(theme, insee, lang)
        keep(self.bundle_key(theme, insee, lang), answer)
        return answer


def test_answers_of_the_examples_are_prepared_while_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    made = Service(Ready, tmp_path / "service.json", processes=1)
    try:
        made.prepare()
        for insee in ("1", "2"):
            assert json.loads(cached(f"lighting-{insee}-fr"))["insee"] == insee
        assert made.pool.idle
    finally:
        made.close()


def ask(client, method, **params):
    # In a thread: Playwright, where its tests ran before, keeps a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(client.call(method, **params))).result()


def test_errors_cross_the_socket_as_sentences(service, tmp_path):
    assert ask(service, "about") == {}
    with pytest.raises(ServiceError, match="Non : xyz") as caught:
        ask(service, "search", query="xyz")
    assert caught.value.kind == "InvalidInput" and caught.value.en == "No."
    with pytest.raises(ServiceError, match="n'est pas comprise"):
        ask(service, "bundle", theme={"a": 1}, insee="1")
    with pytest.raises(ServiceError, match="n'est pas comprise"):
        ask(service, "methods")
    if os.name == "posix":
        assert (tmp_path / "service.json").stat().st_mode & 0o077 == 0


def test_a_crash_and_an_endless_analysis_cost_their_own_answer_only(service):
    with pytest.raises(ServiceError, match="arrêtée brusquement"):
        ask(service, "bundle", theme="lcz", insee="1")
    with pytest.raises(ServiceError, match="trop de temps"):
        ask(service, "bundle", theme="flood", insee="1")
    assert ask(service, "bundle", theme="lighting", insee="1")["insee"] == "1"


def test_a_stranger_without_the_key_is_refused(service, tmp_path):
    about = json.loads((tmp_path / "service.json").read_text())
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps({**about, "key": "00" * 32}))
    with pytest.raises(ServiceError, match="ne répond pas"):
        ask(ServiceClient(forged), "about")
    assert ask(service, "about") == {}


def test_without_a_service_the_notebook_answers_by_itself():
    with pytest.raises(ServiceError, match="Non : a"):
        ask(LocalClient(Sure()), "search", query="a")
    with pytest.raises(ServiceError, match="ne répond pas"):
        ask(ServiceClient(Path("absent.json")), "about")


def test_two_sessions_with_one_question_wait_for_one_job():
    pool = Pool(Sure, size=0)
    question = {"method": "bundle", "params": {}}
    first, second = pool.join("key", question), pool.join("key", question)
    assert first is second and len(pool._queue) == 1
    pool.leave("key", first)
    assert len(pool._queue) == 1
    pool.leave("key", first)
    assert len(pool._queue) == 0
    pool.close()


def test_a_slider_finds_the_process_that_has_read_the_data():
    pool = Pool(Sure, size=2)

    def pids(number, *places):
        jobs = []
        for insee in places:
            params = {"theme": "slow", "insee": insee}
            jobs.append(pool.join(f"{insee}-{number}", {"method": "bundle", "params": params}))
        assert all(job.done.wait(30) for job in jobs)
        return [json.loads(job.reply)["result"]["pid"] for job in jobs]

    try:
        first = pids(0, "1", "2")  # at once: both processes work
        assert len(set(first)) == 2
        for number in range(1, 4):
            assert [*pids(f"a{number}", "2"), *pids(f"b{number}", "1")] == first[::-1]
    finally:
        pool.close()


@pytest.mark.parametrize(
    "text", ['{"a b": 1}', "[1]", '{"a": [1]}', '{"a": true}', '{"a": NaN}', "{", '{"a": null}']
)
def test_settings_that_are_no_plain_values_are_refused(text):
    with pytest.raises(InvalidInput, match="réglages"):
        moved_controls(text)
    assert moved_controls('{"rise": 1, "method": "topsis"}') == {"rise": 1.0, "method": "topsis"}
    assert moved_controls("") == {}


def test_a_theme_takes_its_own_controls_only(answers):
    with pytest.raises(InvalidInput, match="n'a pas de réglage « broken »"):
        answers.bundle("lighting", "99001", settings='{"broken": "gap"}')


# -- starting and drawing ----------------------------------------------------------------------


def test_a_session_loads_no_geospatial_library():
    code = (
        "import sys, eo_helpers.app.shell; "
        "print([m for m in ('geopandas','rasterio','shapely','matplotlib','xarray','pandas') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("culprit", ["absent", "file"])
def test_serve_refuses_data_that_cannot_be_opened(tmp_path, culprit):
    where = tmp_path / "nothing"
    if culprit == "file":
        where.write_text("not a data set")
    command = [sys.executable, "-m", "eo_helpers.cli", "serve", "--no-browser", "--port", "0"]
    done = subprocess.run(
        [*command, "--data", str(where)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "nothing" in done.stderr


def test_maps_are_framed_on_the_commune():
    bounds = [[47.6, -2.12], [47.68, -2.04]]
    (lat, lon), zoom = center_zoom(bounds, 430, 320)
    assert 47.6 < lat < 47.68 and lon == pytest.approx(-2.08)
    scale = 256 * 2**zoom
    assert scale * (2.12 - 2.04) / 360 <= 430
    high = scale * (mercator(47.68) - mercator(47.6))
    assert 320 * 0.6 < high <= 320
    assert latitude(mercator(-20.9)) == pytest.approx(-20.9)


def test_marks_stand_on_their_blocks():
    labels = [[47.60, -2.12, "A"], [47.68, -2.04, "<2>"], [47.64, -2.08, "6"]]
    url, ((south, west), (north, east)) = marks(labels)
    kind, data = url.split(",")
    assert kind == "data:image/svg+xml;base64"
    texts = ElementTree.fromstring(base64.b64decode(data)).findall(
        "{http://www.w3.org/2000/svg}text"
    )
    assert [t.text for t in texts] == ["A", "<2>", "6"]
    for (lat, lon, _), text in zip(labels, texts, strict=True):
        x, y = (float(text.get(name).rstrip("%")) / 100 for name in ("x", "y"))
        assert west + x * (east - west) == pytest.approx(lon, abs=1e-5)
        top, bottom = mercator(north), mercator(south)
        assert latitude(top - y * (top - bottom)) == pytest.approx(lat, abs=1e-5)
    assert marks([]) is None
    assert marks([[48.0, 2.0, "A"]]) is not None  # one mark has no extent of its own


def test_the_port_and_the_host(monkeypatch):
    import socket

    from eo_helpers.app.serve import _free_port

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _free_port("127.0.0.1", port) > port
    with pytest.raises(EoError, match="Impossible d'écouter"):
        _free_port("192.0.2.1", 8866)


def test_each_theme_has_a_dashboard_with_its_notebook_and_picture():
    import nbformat

    from eo_helpers.app.boards import BOARDS
    from eo_helpers.app.serve import dashboards_folder
    from eo_helpers.findings import THEMES

    assert [board.theme for board in BOARDS] == ["", *THEMES.names]
    for board in BOARDS:
        notebook = nbformat.read(dashboards_folder() / f"{board.name}.ipynb", as_version=4)
        assert notebook.metadata.title == board.title
        opened = f'un_theme("{board.theme}")' if board.theme else "ma_commune()"
        assert notebook.cells[-1].source == opened
        picture = dashboards_folder().parent / f"eo_helpers/app/pictures/{board.name}.webp"
        assert 1_000 < picture.stat().st_size < 60_000


def test_a_page_made_in_advance_holds_every_language():
    from eo_helpers.app.words import both, translator

    assert str(both("Aller au contenu")) == (
        '<span class="eo-both" lang="fr">Aller au contenu</span>'
        '<span class="eo-both" lang="en">Skip to content</span>'
    )
    assert translator("fr")("Carte :") == "Carte\u00a0:"


def test_heavy_maps_wait_until_they_are_chosen(demo_source):
    answers = Answers("demo")
    told = json.loads(answers.bundle("desealing", "99003"))
    later = [layer["name"] for layer in told["layers"] if layer.get("later")]
    assert later and len(dumps(told)) < 400_000
    first = next(layer for layer in told["layers"] if layer["shown"])
    assert "geojson" in first and not first.get("later")
    for name in later:
        announced = next(layer for layer in told["layers"] if layer["name"] == name)
        assert announced["legend"] and announced["alt"]  # a screen reader is told at once
        whole = json.loads(answers.layer("desealing", "99003", name))
        assert {**announced, "later": False} == {
            **{key: whole[key] for key in announced if key != "later"},
            "later": False,
        }
        assert whole.get("geojson") or whole.get("png")
    cached_name = answers.layer_key("desealing", "99003", later[0])
    assert json.loads(cached(cached_name))["name"] == later[0]
    for stranger in ("moon", "../../secret", ""):
        with pytest.raises(InvalidInput, match="n'a pas de carte"):
            answers.layer("desealing", "99003", stranger)


def test_the_drawn_ground_has_no_black_corners(demo_source):
    from PIL import Image

    ground = json.loads(Answers("demo").commune("99004"))["ground"]
    assert len(ground["png"]) < 400_000  # every session is sent it
    picture = Image.open(io.BytesIO(base64.b64decode(ground["png"].split(",")[1])))
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0 and alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255
