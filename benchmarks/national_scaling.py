"""National runs as the work grows: time and memory for 100 to 35,000 communes, 1 and 2 workers.

    EO_SHARED_DATA=… python -m benchmarks.national_scaling [--theme lcz] [--sizes 100 1000]
        [--workers 1 2] [--keep FOLDER] [--json]

Real communes (``EO_SHARED_DATA/territory``: mainland and Corsica), simulated values whose totals
are known, over the whole country whatever the number of communes:

* ``coastline``: 22,000 profiles of the indicator, 24 in each of some 900 communes;
* ``lcz``: a map of 1.2 million blocks of 1 km²;
* ``lighting``: 24 months of four Black Marble tiles of 2,400 × 2,400 cells; west of 2° E the
  light falls to 30 % at the 13th month.

Each run is a process of its own; memory is the resident set, sampled ten times a second, of the
process that leads and of the largest worker.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import psutil
import shapely

SIZES = (100, 1_000, 10_000, 35_000)
THEMES = ("coastline", "lcz", "lighting")
PROFILES, COASTAL = 24, 917
MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS")
TILES = ((17, 3), (18, 3), (17, 4), (18, 4))
#: Light falls west of this, degrees east, from this month on, to this share.
WEST, FALL, LEFT = 2.0, 12, 0.3
CODES = ("2", "3", "6", "8", "9", "A", "D", "G")
PARTS = (0.01, 0.02, 0.09, 0.03, 0.05, 0.25, 0.5, 0.05)


def communes() -> gpd.GeoDataFrame:
    """Real communes of the mainland and Corsica, in order of their code."""
    table = gpd.read_parquet(
        Path(os.environ["EO_SHARED_DATA"]) / "territory" / "communes_2018.parquet"
    )
    return table[~table["insee"].str.startswith("97")].sort_values("insee", ignore_index=True)


def simulate_coast(folder: Path, table: gpd.GeoDataFrame, seed: int = 5) -> None:
    """An indicator whose lengths are known: 40 % in retreat, 17 % without a rate …"""
    rng = np.random.default_rng(seed)
    count = min(COASTAL, len(table))
    some = table.iloc[rng.choice(len(table), count, replace=False)].to_crs(2154)
    spots = some.geometry.representative_point()
    step = 2.0 * np.arange(PROFILES)
    x = (spots.x.to_numpy()[:, None] + step % 10).ravel()
    y = (spots.y.to_numpy()[:, None] + step // 10).ravel()
    n = x.size
    rate = rng.choice([-1.2, 0.0, 0.8, -9999.0], n, p=[0.40, 0.23, 0.20, 0.17])
    frame = gpd.GeoDataFrame(
        {"taux": rate, "duree": 60, "tdc_ancien": 1950, "tdc_rec": 2010, "amenagemen": 0},
        geometry=shapely.box(x, y, x + 1, y + 1),
        crs=2154,
    )
    frame.to_file(folder / "n_evolution_trait_cote_s.shp")


def simulate_lcz(folder: Path, table: gpd.GeoDataFrame, side: float = 1000, seed: int = 5) -> None:
    """A map of squares that covers all communes; shares of the classes are drawn."""
    west, south, east, north = table.to_crs(2154).total_bounds // side * side
    x, y = np.meshgrid(np.arange(west, east + side, side), np.arange(south, north + side, side))
    x, y = x.ravel(), y.ravel()
    codes = np.random.default_rng(seed).choice(CODES, x.size, p=PARTS)
    frame = gpd.GeoDataFrame(
        {"identifier": np.arange(x.size).astype(str), "lcz": codes, "lcz_int": _numbers(codes)},
        geometry=shapely.box(x, y, x + side, y + side),
        crs=2154,
    )
    for name, value in zip(
        ("hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"),
        (5.0, 100.0, 5.0, 10.0, 5.0, 0.0, 80.0, 20.0),
        strict=True,
    ):
        frame[name] = value
    frame = frame.iloc[np.argsort(frame.geometry.hilbert_distance())]
    frame.to_parquet(folder / "lcz.parquet", write_covering_bbox=True, row_group_size=1000,
                     index=False)  # fmt: skip


def _numbers(codes: Any) -> Any:
    """Cerema's numbers: 1-9, then 11-17 for A-G."""
    return np.array(["_123456789_ABCDEFG".index(c) for c in codes])


