"""Buildings and roads that the water reaches, with the height at which it stands there.

Methods on geometries and on the result of :func:`.depth.water_depth`; columns are those of
IGN's BD TOPO v3, matched without regard to case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput
from .reached import CLASSES, Count

__all__ = [
    "CUT",
    "Doorsteps",
    "RoadPoints",
    "buildings_reached",
    "by_class",
    "doorsteps",
    "road_points",
    "roads_cut",
]

#: Depth at which a road is cut, m: a car floats, and its driver no longer sees the road.
CUT = 0.3
#: 90 % of a normal law.
Z90 = 1.645
#: What stands, of BD TOPO's states: not what is planned or in ruin.
_STANDING = "en service"


def _column(frame: gpd.GeoDataFrame, name: str) -> str | None:
    return next((str(c) for c in frame.columns if str(c).lower() == name), None)


def _checked(frame: gpd.GeoDataFrame, water: Any, what: tuple[str, str]) -> gpd.GeoDataFrame:
    """What stands, in the CRS of the water."""
    if frame.crs is None:
        raise InvalidInput(
            f"{what[0]} n'ont pas de système de coordonnées : redonnez-leur le leur.",
            f"{what[1]} have no CRS: give them their own.",
        )
    kept = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    state = _column(kept, "etat_de_l_objet")
    if state:
        kept = kept[kept[state].isna() | (kept[state].astype(str).str.lower() == _STANDING)]
    return kept.to_crs(water.rio.crs)


@dataclass(frozen=True, eq=False)
class Doorsteps:
    """Cells within one cell of the walls of each building: worked out once for a grid.

    Attributes
    ----------
    standing : geopandas.GeoDataFrame
        Buildings that stand, in the CRS of the grid.
    row, at : int arrays of one length
        Row of ``standing`` and flat index of a cell beside it.
    """

    standing: gpd.GeoDataFrame
    row: NDArray[np.int64]
    at: NDArray[np.int64]

    def wet(self, depth: NDArray[Any]) -> NDArray[np.int64]:
        """Rows of the buildings with water at their walls."""
        return np.unique(self.row[depth.ravel()[self.at] > 0])


def doorsteps(buildings: gpd.GeoDataFrame, grid: xr.DataArray) -> Doorsteps:
    """Which cells of a grid lie at the walls of which building.

    Raises
    ------
    InvalidInput
        If the buildings have no CRS.
    """
    standing = _checked(buildings, grid, ("Les bâtiments", "The buildings"))
    shapes = standing.geometry.to_numpy()
    transform = grid.rio.transform()
    cell = float(np.sqrt(abs(transform.a * transform.e)))
    height, width = grid.shape[-2:]
    west, south, east, north = shapely.bounds(shapes).T
    left, top = ~transform * (west - cell, north + cell)
    right, bottom = ~transform * (east + cell, south - cell)
    left, top = np.maximum(np.floor([left, top]), 0).astype(np.int64)
    right = np.minimum(np.ceil(right), width).astype(np.int64)
    bottom = np.minimum(np.ceil(bottom), height).astype(np.int64)
    across, down = np.maximum(right - left, 0), np.maximum(bottom - top, 0)
    count = across * down
    # Every cell of each building's box, then those that are near its walls.
    row = np.repeat(np.arange(len(shapes)), count)
    rank = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    line = top[row] + rank // np.maximum(across[row], 1)
    col = left[row] + rank % np.maximum(across[row], 1)
    x, y = transform * (col + 0.5, line + 0.5)
    # Arcs of 16 pieces a quarter: the edge is off by some millimetres of a 5 m cell.
    around = shapely.buffer(shapes, cell, quad_segs=16)
    shapely.prepare(around)
    near = shapely.contains_xy(around[row], x, y)
    return Doorsteps(standing, row[near], (line * width + col)[near])


def buildings_reached(
    buildings: gpd.GeoDataFrame | Doorsteps, water: xr.Dataset
) -> gpd.GeoDataFrame:
    """Buildings with water at their walls.

    Parameters
    ----------
    buildings : geopandas.GeoDataFrame
        Footprints; ``etat_de_l_objet``, where it is there, other than « En service » is
        left out. Or their :func:`doorsteps`, for several states of the water on one grid.
    water : xarray.Dataset (y, x)
        ``depth`` and ``uncertainty``, m, projected CRS.

    Returns
    -------
    geopandas.GeoDataFrame
        Rows of ``buildings`` that are reached, in the CRS of ``water``, with ``depth``
        (m above the bare ground, median of the wet cells within one cell of the walls:
        the water that a person at the door sees), ``depth_low`` and ``depth_high`` (90 %)
        and ``depth_class`` (names of :data:`.reached.CLASSES`). Floors raised above the
        ground are not known.

    Raises
    ------
    InvalidInput
        If the buildings have no CRS.
    """
    if not isinstance(buildings, Doorsteps):
        buildings = doorsteps(buildings, water["depth"])
    depth, sigma = water["depth"].values.ravel(), water["uncertainty"].values.ravel()
    wet = depth[buildings.at] > 0
    at = buildings.at[wet]
    found = pd.DataFrame(
        {"row": buildings.row[wet], "depth": depth[at], "sigma": np.nan_to_num(sigma[at])}
    )
    found = found.groupby("row").median()
    return _told(buildings.standing.iloc[found.index.to_numpy()], found)


def _told(rows: gpd.GeoDataFrame, found: pd.DataFrame) -> gpd.GeoDataFrame:
    """Rows with their depth, its bounds and its class."""
    out = rows.copy()
    depth, sigma = found["depth"].to_numpy(float), found["sigma"].to_numpy(float)
    out["depth"] = depth
    out["depth_low"] = np.maximum(depth - Z90 * sigma, 0)
    out["depth_high"] = depth + Z90 * sigma
    edges = [c.low for c in CLASSES[1:]]
    names = np.array([c.name for c in CLASSES])
    out["depth_class"] = names[np.digitize(depth, edges)] if len(out) else []
    return out


def by_class(reached: gpd.GeoDataFrame, weight: str | None = None) -> dict[str, Count]:
    """How many are reached by each class of height, with bounds.

    Parameters
    ----------
    reached : geopandas.GeoDataFrame
        From :func:`buildings_reached` or :func:`roads_cut`.
    weight : str, optional
        Column that is summed (``nombre_de_logements``, ``wet_length``) instead of counting.

    Returns
    -------
    dict of Count
        By names of :data:`.reached.CLASSES`; bounds where all depths are too low together,
        or too high: errors of one flood's surface are common to its neighbours.
    """
    column = None if weight is None else _column(reached, weight)
    size = np.ones(len(reached)) if column is None else reached[column].fillna(0).to_numpy(float)
    out = {}
    for one in CLASSES:
        values = [
            float(size[(reached[d] >= one.low) & (reached[d] < one.high)].sum())
            for d in ("depth", "depth_low", "depth_high")
        ]
        out[one.name] = Count(values[0], min(values), max(values))
    return out


@dataclass(frozen=True, eq=False)
class RoadPoints:
    """Middles of short pieces of roads, and the cell below each: worked out once for a grid.

    Attributes
    ----------
    standing : geopandas.GeoDataFrame
        Roads on the ground, in the CRS of the grid.
    row, at : int arrays of one length
        Row of ``standing`` and flat index of the cell.
    length : float array
        Of each piece, m.
    """

    standing: gpd.GeoDataFrame
    row: NDArray[np.int64]
    at: NDArray[np.int64]
    length: NDArray[np.float64]


def road_points(roads: gpd.GeoDataFrame, grid: xr.DataArray) -> RoadPoints:
    """Where roads pass on a grid; bridges and tunnels are left out.

    Raises
    ------
    InvalidInput
        If the roads have no CRS.
    """
    standing = _checked(roads, grid, ("Les routes", "The roads"))
    level = _column(standing, "position_par_rapport_au_sol")
    if level:
        ground = pd.to_numeric(standing[level], errors="coerce").fillna(0) == 0
        standing = standing[ground]
    height, width = grid.shape[-2:]
    transform = grid.rio.transform()
    step = float(np.sqrt(abs(transform.a * transform.e))) / 2
    lines = standing.geometry.to_numpy()
    count = np.maximum(np.ceil(shapely.length(lines) / step).astype(int), 1)
    row = np.repeat(np.arange(len(lines)), count)
    # Middles of equal pieces of each line, no longer than half a cell.
    rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    piece = (shapely.length(lines) / count)[row]
    places = shapely.get_coordinates(
        shapely.line_interpolate_point(lines[row], piece * (rank + 0.5))
    )
    col, line = ~transform * places.T
    col, line = np.floor(col).astype(int), np.floor(line).astype(int)
    inside = (line >= 0) & (line < height) & (col >= 0) & (col < width)
    at = (line * width + col)[inside]
    return RoadPoints(standing, row[inside], at, piece[inside])


def roads_cut(
    roads: gpd.GeoDataFrame | RoadPoints, water: xr.Dataset, threshold: float = CUT
) -> gpd.GeoDataFrame:
    """Roads under water, and whether they are cut.

    Parameters
    ----------
    roads : geopandas.GeoDataFrame
        Lines. Bridges and tunnels (``position_par_rapport_au_sol`` other than 0) are left
        out: the terrain says nothing of them. Or their :func:`road_points`.
    water : xarray.Dataset (y, x)
        ``depth`` and ``uncertainty``, m, projected CRS.
    threshold : float
        Depth from which a road is cut, m.

    Returns
    -------
    geopandas.GeoDataFrame
        Rows of ``roads`` with some water, in the CRS of ``water``, with ``wet_length`` (m),
        ``depth`` (the deepest on the way, m), ``depth_low``, ``depth_high`` (90 %),
        ``depth_class``, ``cut`` (bool) and ``surely_cut`` (even at the low bound).

    Raises
    ------
    InvalidInput
        If the roads have no CRS.
    """
    if not isinstance(roads, RoadPoints):
        roads = road_points(roads, water["depth"])
    standing = roads.standing
    depth, sigma = water["depth"].values.ravel(), water["uncertainty"].values.ravel()
    wet = depth[roads.at] > 0
    at = roads.at[wet]
    table = pd.DataFrame(
        {
            "row": roads.row[wet],
            "depth": depth[at],
            "sigma": np.nan_to_num(sigma[at]),
            "length": roads.length[wet],
        }
    )
    if table.empty:
        found = pd.DataFrame({"depth": [], "sigma": [], "length": []})
        kept = standing.iloc[:0]
    else:
        groups = table.groupby("row")
        found = table.loc[groups["depth"].idxmax()].set_index("row")
        found["length"] = groups["length"].sum()
        kept = standing.iloc[found.index.to_numpy()]
    out = _told(kept, found)
    out["wet_length"] = found["length"].to_numpy(float)
    out["cut"] = out["depth"] >= threshold
    out["surely_cut"] = out["depth_low"] >= threshold
    return out
