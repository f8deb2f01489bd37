"""Water of one flood around a commune, on one grid: what the Finding is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import rasterio.transform
import xarray as xr
from rasterio.enums import Resampling

from ..territory.commune import Commune
from ..text import Text
from .data import MARGIN
from .extent import UNKNOWN
from .levels import Levels
from .rise import Rising
from .scenes import radar_bands, radar_unit

__all__ = ["STEP", "Water", "decibels", "on_grid", "plain_grid"]

#: Cell of the map where there is no terrain, metres.
STEP = 10.0


@dataclass
class Water:
    """Water of one flood around a commune, on one grid in the commune's CRS.

    Attributes
    ----------
    grid : xarray.Dataset (y, x)
        ``flood`` uint8 (1, 0, 255), ``probability`` float32 (NaN: no measurement),
        ``permanent`` uint8; with terrain ``depth`` and ``uncertainty`` float32 (metres) and
        ``low_ground`` bool.
    date : str
        ISO instant of the image, empty where nothing tells it.
    images : list of ("before" or "after", date, xarray.DataArray)
        VV in decibels, before and during the flood, on the radar's own grid.
    radar, told : bool
        From radar; permanent water is known.
    notes : list of Text
        What any reader should know.
    dataset : str
        Data set of the extent.
    processing : list of Text
        What an engineer wants to know: units found, thresholds, voids.
    surface, terrain : xarray.Dataset, xarray.DataArray, or None
        Depth and surface as :func:`.depth.water_depth` gives them, and the terrain below.
    levels : Levels or None
        SWOT's levels of the same day, and whether they hold the surface.
    """

    grid: xr.Dataset
    date: str
    images: list[tuple[str, str, xr.DataArray]]
    radar: bool
    told: bool
    notes: list[Text]
    dataset: str
    processing: list[Text] = field(default_factory=list)
    levels: Levels | None = None
    #: What a rise of the water is worked out from, where the terrain is there.
    surface: xr.Dataset | None = None
    terrain: xr.DataArray | None = None

    @cached_property
    def rising(self) -> Rising | None:
        """What raises the water, worked out once; None without surface and terrain."""
        if self.surface is None or self.terrain is None:
            return None
        return Rising(self.surface, self.terrain, permanent_water=self.grid["permanent"])


def decibels(scene: xr.DataArray) -> xr.DataArray:
    """VV (or the only band) in decibels, whatever it is written in."""
    first = next(iter(radar_bands(scene).values()))
    if radar_unit(scene, "radar") == "decibels":
        return first
    with np.errstate(divide="ignore", invalid="ignore"):
        power = first.where(first > 0)
        return first.copy(data=(10 * np.log10(power.values)).astype(np.float32))


def plain_grid(commune: Commune) -> xr.DataArray:
    """An empty grid of :data:`STEP` around the commune, in its CRS."""
    west, south, east, north = commune.projected_boundary.bounds
    x = np.arange(west - MARGIN + STEP / 2, east + MARGIN, STEP)
    y = np.arange(north + MARGIN - STEP / 2, south - MARGIN, -STEP)
    out = xr.DataArray(np.zeros((y.size, x.size), np.uint8), {"y": y, "x": x}, ("y", "x"))
    transform = rasterio.transform.from_origin(x[0] - STEP / 2, y[0] + STEP / 2, STEP, STEP)
    return out.rio.write_crs(commune.crs).rio.write_transform(transform)


def on_grid(grid: xr.Dataset, like: xr.DataArray, smooth: bool) -> xr.Dataset:
    """Codes by nearest neighbour, probability between neighbours if smooth, on another grid."""
    between = Resampling.bilinear if smooth else Resampling.nearest
    out = {}
    for name, how, fill in (
        ("flood", Resampling.nearest, UNKNOWN),
        ("permanent", Resampling.nearest, UNKNOWN),
        ("probability", between, np.nan),
    ):
        layer = grid[name].rio.write_crs(grid.rio.crs).rio.write_nodata(None)
        out[name] = layer.rio.reproject_match(like, resampling=how, nodata=fill)
        out[name].attrs.clear()
    return xr.Dataset(out).rio.write_crs(like.rio.crs).rio.write_transform(like.rio.transform())
