"""What the water reaches in a commune: ground and people, by class of height."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..territory.commune import Commune

__all__ = [
    "CLASSES",
    "POSSIBLE",
    "SURE",
    "Assessment",
    "Count",
    "DepthClass",
    "assess",
    "people_per_cell",
    "shape_numbers",
]

#: Probability from which water is told as sure, and from which it is possible.
SURE, POSSIBLE = 0.8, 0.2
#: 95 % of a normal law.
Z95 = 1.96


@dataclass(frozen=True)
class DepthClass:
    """A class of height: ``low`` ≤ depth < ``high``, metres."""

    name: str
    low: float
    high: float
    color: str


#: Colours: ColorBrewer Blues, dark where deep.
CLASSES = (
    DepthClass("0_50cm", 0.0, 0.5, "#bdd7e7"),
    DepthClass("50cm_1m", 0.5, 1.0, "#6baed6"),
    DepthClass("1_2m", 1.0, 2.0, "#2171b5"),
    DepthClass("over_2m", 2.0, np.inf, "#08306b"),
)


@dataclass(frozen=True)
class Count:
    """A quantity and its bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Assessment:
    """Figures of one commune.

    Attributes
    ----------
    flooded : Count
        Hectares (bounds: sure to possible).
    permanent, hidden, low : float
        Hectares: water before, ground where radar could not see the flood, ground below
        the water beside it where no water was seen.
    share : Count
        Part of the observed commune that is flooded, 0-1.
    observed : float
        Part of the commune that was measured, 0-1.
    classes : dict of Count, or None
        Hectares by :data:`CLASSES` (bounds: all depths off by 1.96 standard deviations).
    unknown_depth : float
        Flooded hectares without a depth.
    median, deep : Count or None
        Median depth and 95th percentile, metres.
    people : Count or None
    people_classes : dict of Count, or None
    """

    flooded: Count
    permanent: float
    hidden: float
    low: float
    share: Count
    observed: float
    classes: dict[str, Count] | None = None
    unknown_depth: float = 0.0
    median: Count | None = None
    deep: Count | None = None
    people: Count | None = None
    people_classes: dict[str, Count] | None = None


def shape_numbers(frame: gpd.GeoDataFrame, grid: xr.DataArray) -> NDArray[np.int32]:
    """Row of the shape (population square, place, district) under each cell, -1 for none."""
    from rasterio.features import rasterize

    shapes = frame.geometry.to_crs(grid.rio.crs)
    return np.asarray(
        rasterize(
            zip(shapes, range(len(shapes)), strict=True),
            grid.shape,
            fill=-1,
            transform=grid.rio.transform(),
            dtype="int32",
        )
    )


def people_per_cell(cells: gpd.GeoDataFrame, grid: xr.DataArray) -> NDArray[np.float64]:
    """People in each cell of a grid, taken to live evenly over their 200 m square."""
    where = shape_numbers(cells, grid)
    hectare = abs(float(np.prod(grid.rio.resolution()))) / 1e4
    ind = cells["ind"].to_numpy(float)
    size = np.bincount(where[where >= 0], minlength=len(ind))
    # A square cut by the edge of the grid is still whole.
    full = cells.geometry.area.to_numpy() / 1e4 / hectare
    density = ind / np.maximum(np.maximum(size, full * 0.98), 1)
    return np.where(where >= 0, density[np.maximum(where, 0)], 0.0)


