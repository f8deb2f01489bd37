"""Mean radiance of 35,228 real communes on a 15 arc-second grid of the mainland.

    EO_SHARED_DATA=… python -m benchmarks.lighting_zonal [--months 144] [--exact 2] [--raster 1]

One run: our sparse weights over all months, ``exactextract`` and ``rasterstats`` over as
many months as asked (a month of them costs the same as another). Radiance is simulated
(gamma, 5 % of the cells empty): only speed and agreement are judged. ``rasterstats`` is no
dependency of the project: its absence is said.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from eo_helpers.lighting.weights import CELL, weights_of
from eo_helpers.lighting.zonal import zone_values

WEST, NORTH, EAST, SOUTH = -5.5, 51.5, 10.0, 41.0


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def radiance(month: int, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(month)
    r = rng.standard_gamma(0.5, shape, np.float32) * np.float32(4)
    r[rng.random(shape, np.float32) < 0.05] = np.nan
    return r


def exact_month(field: np.ndarray, communes) -> np.ndarray:
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    wkt = communes.crs.to_wkt()
    raster = NumPyRasterSource(
        field, xmin=WEST, ymin=SOUTH, xmax=EAST, ymax=NORTH, nodata=np.nan, srs_wkt=wkt
    )
    # The count is had with the mean: the sum of shares of cells with a value.
    found = exact_extract(raster, communes, ["mean"], output="pandas")
    return found["mean"].to_numpy()


def lost_cells(shape, communes) -> np.ndarray:
    """Communes whose shares do not sum to their area in ``exactextract``."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    raster = NumPyRasterSource(
        np.ones(shape, np.uint8), xmin=WEST, ymin=SOUTH, xmax=EAST, ymax=NORTH,
        srs_wkt=communes.crs.to_wkt(),
    )  # fmt: skip
    count = exact_extract(raster, communes, ["count"], output="pandas")["count"].to_numpy()
    area = shapely.area(communes.geometry.to_numpy()) / CELL**2
    return np.abs(count - area) > 1e-5 * (1 + area)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=144)
    parser.add_argument("--exact", type=int, default=2)
    parser.add_argument("--raster", type=int, default=1)
    args = parser.parse_args()
    folder = Path(os.environ.get("EO_SHARED_DATA", "../shared/data"))
    path = folder / "territory" / "communes_2018.parquet"
    if not path.exists():
        sys.exit(f"no communes at {path}: set EO_SHARED_DATA")
    communes = gpd.read_parquet(path).to_crs("EPSG:4326")
    inside = communes.bounds
    mainland = (inside.minx > WEST) & (inside.maxx < EAST) & (inside.miny > SOUTH)
    communes = communes[mainland & (inside.maxy < NORTH)].reset_index(drop=True)
    shape = round((NORTH - SOUTH) / CELL), round((EAST - WEST) / CELL)
    print(f"{len(communes)} communes, grid {shape[0]} × {shape[1]}, {args.months} months")

    start, cpu = time.perf_counter(), time.process_time()
    weights = weights_of(list(communes.geometry), CELL)
    print(
        f"weights, once: {time.perf_counter() - start:.1f} s (CPU "
        f"{time.process_time() - cpu:.1f} s), {weights.matrix.nnz} entries"
    )
    row = weights.row - round((90 - NORTH) / CELL)
    col = weights.col - round((WEST + 180) / CELL)
    zeros, nights = np.zeros(row.size), np.full(row.size, 8.0)
    wall = own = 0.0
    kept = {}
    for month in range(args.months):
        field = radiance(month, shape)
        start, cpu = time.perf_counter(), time.process_time()
        found = zone_values(weights.matrix, field[row, col], zeros, nights, zeros, 0.0)
        wall += time.perf_counter() - start
        own += time.process_time() - cpu
        if month < max(args.exact, args.raster):
            kept[month] = found["radiance"]
    print(
        f"ours, nine figures a commune: {wall / args.months:.3f} s a month (CPU "
        f"{own / args.months:.3f} s), {wall:.1f} s in all; peak memory {peak():.0f} MB"
    )
    # Peers take the mean of what is covered, cells of one size: so do we here.
    plain = weights.matrix.copy()
    area = (np.radians(CELL) * 6371.0) ** 2 * np.cos(np.radians(90 - (weights.row + 0.5) * CELL))
    plain.data = plain.data / area[plain.indices]
    spent = 0.0
    lost = lost_cells(shape, communes) if args.exact else np.zeros(0, bool)
    print(f"exactextract loses a whole cell (or gains one) in {lost.sum()} communes: set apart")
    for month in range(args.exact):
        field = radiance(month, shape).astype(float)
        cells = field[row, col]
        ok = np.isfinite(cells)
        start = time.perf_counter()
        mean = (plain @ np.where(ok, cells, 0.0)) / (plain @ ok.astype(float))
        ours = time.perf_counter() - start
        cpu = time.process_time()
        start = time.perf_counter()
        exact = exact_month(field, communes)
        spent += time.perf_counter() - start
        print(
            f"exactextract, mean only: {time.perf_counter() - start:.2f} s a month (CPU "
            f"{time.process_time() - cpu:.2f} s), ours for the mean only {ours:.3f} s; largest "
            f"difference {np.nanmax(np.abs(exact - mean)[~lost]):.1e}, gaps alike: "
            f"{bool((np.isfinite(exact) == np.isfinite(mean)).all())}"
        )
        apart = np.abs(exact - mean) / np.abs(exact) > 1e-9
        for k in np.flatnonzero(apart & ~lost):
            ours_off, theirs_off = referee(communes.geometry[k], weights, plain, cells, k, exact[k])
            print(
                f"  {communes.insee[k]} {communes.name[k]}: off shapely's intersections, ours "
                f"{ours_off:.1e}, exactextract {theirs_off:.1e}; "
                + share_errors(k, communes, weights, plain, shape)
            )
        # exactextract keeps shares in single precision: how far its own means are from shapely's.
        some = np.random.default_rng(month).choice(np.flatnonzero(~lost), 1500, replace=False)
        off = np.array(
            [referee(communes.geometry[k], weights, plain, cells, k, exact[k])[1] for k in some]
        )
        print(
            f"  exactextract itself, against shapely in {some.size} communes: median "
            f"{np.median(off):.1e}, 99 % {np.quantile(off, 0.99):.1e}, largest {off.max():.1e}; "
            f"over 1e-9 in {100 * np.mean(off > 1e-9):.0f} %"
        )
    if args.exact:
        ratio = spent / args.exact / (wall / args.months)
        print(f"exactextract / ours (nine figures): {ratio:.0f}")
    if args.raster:
        rasters(args.raster, shape, communes, kept)


