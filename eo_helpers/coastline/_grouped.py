"""Uneven series as a few full arrays: all transects with the same number of dates at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Ordered", "ordered", "yearly_means"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

#: A year is 365.25 days, as in all rates of the field.
_DAY = 86_400e9
YEAR_DAYS = 365.25


@dataclass(frozen=True, eq=False)
class Ordered:
    """Positions of many transects, one after the other, each in the order of time.

    Attributes
    ----------
    names : array (m,)
        Transects, in the order in which they first appear.
    start, count : int array (m,)
        Where the rows of each begin, and how many they are (0: none is valid).
    time, value, sigma : float array (n,)
        Years since the first date of all, metres, standard error in metres (NaN: not told).
    year : int array (n,)
        Calendar year.
    date : datetime64[ns] array (n,)
    """

    names: NDArray[np.object_]
    start: Ints
    count: Ints
    time: Floats
    value: Floats
    sigma: Floats
    year: NDArray[np.int_]
    date: NDArray[np.datetime64]

    def equal_counts(self) -> Iterator[tuple[Ints, Ints]]:
        """Transects with one number of dates, and their rows, shape (transects, dates)."""
        for n in np.unique(self.count[self.count > 0]):
            which = np.flatnonzero(self.count == n)
            yield which, self.start[which][:, None] + np.arange(n)

    @property
    def owner(self) -> Ints:
        """Transect of each row."""
        return np.repeat(np.arange(len(self.names)), self.count)

    def first(self, values: NDArray) -> NDArray:
        """The value of each transect's first date (of transects that have one)."""
        return values[self.start[self.count > 0]]

    def last(self, values: NDArray) -> NDArray:
        """The value of each transect's last date (of transects that have one)."""
        some = self.count > 0
        return values[self.start[some] + self.count[some] - 1]


def ordered(positions: pd.DataFrame) -> Ordered:
    """Sort positions by transect, then by date; rows without a distance are left out.

    Parameters
    ----------
    positions : DataFrame
        ``transect, date, distance_m``, and ``sigma_m`` if there is one.
    """
    code, names = pd.factorize(positions["transect"], sort=False)
    when = pd.DatetimeIndex(positions["date"])
    if when.tz is not None:
        when = when.tz_convert("UTC").tz_localize(None)
    stamp = when.as_unit("ns").to_numpy()
    value = positions["distance_m"].to_numpy(float)
    sigma = (
        positions["sigma_m"].to_numpy(float)
        if "sigma_m" in positions
        else np.full(len(value), np.nan)
    )
    valid = np.flatnonzero(np.isfinite(value) & ~np.isnat(stamp))
    order = valid[np.lexsort((stamp[valid], code[valid]))]
    count = np.bincount(code[order], minlength=len(names))
    stamp = stamp[order]
    origin = stamp.min() if len(stamp) else np.datetime64(0, "ns")
    time = (stamp - origin).astype(np.int64) / (_DAY * YEAR_DAYS)
    return Ordered(
        np.asarray(names, dtype=object),
        np.cumsum(count) - count,
        count,
        time,
        value[order],
        sigma[order],
        stamp.astype("datetime64[Y]").astype(int) + 1970,
        stamp,
    )


def yearly_means(series: Ordered) -> Ordered:
    """One position a transect and calendar year: the mean of its dates, at their mean time."""
    owner = series.owner
    fresh = np.ones(len(owner), bool)
    fresh[1:] = (owner[1:] != owner[:-1]) | (series.year[1:] != series.year[:-1])
    cell = np.cumsum(fresh) - 1
    number = np.bincount(cell)
    count = np.bincount(owner[fresh], minlength=len(series.names))
    return Ordered(
        series.names,
        np.cumsum(count) - count,
        count,
        np.bincount(cell, series.time) / number,
        np.bincount(cell, series.value) / number,
        np.full(len(number), np.nan),
        series.year[fresh],
        series.date[fresh],
    )
