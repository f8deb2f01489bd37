"""Buildings and roads that the water reaches, with the height at which it stands there.

Methods on geometries and on the result of :func:`.depth.water_depth`; columns are those of
IGN's BD TOPO v3, matched without regard to case.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput
from .reached import CLASSES, Count

__all__ = ["CUT", "buildings_reached", "by_class", "roads_cut"]

#: Depth at which a road is cut, m: a car floats, and its driver no longer sees the road.
CUT = 0.3
#: 90 % of a normal law.
Z90 = 1.645
#: What stands, of BD TOPO's states: not what is planned or in ruin.
_STANDING = "en service"


def _column(frame: gpd.GeoDataFrame, name: str) -> str | None:
    return next((str(c) for c in frame.columns if str(c).lower() == name), None)


def _checked(frame: gpd.GeoDataFrame, water: xr.Dataset, what: tuple[str, str]) -> gpd.GeoDataFrame:
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


def _wet_cells(water: xr.Dataset) -> tuple[NDArray, NDArray, NDArray, float]:
    """Centres of wet cells, their depth and its standard deviation (m), and a cell's side."""
    depth, sigma = water["depth"].values, water["uncertainty"].values
    rows, cols = np.nonzero(depth > 0)
    transform = water["depth"].rio.transform()
    x, y = transform * (cols + 0.5, rows + 0.5)
    cell = float(np.sqrt(abs(transform.a * transform.e)))
    return np.column_stack([x, y]), depth[rows, cols], np.nan_to_num(sigma[rows, cols]), cell


def buildings_reached(buildings: gpd.GeoDataFrame, water: xr.Dataset) -> gpd.GeoDataFrame:
    """Buildings with water at their walls.

    Parameters
    ----------
    buildings : geopandas.GeoDataFrame
        Footprints; ``etat_de_l_objet``, where it is there, other than « En service » is
        left out.
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
    standing = _checked(buildings, water, ("Les bâtiments", "The buildings"))
    points, depth, sigma, cell = _wet_cells(water)
    if not len(points) or standing.empty:
        return _told(standing.iloc[:0], pd.DataFrame({"depth": [], "sigma": []}))
    tree = shapely.STRtree(shapely.points(points))
    which, at = tree.query(standing.geometry.to_numpy(), predicate="dwithin", distance=cell)
    found = (
        pd.DataFrame({"row": which, "depth": depth[at], "sigma": sigma[at]}).groupby("row").median()
    )
    return _told(standing.iloc[found.index.to_numpy()], found)


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


def roads_cut(
    roads: gpd.GeoDataFrame, water: xr.Dataset, threshold: float = CUT
) -> gpd.GeoDataFrame:
    """Roads under water, and whether they are cut.

    Parameters
    ----------
    roads : geopandas.GeoDataFrame
        Lines. Bridges and tunnels (``position_par_rapport_au_sol`` other than 0) are left
        out: the terrain says nothing of them.
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
    standing = _checked(roads, water, ("Les routes", "The roads"))
    level = _column(standing, "position_par_rapport_au_sol")
    if level:
        ground = pd.to_numeric(standing[level], errors="coerce").fillna(0) == 0
        standing = standing[ground]
    depth, sigma = water["depth"].values, water["uncertainty"].values
    transform = water["depth"].rio.transform()
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
    inside = (line >= 0) & (line < depth.shape[0]) & (col >= 0) & (col < depth.shape[1])
    at = np.where(inside, line * depth.shape[1] + col, 0)
    here = np.where(inside, np.nan_to_num(depth.ravel()[at]), 0)
    table = pd.DataFrame(
        {"row": row, "depth": here, "sigma": np.nan_to_num(sigma.ravel()[at]), "length": piece}
    )[here > 0]
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
