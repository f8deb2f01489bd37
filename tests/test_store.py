"""The store of copies: whole after any kill, shared by processes, small on purpose."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from local_server import Answer, LocalServer

from benchmarks import kills
from eo_helpers.catalog.download import download
from eo_helpers.catalog.store import Kept, Store, now
from eo_helpers.errors import InvalidInput, Unreachable

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def server():
    made = LocalServer()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def kept(name="a.bin", key="k", **other) -> Kept:
    fields = {"key": key, "dataset": "dem", "name": name, "sha256": "", "size": 0, "url": "",
              "edition": "2022", "licence": "Licence Ouverte 2.0", "read_at": now()}  # fmt: skip
    return Kept(**{**fields, **other})


def writes(content: bytes, **about):
    def make(folder):
        made = kept(**about)
        (folder / made.name).write_bytes(content)
        return made

    return make


def test_a_copy_lies_under_its_checksum_and_says_what_it_is(store):
    made = store.bring("k", writes(b"abc", read_at="2024-05-01T10:00:00Z"))
    assert made.sha256 == hashlib.sha256(b"abc").hexdigest() and made.size == 3
    path = store.path(made)
    assert path.read_bytes() == b"abc" and made.sha256 in path.parts
    assert path.stat().st_mtime == 1714557600  # what a Finding shows as the day of reading
    assert store.get("k") == made and store.all() == [made]
    assert not list((store.folder / "parts").iterdir())


def test_the_provider_is_asked_once(store):
    store.bring("k", writes(b"abc"))
    store.bring("k", lambda folder: pytest.fail("asked again"))


def test_an_old_copy_is_renewed_or_serves_when_the_provider_is_away(store):
    old = "2020-01-01T00:00:00Z"
    store.bring("k", writes(b"abc", read_at=old))

    def away(folder):
        raise Unreachable("absent", "away")

    assert store.bring("k", away, fresh_days=10).read_at == old
    same = store.bring("k", away, fresh_days=10, changed=lambda kept: False)
    assert same.age_days < 1 and store.path(same).read_bytes() == b"abc"
    store.bring("k", writes(b"abc", read_at=old), fresh_days=-1)
    new = store.bring("k", writes(b"new"), fresh_days=10)
    assert store.path(new).read_bytes() == b"new"
    assert len(list((store.folder / "objects").glob("*/*"))) == 1  # the old one is gone
    with pytest.raises(Unreachable):
        store.bring("other", away)


def test_damage_is_found_and_what_is_damaged_is_fetched_again(store):
    whole = store.bring("k", writes(b"abc"))
    store.bring("l", writes(b"xyz", name="b.bin"))
    path = store.path(whole)
    path.write_bytes(b"abX")
    (store.folder / "refs" / "0.json").write_text("{")
    (store.folder / "objects" / "ff" / ("f" * 64)).mkdir(parents=True)
    told = store.check()
    assert [r.fr.split(" :")[0] for r in told] == ["référence illisible", "abîmé", "copie sans nom"]
    assert store.get("k") is None and not path.exists()
    assert [k.name for k in store.all()] == ["b.bin"]
    store.bring("k", writes(b"abc"))
    assert store.check() == []
    path.unlink()
    assert store.get("k") is None  # even before any check


def test_the_least_recently_used_goes_first_and_it_is_explained(store, monkeypatch):
    for i, name in enumerate("abcd"):
        made = store.bring(name, writes(name.encode() * 100, name=name))
        os.utime(store._ref(name), (1e9 + i, 1e9 + i))
        assert made
    assert store.get("a")  # used just now
    told = store.prune(limit=250)
    assert [r.name for r in told] == ["b", "c"] and "2001-09-09" in told[0].fr
    assert [k.name for k in store.all()] == ["a", "d"]
    monkeypatch.setenv("EO_HELPERS_CACHE_GB", "0,0000001")
    store.bring("e", writes(b"e" * 500, name="e"))  # larger than all, but just asked for
    assert [k.name for k in store.all()] == ["e"]
    monkeypatch.setenv("EO_HELPERS_CACHE_GB", "beaucoup")
    with pytest.raises(InvalidInput, match="gigaoctets"):
        store.prune()


def test_two_names_of_the_same_bytes_do_not_pull_each_other_down(store):
    one = store.bring("one", writes(b"same"))
    os.utime(store._ref("one"), (1e9, 1e9))
    store.bring("two", writes(b"same"))
    store.bring("three", writes(b"other", name="o"))
    store.prune(limit=8)
    left = {k.key for k in store.all()}
    assert left and all(store.path(k).exists() for k in store.all())
    assert one.key not in left


_FETCH = """
import sys
from pathlib import Path
from eo_helpers.catalog.download import download
from eo_helpers.catalog.net import Policy
from eo_helpers.catalog.store import Kept, Store, now

