"""Random kills (SIGKILL) while data are fetched, imported and packed.

``python -m benchmarks.kills [KILLS] [SEED]``: 200 of each by default. After every kill what is on
disk is the old or the new, whole; at the end one run gives what a run that nobody kills gives.
``tests/test_store.py`` and ``tests/test_packs.py`` do fewer.

Each run is a process of its own, forked from one that has the libraries already: the kill falls
into the work and not into imports.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: Bytes that the provider's file has, and seconds for which an edition of it lasts.
EDITION_BYTES, EDITION_LASTS = 60_000, 0.7


def killed(
    run: Callable[[], Any],
    kills: int,
    seed: int,
    check: Callable[[], str],
    anew: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Start ``run`` and kill it at a random moment, until that happened ``kills`` times.

    Parameters
    ----------
    run : callable
        The work.
    kills, seed : int
    check : callable () -> str
        Says in which whole state the disk is, or raises.
    anew : callable, optional
        Takes away what was made; before half of the runs, which then have all to do.

    Returns
    -------
    dict
        ``killed``, ``ended`` (runs that were quicker), ``states`` (how often each was seen).
    """
    chance, seen = random.Random(seed), Counter[str]()
    run()  # the first also imports
    anew()
    begun = time.monotonic()
    os.waitpid(_start(run), 0)
    usual = time.monotonic() - begun
    dead = ended = 0
    while dead < kills and ended < 2 * kills + 20:
        if chance.random() < 0.5:
            anew()
        child = _start(run)
        time.sleep(chance.uniform(0, 1.2 * usual))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        # The machine's load changes what a run takes: two kills for one that ends before, about.
        if os.WIFSIGNALED(status):
            dead += 1
            usual *= 1.015
        else:
            usual *= 0.97
            assert os.waitstatus_to_exitcode(status) == 0, "a run failed after a kill"
            ended += 1
        seen[check()] += 1
    return {"killed": dead, "ended": ended, "states": dict(seen), "usual_s": round(usual, 3)}


def _start(run: Callable[[], Any]) -> int:
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    return child


def fetch(folder: Path, kills: int, seed: int, url: str) -> dict[str, Any]:
    """A file of a provider, too old at each run, so that each run replaces it."""
    from eo_helpers.catalog.download import download
    from eo_helpers.catalog.net import Policy
    from eo_helpers.catalog.store import Kept, Store, now

    store = Store(folder / "store")

    def run() -> Kept:
        def make(part: Path) -> Kept:
            download(url, part / "f.bin", "Le service", policy=Policy(first_wait=0.01))
            return Kept("", "dem", "f.bin", "", 0, url, "e", "l", now())

        return store.bring("k", make, fresh_days=-1)

    def check() -> str:
        kept = store.get("k")
        if kept is None:
            assert not store.all()
            return "none"
        assert hashlib.sha256(store.path(kept).read_bytes()).hexdigest() == kept.sha256
        return kept.sha256

    told = killed(run, kills, seed, check)
    last = run()
    told["parts"] = sorted(p.name for p in (store.folder / "parts").glob("*/*"))
    told["damaged"] = [r.fr for r in store.check() if "abîmé" in r.fr or "illisible" in r.fr]
    told["objects"] = len(list((store.folder / "objects").glob("*/*")))
    return {**told, "last": last.sha256}


