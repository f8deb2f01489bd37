"""Packs: the same bytes each time, whole after any kill, and nothing but data is opened."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import pystac
import pytest
import shapely
from stac_schemas import valid_stac

from benchmarks import kills
from eo_helpers import catalog
from eo_helpers.catalog import archive, packs
from eo_helpers.catalog.packing import write_pack
from eo_helpers.catalog.packs import last_opened, open_pack
from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.territory.commune import Commune

ROOT = Path(__file__).resolve().parent.parent
REDON = Commune("35236", "Redon", "35", shapely.box(-2.11, 47.63, -2.05, 47.68))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))


def table(**columns) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[REDON.boundary] * n, crs="EPSG:4326")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    table(code=["35236"], nom=["Redon"], epci=["243500741"]).to_parquet(folder / "communes.parquet")
    # Two files of one name, one of them a shapefile with its parts.
    table(LCZ_PRIMARY=[1, 2, 3]).to_file(folder / "a" / "l'été.shp")
    table(event_type=["x"], obj_desc=["y"], notation=["z"]).to_file(folder / "b" / "l'été.gpkg")
    away = table(event_type=["x"], obj_desc=["y"], notation=["z"])
    away.translate(10).to_frame("geometry").assign(event_type="x", obj_desc="y").to_file(
        folder / "b" / "away.gpkg"
    )
    (folder / "programme.py").write_text("print('never in a pack')")
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return catalog.open_source("files", [folder])


def test_a_pack_holds_what_meets_the_territory_and_opens_as_it_was(source, tmp_path):
    path = tmp_path / "redon.eopack"
    made = write_pack([REDON], source, path)
    assert made.datasets == {"communes": 1, "flood-extent": 1, "lcz-geoclimate": 1}
    assert "vnp46a3" in made.left_out
    names = archive.members(path)
    assert not any(n.endswith((".py", "away.gpkg")) for n in names)
    opened = open_pack(path)
    assert opened.title == "Redon" and "lcz-geoclimate" in opened.datasets
    place = catalog.open_source("files", [path])  # a pack is a folder like another
    assert catalog.communes(place).find("redon").epci == "243500741"
    for dataset in made.datasets:
        mine, theirs = catalog.find(dataset, REDON, source), catalog.find(dataset, REDON, place)
        assert theirs.provenance == mine.provenance  # read when the source read it, not today
        assert [p.name for p in theirs.paths] == [p.name for p in mine.paths]
    assert place.rejected == [] and last_opened() == opened
    assert not list(tmp_path.glob(".*"))


def test_its_catalog_is_stac_that_others_can_read(source, tmp_path):
    path = tmp_path / "redon.eopack"
    write_pack([REDON], source, path)
    with zipfile.ZipFile(path) as pack:
        pack.extractall(tmp_path / "plain")
        assert str(tmp_path) not in "".join(
            pack.read(n).decode() for n in pack.namelist() if n.endswith(".json")
        )
        for name in pack.namelist():
            if name.endswith(".json") and not name.startswith("data/"):
                valid_stac(json.loads(pack.read(name)))
    tree = pystac.Catalog.from_file(str(tmp_path / "plain" / "catalog.json"))
    items = list(tree.get_items(recursive=True))
    assert len(items) == 3
    for item in items:
        for asset in item.assets.values():
            there = Path(asset.get_absolute_href())
            assert there.is_file() and asset.extra_fields["file:size"] == there.stat().st_size
        licence = item.get_collection().extra_fields["eo_helpers:licence"]
        assert licence and item.properties["eo_helpers:read_at"] == "2023-11-14T22:13:20Z"
    shape = next(i for i in items if i.collection_id == "lcz-geoclimate")
    assert {"data", "dbf", "shx", "prj"} <= set(shape.assets)


def test_the_same_territory_gives_the_same_bytes(source, tmp_path):
    one, two = tmp_path / "1.eopack", tmp_path / "2.eopack"
    write_pack([REDON], source, one)
    write_pack([REDON], source, two)
    assert one.read_bytes() == two.read_bytes()


def test_a_territory_without_data_is_no_pack(source, tmp_path):
    away = Commune("33063", "Bordeaux", "33", shapely.box(-0.64, 44.81, -0.53, 44.92))
    with pytest.raises(NoData, match="Bordeaux"):
        write_pack([away], source, tmp_path / "x.eopack")
    assert list(tmp_path.glob("*.eopack")) == [] and not list(tmp_path.glob(".x*"))


def test_kills_while_packing_and_opening_leave_the_old_or_the_new(tmp_path):
    seen = kills.apart("pack", tmp_path, 60, 3)
    assert seen["killed"] == 60 and seen["same"]
    # Which of the two a kill meets depends on the machine's load; nothing else may be met.
    assert set(seen["states"]) <= {"opened", "not opened"}
    place = catalog.open_source("files", [Path(seen["folder"])])
    assert catalog.find("lcz-geoclimate", REDON, place).items and place.rejected == []


# --- What is not opened -----------------------------------------------------------------------


def rewritten(source, tmp_path, change) -> Path:
    """A good pack, changed: ``change`` gets its entries and returns others."""
    good = tmp_path / "good.eopack"
    write_pack([REDON], source, good)
    with zipfile.ZipFile(good) as pack:
        entries = {n: pack.read(n) for n in pack.namelist()}
    bad = tmp_path / "bad.eopack"
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as out:
        for name, raw in change(entries).items():
            out.writestr(name, raw)
    return bad


def refused(path, match):
    with pytest.raises(InvalidInput, match=match) as caught:
        open_pack(path)
    assert "\n" not in caught.value.fr and caught.value.en
    assert list((Path(os.environ["EO_HELPERS_CACHE"]) / "packs").glob("*/")) == []


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "data/../../out.csv", "c:/x.csv"])
def test_a_path_that_climbs_out(source, tmp_path, name):
    refused(rewritten(source, tmp_path, lambda e: {**e, name: b"x"}), "sort de son dossier")


def test_a_link(source, tmp_path):
    entry = zipfile.ZipInfo("data/a.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(rewritten(source, tmp_path, lambda e: {**e, entry: b"/etc/passwd"}), "sort de son")


@pytest.mark.parametrize("name", ["data/x.pkl", "data/x.py", "data/x", "data/x.exe", "x.ipynb"])
def test_what_is_no_data(source, tmp_path, name):
    refused(rewritten(source, tmp_path, lambda e: {**e, name: b"x"}), "n'est pas une donnée")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_under_another_name(source, tmp_path, protocol):
    raw = pickle.dumps({"a": 1}, protocol=protocol)
    refused(rewritten(source, tmp_path, lambda e: {**e, "data/x.json": raw}), "pickle")


def test_a_file_that_the_catalog_does_not_name(source, tmp_path):
    refused(rewritten(source, tmp_path, lambda e: {**e, "data/x.csv": b"a,b"}), "catalogue")


def test_a_zip_bomb(source, tmp_path):
    bad = rewritten(source, tmp_path, lambda e: {**e, "data/x.csv": b"0" * 60_000_000})
    assert bad.stat().st_size < 200_000
    refused(bad, "décompresserait")


def test_a_hundred_thousand_entries(tmp_path):
    path = tmp_path / "many.eopack"
    with zipfile.ZipFile(path, "w") as out:
        for k in range(100_000):
            out.writestr(zipfile.ZipInfo(f"{k}.csv"), b"")
    refused(path, "100000 fichiers")


@pytest.mark.parametrize("what", ["changed", "missing", "cut", "older", "no catalog", "html"])
def test_a_pack_that_was_changed_or_cut(source, tmp_path, what):
    def change(entries):
        name = next(n for n in entries if n.endswith(".dbf"))
        if what == "changed":
            entries[name] = entries[name][:-1] + b"!"
        elif what == "missing":
            del entries[name]
        elif what == "older":
            about = json.loads(entries["catalog.json"])
            entries["catalog.json"] = json.dumps({**about, "eo_helpers:pack": 0}).encode()
        elif what == "no catalog":
            del entries["catalog.json"]
        return entries

    bad = rewritten(source, tmp_path, change)
    if what == "cut":
        bad.write_bytes(bad.read_bytes()[:-500])
    elif what == "html":
        bad.write_bytes(b"<html>login</html>")
    refused(bad, "modifié|version|catalogue|zip")


def test_two_files_of_one_name_and_a_password(tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as out, pytest.warns(UserWarning, match="Duplicate"):
        out.writestr("a.csv", "1")
        out.writestr("a.csv", "2")
    with pytest.raises(InvalidInput, match="même nom"):
        archive.members(path)


# --- The demonstration, in another environment -------------------------------------------------

_ELSEWHERE = """
import socket, sys
def closed(*args, **options):
    raise AssertionError("the network was tried")
