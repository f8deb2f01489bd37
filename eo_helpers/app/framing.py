"""Where a map must stand so that a commune fills it: Web Mercator arithmetic."""

from __future__ import annotations

import math

__all__ = ["center_zoom", "latitude", "map_width", "mercator"]

#: Width of the world at zoom 0, in pixels.
_WORLD = 256.0

#: Free space kept around the commune, as a share of the map.
_MARGIN = 0.06

#: Heights and gaps of style.css, in pixels; the second where a theme has the page to itself.
MAP_HEIGHT, WIDE_MAP_HEIGHT = 320, 520
_PAGE, _GUTTER, _EDGE = 1440, 24, 24


def map_width(viewport: int, most: int = 3) -> int:
    """Width of one map on a page that is ``viewport`` pixels wide (see style.css).

    ``most`` is the number of columns that a wide page has.
    """
    columns = min(most, 3 if viewport >= 1080 else 2 if viewport >= 720 else 1)
    edge = _EDGE if viewport >= 720 else 16
    inside = min(viewport, _PAGE) - 2 * edge
    return max(200, round((inside - (columns - 1) * _GUTTER) / columns))


def mercator(lat: float) -> float:
    """Northing as a share of the world, from latitude in degrees."""
    lat = max(min(lat, 85.0), -85.0)
    return math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)


def latitude(north: float) -> float:
    """The inverse of :func:`mercator`."""
    return math.degrees(2 * math.atan(math.exp(north * 2 * math.pi)) - math.pi / 2)


def center_zoom(
    bounds: list[list[float]], width: int, height: int, step: float = 0.25
) -> tuple[tuple[float, float], float]:
    """Centre (lat, lon) and zoom at which ``bounds`` [[s, w], [n, e]] fit in the map.

    Parameters
    ----------
    bounds : list
        ``[[south, west], [north, east]]`` in degrees.
    width, height : int
        Size of the map in pixels.
    step : float
        Zoom levels are multiples of it.

    Source: https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames (Web Mercator).
    """
    (south, west), (north, east) = bounds
    bottom, top = mercator(south), mercator(north)
    center = (latitude((bottom + top) / 2), (west + east) / 2)
    share_x = max((east - west) / 360, 1e-9)
    share_y = max(top - bottom, 1e-9)
    room = 1 - 2 * _MARGIN
    zoom = math.log2(min(width * room / (_WORLD * share_x), height * room / (_WORLD * share_y)))
    return center, max(1.0, min(18.0, math.floor(zoom / step) * step))
