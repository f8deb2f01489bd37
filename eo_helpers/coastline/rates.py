"""How fast a shore moves: the rates of the field, each with how sure it is.

Metres, and metres a year of 365.25 days, positive seaward. A rate is one of a period: ``first``
and ``last`` go with it everywhere.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InvalidInput
from ._grouped import Ordered, ordered, yearly_means
from .bootstrap import RESAMPLES, block_bootstrap
from .breaks import rate_breaks
from .inec import classify
from .regression import Fit, fit_lines, theil_sen

__all__ = ["COLUMNS", "LEAST_DATES", "LEAST_SPAN", "rates"]

Floats = NDArray[np.float64]
#: Dates, and years from the first to the last, under which no rate is given.
LEAST_DATES = 2
LEAST_SPAN = 1.0
#: What comes first in a table of rates, in this order.
COLUMNS = (
    "transect", "n", "first", "last", "nsm", "sce", "epr", "lrr", "lrr_ci_low", "lrr_ci_high",
    "wlr", "theil_sen",
)  # fmt: skip


def _end_points(series: Ordered, sigma: float | None, z: float) -> dict[str, Floats]:
    """NSM, SCE, EPR and its half width."""
    m = len(series.names)
    some = series.count > 0
    out = {k: np.full(m, np.nan) for k in ("nsm", "sce", "epr", "epr_ci", "span_years")}
    if not some.any():
        return out
    start = series.start[some]
    out["nsm"][some] = series.last(series.value) - series.first(series.value)
    out["sce"][some] = np.maximum.reduceat(series.value, start) - np.minimum.reduceat(
        series.value, start
    )
    out["span_years"][some] = series.last(series.time) - series.first(series.time)
    with np.errstate(invalid="ignore", divide="ignore"):
        span = np.where(out["span_years"] > 0, out["span_years"], np.nan)
    out["epr"] = out["nsm"] / span
    known = np.where(np.isnan(series.sigma), np.nan if sigma is None else sigma, series.sigma)
    both = np.hypot(series.first(known), series.last(known))
    out["epr_ci"][some] = z * both
    out["epr_ci"] = out["epr_ci"] / span
    return out


def _weighted(series: Ordered, plain: Fit) -> Fit:
    """WLR; where errors are not all told, all dates weigh the same, and WLR is LRR."""
    told = np.isfinite(series.sigma) & (series.sigma > 0)
    whole = np.bincount(series.owner[told], minlength=len(series.names)) == series.count
    if not whole.any():
        return plain
    usable = whole[series.owner] & told
    weight = np.where(usable, 1 / np.where(usable, series.sigma, 1.0) ** 2, 1.0)
    return fit_lines(series, weight)


def rates(
    positions: pd.DataFrame,
    *,
    confidence: float = 0.95,
    sigma: float | None = None,
    shift_sigma: float = 0.0,
    least_dates: int = LEAST_DATES,
    least_span: float = LEAST_SPAN,
    block_years: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Every rate of every transect.

    Parameters
    ----------
    positions : DataFrame
        ``transect``, ``date`` (datetime), ``distance_m`` (metres, seaward), and if known
        ``sigma_m`` (standard error of each position, metres).
    confidence : float
        What the intervals hold.
    sigma : float, optional
        Standard error of a position where ``sigma_m`` does not tell it, metres.
    shift_sigma : float
        Standard error, m a year, of what moves all positions of a place alike from one end of
        the period to the other (a change of georeferencing): added to every interval.
    least_dates, least_span : int, float
        Dates, and years from first to last, under which a transect has no rate.
    block_years, resamples, seed
        Of :func:`.bootstrap.block_bootstrap`.

    Returns
    -------
    DataFrame
        One row a transect. First :data:`COLUMNS`: ``nsm`` (last less first), ``sce`` (largest
        less smallest), ``epr`` (nsm over the years), ``lrr`` with its plain interval, ``wlr``,
        ``theil_sen``. Then ``epr_ci`` (half width from the positions' errors, NaN where they
        are not told), ``lrr_r2``, ``lrr_error``, ``wlr_ci_low`` …, ``theil_sen_ci_low`` …,
        ``ar1_ci_low`` … and ``block_ci_low`` … (intervals that mind autocorrelation),
        ``autocorrelation`` (of one year's mean with the next), ``smallest_detectable`` (rate,
        m a year, found with a power of 80 %), ``perceptible`` (the widest of the intervals
        leaves 0 out), ``break_date``, ``break_probability``, ``rate_before``, ``rate_after``,
        ``inec_class``, ``span_years``,
        ``note`` (why there is no rate).

    Raises
    ------
    InvalidInput
        If no transect has two dates.

    Notes
    -----
    NSM, SCE, EPR, LRR, WLR: Himmelstoss et al. (2018), Digital Shoreline Analysis System 5.0,
    USGS Open-File Report 2018-1179. With two dates LRR is EPR, without an interval.
    """
    series = ordered(positions)
    if not len(series.value) or len(np.unique(series.date)) < 2:
        raise InvalidInput(
            "Il n'y a qu'une date (ou aucune) : une vitesse demande au moins deux dates.",
            "There is a single date (or none): a rate takes two dates at least.",
        )
    z = float(-_normal_quantile((1 - confidence) / 2))
    ends = _end_points(series, sigma, z)
    plain = fit_lines(series)
    weighted = _weighted(series, plain)
    sen, sen_low, sen_high = theil_sen(series, confidence)
    block_low, block_high, _ = block_bootstrap(
        series, confidence=confidence, block_years=block_years, resamples=resamples, seed=seed
    )
    carried = z * shift_sigma
    half = np.hypot(plain.half_width(confidence, series.count), carried)
    # Many images of one year are no independent years: autocorrelation is that of yearly means.
    by_year = fit_lines(yearly_means(series))
    wide = np.hypot(by_year.ar1_half_width(confidence), carried)
    lower, upper = _widened(plain.slope, block_low, block_high, carried)
    some = series.count > 0
    first, last = (np.full(len(series.names), np.datetime64("NaT"), "M8[ns]") for _ in range(2))
    first[some], last[some] = series.first(series.date), series.last(series.date)
    out = pd.DataFrame(
        {
            "transect": series.names,
            "n": series.count,
            "first": first,
            "last": last,
            "nsm": ends["nsm"],
            "sce": ends["sce"],
            "epr": ends["epr"],
            "lrr": plain.slope,
            "lrr_ci_low": plain.slope - half,
            "lrr_ci_high": plain.slope + half,
            "wlr": weighted.slope,
            "theil_sen": sen,
            "epr_ci": np.hypot(ends["epr_ci"], carried),
            "lrr_r2": plain.r2,
            "lrr_error": plain.error,
            "wlr_ci_low": weighted.slope - weighted.half_width(confidence, series.count),
            "wlr_ci_high": weighted.slope + weighted.half_width(confidence, series.count),
            "theil_sen_ci_low": sen_low,
            "theil_sen_ci_high": sen_high,
            "ar1_ci_low": plain.slope - wide,
            "ar1_ci_high": plain.slope + wide,
            "block_ci_low": lower,
            "block_ci_high": upper,
            "autocorrelation": by_year.rho,
            "smallest_detectable": by_year.smallest_detectable(confidence),
            "span_years": ends["span_years"],
        }
    )
    out["perceptible"] = _perceptible(out)
    out = pd.concat([out, rate_breaks(series)], axis=1)
    out["inec_class"] = classify(out["epr"].to_numpy(), out["epr_ci"].to_numpy())
    return _noted(out, least_dates, least_span)


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _widened(rate: Floats, low: Floats, high: Floats, carried: float) -> tuple[Floats, Floats]:
    return rate - np.hypot(rate - low, carried), rate + np.hypot(high - rate, carried)


