"""The marks of a map (the letter of each block) as one picture laid over it.

A marker for each would cost two widgets a letter; an SVG picture costs one in all. Its
letters stand at shares of its width and height and have a size in pixels, so that they
follow their blocks and stay readable at every zoom.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from .framing import latitude, mercator

__all__ = ["marks"]

#: Room around the outermost marks, as a share of their extent: a letter is not cut in two.
_ROOM = 0.1

_STYLE = (
    "text{font:700 12px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;"
    "text-anchor:middle;dominant-baseline:central;fill:#161616;stroke:#fff;stroke-width:3px;"
    "stroke-linejoin:round;paint-order:stroke}"
)


def marks(labels: Sequence[Sequence[float | str]]) -> tuple[str, list[list[float]]] | None:
    """The picture as a data URI, and its ``[[south, west], [north, east]]`` in degrees.

    Parameters
    ----------
    labels : sequence of (lat, lon, mark)
        Degrees, EPSG:4326, and the text to write there.

    Returns
    -------
    tuple or None
        None where there is nothing to write.
    """
    if not labels:
        return None
    east_of = [float(lon) for _, lon, _ in labels]
    north_of = [mercator(float(lat)) for lat, _, _ in labels]
    west, east = _widened(min(east_of), max(east_of), 1e-3)
    bottom, top = _widened(min(north_of), max(north_of), 1e-3 / 360)
    written = "".join(
        f'<text x="{100 * (x - west) / (east - west):.3f}%" '
        f'y="{100 * (top - y) / (top - bottom):.3f}%">{escape(str(mark))}</text>'
        for x, y, (_, _, mark) in zip(east_of, north_of, labels, strict=True)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%">'
        f"<style>{_STYLE}</style>{written}</svg>"
    )
    data = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return data, [[latitude(bottom), west], [latitude(top), east]]


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    room = max((high - low) * _ROOM, least)
    return low - room, high + room
