"""Transects drawn across a shore: perpendicular to its smoothed line, none crossing another."""

from __future__ import annotations

from typing import Any, Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..errors import InvalidInput
from .crs import in_metres

__all__ = ["SPACING", "angles_between", "crossing_pairs", "draw_transects", "smooth_line"]

Floats = NDArray[np.float64]
Side = Literal["left", "right"]

#: Spacing of INEC's profiles, metres.
SPACING = 200.0
#: How far a transect may be turned from the perpendicular so that it does not meet another.
LARGEST_TURN = 30.0
#: Share of the way to another transect, or to another shore, that one may go.
_SHORT_OF = 0.98
#: A transect that would be shorter than this on either side of the shore is not drawn, metres.
_LEAST_HALF = 5.0


def smooth_line(line: shapely.LineString, scale: float) -> shapely.LineString:
    """A line without its detail under ``scale``.

    Parameters
    ----------
    line : LineString
        In metres. A closed ring stays closed.
    scale : float
        Standard deviation of the Gaussian, metres along the line; 0 leaves the line as it is.

    Returns
    -------
    LineString
        Vertices at most a quarter of ``scale`` apart.

    Notes
    -----
    Ends are mirrored through the end point, so that the line neither shrinks nor turns there.
    """
    if scale <= 0:
        return line
    steps = max(int(np.ceil(line.length / (scale / 4))), 8)
    along = np.linspace(0, line.length, steps + 1)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    sigma = scale / (line.length / steps)
    if line.is_ring:
        out = gaussian_filter1d(xy[:-1], sigma, axis=0, mode="wrap")
        return shapely.LineString(np.vstack([out, out[:1]]))
    pad = min(int(4 * sigma) + 1, steps)
    before = 2 * xy[0] - xy[pad:0:-1]
    after = 2 * xy[-1] - xy[-2 : -pad - 2 : -1]
    out = gaussian_filter1d(np.vstack([before, xy, after]), sigma, axis=0, mode="nearest")
    return shapely.LineString(out[pad : pad + len(xy)])


def _stations(line: shapely.LineString, spacing: float) -> tuple[Floats, Floats, Floats]:
    """Distance along the line, position and unit tangent of each transect's place."""
    # Each stands in the middle of its own length of shore; what is left over is shared by both
    # ends, so that none stands on the very end of the line.
    count = max(int(line.length / spacing + 1e-9), 1)
    start = 0.0 if line.is_ring else (line.length - (count - 1) * spacing) / 2
    along = np.asarray(start + np.arange(max(count, 1)) * spacing, dtype=float)
    at: Floats = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    reach = min(spacing / 4, line.length / 4)
    ahead, back = along + reach, along - reach
    if line.is_ring:
        ahead, back = ahead % line.length, back % line.length
    ends = [
        shapely.get_coordinates(
            shapely.line_interpolate_point(line, np.clip(where, 0, line.length))
        )
        for where in (ahead, back)
    ]
    tangent = ends[0] - ends[1]
    return along, at, np.asarray(tangent / np.hypot(*tangent.T)[:, None])


def crossing_pairs(lines: NDArray[Any]) -> NDArray[np.intp]:
    """Pairs ``i < j`` of lines that touch or cross, shape (n, 2)."""
    pairs = shapely.STRtree(lines).query(lines, predicate="intersects").T
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]])


def _relax(
    at: Floats, angle: Floats, halves: tuple[float, float], ring: bool, part: NDArray[np.intp]
) -> Floats:
    """Turn neighbours that cross towards a common direction, by at most ``LARGEST_TURN``."""
    first = angle.copy()
    limit = np.deg2rad(LARGEST_TURN)
    for _ in range(60):
        pairs = crossing_pairs(_segments(at, angle, *halves))
        near = pairs[part[pairs[:, 0]] == part[pairs[:, 1]]] if len(pairs) else pairs
        if not len(near):
            break
        touched = np.zeros(len(at), bool)
        touched[near.ravel()] = True
        unit = np.column_stack([np.cos(angle), np.sin(angle)])
        mean = gaussian_filter1d(unit, 1.0, axis=0, mode="wrap" if ring else "nearest")
        turned = np.arctan2(mean[:, 1], mean[:, 0])
        step = _wrapped(turned - first).clip(-limit, limit)
        moved = np.where(touched, first + step, angle)
        if np.abs(_wrapped(moved - angle)).max() < 1e-4:
            break
        angle = moved
    return angle


