"""Time and memory of extent and depth from files to files, from 1 to 100 megapixels; seams.

``python -m benchmarks.flood_speed [--sizes 1000 2000 5000 10000]``. Each size runs in a
process of its own, so that its peak memory is its own. Beside it in the same run, a
straightforward scipy FwDET (nearest edge cell, three smoothings) held whole in memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from eo_helpers.flood import depth_files, extent, files

from .flood_scenes import simulate as radar_scene
from .flood_simulation import perturb, plain_fwdet, simulate

SIZES = (1000, 2000, 5000, 10_000)
#: Real territory is not one scene again and again: tiles are turned and mirrored.
TILE = 500


def write_inputs(folder: Path, size: int) -> None:
    """Radar of one scene (VV, VH), a terrain and an extent of ``size`` × ``size`` cells."""
    radar = [radar_scene(seed, 0.6, TILE)[0] for seed in (1000, 1001)]
    made = simulate("valley", 1000, TILE)
    tiles = {
        "radar": [np.pad(r, 0) for r in radar],
        "dem": [made.dem[None].astype("f4")],
        "extent": [perturb(made, "groves", 1000)[None].astype("u1")],
    }
    transform = rasterio.transform.from_origin(500_000, 6_500_000, 10, 10)
    for name, kinds in tiles.items():
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=size, height=size, crs=2154,
            count=len(kinds[0]), dtype=kinds[0].dtype, transform=transform, tiled=True,
            blockxsize=512, blockysize=512, bigtiff="if_safer",
        ) as file:  # fmt: skip
            for k, (top, left) in enumerate(np.ndindex(-(-size // TILE), -(-size // TILE))):
                tile = kinds[k % len(kinds)]
                # Neighbours are mirror images, so that valleys and banks join.
                tile = tile[:, :: -1 if top % 2 else 1, :: -1 if left % 2 else 1]
                height, width = min(TILE, size - top * TILE), min(TILE, size - left * TILE)
                window = Window(left * TILE, top * TILE, width, height)
                file.write(tile[:, :height, :width], window=window)


def one(folder: Path, what: str) -> dict[str, float]:
    """One job in this process: seconds and peak memory, MB."""
    start = time.perf_counter()
    if what == "extent":
        with files.on_one_grid(folder / "radar.tif") as inputs:
            found = extent.water_extent(inputs["after"])
        files.write_raster(folder / "mask.tif", found["flood"], 255)
    elif what in ("fwdet", "flexth"):
        depth_files.depth_file(
            folder / "extent.tif", folder / "dem.tif", folder / f"{what}.tif", what
        )
    elif what == "plain":
        with rasterio.open(folder / "extent.tif") as e, rasterio.open(folder / "dem.tif") as d:
            wet, dem, profile = e.read(1) == 1, d.read(1), d.profile
        with rasterio.open(folder / "plain.tif", "w", **profile) as out:
            out.write(plain_fwdet(wet, dem).astype("f4"), 1)
    seconds = time.perf_counter() - start
    return {"s": seconds, "MB": peak()}


def peak() -> float:
    """Peak memory of this process, MB (``ru_maxrss`` would keep that of its parent)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def seams(folder: Path) -> None:
    """Largest difference between blocks and the whole."""
    with files.on_one_grid(folder / "radar.tif") as inputs:
        small, whole = (extent.water_extent(inputs["after"], block=b) for b in (512, 1_000_000))
    apart = np.nanmax(np.abs(small.probability.values - whole.probability.values))
    other = int((small.flood.values != whole.flood.values).sum())
    print(f"extent, blocks of 512 against none: probability differs by {apart:.2g} at most, "
          f"{other} of {small.flood.size} pixels fall otherwise")  # fmt: skip
    for method in ("fwdet", "flexth"):
        values = []
        for side in (512, 1 << 20):
            depth_files.depth_file(
                folder / "extent.tif", folder / "dem.tif", folder / "d.tif", method, side=side
            )
            with rasterio.open(folder / "d.tif") as file:
                values.append(file.read(1))
        print(f"{method}, windows of 512 against none: {np.abs(values[0] - values[1]).max():.2g} m")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(one(Path(options.job[0]), options.job[1])))
        return
    print("| Megapixels | Job | s | s per megapixel | peak MB |\n|--:|---|--:|--:|--:|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_inputs(folder, size)
            for job in ("nothing", "extent", "fwdet", "flexth", "plain"):
                command = [sys.executable, "-W", "ignore", "-m", __spec__.name]
                done = subprocess.run(
                    [*command, "--job", str(folder), job],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                found = json.loads(done.stdout.splitlines()[-1])
                millions = size**2 / 1e6
                print(f"| {millions:g} | {job} | {found['s']:.1f} | {found['s'] / millions:.2f} | "
                      f"{found['MB']:.0f} |", flush=True)  # fmt: skip
            if size == 2000:
                seams(folder)


if __name__ == "__main__":
    main()
