"""The sectors that are compared, and what each criterion measures there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..flood.terrain import cell_size, drainage, slope
from ..lcz.people import People
from ..lcz.schema import SENSITIVITIES, sensitivity_of
from .criteria import Array

__all__ = [
    "LEAST_MINERAL",
    "check_units",
    "measured",
    "share_of",
    "terrain_of",
    "units_of",
    "vetoes_of",
]

#: A block with less mineral ground than this (m²) has nothing to deseal.
LEAST_MINERAL = 400.0
#: Points by which a rate of the LCZ map may be wrong (SPOT classification at 1.5 m).
RATE = 5.0
#: Upslope area is known to a factor: culverts and kerbs are not in the terrain.
RUNOFF = 1.5
#: Cells that drainage is worked out on.
MOST_CELLS = 600_000


def check_units(units: gpd.GeoDataFrame) -> None:
    """Units must not overlap: ground would be counted twice.

    Raises
    ------
    InvalidInput
        If more than 1 % of a unit lies in another, or there is none.
    """
    if units.empty:
        raise InvalidInput("Aucun secteur : la couche est vide.", "No sector: the layer is empty.")
    shapes = units.geometry.to_numpy()
    one, two = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    inside, around = shapely.STRtree(shapes).query(shapes, predicate="within")
    pairs = np.column_stack([np.concatenate([one, inside]), np.concatenate([two, around])])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    if not len(pairs):
        return
    common = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    least = np.minimum(shapely.area(shapes[pairs[:, 0]]), shapely.area(shapes[pairs[:, 1]]))
    bad = common > 0.01 * least
    if bad.any():
        count = len({tuple(sorted(p)) for p in pairs[bad].tolist()})
        raise InvalidInput(
            f"{count} paire(s) de secteurs se recouvrent (par exemple les lignes "
            f"{pairs[bad][0][0]} et {pairs[bad][0][1]}) : donnez des secteurs qui se touchent sans "
            "se recouvrir.",
            f"{count} pair(s) of sectors overlap (such as rows {pairs[bad][0][0]} and "
            f"{pairs[bad][0][1]}): give sectors that touch without overlapping.",
        )


def units_of(blocks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Blocks with mineral ground to deseal, and what their own indicators tell.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns them from a map with Cerema's indicators.

    Returns
    -------
    geopandas.GeoDataFrame
        The blocks' columns, ``mineral_m2`` and, with bounds, ``impervious`` and ``canopy``
        (% of the block) and ``heat`` (rank, 0-4; « variable » is unknown).

    Raises
    ------
    InvalidInput
        If the map has no indicators.
    """
    missing = {"ror", "ver", "vhr", "bur"} - set(blocks.columns)
    if missing:
        raise InvalidInput(
            f"La carte des îlots n'a pas {', '.join(sorted(missing))} : il faut les indicateurs du "
            "Cerema (carte publiée, ou eo-helpers lcz produce).",
            f"The map of blocks has no {', '.join(sorted(missing))}: Cerema's indicators are "
            "needed (the published map, or eo-helpers lcz produce).",
        )
    out = blocks.copy()
    mineral = out["ror"].to_numpy(float)
    out["mineral_m2"] = out["area_m2"].to_numpy(float) * mineral / 100
    out = out[(out["mineral_m2"] >= LEAST_MINERAL) & (out["bur"].fillna(0) + out["ror"] > 20)]
    out = out.reset_index(drop=True)
    mineral = out["ror"].to_numpy(float)
    out["impervious"] = mineral
    out["impervious_low"] = np.maximum(mineral - RATE, 0)
    out["impervious_high"] = np.minimum(mineral + RATE, 100)
    green, trees = out["ver"].to_numpy(float), np.nan_to_num(out["vhr"].to_numpy(float))
    canopy = green * trees / 100
    out["canopy"] = canopy
    out["canopy_low"] = np.maximum(canopy - RATE, 0)
    out["canopy_high"] = np.minimum(canopy + RATE, 100)
    ranks = {n: s.rank for n, s in SENSITIVITIES.items()}
    rank = [ranks.get(s) if isinstance(s, str) else None for s in sensitivity_of(out["lcz"])]
    out["heat"] = np.array([np.nan if r is None else float(r) for r in rank])
    return out


