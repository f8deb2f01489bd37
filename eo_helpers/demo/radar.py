"""The flood: where the water stands, and what Sentinel-1 sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy import ndimage

from .drainage import resample
from .ground import Cover, Grid, Ground, generator
from .rasters import write_tiff
from .relief import axis_level

__all__ = [
    "AFTER",
    "BEFORE",
    "ENL",
    "UTM",
    "Flood",
    "flood_truth",
    "utm_grid",
    "write_flood",
    "write_scenes",
]

ENL = 4.4
BEFORE, AFTER = "2024-01-03T17:48:21", "2024-01-15T17:48:20"
UTM = "EPSG:32631"
# Mean gamma0 in decibels, VV and VH, of each cover in a wet January.
_DECIBELS = {
    Cover.SEA: (-15.5, -24.0), Cover.WATER: (-18.5, -26.0), Cover.BUILDING: (-3.0, -10.5),
    Cover.MINERAL: (-12.5, -20.5), Cover.BARE: (-12.0, -20.0), Cover.GRASS: (-10.6, -17.2),
    Cover.CROP: (-10.0, -17.0), Cover.SHRUB: (-9.0, -14.5), Cover.TREE: (-7.6, -12.8),
}  # fmt: skip
_FLOODED = (-18.2, -25.6)


@dataclass
class Flood:
    """Truth of the flood on the ground's grid.

    ``extent`` (bool) flooded land, permanent water left out; ``permanent``
    (bool); ``surface`` float32 height of the flood's surface (m), NaN away from
    it; ``depth`` float32 (m), 0 where dry.
    """

    extent: NDArray[np.bool_]
    permanent: NDArray[np.bool_]
    surface: NDArray[np.float32]
    depth: NDArray[np.float32]


def flood_truth(ground: Ground, rise: float = 2.35) -> Flood:
    """A flood of the river: a surface that falls to the sea, over the land it can reach.

    Parameters
    ----------
    ground : Ground
    rise : float
        How far (m) the water stands above its ordinary level up the valley.
    """
    if ground.river is None or ground.river_level is None:
        raise ValueError("this ground has no river")
    grid, coarse = ground.grid, ground.grid.coarse(4)
    xy = shapely.get_coordinates(ground.river)
    # Water in flood goes down the valley, not round every bend.
    line = ndimage.gaussian_filter1d(xy, 45, axis=0, mode="nearest")
    line = resample(line, 10.0)
    t = np.linspace(0, 1, len(line))
    level = axis_level(line[:, 0], line[:, 1], xy, ground.river_level)
    height = ndimage.gaussian_filter1d(level, 30, mode="nearest")
    height = height + rise * np.clip((1 - t) / 0.30, 0, 1) ** 0.7 + 0.75 * t
    height = np.minimum.accumulate(np.maximum(height, 1.1))
    x, y = coarse.mesh()
    sloping = axis_level(x, y, line, height)
    surface = coarse.refine(ndimage.gaussian_filter(sloping, 5).astype(np.float32), 4)
    permanent = (ground.cover == Cover.WATER) | (ground.cover == Cover.SEA)
    bed = grid.burn(ground.river, 1, 0, "uint8", all_touched=True) == 1
    low = (ground.terrain < surface) & (ground.cover != Cover.SEA)
    labels, _ = ndimage.label(low)
    reached = np.zeros(labels.max() + 1, bool)
    reached[np.unique(labels[bed & low])] = True
    reached[0] = False
    # The river's flood: what the sea alone would wet, along the beaches, is left out.
    far = ndimage.distance_transform_edt(~bed[::4, ::4]) * coarse.step > 1100
    shore = ndimage.distance_transform_edt(ground.cover[::4, ::4] != Cover.SEA) * coarse.step < 160
    wet = reached[labels] & ~(far & shore).repeat(4, 0).repeat(4, 1)
    extent = wet & ~permanent
    depth = np.where(wet, surface - ground.terrain, 0).astype(np.float32)
    depth[ground.cover == Cover.SEA] = 0
    near = ndimage.binary_dilation(wet[::4, ::4], iterations=8).repeat(4, 0).repeat(4, 1)
    shown = np.where(near, surface, np.nan).astype(np.float32)
    return Flood(extent, permanent, shown, depth)


def write_flood(ground: Ground, flood: Flood, folder: Path) -> None:
    """Write the truth: extent, depth, surface, permanent water (5 m)."""
    tags = {"DEMONSTRATION": "true", "VERTICAL_DATUM": "NGF-IGN69"}
    for name, values, nodata, what in (
        ("flood_extent", flood.extent.astype(np.uint8), None, "1 flooded land, 0 elsewhere"),
        ("permanent_water", flood.permanent.astype(np.uint8), None, "1 permanent water"),
        ("flood_depth", np.round(flood.depth, 3), None, "depth of water, m; 0 where dry"),
        ("flood_surface", np.round(flood.surface, 3), np.nan, "height of the water surface, m"),
    ):
        write_tiff(folder / f"{name}.tif", values, ground.grid, ground.crs, nodata,
                   descriptions=(what,), tags=tags)  # fmt: skip


def utm_grid(ground: Ground) -> tuple[Grid, NDArray[np.float64], NDArray[np.float64]]:
    """The 10 m grid of a satellite scene over the ground, and its cells' places in its CRS."""
    forth = Transformer.from_crs(ground.crs, UTM, always_xy=True)
    back = Transformer.from_crs(UTM, ground.crs, always_xy=True)
    west, south, east, north = forth.transform_bounds(*ground.grid.bounds, densify_pts=41)
    west, north = np.floor(west / 10) * 10, np.ceil(north / 10) * 10
    grid = Grid(west, north, 10.0, int((north - south) / 10), int((east - west) / 10))
    # Coordinates are smooth: exact on a 200 m lattice, interpolated between.
    lattice = grid.coarse(20)
    lattice = Grid(lattice.west, lattice.north, lattice.step, lattice.rows + 1, lattice.cols + 1)
    lx, ly = back.transform(*lattice.mesh())
    fine = slice(0, grid.rows), slice(0, grid.cols)
    x = _bilinear(lx, 20)[fine]
    y = _bilinear(ly, 20)[fine]
    return grid, x, y