def _wrapped(angle: Floats) -> Floats:
    """Angles within ±π."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _segments(at: Floats, angle: Floats, landward: Any, seaward: Any) -> NDArray[Any]:
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    back = np.broadcast_to(landward, len(at))[:, None]
    out = np.broadcast_to(seaward, len(at))[:, None]
    ends = np.stack([at - unit * back, at + unit * out], axis=1)
    return np.asarray(shapely.linestrings(ends))


def _trim(at: Floats, angle: Floats, half: Floats, shores: NDArray[Any]) -> Floats:
    """Shorten halves so that no transect meets another, nor a second shore beyond its half-way.

    ``half`` has shape (n, 2): landward and seaward lengths.
    """
    half = half.copy()
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    for column, sign in ((0, -1.0), (1, 1.0)):
        # Past this the transect would leave its own beach for another one.
        start = at + sign * unit * _LEAST_HALF
        rays = shapely.linestrings(
            np.stack([start, at + sign * unit * 2 * half[:, column, None]], axis=1)
        )
        shore, ray = shapely.STRtree(rays).query(shores, predicate="intersects")
        met = shapely.intersection(rays[ray], shores[shore])
        far = shapely.distance(met, shapely.points(at[ray]))
        np.minimum.at(half[:, column], ray, far / 2)
    pairs = crossing_pairs(_segments(at, angle, half[:, 0], half[:, 1]))
    if not len(pairs):
        return half
    one, two = pairs.T
    lines = _segments(at, angle, half[:, 0], half[:, 1])
    met_xy = shapely.get_coordinates(shapely.centroid(shapely.intersection(lines[one], lines[two])))
    along = [((met_xy - at[k]) * unit[k]).sum(1) for k in (one, two)]
    # The one that meets the other farther from its shore loses less: it is the one cut.
    cut_one = np.abs(along[0]) >= np.abs(along[1])
    for k, where, cut in ((one, along[0], cut_one), (two, along[1], ~cut_one)):
        side = (where > 0).astype(int)
        np.minimum.at(half, (k[cut], side[cut]), np.abs(where[cut]) * _SHORT_OF)
    return half


def draw_transects(
    reference: gpd.GeoDataFrame,
    *,
    spacing: float = SPACING,
    landward: float = 150.0,
    seaward: float = 200.0,
    sea: Side = "right",
    smooth: float | None = None,
) -> gpd.GeoDataFrame:
    """Transects perpendicular to a reference shoreline, from land to sea.

    Parameters
    ----------
    reference : GeoDataFrame
        One or more lines, any CRS. Rings are islands: the sea lies outside.
    spacing : float
        Distance between transects along the smoothed line, metres.
    landward, seaward : float
        Length on either side of the line, metres.
    sea : {"right", "left"}
        Side of the sea for one who follows the line (``natural=coastline`` of
        OpenStreetMap: right).
    smooth : float, optional
        Scale under which the shore's detail does not turn a transect, metres; by default
        half of ``spacing``, 25 m at least.

    Returns
    -------
    GeoDataFrame
        In metres (:func:`.crs.measuring_crs`): ``transect`` (text, from 1), ``along_m`` (along
        the smoothed line), ``turn_deg`` (from the perpendicular), ``landward_m``,
        ``seaward_m`` (lengths that remain), and the lines from land to sea. No two of
        them meet. A place where neither side keeps five metres has none.

    Raises
    ------
    InvalidInput
        If the spacing is not positive or the line is shorter than it.

    Notes
    -----
    Where perpendiculars cross (bays, spits), neighbours are first turned towards each other,
    by 30° at most, then the one that meets the other farther from its own shore is cut short.
    A transect goes at most half of the way to another shore.
    """
    if not (spacing > 0 and landward > 0 and seaward > 0):
        raise InvalidInput(
            "L'espacement et les longueurs des transects doivent être positifs, en mètres.",
            "Spacing and lengths of transects must be positive, in metres.",
        )
    frame = in_metres(reference, "Ligne de référence")
    merged = shapely.line_merge(shapely.union_all(frame.geometry.values))
    lines = [line for line in shapely.get_parts(merged) if line.length >= spacing]
    lines = [line for line in lines if line.geom_type in ("LineString", "LinearRing")]
    if not lines:
        raise InvalidInput(
            f"La ligne de référence est plus courte que l'espacement demandé ({spacing:g} m).",
            f"The reference line is shorter than the spacing asked for ({spacing:g} m).",
        )
    scale = max(spacing / 2, 25.0) if smooth is None else smooth
    places, tangents, chainage, part, sides, shores = [], [], [], [], [], []
    for number, raw in enumerate(lines):
        line = smooth_line(raw, min(scale, raw.length / 8))
        along, at, tangent = _stations(line, spacing)
        side: Side = ("right" if shapely.is_ccw(line) else "left") if line.is_ring else sea
        places.append(at)
        tangents.append(tangent)
        chainage.append(along)
        shores.append(line)
        part.append(np.full(len(at), number))
        sides.append(np.full(len(at), -1.0 if side == "right" else 1.0))
    at, tangent = np.vstack(places), np.vstack(tangents)
    of, turn = np.concatenate(part), np.concatenate(sides)
    upright = np.arctan2(tangent[:, 1], tangent[:, 0]) + turn * np.pi / 2
    ring = len(lines) == 1 and lines[0].is_ring
    angle = _relax(at, upright, (landward, seaward), ring, of)
    half = np.tile([float(landward), float(seaward)], (len(at), 1))
    half = _trim(at, angle, half, np.array(shores, dtype=object))
    keep = (half >= _LEAST_HALF).all(1)
    turned = np.rad2deg(_wrapped(angle - upright))
    out = gpd.GeoDataFrame(
        {
            "transect": [str(k) for k in range(1, int(keep.sum()) + 1)],
            "along_m": np.concatenate(chainage)[keep],
            "turn_deg": turned[keep],
            "landward_m": half[keep, 0],
            "seaward_m": half[keep, 1],
        },
        geometry=_segments(at, angle, half[:, 0], half[:, 1])[keep],
        crs=frame.crs,
    )
    return out


def angles_between(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    """Angles between straight lines, pair by pair, degrees from 0 to 180 (direction counts)."""

    def direction(lines: NDArray[Any]) -> Floats:
        ends = shapely.get_coordinates(shapely.get_point(lines, -1)) - shapely.get_coordinates(
            shapely.get_point(lines, 0)
        )
        return np.asarray(np.arctan2(ends[:, 1], ends[:, 0]))

    return np.rad2deg(np.abs(_wrapped(direction(a) - direction(b))))