def _perceptible(table: pd.DataFrame) -> NDArray[np.object_]:
    """Whether every interval of the regression rate that could be had leaves 0 out."""
    names = ("lrr", "ar1", "block")
    low = table[[f"{n}_ci_low" for n in names]].min(axis=1).to_numpy()
    high = table[[f"{n}_ci_high" for n in names]].max(axis=1).to_numpy()
    sure = (low > 0) | (high < 0)
    out = sure.astype(object)
    out[np.isnan(low)] = None
    return out


def _noted(table: pd.DataFrame, least_dates: int, least_span: float) -> pd.DataFrame:
    """Rates taken away where dates are too few or too near, with the reason."""
    few = table["n"] < least_dates
    short = ~few & (table["span_years"] < least_span)
    none = few | short
    kept = {"transect", "n", "first", "last", "nsm", "sce", "span_years", "inec_class"}
    for name in table.columns:
        if name not in kept and none.any():
            # An object column (yes, no, not known) holds None where there is none.
            table.loc[none, name] = None if table[name].dtype == object else np.nan
    table.loc[none, "inec_class"] = ""
    table["note"] = np.select(
        [few & (table["n"] <= 1), few, short],
        ["one date", f"fewer than {least_dates} dates", f"less than {least_span:g} years"],
        "",
    )
    return table
