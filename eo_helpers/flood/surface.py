"""The water surface of a flood as a whole, then its heights window by window.

All that is global (bodies, edges, waterline, method) is worked out once on the sketch,
sixteen times lighter than the raster; a window only reads it. Windows therefore join
without a seam, whatever their size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput
from .edges import CELL, DRY, FLOODED, HIDDEN, Heights, Sketch, Window, label_bodies, sketch
from .flexth import flexth_surface
from .fwdet import fwdet_surface
from .waterline import Waterline, waterline

__all__ = ["Surface", "evaluate", "fit"]

#: Rows, columns, levels (m) and their standard deviations (m).
Levels = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]

_METHODS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "fwdet": fwdet_surface,
    "flexth": flexth_surface,
}


@dataclass
class Surface:
    """A fitted water surface: ``level`` and ``sigma`` (m) on the sketch's grid."""

    labels: NDArray[np.int32]
    sketch: Sketch
    level: NDArray[np.float32]
    sigma: NDArray[np.float32]


def fit(
    codes: NDArray[np.uint8],
    heights: Heights,
    cell: float,
    method: str,
    *,
    dem_noise: float | None = None,
    robust: bool = True,
    levels: Levels | None = None,
    **options: Any,
) -> Surface:
    """Fit the water surface of a whole extent.

    Parameters
    ----------
    codes : (rows, columns) uint8
        See :mod:`.edges`; holds at least one flooded cell.
    heights : callable (window) -> float32
        The DEM, m, NaN where unknown.
    cell : float
        Side of a cell, m.
    method : {"fwdet", "flexth"}
    dem_noise : float, optional
        m, standard deviation.
    robust : bool
        False believes every edge.
    levels : (rows, columns, level, sigma), optional
        Heights of the surface measured at flooded cells (gauges, SWOT), m: they vote as a
        true shore does, by their standard deviation.
    **options
        Of the method.

    Raises
    ------
    InvalidInput
        No flooded cell has a dry neighbour: nothing says how high the water stands.
    """
    labels, bodies = label_bodies(codes)
    s = sketch(codes, labels, bodies, heights, cell, dem_noise)
    if levels is not None:
        s = _with_levels(s, levels)
    if not len(s.at):
        raise InvalidInput(
            "L'étendue d'eau n'a aucun bord sur le sol sec : elle couvre tout le relief connu, "
            "rien ne dit à quelle hauteur monte l'eau ; donnez un relief plus large que l'eau.",
            "The extent has no edge on dry ground: it covers all the terrain that is known, and "
            "nothing says how high the water stands; give terrain wider than the water.",
        )
    line = waterline(s, robust=robust)
    level = np.full(s.shape, np.nan, np.float32)
    found = _METHODS[method](s, line, **options)
    level.ravel()[line.wet] = found
    sigma = np.full(s.shape, np.nan, np.float32)
    sigma.ravel()[line.wet] = _uncertainty(s, line, found)
    return Surface(labels, s, level, sigma)


def _with_levels(s: Sketch, levels: Levels) -> Sketch:
    """A sketch whose edges are joined by levels that were measured."""
    rows, cols, level, sigma = levels
    at = (rows // CELL).astype(np.int64) * s.shape[1] + cols // CELL
    here = s.body.ravel()[at] > 0
    n = int(here.sum())
    count = np.full(n, int(np.median(s.count)) if len(s.count) else 1)
    return replace(
        s,
        at=np.concatenate([s.at, at[here]]),
        level=np.concatenate([s.level, level[here]]),
        slope=np.concatenate([s.slope, np.zeros(n)]),
        rising=np.concatenate([s.rising, np.ones(n)]),
        noise=np.concatenate([s.noise, sigma[here]]),
        count=np.concatenate([s.count, count]),
    )


def _uncertainty(s: Sketch, line: Waterline, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation (m) of the surface at ``line.wet``.

    Around each cell, among the edges that vote: how far they disagree, how steep they are
    (an edge misplaced by a cell is wrong by its slope), how near they are; and how far the
    method is from the regional surface.
    """
    size = s.body.size
    departure = np.zeros(size)
    departure[line.wet] = found - line.regional
    residual = line.residual - departure[s.at]
    weights = np.zeros(size)
    weights[s.at] = line.trust
    squares, position = np.zeros(size), np.zeros(size)
    squares[s.at] = line.trust * residual**2
    position[s.at] = line.trust * s.slope * s.cell
    sums = [_blur(v.reshape(s.shape)) for v in (weights, squares, position)]
    near = np.maximum(sums[0].ravel()[line.wet], 1e-6)
    spread = sums[1].ravel()[line.wet] / near
    misplaced = (0.5 * sums[2].ravel()[line.wet] / near) ** 2
    # Voting edges about here, in equivalents of whole trust; few of them, little is known.
    votes = near * (2 * np.pi * 16**2)
    lonely = 0.25**2 / np.maximum(votes, 0.25)
    method = (found - line.regional) ** 2
    return np.sqrt(spread * 0.4 + misplaced + lonely + method + 0.02**2)


def _blur(values: NDArray) -> NDArray:
    return ndimage.gaussian_filter(values, 16, mode="constant", truncate=3)


def evaluate(
    fitted: Surface, window: Window, codes: NDArray[np.uint8], heights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Depth, surface and uncertainty (m, float32) of one window."""
    s, width = fitted.sketch, fitted.sketch.shape[1]
    wet = codes == FLOODED
    rows, cols = np.nonzero(wet)
    own = fitted.labels[window][wet]
    y = ((rows + window[0].start + np.float32(0.5)) / CELL - np.float32(0.5)).astype(np.float32)
    x = ((cols + window[1].start + np.float32(0.5)) / CELL - np.float32(0.5)).astype(np.float32)
    y0, x0 = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    body, level, sigma = s.body.ravel(), fitted.level.ravel(), fitted.sigma.ravel()
    total, sums = np.zeros(len(rows), np.float32), np.zeros((2, len(rows)), np.float32)
    for dy in (0, 1):
        for dx in (0, 1):
            at = (y0 + dy).clip(0, s.shape[0] - 1) * width + (x0 + dx).clip(0, width - 1)
            weight = np.abs(1 - dy - (y - y0)) * np.abs(1 - dx - (x - x0))
            weight = np.where(body[at] == own, weight, np.float32(0))
            total += weight
            sums[0] += weight * np.where(weight > 0, level[at], 0)
            sums[1] += weight * np.where(weight > 0, sigma[at], 0)
    sums /= total
    surface = np.full(codes.shape, np.nan, np.float32)
    surface[wet] = sums[0]
    depth = np.zeros(codes.shape, np.float32)
    depth[wet] = np.maximum(sums[0] - heights[wet], 0)
    unknown = (codes == HIDDEN) | ((codes != DRY) & ~np.isfinite(heights))
    depth[unknown] = np.nan
    depth[~np.isfinite(heights)] = np.nan
    uncertainty = np.full(codes.shape, np.nan, np.float32)
    uncertainty[wet] = np.hypot(sums[1], np.float32(s.dem_noise))
    uncertainty[np.isnan(depth)] = np.nan
    return depth, surface, uncertainty