def write_archives(folder: Path, count: int = 4, rows: int = 12) -> list[Path]:
    """Small archives of climate zones as Cerema delivers them."""
    import geopandas as gpd
    import shapely

    out = []
    for k in range(count):
        n = rows * rows
        boxes = [
            shapely.box(300_000 + 5_000 * k + 100 * (i % rows), 6_700_000 + 100 * (i // rows),
                        300_090 + 5_000 * k + 100 * (i % rows), 6_700_090 + 100 * (i // rows))
            for i in range(n)
        ]  # fmt: skip
        columns = {"hre": 5.0, "are": 100.0, "bur": 30.0, "ror": 30.0, "bsr": 10.0, "war": 0.0,
                   "ver": 30.0, "vhr": 20.0}  # fmt: skip
        table = gpd.GeoDataFrame(
            {"identifier": [f"{k}_{i}" for i in range(n)], **{c: [v] * n for c, v in
             columns.items()}, "lcz": ["6"] * n, "lcz_int": [6] * n},
            geometry=boxes, crs=2154,
        )  # fmt: skip
        stem = f"LCZ_SPOT_2022_Aire{k}"
        with tempfile.TemporaryDirectory() as name:
            table.to_file(Path(name) / f"{stem}.shp", encoding="ISO-8859-1")
            path = folder / f"{stem}.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for part in sorted(Path(name).iterdir()):
                    archive.write(part, part.name)
        out.append(path)
    return out


def import_(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """``eo-helpers data import lcz``: archives into one national map."""
    import pyarrow.parquet as pq

    from eo_helpers.lcz.national import build, parts_folder

    archives = write_archives(folder)
    reference = folder / "reference.parquet"
    build(archives, reference)
    whole, output = reference.read_bytes(), folder / "lcz_france.parquet"
    build(archives, output)

    def check() -> str:
        parts = sorted(parts_folder(output).glob("*.parquet"))
        for part in parts:  # what the next run trusts
            assert pq.read_table(part).num_rows == 144
        assert not output.exists() or output.read_bytes() == whole
        return f"{'map' if output.exists() else 'no map'}, {len(parts)} parts"

    def anew() -> None:  # else a map is replaced, or work goes on
        output.unlink(missing_ok=True)

    told = killed(lambda: build(archives, output), kills, seed, check, anew)
    build(archives, output)
    told["same"] = output.read_bytes() == whole
    told["left"] = [p.name for p in folder.iterdir() if p.name.startswith(".")]
    return told


def write_source(folder: Path) -> None:
    """A folder of data about one commune: a table of communes, a shapefile, a GeoPackage."""
    import geopandas as gpd
    import shapely

    box = shapely.box(-2.11, 47.63, -2.05, 47.68)

    def table(**columns: list[Any]) -> Any:
        n = len(next(iter(columns.values())))
        return gpd.GeoDataFrame(columns, geometry=[box] * n, crs="EPSG:4326")

    folder.mkdir()
    table(code=["35236"], nom=["Redon"]).to_parquet(folder / "communes.parquet")
    table(LCZ_PRIMARY=[1, 2, 3]).to_file(folder / "zones.shp")
    flood = table(event_type=["x"], obj_desc=["y"], notation=["z"])
    flood.to_file(folder / "crue.gpkg")


def pack(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """``eo-helpers data pack`` and ``data open``: one file written, checked, unpacked."""
    from eo_helpers.catalog import communes, open_source
    from eo_helpers.catalog.packing import write_pack
    from eo_helpers.catalog.packs import open_pack

    os.environ["EO_HELPERS_CACHE"] = str(folder / "cache")
    write_source(folder / "data")
    source = open_source("files", [folder / "data"])
    commune, out = communes(source).find("35236"), folder / "t.eopack"
    write_pack([commune], source, out)
    whole, unpacked = out.read_bytes(), folder / "cache" / "packs"

    def run() -> None:
        write_pack([commune], source, out)
        open_pack(out)

    def check() -> str:
        assert out.read_bytes() == whole
        places = [p for p in unpacked.glob("*/") if not p.name.startswith(".opening-")]
        for place in places:
            assert len([p for p in place.rglob("*") if p.is_file()]) == files
        return "opened" if places else "not opened"

    with zipfile.ZipFile(out) as archive:
        files = len(archive.namelist())
    told = killed(run, kills, seed, check, lambda: shutil.rmtree(unpacked, ignore_errors=True))
    run()
    told["same"] = out.read_bytes() == whole
    check()
    told["folder"] = str(open_pack(out).folder)
    return told


LOOPS: dict[str, Callable[..., dict[str, Any]]] = {"fetch": fetch, "import": import_, "pack": pack}


def apart(name: str, folder: Path, kills: int, seed: int, *more: str) -> dict[str, Any]:
    """One loop in a process of its own, which may fork: it has no threads."""
    asked = [sys.executable, "-m", "benchmarks.kills", "--loop", name, str(folder), str(kills)]
    out = subprocess.run([*asked, str(seed), *more], capture_output=True, text=True, cwd=ROOT)
    if out.returncode:
        raise AssertionError(out.stderr[-3000:])
    told: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return told


def provider() -> tuple[Any, set[str]]:
    """A server whose file is another one every few tenths of a second, and the checksums."""
    sys.path.insert(0, str(ROOT / "tests"))
    from local_server import Answer, LocalServer

    editions = [random.Random(n).randbytes(EDITION_BYTES) for n in range(3)]
    begun = time.monotonic()
    server = LocalServer()

    def edition(asked: Any) -> Any:
        n = int((time.monotonic() - begun) / EDITION_LASTS) % 3
        return Answer(editions[n], drip=0.002, piece=10_000)

    server.routes["/f.bin"] = edition
    return server, {hashlib.sha256(e).hexdigest() for e in editions}


def main(kills: int = 200, seed: int = 5) -> None:
    """All three, with a line each."""
    server, known = provider()
    for name in LOOPS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            more = (f"{server.url}/f.bin",) if name == "fetch" else ()
            told = apart(name, Path(folder), kills, seed, *more)
        if name == "fetch":
            told["same"] = told.pop("last") in known
            strange = set(told["states"]) - known - {"none"}
            told["states"] = {"a whole edition or none": sum(told["states"].values())}
            told["strange"] = len(strange)
            told["gone_on_with"] = sum(1 for a in server.asked if a.range)
        print(f"{name}: {json.dumps(told)} in {time.monotonic() - begun:.0f} s", flush=True)
    server.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        _, _, loop, place, count, start, *others = sys.argv
        print(json.dumps(LOOPS[loop](Path(place), int(count), int(start), *others)))
    else:
        main(*(int(a) for a in sys.argv[1:]))
