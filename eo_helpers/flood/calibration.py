"""Probabilities of flood that are as frequent as announced, on simulated scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["KNOTS", "TABLES", "calibrate"]

#: Log odds at which the frequency of water is known; in between it is interpolated.
KNOTS = (-8.0, -6.0, -4.0, -3.0, -2.0, -1.0, -0.01, 0.01, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
#: Frequency of water at :data:`KNOTS`, by whether there is a scene before, and an optical image:
#: isotonic regression on 80 simulated scenes (``python -m benchmarks.flood_scenes``).
TABLES: dict[tuple[bool, bool], tuple[float, ...]] = {
    (False, False): (0.009, 0.044, 0.070, 0.126, 0.186, 0.201, 0.277,
                     0.491, 0.558, 0.668, 0.728, 0.839, 0.920, 0.981),
    # Under 0 as it is: simulated stalks hide more water from both sensors than a real scene had.
    (False, True): (0.0003, 0.0025, 0.018, 0.047, 0.119, 0.269, 0.4975,
                    0.689, 0.699, 0.700, 0.726, 0.792, 0.852, 0.990),
    (True, False): (0.005, 0.031, 0.064, 0.116, 0.212, 0.274, 0.503,
                    0.584, 0.709, 0.873, 0.928, 0.966, 0.985, 0.999),
    (True, True): (0.005, 0.052, 0.124, 0.202, 0.346, 0.397, 0.422,
                   0.734, 0.775, 0.847, 0.914, 0.949, 0.970, 0.997),
}  # fmt: skip
#: Rows taken at once, so that what is worked out between stays small.
_ROWS = 1024


def calibrate(
    probability: NDArray[np.float32], wet: NDArray[np.bool_], before: bool, optical: bool
) -> None:
    """Replace probabilities by the frequency of water that simulated scenes show for them.

    Parameters
    ----------
    probability : numpy.ndarray of float32, shape (rows, cols)
        NaN where unknown. Overwritten.
    wet : numpy.ndarray of bool
        The extent: its probability stays 0.5 or more, that of the rest under it.
    before, optical : bool
        What the extent was found with, besides the flood's radar scene.

    Notes
    -----
    Isotonic regression of truth on the log odds, after Zadrozny & Elkan (2002), KDD, 694-699.
    Simulated optical images have haze, shadows, silt, islets and a shift. What no simulation
    holds (plants as bright as fields, an image of another day) stays overconfident.
    """
    table = np.array(TABLES[before, optical])
    low = np.float32(np.exp(KNOTS[0]))
    for top in range(0, len(probability), _ROWS):
        part = probability[top : top + _ROWS]
        p = np.clip(part, low, 1 - low)
        found = np.interp(np.log(p / (1 - p)), KNOTS, table).astype(np.float32)
        inside = wet[top : top + _ROWS]
        part[:] = np.where(inside, np.maximum(found, 0.5), np.minimum(found, np.float32(0.499)))
