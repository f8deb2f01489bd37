"""What a series of night radiance says: events, practice and trend, on dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..timeseries.breaks import Break, Changes, detect_breaks
from ..timeseries.trend import Trend, theil_sen
from .neighbours import judged
from .practice import Classification, classify, segments_of

__all__ = ["Assessment", "assess", "regular_axis"]

Step = Literal["month", "day"]


@dataclass(frozen=True, eq=False)
class Assessment:
    """Events, practice and trend of one series.

    ``dates`` is a regular axis (months or days), ``trend`` in percent a year, apart
    from sudden changes; ``changes`` is None where there are too few values.
    """

    dates: pd.DatetimeIndex
    step: Step
    changes: Changes | None
    classification: Classification
    trend: Trend

    def date(self, index: int) -> str:
        """``YYYY-MM`` (``YYYY-MM-DD`` of a daily series) of a position on the axis."""
        return str(self.dates[index].strftime("%Y-%m" if self.step == "month" else "%Y-%m-%d"))

    def event(self, b: Break) -> dict[str, Any]:
        """One event as the command line writes it."""
        return {
            "date": self.date(b.index),
            "date_low": self.date(b.index_low),
            "date_high": self.date(b.index_high),
            "kind": "fall" if b.change_percent < 0 else "rise",
            "change_percent": round(b.change_percent, 1),
            "change_percent_low": round(b.change_low, 1),
            "change_percent_high": round(b.change_high, 1),
            "probability": round(b.probability, 3),
        }

    def to_dict(self) -> dict[str, Any]:
        """The documented output of ``eo-helpers lighting detect``, without the id."""
        fade = self.changes.fade if self.changes else None
        return {
            "practice": self.classification.practice,
            "confidence": round(self.classification.confidence, 3),
            "reason": self.classification.reason or None,
            "neighbours_share": None
            if self.classification.neighbours is None
            else round(self.classification.neighbours, 2),
            "trend_percent_per_year": _round(self.trend.slope),
            "trend_low": _round(self.trend.low),
            "trend_high": _round(self.trend.high),
            "events": [self.event(b) for b in self.classification.events],
            "fade": None
            if fade is None
            else {
                "start": self.date(fade.start),
                "end": self.date(fade.end),
                "change_percent": round(fade.change_percent, 1),
                "probability": round(fade.probability, 3),
            },
            "valid": self.changes.valid if self.changes else None,
            "outliers": [self.date(int(i)) for i in self.changes.outliers] if self.changes else [],
        }


def regular_axis(dates: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, Step]:
    """Axis without holes that holds all ``dates``: months if no month has two, else days."""
    months = dates.to_period("M")
    if not months.has_duplicates:
        axis = pd.period_range(months.min(), months.max(), freq="M").to_timestamp()
        return axis, "month"
    return pd.date_range(dates.min().normalize(), dates.max().normalize(), freq="D"), "day"


def assess(
    dates: pd.DatetimeIndex,
    step: Step,
    values: ArrayLike,
    error: ArrayLike | None = None,
    *,
    outer: ArrayLike | None = None,
) -> list[Assessment]:
    """Events, practice and trend of many series on one regular axis.

    Parameters
    ----------
    dates : pandas.DatetimeIndex (T,)
        From :func:`regular_axis`.
    step : {"month", "day"}
    values : array_like (n, T)
        Radiance, nW·cm⁻²·sr⁻¹; NaN is a gap.
    error : array_like (n, T), optional
        Standard error of each value.
    outer : array_like (n, T), optional
        Of each value, what comes from without (:func:`neighbours.received`): a fall that is
        a neighbour's is then told from one of the place.

    Returns
    -------
    list of Assessment
    """
    r = np.atleast_2d(np.asarray(values, float))
    years = decimal_years(dates, step)
    out = []
    received = None if outer is None else np.atleast_2d(np.asarray(outer, float))
    for k, change in enumerate(detect_breaks(r, years, error=error)):
        found = classify(change)
        if received is not None:
            found = judged(found, change, r[k], received[k], years)
        out.append(Assessment(dates, step, change, found, _trend(change, years)))
    return out


def decimal_years(dates: pd.DatetimeIndex, step: Step) -> NDArray[np.float64]:
    """Time in years: twelfths for months, so that each month has its own phase."""
    if step == "month":
        return np.asarray(dates.year + (dates.month - 1) / 12, float)
    return np.asarray(dates.year + (dates.day_of_year - 1) / 365.25, float)


def _trend(change: Changes | None, years: NDArray[np.float64]) -> Trend:
    """Percent a year between sudden changes."""
    if change is None:
        return Trend(np.nan, np.nan, np.nan, np.nan, 0)
    # Theil-Sen orders values: the floor of the logarithm moves no median.
    values = np.log(np.maximum(change.adjusted, 0.02))
    if years.size > 400:  # all pairs of a long daily series: take each tenth day's median
        keep = np.arange(years.size) // 10
        frame = pd.DataFrame({"k": keep, "v": values, "t": years}).groupby("k")
        values, years = frame["v"].median().to_numpy(), frame["t"].mean().to_numpy()
        segments = pd.Series(segments_of(change, keep.size)).groupby(keep).first().to_numpy()
    else:
        segments = segments_of(change, years.size)
    t = theil_sen(values, years, segments)
    slope, low, high = (100 * float(np.expm1(v)) for v in (t.slope, t.low, t.high))
    return Trend(slope, low, high, t.p_value, t.pairs)


def _round(value: float) -> float | None:
    return round(value, 2) if np.isfinite(value) else None
