"""The infrared orthophoto of the town: near infrared, red and green in 8 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Cover, fractal_noise

__all__ = ["infrared"]

#: Reflectance in near infrared, red, green, mid-July, by land cover.
_GROUND = {
    Cover.SEA: (0.012, 0.022, 0.035), Cover.WATER: (0.025, 0.035, 0.050),
    Cover.BUILDING: (0.200, 0.150, 0.110), Cover.MINERAL: (0.165, 0.130, 0.120),
    Cover.BARE: (0.290, 0.205, 0.155), Cover.GRASS: (0.320, 0.070, 0.080),
    Cover.CROP: (0.330, 0.100, 0.095), Cover.SHRUB: (0.280, 0.050, 0.060),
    Cover.TREE: (0.340, 0.030, 0.044),
}  # fmt: skip
_DRY = (0.270, 0.165, 0.125)
#: Count of a reflectance of 1, before the shutter's 8 bits saturate.
_GAIN = (520.0, 700.0, 700.0)
#: Sun of a July noon: steps down and right for a shadow, tangent of its height.
_SUN, _TAN = (-1.0, -0.45), 1.54


def infrared(
    cover: NDArray[np.uint8], stratum: NDArray[np.uint8], height: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:  # fmt: skip
    """Counts of the three bands, shape (3, rows, cols); 1 m cells.

    Roofs and yards vary, lawns are more or less dry, what is tall throws a shadow, and the
    optics blur by 0.6 cell.
    """
    what = cover.copy()
    what[stratum == 2], what[stratum == 3] = Cover.SHRUB, Cover.TREE
    small = tuple(-(-s // 4) for s in cover.shape)
    field = fractal_noise(rng, (small[0], small[1]), 4.0, 120, 3)
    wide = field.repeat(4, 0).repeat(4, 1)[: cover.shape[0], : cover.shape[1]]
    dry = np.where(what == Cover.GRASS, np.clip(0.25 + 0.2 * wide, 0, 0.85), 0).astype(np.float32)
    bright = np.exp(0.12 * wide + 0.08 * rng.standard_normal(cover.shape, dtype=np.float32))
    bright *= 1 - 0.6 * _shadow(height)
    out = np.empty((3, *cover.shape), np.uint8)
    for k in range(3):
        table = np.zeros(9, np.float32)
        for kind, values in _GROUND.items():
            table[kind] = values[k]
        value = (table[what] * (1 - dry) + _DRY[k] * dry) * bright
        value = ndimage.gaussian_filter(value, 0.6, truncate=3)
        value = value * _GAIN[k] + 2.0 * rng.standard_normal(cover.shape, dtype=np.float32)
        out[k] = np.clip(np.round(value), 1, 255)
    return out


def _shadow(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where something taller towards the sun hides it."""
    shade = np.zeros(height.shape, np.float32)
    for step in range(1, 15):
        down, right = step, round(step * -_SUN[1])
        moved = height[down:, right:]
        reach = float(np.hypot(down, right)) * _TAN
        here = (slice(None, -down), slice(None, height.shape[1] - right))
        np.maximum(shade[here], np.clip(moved - height[here] - reach, 0, 1), out=shade[here])
    return shade
