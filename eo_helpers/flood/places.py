"""Where a commune's part of a raster lies, and reading it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from ..territory.commune import Commune
from .files import lazy, warped

__all__ = ["Files", "Grid", "box_of", "cover", "grid_of", "inside_of", "moment_of", "read_on"]


class Files(Protocol):
    """What the readers need of a ``catalog.Holding``."""

    @property
    def items(self) -> tuple[Any, ...]: ...

    @property
    def paths(self) -> list[Path]: ...


@dataclass(frozen=True)
class Grid:
    """Pixels of a raster: CRS, transform, width and height."""

    crs: Any
    transform: Any
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width


def moment_of(item: Any) -> str:
    """ISO instant of an item, empty where it has none."""
    return item.datetime.isoformat() if item.datetime is not None else ""


def box_of(commune: Commune, crs: Any, margin: float) -> tuple[float, float, float, float]:
    """Bounds of the commune and its surroundings in ``crs``."""
    west, south, east, north = commune.projected_boundary.bounds
    box = west - margin, south - margin, east + margin, north + margin
    return tuple(transform_bounds(commune.crs, crs, *box))


def grid_of(file: rasterio.DatasetReader, commune: Commune, margin: float) -> Grid | None:
    """The file's own grid around the commune, or None where they do not meet."""
    whole = Window(0, 0, file.width, file.height)
    wanted = from_bounds(*box_of(commune, file.crs, margin), transform=file.transform)
    wanted = wanted.round_offsets().round_lengths()
    try:
        part = wanted.intersection(whole)
    except rasterio.errors.WindowError:
        return None
    if part.width < 2 or part.height < 2:
        return None
    return Grid(file.crs, file.window_transform(part), int(part.width), int(part.height))


def cover(raster: xr.DataArray, commune: Commune) -> float:
    """Share of the commune that has values."""
    inside = inside_of(raster, commune)
    if not inside.any():
        return 0.0
    values = raster.values
    measured = np.isfinite(values).all(0) if values.ndim == 3 else np.isfinite(values)
    # Ground beyond the raster counts too: its cells are not in the mask.
    here = commune.boundary_in(raster.rio.crs).area
    cell = abs(float(np.prod(raster.rio.resolution())))
    return float((measured & inside).sum() * cell / here)


def inside_of(raster: xr.DataArray, commune: Commune) -> np.ndarray:
    """True where a cell's centre lies in the commune."""
    from rasterio.features import geometry_mask

    return np.asarray(
        geometry_mask(
            [commune.boundary_in(raster.rio.crs)],
            raster.shape[-2:],
            raster.rio.transform(),
            invert=True,
        )
    )


def read_on(
    stack: ExitStack, file: rasterio.DatasetReader, grid: Grid, how: Resampling
) -> xr.DataArray:
    """The file on a grid, in memory, NaN where nothing was measured."""
    raster = lazy(stack, warped(stack, file, grid, how), file.descriptions)
    return raster.load()
