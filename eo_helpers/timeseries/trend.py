"""Robust trends: Theil-Sen slope with its interval, Mann-Kendall that minds autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Trend", "mann_kendall_variance_ratio", "theil_sen"]


@dataclass(frozen=True)
class Trend:
    """Slope per unit of time with its interval; ``p_value`` of no trend; ``pairs`` used."""

    slope: float
    low: float
    high: float
    p_value: float
    pairs: int


def mann_kendall_variance_ratio(residuals: ArrayLike) -> float:
    """Factor by which autocorrelation inflates the variance of the Mann-Kendall statistic.

    Parameters
    ----------
    residuals : array_like (T,)
        Detrended series on a regular time axis, NaN where missing.

    Returns
    -------
    float
        n / n* of Hamed & Rao, never below 1: autocorrelation is not taken as extra
        information. Only significant autocorrelations of the ranks count.

    Notes
    -----
    Source: Hamed & Rao (1998), A modified Mann-Kendall trend test for autocorrelated
    data, Journal of Hydrology 204, 182-196, equations 16-17.
    """
    e = np.asarray(residuals, float)
    ok = np.isfinite(e)
    n = int(ok.sum())
    if n < 10:
        return 1.0
    z = np.zeros(e.size)
    z[ok] = _ranks(e[ok]) - (n + 1) / 2
    variance = z @ z / n
    if variance == 0:
        return 1.0
    # Far lags are known from few pairs and only add noise to the factor.
    lags = np.arange(1, min(n // 4, 24) + 1)
    seen = ok.astype(float)
    count = np.correlate(seen, seen, "full")[e.size :][: lags.size]
    product = np.correlate(z, z, "full")[e.size :][: lags.size]
    known = count >= 10
    lags, count, product = lags[known], count[known], product[known]
    rho = product / count / variance
    rho[np.abs(rho) <= 1.96 / np.sqrt(count)] = 0.0
    total = float(((n - lags) * (n - lags - 1) * (n - lags - 2) * rho).sum())
    return float(max(1.0, 1 + 2 * total / (n * (n - 1) * (n - 2))))


@lru_cache(maxsize=64)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every pair ``i < j``: the same for all series of one length."""
    i, j = np.triu_indices(n, 1)
    return i, j


def theil_sen(
    values: ArrayLike, time: ArrayLike, segments: ArrayLike | None = None, alpha: float = 0.05
) -> Trend:
    """Theil-Sen slope of one series, its interval and the Mann-Kendall test.

    Parameters
    ----------
    values : array_like (T,)
        Season taken out; NaN is a gap. The time axis must be regular for the
        correction of autocorrelation.
    time : array_like (T,)
        Time, in the unit that the slope is wanted per.
    segments : array_like of int (T,), optional
        Only pairs within one segment count: the slope between sudden changes.
    alpha : float
        The interval holds ``1 - alpha``.

    Returns
    -------
    Trend
        NaN everywhere if there are fewer than ten pairs.

    Notes
    -----
    Without segments, gaps and autocorrelation the interval is that of
    :func:`scipy.stats.theilslopes`. Sources: Sen (1968), Journal of the American
    Statistical Association 63, 1379-1389; variance with groups as in the seasonal
    test of Hirsch, Slack & Smith (1982); :func:`mann_kendall_variance_ratio`.
    """
    y = np.asarray(values, float)
    t = np.asarray(time, float)
    groups = np.zeros(y.size, int) if segments is None else np.asarray(segments)
    ok = np.isfinite(y)
    slopes: list[NDArray[np.float64]] = []
    score, variance = 0.0, 0.0
    detrended = np.full(y.size, np.nan)
    for group in np.unique(groups[ok]):
        inside = ok & (groups == group)
        yi, ti = y[inside], t[inside]
        if yi.size < 3:
            continue
        i, j = _pairs(yi.size)
        rise = yi.take(j) - yi.take(i)
        slope = np.divide(rise, ti.take(j) - ti.take(i))
        middle = _middle(slope.size)
        slope.partition(middle)
        slopes.append(slope)
        score += float(np.count_nonzero(rise > 0) - np.count_nonzero(rise < 0))
        variance += _variance(yi.size) - sum(_variance(k) for k in _ties(yi))
        detrended[inside] = yi - slope[list(middle)].mean() * ti
        detrended[inside] -= np.median(detrended[inside])
    pairs = sum(s.size for s in slopes)
    if pairs < 10 or variance <= 0:
        return Trend(np.nan, np.nan, np.nan, np.nan, pairs)
    spread = np.sqrt(variance * mann_kendall_variance_ratio(detrended))
    half = ndtri(1 - alpha / 2) * spread
    # Ranks of the bounds as in Sen (1968) and scipy.stats.theilslopes.
    upper = min(int(np.round((pairs + half) / 2)), pairs - 1)
    lower = max(int(np.round((pairs - half) / 2)) - 1, 0)
    ordered = slopes[0] if len(slopes) == 1 else np.concatenate(slopes)
    middle = _middle(pairs)
    if len(slopes) > 1:
        ordered.partition(middle)
    # The bounds lie on either side of the middle, each in its own half.
    if lower < middle[0]:
        ordered[: middle[0]].partition(lower)
    if upper > middle[1]:
        ordered[middle[1] + 1 :].partition(upper - middle[1] - 1)
    z = (score - np.sign(score)) / spread
    return Trend(
        float((ordered[middle[0]] + ordered[middle[1]]) / 2),
        float(ordered[lower]),
        float(ordered[upper]),
        float(2 * ndtr(-abs(z))),
        pairs,
    )


def _middle(n: int) -> tuple[int, int]:
    """Positions, in order, of the one or two values that the median is the mean of."""
    return (n - 1) // 2, n // 2


def _ranks(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing theirs (``rankdata``, whose checks cost more)."""
    order = v.argsort(kind="stable")
    ordered = v[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    first = np.nonzero(starts)[0]
    last = np.concatenate([first[1:], [v.size]])
    out = np.empty(v.size)
    out[order] = ((first + 1 + last) / 2)[np.cumsum(starts) - 1]
    return out


def _ties(v: NDArray[np.float64]) -> list[int]:
    """How many values are equal, for each value that is there more than once."""
    ordered = np.sort(v)
    if not (ordered[1:] == ordered[:-1]).any():
        return []
    _, count = np.unique(ordered, return_counts=True)
    return [int(k) for k in count if k > 1]


def _variance(n: int) -> float:
    return n * (n - 1) * (2 * n + 5) / 18
