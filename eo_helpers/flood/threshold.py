"""Automatic thresholds, and whether a histogram really has two sides to part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Separation", "kittler_illingworth", "otsu", "separate"]

Floats = NDArray[np.float64]

#: A histogram has two modes (Chini et al. 2017): Ashman's D, smaller share, likeness of fit.
LEAST_D = 2.0
LEAST_SHARE = 0.10
LEAST_LIKENESS = 0.98


@dataclass(frozen=True)
class Separation:
    """Two normal classes fitted to a histogram.

    Attributes
    ----------
    means, deviations : (low, high)
        Of the two classes.
    share : float
        Of the low class, 0-1.
    threshold : float
        Between the means, where a value is as likely of one as of the other.
    ashman : float
        Ashman's D: distance of the means in units of the deviations' quadratic mean.
    likeness : float
        Bhattacharyya coefficient of histogram and fit, 0-1.
    """

    means: tuple[float, float]
    deviations: tuple[float, float]
    share: float
    threshold: float
    ashman: float
    likeness: float

    @property
    def bimodal(self) -> bool:
        """True if the two classes are both there and apart."""
        return (
            self.ashman > LEAST_D
            and min(self.share, 1 - self.share) >= LEAST_SHARE
            and self.likeness >= LEAST_LIKENESS
        )


def _histogram(values: NDArray, bins: int) -> tuple[Floats, Floats]:
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise ValueError("no value")
    # The extremes of a radar image are single pixels: they must not set the bins.
    low, high = np.percentile(values, (0.1, 99.9))
    if high <= low:
        high = low + 1e-9
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    return counts / counts.sum(), (edges[:-1] + edges[1:]) / 2


def otsu(values: NDArray, bins: int = 256) -> float:
    """Threshold of the largest variance between classes (Otsu 1979, IEEE TSMC 9, 62-66)."""
    from skimage.filters import threshold_otsu

    p, x = _histogram(values, bins)
    return float(threshold_otsu(hist=(p, x))) if np.ptp(x) > 1e-6 else float(x[0])


def kittler_illingworth(values: NDArray, bins: int = 256) -> float:
    """Minimum-error threshold between two normal classes of unequal spread.

    Parameters
    ----------
    values : numpy.ndarray
        NaN is left out.
    bins : int

    Returns
    -------
    float

    Notes
    -----
    Minimises ``1 + 2 (P₁ ln σ₁ + P₂ ln σ₂) - 2 (P₁ ln P₁ + P₂ ln P₂)``. Source: Kittler &
    Illingworth (1986), Pattern Recognition 19, 41-47.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> two = np.r_[rng.normal(-18, 1, 5000), rng.normal(-10, 1, 20000)]
    >>> -16 < kittler_illingworth(two) < -12
    True
    """
    p, x = _histogram(values, bins)
    p1 = np.cumsum(p)[:-1]
    p2 = 1 - p1
    m1, s1 = np.cumsum(p * x)[:-1], np.cumsum(p * x * x)[:-1]
    m2, s2 = (p * x).sum() - m1, (p * x * x).sum() - s1
    with np.errstate(divide="ignore", invalid="ignore"):
        v1, v2 = s1 / p1 - (m1 / p1) ** 2, s2 / p2 - (m2 / p2) ** 2
        cost = p1 * np.log(v1) + p2 * np.log(v2) - 2 * (p1 * np.log(p1) + p2 * np.log(p2))
    step = x[1] - x[0]
    # A class of one bin has no spread and would always win.
    cost[~((v1 > step**2) & (v2 > step**2) & (p1 > 0.01) & (p2 > 0.01))] = np.inf
    if not np.isfinite(cost).any():
        return otsu(values, bins)
    return float((x[:-1] + step / 2)[int(np.argmin(cost))])


def separate(values: NDArray, bins: int = 96, steps: int = 60) -> Separation:
    """Fit two normal classes to the histogram of a tile, and say how far apart they are.

    Parameters
    ----------
    values : numpy.ndarray
        Filtered backscatter of a tile, dB; NaN is left out.
    bins, steps : int
        Bins of the histogram, iterations of expectation-maximisation (from the
        minimum-error threshold).

    Returns
    -------
    Separation

    Notes
    -----
    Sources: Ashman, Bird & Zepf (1994), Astronomical Journal 108, 2348; Chini et al.
    (2017), IEEE TGRS 55, 6975-6988 (the three conditions and their limits).
    """
    p, x = _histogram(values, bins)
    least = max(float(np.ptp(x)) / bins, 1e-6)
    cut = kittler_illingworth(values, bins)
    r = np.where(x < cut, 0.98, 0.02)
    w = m = s = np.zeros(2)
    for _ in range(steps):
        weight = np.stack([r, 1 - r]) * p
        w = np.maximum(weight.sum(1), 1e-9)
        m = (weight * x).sum(1) / w
        s = np.sqrt(np.maximum((weight * (x - m[:, None]) ** 2).sum(1) / w, least**2))
        density = _normal(x, w, m, s)
        r = density[0] / np.maximum(density.sum(0), 1e-300)
    if m[0] > m[1]:
        w, m, s = w[::-1], m[::-1], s[::-1]
    fit = _normal(x, w, m, s).sum(0)
    likeness = float(np.sqrt(p * fit / max(fit.sum(), 1e-300)).sum())
    ashman = float(np.sqrt(2) * (m[1] - m[0]) / np.hypot(*s))
    line = np.linspace(m[0], m[1], 200)
    low, high = _normal(line, w, m, s)
    threshold = float(line[int(np.argmax(high >= low))]) if (high >= low).any() else float(m[1])
    return Separation(
        (float(m[0]), float(m[1])), (float(s[0]), float(s[1])), float(w[0] / w.sum()),
        threshold, ashman, likeness,
    )  # fmt: skip


def _normal(x: Floats, w: Floats, m: Floats, s: Floats) -> Floats:
    z = (x - m[:, None]) / s[:, None]
    return w[:, None] / s[:, None] * np.exp(-0.5 * z * z)
