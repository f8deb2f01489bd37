"""Seasonality: harmonic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["design", "harmonics"]


def harmonics(years: ArrayLike, order: int) -> NDArray[np.float64]:
    """Cosines and sines of the year's first ``order`` harmonics.

    Parameters
    ----------
    years : array_like (T,)
        Time in years.
    order : int
        Number of harmonics (1 = annual, 2 = and semi-annual).

    Returns
    -------
    ndarray (T, 2 * order)
    """
    t = np.asarray(years, float)
    waves = [f(2 * np.pi * k * t) for k in range(1, order + 1) for f in (np.cos, np.sin)]
    return np.column_stack(waves) if waves else np.zeros((t.size, 0))


def design(years: ArrayLike, order: int | None = None) -> NDArray[np.float64]:
    """Intercept, trend (per decade, centred) and harmonics, as columns (T, 2 + 2 * order).

    ``order`` None takes two harmonics from three years on, one from two, else none:
    a shorter series cannot tell a season from a change.
    """
    t = np.asarray(years, float)
    span = float(t.max() - t.min()) if t.size else 0.0
    if order is None:
        order = 2 if span >= 2.9 else 1 if span >= 1.9 else 0
    trend = (t - t.mean()) / 10 if t.size else t
    return np.column_stack([np.ones_like(t), trend, harmonics(t, order)])
