"""What a visitor is told when something breaks, and what is kept: real processes, real files."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import geopandas
import pytest
import shapely

from eo_helpers.app.answers import Answers
from eo_helpers.app.client import ServiceClient, ServiceError
from eo_helpers.app.kept import cached, keep
from eo_helpers.app.service import Service

BOX = shapely.box(2.3, 48.9, 2.34, 48.93)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """One commune and one map of climate zones over it."""
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    geopandas.GeoDataFrame(
        {"insee": ["93066"], "name": ["Saint-Denis"], "departement": ["93"], "population": [9]},
        geometry=[BOX],
        crs="EPSG:4326",
    ).to_file(folder / "communes.gpkg")
    rates = {"bur": 30.0, "ror": 30.0, "bsr": 10.0, "war": 0.0, "ver": 30.0}
    blocks = [shapely.box(2.3 + 0.01 * n, 48.9, 2.31 + 0.01 * n, 48.93) for n in range(4)]
    geopandas.GeoDataFrame(
        [
            {"identifier": str(n), "hre": 9.0, "are": 120.0, "vhr": 10.0, "lcz": "3", "lcz_int": 3}
            | rates
            for n in range(4)
        ],
        geometry=blocks,
        crs="EPSG:4326",
    ).to_crs(2154).to_file(folder / "lcz.gpkg")
    return folder


def ask(client, method, **params):
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(client.call(method, **params))).result()


def test_a_file_cut_short_under_a_running_server(data, tmp_path):
    service = Service(partial(Answers, "files", [data]), tmp_path / "service.json", processes=1)
    threading.Thread(target=service.serve, daemon=True).start()
    service.publish()
    client = ServiceClient(tmp_path / "service.json")
    try:
        whole = (data / "lcz.gpkg").read_bytes()
        kept = ask(client, "bundle", theme="flood", insee="93066")
        with (data / "lcz.gpkg").open("r+b") as file:
            file.truncate(len(whole) // 3)
        with pytest.raises(ServiceError) as caught:
            ask(client, "bundle", theme="lcz", insee="93066")
        assert caught.value.kind in ("InvalidInput", "EoError"), caught.value
        assert "lcz.gpkg" in caught.value.fr or "arrêtée brusquement" in caught.value.fr
        assert str(data) not in caught.value.fr
        # Everybody else's questions are answered.
        assert ask(client, "search", query="saint")[0]["insee"] == "93066"
        assert ask(client, "bundle", theme="flood", insee="93066") == kept
        (data / "lcz.gpkg").write_bytes(whole)
        again = ask(client, "bundle", theme="lcz", insee="93066", lang="en")
        assert again["status"] != "no_data"
    finally:
        service.close()
    # A server that is gone is told as such, in a sentence.
    with pytest.raises(ServiceError, match="ne répond pas"):
        ask(client, "about")


FULL = """
import json, resource, sys
from pathlib import Path
from eo_helpers.app.answers import Answers
from eo_helpers.errors import EoError
answers = Answers("files", [Path(sys.argv[1])])
answers.index, answers.source.fingerprint()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as on a full disk, no file can grow
shown = json.loads(answers.bundle("lcz", "93066"))
print(shown["status"], bool(shown["headline"]))
try:
    answers.export("93066", "csv", theme="lcz")
except EoError as error:
    print(error.fr)
"""


def test_a_full_disk_costs_speed_and_files_to_take_away(data, tmp_path):
    pytest.importorskip("resource", reason="this system has no limit on the size of files")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(data)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.splitlines()[-2:]
    assert first.endswith("True") and not first.startswith("no_data")
    assert "le disque du serveur est plein ou protégé" in second
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_cache_that_cannot_be_written_costs_speed_only(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    place.write_text("a file where the folder should be")
    monkeypatch.setenv("EO_HELPERS_CACHE", str(place))
    keep("key", b"{}")
    assert cached("key") is None


@pytest.mark.parametrize("left", [b"", b'{"headline": "half', b"\0\0\0"])
def test_what_a_power_cut_left_in_the_cache_is_no_answer(left, tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path))
    keep("key", b"{}")
    assert cached("key") == b"{}"
    (tmp_path / "answers" / "key.json").write_bytes(left)
    assert cached("key") is None


def test_a_clock_that_jumps_does_not_end_a_visit(monkeypatch):
    """Sessions are timed by a clock that never goes back or forward by itself."""
    import time

    from eo_helpers.app import _kernels

    kernels = _kernels.Kernels()
    kernels._alone = {"a": time.monotonic()}
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert kernels.abandoned(time.monotonic()) == []
    assert kernels.abandoned(time.monotonic() + _kernels.NEVER_CLAIMED + 1) == ["a"]


def test_the_service_is_asked_again_after_a_restart(tmp_path):
    """The address file changes with the service: the next question finds the new one."""
    about = Path(tmp_path / "service.json")
    about.write_text(json.dumps({"address": "/nowhere", "family": "AF_UNIX", "key": "00"}))
    client = ServiceClient(about)
    with pytest.raises(ServiceError, match="ne répond pas"):
        ask(client, "about")


def test_a_page_that_is_slow_to_come_keeps_its_session():
    """Many come at once: a page takes longer than a session waits for its visitor."""
    import time

    from eo_helpers.app import _kernels

    kernels = _kernels.Kernels()
    page: list[str] = []
    token = _kernels.PAGE.set(page)
    try:
        kernels.claim("a")
    finally:
        _kernels.PAGE.reset(token)
    late = time.monotonic() + _kernels.NEVER_CLAIMED + 1
    assert page == ["a"] and kernels.abandoned(late) == []
    kernels._kernels["a"] = None  # known to the manager
    kernels.sent(page)
    assert kernels.abandoned(late) == ["a"]
    kernels._kernels.clear()
