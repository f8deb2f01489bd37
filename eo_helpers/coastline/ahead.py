"""Ahead, honestly: the strip that the past rate would take, as an extrapolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["HORIZON", "Ahead", "distances", "strip"]

Floats = NDArray[np.float64]
HORIZON = 2050


@dataclass(frozen=True, eq=False)
class Ahead:
    """The strip in the commune's CRS, the narrower and the wider one, and hectares with bounds."""

    area: Any
    area_low: Any
    area_high: Any
    hectares: float
    low: float
    high: float


def distances(profiles: gpd.GeoDataFrame, horizon: int = HORIZON) -> tuple[Floats, Floats, Floats]:
    """Retreat from the recent line to the horizon, metres: value, low, high.

    Parameters
    ----------
    profiles : GeoDataFrame
        ``rate, low, high`` (m a year), ``recent`` (year), ``inec_class``.
    horizon : int
        Year.

    Returns
    -------
    (value, low, high)
        0 where the coast is not perceptibly in retreat. An advance is not extrapolated: it
        takes nothing from anyone.

    Notes
    -----
    ``rate × (horizon - recent)``: the rate's error grows with the time, and is all the interval
    holds. No sea-level rise, no storm, no structure.
    """
    ahead = np.maximum(horizon - profiles["recent"].fillna(profiles["recent"].median()), 0)
    falls = (profiles["rate"] < 0) & (profiles["inec_class"] != "non_perceptible")
    out = []
    for column in ("rate", "high", "low"):
        speed = profiles[column].fillna(profiles["rate"]).to_numpy(float)
        metres = np.maximum(-speed, 0) * ahead.to_numpy(float)
        out.append(np.where(falls, metres, 0.0))
    return out[0], out[1], out[2]


def strip(profiles: gpd.GeoDataFrame, boundary: Any, horizon: int = HORIZON) -> Ahead:
    """The land within the extrapolated retreat.

    Parameters
    ----------
    profiles : GeoDataFrame
        As :func:`distances`, with ``length_m`` and polygons in the CRS of ``boundary``.
    boundary : Polygon or MultiPolygon
        The commune: its edge within a profile's polygon is taken for the recent shore (also
        the few metres that it shares with a neighbour there).

    Returns
    -------
    Ahead
        Area as retreat × length of coast. Bounds take all errors as one (an old photograph
        misplaced is so for all its profiles), and are wide on purpose.
    """
    value, low, high = distances(profiles, horizon)
    size = profiles["length_m"].to_numpy(float) / 10_000
    shapes, shore = np.asarray(profiles.geometry.values), shapely.boundary(boundary)

    def land(metres: Floats) -> Any:
        some = metres > 0
        if not some.any():
            return shapely.Polygon()
        edge = shapely.intersection(shapes[some], shore)
        return shapely.intersection(shapely.union_all(shapely.buffer(edge, metres[some])), boundary)

    areas = [land(metres) for metres in (value, low, high)]
    hectares = [float((metres * size).sum()) for metres in (value, low, high)]
    return Ahead(*areas, *hectares)
