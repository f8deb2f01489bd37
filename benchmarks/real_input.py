"""The main job on real input, its figures printed: ``make real-input``.

Communes, climate zones, a flood's extent beside its hand labels and beside a plain Otsu,
and a flood's depth. Real data are found through ``EO_SHARED_DATA`` (default
``../shared/data``); labels only score, nothing is fitted to them.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

ROOT = Path(__file__).resolve().parent.parent

QUERIES = ("redon", "Redon", "35236", "35600", "redn", "st etienne", "saint-denis", "le havre")


def shared_data() -> Path:
    folder = ROOT / os.environ.get("EO_SHARED_DATA", "../shared/data")
    if not (folder / "PROVENANCE.md").exists():
        sys.exit("No real data: set EO_SHARED_DATA to the folder that holds them.")
    return folder


def communes(source: Any) -> None:
    from eo_helpers import catalog

    start = time.perf_counter()
    index = catalog.communes(source)
    print(f"Communes: {len(index)} read in {time.perf_counter() - start:.2f} s")
    for query in QUERIES:
        times = []
        for _ in range(20):
            start = time.perf_counter()
            found = index.search(query, 3)
            times.append(1e3 * (time.perf_counter() - start))
        told = "; ".join(f"{m.name} ({m.insee})" for m in found)
        print(f"  {query!r:15} {statistics.median(times):5.1f} ms  {told}")


def climate_zones(source: Any) -> None:
    import eo_helpers as eo

    start = time.perf_counter()
    finding = eo.analyse("lcz", "35236", source=source)
    print(f"Redon, climate zones in {time.perf_counter() - start:.2f} s")
    print(f"  {finding.headline['fr']}")
    for one in finding.indicators:
        if one.name.startswith("share_area_lcz_"):
            bounds = "" if one.low is None else f" [{one.low:.1f}, {one.high:.1f}]"
            print(f"  {one.label['fr']:48} {one.value:5.1f} %{bounds}")
    print(f"  sources: {', '.join(f'{p.dataset} {p.edition}' for p in finding.provenance)}")


def score(found: np.ndarray, truth: np.ndarray, known: np.ndarray) -> str:
    a, b = found[known], truth[known]
    hit = (a & b).sum()
    return (
        f"IoU {hit / (a | b).sum():.3f}  precision {hit / max(a.sum(), 1):.3f}  "
        f"recall {hit / b.sum():.3f}"
    )


def extent(folder: Path) -> None:
    import rioxarray
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    from eo_helpers.flood.extent import water_extent

    place = folder / "flood" / "sen1floods11_spain"
    radar = rioxarray.open_rasterio(place / "S1Hand.tif", masked=True).load()
    optical = rioxarray.open_rasterio(place / "S2Hand.tif").load()
    label = rioxarray.open_rasterio(place / "LabelHand.tif").squeeze().values
    known, truth = label >= 0, label == 1
    values = np.nan_to_num(radar.values, nan=float(np.nanmin(radar.values)))
    print(f"Spain (Sen1Floods11), {known.sum()} labelled pixels, {truth.sum()} water")
    smooth = {
        f"Otsu, {name} after a 5 x 5 median": ndimage.median_filter(values[i], 5)
        for i, name in enumerate(("VV", "VH"))
    }
    smooth["Otsu, VV + VH after a Gaussian"] = sum(
        ndimage.gaussian_filter(values[i], 2) for i in range(2)
    )
    for name, image in smooth.items():
        low = image < threshold_otsu(image)
        print(f"  {name:34} {score(low, truth, known)}")
    for name, image in (("eo_helpers, radar", None), ("eo_helpers, radar and optical", optical)):
        start = time.perf_counter()
        found = water_extent(radar, optical=image)["flood"].values
        spent = time.perf_counter() - start
        # Ground that is told « not observable » is not claimed to be water.
        print(f"  {name:34} {score(found == 1, truth, known)}  ({spent:.1f} s)")
        seen = known & (found != 255)
        print(f"  {'  where observable':34} {score(found == 1, truth, seen)}")


def depth(folder: Path) -> None:
    import rioxarray

    from eo_helpers.flood.depth import METHODS, water_depth

    place = folder / "flood" / "lyons"
    flood = rioxarray.open_rasterio(place / "FloodExtent.tif").squeeze()
    dem = rioxarray.open_rasterio(place / "Elevation.tif").squeeze()
    print(f"Lyons, {dem.shape[0]} x {dem.shape[1]} cells")
    found: dict[str, xr.DataArray] = {}
    for method in METHODS:
        start = time.perf_counter()
        water = water_depth(flood, dem, method)
        spent = time.perf_counter() - start
        found[method] = water["depth"]
        wet = water["depth"].values
        wet = wet[wet > 0]
        sigma = float(np.nanmedian(water["uncertainty"]))
        print(
            f"  {method:7} median {np.median(wet):.2f} m  95th percentile "
            f"{np.percentile(wet, 95):.2f} m  median uncertainty {sigma:.2f} m  ({spent:.1f} s)"
        )
    one, two = (found[m].values for m in METHODS)
    both = (one > 0) & (two > 0)
    print(f"  difference between the methods: median {np.median(np.abs(one - two)[both]):.3f} m")


def main() -> None:
    from eo_helpers import catalog

    warnings.simplefilter("ignore")
    folder = shared_data()
    source = catalog.open_source("files", [folder])
    communes(source)
    climate_zones(source)
    extent(folder)
    depth(folder)


if __name__ == "__main__":
    main()