socket.socket.connect = socket.getaddrinfo = closed
from eo_helpers import cli
cli.main(sys.argv[1:])
"""


def run(*args, code=_ELSEWHERE, cache: Path) -> str:
    env = {**os.environ, "EO_HELPERS_CACHE": str(cache), "EO_HELPERS_OFFLINE": "1"}
    out = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True, text=True, cwd=ROOT, env=env,
    )  # fmt: skip
    assert out.returncode == 0, out.stderr[-3000:]
    return out.stdout


def test_every_collection_of_the_catalog_is_stac():
    for dataset in catalog.datasets():
        valid_stac(catalog.stac.collection(dataset).to_dict())


def test_a_pack_of_the_whole_demonstration_is_stac(demo_source, tmp_path):
    town = catalog.communes(demo_source).find("Saint-Aubin-sur-Ervelle")
    made = write_pack([town], demo_source, tmp_path / "t.eopack")
    assert len(made.datasets) > 15
    with zipfile.ZipFile(made.path) as pack:
        documents = [n for n in pack.namelist() if n.endswith(".json") and n[:5] != "data/"]
        for name in documents:
            valid_stac(json.loads(pack.read(name)))
    assert len(documents) > sum(made.datasets.values())


def test_the_demonstration_opens_elsewhere_without_network(demo_dir, tmp_path):
    # Its climate and people only: the night lights are many files.
    part = tmp_path / "part"
    part.mkdir()
    for name in ("territory.json", "communes.parquet"):
        shutil.copy(demo_dir / name, part)
    for name in ("lcz", "population"):
        shutil.copytree(demo_dir / name, part / name)
    pack = tmp_path / "ervelle.eopack"
    names = json.loads(run("commune", "--json", "--data", part, cache=tmp_path / "one"))
    town = next(c["insee"] for c in names if "Ervelle" in c["name"])
    run("data", "pack", "--commune", town, "--data", part, "-o", pack, cache=tmp_path / "one")
    shutil.rmtree(part)
    other = tmp_path / "two"
    assert "lcz-cerema" in run("data", "open", pack, "--json", cache=other)
    finding = json.loads(run("analyse", "lcz", town, "--json", "--data", pack, cache=other))
    assert finding["status"] in ("complete", "partial")
    assert all(p["demonstration"] for p in finding["provenance"])


def test_the_pack_command_wants_a_territory_and_an_ending(source, tmp_path, capsys):
    from eo_helpers import cli

    def main(*args) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["data", "pack", "--data", str(tmp_path / "data"), *args])
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out + out.err

    assert "eopack" in main("--commune", "Redon", "-o", str(tmp_path / "x.zip"))[1]
    assert "--epci" in main("-o", str(tmp_path / "x.eopack"))[1]
    assert "999" in main("--epci", "999", "-o", str(tmp_path / "x.eopack"))[1]
    code, told = main("--epci", "243500741", "-o", str(tmp_path / "x.eopack"), "--json")
    assert code == 0 and json.loads(told[: told.rindex("}") + 1])["datasets"]["communes"] == 1
    assert packs.open_pack(tmp_path / "x.eopack").title == "Redon"