def write_scenes(ground: Ground, flood: Flood, folder: Path, seed: int) -> list[Path]:
    """Write the two radar scenes: gamma0, linear power, VV and VH, 10 m, UTM."""
    rng = generator(seed, 40)
    grid, x, y = utm_grid(ground)
    soil = np.exp(rng.normal(0, 0.16, len(ground.blocks) + 1)).astype(np.float32)
    paths = []
    for when, moisture, wind in ((BEFORE, 1.0, 1.0), (AFTER, 1.10, 1.6)):
        power = _backscatter(ground, soil * moisture, wind, flood if when == AFTER else None)
        row, col = ground.grid.index(x, y)
        valid = ground.grid.inside(x, y)
        bands = []
        for values in power:
            mean = ndimage.uniform_filter(values, 2, mode="nearest")[row, col]
            speckle = rng.standard_gamma(ENL, mean.shape, dtype=np.float32) / np.float32(ENL)
            bands.append(np.where(valid, mean * speckle, np.float32(-32768)))
        stamp = when.replace("-", "").replace(":", "")
        path = folder / f"S1A_IW_GRDH_1SDV_{stamp}_RTC_ERVELLE.tif"
        write_tiff(
            path, np.stack(bands).astype(np.float32), grid, UTM, -32768.0,
            descriptions=("VV", "VH"), driver="GTiff",
            tags={
                "TIFFTAG_DATETIME": when.replace("-", ":").replace("T", " "),
                "ACQUISITION_DATETIME": f"{when}Z", "PLATFORM": "SENTINEL-1A",
                "INSTRUMENT_MODE": "IW", "PRODUCT_TYPE": "RTC", "RELATIVE_ORBIT": "30",
                "ORBIT_DIRECTION": "ASCENDING", "CALIBRATION": "gamma0", "UNITS": "linear power",
                "EQUIVALENT_NUMBER_OF_LOOKS": str(ENL), "DEMONSTRATION": "true",
            },
        )  # fmt: skip
        paths.append(path)
    return paths


def _bilinear(values: NDArray, factor: int) -> NDArray[np.float64]:
    """Values at the centres of the fine cells, from those of coarse cells, exact for planes."""
    rows = (np.arange((values.shape[0] - 1) * factor + factor) + 0.5) / factor - 0.5
    cols = (np.arange((values.shape[1] - 1) * factor + factor) + 0.5) / factor - 0.5

    def along(a: NDArray, where: NDArray) -> NDArray:
        low = np.clip(np.floor(where).astype(int), 0, len(a) - 2)
        share = (where - low)[:, None]
        return a[low] * (1 - share) + a[low + 1] * share

    return along(along(values, rows).T, cols).T


def _backscatter(
    ground: Ground, soil: NDArray[np.float32], wind: float, flood: Flood | None
) -> list[NDArray[np.float32]]:
    """Mean gamma0 (linear) of every ground cell, VV then VH."""
    cover = ground.cover
    field = soil[ground.block_id]
    dense = None
    bands = []
    for band in (0, 1):
        table = np.array([10 ** (_DECIBELS[Cover(c)][band] / 10) for c in range(9)], np.float32)
        mean = table[cover]
        tilled = (cover == Cover.CROP) | (cover == Cover.GRASS) | (cover == Cover.BARE)
        mean = np.where(tilled, mean * field, mean)
        mean[cover == Cover.SEA] *= wind
        if flood is not None:
            wet = flood.extent & (flood.depth > 0.03)
            water = np.float32(10 ** (_FLOODED[band] / 10))
            open_ground = wet & (tilled | (cover == Cover.MINERAL))
            # Shallow water lets grass through.
            clear = np.clip(flood.depth / 0.25, 0, 1)
            mean = np.where(open_ground, mean * (1 - clear) + water * clear, mean)
            gain = np.float32(1.7 if band == 0 else 1.2)
            mean = np.where(wet & (cover == Cover.TREE), mean * gain, mean)
            if dense is None:
                built = (cover == Cover.BUILDING).astype(np.float32)
                dense = ndimage.uniform_filter(built, 15)
            # Walls and standing water make a corner: streets of a dense quarter get brighter.
            mean = np.where(wet & (cover == Cover.BUILDING), mean * np.float32(1.5), mean)
            street = wet & (cover != Cover.BUILDING) & (dense > 0.22)
            mean = np.where(street, np.maximum(mean, table[Cover.MINERAL] * 1.4), mean)
        bands.append(mean.astype(np.float32))
    return bands
