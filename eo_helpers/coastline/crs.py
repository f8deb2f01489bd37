"""The projected CRS in which distances on a coast are true metres."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyproj import CRS, Proj

from ..errors import InvalidInput
from ..territory.commune import official_crs

__all__ = ["LARGEST_DISTORTION", "check_coordinates", "in_metres", "measuring_crs"]

#: Departure of the scale from 1 that a length may carry. Lambert-93 stays under 0.3 % on land;
#: web maps (EPSG:3857) lengthen by 40 % at 45° N.
LARGEST_DISTORTION = 0.01
#: One commune of each official CRS, from the mainland to Saint-Pierre-et-Miquelon.
_OFFICIAL = tuple(
    CRS.from_user_input(official_crs(code))
    for code in ("33236", "97101", "97302", "97411", "97608", "97502")
)


def check_coordinates(frame: Any, what: str) -> None:
    """Refuse geometries whose numbers are not of their CRS: no later figure would be right.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
    what : str
        What they are, for the message (« les traits de côte »).

    Raises
    ------
    InvalidInput
        If there is no geometry or no CRS, or degrees are given as metres or the contrary.
    """
    if not len(frame) or bool((frame.geometry.isna() | frame.geometry.is_empty).all()):
        raise InvalidInput(
            f"{what} : le fichier ne contient aucune géométrie.",
            f"{what}: the file holds no geometry.",
        )
    if frame.crs is None:
        raise InvalidInput(
            f"{what} : sans système de coordonnées, on ne sait pas où se trouvent les lignes ; "
            "redonnez-leur le leur (dans QGIS : Définir la projection).",
            f"{what}: no CRS, so there is no telling where the lines lie; give them theirs.",
        )
    west, south, east, north = frame.total_bounds
    degrees = west >= -180 and east <= 360 and south >= -90 and north <= 90
    if frame.crs.is_projected and degrees:
        raise InvalidInput(
            f"{what} : les coordonnées ({west:.4g}, {south:.4g}) sont des degrés alors que le "
            f"fichier les dit en mètres ({frame.crs.to_string()}) ; redonnez-lui EPSG:4326.",
            f"{what}: coordinates ({west:.4g}, {south:.4g}) are degrees where the file says "
            f"metres ({frame.crs.to_string()}); give it EPSG:4326.",
        )
    if frame.crs.is_geographic and not degrees:
        raise InvalidInput(
            f"{what} : les coordonnées ({west:.6g}, {south:.6g}) ne sont pas des degrés alors que "
            f"le fichier le dit ({frame.crs.to_string()}) ; redonnez-lui son système en mètres.",
            f"{what}: coordinates ({west:.6g}, {south:.6g}) are no degrees where the file says so "
            f"({frame.crs.to_string()}); give it its own CRS in metres.",
        )


def _true_to_scale(crs: CRS, lon: float, lat: float) -> bool:
    """Whether a length in this CRS is a length on the ground, there."""
    if not crs.is_projected or any(a.unit_conversion_factor != 1 for a in crs.axis_info[:2]):
        return False
    factors = Proj(crs).get_factors(lon, lat)
    scales = np.array([factors.meridional_scale, factors.parallel_scale])
    return bool(np.isfinite(scales).all() and np.abs(scales - 1).max() <= LARGEST_DISTORTION)


def measuring_crs(*frames: Any) -> CRS:
    """The CRS in which a coast is measured.

    The first CRS of ``frames`` whose lengths are true there; else the official one of the
    French territory; else the UTM zone.

    Parameters
    ----------
    frames : geopandas.GeoDataFrame
        What is to be measured, most important first.

    Returns
    -------
    pyproj.CRS
        Projected, in metres.

    Notes
    -----
    Official CRS: décret n° 2000-1276 as amended in 2019.
    """
    west, south, east, north = frames[0].to_crs("EPSG:4326").total_bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    for frame in frames:
        if _true_to_scale(frame.crs, lon, lat):
            return CRS.from_user_input(frame.crs)
    for crs in _OFFICIAL:
        area = crs.area_of_use
        if area and area.west <= lon <= area.east and area.south <= lat <= area.north:
            return crs
    return CRS.from_user_input(frames[0].estimate_utm_crs())


def in_metres(frame: Any, what: str) -> Any:
    """A layer, checked, in :func:`measuring_crs`."""
    check_coordinates(frame, what)
    return frame.to_crs(measuring_crs(frame))
