"""Where the rate of a shore changed: a line that bends once, against one that does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._grouped import Ordered

__all__ = ["LEAST_YEARS", "SURE", "rate_breaks"]

Floats = NDArray[np.float64]
#: Years with dates, on either side of a bend, that it takes to tell it.
LEAST_YEARS = 5
#: Probability from which a bend is told.
SURE = 0.95


def _yearly(series: Ordered) -> tuple[Floats, NDArray[np.int_]]:
    """Mean position by year (NaN: none), shape (transects, years), and the years."""
    years = np.arange(series.year.min(), series.year.max() + 1)
    cell = series.owner * len(years) + (series.year - years[0])
    size = len(series.names) * len(years)
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, series.value, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return mean.reshape(-1, len(years)), years


def _independent(residual: Floats, seen: Floats, n: Floats) -> Floats:
    """Independent years that correlated ones are worth (Santer et al. 2000), four at least."""
    pair = seen[:, 1:] * seen[:, :-1]
    lag = (residual[:, 1:] * residual[:, :-1]).sum(1) / np.maximum(pair.sum(1), 1)
    variance = (residual * residual).sum(1) / n
    rho = np.divide(lag, variance, out=np.zeros(len(n)), where=variance > 0)
    rho = np.clip(rho + (1 + 4 * rho) / n, 0, 0.9)
    return np.asarray(np.maximum(n * (1 - rho) / (1 + rho), 4))


def rate_breaks(series: Ordered) -> pd.DataFrame:
    """The year in which the rate changed most, and how likely it is that it changed.

    Parameters
    ----------
    series : Ordered

    Returns
    -------
    DataFrame
        One row a transect: ``break_date`` (``YYYY``, empty where none is told),
        ``break_probability``, ``rate_before``, ``rate_after`` (metres a year, NaN where none).

    Notes
    -----
    On yearly means, so that a year with many images does not weigh more. Each year in turn is
    tried as the bend of a continuous line; the probabilities of one bend and of none, equally
    likely beforehand, come from the Bayesian information criterion of each (Kass & Raftery
    1995, JASA 90, 773-795), with the number of independent years reduced as residuals are
    autocorrelated, and are summed over the years of the bend.
    """
    m = len(series.names)
    out = pd.DataFrame(
        {"break_date": np.full(m, "", object), "break_probability": np.full(m, np.nan),
         "rate_before": np.full(m, np.nan), "rate_after": np.full(m, np.nan)}
    )  # fmt: skip
    mean, years = _yearly(series)
    seen = np.isfinite(mean)
    count = seen.sum(1)
    usable = np.flatnonzero(count >= 2 * LEAST_YEARS)
    if not len(usable):
        return out
    here = seen[usable]
    n, before = count[usable].astype(float), np.cumsum(here, axis=1)
    w = here.astype(float)
    # Time and position about each transect's own mean, so that sums stay exact.
    t = years - years.mean()
    middle = (w @ t) / n
    dt = (t - middle[:, None]) * w
    sxx = (dt * dt).sum(1)
    y = np.where(here, mean[usable], 0.0)
    y = (y - (y.sum(1) / n)[:, None]) * w
    line = (dt * y).sum(1) / sxx
    residual = y - line[:, None] * dt
    flat = (residual * residual).sum(1)
    # A hinge at each year, less what a straight line already explains of it.
    tried = np.arange(LEAST_YEARS, len(years) - LEAST_YEARS + 1)
    hinge = np.maximum(t[:, None] - t[np.minimum(tried, len(years) - 1)], 0)
    share = (dt @ hinge) / sxx[:, None]
    size = w @ hinge**2 - (w @ hinge) ** 2 / n[:, None] - share**2 * sxx[:, None]
    along = residual @ hinge
    allowed = (before[:, tried - 1] >= LEAST_YEARS) & (
        count[usable][:, None] - before[:, tried - 1] >= LEAST_YEARS
    )
    allowed &= size > 1e-9
    size = np.where(allowed, size, 1.0)
    floor = np.maximum(1e-9 * (y * y).sum(1), 1e-12)[:, None]
    bent = np.maximum(flat[:, None] - along**2 / size, floor)
    rows = np.arange(len(usable))
    best = np.where(allowed, bent, np.inf).argmin(1)
    bend = along[rows, best] / size[rows, best]
    # What is left of the best bend: the bend itself would look like autocorrelation.
    level = (w @ hinge) / n[:, None]
    own = (hinge.T[best] - level[rows, best][:, None]) * w - share[rows, best][:, None] * dt
    worth = _independent(residual - bend[:, None] * own, w, n)
    gain = worth[:, None] / 2 * np.log(np.maximum(flat[:, None], floor) / bent)
    score = np.where(allowed, gain - np.log(worth)[:, None], -np.inf)
    found = allowed.any(1)
    evidence = np.exp(np.clip(score, -700, 600)) * allowed
    weight = evidence.sum(1) / np.maximum(allowed.sum(1), 1)
    probability = weight / (1 + weight)
    slope = line - bend * share[rows, best]
    told = found & (probability >= SURE)
    at = usable[told]
    out.loc[usable[found], "break_probability"] = probability[found]
    out.loc[at, "break_date"] = [str(years[tried[b]]) for b in best[told]]
    out.loc[at, "rate_before"] = slope[told]
    out.loc[at, "rate_after"] = (slope + bend)[told]
    return out
