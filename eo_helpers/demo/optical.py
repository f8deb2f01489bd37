"""A summer scene of Sentinel-2 (surface reflectance), and areas whose class is known.

Reflectance is mixed from what covers the ground at 5 m, so that a pixel of 10 m sees
roofs, streets and gardens together. It varies as it does in the field: roofs by quarter,
crops by parcel (some harvested and bare as soil), woods by stand, shadows beside what is
tall, the blur of the instrument, its noise.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Cover, Grid, Ground, fractal_noise, generator
from .radar import UTM, utm_grid
from .rasters import write_tiff

__all__ = ["BANDS", "WHEN", "training_areas", "write_scene", "write_training"]

WHEN = "2022-07-18T10:56:31"
_YEAR = int(WHEN[:4])
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
#: Mean surface reflectance in BANDS, mid-July (orders of magnitude of spectral libraries).
_SPECTRA: dict[str, tuple[float, ...]] = {
    "sea": (0.045, 0.035, 0.022, 0.012, 0.006, 0.004),
    "water": (0.042, 0.050, 0.035, 0.025, 0.012, 0.008),
    "mineral": (0.105, 0.120, 0.130, 0.165, 0.200, 0.180),
    "bare": (0.110, 0.155, 0.205, 0.290, 0.370, 0.330),
    "grass": (0.040, 0.078, 0.060, 0.320, 0.220, 0.120),
    "shrub": (0.032, 0.058, 0.046, 0.250, 0.170, 0.085),
    "tree": (0.022, 0.042, 0.024, 0.330, 0.140, 0.060),
    "stubble": (0.085, 0.125, 0.165, 0.270, 0.330, 0.240),
    "green crop": (0.030, 0.068, 0.034, 0.430, 0.190, 0.085),
    "ripe crop": (0.062, 0.100, 0.110, 0.290, 0.270, 0.170),
    "tile": (0.075, 0.100, 0.165, 0.220, 0.270, 0.250),
    "slate": (0.085, 0.088, 0.090, 0.105, 0.115, 0.110),
    "gravel": (0.135, 0.150, 0.160, 0.185, 0.225, 0.220),
    "metal": (0.230, 0.250, 0.265, 0.290, 0.290, 0.270),
}
#: Roofs of each kind of block: shares of tile, slate, gravel, metal.
_ROOFS: dict[str, tuple[float, float, float, float]] = {
    "old": (0.5, 0.45, 0.05, 0.0), "c19": (0.35, 0.55, 0.1, 0.0),
    "terrace": (0.55, 0.4, 0.05, 0.0), "suburb": (0.8, 0.18, 0.02, 0.0),
    "village": (0.6, 0.4, 0.0, 0.0), "towers": (0.0, 0.05, 0.9, 0.05),
    "business": (0.0, 0.0, 0.3, 0.7),
}  # fmt: skip
#: Sun of 18 July, 10:56 UTC, 49° N: from the south-south-east, 57° high.
_SUN_STEP, _SUN_TAN = (-1, -0.45), 1.54
_NOISE = 0.0025


def _reflectance(ground: Ground, seed: int, year: int) -> NDArray[np.float32]:
    """Reflectance of every ground cell, shape (bands, rows, cols).

    Another year has the same roofs and soils, other crops and other droughts.
    """
    rng = generator(seed, 80)
    blocks = ground.blocks
    n = len(blocks)
    kinds = blocks["kind"].to_numpy()
    names = list(_SPECTRA)
    spectra = np.array([_SPECTRA[name] for name in names], np.float32)
    at = {name: k for k, name in enumerate(names)}

    crop = rng.choice(
        [at["stubble"], at["green crop"], at["ripe crop"]], n + 1, p=[0.45, 0.33, 0.22]
    )
    if year != _YEAR:
        own = generator(seed, 80, year)
        crop = own.permutation(crop)
    shares = np.array([_ROOFS.get(k, (0.5, 0.4, 0.1, 0.0)) for k in kinds])
    roofs = np.array([at[m] for m in ("tile", "slate", "gravel", "metal")])
    # A roof of its own for every building: what a block is roofed with is a mixture.
    home = ground.buildings["block"].to_numpy()
    pick = (rng.random(len(home))[:, None] > np.cumsum(shares[home], axis=1)[:, :3]).sum(1)
    roof = ground.grid.burn(ground.buildings.geometry.values, roofs[pick] + 1, 0, "uint8")

    plain = np.zeros(9, np.uint8)
    for cover, name in (
        (Cover.SEA, "sea"), (Cover.WATER, "water"), (Cover.MINERAL, "mineral"),
        (Cover.BARE, "bare"), (Cover.GRASS, "grass"), (Cover.SHRUB, "shrub"),
        (Cover.TREE, "tree"), (Cover.BUILDING, "tile"), (Cover.CROP, "ripe crop"),
    ):  # fmt: skip
        plain[cover] = at[name]
    what = plain[ground.cover]
    field = ground.cover == Cover.CROP
    what[field] = crop[ground.block_id[field]]
    house = (ground.cover == Cover.BUILDING) & (roof > 0)
    what[house] = roof[house] - 1

    # Brightness of a place (soil, species, wear) and of a stand or parcel.
    bright = np.exp(rng.normal(0, 0.09, n + 1)).astype(np.float32)[ground.block_id]
    bright *= np.exp(0.07 * fractal_noise(rng, ground.grid.coarse(2).shape, 10.0, 700, 4)).repeat(
        2, 0).repeat(2, 1).astype(np.float32)  # fmt: skip
    # Dry grass: less green on slopes and by accident of the parcel.
    dry = np.clip(rng.normal(0.35, 0.25, n + 1), 0, 0.9).astype(np.float32)[ground.block_id]
    if year != _YEAR:
        dry = np.clip(own.normal(0.28, 0.25, n + 1), 0, 0.9).astype(np.float32)[ground.block_id]
    dry[(ground.cover != Cover.GRASS) | (ground.block_id < 0)] = 0
    rng = rng if year == _YEAR else own
    bright *= np.exp(0.10 * rng.standard_normal(bright.shape, dtype=np.float32))
    bright *= 1 - 0.62 * _shadow(ground.height)
    bands = []
    for k in range(len(BANDS)):
        value = spectra[:, k][what]
        value = value * (1 - dry) + spectra[at["stubble"], k] * dry
        bands.append(value * bright)
    return np.stack(bands)


def _shadow(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where something tall to the sun's side hides it, 5 m cells."""
    shade = np.zeros(height.shape, np.float32)
    for step in range(1, 7):
        down, right = round(step), round(step * 0.45)
        moved = np.zeros_like(height)
        moved[:-down, : height.shape[1] - right] = height[down:, right:]
        reach = np.hypot(down, right) * 5.0 * _SUN_TAN
        np.maximum(shade, np.clip((moved - height - reach) / 4 + 0.5, 0, 1), out=shade)
    return shade


