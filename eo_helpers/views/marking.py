"""Where the marks of a classified raster stand, so that colour is never alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["raster_points"]

#: Share of the map's larger side between two marks, and within which a mark must fit.
APART, ROOM = 1 / 14, 1 / 110

#: The raster is looked at no finer than this, in cells along its larger side.
CELLS = 400


def raster_points(
    drawn: Any, marks: Mapping[str, str], most: int = 60
) -> list[tuple[float, float, str]]:
    """The roomiest places of each class of a raster, no two of them close to one another.

    Parameters
    ----------
    drawn : xarray.DataArray
        Classes as numbers, dims ``(y, x)``, with ``.rio``, square cells; NaN where empty.
    marks : mapping of str to str
        Mark of each class, by its number as text.
    most : int
        No more marks than this.

    Returns
    -------
    list of (x, y, mark)
        In the raster's CRS. A class that has no room anywhere gets no mark: its colour is in
        the legend and its share in the figures.

    Notes
    -----
    Peaks of the distance to another class (``scipy.ndimage``, ``skimage.feature``): the
    centres of the largest circles that fit.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.feature import peak_local_max

    step = max(1, max(drawn.shape) // CELLS)
    values = drawn.values[::step, ::step]
    longest = max(values.shape)
    apart, room = max(longest * APART, 1), max(longest * ROOM, 1)
    found: list[tuple[float, bool, int, int, str]] = []
    for value, mark in marks.items():
        # Padded: a class that fills the raster has its room in the middle, not at the edge.
        inside = np.pad(values == float(value), 1)
        distance = distance_transform_edt(inside)[1:-1, 1:-1]
        peaks = peak_local_max(
            distance, min_distance=int(apart), threshold_abs=room, num_peaks=most,
            exclude_border=False,
        )  # fmt: skip
        for rank, (row, column) in enumerate(peaks):
            found.append((float(distance[row, column]), rank == 0, int(row), int(column), mark))
    placed: list[tuple[int, int, str]] = []
    # Each class's best place first: a small class is not crowded out by a large one.
    for _, first, row, column, mark in sorted(found, key=lambda one: (not one[1], -one[0])):
        near = any(np.hypot(row - r, column - c) < apart for r, c, _ in placed)
        if len(placed) < most and (first or not near):
            placed.append((row, column, mark))
    xs, ys = drawn["x"].values[::step], drawn["y"].values[::step]
    return [(float(xs[column]), float(ys[row]), mark) for row, column, mark in placed]
