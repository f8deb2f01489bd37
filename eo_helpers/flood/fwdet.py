"""FwDET 2.1: the height of the flood's edge carried inward to the nearest cell, smoothed.

Source: Cohen et al. (2018) J. Am. Water Resour. Assoc. 54, 847; Cohen et al. (2019)
Nat. Hazards Earth Syst. Sci. 19, 2053 (v2.0); Cohen et al. (2022) Remote Sens. 14, 5313
(v2.1: edge cells on water left out, repeated smoothing). What is ours: edges that the
waterline does not believe are not carried, and the height carried is that of the
waterline between the last wet cell and the first dry one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .edges import Sketch
from .waterline import Waterline

__all__ = ["fwdet_surface"]


def fwdet_surface(
    s: Sketch, line: Waterline, smoothings: int = 3, width: int = 5, keep: float = 0.05
) -> NDArray[np.float64]:
    """Water surface (m) at ``line.wet``, by the nearest believable edge of the same body.

    Parameters
    ----------
    s, line
        The flood's sketch and its waterline.
    smoothings, width : int
        Moving averages, and their width in sketch cells (four raster cells each).
    keep : float
        Edges whose trust is below this are not carried.
    """
    kept = line.trust >= keep
    body = s.body.ravel()
    if not kept.any():
        return line.regional.copy()
    seeds = np.ones(s.shape, bool)
    seeds.ravel()[s.at[kept]] = False
    rows, cols = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    nearest = (rows.astype(np.int64) * s.shape[1] + cols).ravel()[line.wet]
    # What is carried is the edge's departure from the regional surface, so that smoothing
    # neither flattens a sloping river nor mixes two bodies of different levels.
    departure = np.zeros(body.size, np.float32)
    # An edge that is little trusted moves the surface little.
    departure[s.at[kept]] = (line.residual * line.trust)[kept]
    carried = np.zeros(body.size, np.float32)
    carried[line.wet] = np.where(body[nearest] == body[line.wet], departure[nearest], 0.0)
    grid = carried.reshape(s.shape)
    wet = (s.body > 0).astype(np.float32)
    share = ndimage.uniform_filter(wet, width, mode="constant")
    for _ in range(smoothings):
        grid = ndimage.uniform_filter(grid * wet, width, mode="constant")
        grid = np.divide(grid, share, out=np.zeros_like(grid), where=wet > 0)
    return line.regional + grid.ravel()[line.wet]
