"""From a probability to an extent: sure water grown, specks dropped, hidden ground marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["hysteresis", "unobservable"]

#: Probability from which water is sure, and down to which it is followed from there.
SURE, FOLLOWED = 0.95, 0.2
#: Smallest sheet of sure water, m² (radar alone; with an optical image).
LEAST_RADAR, LEAST_BOTH = 3000.0, 1000.0
#: Holes smaller than this are filled, m².
LEAST_HOLE = 1000.0
#: How far from the flood hidden ground matters, metres.
NEAR = 300.0
#: A wood or a quarter smaller than this does not count as hidden, m².
LEAST_HIDDEN = 5000.0
_EIGHT = np.ones((3, 3), bool)


def _large(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    """Connected regions of at least so many cells."""
    labels = np.empty(mask.shape, np.int32)
    n = int(ndimage.label(mask, _EIGHT, output=labels))
    if n == 0:
        return mask
    sizes = np.zeros(n + 1, np.int64)
    for rows in _rows(labels):
        sizes += np.bincount(labels[rows].ravel(), minlength=n + 1)
    sizes[0] = 0
    return np.asarray((sizes >= cells)[labels])


def _rows(values: NDArray) -> Iterator[slice]:
    """Rows taken at once, so that what is worked out between stays small."""
    for top in range(0, len(values), 1024):
        yield slice(top, top + 1024)


def _joined(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Regions of ``mask`` (by sides) that hold a seed."""
    labels = np.empty(mask.shape, np.int32)
    n = int(ndimage.label(mask, output=labels))
    kept = np.zeros(n + 1, bool)
    kept[labels[seeds]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def hysteresis(
    probability: NDArray[np.float32], cell: float, grow: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Extent from probability, and the probability that agrees with it.

    Sure water in sheets of some size are seeds; they are followed into less sure water
    that touches them, because a flood's shallow rim and rough parts look less dark.
    Specks of probable water without a seed are dropped. The probability of what was
    followed rises over one half, that of what was dropped falls under it, each by the
    same log odds: the extent is where it is 0.5 or more.

    Parameters
    ----------
    probability : numpy.ndarray, float32, NaN where unknown
        Overwritten.
    cell : float
        Area of a cell, m².
    grow : bool
        False: seeds are all probable water, nothing is followed (radar with optical).

    Returns
    -------
    (probability, extent)
        The extent is uint8: 1 water, 0 none, 255 unknown.

    Notes
    -----
    Sources: Matgen et al. (2011), Physics and Chemistry of the Earth 36, 241-252;
    Martinis et al. (2015), ISPRS J. 104, 203-212 (region growing).
    """
    p = probability
    unknown = ~np.isfinite(p)
    sure, followed = (SURE, FOLLOWED) if grow else (0.5, 0.5)
    seeds = _large(p >= sure, round(max((LEAST_RADAR if grow else LEAST_BOTH) / cell, 1)))
    water = _joined((p >= followed) | seeds, seeds)
    holes = ~water & ~unknown
    water |= holes & ~_large(holes, round(max(LEAST_HOLE / cell, 1)))
    rise = np.float32(np.log((1 - followed) / followed)) if grow else np.float32(0)
    for rows in _rows(p):
        part = np.where(unknown[rows], np.float32(0.5), p[rows])
        odds = np.log(np.maximum(part, 1e-6) / np.maximum(1 - part, 1e-6))
        low = np.minimum(odds, np.float32(-0.01))
        odds = np.where(water[rows], np.maximum(odds + rise, 0), low)
        p[rows] = np.where(unknown[rows], np.float32(np.nan), 1 / (1 + np.exp(-odds)))
    extent = water.astype(np.uint8)
    extent[unknown] = 255
    return p, extent


def unobservable(
    extent: NDArray[np.uint8], hides: NDArray[np.uint8], cell: float
) -> NDArray[np.bool_]:
    """Woods and dense quarters beside the flood, where radar could not see it.

    Parameters
    ----------
    extent : numpy.ndarray, uint8
        1 water, 0 none, 255 unknown.
    hides : numpy.ndarray, uint8
        1 where the ground is as bright as trees or walls.
    cell : float
        Area of a cell, m².
    """
    wet = extent == 1
    if not wet.any():
        return np.zeros(extent.shape, bool)
    reach = 2 * round(NEAR / np.sqrt(cell)) + 1
    near = ndimage.maximum_filter(wet.astype(np.uint8), reach) == 1
    hidden = ndimage.binary_opening(hides == 1, _EIGHT)
    return _large(hidden, round(max(LEAST_HIDDEN / cell, 1))) & near & ~wet & (extent == 0)
