"""How far an image is misplaced, told from land that does not move."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from .shoreline import mndwi

__all__ = ["LARGEST_SHIFT", "LEAST_AGREEMENT", "image_shift"]

#: What an image may be misplaced by, cells, and the least likeness once moved.
LARGEST_SHIFT = 3.0
LEAST_AGREEMENT = 0.5
#: Cells of land without which a shift is not told.
_LEAST_CELLS = 400


def image_shift(image: xr.Dataset, reference: xr.Dataset) -> tuple[float, float, float]:
    """How far an image must be moved to lie on a reference image.

    Parameters
    ----------
    image, reference : xarray.Dataset (y, x)
        ``green, nir, swir`` and ``hidden``, of one CRS.

    Returns
    -------
    (east, north, agreement)
        In units of the CRS, to be added to coordinates; correlation (0-1) of both images once
        moved. 0, 0 and NaN where too little is seen in both, or they do not look alike.

    Notes
    -----
    The near infrared of land is fitted to the reference's by a shift, a gain and an offset
    (Lucas & Kanade 1981, IJCAI, 674-679): unlike a phase correlation it takes any mask, down to
    parts of a cell. The beach moves and is wet or dry with the tide: ten cells from the water
    are left out.
    """
    other = reference if _same_grid(image, reference) else reference.rio.reproject_match(image)
    seen = ~image["hidden"].values & (other["hidden"].values == 0)
    one, two = (_filled(data["nir"].values) for data in (image, other))
    dry = np.ones(seen.shape, bool)
    for data in (image, other):
        dry &= ~(mndwi(data["green"].values, data["swir"].values) > 0)
        seen &= np.isfinite(data["nir"].values)
    land = seen & ndimage.binary_erosion(dry | ~seen, iterations=10, border_value=1)
    # What a gradient or a shift would take from a hidden cell is not used.
    land &= ndimage.binary_erosion(seen, iterations=4, border_value=0)
    nothing = (0.0, 0.0, float("nan"))
    if land.sum() < _LEAST_CELLS:
        return nothing
    # Steps of one cell between noisy values have no slope worth the name.
    one, two = ndimage.gaussian_filter(one, 1.0), ndimage.gaussian_filter(two, 1.0)
    down, right = 0.0, 0.0
    moved = one
    for _ in range(8):
        gy, gx = np.gradient(moved)
        columns = np.stack([gy[land], gx[land], moved[land], np.ones(land.sum())], axis=1)
        # two ~ gain * moved(p - step) + offset ~ gain * moved - gain * step . gradient + offset
        (a, b, gain, _), *_ = np.linalg.lstsq(columns, two[land], rcond=None)
        if gain < 0.1:
            return nothing
        down, right = down - a / gain, right - b / gain
        if max(abs(down), abs(right)) > LARGEST_SHIFT:
            return nothing
        moved = ndimage.shift(one, (down, right), order=3, mode="nearest")
        if max(abs(a), abs(b)) / gain < 1e-3:
            break
    agreement = float(np.corrcoef(moved[land], two[land])[0, 1])
    if not agreement >= LEAST_AGREEMENT:
        return nothing
    step_x, step_y = image.rio.resolution()
    return float(right * step_x), float(down * step_y), agreement


def _filled(values: NDArray) -> NDArray[np.float64]:
    """Values with what is missing at the mean, so that filters have something there."""
    return np.where(np.isfinite(values), values, np.nanmean(values)).astype(float)


def _same_grid(a: xr.Dataset, b: xr.Dataset) -> bool:
    same = a.rio.crs == b.rio.crs and a["green"].shape == b["green"].shape
    return bool(same and a.rio.transform().almost_equals(b.rio.transform(), 1e-6))