def assess(
    water: xr.Dataset,
    commune: Commune,
    inside: NDArray[np.bool_],
    cells: gpd.GeoDataFrame | NDArray[np.float64] | None = None,
) -> Assessment:
    """Figures of a commune from its water.

    Parameters
    ----------
    water : xarray.Dataset (y, x)
        ``flood`` (1, 0, 255), ``probability`` (NaN: no measurement), ``permanent``; with
        terrain ``depth`` (m), ``uncertainty`` (m) and ``low_ground`` (bool: below the
        water beside it and joined to it). Projected CRS, metres.
    commune : Commune
    inside : numpy.ndarray of bool
        Cells in the commune.
    cells : geopandas.GeoDataFrame, optional
        Population cells with ``ind`` people each, **taken to live evenly over a cell**. Or
        their :func:`people_per_cell`, for several states of the water on one grid.

    Returns
    -------
    Assessment

    Notes
    -----
    Bounds of an area do not take cells for independent: errors of a flood map are
    neighbours'. The low one counts what is sure (probability 0.8 or more), the high one
    what is possible: 0.2 or more, and low ground joined to the water, where trees, walls
    or grass may have hidden it from the sensor.
    """
    hectare = abs(float(np.prod(water["flood"].rio.resolution()))) / 1e4
    flood, p = water["flood"].values, water["probability"].values
    wet = (flood == 1) & inside
    measured = np.isfinite(p) & inside
    joined = np.zeros(wet.shape, bool)
    depth = sigma = None
    if "depth" in water:
        depth, sigma = water["depth"].values, water["uncertainty"].values
        joined = water["low_ground"].values & inside
    sure = wet & (p >= SURE)
    # What hysteresis dropped as specks is not flood: bounds move at the flood's rim.
    possible = wet | joined | (measured & (flood == 0) & (p >= POSSIBLE))
    area = Count(*(float(m.sum()) * hectare for m in (wet, sure, possible)))
    whole = commune.boundary_in(water.rio.crs).area / 1e4
    seen = min(float(measured.sum()) * hectare / whole, 1.0)
    ground = whole * max(seen, 1e-9)
    out = {
        "flooded": area,
        "permanent": float(((water["permanent"].values == 1) & inside).sum()) * hectare,
        "hidden": float(((flood == 255) & measured).sum()) * hectare,
        "low": float(joined.sum()) * hectare,
        "share": Count(*(min(v / ground, 1.0) for v in (area.value, area.low, area.high))),
        "observed": seen,
    }
    if depth is not None and sigma is not None:
        out |= _depths(depth, sigma, wet, hectare)
    if cells is not None and len(cells):
        density = (
            people_per_cell(cells, water["flood"]) if isinstance(cells, gpd.GeoDataFrame) else cells
        )

        def people(mask: NDArray[np.bool_]) -> float:
            return float(density[mask].sum())

        out["people"] = Count(people(wet), people(sure), people(possible))
        if depth is not None and sigma is not None:
            out["people_classes"] = _by_class(depth[wet], sigma[wet], density[wet])
    return Assessment(**out)


def _depths(
    depth: NDArray[np.float32],
    sigma: NDArray[np.float32],
    wet: NDArray[np.bool_],
    hectare: float,
) -> dict[str, object]:
    known = wet & np.isfinite(depth)
    found: dict[str, object] = {"unknown_depth": float((wet & ~known).sum()) * hectare}
    deep = depth[known]
    found["classes"] = _by_class(deep, sigma[known], np.full(deep.size, hectare))
    if known.any():
        spread = np.nan_to_num(sigma[known])
        for name, q in (("median", 50), ("deep", 95)):
            found[name] = Count(
                float(np.percentile(depth[known], q)),
                float(np.percentile(np.maximum(depth[known] - Z95 * spread, 0), q)),
                float(np.percentile(depth[known] + Z95 * spread, q)),
            )
    return found


def _by_class(
    depth: NDArray[np.float32], sigma: NDArray[np.float32], each: NDArray[np.float64]
) -> dict[str, Count]:
    """Sum of ``each`` by class; bounds if all depths are too low, or too high, together.

    All (cells,): wet cells only. A cell without a depth lies in no class.
    """
    spread = np.nan_to_num(sigma)
    shifted = [np.maximum(depth + np.float32(z) * spread, 0) for z in (0.0, -Z95, Z95)]
    out = {}
    for one in CLASSES:
        values = [float(each[(d >= one.low) & (d < one.high)].sum()) for d in shifted]
        out[one.name] = Count(values[0], min(values), max(values))
    return out