def fetch(url, store, fresh=None):
    def make(folder):
        download(url, folder / "f.bin", "Le service", policy=Policy(first_wait=0.01))
        return Kept("", "dem", "f.bin", "", 0, url, "e", "l", now())
    return store.bring("k", make, fresh_days=fresh)
"""


_TEN = (
    _FETCH
    + """
import os
for _ in range(10):
    if os.fork() == 0:
        made = fetch(sys.argv[1], Store(Path(sys.argv[2])))
        os.write(1, (made.sha256 + "\\n").encode())
        os._exit(0)
for _ in range(10):
    assert os.wait()[1] == 0
"""
)


def test_ten_processes_fetch_once(server, store):
    content = random.Random(1).randbytes(100_000)
    server.routes["/f.bin"] = Answer(content, drip=0.02, piece=10_000)
    out = subprocess.run(
        [sys.executable, "-c", _TEN, f"{server.url}/f.bin", str(store.folder)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert out.stdout.split() == [hashlib.sha256(content).hexdigest()] * 10
    assert server.count("/f.bin") == 1


def test_after_two_hundred_kills_the_store_is_whole_and_the_run_ends_the_same(tmp_path):
    server, known = kills.provider()
    seen = kills.apart("fetch", tmp_path, 200, 5, f"{server.url}/f.bin")
    server.close()
    assert seen["killed"] == 200
    assert set(seen["states"]) <= known | {"none"}
    assert seen["last"] in known
    assert seen["parts"] == [] and seen["damaged"] == [] and seen["objects"] == 1
    assert any(a.range for a in server.asked)  # what a kill left was gone on with


def test_a_read_only_store_still_serves(store, monkeypatch):
    store.bring("k", writes(b"abc"))

    def refuse(*args, **options):
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert store.get("k")


def test_no_secret_is_in_a_reference(server, store):
    server.routes["/f.bin"] = Answer(b"abc")

    def make(folder):
        got = download(f"{server.url}/f.bin?sig=topsecret", folder / "f.bin", "Le service")
        return replace(kept(name="f.bin"), etag=got.etag, url=f"{server.url}/f.bin")

    store.bring("k", make)
    for path in store.folder.rglob("*"):
        assert not path.is_file() or b"topsecret" not in path.read_bytes()


def test_the_commands_check_prune_and_list(tmp_path, monkeypatch, capsys):
    from eo_helpers import cli

    def run(*args) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(list(args))
        return int(left.value.code or 0), capsys.readouterr().out

    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path))
    store = Store()
    made = store.bring("k", writes(b"abc", url="https://example.org/a.bin"))
    listed = json.loads(run("data", "list", "--cache", "--json")[1])
    assert listed[0]["sha256"] == made.sha256 and listed[0]["licence"] == "Licence Ouverte 2.0"
    assert "https://example.org/a.bin" in run("data", "list", "--cache")[1]
    assert run("data", "check") == (0, "")
    store.path(made).write_bytes(b"abX")
    code, told = run("data", "check")
    assert code == 2 and "a.bin : abîmé" in told
    store.bring("k", writes(b"abc"))
    told = json.loads(run("data", "prune", "--keep-gb", "0", "--json")[1])
    assert [r["name"] for r in told] == ["a.bin"] and store.all() == []
