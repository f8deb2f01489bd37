"""Straight lines through positions: ordinary, weighted, robust, and how sure each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import t as student

from ._grouped import Ordered

__all__ = ["Fit", "fit_lines", "theil_sen"]

Floats = NDArray[np.float64]
#: Pairs of dates held at once: what fits a processor's cache is several times as fast.
_PAIRS = 200_000


@dataclass(frozen=True, eq=False)
class Fit:
    """One line for each transect, shape (m,) each; NaN where dates do not allow it.

    Attributes
    ----------
    slope, intercept : float
        Metres a year; metres at ``middle``.
    middle : float
        Mean time (years since the first date of all), where the position is best known.
    error : float
        Standard error of the slope.
    spread : float
        Standard deviation of the residuals, n - 2 degrees of freedom.
    sum_squares : float
        Of times about their mean, years².
    r2 : float
        Share of the variance that the line explains.
    rho : float
        Autocorrelation of the residuals from one date to the next, corrected for its bias.
    effective : float
        Number of independent dates that are worth the n correlated ones.
    """

    slope: Floats
    intercept: Floats
    middle: Floats
    error: Floats
    spread: Floats
    sum_squares: Floats
    r2: Floats
    rho: Floats
    effective: Floats

    def half_width(self, confidence: float, count: NDArray) -> Floats:
        """Half width of the plain interval: t(n - 2) × standard error."""
        return np.asarray(student.ppf((1 + confidence) / 2, np.maximum(count - 2, 1)) * self.error)

    @property
    def ar1_error(self) -> Floats:
        """Standard error as if there were ``effective`` dates only."""
        n = self.count_of_error
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.error * np.sqrt((n - 2) / np.maximum(self.effective - 2, 0.5))

    @property
    def count_of_error(self) -> Floats:
        """Dates that the plain standard error takes as independent."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.effective * (1 + self.rho) / (1 - self.rho))

    def ar1_half_width(self, confidence: float) -> Floats:
        """Half width that minds autocorrelation: t(effective - 2) × :attr:`ar1_error`."""
        freedom = np.maximum(self.effective - 2, 1)
        return np.asarray(student.ppf((1 + confidence) / 2, freedom) * self.ar1_error)

    def smallest_detectable(self, confidence: float = 0.95, power: float = 0.8) -> Floats:
        """The smallest rate that would be found significant with that power, m a year.

        ``(t(confidence) + t(power)) × ar1_error`` (Weatherhead et al. 1998, JGR 103, 17149).
        """
        freedom = np.maximum(self.effective - 2, 1)
        both = student.ppf((1 + confidence) / 2, freedom) + student.ppf(power, freedom)
        return np.asarray(both * self.ar1_error)


def _blank(m: int) -> Floats:
    return np.full(m, np.nan)


def fit_lines(series: Ordered, weights: Floats | None = None) -> Fit:
    """Least squares of position on time, for every transect at once.

    Parameters
    ----------
    series : Ordered
    weights : array (n,), optional
        Weight of each row (1 / σ²); ordinary least squares without.

    Returns
    -------
    Fit
        Slopes need two dates that differ, errors three.

    Notes
    -----
    Autocorrelation of residuals is that of neighbouring dates, whose bias in a short detrended
    series, (1 + 4 ρ) / n, is added back (Kendall 1954); negative values count as none.
    Effective number ``n (1 - ρ) / (1 + ρ)``: Santer et al. (2000), JGR 105, 7337-7356.
    """
    m = len(series.names)
    out = {name: _blank(m) for name in Fit.__dataclass_fields__}
    for which, rows in series.equal_counts():
        n = rows.shape[1]
        t, y = series.time[rows], series.value[rows]
        w = np.ones_like(t) if weights is None else weights[rows]
        total = w.sum(1, keepdims=True)
        middle = (w * t).sum(1, keepdims=True) / total
        level = (w * y).sum(1, keepdims=True) / total
        dt, dy = t - middle, y - level
        sxx = (w * dt * dt).sum(1)
        sxx = np.where(sxx > 1e-9 * total[:, 0], sxx, np.nan)
        slope = (w * dt * dy).sum(1) / sxx
        residual = dy - slope[:, None] * dt
        ssr = (w * residual * residual).sum(1)
        out["slope"][which] = slope
        out["intercept"][which], out["middle"][which] = level[:, 0], middle[:, 0]
        out["sum_squares"][which] = sxx
        syy = (w * dy * dy).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            out["r2"][which] = np.where(syy > 0, 1 - ssr / syy, np.nan)
        if n < 3:
            continue
        variance = ssr / (n - 2)
        out["error"][which] = np.sqrt(variance / sxx)
        out["spread"][which] = np.sqrt(variance)
        square = (residual * residual).sum(1)
        lag = (residual[:, 1:] * residual[:, :-1]).sum(1)
        rho = np.divide(lag, square, out=np.zeros(len(which)), where=square > 1e-18)
        rho = np.clip(rho + (1 + 4 * rho) / n, 0, 0.95) if n >= 8 else np.zeros(len(which))
        out["rho"][which] = rho
        out["effective"][which] = n * (1 - rho) / (1 + rho)
    return Fit(**out)


def theil_sen(series: Ordered, confidence: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Median of the slopes between all pairs of dates, with its interval.

    Returns
    -------
    (slope, low, high)
        Metres a year, shape (transects,).

    Notes
    -----
    Equal to :func:`scipy.stats.theilslopes`. Pairs of one instant have no slope and are left
    out. Source: Sen (1968), Journal of the American Statistical Association 63, 1379-1389.
    """
    m = len(series.names)
    slope, low, high = _blank(m), _blank(m), _blank(m)
    z = float(ndtri((1 + confidence) / 2))
    for which, rows in series.equal_counts():
        n = rows.shape[1]
        if n < 2:
            continue
        i, j = np.triu_indices(n, 1)
        sigma = np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        step = max(1, _PAIRS // len(i))
        for begin in range(0, len(which), step):
            part = slice(begin, begin + step)
            t, y = series.time[rows[part]], series.value[rows[part]]
            dt, dy = t[:, j] - t[:, i], y[:, j] - y[:, i]
            # Same instant: sorted past the end, and not counted.
            pair = np.divide(dy, dt, out=np.full_like(dt, np.inf), where=dt > 0)
            pairs = (dt > 0).sum(1)
            for number in np.unique(pairs[pairs > 0]):
                same = np.flatnonzero(pairs == number)
                upper = min(round((number + z * sigma) / 2), number - 1)
                lower = max(round((number - z * sigma) / 2) - 1, 0)
                wanted = {(number - 1) // 2, number // 2, int(upper), int(lower)}
                sorted_ = np.partition(pair[same], sorted(wanted), axis=1)
                at = which[part][same]
                slope[at] = (sorted_[:, (number - 1) // 2] + sorted_[:, number // 2]) / 2
                if n >= 3:
                    low[at], high[at] = sorted_[:, int(lower)], sorted_[:, int(upper)]
    return slope, low, high