def simulate_light(folder: Path, side: int = 2400, seed: int = 5) -> None:
    """Monthly tiles: 10 nW·cm⁻²·sr⁻¹ and noise, and the fall in the west."""
    rng = np.random.default_rng(seed)
    for k, month in enumerate(MONTHS):
        for h, v in TILES:
            lon = -180 + 10 * h + (np.arange(side) + 0.5) * 10 / side
            level = np.where((lon < WEST) & (k >= FALL), LEFT, 1.0) * 100
            noise = rng.integers(-4, 5, (side, side))
            name = f"VNP46A3.A{month.year}{month.dayofyear:03d}.h{h:02d}v{v:02d}.002.2024.h5"
            base = "HDFEOS/GRIDS/VIIRS_Grid_DNB_2d/Data Fields/AllAngle_Composite_Snow_Free"
            with h5py.File(folder / name, "w") as file:
                for field, value, kind in (
                    ("", level[None, :] + noise, "u2"),
                    ("_Std", np.full((side, side), 5), "u2"),
                    ("_Num", np.full((side, side), 15), "u2"),
                    ("_Quality", np.zeros((side, side)), "u1"),
                ):
                    data = file.create_dataset(
                        base + field, data=value.astype(kind), chunks=(200, 200),
                        compression="gzip", compression_opts=1,
                    )  # fmt: skip
                    if field in ("", "_Std"):
                        data.attrs["scale_factor"] = np.array([0.1])
                        data.attrs["_FillValue"] = np.array([65535], "u2")
                file.attrs["ShortName"] = np.bytes_("VNP46A3")
                file.attrs["RangeBeginningDate"] = np.bytes_(f"{month:%Y-%m-%d}")
                file.attrs["HorizontalTileNumber"] = np.bytes_(str(h))
                file.attrs["VerticalTileNumber"] = np.bytes_(str(v))


def prepare(top: Path, theme: str, table: gpd.GeoDataFrame) -> Path:
    """Folder with a theme's data for the whole country, made once."""
    folder = top / theme
    if not folder.exists():
        part = top / f".{theme}"
        part.mkdir(parents=True)
        if theme == "lighting":
            simulate_light(part)
        else:
            {"coastline": simulate_coast, "lcz": simulate_lcz}[theme](part, table)
        part.replace(folder)
    return folder


def do(theme: str, data: Path, places: Path, output: Path, workers: int) -> dict[str, Any]:
    """The run itself."""
    from eo_helpers import catalog
    from eo_helpers.national import chunks, coastline, lcz, lighting

    source = catalog.open_source("files", [data, places])
    source.items("communes")
    start = time.perf_counter()
    if theme == "lighting":
        told = lighting.run(source, output, workers=workers)
    else:
        chosen, options = {
            "coastline": (coastline.THEME, coastline.DEFAULTS),
            "lcz": (lcz.THEME, {}),
        }[theme]
        told = chunks.run(chosen, source, output, options=options, workers=workers)
    return {"seconds": round(time.perf_counter() - start, 1), **told}


def measured(theme: str, data: Path, places: Path, output: Path, workers: int) -> dict[str, Any]:
    """:func:`do` in a process of its own, with its memory and its workers'."""
    code = (
        "import json,sys;from pathlib import Path;from benchmarks.national_scaling import do\n"
        "if __name__=='__main__':\n"
        " t,d,p,o,w=sys.argv[1:]\n"
        " print(json.dumps(do(t,Path(d),Path(p),Path(o),int(w))))\n"
    )
    script = output.with_suffix(".py")
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script), theme, str(data), str(places), str(output), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    peak = {"lead_mb": 0.0, "worker_mb": 0.0}

    def watch() -> None:
        lead = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak["lead_mb"] = max(peak["lead_mb"], lead.memory_info().rss / 2**20)
                for child in lead.children(recursive=True):
                    size = child.memory_info().rss / 2**20
                    peak["worker_mb"] = max(peak["worker_mb"], size)
            except psutil.Error:
                pass  # a process that ended meanwhile
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{theme} failed")
    told = json.loads(out)
    return {**told, **{name: round(value) for name, value in peak.items()}}


def checked(theme: str, told: dict[str, Any], n: int) -> str:
    """The known totals beside what was found."""
    if theme == "coastline":
        km = told["country"]
        return f"{km['coast_km']:.1f} km, {km['negative_percent_all']:.1f} % in retreat (drawn: 40)"
    if theme == "lcz":
        d = 100 * told["country_km2"]["lcz_d"] / told["mapped_km2"]
        return f"{told['communes']} of {n} mapped, D on {d:.2f} % (drawn: 50)"
    return json.dumps(told["practices"])


def reading(output: Path, count: int = 200) -> float:
    """Milliseconds to read one commune's row from the table in place, the median."""
    from eo_helpers.catalog import tables

    told = tables.read(output, columns=["insee", "departement"])
    some = told.sample(min(count, len(told)), random_state=1)
    times = []
    for insee, departement in some.itertuples(index=False):
        start = time.perf_counter()
        assert tables.row(output, insee, departement) is not None
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--keep", type=Path, help="folder for the simulated data")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    table = communes()
    with tempfile.TemporaryDirectory() as temporary:
        top = asked.keep or Path(temporary)
        for theme in asked.theme:
            data = prepare(top, theme, table)
            for n in asked.sizes:
                some = table.iloc[:n]
                places = Path(temporary) / f"communes-{n}"
                places.mkdir(exist_ok=True)
                some.to_parquet(places / "communes.parquet", index=False)
                for workers in asked.workers:
                    load = os.getloadavg()[0]
                    output = Path(temporary) / f"{theme}-{n}-{workers}"
                    told = measured(theme, data, places, output, workers)
                    row = {"theme": theme, "communes": len(some), "workers": workers, "load": load}
                    row |= {k: told[k] for k in ("seconds", "lead_mb", "worker_mb")}
                    row["read_one_ms"] = reading(output)
                    row["found"] = checked(theme, told, len(some))
                    print(json.dumps(row) if asked.json else row, flush=True)


if __name__ == "__main__":
    main()