def share_errors(k: int, communes, weights, plain, shape) -> str:
    """Largest errors of the covered shares of one commune's cells, ours and exactextract's."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    raster = NumPyRasterSource(
        np.ones(shape, np.uint8), xmin=WEST, ymin=SOUTH, xmax=EAST, ymax=NORTH,
        srs_wkt=communes.crs.to_wkt(),
    )  # fmt: skip
    found = exact_extract(raster, communes.iloc[[k]], ["cell_id", "coverage"], output="pandas")
    theirs = dict(zip(found["cell_id"][0].tolist(), found["coverage"][0].tolist(), strict=True))
    at = plain[[k]].indices
    row = weights.row[at] - round((90 - NORTH) / CELL)
    col = weights.col[at] - round((WEST + 180) / CELL)
    given = np.array([theirs.get(int(i), 0.0) for i in row * shape[1] + col])
    left, top = weights.col[at] * CELL - 180, 90 - weights.row[at] * CELL
    boxes = shapely.box(left, top - CELL, left + CELL, top)
    true = shapely.area(shapely.intersection(communes.geometry[k], boxes)) / CELL**2
    mine = plain[[k]].data
    return (
        f"shares of cells off by at most {np.abs(mine - true).max():.1e} and "
        f"{np.abs(given - true).max():.1e}, {int((np.abs(mine - given) > 1e-12).sum())} of "
        f"{at.size} differ"
    )


def referee(shape, weights, plain, cells, k: int, exact: float) -> tuple[float, float]:
    """Relative errors of both means against shapely's intersection, cell by cell."""
    at = plain[[k]].indices
    left, top = weights.col[at] * CELL - 180, 90 - weights.row[at] * CELL
    boxes = shapely.box(left, top - CELL, left + CELL, top)
    part = shapely.area(shapely.intersection(shape, boxes))
    seen = cells[at]
    ok = np.isfinite(seen)
    truth = float((part[ok] * seen[ok]).sum() / part[ok].sum())
    share = plain[[k]].data
    ours = float((share[ok] * seen[ok]).sum() / share[ok].sum())
    return abs(ours - truth) / truth, abs(exact - truth) / truth


def rasters(months: int, shape, communes, kept) -> None:
    try:
        from rasterstats import zonal_stats
    except ImportError:
        print("rasterstats is not installed: no row.")
        return
    from rasterio.transform import from_origin

    transform = from_origin(WEST, NORTH, CELL, CELL)
    for month in range(months):
        field = radiance(month, shape).astype(float)
        start, cpu = time.perf_counter(), time.process_time()
        found = zonal_stats(
            communes.geometry, field, affine=transform, nodata=np.nan, stats=["mean"]
        )
        mean = np.array([f["mean"] if f["mean"] is not None else np.nan for f in found], float)
        error = np.abs(mean / kept[month] - 1)
        print(
            f"rasterstats: {time.perf_counter() - start:.1f} s a month (CPU "
            f"{time.process_time() - cpu:.1f} s), error median "
            f"{100 * np.nanmedian(error):.1f} %, 95th percentile "
            f"{100 * np.nanpercentile(error, 95):.1f} %, no answer for "
            f"{int(np.isnan(mean).sum())} communes"
        )


if __name__ == "__main__":
    main()
