"""Rasters as files: tiled, compressed, with their words in the tags; and the terrain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Cover, Grid, Ground, generator

__all__ = ["write_terrain", "write_tiff"]


def write_tiff(
    path: Path,
    values: NDArray,
    grid: Grid,
    crs: str,
    nodata: float | None,
    descriptions: Sequence[str] = (),
    tags: dict[str, str] | None = None,
    driver: str = "COG",
) -> None:
    """Write one or several bands as a (cloud-optimised) GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stack = values if values.ndim == 3 else values[None]
    floating = stack.dtype.kind == "f"
    profile = {
        "driver": "GTiff", "dtype": stack.dtype.name, "count": len(stack), "height": grid.rows,
        "width": grid.cols, "crs": crs, "transform": grid.transform, "nodata": nodata,
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
        "zlevel": 4, "predictor": 3 if floating else 2, "num_threads": 2, "interleave": "band",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(stack)
        file.update_tags(**(tags or {}))
        for k, text in enumerate(descriptions, 1):
            file.set_band_description(k, text)
        if driver == "COG":
            file.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)


def write_terrain(ground: Ground, folder: Path, seed: int, vertical: str, suffix: str = "") -> None:
    """Write the lidar-like DEM (bare earth) and the surface model, 5 m.

    Noise of 0.1 m (standard deviation) on land, 0.03 m on water; heights to the
    centimetre. Water bodies carry the height of their surface.
    """
    rng = generator(seed, 50, len(suffix))
    noise = rng.standard_normal(ground.grid.shape, dtype=np.float32)
    wet = (ground.cover == Cover.WATER) | (ground.cover == Cover.SEA)
    noise *= np.where(wet, np.float32(0.03), np.float32(0.10))
    dem = np.round(ground.terrain + noise, 2)
    canopy = ground.height + np.where(
        ground.cover == Cover.TREE, ndimage.uniform_filter(noise, 3) * 12, 0
    )
    dsm = np.round(dem + np.maximum(canopy, 0), 2)
    tags = {"VERTICAL_DATUM": vertical, "UNITS": "m", "DEMONSTRATION": "true",
            "NOISE_STANDARD_DEVIATION_M": "0.1"}  # fmt: skip
    for name, values, what in (
        ("dem", dem, "bare-earth height, m"), ("dsm", dsm, "surface height, m"),
    ):  # fmt: skip
        write_tiff(folder / f"{name}{suffix}.tif", values.astype(np.float32), ground.grid,
                   ground.crs, -9999.0, (what,), tags)  # fmt: skip
