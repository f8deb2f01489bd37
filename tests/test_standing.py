"""How the data of a commune stand: told without asking anybody, whatever was killed before."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time

import pytest
import shapely

from eo_helpers.app.everywhere import Everywhere
from eo_helpers.app.standing import standing_html, waiting_for
from eo_helpers.catalog import net
from eo_helpers.catalog.online.provider import Provider
from eo_helpers.catalog.standing import standing, underway
from eo_helpers.catalog.store import Kept, Store, now
from eo_helpers.errors import NoData, Refused, Unreachable
from eo_helpers.territory.commune import Commune

REDON = Commune("35236", "Redon", "35", shapely.box(-2.11, 47.63, -2.05, 47.68))
AWAY = Commune("33063", "Bordeaux", "33", shapely.box(-0.64, 44.81, -0.53, 44.92))
NEED = {"fr": "un compte", "en": "an account"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(net.OFFLINE, "1")  # nobody is asked


def provider(dataset="dem", **other) -> Provider:
    return Provider("x", dataset, ("flood",), lambda *_: [], **other)


def state(commune=REDON, **other):
    (row,) = standing(commune, [provider(**other)])
    return row


def test_what_is_here_what_comes_and_what_needs_somebody(tmp_path):
    assert state().state == "coming"
    asked = state(by_itself=False)
    assert asked.state == "ask" and "35236" in asked.told["fr"]
    needs = state(missing=lambda: NEED)
    assert needs.state == "needs" and needs.told == NEED
    (tmp_path / "a.tif").write_bytes(b"x")
    kept = Kept("k", "dem", "a.tif", "", 0, "", "", "", now(), box=REDON.bounds)
    Store().keep(tmp_path / "a.tif", kept)
    assert state().state == "here" and state().read_at == kept.read_at
    assert state(AWAY).state == "coming"  # the copy is of another place


@pytest.mark.parametrize(
    ("error", "known"),
    [(NoData("rien ici", "nothing"), "nothing"), (Unreachable("absent", "away"), "unreachable"),
     (Refused("compte", "account"), "needs")],
)  # fmt: skip
def test_what_came_of_the_last_try_is_told(error, known):
    with pytest.raises(type(error)), underway("dem", "35236"):
        raise error
    assert (state().state, state().told["fr"]) == (known, error.fr)
    with underway("dem", "35236"):
        pass
    assert state().state == "coming"


def _fetching(ready) -> None:
    with underway("dem", "35236") as tell:
        time.sleep(0.6)
        tell("x", 0.4)
        ready.set()
        time.sleep(60)


def test_what_another_process_fetches_is_told_until_it_dies():
    ready = multiprocessing.Event()
    other = multiprocessing.Process(target=_fetching, args=(ready,))
    other.start()
    assert ready.wait(30)
    assert (state().state, state().part) == ("fetching", 0.4)
    with underway("dem", "35236"):  # two themes want the same: neither waits for the other
        assert state().state == "fetching"
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    assert state().state == "coming"


def test_the_words_of_the_page():
    rows = [
        {"title": "Sol <b>", "themes": ["flood"], "state": "fetching", "words": "en cours",
         "part": 0.42, "read_at": "", "told": ""},
        {"title": "Lumières", "themes": ["lighting"], "state": "needs", "words": "demande",
         "part": 0.0, "read_at": "", "told": "il faut un compte"},
    ]  # fmt: skip
    assert waiting_for(rows, "flood", "fr").replace("\u00a0", " ") == (
        "Téléchargement : Sol <b>… (42 %)"
    )
    assert waiting_for(rows, "lighting", "fr") == "" and standing_html([], {}, "fr") == ""
    told = standing_html(rows, {"flood": "Inondation", "lighting": "Éclairage"}, "fr")
    assert "1 en téléchargement" in told and "1 demande une action" in told
    assert "Sol &lt;b&gt;" in told and "il faut un compte" in told
    assert told.index("Inondation") < told.index("Éclairage")
    assert "1 being fetched, 1 needs you" in standing_html(rows, {"flood": "Flood"}, "en")


class Listed:
    """Real communes, as the answers of the online source would give them."""

    def __init__(self) -> None:
        self.ready = False

    @property
    def index(self):
        if not self.ready:
            raise NoData("pas de réseau", "no network")
        return [REDON]

    def search(self, query, limit, lang):
        return json.dumps([{"insee": "35236", "name": "Redon", "label": "35"}]).encode()

    def __getattr__(self, name):
        return lambda *asked, **named: json.dumps([name, *asked, *named.values()]).encode()


def test_real_communes_come_beside_the_demonstration(demo_dir, monkeypatch):
    monkeypatch.delenv("EO_HELPERS_CACHE")  # the demonstration that is built already
    answers = Everywhere()
    answers.real = Listed()
    about = json.loads(answers.about())
    assert about["demonstration"] and about["online"] and len(about["examples"]) > 3
    assert json.loads(answers.search("saint-aubin"))[0]["insee"] == "99001"
    with pytest.raises(NoData, match="réseau"):
        answers.search("zzzzzz")
    answers.real.ready = True
    answers._asked = -1e9
    answers.search("saint-aubin")
    assert answers._listed.wait(10)
    found = [row["insee"] for row in json.loads(answers.search("saint-aubin"))]
    assert found[:2] == ["35236", "99001"]
    # Each commune is asked of the source that has it.
    assert json.loads(answers.commune("35236")) == ["commune", "35236", "fr"]
    assert json.loads(answers.commune("99001"))["demonstration"]
    assert json.loads(answers.bundle("lcz", "35236"))[:3] == ["bundle", "lcz", "35236"]
    assert json.loads(answers.export("35236", ending="csv"))[0] == "export"
    assert json.loads(answers.standing("99001")) == []
