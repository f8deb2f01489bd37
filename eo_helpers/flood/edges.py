"""Where a flood ends, and how much each piece of its edge deserves to be believed.

Everything that the two depth methods share: the flood's bodies, its edge cells, and
their summary on a grid four cells wide, small enough to be worked on as a whole however
large the raster is. Nothing here decides a water level: see :mod:`.waterline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = [
    "CELL",
    "DRY",
    "FLOODED",
    "HIDDEN",
    "PERMANENT",
    "Sketch",
    "Window",
    "label_bodies",
    "sketch",
    "windows",
]

#: Codes of an extent. Permanent water is neither flooded ground nor a shore that can vote.
DRY, FLOODED, PERMANENT, HIDDEN = 0, 1, 2, 255
#: Side of a cell of the sketch, in raster cells. A water surface varies over hundreds of
#: metres; four cells lose nothing of it and make all that is global sixteen times lighter.
CELL = 4

Window = tuple[slice, slice]
#: Gives the heights (float32, NaN unknown) of a window.
Heights = Callable[[Window], NDArray[np.float32]]


def windows(shape: tuple[int, int], side: int = 2048) -> Iterator[Window]:
    """Windows that cover a raster, row by row; ``side`` is a multiple of :data:`CELL`."""
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield (
                slice(top, min(top + side, shape[0])),
                slice(left, min(left + side, shape[1])),
            )


def label_bodies(codes: NDArray[np.uint8]) -> tuple[NDArray[np.int32], int]:
    """Number the bodies of water: pieces up to four cells apart are one body.

    A radar extent is full of one-pixel gaps; pieces that near share one water surface.
    The gap is also what lets a cell of the sketch belong to one body only.
    """
    near = ndimage.maximum_filter((codes == FLOODED).view(np.uint8), size=5, mode="constant")
    labels = np.empty(codes.shape, np.int32)
    count = ndimage.label(near, structure=np.ones((3, 3), np.uint8), output=labels)
    labels[codes != FLOODED] = 0
    return labels, int(count)


@dataclass
class Sketch:
    """A flood on the grid of :data:`CELL` × :data:`CELL` raster cells.

    ``body`` (rows, columns) numbers the body of each cell, 0 where there is no water;
    ``ground`` (m) is the mean height of its flooded cells, NaN where unknown.
    The other arrays have one entry per sketch cell that holds flood edge: ``at`` (flat
    index), ``level`` (m, height of the waterline), ``slope`` (m/m across the edge),
    ``rising`` (share of its edge cells whose dry side, within three cells, is higher than
    the wet one), ``noise`` (m, standard deviation of ``level`` by the DEM's noise and by
    the edge's position), ``count``.
    """

    body: NDArray[np.int32]
    ground: NDArray[np.float32]
    at: NDArray[np.int64]
    level: NDArray[np.float64]
    slope: NDArray[np.float64]
    rising: NDArray[np.float64]
    noise: NDArray[np.float64]
    count: NDArray[np.int64]
    #: Raster cell, m, and noise of the DEM, m (standard deviation).
    cell: float
    dem_noise: float
    bodies: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        return self.body.shape


def _around(
    inside: tuple[NDArray, NDArray], shape: tuple[int, int], reach: int
) -> Iterator[tuple[int, int, NDArray, NDArray]]:
    """Flat indices of each neighbour of some cells, with its offsets and validity."""
    rows, cols = inside
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            y, x = rows + dy, cols + dx
            valid = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
            yield dy, dx, np.where(valid, y * shape[1] + x, 0), valid


def _edge_cells(codes: NDArray[np.uint8], dem: NDArray[np.float32], cell: float) -> NDArray | None:
    """Edge cells of a window: rows of (row, column, level, slope, rise)."""
    known = np.isfinite(dem)
    wet = (codes == FLOODED) & known
    dry = (codes == DRY) & known
    # A wet cell beside a dry one that was seen: neither the raster's border, nor a void,
    # nor permanent or hidden water makes an edge.
    beside = np.zeros_like(dry)
    beside[1:] |= dry[:-1]
    beside[:-1] |= dry[1:]
    beside[:, 1:] |= dry[:, :-1]
    beside[:, :-1] |= dry[:, 1:]
    rows, cols = np.nonzero(wet & beside)
    if not len(rows):
        return None
    z = np.where(known, dem, np.float32(0)).ravel()
    wet_flat, dry_flat, known_flat = wet.ravel(), dry.ravel(), known.ravel()
    n = len(rows)
    sums = np.zeros((8, n), np.float32)  # near and far, wet and dry: sums and counts
    moments = np.zeros((4, n), np.float32)  # of the plane through 5 x 5 cells
    base = z[rows * codes.shape[1] + cols]
    for dy, dx, flat, valid in _around((rows, cols), codes.shape, 3):
        height = z[flat] - base
        is_wet, is_dry = wet_flat[flat] & valid, dry_flat[flat] & valid
        for k, chosen in ((0, is_wet), (1, is_dry)):
            if max(abs(dy), abs(dx)) <= 1:
                sums[k] += height * chosen
                sums[k + 2] += chosen
            sums[k + 4] += height * chosen
            sums[k + 6] += chosen
        if max(abs(dy), abs(dx)) <= 2:
            chosen = known_flat[flat] & valid
            moments[0] += dy * height * chosen
            moments[1] += dx * height * chosen
            moments[2] += dy * dy * chosen
            moments[3] += dx * dx * chosen
    slope = np.hypot(moments[0] / moments[2].clip(1), moments[1] / moments[3].clip(1)) / cell
    # The waterline lies between the last wet cell and the first dry one.
    level = base + (sums[0] / sums[2].clip(1) + sums[1] / sums[3].clip(1)) / 2
    rise = sums[5] / sums[7].clip(1) - sums[4] / sums[6].clip(1)
    return np.stack([rows, cols, level, slope, rise])


def dem_noise(dem: NDArray[np.float32]) -> float:
    """Noise of a DEM, m (standard deviation): a robust spread of its second differences.

    On ground smoother than the noise, z[i-1] - 2 z[i] + z[i+1] has variance 6 s².
    """
    second = dem[:, :-2] - 2 * dem[:, 1:-1] + dem[:, 2:]
    second = second[np.isfinite(second)]
    if second.size < 100:
        return float("nan")
    return float(1.4826 * np.median(np.abs(second)) / np.sqrt(6))


def _blocks(values: NDArray) -> NDArray:
    """Values seen as (rows, CELL, columns, CELL), padded with zeros."""
    padded = np.pad(values, [(0, -n % CELL) for n in values.shape])
    return padded.reshape(padded.shape[0] // CELL, CELL, padded.shape[1] // CELL, CELL)


def sketch(
    codes: NDArray[np.uint8],
    labels: NDArray[np.int32],
    bodies: int,
    heights: Heights,
    cell: float,
    noise: float | None = None,
    position: float = 0.6,
) -> Sketch:
    """Summarise a flood and its edges, window by window.

    Parameters
    ----------
    codes : (rows, columns) uint8
        :data:`DRY`, :data:`FLOODED`, :data:`PERMANENT` or :data:`HIDDEN`.
    labels, bodies
        From :func:`label_bodies`.
    heights : callable (window) -> (rows, columns) float32
        The DEM, m, NaN where unknown.
    cell : float
        Side of a raster cell, m.
    noise : float, optional
        Standard deviation of the DEM, m; measured on the flooded ground if not given.
    position : float
        Standard deviation of the edge's position, in cells.
    """
    rows, cols = codes.shape
    body = np.zeros((-(-rows // CELL), -(-cols // CELL)), np.int32)
    ground = np.full(body.shape, np.nan, np.float32)
    found: list[NDArray] = []
    spreads: list[float] = []
    for window in windows(codes.shape):
        part = labels[window]
        if not part.any():
            continue
        top, left = window[0].start, window[1].start
        # Three cells around, so that a window's own border is nobody's edge.
        y0, x0 = max(top - 3, 0), max(left - 3, 0)
        wide = (
            slice(y0, min(window[0].stop + 3, rows)),
            slice(x0, min(window[1].stop + 3, cols)),
        )
        dem = heights(wide)
        inner = dem[top - y0 : top - y0 + part.shape[0], left - x0 : left - x0 + part.shape[1]]
        at = (
            slice(top // CELL, -(-window[0].stop // CELL)),
            slice(left // CELL, -(-window[1].stop // CELL)),
        )
        body[at] = _blocks(part).max(axis=(1, 3))
        wet = (part > 0) & np.isfinite(inner)
        total = _blocks(np.where(wet, inner, np.float32(0))).sum(axis=(1, 3))
        count = _blocks(wet).sum(axis=(1, 3))
        ground[at] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        if noise is None:
            spreads.append(dem_noise(np.where(codes[wide] == FLOODED, dem, np.nan)))
        points = _edge_cells(codes[wide], dem, cell)
        if points is None:
            continue
        points[0] += y0
        points[1] += x0
        inside = (
            (points[0] >= top)
            & (points[0] < window[0].stop)
            & (points[1] >= left)
            & (points[1] < window[1].stop)
        )
        found.append(points[:, inside])
    if noise is None:
        known = [s for s in spreads if np.isfinite(s)]
        noise = float(np.clip(np.median(known), 0.02, 2.0)) if known else 0.1
    return _gather(body, ground, found, cell, noise, position, bodies)


def _gather(
    body: NDArray[np.int32],
    ground: NDArray[np.float32],
    found: list[NDArray],
    cell: float,
    noise: float,
    position: float,
    bodies: int,
) -> Sketch:
    """Mean of the edge cells in each sketch cell."""
    points = np.concatenate(found, axis=1) if found else np.zeros((5, 0))
    flat = (points[0] // CELL).astype(np.int64) * body.shape[1] + (points[1] // CELL).astype(int)
    at, which, count = np.unique(flat, return_inverse=True, return_counts=True)

    def mean(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(which, weights=values, minlength=len(at)) / np.maximum(count, 1)

    slope = mean(points[3])
    return Sketch(
        body=body,
        ground=ground,
        at=at,
        level=mean(points[2]),
        slope=slope,
        rising=mean(points[4] > 0),
        noise=np.sqrt(noise**2 / 3 + (slope * cell * position) ** 2),
        count=count,
        cell=cell,
        dem_noise=noise,
        bodies=bodies,
    )