def write_scene(
    ground: Ground, folder: Path, seed: int, when: str = WHEN, bands: int = len(BANDS)
) -> Path:
    """Write the scene: uint16, reflectance × 10,000, 0 = no data, 10 m, UTM.

    The first ``bands`` of :data:`BANDS`. B11 and B12 have 20 m pixels, each written four
    times, as a stack of both does.
    """
    year = int(when[:4])
    rng = generator(seed, 81) if year == _YEAR else generator(seed, 81, year)
    grid, x, y = utm_grid(ground)
    row, col = ground.grid.index(x, y)
    valid = ground.grid.inside(x, y)
    if year != _YEAR:  # as a window that a person asked for: the communes and 100 m
        zone = shapely.buffer(ground.communes.union_all(), 100.0)
        shapely.prepare(zone)
        valid &= shapely.contains_xy(zone, x, y)
    counts = []
    for name, values in zip(BANDS[:bands], _reflectance(ground, seed, year), strict=False):
        coarse = name in ("B11", "B12")
        # Cell of the detector, then the optics' blur.
        mean = ndimage.uniform_filter(values, 4 if coarse else 2, mode="nearest")
        seen = ndimage.gaussian_filter(mean, 1.6 if coarse else 0.8)[row, col]
        if coarse:
            rows, cols = (size // 2 * 2 for size in seen.shape)
            small = seen[:rows:2, :cols:2] + rng.normal(0, _NOISE, (rows // 2, cols // 2))
            seen[:rows, :cols] = small.repeat(2, 0).repeat(2, 1)
        else:
            seen = seen + _NOISE * rng.standard_normal(seen.shape, dtype=np.float32)
        # To 0.001: finer than the noise, and half the size on disk; an earlier scene more coarsely.
        step = 0.001 if year == _YEAR else 0.004 if name in ("B04", "B08") else 0.05
        count = np.round(np.clip(seen, step, 1.5) / step) * round(10_000 * step)
        counts.append(np.where(valid, count, 0).astype(np.uint16))
    stamp = when.replace("-", "").replace(":", "")
    path = folder / f"S2A_MSIL2A_{stamp}_N0400_ERVELLE.tif"
    write_tiff(
        path, np.stack(counts), Grid(grid.west, grid.north, 10.0, grid.rows, grid.cols), UTM, 0,
        descriptions=BANDS[:bands], driver="GTiff",
        tags={
            "TIFFTAG_DATETIME": when.replace("-", ":").replace("T", " "),
            "ACQUISITION_DATETIME": f"{when}Z", "PLATFORM": "SENTINEL-2A",
            "PRODUCT_TYPE": "L2A", "QUANTITY": "surface reflectance", "SCALE": "0.0001",
            "BOA_ADD_OFFSET": "0", "CLOUD_COVER": "0", "DEMONSTRATION": "true",
        },
    )  # fmt: skip
    return path


def training_areas(blocks: gpd.GeoDataFrame, seed: int, most: int = 14) -> gpd.GeoDataFrame:
    """Areas that a person would draw: inside blocks whose class is known, far apart.

    At most ``most`` blocks of a class, the outer 8 m left out; ``lcz`` in
    WUDAPT codes (1-10, 11-17).
    """
    rng = generator(seed, 82)
    inner = shapely.buffer(blocks.geometry.values, -8)
    large = (shapely.area(inner) > 3_000) & (blocks["lcz"] != "").to_numpy()
    chosen: list[int] = []
    for code in sorted(set(blocks["lcz"])):
        rows = np.flatnonzero(large & (blocks["lcz"] == code).to_numpy())
        chosen += list(rng.permutation(rows)[:most])
    parts = inner[chosen]
    # Nobody outlines a whole forest: a stroke of 200 m about a point inside is enough.
    spot = shapely.point_on_surface(parts)
    parts = shapely.intersection(parts, shapely.buffer(spot, 200))
    return gpd.GeoDataFrame(
        {
            "lcz": blocks["lcz_int"].to_numpy()[chosen],
            "block": blocks["identifier"].to_numpy()[chosen],
        },
        geometry=parts,
        crs=blocks.crs,
    )


def write_training(blocks: gpd.GeoDataFrame, path: Path, seed: int) -> None:
    """Write the training areas (GeoPackage)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(training_areas(blocks, seed), path, driver="GPKG")
