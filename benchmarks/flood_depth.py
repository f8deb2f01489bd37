"""Height of water against surfaces that are known, beside a plain nearest-edge FwDET.

``python -m benchmarks.flood_depth [--maps FOLDER]``. Simulated scenes
(:mod:`.flood_simulation`) have seeds that no choice was made on; errors are over the cells
that the extent calls flooded and that are, coverage is that of depth ± 1.645 uncertainty.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import rasterio
import rioxarray
import xarray as xr

from eo_helpers import demo
from eo_helpers.flood.depth import water_depth

from .flood_simulation import CELL, perturb, plain_fwdet, simulate

EVALUATION = range(1000, 1004)
SCENES = ("plain", "valley", "islands", "border")
EXTENTS = ("exact", "smaller", "missed", "groves")
METHODS = ("fwdet", "flexth")


def raster(values: np.ndarray) -> xr.DataArray:
    rows, cols = values.shape
    y, x = -CELL * (np.arange(rows) + 0.5), CELL * (np.arange(cols) + 0.5)
    out = xr.DataArray(values, {"y": y, "x": x}, ("y", "x")).rio.write_crs(2154)
    return out.rio.write_transform(rasterio.transform.from_origin(0, 0, CELL, CELL))


def told(errors: list[np.ndarray], inside: list[np.ndarray] | None = None) -> str:
    e = np.concatenate(errors)
    words = (
        f"bias {e.mean():+.2f}  RMSE {np.sqrt((e**2).mean()):.2f}  "
        f"p95 {np.percentile(np.abs(e), 95):.2f}"
    )
    return words + (f"  90 %: {100 * np.concatenate(inside).mean():.0f} %" if inside else "")


def simulated() -> None:
    for scene in SCENES:
        for extent in EXTENTS:
            errors: dict[str, list[np.ndarray]] = {m: [] for m in (*METHODS, "plain")}
            inside: dict[str, list[np.ndarray]] = {m: [] for m in METHODS}
            for seed in EVALUATION:
                made = simulate(scene, seed)
                seen = perturb(made, extent, seed)
                truth = made.surface - made.ground
                wet = seen & made.wet
                for method in METHODS:
                    found = water_depth(raster(seen.astype("u1")), raster(made.dem), method)
                    e = (found.depth.values - truth)[wet]
                    errors[method].append(e)
                    inside[method].append(np.abs(e) <= 1.645 * found.uncertainty.values[wet])
                errors["plain"].append((plain_fwdet(seen, made.dem) - truth)[wet])
            for method in METHODS:
                print(
                    f"  {scene:8s} {extent:8s} {method:7s} {told(errors[method], inside[method])}"
                )
            print(f"  {scene:8s} {extent:8s} plain   {told(errors['plain'])}")


def valley(maps: Path | None) -> None:
    folder = demo.ensure()

    def read(name: str) -> xr.DataArray:
        return rioxarray.open_rasterio(folder / name, masked=True)[0]

    extent, dem, truth = read("truth/flood_extent.tif"), read("terrain/dem.tif"), read(
        "truth/flood_depth.tif"
    )  # fmt: skip
    wet = extent.values == 1
    for method in METHODS:
        found = water_depth(extent, dem, method, permanent_water=read("truth/permanent_water.tif"))
        e = (found.depth.values - truth.values)[wet]
        inside = np.abs(e) <= 1.645 * found.uncertainty.values[wet]
        print(f"  {method:7s} {told([e], [inside])}")
        if maps:
            draw(maps / f"demo_{method}.png", found.depth.values, truth.values)
    plain = plain_fwdet(wet, dem.values)
    print(f"  plain   {told([(plain - truth.values)[wet]])}")


def lyons(folder: Path, maps: Path | None) -> None:
    dem = rioxarray.open_rasterio(folder / "Elevation.tif", masked=True)
    extent = rioxarray.open_rasterio(folder / "FloodExtent.tif", masked=True)
    wet = (extent.values[0] == 1) & np.isfinite(dem.values[0])
    depths = {m: water_depth(extent, dem, m).depth.values for m in METHODS}
    heights = np.where(np.isfinite(dem.values[0]), dem.values[0], np.nanmin(dem.values[0]))
    depths["plain"] = plain_fwdet(wet, heights)
    for name, depth in depths.items():
        values = depth[wet]
        print(
            f"  {name:7s} median {np.median(values):.2f} m, p95 {np.percentile(values, 95):.2f} m"
        )
    for one, two in (("fwdet", "flexth"), ("fwdet", "plain")):
        apart = np.abs(depths[one] - depths[two])[wet]
        print(f"  {one} and {two} differ by {np.median(apart):.2f} m (median), "
              f"{np.percentile(apart, 95):.2f} m (p95)")  # fmt: skip
    if maps:
        draw(maps / "lyons.png", depths["fwdet"], depths["flexth"])
        draw(maps / "lyons_plain.png", depths["fwdet"], depths["plain"])


def draw(path: Path, one: np.ndarray, two: np.ndarray) -> None:
    """Two depths and their difference."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows, cols = np.nonzero(np.nan_to_num(one) + np.nan_to_num(two) > 0)
    part = slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1)
    one, two = one[part], two[part]
    figure, axes = plt.subplots(1, 3, figsize=(27, 9 * one.shape[0] / one.shape[1] + 1))
    for axis, values in zip(axes[:2], (one, two), strict=True):
        shown = axis.imshow(np.where(values > 0, values, np.nan), cmap="Blues", vmin=0, vmax=3)
        figure.colorbar(shown, ax=axis, shrink=0.6)
    shown = axes[2].imshow(
        np.where(one + two > 0, one - two, np.nan), cmap="RdBu", vmin=-0.5, vmax=0.5
    )
    figure.colorbar(shown, ax=axes[2], shrink=0.6)
    figure.tight_layout()
    figure.savefig(path, dpi=55)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, help="folder for PNG maps")
    maps = parser.parse_args().maps
    if maps:
        maps.mkdir(parents=True, exist_ok=True)
    print(f"Simulated, seeds {EVALUATION.start}-{EVALUATION.stop - 1}, metres")
    simulated()
    print("Demonstration valley, true extent, metres")
    valley(maps)
    real = Path(os.environ.get("EO_SHARED_DATA", "../shared/data")) / "flood/lyons"
    if real.exists():
        print("Lyons, Colorado (lidar, 2 m)")
        lyons(real, maps)
    else:
        print(f"no real site at {real}: set EO_SHARED_DATA")


if __name__ == "__main__":
    main()