def measured(units: gpd.GeoDataFrame, people: People) -> None:
    """Add ``people`` (per hectare) with both ways to spread them as its bounds."""
    hectares = units["area_m2"].to_numpy(float) / 1e4
    even, built = people.even["people"].people, people.built["people"].people
    units["people"] = even / hectares
    units["people_low"] = np.minimum(even, built) / hectares
    units["people_high"] = np.maximum(even, built) / hectares
    units["people_count"] = even


def share_of(units: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> Array:
    """Part of each unit (0-1) that some zone covers; zones may overlap one another."""
    shapes = units.geometry.to_numpy()
    if zones.empty:
        return np.zeros(len(units))
    unit, zone = shapely.STRtree(zones.geometry.to_numpy()).query(shapes, predicate="intersects")
    parts = shapely.intersection(shapes[unit], zones.geometry.to_numpy()[zone])
    out = np.zeros(len(units))
    for k in np.unique(unit):
        out[k] = shapely.area(shapely.union_all(parts[unit == k])) / shapely.area(shapes[k])
    return out


def terrain_of(
    units: gpd.GeoDataFrame, dem: xr.DataArray, sealed: gpd.GeoDataFrame, column: str
) -> None:
    """Add ``slope`` (%) and ``runoff`` (ha of sealed ground upslope), with bounds.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    dem : xarray.DataArray (y, x)
        Heights, m, in the CRS of the units.
    sealed : geopandas.GeoDataFrame
        Blocks with ``column``, % of their ground that is built or mineral.

    Notes
    -----
    Water goes down the drainage tree of the bare ground (:func:`eo_helpers.flood.terrain.
    drainage`): kerbs, walls and pipes are not in it. The bounds are a factor of 1.5 both ways.
    """
    from rasterio.features import rasterize

    factor = max(1, int(np.ceil(np.sqrt(dem.size / MOST_CELLS))))
    coarse = dem.coarsen(y=factor, x=factor, boundary="pad").mean() if factor > 1 else dem
    coarse = coarse.rio.write_crs(dem.rio.crs)
    heights = coarse.values
    width, height = cell_size(dem)
    cell = (width * factor, height * factor)
    transform = coarse.rio.transform(recalc=True)

    def burn(shapes: Any, values: Any) -> NDArray[np.float64]:
        pairs = zip(shapes, values, strict=True)
        return np.asarray(
            rasterize(pairs, heights.shape, fill=-1, transform=transform, dtype="float64")
        )

    share = burn(sealed.geometry, sealed[column].fillna(0) / 100)
    share[share < 0] = 0.0
    hectare = cell[0] * cell[1] / 1e4
    fed = drainage(heights).accumulated(share * hectare)
    number = burn(units.geometry, np.arange(len(units), dtype=float)).astype(int)
    steep = 100 * np.tan(np.radians(slope(heights, cell)))
    here = (number >= 0) & np.isfinite(fed)
    units["slope"] = _by_unit(number[here], steep[here], len(units), np.median)
    units["slope_low"], units["slope_high"] = np.maximum(units["slope"] - 1, 0), units["slope"] + 1
    # What enters a block is what passes its lowest way out, less what falls on it.
    most = _by_unit(number[here], fed[here], len(units), np.max)
    own = np.bincount(number[here], (share * hectare)[here], minlength=len(units))
    received = np.maximum(most - own, 0.0)
    units["runoff"] = received
    units["runoff_low"], units["runoff_high"] = received / RUNOFF, received * RUNOFF


def _by_unit(
    number: NDArray[Any], values: NDArray[Any], count: int, how: Any
) -> NDArray[np.float64]:
    """One figure of the cells of each unit; NaN where it has none."""
    known = np.isfinite(values)
    number, values = number[known], values[known]
    order = np.argsort(number, kind="stable")
    units, starts = np.unique(number[order], return_index=True)
    out = np.full(count, np.nan)
    for unit, part in zip(units, np.split(values[order], starts[1:]), strict=True):
        out[unit] = how(part)
    return out


def vetoes_of(
    units: gpd.GeoDataFrame, hazards: gpd.GeoDataFrame | None, checked: Collection[str]
) -> None:
    """Add ``veto_<name>``: True where more than a fifth of the unit lies in the hazard."""
    for name in checked:
        zones = hazards[hazards["veto"] == name] if hazards is not None else None
        covered = share_of(units, zones) if zones is not None else np.zeros(len(units))
        units[f"veto_{name}"] = covered > 0.2
    if "slope" in units:
        units["veto_steep"] = units["slope"] > 10.0
