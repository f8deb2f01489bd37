"""A national map of a million blocks: how long to build, and to read one commune from it.

Run: ``python -m benchmarks.lcz_national [--json] [--keep FOLDER] [--tiles N] [--communes
FILE]``; with a table of communes the shares of each are timed too. The
demonstration's map (1,990 blocks) is laid side by side over and over, written as zipped
shapefiles in Cerema's format, put together by ``eo-helpers data import lcz``'s own function
and read back by ``eo_helpers.lcz.data.read``. Limit: 0.5 s for one commune.

Each reading is timed in a process that has imported the package (``warm``), over communes
all over the map; ``first`` is the first of all, with what libraries set up when first used, and
``in_place`` the blocks in the commune's box read and checked, before they are cut along it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from eo_helpers import demo
from eo_helpers.lcz import commune_table
from eo_helpers.lcz.data import read
from eo_helpers.lcz.formats import read_cerema
from eo_helpers.lcz.national import build
from eo_helpers.territory.commune import Commune

#: 503 tiles of 1,990 blocks: a little more than a million.
TILES = 503
PER_ARCHIVE = 25
STEP = (16_000.0, 13_000.0)
COLUMNS = 23


def shifts(tiles: int) -> np.ndarray:
    n = np.arange(tiles)
    return np.column_stack([(n % COLUMNS) * STEP[0] - 180_000, (n // COLUMNS) * STEP[1] - 600_000])


def write_archives(folder: Path, tiles: int) -> list[Path]:
    source = next((Path(str(demo.ensure())) / "lcz").glob("*.zip"))
    blocks = gpd.read_file(f"/vsizip/{{{source}}}", encoding="ISO-8859-1")
    moves, out = shifts(tiles), []
    for first in range(0, tiles, PER_ARCHIVE):
        parts = []
        for n in range(first, min(first + PER_ARCHIVE, tiles)):
            moved = shapely.transform(blocks.geometry.to_numpy(), lambda p, n=n: p + moves[n])
            names = [f"T{n:03d}-{i:05d}" for i in range(len(blocks))]
            parts.append(blocks.assign(identifier=names).set_geometry(moved, crs=blocks.crs))
        stem = f"LCZ_SPOT_2022_Aire {first:03d}"
        with tempfile.TemporaryDirectory() as shapes:
            frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=blocks.crs)
            frame.to_file(Path(shapes) / f"{stem}.shp", encoding="ISO-8859-1")
            out.append(folder / f"{stem}.zip")
            with zipfile.ZipFile(out[-1], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for part in sorted(Path(shapes).iterdir()):
                    archive.write(part, part.name)
    return out


def communes(tiles: int, count: int, seed: int = 7) -> list[Commune]:
    """Communes of the demonstration, moved onto tiles drawn at random."""
    table = gpd.read_parquet(Path(str(demo.ensure())) / "communes.parquet")
    table = table[table["departement"] == "99"].to_crs(2154)
    back = Transformer.from_crs(2154, 4326, always_xy=True)
    rng = np.random.default_rng(seed)
    moves = shifts(tiles)
    out = []
    for n in rng.integers(0, tiles, count):
        row = table.iloc[int(rng.integers(len(table)))]
        moved = shapely.transform(row.geometry, lambda p, n=n: p + moves[n])
        degrees = shapely.transform(moved, back.transform, interleaved=False)
        out.append(Commune(row["insee"], row["name"], "99", degrees))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tiles", type=int, default=TILES)
    parser.add_argument("--keep", type=Path, help="folder for the files (else a temporary one)")
    parser.add_argument("--communes", type=Path, help="GeoParquet of the country's communes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        out = run(folder, asked.tiles)
        if asked.communes:
            out |= shares(folder / "lcz_france.parquet", asked.communes)
    print(json.dumps(out) if asked.json else "\n".join(f"{k}: {v}" for k, v in out.items()))


def shares(national: Path, path: Path) -> dict[str, float]:
    """How long the table of comparisons takes, for every commune that the map meets."""
    start = time.perf_counter()
    towns = commune_table.read_communes([path])
    table = commune_table.commune_table([national], "lcz-cerema", towns)
    return {
        "communes_met": len(table),
        "communes_table_s": round(time.perf_counter() - start, 1),
    }


def run(folder: Path, tiles: int) -> dict[str, float]:
    archives = write_archives(folder, tiles)
    national = folder / "lcz_france.parquet"
    start = time.perf_counter()
    made = build(archives, national)
    out: dict[str, float] = {
        "blocks": made.blocks,
        "archives": made.archives,
        "archives_mb": round(sum(p.stat().st_size for p in archives) / 1e6),
        "national_mb": round(national.stat().st_size / 1e6),
        "build_s": round(time.perf_counter() - start, 1),
    }
    times, rows, boxes = [], [], []
    for commune in communes(tiles, 40):
        holding = SimpleNamespace(dataset="lcz-cerema", paths=[national], items=())
        start = time.perf_counter()
        rows.append(len(read(holding, commune)))
        times.append(time.perf_counter() - start)
        start = time.perf_counter()
        read_cerema(national, lambda crs, place=commune: place.boundary_in(crs).bounds)
        boxes.append(time.perf_counter() - start)
    warm = np.array(times[1:])
    return out | {
        "read_first_s": round(times[0], 3),
        "read_median_s": round(float(np.median(warm)), 3),
        "read_largest_s": round(float(warm.max()), 3),
        "in_place_median_s": round(float(np.median(boxes)), 3),
        "blocks_of_a_commune": round(float(np.median(rows))),
    }


if __name__ == "__main__":
    main()
