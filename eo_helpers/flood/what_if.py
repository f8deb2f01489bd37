"""Files to files: how far the water must rise to reach each cell, and what each rise covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from .depth import METHODS, check_method, water_depth
from .depth_files import extent_codes, open_terrain
from .edges import FLOODED, HIDDEN
from .files import check_writable, write_raster
from .grids import OUTSIDE_CODE, Notes, cell_size
from .rise import raise_water, rise_needed

__all__ = ["Level", "WhatIf", "what_if_file"]


@dataclass(frozen=True)
class Level:
    """Water of one rise: area (km²), median depth and 95th percentile (m)."""

    rise: float
    area_km2: float
    median: float
    p95: float


@dataclass
class WhatIf:
    """Levels in order of their rise, the first one as the image shows; notes (fr, en)."""

    levels: list[Level]
    notes: Notes = field(default_factory=list)


def what_if_file(
    extent: Path,
    dem: Path,
    output: Path,
    rises: Sequence[float] = (0.5, 1.0),
    method: str = "fwdet",
    permanent_water: Path | None = None,
) -> WhatIf:
    """Write the least rise (GeoTIFF, m, 0 where the water stands) that reaches each cell.

    Parameters
    ----------
    extent, permanent_water : Path
        A raster (1 flooded, 0 or no data dry, 255 not observable) or polygons.
    dem : Path
        The terrain, m; the result is on its grid. Held whole in memory.
    output : Path
        GeoTIFF; NaN where no rise brings the water. Whole or not there.
    rises : sequence of float
        Metres (negative: the water falls) whose area and depth are told.
    method : {"fwdet", "flexth"}
        Of the present surface.

    Raises
    ------
    InvalidInput
        As :func:`.depth.water_depth`; or a file that cannot be read or written.
    """
    check_method(method)
    check_writable(output)
    with open_terrain(dem) as (file, grid):
        codes = extent_codes(extent, file)
        always = None if permanent_water is None else extent_codes(permanent_water, file)
        terrain = grid.load()
    codes = np.where(codes == OUTSIDE_CODE, np.uint8(HIDDEN), codes)

    def on_grid(values: np.ndarray) -> xr.DataArray:
        out = terrain.copy(data=values).drop_attrs().rio.write_crs(terrain.rio.crs)
        return out.rio.write_transform(terrain.rio.transform())

    rivers = None if always is None else on_grid((always == FLOODED).astype(np.uint8))
    water = water_depth(on_grid(codes), terrain, method, permanent_water=rivers)
    needed = rise_needed(water, terrain, permanent_water=rivers)
    write_raster(
        output, needed, float("nan"), {"METHOD": METHODS[method], "UNITS": "m", "WHAT": "rise"}
    )
    cell = cell_size(terrain, [])
    levels = []
    for rise in sorted({0.0, *map(float, rises)}):
        risen = raise_water(water, terrain, rise, permanent_water=rivers)
        depth = risen["depth"].values
        # Water as thin as a film is water: the extent of the image itself does not shrink.
        wet = depth[np.isfinite(risen["surface"].values) & np.isfinite(depth)]
        low, high = np.percentile(wet, (50, 95)) if wet.size else (0.0, 0.0)
        levels.append(Level(rise, wet.size * cell**2 / 1e6, float(low), float(high)))
    pairs = zip(
        water.attrs["notes_fr"].splitlines(), water.attrs["notes_en"].splitlines(), strict=True
    )
    return WhatIf(levels, list(pairs))
