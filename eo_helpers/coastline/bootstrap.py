"""How sure a rate is when years resemble their neighbours: years drawn again, in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from ._grouped import Ordered

__all__ = ["RESAMPLES", "block_bootstrap", "block_length"]

Floats = NDArray[np.float64]
#: Draws of the years. With 400, bounds move by some 3 % of the width from one seed to another.
RESAMPLES = 400
#: Bytes of one sum held at once: bounds the memory.
_ROOM = 8_000_000


def block_length(years: int) -> int:
    """Years in a block: 1.5 times the cube root of their number, 5 for 40 years.

    The growth is that of Hall, Horowitz & Jing (1995); the factor comes from simulated shores
    whose years resemble their neighbours (see the benchmark), where shorter blocks held less.
    """
    return max(1, round(1.5 * years ** (1 / 3)))


def _draws(years: int, length: int, resamples: int, rng: np.random.Generator) -> Floats:
    """How often each year is drawn, shape (years, resamples): circular moving blocks."""
    blocks = -(-years // length)
    start = rng.integers(0, years, (resamples, blocks))
    drawn = (start[:, :, None] + np.arange(length)) % years
    drawn = drawn.reshape(resamples, -1)[:, :years]
    flat = drawn + np.arange(resamples)[:, None] * years
    times = np.bincount(flat.ravel(), minlength=resamples * years)
    return np.asarray(times.reshape(resamples, years).T, dtype=float)


def block_bootstrap(
    series: Ordered,
    *,
    confidence: float = 0.95,
    block_years: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Floats, Floats, Floats]:
    """Interval of the regression rate from years drawn again with their dates.

    Parameters
    ----------
    series : Ordered
        Positions of all transects.
    confidence : float
        What the interval holds.
    block_years : int, optional
        Consecutive observed years that are drawn together; by default :func:`block_length`.
    resamples : int
        Number of draws.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    (low, high, error)
        Metres a year, shape (transects,); NaN under four years with dates.

    Notes
    -----
    All dates of a year go together, so that what happens within a year (season, storms, tides
    that always catch the satellite alike) is not counted as independent; blocks of years mind
    what lasts longer. The interval is the rate ± t(years - 2) × the standard deviation of the
    draws, widened by √(years / (years - 2)) for the two parameters fitted: percentiles alone
    are too narrow with few years. Sources: Künsch (1989), Annals of Statistics 17, 1217-1241;
    Politis & Romano (1992) for circular blocks.
    """
    rng = np.random.default_rng(seed)
    m = len(series.names)
    low, high, error = (np.full(m, np.nan) for _ in range(3))
    if not len(series.value):
        return low, high, error
    owner = series.owner
    total = np.maximum(series.count, 1)
    t = series.time - (np.bincount(owner, series.time, m) / total)[owner]
    y = series.value - (np.bincount(owner, series.value, m) / total)[owner]
    # Rank of each row's year among the observed years of its transect.
    fresh = np.ones(len(owner), bool)
    fresh[1:] = (owner[1:] != owner[:-1]) | (series.year[1:] != series.year[:-1])
    nth = np.cumsum(fresh) - 1
    years = np.bincount(owner[fresh], minlength=m)
    cell = nth - (np.cumsum(years) - years)[owner]
    for count in np.unique(years[years >= 4]):
        which = np.flatnonzero(years == count)
        slot = np.full(m, -1)
        slot[which] = np.arange(len(which))
        rows = slot[owner] >= 0
        at = slot[owner[rows]] * count + cell[rows]
        size = len(which) * count
        tr, yr = t[rows], y[rows]
        sums = [
            np.bincount(at, w, size).reshape(len(which), count)
            for w in (np.ones(len(tr)), tr, yr, tr * tr, tr * yr)
        ]
        length = block_years or block_length(int(count))
        draws = _draws(int(count), min(length, int(count)), resamples, rng)
        step = max(1, _ROOM // (8 * resamples))
        for begin in range(0, len(which), step):
            part = slice(begin, begin + step)
            n, st, sy, stt, sty = np.stack([s[part] for s in sums]) @ draws
            spread = n * stt - st * st
            spread[spread <= 1e-9 * np.maximum(n * stt, 1e-300)] = np.nan
            slope = (n * sty - st * sy) / spread
            # A draw of one block over and over has no slope of its own.
            error[which[part]] = np.nanstd(slope, axis=1, ddof=1)
        s_tt, s_ty = sums[3].sum(1), sums[4].sum(1)
        rate = s_ty / np.where(s_tt > 0, s_tt, np.nan)
        error[which] *= np.sqrt(count / (count - 2))
        half = student.ppf((1 + confidence) / 2, count - 2) * error[which]
        low[which], high[which] = rate - half, rate + half
    return low, high, error
