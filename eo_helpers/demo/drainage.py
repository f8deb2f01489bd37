"""Water first: the river, its tributaries, and the valleys that they have cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

__all__ = ["Channel", "branches", "meandering", "smooth_curve", "valleys"]


@dataclass
class Channel:
    """A line of drainage, from its head to its end, with what its valley is like.

    ``floor`` is the height (m) of the valley floor at each point of ``xy``,
    ``flat`` the half width (m) of the flat floor, ``reach`` the length (m) over
    which the sides climb to the plateau, ``stream`` the width (m) of the water,
    0 in a dry valley.
    """

    xy: NDArray[np.float64]
    floor: NDArray[np.float64]
    flat: NDArray[np.float64]
    reach: NDArray[np.float64]
    stream: float = 0.0

    @property
    def line(self) -> shapely.LineString:
        return shapely.LineString(self.xy)


def smooth_curve(points: object, spacing: float = 10.0) -> NDArray[np.float64]:
    """Cubic spline through points (chord-length parameter), at even spacing."""
    knots = np.asarray(points, float)
    chord = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T) ** 0.75)])
    fine = CubicSpline(chord, knots)(np.linspace(0, chord[-1], 4000))
    return resample(fine, spacing)


def resample(xy: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Points at even spacing along a line."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    where = np.linspace(0, along[-1], max(round(along[-1] / spacing), 2) + 1)
    return np.column_stack([np.interp(where, along, xy[:, k]) for k in (0, 1)])


def normals(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals, to the left of the direction of travel."""
    tangent = np.gradient(xy, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def meandering(
    axis: NDArray[np.float64],
    amplitude: NDArray[np.float64],
    wavelength: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Let a river swing about the axis of its valley (axis at 10 m spacing)."""
    rate = 1 + 0.35 * gaussian_filter1d(rng.standard_normal(len(axis)), 60) * 20
    phase = np.cumsum(np.clip(rate, 0.6, 1.5)) * 10 * 2 * np.pi / wavelength
    swing = amplitude * (np.sin(phase) + 0.25 * np.sin(2.3 * phase + 1))
    return resample(axis + normals(axis) * swing[:, None], 10.0)


def branches(
    parents: list[Channel],
    plateau: Callable[[float, float], float],
    rng: np.random.Generator,
    count: int,
    apart: float,
) -> list[Channel]:
    """Dry side valleys that climb from existing ones, each clear of the others.

    Parameters
    ----------
    parents : list of Channel
        What they may join.
    plateau : callable (x, y) -> float
        Height of the uncut land, m.
    rng : numpy.random.Generator
    count : int
        How many to try for.
    apart : float
        Least distance to any other valley, m.
    """
    made: list[Channel] = []
    occupied = np.vstack([channel.xy for channel in parents])
    for _ in range(count * 12):
        if len(made) == count:
            break
        parent = parents[rng.integers(len(parents))]
        at = int(rng.integers(int(0.06 * len(parent.xy)), int(0.95 * len(parent.xy))))
        side = rng.choice([-1, 1])
        normal = normals(parent.xy)[at] * side
        back = -np.gradient(parent.xy, axis=0)[at]
        back /= np.hypot(*back)
        heading = normal + 0.6 * back
        angle = np.arctan2(heading[1], heading[0])
        length = rng.uniform(500, 1700)
        bends = gaussian_filter1d(rng.standard_normal(int(length / 10)), 12) * 2.0
        angles = angle + np.clip(np.cumsum(bends) * 0.05, -0.7, 0.7)
        xy = parent.xy[at] + np.cumsum(np.column_stack([np.cos(angles), np.sin(angles)]) * 10, 0)
        clear = xy[int(len(xy) * 0.35) :]
        if KDTree(occupied).query(clear)[0].min() < apart:
            continue
        low, high = parent.floor[at] + 0.5, float(plateau(*xy[-1])) - 6
        if high < low + 12:
            continue
        t = np.linspace(0, 1, len(xy))
        made.append(
            Channel(
                xy[::-1],
                (low + (high - low) * t**0.9)[::-1],
                np.full(len(xy), 12.0),
                np.linspace(300, 180, len(xy))[::-1],
            )
        )
        occupied = np.vstack([occupied, xy])
    return made


def valleys(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    plateau: NDArray[np.float64],
    channels: list[Channel],
    calm: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Height of the land once every channel has cut its valley into the plateau.

    Parameters
    ----------
    x, y, plateau, calm : float64 (rows, cols)
        Cell centres, uncut height (m), and a factor in 0-1 that lowers the
        valley sides (slip-off slopes inside a meander).
    channels : list of Channel
        The drainage.

    Returns
    -------
    float64 (rows, cols)
        The lowest of the valley surfaces at each cell.
    """
    where = np.column_stack([x.ravel(), y.ravel()])
    top = plateau.ravel()
    soft = calm.ravel()
    height = top.copy()
    for channel in channels:
        distance, nearest = KDTree(channel.xy).query(where, distance_upper_bound=2600)
        near = np.isfinite(distance)
        k = nearest[near]
        side = np.maximum(distance[near] - channel.flat[k], 0) / channel.reach[k]
        climb = 1 - np.exp(-(side**1.6))
        floor = channel.floor[k] + 0.0012 * np.minimum(distance[near], channel.flat[k])
        rise = np.maximum(top[near] - floor, 0) * climb * soft[near]
        height[near] = np.minimum(height[near], floor + rise)
    return height.reshape(x.shape)
